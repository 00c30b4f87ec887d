"""The Teams channel against a real web server with TLS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Request, Response

from mis_bridge.channels.allowance import Allowance
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.teams import SIZE_BUDGET, TeamsWebhook
from mis_bridge.channels.webhook import examine
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.model import Disclosure

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Awaitable, Callable

    from pytest_httpserver import HTTPServer

    from mis_bridge.io.clock import ManualClock
    from mis_bridge.messages.model import Message

PATH = "/workflows/0123456789abcdef/triggers/manual/paths/invoke"
QUERY = "api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=INVENTED-sig-0123456789abcdefghij"
SECRET_HEADER = "X-Alert-Secret"


@pytest.fixture
def make(transport: Transport, clock: ManualClock) -> Callable[..., TeamsWebhook]:
    """Make the channel for a flow at a port of this machine."""

    def make(port: int, **options: Any) -> TeamsWebhook:
        url = f"https://localhost:{port}{PATH}?{QUERY}"
        return TeamsWebhook(
            "dsl-teams",
            **{
                "disclosure": Disclosure.INITIALS,
                "url": Secret(url, reference="credential:dsl"),
                "webhook": examine(url),
                "transport": transport,
                "allowance": Allowance(),
                "clock": clock,
                "timeout_seconds": 10.0,
                **options,
            },
        )

    return make


def cards(server: HTTPServer) -> list[dict[str, Any]]:
    """The bodies that the server was sent, in order."""
    return [json.loads(request.get_data()) for request, _ in server.log]


async def test_the_envelope_goes_to_the_address_byte_for_byte(
    web: HTTPServer, make: Callable[..., TeamsWebhook], message: Message
) -> None:
    """The flow gets the card's envelope as JSON, and every byte of the address's query."""
    web.expect_request(PATH, method="POST").respond_with_data(status=202)

    outcome = await make(web.port).send(message)

    request: Request = web.log[0][0]
    assert outcome.result is Result.ACCEPTED
    assert request.query_string.decode() == QUERY
    assert request.content_type == "application/json"
    assert cards(web) == [message.card]


async def test_no_authorization_is_sent_and_the_secret_header_is(
    web: HTTPServer, make: Callable[..., TeamsWebhook], message: Message
) -> None:
    """A token makes a flow for "Anyone" fail, so none is sent; the extra header is."""
    web.expect_request(PATH, method="POST").respond_with_data(status=202)

    await make(web.port, header=(SECRET_HEADER, Secret("invented-header-value"))).send(message)

    headers = web.log[0][0].headers
    assert "Authorization" not in headers
    assert headers[SECRET_HEADER] == "invented-header-value"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, (Result.ACCEPTED, False)),
        (202, (Result.ACCEPTED, False)),
        (204, (Result.ACCEPTED, False)),
        (302, (Result.PERMANENT, True)),
        (400, (Result.PERMANENT, True)),
        (401, (Result.PERMANENT, True)),
        (403, (Result.PERMANENT, True)),
        (404, (Result.PERMANENT, True)),
        (408, (Result.RETRY, False)),
        (413, (Result.PERMANENT, False)),
        (418, (Result.PERMANENT, True)),
        (425, (Result.RETRY, False)),
        (429, (Result.RETRY, False)),
        (500, (Result.RETRY, False)),
        (502, (Result.RETRY, False)),
        (503, (Result.RETRY, False)),
        (504, (Result.RETRY, False)),
    ],
)
async def test_each_answer_has_its_class(
    web: HTTPServer,
    make: Callable[..., TeamsWebhook],
    message: Message,
    status: int,
    expected: tuple[Result, bool],
) -> None:
    """A status is accepted, tried again or permanent; a broken channel raises the alarm."""
    web.expect_request(PATH).respond_with_data(f"{QUERY} Ada Testpupil", status=status)

    outcome = await make(web.port).send(message)

    assert (outcome.result, outcome.config_alarm) == expected
    assert str(status) in outcome.detail + outcome.proof


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("17", 17.0), ("Mon, 23 Nov 2026 09:37:00 GMT", 120.0), ("86400", 3600.0), ("soon", None)],
)
async def test_retry_after_is_obeyed(
    web: HTTPServer,
    make: Callable[..., TeamsWebhook],
    message: Message,
    header: str,
    seconds: float | None,
) -> None:
    """Retry-After in seconds or as a date is handed on, an hour at most; nonsense is not."""
    web.expect_request(PATH).respond_with_data(status=503, headers={"Retry-After": header})

    outcome = await make(web.port).send(message)

    assert outcome.retry_after == seconds


async def test_a_429_closes_every_flow_of_the_same_owner(
    web: HTTPServer, make: Callable[..., TeamsWebhook], message: Message, clock: ManualClock
) -> None:
    """After a 429 the owner's other channel holds back too, until the time has passed."""
    allowance = Allowance()
    first, second = (make(web.port, allowance=allowance) for _ in range(2))
    web.expect_ordered_request(PATH).respond_with_data(status=429, headers={"Retry-After": "30"})
    web.expect_ordered_request(PATH).respond_with_data(status=202)

    refused = await first.send(message)
    held = await second.send(message)
    clock.advance(seconds=30)
    later = await second.send(message)

    assert [o.result for o in (refused, held, later)] == [
        Result.RETRY,
        Result.RETRY,
        Result.ACCEPTED,
    ]
    assert held.retry_after == 30.0
    assert len(web.log) == 2


