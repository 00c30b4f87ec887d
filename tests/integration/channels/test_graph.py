"""The Graph channel against a real OpenID provider and a strict stand-in for Graph, over TLS."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.channels.app_identity import AppCertificate, AppSecret
from mis_bridge.channels.base import Standing
from mis_bridge.channels.entra_token import SignIn, Tokens
from mis_bridge.channels.graph import GraphMail
from mis_bridge.channels.mailbox import AT_ONCE, Mailbox
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.trust import client_context
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.model import Attachment, Disclosure

from .graph_standin import (
    APP_SECRET,
    BROAD,
    BY_SECRET,
    DSL,
    HEAD,
    MAILBOX,
    GraphStandIn,
)
from .microsoft import CLIENT_ID, graph_refusal

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from pathlib import Path
    from typing import Protocol

    from pytest_httpserver import HTTPServer

    from mis_bridge.io.clock import ManualClock
    from mis_bridge.messages.model import Message

    class Provider(Protocol):
        """What the fixture of the provider gives."""

        issuer: str
        authority: str
        keys: list[dict[str, Any]]

    class Identity(Protocol):
        """What the fixtures of app registrations give."""

        @property
        def credential(self) -> str:
            """Key and certificate, in PEM form."""


pytestmark = pytest.mark.peer


@pytest.fixture
def graph(graph_server: HTTPServer, provider: Provider, clock: ManualClock) -> GraphStandIn:
    """Graph, which has seen nothing yet."""
    graph_server.clear()
    return GraphStandIn(graph_server, provider, clock)


@pytest.fixture
def make(
    graph_server: HTTPServer,
    provider: Provider,
    identity: Identity,
    transport: Transport,
    clock: ManualClock,
    ca_bundle: Path,
) -> Callable[..., GraphMail]:
    """Make the channel; ``app`` holds what is to be different about the app."""

    def make(
        app: dict[str, Any] | None = None,
        who: AppCertificate | AppSecret | None = None,
        context: ssl.SSLContext | None = None,
        **options: Any,
    ) -> GraphMail:
        certificate = AppCertificate(
            **{
                "authority": f"{provider.authority}/contoso",
                "client_id": CLIENT_ID,
                "identity": Secret(identity.credential, reference="credential:graph"),
                **(app or {}),
            }
        )
        sign_in = SignIn(who or certificate, context or client_context(ca_bundle), 20.0)
        return GraphMail(
            "dsl-mail",
            **{
                "disclosure": Disclosure.FULL,
                "base_url": f"https://localhost:{graph_server.port}/v1.0",
                "sender": MAILBOX,
                "recipients": (DSL,),
                "tokens": Tokens(sign_in, f"https://localhost:{graph_server.port}/.default"),
                "mailbox": Mailbox(),
                "transport": transport,
                "clock": clock,
                "timeout_seconds": 20.0,
                **options,
            },
        )

    return make


async def test_a_mail_is_accepted_with_a_token_that_the_provider_signed(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """The provider takes the PS256 assertion, Graph takes the token and the mail as MIME."""
    outcome = await make().send(message)

    assert graph.problems == []
    assert outcome.result is Result.ACCEPTED
    assert outcome.proof == f"<{message.id}@school.example>"
    mail = graph.mails[0]
    body = mail.get_body(("plain",))
    assert mail["To"] == DSL
    assert mail["Message-ID"] == outcome.proof
    assert mail["X-Mis-Bridge-Id"] == message.reference
    assert mail["Importance"] == "high"
    assert body is not None
    assert body.get_content().splitlines() == message.text.splitlines()
    assert [a.get_filename() for a in mail.iter_attachments()] == ["return.csv"]


async def test_a_token_is_kept_while_it_is_valid(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """Two mails need one token."""
    channel = make()

    await channel.send(message)
    await channel.send(message)

    assert len(graph.tokens) == 2
    assert len(set(graph.tokens)) == 1


async def test_a_refused_token_is_replaced_once(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """A token that was revoked is thrown away; with a fresh one the mail goes."""
    graph.refuse = [graph_refusal(401, "InvalidAuthenticationToken")]

    outcome = await make().send(message)

    assert outcome.result is Result.ACCEPTED
    assert len(set(graph.tokens)) == 2


async def test_a_second_refusal_is_permanent(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """If Graph refuses a fresh token too, asking again would change nothing."""
    graph.refuse = [graph_refusal(401, "InvalidAuthenticationToken") for _ in range(2)]

    outcome = await make().send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert len(graph.tokens) == 2


@pytest.mark.parametrize(
    ("status_and_code", "expected"),
    [
        ((400, "ErrorInvalidRecipients"), (Result.PERMANENT, False)),
        ((403, "ErrorAccessDenied"), (Result.PERMANENT, True)),
        ((404, "ErrorInvalidUser"), (Result.PERMANENT, True)),
        ((413, "RequestEntityTooLarge"), (Result.PERMANENT, False)),
        ((429, "ApplicationThrottled"), (Result.RETRY, False)),
        ((503, "ServiceUnavailable"), (Result.RETRY, False)),
        ((504, "GatewayTimeout"), (Result.RETRY, False)),
    ],
)
async def test_each_answer_has_its_class(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    message: Message,
    status_and_code: tuple[int, str],
    expected: tuple[Result, bool],
) -> None:
    """Refusals carry Graph's code and never its text, which can repeat what was sent."""
    status, code = status_and_code
    graph.refuse = [graph_refusal(status, code, "40")]

    outcome = await make().send(message)

    assert (outcome.result, outcome.config_alarm) == expected
    assert outcome.shared is (status == 429)
    assert "Testpupil" not in outcome.detail
    if outcome.result is Result.RETRY:
        assert outcome.retry_after == 40.0
    else:
        assert code in outcome.detail


