"""SMTP with an app's token (XOAUTH2): a real provider gives it, a real mail server takes it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from mis_bridge.channels.app_identity import AppCertificate
from mis_bridge.channels.entra_token import SignIn, Tokens
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.trust import client_context
from mis_bridge.io.secrets import Secret

from .listening import listening
from .microsoft import CLIENT_ID
from .test_smtp import DEPUTY, DSL, Mailbox

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from mis_bridge.channels.smtp import SmtpMail
    from mis_bridge.messages.model import Message

    from .conftest import Identity, OpenIdProvider

pytestmark = pytest.mark.peer

OUTLOOK = "https://outlook.office365.com"
USER = "mis-bridge@school.example"
LONGEST_AUTH = 12_288  # RFC 4954, section 4; the usual 512 bytes hold no token


class Exchange(Mailbox):
    """A mail server that takes the provider's tokens for one mailbox, and no password.

    Args:
        provider: whose tokens it takes.
    """

    def __init__(self, provider: OpenIdProvider) -> None:
        super().__init__()
        self.tokens: list[str] = []
        self.refuse = 0
        self.answer = "535 5.7.3 Authentication unsuccessful for Ada Testpupil"
        self._issuer = provider.issuer
        self._keys = {key["kid"]: jwt.PyJWK(key) for key in provider.keys}

    async def auth_XOAUTH2(  # noqa: N802 - aiosmtpd's name
        self, server: Any, args: list[str]
    ) -> AuthResult:
        """Check user, form and token; a refusal is a challenge first, as Microsoft's is."""
        text = base64.b64decode(args[1], validate=True).decode("ascii")
        user, bearer, *rest = text.split("\x01")
        assert (user, rest) == (f"user={USER}", ["", ""])
        token = bearer.removeprefix("auth=Bearer ")
        self.tokens.append(token)
        key = self._keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key, algorithms=["RS256"], audience=OUTLOOK, issuer=self._issuer)
        assert claims["client_id"] == CLIENT_ID
        if self.refuse:
            self.refuse -= 1
            reply = await server.challenge_auth(b'{"status":"400"}')
            assert reply == b""
            await server.push(self.answer)
            return AuthResult(success=False, handled=True)
        return AuthResult(success=True, handled=False, auth_data=user)


class Patient(SMTP):
    """It reads a line as long as a token."""

    line_length_limit = LONGEST_AUTH


@pytest.fixture
async def exchange(
    provider: OpenIdProvider, server_context: ssl.SSLContext
) -> AsyncIterator[Exchange]:
    """The server, over STARTTLS; nobody gets in without a login."""
    import asyncio

    box = Exchange(provider)

    def make() -> Patient:
        server = Patient(
            box,
            loop=asyncio.get_running_loop(),
            hostname="localhost",
            timeout=30,
            tls_context=server_context,
            require_starttls=True,
            auth_required=True,
            auth_exclude_mechanism=["LOGIN", "PLAIN"],
        )
        server.command_size_limits["AUTH"] = LONGEST_AUTH
        return server

    async with listening(make) as port:
        box.port = port
        yield box


@pytest.fixture
def channel(
    exchange: Exchange,
    provider: OpenIdProvider,
    identity: Identity,
    ca_bundle: Path,
    smtp_channel: Callable[..., SmtpMail],
) -> SmtpMail:
    """The channel that signs in as the app."""
    who = AppCertificate(
        f"{provider.authority}/contoso",
        CLIENT_ID,
        Secret(identity.credential, reference="credential:mail-app"),
    )
    tokens = Tokens(SignIn(who, client_context(ca_bundle), 20.0), f"{OUTLOOK}/.default")
    return smtp_channel(exchange.port, login=(USER, tokens))


async def test_the_mail_goes_with_the_apps_token(
    exchange: Exchange, channel: SmtpMail, message: Message
) -> None:
    """Token, audience and mailbox are checked by the server; one token serves two mails."""
    first, second = await channel.send(message), await channel.send(message)

    assert {first.result, second.result} == {Result.SENT}
    assert exchange.seen[0][1].rcpt_tos == [DSL, DEPUTY]
    assert len(exchange.tokens) == 2
    assert len(set(exchange.tokens)) == 1


async def test_a_refused_token_is_replaced_once(
    exchange: Exchange, channel: SmtpMail, message: Message
) -> None:
    """A token that was revoked is thrown away; with a fresh one the mail goes."""
    exchange.refuse = 1

    outcome = await channel.send(message)

    assert outcome.result is Result.SENT
    assert len(set(exchange.tokens)) == 2
    assert len(exchange.seen) == 1


@pytest.mark.parametrize(
    "answer", ["535 5.7.3 no: Ada Testpupil", "535 5.7.139 off: Ada Testpupil"]
)
async def test_a_second_refusal_is_permanent(
    exchange: Exchange, channel: SmtpMail, message: Message, answer: str
) -> None:
    """What to look at stands in the outcome; the server's text does not."""
    exchange.refuse, exchange.answer = 5, answer

    outcome = await channel.send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "SMTP.SendAsApp" in outcome.detail
    assert answer.split()[1] in outcome.detail
    assert len(exchange.tokens) == 2
    assert exchange.seen == []


async def test_without_a_token_nothing_is_sent(
    exchange: Exchange,
    provider: OpenIdProvider,
    other_identity: Identity,
    ca_bundle: Path,
    smtp_channel: Callable[..., SmtpMail],
    message: Message,
) -> None:
    """A certificate that was not uploaded: the sign-in service's refusal is the outcome."""
    who = AppCertificate(
        f"{provider.authority}/contoso", CLIENT_ID, Secret(other_identity.credential)
    )
    tokens = Tokens(SignIn(who, client_context(ca_bundle), 20.0), f"{OUTLOOK}/.default")

    outcome = await smtp_channel(exchange.port, login=(USER, tokens)).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "invalid_client" in outcome.detail
    assert exchange.tokens == []


async def test_a_server_without_xoauth2_is_named(
    provider: OpenIdProvider,
    server_context: ssl.SSLContext,
    channel: SmtpMail,
    message: Message,
    exchange: Exchange,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It offers passwords only: a token is not shown to it."""
    monkeypatch.delattr(Exchange, "auth_XOAUTH2")

    outcome = await channel.send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "XOAUTH2" in outcome.detail
    assert exchange.tokens == []
