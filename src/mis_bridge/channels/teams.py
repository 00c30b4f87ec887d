"""Teams, through a Workflows webhook.

A 202 says that a run of the flow is queued, no more: the card can still fail inside the flow, where
only its owner sees it. Hence ``ACCEPTED`` and never ``SENT``, a size budget well below the limit,
and an allowance below the flow's own limits.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.http_outcome import Meaning, of_failure, of_status
from mis_bridge.channels.mention import calling
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.io.clock import running
from mis_bridge.io.http import HttpError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.channels.allowance import Allowance
    from mis_bridge.channels.mention import Person
    from mis_bridge.channels.webhook import Webhook
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import HttpResponse, Transport
    from mis_bridge.io.secrets import Secret
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["SIZE_BUDGET", "TeamsWebhook", "notice_card", "short_card"]

SIZE_BUDGET: Final = 20_000
"""Bytes on the wire. Teams counts its own, expanded form and stops at 28,672; 24,453 failed."""

_TOO_BIG: Final = 413
_TOO_MANY: Final = 429
_PAUSE: Final = 60.0  # seconds after a 429 that does not say how long
_MARGIN: Final = 1.0  # seconds in which a request that came to its own limit is judged
_MOST_NAMED: Final = 100
_LONGEST_LINK: Final = 2_000

_MEANINGS: Final = {
    400: Meaning("the flow did not understand the request; the address may have been cut", True),
    401: Meaning(
        'the flow asks for a sign-in: let "Anyone" trigger it, and copy its address whole', True
    ),
    403: Meaning('the flow refuses this sender: let "Anyone" trigger it', True),
    404: Meaning(
        "the flow is not there: deleted, turned off, or its address was made anew; store the "
        "address that it has now",
        True,
    ),
    413: Meaning("the card is too big", False),
}


class TeamsWebhook:
    """One channel or chat in Teams.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil the readers of the channel may see.
        url: the address, a secret.
        webhook: what :func:`mis_bridge.channels.webhook.examine` found of it.
        transport: the way out.
        allowance: shared by all channels whose flows have the same owner.
        clock: for the allowance, and for a Retry-After that is a date.
        header: name of an extra header and its secret value, or None.
        mentions: who is named on cards that are worth ringing them.
        timeout_seconds: for one attempt.
    """

    kind = "teams"
    checked_weekly = True

    def __init__(
        self,
        name: str,
        *,
        disclosure: Disclosure,
        url: Secret,
        webhook: Webhook,
        transport: Transport,
        allowance: Allowance,
        clock: Clock,
        header: tuple[str, Secret] | None = None,
        mentions: Sequence[Person] = (),
        timeout_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self.webhook = webhook
        self._url = url
        self._transport = transport
        self.allowance = allowance
        self._clock = clock
        self._header = header
        self._mentions = tuple(mentions)
        self._timeout = timeout_seconds

    async def send(self, message: Message) -> Outcome:
        """Post the message's card, or a short one in its place where it is too big."""
        return await guarded(
            self.name, self._timeout + _MARGIN, lambda attempt: self._send(message, attempt)
        )

    async def check(self) -> Outcome:
        """Reach the host without starting the flow; only a card shows whether the flow works."""
        return await guarded(self.name, self._timeout + _MARGIN, self._check)

    async def close(self) -> None:
        """Nothing: the connections are the transport's."""

    async def _send(self, message: Message, attempt: Attempt) -> Outcome:
        body = _encode(calling(message, self._mentions))
        if len(body) > SIZE_BUDGET:
            return await self._send_short(message, attempt, f"it has {len(body):,} bytes")
        outcome, status = await self._post(body, attempt)
        if status == _TOO_BIG:
            return await self._send_short(message, attempt, "the flow refused its size")
        return outcome

    async def _send_short(self, message: Message, attempt: Attempt, why: str) -> Outcome:
        """Say at least that there is something to read: an alert is never dropped for its size."""
        short = replace(message, card=short_card(message))
        outcome, _ = await self._post(_encode(calling(short, self._mentions)), attempt)
        return Outcome(
            outcome.result,
            f"a short card in place of the full one ({why}): {outcome.detail}",
            retry_after=outcome.retry_after,
            shared=outcome.shared,
            proof=outcome.proof,
            config_alarm=outcome.config_alarm,
        )

    async def _post(self, body: bytes, attempt: Attempt) -> tuple[Outcome, int]:
        wait = self.allowance.take(running(self._clock))
        if wait > 0:
            return Outcome(
                Result.RETRY,
                f"{self.webhook.shown}: held back, the flow's owner has no allowance left",
                retry_after=wait,
                shared=True,
            ), 0
        headers = {"Content-Type": "application/json"}
        if self._header:
            headers[self._header[0]] = self._header[1].reveal()
        attempt.on_its_way = True
        try:
            response = await self._transport.request(
                "POST",
                self._url.reveal(),
                headers=headers,
                content=body,
                timeout=self._timeout,
            )
        except HttpError as error:
            return of_failure(error), 0
        return self._judge(response), response.status

    def _judge(self, response: HttpResponse) -> Outcome:
        outcome = of_status(response, _MEANINGS, host=self.webhook.shown, now=self._clock.now())
        if response.status == _TOO_MANY:
            pause = _PAUSE if outcome.retry_after is None else outcome.retry_after
            self.allowance.close(running(self._clock), pause)
            return replace(outcome, retry_after=pause, shared=True)
        return outcome

    async def _check(self, _: Attempt) -> Outcome:
        try:
            response = await self._transport.request(
                "GET", self.webhook.origin, timeout=self._timeout
            )
        except HttpError as error:
            outcome = of_failure(error)
            # Nothing was posted, so nothing can have arrived.
            return Outcome(
                Result.RETRY if outcome.result is Result.UNKNOWN else outcome.result,
                f"{error.host}: {error.detail}",
                config_alarm=outcome.config_alarm,
            )
        return Outcome(
            Result.SENT,
            f"{self.webhook.shown}: the host answers; whether the flow posts, only a test "
            "message shows",
            proof=f"HTTP {response.status}",
        )


