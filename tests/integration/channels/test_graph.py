"""The Graph channel against a real OpenID provider and a strict stand-in for Graph, over TLS."""

from __future__ import annotations

import base64
import dataclasses
import email
import email.policy
import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from werkzeug import Request, Response

from mis_bridge.channels.graph import GraphMail
from mis_bridge.channels.graph_token import Tokens
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.trust import client_context
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.model import Attachment, Disclosure

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage
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

CLIENT_ID = "11111111-2222-3333-4444-555555555555"
MAILBOX = "safeguarding-bot@school.example"
DSL = "dsl@school.example"


class GraphStandIn:
    """Graph's sendMail, as strict as the documentation: path, token, form of the mail.

    Args:
        server: where it runs; its address is the audience of the tokens.
        provider: whose tokens it takes.
    """

    def __init__(self, server: HTTPServer, provider: Provider) -> None:
        self.mails: list[EmailMessage] = []
        self.tokens: list[str] = []
        self.refuse: list[Response] = []
        self.problems: list[str] = []
        self._audience = f"https://localhost:{server.port}"
        self._issuer = provider.issuer
        self._keys = {key["kid"]: jwt.PyJWK(key) for key in provider.keys}
        server.expect_request(
            f"/v1.0/users/{MAILBOX}/sendMail", method="POST"
        ).respond_with_handler(self.answer)

    def answer(self, request: Request) -> Response:
        """Check a request; answer 202 without a body, or Graph's form of a refusal."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]]
            claims = jwt.decode(
                token, key, algorithms=["RS256"], audience=self._audience, issuer=self._issuer
            )
        except (jwt.InvalidTokenError, KeyError) as error:
            return self._refusal(401, "InvalidAuthenticationToken", repr(error))
        if scheme != "Bearer" or claims["client_id"] != CLIENT_ID:
            return self._refusal(401, "InvalidAuthenticationToken", "not the app's token")
        self.tokens.append(token)
        return self.refuse.pop(0) if self.refuse else self._take(request)

    def _take(self, request: Request) -> Response:
        if request.headers.get("Content-Type") != "text/plain":
            return self._refusal(415, "RequestBodyRead", "not text/plain")
        try:
            content = base64.b64decode(request.get_data(), validate=True)
        except ValueError:
            return self._refusal(400, "ErrorMimeContentInvalidBase64String", "not base64")
        mail = email.message_from_bytes(content, policy=email.policy.SMTP)
        if mail.defects or b"\r\n\r\n" not in content or b"\n" in content.replace(b"\r\n", b""):
            return self._refusal(400, "ErrorMimeContentInvalid", "not a mail")
        self.mails.append(mail)
        return Response(status=202)

    def _refusal(self, status: int, code: str, problem: str) -> Response:
        self.problems.append(problem)
        return graph_error(status, code)


def graph_error(status: int, code: str, **headers: str) -> Response:
    """Refuse in Graph's form; the text repeats what was sent, as real services do."""
    body = {"error": {"code": code, "message": "Access denied for Ada Testpupil"}}
    return Response(
        json.dumps(body),
        status=status,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@pytest.fixture
def graph(graph_server: HTTPServer, provider: Provider) -> GraphStandIn:
    """Graph, which has seen nothing yet."""
    graph_server.clear()
    return GraphStandIn(graph_server, provider)


@pytest.fixture
def make(
    graph_server: HTTPServer,
    provider: Provider,
    identity: Identity,
    transport: Transport,
    clock: ManualClock,
    ca_bundle: Path,
) -> Callable[..., GraphMail]:
    """Make the channel; ``token`` holds what is to be different about the tokens."""

    def make(token: dict[str, Any] | None = None, **options: Any) -> GraphMail:
        tokens = Tokens(
            **{
                "authority": f"{provider.authority}/contoso",
                "client_id": CLIENT_ID,
                "identity": Secret(identity.credential, reference="credential:graph"),
                "scope": f"https://localhost:{graph_server.port}/.default",
                "context": client_context(ca_bundle),
                "timeout_seconds": 20.0,
                **(token or {}),
            }
        )
        return GraphMail(
            "dsl-mail",
            **{
                "disclosure": Disclosure.FULL,
                "base_url": f"https://localhost:{graph_server.port}/v1.0",
                "sender": MAILBOX,
                "recipients": (DSL,),
                "tokens": tokens,
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
    graph.refuse = [graph_error(401, "InvalidAuthenticationToken")]

    outcome = await make().send(message)

    assert outcome.result is Result.ACCEPTED
    assert len(set(graph.tokens)) == 2


async def test_a_second_refusal_is_permanent(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message
) -> None:
    """If Graph refuses a fresh token too, asking again would change nothing."""
    graph.refuse = [graph_error(401, "InvalidAuthenticationToken") for _ in range(2)]

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
    graph.refuse = [graph_error(status, code, Retry_After="40")]

    outcome = await make().send(message)

    assert (outcome.result, outcome.config_alarm) == expected
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

    outcome = await make(token={"identity": wrong}).send(message)

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

    outcome = await make(token={"identity": wrong}).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "credential:graph" in outcome.detail


async def test_another_tenant_is_named_as_the_mistake(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message, provider: Provider
) -> None:
    """The provider has no such tenant (404 at its discovery)."""
    outcome = await make(token={"authority": f"{provider.authority}/fabrikam"}).send(message)

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

    outcome = await make(token={"context": client_context(None)}).send(message)

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
