"""Packages posted to a portal: a real web server with TLS, tokens, and refusals."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
import ssl
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from pytest_httpserver import HTTPServer
from werkzeug import Response

from mis_bridge.channels.https_post import HttpsPost
from mis_bridge.channels.oauth_token import ClientCredentials
from mis_bridge.channels.outcome import Result
from mis_bridge.errors import SettingsError
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.model import Disclosure

from .conftest import NOW

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from werkzeug import Request

    from mis_bridge.io.clock import ManualClock
    from mis_bridge.messages.model import Message

    Make = Callable[..., HttpsPost]

CLIENT_SECRET = "invented-client-secret"
PACKAGES = "/api/v2/packages"


@pytest.fixture
async def make(web: HTTPServer, ca_bundle: Path, clock: ManualClock) -> AsyncIterator[Make]:
    """Make the channel that posts to the server, with a token."""
    transport = Transport(ca_bundle=ca_bundle)

    def make(**options: Any) -> HttpsPost:
        return HttpsPost(
            "la-portal",
            **{
                "disclosure": Disclosure.FULL,
                "url": web.url_for(PACKAGES),
                "transport": transport,
                "clock": clock,
                "tokens": ClientCredentials(
                    web.url_for("/token"),
                    "school 123456",
                    Secret(CLIENT_SECRET, reference="credential:la-secret"),
                    "packages.write",
                    transport,
                    clock,
                ),
                "timeout_seconds": 20.0,
                **options,
            },
        )

    yield make
    await transport.aclose()


def gives_tokens(web: HTTPServer, **answer: Any) -> list[Request]:
    """Let the server give tokens, each another one; returns what it was asked."""
    asked: list[Request] = []

    def give(request: Request) -> Response:
        asked.append(request)
        body = {"access_token": f"invented-token-{len(asked)}", "expires_in": 3600, **answer}
        return Response(json.dumps(body), content_type="application/json")

    web.expect_request("/token", method="POST").respond_with_handler(give)
    return asked


def takes(web: HTTPServer, *answers: Response | tuple[int, Any]) -> list[Request]:
    """Let the portal answer one post after the other; returns what was posted."""
    posted: list[Request] = []

    def take(request: Request) -> Response:
        answer = answers[min(len(posted), len(answers) - 1)]
        posted.append(request)
        if isinstance(answer, Response):
            return answer
        status, body = answer
        return Response(json.dumps(body), status=status, content_type="application/json")

    web.expect_request(PACKAGES, method="POST").respond_with_handler(take)
    return posted


async def test_a_package_arrives_byte_for_byte_and_the_reference_is_kept(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """Every file as it was approved; what the portal calls it is the proof."""
    gives_tokens(web)
    (posted,) = (takes(web, (201, {"reference": "CME-2026-0417"})),)

    outcome = await make().send(approved)

    assert outcome.result is Result.SENT, outcome
    assert outcome.proof.startswith("reference CME-2026-0417, HTTP 201")
    (request,) = posted
    body = json.loads(request.get_data())
    files = {file["name"]: base64.b64decode(file["base64"]) for file in body["files"]}
    assert files == {file.name: file.content for file in approved.attachments}
    sidecar = next(content for name, content in files.items() if name.endswith(".json"))
    assert body["package"] == json.loads(sidecar)
    assert request.headers["Authorization"] == "Bearer invented-token-1"
    assert (body["reference"], body["kind"], body["version"]) == (approved.reference, "cme", 1)


async def test_the_token_is_asked_for_as_the_standard_says(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """RFC 6749, sections 2.3.1 and 4.4.2: form-encoded name and secret, in the header."""
    asked = gives_tokens(web)
    takes(web, (201, {"reference": "X1"}))

    await make().send(approved)

    (request,) = asked
    pair = base64.b64encode(f"school+123456:{CLIENT_SECRET}".encode()).decode()
    assert request.headers["Authorization"] == f"Basic {pair}"
    assert request.form.to_dict() == {"grant_type": "client_credentials", "scope": "packages.write"}


async def test_every_attempt_carries_the_same_key_and_the_same_bytes(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """Over a fault of the portal, over a restart of ours, and by another message of the outbox."""
    gives_tokens(web)
    posted = takes(web, (503, {}), (201, {"reference": "X1"}), (200, {"reference": "X1"}))

    first = await make().send(approved)
    second = await make().send(approved)
    third = await make().send(dataclasses.replace(approved, id="another" * 9 + "b"))

    assert [o.result for o in (first, second, third)] == [Result.RETRY, Result.SENT, Result.SENT]
    assert len({request.headers["Idempotency-Key"] for request in posted}) == 1
    assert len({request.get_data() for request in posted}) == 1


async def test_another_version_has_another_key(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """Made anew after a refusal, it is a new package for the portal."""
    gives_tokens(web)
    posted = takes(web, (201, {"reference": "X1"}))
    assert approved.package is not None
    anew = dataclasses.replace(approved.package, id="beef" * 16, version=2)

    await make().send(approved)
    await make().send(dataclasses.replace(approved, package=anew))

    assert len({request.headers["Idempotency-Key"] for request in posted}) == 2


async def test_a_token_is_used_until_shortly_before_its_end(
    web: HTTPServer, make: Make, approved: Message, clock: ManualClock
) -> None:
    """One for all packages of an hour, and a new one half a minute before it ends."""
    asked = gives_tokens(web, expires_in=600)
    posted = takes(web, (201, {"reference": "X1"}))
    channel = make()

    await channel.send(approved)
    clock.advance(seconds=569)
    await channel.send(approved)
    clock.advance(seconds=2)
    await channel.send(approved)

    assert len(asked) == 2
    tokens = [request.headers["Authorization"][-1] for request in posted]
    assert tokens == ["1", "1", "2"]


async def test_a_refused_token_is_refreshed_once(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """It was withdrawn before its time: a new one, the same key."""
    asked = gives_tokens(web)
    posted = takes(web, (401, {}), (201, {"reference": "X1"}))

    outcome = await make().send(approved)

    assert outcome.result is Result.SENT, outcome
    assert len(asked) == 2
    assert len({request.headers["Idempotency-Key"] for request in posted}) == 1


async def test_a_second_refusal_of_the_token_is_for_a_person(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """No third attempt: the portal does not know us."""
    gives_tokens(web)
    posted = takes(web, (401, {}))

    outcome = await make().send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert len(posted) == 2


@pytest.mark.parametrize(
    ("status", "answer", "result", "words"),
    [
        (401, {"error": "invalid_client", "error_description": CLIENT_SECRET}, "permanent",
         "401 invalid_client"),
        (400, {"error": "invalid_scope"}, "permanent", "400 invalid_scope"),
        (400, {"error": CLIENT_SECRET}, "permanent", "no token (400)"),
        (200, {"token": "nothing that we know"}, "permanent", "no token (200)"),
        (503, {}, "retry", "no token for now (503)"),
    ],
)  # fmt: skip
async def test_no_token_no_package(
    web: HTTPServer,
    make: Make,
    approved: Message,
    status: int,
    answer: dict[str, str],
    result: str,
    words: str,
) -> None:
    """Of the token service's words only the standard's own are repeated."""
    web.expect_request("/token").respond_with_json(answer, status=status)
    posted = takes(web, (201, {}))

    outcome = await make().send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result(result), result == "permanent")
    assert words in outcome.detail
    assert posted == []


async def test_too_many_requests_wait_as_long_as_the_portal_wishes(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """Retry-After in seconds, and as a date a quarter of an hour from now."""
    gives_tokens(web)
    takes(
        web,
        Response(status=429, headers={"Retry-After": "120"}),
        Response(status=503, headers={"Retry-After": "Mon, 23 Nov 2026 09:50:00 GMT"}),
    )
    channel = make()

    first, second = await channel.send(approved), await channel.send(approved)

    assert (first.result, first.retry_after) == (Result.RETRY, 120)
    assert (second.result, second.retry_after) == (Result.RETRY, 900)


async def test_a_portal_that_refuses_is_told_with_its_reason(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """RFC 9457: which field and what is wrong with it; the person corrects the package."""
    gives_tokens(web)
    problem = {
        "type": "https://portal.la.example/problems/incomplete",
        "title": "The notification is incomplete",
        "detail": "Two fields are wrong",
        "errors": [
            {"pointer": "/package/sections/0/address", "detail": "is required"},
            {"field": "home_visit", "message": "must be completed before a child is notified"},
        ],
    }
    takes(web, (422, problem))

    outcome = await make().send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, False)
    assert "Two fields are wrong" in outcome.detail
    assert "/package/sections/0/address: is required" in outcome.detail
    assert "home_visit: must be completed before a child is notified" in outcome.detail
    assert "(422)" in outcome.detail


async def test_what_a_portal_repeats_of_the_child_is_covered(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """Names in any case and without accents, the UPN, dates in any form: none gets into a log."""
    gives_tokens(web)
    detail = (
        "Surname TESTPUPIL of Ada (UPN A999000000001, born 2014-03-09 or 09/03/2014) "
        "is on roll elsewhere"
    )
    takes(web, (409 + 13, {"detail": detail}))

    outcome = await make().send(approved)

    assert outcome.result is Result.PERMANENT
    for told in ("TESTPUPIL", "Ada", "A999000000001", "2014-03-09", "09/03/2014"):
        assert told not in outcome.detail
    assert "is on roll elsewhere" in outcome.detail


@pytest.mark.parametrize("answer", [{}, {"reference": ""}, {"reference": {"id": 1}}, ["x"]])
async def test_an_answer_without_a_reference_is_accepted(
    web: HTTPServer, make: Make, approved: Message, answer: Any
) -> None:
    """The portal has it; what it calls it nobody knows, and the proof says by which key to ask."""
    gives_tokens(web)
    takes(web, (202, answer))

    outcome = await make().send(approved)

    assert outcome.result is Result.ACCEPTED
    assert "HTTP 202, Idempotency-Key " in outcome.proof


async def test_a_reference_can_lie_deeper(web: HTTPServer, make: Make, approved: Message) -> None:
    """Where the settings say, and a number counts as well."""
    gives_tokens(web)
    takes(web, (200, {"data": {"case": 4711}}))

    outcome = await make(reference="data.case").send(approved)

    assert outcome.proof.startswith("reference 4711, ")


async def test_a_redirect_is_not_followed(web: HTTPServer, make: Make, approved: Message) -> None:
    """Nothing goes to a place that nobody configured; the person hears that it is another host."""
    gives_tokens(web)
    posted = takes(
        web, Response(status=307, headers={"Location": "https://elsewhere.example/packages"})
    )

    outcome = await make().send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "another host" in outcome.detail
    assert "elsewhere" not in outcome.detail
    assert len(posted) == 1


async def test_the_same_package_still_at_work_is_asked_for_again(
    web: HTTPServer, make: Make, approved: Message
) -> None:
    """409: an earlier attempt with this key is not done yet."""
    gives_tokens(web)
    takes(web, (409, {}))

    assert (await make().send(approved)).result is Result.RETRY


async def test_a_certificate_that_does_not_verify_gets_nothing(
    web: HTTPServer, make: Make, approved: Message, clock: ManualClock
) -> None:
    """Neither the package nor the secret that would have got a token."""
    asked = gives_tokens(web)
    async with Transport() as distrusting:
        tokens = ClientCredentials(
            web.url_for("/token"), "x", Secret(CLIENT_SECRET), "", distrusting, clock
        )
        outcome = await make(transport=distrusting, tokens=tokens).send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "certificate does not verify" in outcome.detail
    assert asked == []


async def test_an_answer_that_never_comes_is_unknown(
    web: HTTPServer, make: Make, approved: Message, serve: Callable[..., Any],
    server_context: ssl.SSLContext,
) -> None:  # fmt: skip
    """The portal may have it; the next attempt has the same key."""
    gives_tokens(web)

    async def swallow(reader: Any, _: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read()

    port = await serve(swallow, server_context)
    outcome = await make(url=f"https://localhost:{port}{PACKAGES}", timeout_seconds=0.5).send(
        approved
    )

    assert outcome.result is Result.UNKNOWN


async def test_a_test_posts_nothing(web: HTTPServer, make: Make, approved: Message) -> None:
    """A token is got and the portal is reached; no case is opened there."""
    asked = gives_tokens(web)
    posted = takes(web, (201, {}))
    web.expect_request(PACKAGES, method="OPTIONS").respond_with_data(status=405)
    test = dataclasses.replace(approved, reason=Reason.CHANNEL_TEST, package=None)

    outcome = await make().send(test)

    assert outcome.result is Result.SENT, outcome
    assert "nothing was posted" in outcome.detail
    assert (len(asked), posted) == (1, [])


async def test_an_alert_does_not_go_to_the_portal(
    web: HTTPServer, make: Make, message: Message
) -> None:
    """Only a package that a person approved does."""
    posted = takes(web, (201, {}))

    assert (await make().send(message)).result is Result.PERMANENT
    assert posted == []


@pytest.fixture
def strict_portal(ca: trustme.CA, approved: Message) -> Any:
    """A portal that asks for a certificate of an authority that it knows."""
    theirs = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)
    context.verify_mode = ssl.CERT_REQUIRED
    theirs.configure_trust(context)
    valid = theirs.issue_cert("school.example")
    late = theirs.issue_cert("school.example", not_after=NOW - dt.timedelta(days=1))
    with HTTPServer(host="localhost", port=0, ssl_context=context) as server:
        server.expect_request(PACKAGES, method="POST").respond_with_json({"reference": "M-7"})
        yield server, *(one.private_key_and_cert_chain_pem.bytes() for one in (valid, late))


async def test_a_certificate_says_who_we_are(
    strict_portal: Any, make: Make, approved: Message, ca_bundle: Path
) -> None:
    """Mutual TLS, from one credential with key and certificate, and no token."""
    server, pem, _ = strict_portal
    identity = Secret(pem.decode(), reference="credential:la-certificate")
    async with Transport(ca_bundle=ca_bundle, identity=identity) as transport:
        channel = make(
            url=server.url_for(PACKAGES), transport=transport, tokens=None, identity=identity
        )
        outcome = await channel.send(approved)

    (expiry,) = channel.expiries()
    assert str(expiry).startswith("our certificate in credential:la-certificate expires on ")
    assert (outcome.result, outcome.proof[:13]) == (Result.SENT, "reference M-7")


async def test_our_own_certificate_that_has_expired_is_named(
    strict_portal: Any, make: Make, approved: Message, ca_bundle: Path
) -> None:
    """The portal would only end the handshake; nothing is asked of it."""
    server, _, pem = strict_portal
    identity = Secret(pem.decode(), reference="credential:la-certificate")
    async with Transport(ca_bundle=ca_bundle, identity=identity) as transport:
        channel = make(
            url=server.url_for(PACKAGES), transport=transport, tokens=None, identity=identity
        )
        outcome = await channel.send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "our certificate in credential:la-certificate expired on 22 November 2026" in (
        outcome.detail
    )
    assert server.log == []


async def test_without_our_certificate_nothing_gets_through(
    strict_portal: Any, make: Make, approved: Message, ca_bundle: Path
) -> None:
    """The portal ends the handshake; no package has gone."""
    server, _, _ = strict_portal
    async with Transport(ca_bundle=ca_bundle) as transport:
        channel = make(url=server.url_for(PACKAGES), transport=transport, tokens=None)
        outcome = await channel.send(approved)

    assert outcome.result is not Result.SENT
    assert server.log == []


def test_a_credential_without_a_certificate_is_named() -> None:
    """What stood in it is not repeated."""
    with pytest.raises(SettingsError, match="credential:la-certificate can not be used") as caught:
        Transport(identity=Secret("no certificate", reference="credential:la-certificate"))
    assert "no certificate" not in str(caught.value).replace("its certificate", "")