async def test_a_mail_that_is_too_big_is_not_sent(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """Graph takes 4 MB in one request; what can not pass costs no request."""
    big = Attachment("big.pdf", "application/pdf", bytes(3_000_000))

    outcome = await make().send(dataclasses.replace(message, attachments=(big,)))

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, False)
    assert graph.tokens == []


async def test_the_recipients_of_the_message_come_before_those_of_the_channel(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """A package for the authority goes to the authority, and to nobody else."""
    await make().send(dataclasses.replace(message, recipients=("cme@la.example",)))

    assert graph.mails[0]["To"] == "cme@la.example"


async def test_another_key_is_refused_by_the_provider(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    message: Message,
    other_identity: Identity,
) -> None:
    """A certificate that was not uploaded to the app registration gets no token."""
    wrong = Secret(other_identity.credential, reference="credential:graph")

    outcome = await make(app={"identity": wrong}).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "invalid_client" in outcome.detail
    assert graph.tokens == []


async def test_a_key_without_its_certificate_is_said_before_anybody_is_asked(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    message: Message,
) -> None:
    """The text names the credential and what it needs."""
    wrong = Secret("not a key", reference="credential:graph")

    outcome = await make(app={"identity": wrong}).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "credential:graph" in outcome.detail


async def test_another_tenant_is_named_as_the_mistake(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message, provider: Provider
) -> None:
    """The provider has no such tenant (404 at its discovery)."""
    outcome = await make(app={"authority": f"{provider.authority}/fabrikam"}).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "tenant" in outcome.detail


async def test_an_untrusted_provider_raises_the_alarm(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    message: Message,
    monkeypatch: pytest.MonkeyPatch,
    ca_bundle: Path,
) -> None:
    """Whom we trust is one setting; a variable of the requests library does not change it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca_bundle))

    outcome = await make(context=client_context(None)).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "ca_bundle" in outcome.detail
    assert graph.tokens == []


async def test_an_untrusted_graph_raises_the_alarm(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """The token is not shown to a server that can not show who it is."""
    async with Transport() as distrustful:
        outcome = await make(transport=distrustful).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert graph.tokens == []


async def test_graph_that_does_not_listen_is_tried_again(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message, free_port: int
) -> None:
    """A token was given, and nothing was sent."""
    outcome = await make(base_url=f"https://localhost:{free_port}/v1.0").send(message)

    assert outcome.result is Result.RETRY


async def test_check_gets_a_token_and_sends_nothing(
    graph: GraphStandIn, make: Callable[..., GraphMail]
) -> None:
    """Checking goes as far as the token."""
    outcome = await make().check()

    assert outcome.result is Result.SENT
    assert graph.mails == []


async def test_a_client_secret_serves_where_there_is_no_certificate(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    message: Message,
    provider: Provider,
) -> None:
    """The provider takes the app's secret, and Graph the token."""
    authority = f"{provider.authority}/contoso"
    who = AppSecret(authority, BY_SECRET, Secret(APP_SECRET, reference="credential:graph"))

    outcome = await make(who=who).send(message)

    assert outcome.result is Result.ACCEPTED
    assert len(graph.mails) == 1


async def test_a_wrong_client_secret_is_told_with_what_to_look_for(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    message: Message,
    provider: Provider,
) -> None:
    """People copy the secret's ID in place of its value."""
    authority = f"{provider.authority}/contoso"
    who = AppSecret(authority, BY_SECRET, Secret("another-password", reference="credential:graph"))

    outcome = await make(who=who).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "its value (not its ID)" in outcome.detail
    assert graph.tokens == []


async def test_no_more_than_four_requests_use_a_mailbox_at_a_time(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """Graph refuses a fifth of one app and mailbox, by however many channels it comes."""
    graph.hold = threading.Barrier(AT_ONCE)
    mailbox = Mailbox()
    one, other = make(mailbox=mailbox), make(mailbox=mailbox)

    outcomes = await asyncio.gather(
        *(channel.send(message) for channel in (one, other) for _ in range(AT_ONCE))
    )

    assert {outcome.result for outcome in outcomes} == {Result.ACCEPTED}
    assert graph.limits.most_at_once == AT_ONCE


async def test_what_graph_asked_of_one_channel_its_neighbour_obeys(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    message: Message,
    clock: ManualClock,
) -> None:
    """The limits are the mailbox's: nothing is asked before the time that Graph named."""
    graph.refuse = [graph_refusal(429, "ApplicationThrottled", "40")]
    mailbox = Mailbox()
    one, other = make(mailbox=mailbox), make(mailbox=mailbox)

    first, second = await one.send(message), await other.send(message)
    clock.advance(seconds=40)
    third = await other.send(message)

    assert (first.result, first.retry_after, first.shared) == (Result.RETRY, 40.0, True)
    assert (second.result, second.retry_after, second.shared) == (Result.RETRY, 40.0, True)
    assert third.result is Result.ACCEPTED
    assert graph.early == 0


async def test_the_app_is_proved_to_send_from_its_own_mailbox_and_from_no_other(
    graph: GraphStandIn, make: Callable[..., GraphMail]
) -> None:
    """Its own mailbox writes to itself and keeps no copy; the head's is refused with 403."""
    points = await make(must_not_send_as=HEAD).examine(probe=True)

    assert [point.standing for point in points] == [Standing.OK] * 4
    assert points[-1].what == f"does not send as {HEAD}"
    assert "ErrorAccessDenied" in points[-1].detail
    assert graph.problems == []
    ((mailbox, note),) = graph.notes
    assert mailbox == MAILBOX
    assert note["saveToSentItems"] is False
    assert note["message"]["toRecipients"] == [{"emailAddress": {"address": MAILBOX}}]


async def test_an_app_that_exchange_lets_use_another_mailbox_is_a_problem(
    graph: GraphStandIn, make: Callable[..., GraphMail]
) -> None:
    """The mail that should have been refused goes to our own mailbox, and to no person."""
    graph.in_exchange.add(HEAD)

    *_, last = await make(must_not_send_as=HEAD).examine(probe=True)

    assert last.standing is Standing.PROBLEM
    assert "step 3" in last.then
    assert [mailbox for mailbox, _ in graph.notes] == [MAILBOX, HEAD]
    assert {
        recipient["emailAddress"]["address"]
        for _, note in graph.notes
        for recipient in note["message"]["toRecipients"]
    } == {MAILBOX}


async def test_a_permission_for_every_mailbox_is_seen_without_sending(
    graph: GraphStandIn, make: Callable[..., GraphMail]
) -> None:
    """It stands in the token; what the app may do besides is not our matter."""
    points = await make(app={"client_id": BROAD}, must_not_send_as=HEAD).examine(probe=False)

    assert [point.standing for point in points] == [Standing.OK, Standing.PROBLEM]
    assert "Mail.Send is granted for every mailbox" in points[1].detail
    assert graph.notes == []


@pytest.mark.parametrize(
    ("other", "refusal", "told"),
    [
        (None, None, "set must_not_send_as"),
        ("nobody@school.example", None, "a mailbox that exists"),
        (HEAD, (503, "ServiceUnavailable"), ""),
    ],
)
async def test_what_could_not_be_proved_is_not_called_well(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    other: str | None,
    refusal: tuple[int, str] | None,
    told: str,
) -> None:
    """No mailbox named, one that is not there, or Graph out of order."""
    channel = make(must_not_send_as=other)
    if refusal:
        graph.in_exchange.clear()
        graph.refuse = [graph_refusal(403, "ErrorAccessDenied"), graph_refusal(*refusal)]

    *_, last = await channel.examine(probe=True)

    assert last.standing is Standing.DOUBT
    assert told in last.then


async def test_a_mailbox_that_exchange_does_not_allow_yet_is_a_problem(
    graph: GraphStandIn, make: Callable[..., GraphMail]
) -> None:
    """It takes up to two hours until Exchange obeys: the text says so."""
    graph.in_exchange.clear()

    points = await make(must_not_send_as=HEAD).examine(probe=True)

    own = next(point for point in points if point.what == f"sends as {MAILBOX}")
    assert own.standing is Standing.PROBLEM
    assert "up to two hours" in own.detail


async def test_without_a_token_nothing_else_is_looked_at(
    graph: GraphStandIn, make: Callable[..., GraphMail], other_identity: Identity
) -> None:
    """One point, with what to do."""
    wrong = Secret(other_identity.credential, reference="credential:graph")

    points = await make(app={"identity": wrong}).examine(probe=True)

    assert [(point.what, point.standing) for point in points] == [("token", Standing.PROBLEM)]
    assert graph.notes == []
