"""Email through a mail server.

One connection a message, and its steps taken one by one rather than by the library's single call:
so it is known whether the server had been given the message when something broke, and which of the
recipients it refused while it took the mail for the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.certificates import Unusable
from mis_bridge.channels.mail_message import as_email, message_id
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.trust import certificate_failed, deepest_word

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from typing import Literal

    from aiosmtplib import SMTP
    from aiosmtplib.errors import SMTPResponseException

    from mis_bridge.channels.base import Expiry
    from mis_bridge.channels.smime import Smime
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.secrets import Secret
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["SmtpMail"]

_AT_ONCE: Final = 3  # Exchange Online takes no more connections of one mailbox at a time
_GOODBYE: Final = 2.0  # seconds
_MARGIN: Final = 5.0  # seconds for the goodbye, and for judging what came to its limit
_PERMANENT: Final = 500
_REMEMBERED: Final = 1000  # messages that some recipients have and some do not
_LOGIN_CODES: Final = frozenset({530, 534, 535, 538})
_TOO_BIG: Final = 552
_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_QUEUED: Final = re.compile(r"queued as ([A-Za-z0-9]{4,40})\b")


class SmtpMail:
    """One mail server, one sender.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil its readers may see.
        host: the server, as its certificate names it.
        port: where it listens.
        security: ``starttls`` (refused if the server does not offer it), ``tls`` from the first
            byte, or ``none``.
        sender: address that mails come from.
        recipients: to whom, where the message does not say.
        context: whose certificates are believed.
        clock: for the Date header.
        login: user name and password, or None.
        timeout_seconds: for one attempt from the first connection to the last answer.
        kind: ``smtp`` or ``secure-mail``.
        seal: signs and encrypts, or None.
        secret_ends: when the password ends, as somebody wrote it down, or None.
    """

    def __init__(
        self,
        name: str,
        *,
        disclosure: Disclosure,
        host: str,
        port: int,
        security: Literal["starttls", "tls", "none"],
        sender: str,
        recipients: Sequence[str],
        context: ssl.SSLContext,
        clock: Clock,
        login: tuple[str, Secret] | None = None,
        timeout_seconds: float = 30.0,
        kind: Literal["smtp", "secure-mail"] = "smtp",
        seal: Smime | None = None,
        secret_ends: Expiry | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.disclosure = disclosure
        self._host = host
        self._port = port
        self._security = security
        self._sender = sender
        self._recipients = tuple(recipients)
        self._context = context
        self._clock = clock
        self._login = login
        self._timeout = timeout_seconds
        self._secret_ends = secret_ends
        self._seal = seal
        self._free = asyncio.Semaphore(_AT_ONCE)
        # Who has a message already that others could not take yet. Forgotten with the process:
        # then all get it once more, with the same Message-ID.
        self._put_off: dict[str, tuple[str, ...]] = {}

    async def send(self, message: Message) -> Outcome:
        """Send to the message's recipients, else to the channel's.

        ``SENT`` if any took it; ``UNKNOWN`` while the server puts some of them off.
        """
        return await guarded(
            self.name, self._timeout + _MARGIN, lambda attempt: self._bounded(message, attempt)
        )

    async def check(self) -> Outcome:
        """Connect, encrypt and log in, and send nothing."""
        return await guarded(
            self.name, self._timeout + _MARGIN, lambda attempt: self._bounded(None, attempt)
        )

    async def close(self) -> None:
        """Nothing: a connection lives for one message."""

    def expiries(self) -> Sequence[Expiry]:
        """When the login and the certificates of the seal run out, the first to do so first."""
        ends = [self._secret_ends] if self._secret_ends else []
        ends += self._seal.expiries() if self._seal else []
        return sorted(ends, key=lambda expiry: expiry.at)

    async def _bounded(self, message: Message | None, attempt: Attempt) -> Outcome:
        from aiosmtplib import SMTPException

        # The stack parts from the server outside the time limit: a server that took the mail and
        # then hangs at the goodbye has taken the mail.
        async with self._free, contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._talk(message, attempt, stack)
            except Unusable as error:
                return Outcome(Result.PERMANENT, str(error), config_alarm=True)
            except (SMTPException, OSError) as error:  # TimeoutError is an OSError
                return self._judge(error, attempt)

    async def _talk(
        self, message: Message | None, attempt: Attempt, stack: contextlib.AsyncExitStack
    ) -> Outcome:
        if message is None:
            how = f"; {self._seal.look(self._clock.now())}" if self._seal else ""
            await self._connect(stack)
            return Outcome(Result.SENT, f"{self._place}: connection and login are in order{how}")
        recipients = message.recipients or self._recipients
        if not recipients:
            return Outcome(
                Result.PERMANENT,
                "nobody to send to: set the channel's recipients",
                config_alarm=True,
            )
        now = self._clock.now()
        mail = as_email(message, sender=self._sender, recipients=recipients, now=now)
        content, how = (
            await asyncio.to_thread(self._seal.seal, mail, now)
            if self._seal
            else (mail.as_bytes(), "")
        )
        client = await self._connect(stack)
        size = [f"size={len(content)}"] if client.supports_extension("size") else []
        await client.mail(self._sender, options=size)
        have_it = self._put_off.get(message.id, ())
        asked = [recipient for recipient in recipients if recipient not in have_it]
        refusals = await _offer(client, asked)
        answer = ""
        if len(refusals) < len(asked):
            attempt.on_its_way = True
            answer = (await client.data(content)).message
        elif not have_it:
            return self._all_refused(refusals)
        return self._sent(message, recipients, refusals, answer, how)

    async def _connect(self, stack: contextlib.AsyncExitStack) -> SMTP:
        from aiosmtplib import SMTP

        client = SMTP(
            hostname=self._host,
            port=self._port,
            timeout=self._timeout,
            use_tls=self._security == "tls",
            start_tls=self._security == "starttls",
            tls_context=self._context,
            username=self._login[0] if self._login else None,
            password=self._login[1].reveal() if self._login else None,
        )
        await client.connect()
        stack.push_async_callback(_part, client)
        if client.is_ehlo_or_helo_needed:  # after STARTTLS the server says anew what it offers
            await client.ehlo()
        return client

    @property
    def _place(self) -> str:
        return f"{self._host}:{self._port}"

    def _sent(
        self,
        message: Message,
        recipients: Sequence[str],
        refusals: dict[str, SMTPResponseException],
        answer: str,
        how: str,
    ) -> Outcome:
        taken = tuple(recipient for recipient in recipients if recipient not in refusals)
        detail = f"{self._place}: taken for {len(taken)} of {len(recipients)} recipients"
        codes = ", ".join(sorted({_code(error) for error in refusals.values()}))
        lasting = tuple(who for who, error in refusals.items() if error.code >= _PERMANENT)
        queued = _QUEUED.search(answer)
        proof = message_id(message, self._sender) + (f" queued as {queued[1]}" if queued else "")
        proof += f" {how}" if how else ""
        if len(lasting) < len(refusals):
            self._remember(message, taken)
            detail += f"; not now for the others ({codes}), who are tried again"
            return Outcome(Result.UNKNOWN, detail, refused=lasting, proof=proof)
        self._put_off.pop(message.id, None)
        if refusals:
            detail += f"; refused for the others ({codes})"
        return Outcome(Result.SENT, detail, refused=lasting, proof=proof)

    def _remember(self, message: Message, taken: tuple[str, ...]) -> None:
        """Note who has a message that is to be sent again to the others."""
        self._put_off[message.id] = taken
        if len(self._put_off) > _REMEMBERED:
            del self._put_off[next(iter(self._put_off))]

    def _all_refused(self, refusals: dict[str, SMTPResponseException]) -> Outcome:
        lasting = tuple(who for who, error in refusals.items() if error.code >= _PERMANENT)
        codes = ", ".join(sorted({_code(error) for error in refusals.values()}))
        if len(lasting) < len(refusals):
            return Outcome(
                Result.RETRY,
                f"{self._place}: takes no recipient for now ({codes})",
                refused=lasting,
            )
        return Outcome(
            Result.PERMANENT,
            f"{self._place}: every recipient is refused ({codes}); check the addresses",
            refused=lasting,
            config_alarm=True,
        )

    def _judge(self, error: Exception, attempt: Attempt) -> Outcome:
        from aiosmtplib import SMTPException, SMTPNotSupported
        from aiosmtplib.errors import SMTPResponseException

        if isinstance(error, SMTPResponseException):
            return self._by_code(error)
        if certificate_failed(error):
            return Outcome(
                Result.PERMANENT,
                f"{self._place}: its certificate does not verify, nothing was sent; check host, or "
                "set service.ca_bundle to the certificate of the authority that signed it",
                config_alarm=True,
            )
        if attempt.on_its_way:
            return Outcome(
                Result.UNKNOWN,
                f"{self._place}: {deepest_word(error)} after the message was handed over; it may "
                "have arrived",
            )
        # The library raises its bare base class where the server does not offer STARTTLS.
        if isinstance(error, SMTPNotSupported) or type(error) is SMTPException:
            return Outcome(
                Result.PERMANENT,
                f"{self._place}: the server does not offer what the channel needs "
                f"(security {self._security}{', login' if self._login else ''}); nothing was sent",
                config_alarm=True,
            )
        return Outcome(
            Result.RETRY,
            f"{self._place}: {deepest_word(error)}; nothing was sent. If it lasts, check host, "
            "port and the firewall",
        )

    def _by_code(self, error: SMTPResponseException) -> Outcome:
        from aiosmtplib import SMTPDataError

        code = _code(error)
        if error.code < _PERMANENT:
            return Outcome(Result.RETRY, f"{self._place}: not now ({code})")
        if error.code == _TOO_BIG or "5.3.4" in code:
            return Outcome(
                Result.PERMANENT, f"{self._place}: the message is too big for it ({code})"
            )
        if isinstance(error, SMTPDataError):
            return Outcome(
                Result.PERMANENT, f"{self._place}: the content of the message is refused ({code})"
            )
        what = (
            "the login is refused or missing: check user and password"
            if error.code in _LOGIN_CODES
            else "the server refuses this sender or this machine: check sender and its permission"
        )
        return Outcome(Result.PERMANENT, f"{self._place}: {what} ({code})", config_alarm=True)


async def _offer(client: SMTP, recipients: Sequence[str]) -> dict[str, SMTPResponseException]:
    """Name every recipient to the server; returns those it refused, and how."""
    from aiosmtplib import SMTPRecipientRefused

    refusals: dict[str, SMTPResponseException] = {}
    for recipient in recipients:
        try:
            await client.rcpt(recipient)
        except SMTPRecipientRefused as error:
            refusals[recipient] = error
    return refusals


async def _part(client: SMTP) -> None:
    """Say goodbye; what goes wrong in that changes nothing for the message."""
    with contextlib.suppress(Exception):
        await client.quit(timeout=_GOODBYE)
    client.close()


def _code(error: SMTPResponseException) -> str:
    """Give the server's codes without its text, which may repeat what was sent."""
    enhanced = _ENHANCED.match(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)
