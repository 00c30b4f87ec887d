"""Email from a Microsoft 365 mailbox, by Microsoft Graph's ``sendMail``.

The mail goes as MIME, so that it has our Message-ID and headers: Graph gives no id back and knows
no idempotency key. Its 202 does not say that the mail was sent, hence ``ACCEPTED``.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.graph_token import TokenRefused
from mis_bridge.channels.http_outcome import Meaning, of_failure, of_status
from mis_bridge.channels.mail_message import as_email, message_id
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.io.http import HttpError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.channels.graph_token import Tokens
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import HttpResponse, Transport
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["SIZE_BUDGET", "GraphMail"]

SIZE_BUDGET: Final = 3_000_000
"""Bytes of the mail before base64; Graph takes 4 MB in one request, and base64 adds a third."""

_AT_ONCE: Final = 4  # Graph's own limit for one app and mailbox
_UNAUTHORISED: Final = 401
_REFUSED: Final = range(400, 500)
_ERROR_CODE: Final = re.compile(r"[A-Za-z]{3,60}")

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
        transport: the way out.
        clock: for the Date header, and for a Retry-After that is a date.
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
        transport: Transport,
        clock: Clock,
        timeout_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self._url = f"{base_url.rstrip('/')}/users/{quote(sender, safe='@')}/sendMail"
        self._host = urlsplit(base_url).hostname or "(no host)"
        self._sender = sender
        self._recipients = tuple(recipients)
        self._tokens = tokens
        self._transport = transport
        self._clock = clock
        self._timeout = timeout_seconds
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def send(self, message: Message) -> Outcome:
        """Send to the message's recipients, else to the channel's."""
        return await guarded(self.name, self._timeout, lambda attempt: self._send(message, attempt))

    async def check(self) -> Outcome:
        """Get a token; whether the mailbox may be used, only a test message shows."""
        return await guarded(self.name, self._timeout, self._check)

    async def close(self) -> None:
        """Nothing: the connections are the transport's."""

    async def _check(self, _: Attempt) -> Outcome:
        try:
            await self._tokens.token()
        except TokenRefused as refused:
            return refused.outcome
        return Outcome(Result.SENT, f"{self._host}: a token was given")

    async def _send(self, message: Message, attempt: Attempt) -> Outcome:
        recipients = message.recipients or self._recipients
        if not recipients:
            return Outcome(
                Result.PERMANENT,
                "nobody to send to: set the channel's recipients",
                config_alarm=True,
            )
        mail = as_email(
            message, sender=self._sender, recipients=recipients, now=self._clock.now()
        ).as_bytes()
        if len(mail) > SIZE_BUDGET:
            return Outcome(
                Result.PERMANENT,
                f"the mail has {len(mail):,} bytes, and Graph takes {SIZE_BUDGET:,}",
            )
        async with self._free:
            try:
                response = await self._post(base64.b64encode(mail), attempt)
            except TokenRefused as refused:
                return refused.outcome
            except HttpError as error:
                return of_failure(error)
        return self._judge(response, message)

    async def _post(self, body: bytes, attempt: Attempt) -> HttpResponse:
        response = await self._post_once(body, attempt)
        if response.status == _UNAUTHORISED:
            # A token can be revoked before it expires; a fresh one tells that from a refusal.
            attempt.on_its_way = False
            await self._tokens.forget()
            response = await self._post_once(body, attempt)
        return response

    async def _post_once(self, body: bytes, attempt: Attempt) -> HttpResponse:
        token = await self._tokens.token()
        attempt.on_its_way = True
        return await self._transport.request(
            "POST",
            self._url,
            headers={"Authorization": f"Bearer {token}", "Content-Type": "text/plain"},
            content=body,
            timeout=self._timeout,
        )

    def _judge(self, response: HttpResponse, message: Message) -> Outcome:
        outcome = of_status(response, _MEANINGS, host=self._host, now=self._clock.now())
        code = _error_code(response) if response.status in _REFUSED else ""
        return Outcome(
            outcome.result,
            f"{outcome.detail} {code}".rstrip(),
            retry_after=outcome.retry_after,
            proof=(
                message_id(message, self._sender)
                if outcome.result is Result.ACCEPTED
                else outcome.proof
            ),
            config_alarm=outcome.config_alarm,
        )


def _error_code(response: HttpResponse) -> str:
    """Find Graph's word for a refusal (``ErrorAccessDenied``); never its text."""
    try:
        code = json.loads(response.body)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return ""
    return code if isinstance(code, str) and _ERROR_CODE.fullmatch(code) else ""
