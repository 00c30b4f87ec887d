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
from mis_bridge.channels.base import Point, Standing
from mis_bridge.channels.certificates import Unusable
from mis_bridge.channels.examination import point_of
from mis_bridge.channels.mail_message import NOBODY, as_email, message_id
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.smtp_outcome import PERMANENT, all_refused, code_of, judge
from mis_bridge.channels.smtp_proof import offer, other_domain, prove
from mis_bridge.channels.smtp_server import MailServer
from mis_bridge.channels.token_refused import TokenRefused

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence
    from typing import Literal

    from aiosmtplib.errors import SMTPResponseException

    from mis_bridge.channels.base import Expiry
    from mis_bridge.channels.entra_token import Tokens
    from mis_bridge.channels.smime import Smime
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.secrets import Secret
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["SmtpMail"]

_AT_ONCE: Final = 3  # Exchange Online takes no more connections of one mailbox at a time
_MARGIN: Final = 5.0  # seconds for the goodbye, and for judging what came to its limit
_REMEMBERED: Final = 1000  # messages that some recipients have and some do not
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
        login: user name, and the password or who gives tokens (XOAUTH2); or None.
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
        login: tuple[str, Secret | Tokens] | None = None,
        timeout_seconds: float = 30.0,
        kind: Literal["smtp", "secure-mail"] = "smtp",
        seal: Smime | None = None,
        secret_ends: Expiry | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.disclosure = disclosure
        self._sender = sender
        self._recipients = tuple(recipients)
        self._server = MailServer(host, port, security, context, login, timeout_seconds)
        self._place = self._server.place
        self._clock = clock
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

    async def examine(self, *, probe: bool) -> Sequence[Point]:
        """Connect and log in; with ``probe`` see that sender and recipients are taken.

        No mail is begun: the server is only asked what it thinks of the addresses.
        """
        outcome = await self.check()
        points = [point_of("connection and login", outcome)]
        if remark := other_domain(self._sender, self._server.username):
            points.append(Point("domain of the sender", Standing.DOUBT, remark))
        if probe and outcome.result is Result.SENT:
            async with self._free:
                points += await prove(self._server, self._sender, self._recipients)
        return points

    async def close(self) -> None:
        """Nothing: a connection lives for one message."""

    def expiries(self) -> Sequence[Expiry]:
        """When the login and the certificates of the seal run out, the first to do so first."""
        ends = list(self._server.expiries())
        ends += [self._secret_ends] if self._secret_ends else []
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
            except TokenRefused as refused:
                return refused.outcome
            except (SMTPException, OSError) as error:  # TimeoutError is an OSError
                return judge(error, self._server, on_its_way=attempt.on_its_way)

    async def _talk(
        self, message: Message | None, attempt: Attempt, stack: contextlib.AsyncExitStack
    ) -> Outcome:
        if message is None:
            how = f"; {self._seal.look(self._clock.now())}" if self._seal else ""
            await self._server.connect(stack)
            return Outcome(Result.SENT, f"{self._place}: connection and login are in order{how}")
        recipients = message.recipients or self._recipients
        if not recipients:
            return NOBODY
        now = self._clock.now()
        mail = as_email(message, sender=self._sender, recipients=recipients, now=now)
        content, how = (
            await asyncio.to_thread(self._seal.seal, mail, now)
            if self._seal
            else (mail.as_bytes(), "")
        )
        client = await self._server.connect(stack)
        size = [f"size={len(content)}"] if client.supports_extension("size") else []
        await client.mail(self._sender, options=size)
        have_it = self._put_off.get(message.id, ())
        asked = [recipient for recipient in recipients if recipient not in have_it]
        refusals = await offer(client, asked)
        answer = ""
        if len(refusals) < len(asked):
            attempt.on_its_way = True
            answer = (await client.data(content)).message
        elif not have_it:
            return all_refused(refusals, self._place)
        return self._sent(message, recipients, refusals, answer, how)

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
        codes = ", ".join(sorted({code_of(error) for error in refusals.values()}))
        lasting = tuple(who for who, error in refusals.items() if error.code >= PERMANENT)
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