def short_card(message: Message) -> dict[str, Any]:
    """Make the card that stands in for one that is too big.

    It holds the reference and, where the full card has one, its link; nothing of the text, so
    that it can not disclose more than the full card.
    """
    several = message.references if len(message.references) > 1 else ()
    which = ", ".join(several[:_MOST_NAMED]) or message.reference
    if len(several) > _MOST_NAMED:
        which += f" and {len(several) - _MOST_NAMED} more"
    alerts = f"{len(several)} alerts" if several else "Alert"
    notice = f"{alerts} {which}: the message is too long for Teams. Open mis-bridge."
    return notice_card(notice, actions=_first_link(message.card))


def notice_card(notice: str, *, actions: Sequence[dict[str, str]] = ()) -> dict[str, Any]:
    """Make the whole body for a card of one paragraph.

    Args:
        notice: the paragraph; Markdown in it is rendered, so it holds nothing from a register.
        actions: buttons below it.
    """
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.5",
                    "fallbackText": notice,
                    "msteams": {"width": "Full"},
                    "body": [{"type": "TextBlock", "wrap": True, "text": notice}],
                    "actions": list(actions),
                },
            }
        ],
    }


def _first_link(envelope: dict[str, Any]) -> list[dict[str, str]]:
    for attachment in envelope.get("attachments", ()):
        for action in attachment.get("content", {}).get("actions", ()):
            url = action.get("url", "")
            if url.startswith("https://") and len(url) <= _LONGEST_LINK:
                return [{"type": "Action.OpenUrl", "title": "Open the incident", "url": url}]
    return []


def _encode(envelope: dict[str, Any]) -> bytes:
    # ASCII, because that is what the budget counts: on the wire nothing can grow on the way.
    return json.dumps(envelope, separators=(",", ":")).encode("ascii")
