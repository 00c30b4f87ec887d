"""A mail server: how it is reached, encrypted and logged in to, for one message."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.entra_token import Tokens

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from typing import Literal

    from aiosmtplib import SMTP

    from mis_bridge.channels.base import Expiry
    from mis_bridge.io.secrets import Secret

__all__ = ["MailServer"]

_GOODBYE: Final = 2.0  # seconds


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mails are handed over, and as whom.

    Args:
        host: the server, as its certificate names it.
        port: where it listens.
        security: ``starttls`` (refused if the server does not offer it), ``tls`` from the first
            byte, or ``none``.
        context: whose certificates are believed.
        login: user name, and the password or who gives tokens (XOAUTH2); or None.
        timeout_seconds: for each step.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    context: ssl.SSLContext
    login: tuple[str, Secret | Tokens] | None
    timeout_seconds: float

    @property
    def place(self) -> str:
        """The server, for texts."""
        return f"{self.host}:{self.port}"

    @property
    def username(self) -> str:
        """Who logs in, or empty."""
        return self.login[0] if self.login else ""

    @property
    def needs(self) -> str:
        """What the server has to offer, for a text."""
        if self.login is None:
            return f"security {self.security}"
        how = "XOAUTH2" if isinstance(self.login[1], Tokens) else "login"
        return f"security {self.security}, {how}"

    @property
    def login_advice(self) -> str:
        """What to look at where the login is refused."""
        if self.login and isinstance(self.login[1], Tokens):
            return (
                "a fresh token is refused as well: check SMTP.SendAsApp, the app's permission for "
                "the mailbox, and that authenticated SMTP is switched on for it"
            )
        return "the login is refused or missing: check user and password"

    def expiries(self) -> Sequence[Expiry]:
        """When what gets the tokens runs out; of a password nothing is known."""
        proof = self.login[1] if self.login else None
        return proof.expiries() if isinstance(proof, Tokens) else ()

    async def connect(self, stack: contextlib.AsyncExitStack) -> SMTP:
        """Connect, encrypt and log in; a token that is refused is replaced once.

        Args:
            stack: parts from the server when it is left.

        Raises:
            TokenRefused: there is no token.
            SMTPException, OSError: the server can not be used.
        """
        from aiosmtplib import SMTPAuthenticationError

        try:
            return await self._connect_once(stack)
        except SMTPAuthenticationError:
            if self.login is None or not isinstance(self.login[1], Tokens):
                raise
            # A token can be revoked before it expires; a fresh one tells that from a refusal.
            await self.login[1].forget()
        return await self._connect_once(stack)

    async def _connect_once(self, stack: contextlib.AsyncExitStack) -> SMTP:
        from aiosmtplib import SMTP

        user, proof = self.login or (None, None)
        client = SMTP(
            hostname=self.host,
            port=self.port,
            timeout=self.timeout_seconds,
            use_tls=self.security == "tls",
            start_tls=self.security == "starttls",
            tls_context=self.context,
            username=user,
            password=None if proof is None or isinstance(proof, Tokens) else proof.reveal(),
            oauth_token_generator=proof.token if isinstance(proof, Tokens) else None,
        )
        await client.connect()
        stack.push_async_callback(_part, client)
        if client.is_ehlo_or_helo_needed:  # after STARTTLS the server says anew what it offers
            await client.ehlo()
        return client


async def _part(client: SMTP) -> None:
    """Say goodbye; what goes wrong in that changes nothing for the message."""
    with contextlib.suppress(Exception):
        await client.quit(timeout=_GOODBYE)
    client.close()