async def test_the_fifth_message_of_a_second_is_held_back(
    web: HTTPServer, make: Callable[..., TeamsWebhook], message: Message, clock: ManualClock
) -> None:
    """Four a second are sent, the fifth is told how long to wait and costs no request."""
    web.expect_request(PATH).respond_with_data(status=202)
    channel = make(web.port)

    outcomes = [await channel.send(message) for _ in range(5)]

    assert [o.result for o in outcomes] == [Result.ACCEPTED] * 4 + [Result.RETRY]
    assert outcomes[4].retry_after == 1.0
    assert len(web.log) == 4


async def test_a_card_over_the_budget_is_replaced_before_it_is_sent(
    web: HTTPServer, make: Callable[..., TeamsWebhook], message: Message
) -> None:
    """A card that Teams would drop inside the flow becomes a short one with reference and link."""
    body = message.card["attachments"][0]["content"]["body"]
    body += [{"type": "TextBlock", "text": "x" * 1000} for _ in range(20)]
    web.expect_request(PATH).respond_with_data(status=202)

    outcome = await make(web.port).send(message)

    sent = web.log[0][0].get_data().decode()
    assert outcome.result is Result.ACCEPTED
    assert "short card" in outcome.detail
    assert len(sent) < SIZE_BUDGET
    assert message.reference in sent
    assert "https://bridge.school.example/incidents/MB-7F3C-2K9Q" in sent
    assert "Testpupil" not in sent


async def test_a_card_that_is_refused_for_its_size_is_followed_by_a_short_one(
    web: HTTPServer, make: Callable[..., TeamsWebhook], message: Message
) -> None:
    """413 means that this body is too big: the reference still gets through."""
    web.expect_ordered_request(PATH).respond_with_data(status=413)
    web.expect_ordered_request(PATH).respond_with_data(status=202)

    outcome = await make(web.port).send(message)

    assert outcome.result is Result.ACCEPTED
    assert cards(web)[0] == message.card
    assert message.reference in json.dumps(cards(web)[1])


async def test_text_beyond_ascii_arrives_as_it_was(
    web: HTTPServer, make: Callable[..., TeamsWebhook], message: Message
) -> None:
    """Accents and other scripts survive, and the size on the wire is the size that is counted."""
    message.card["attachments"][0]["content"]["body"][0]["text"] = "Zażółć Şükrü Siân 李 🎒"
    web.expect_request(PATH).respond_with_data(status=202)

    await make(web.port).send(message)

    assert web.log[0][0].get_data().isascii()
    assert cards(web) == [message.card]


async def test_a_host_that_does_not_listen_is_tried_again(
    make: Callable[..., TeamsWebhook], message: Message, free_port: int
) -> None:
    """A refused connection has sent nothing."""
    outcome = await make(free_port).send(message)

    assert outcome.result is Result.RETRY
    assert "nothing was sent" in outcome.detail


async def test_a_certificate_that_does_not_verify_raises_the_alarm(
    web: HTTPServer, make: Callable[..., TeamsWebhook], message: Message
) -> None:
    """Trust is not a fault that passes: IT is told, and nothing is sent."""
    async with Transport() as distrustful:
        outcome = await make(web.port, transport=distrustful).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "ca_bundle" in outcome.detail
    assert web.log == []


async def test_silence_after_the_request_is_unknown(
    serve: Callable[..., Awaitable[int]],
    server_context: ssl.SSLContext,
    make: Callable[..., TeamsWebhook],
    message: Message,
) -> None:
    """A flow that does not answer in time may have been started."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            pass

    port = await serve(hang, server_context)

    outcome = await make(port, timeout_seconds=0.5).send(message)

    assert outcome.result is Result.UNKNOWN


async def test_a_connection_that_breaks_after_the_request_is_unknown(
    serve: Callable[..., Awaitable[int]],
    server_context: ssl.SSLContext,
    make: Callable[..., TeamsWebhook],
    message: Message,
) -> None:
    """A flow whose answer breaks off may have been started."""

    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 202 Acc")

    port = await serve(close, server_context)

    outcome = await make(port).send(message)

    assert outcome.result is Result.UNKNOWN


async def test_check_starts_no_flow(web: HTTPServer, make: Callable[..., TeamsWebhook]) -> None:
    """Checking asks for the host's root, without the path and the sig that would start a run."""
    asked: list[str] = []

    def root(request: Request) -> Response:
        asked.append(f"{request.method} {request.full_path}")
        return Response(status=404)

    web.expect_request("/").respond_with_handler(root)

    outcome = await make(web.port).check()

    assert outcome.result is Result.SENT
    assert asked == ["GET /?"]


async def test_check_of_a_host_that_does_not_listen_says_so(
    make: Callable[..., TeamsWebhook], free_port: int
) -> None:
    """Checking never says that something may have arrived."""
    outcome = await make(free_port).check()

    assert outcome.result is Result.RETRY
