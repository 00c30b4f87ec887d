"""Email from a Microsoft 365 mailbox, by Microsoft Graph's ``sendMail``.

The mail goes as MIME, so that it has our Message-ID and headers: Graph gives no id back and knows
no idempotency key. Its 202 does not say that the mail was sent, hence ``ACCEPTED``.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.graph_proof import prove
from mis_bridge.channels.http_outcome import Meaning, of_failure, of_status
from mis_bridge.channels.mail_message import NOBODY, as_email, message_id
from mis_bridge.channels.microsoft_service import MicrosoftService, with_refusal_code
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.io.clock import running
from mis_bridge.io.http import HttpError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.channels.base import Expiry, Point
    from mis_bridge.channels.entra_token import Tokens
    from mis_bridge.channels.mailbox import Mailbox
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import HttpResponse, Transport
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["SIZE_BUDGET", "GraphMail"]

SIZE_BUDGET: Final = 3_000_000
"""Bytes of the mail before base64; Graph takes 4 MB in one request, and base64 adds a third."""

_TOO_MANY: Final = 429
_REFUSED: Final = range(400, 500)

_MEANINGS: Final = {
    400: Meaning("the mail is refused", False),
    401: Meaning("a fresh token is refused as well; check tenant_id and graph_url", True),
    403: Meaning(
        "the app may not send from this mailbox; give it Application Mail.Send for it (a change "
        "takes up to two hours to be seen)",
        True,
    ),
    404: Meaning("there is no such mailbox; check sender", True),
    413: Meaning("the mail is too big", False),
}


class GraphMail:
    """One mailbox.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil its readers may see.
        base_url: where Graph is, ``https://graph.microsoft.com/v1.0``.
        sender: address of the mailbox.
        recipients: to whom, where the message does not say.
        tokens: who gives the tokens.
        mailbox: its limits, shared by all channels that send from it.
        transport: the way out.
        clock: for the Date header, and for a Retry-After that is a date.
        must_not_send_as: a mailbox that the app has to be refused, or None.
        timeout_seconds: for one attempt, the token included.
    """

    kind = "graph"

    def __init__(
        self,
        name: str,
        *,
        disclosure: Disclosure,
        base_url: str,
        sender: str,
        recipients: Sequence[str],
        tokens: Tokens,
        mailbox: Mailbox,
        transport: Transport,
        clock: Clock,
        must_not_send_as: str | None = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self._graph = MicrosoftService(base_url, tokens, transport, timeout_seconds)
        self._sender = sender
        self._recipients = tuple(recipients)
        self.allowance = mailbox
        self._clock = clock
        self._must_not_send_as = must_not_send_as
        self._timeout = timeout_seconds

    async def send(self, message: Message) -> Outcome:
        """Send to the message's recipients, else to the channel's."""
        return await guarded(self.name, self._timeout, lambda attempt: self._send(message, attempt))

    async def check(self) -> Outcome:
        """Get a token; whether the mailbox may be used, only ``examine`` shows."""
        return await guarded(self.name, self._timeout, lambda _: self._graph.is_let_in())

    async def examine(self, *, probe: bool) -> Sequence[Point]:
        """See that the app may send from its own mailbox and, by what can be seen, from no other.

        With ``probe`` the mailbox is sent a mail from itself, and one from ``must_not_send_as``,
        which has to be refused: neither is ever for a person.
        """
        return await prove(
            self._graph,
            self._sender,
            self._must_not_send_as,
            probe=probe,
            judge=self._judge,
        )

    async def close(self) -> None:
        """Nothing: the connections are the transport's."""

    def expiries(self) -> Sequence[Expiry]:
        """When the app's certificate or client secret runs out."""
        return self._graph.tokens.expiries()

    async def _send(self, message: Message, attempt: Attempt) -> Outcome:
        recipients = message.recipients or self._recipients
        if not recipients:
            return NOBODY
        mail = as_email(
            message, sender=self._sender, recipients=recipients, now=self._clock.now()
        ).as_bytes()
        if len(mail) > SIZE_BUDGET:
            return Outcome(
                Result.PERMANENT,
                f"the mail has {len(mail):,} bytes with its files, and Graph takes "
                f"{SIZE_BUDGET:,}: a channel of another kind (smtp, secure-mail, folder) sends it",
            )
        async with self.allowance.free:
            answer = await self._post(base64.b64encode(mail), attempt)
        if isinstance(answer, Outcome):
            return answer
        outcome = self._judge(answer)
        if answer.status == _TOO_MANY and outcome.retry_after is not None:
            self.allowance.close(running(self._clock), outcome.retry_after)
            outcome = replace(outcome, shared=True)
        if outcome.result is not Result.ACCEPTED:
            return outcome
        return Outcome(outcome.result, outcome.detail, proof=message_id(message, self._sender))

    async def _post(self, body: bytes, attempt: Attempt) -> HttpResponse | Outcome:
        wait = self.allowance.take(running(self._clock), len(body))
        if wait > 0:
            return Outcome(
                Result.RETRY,
                f"{self._graph.host}: held back, the mailbox has no allowance left for now",
                retry_after=wait,
                shared=True,
            )
        try:
            path = f"users/{quote(self._sender, safe='@')}/sendMail"
            return await self._graph.ask("POST", path, body, "text/plain", attempt)
        except TokenRefused as refused:
            return refused.outcome
        except HttpError as error:
            return of_failure(error)

    def _judge(self, response: HttpResponse) -> Outcome:
        outcome = of_status(response, _MEANINGS, host=self._graph.host, now=self._clock.now())
        return with_refusal_code(outcome, response) if response.status in _REFUSED else outcome
