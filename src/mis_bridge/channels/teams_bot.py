"""Cards in a Teams channel or chat by a bot, which can change them later (Bot Connector).

The bot only speaks: it needs no address that Teams can reach. The service answers 201 with the id
of the message that stands there, hence ``SENT``; the id is the proof, and by it the card is changed
when the incident moves on. A change rings nobody.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.base import activity_of, proof_of_activity
from mis_bridge.channels.http_outcome import Meaning, of_failure
from mis_bridge.channels.mention import calling
from mis_bridge.channels.microsoft_service import MicrosoftService
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.teams import SIZE_BUDGET, short_card
from mis_bridge.channels.teams_outcome import of_answer
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.io.clock import running
from mis_bridge.io.http import HttpError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.channels.allowance import Allowance
    from mis_bridge.channels.base import Expiry
    from mis_bridge.channels.entra_token import Tokens
    from mis_bridge.channels.mention import Person
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import HttpResponse, Transport
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["TeamsBot"]

_CARD: Final = "application/vnd.microsoft.card.adaptive"
_ACTIVITY_ID: Final = re.compile(r"[A-Za-z0-9:._|-]{1,200}")
_SAFE: Final = ":@;=._-"  # of a conversation's id, 19:...@thread.tacv2;messageid=...
_PAUSE: Final = 30.0  # seconds after a 429 that does not say how long

_MEANINGS: Final = {
    400: Meaning("the bot service does not understand the request: check conversation", True),
    401: Meaning(
        "a fresh token is refused as well; check that the bot and the app registration have the "
        "same application id and tenant",
        True,
    ),
    403: Meaning(
        "the bot may not write there: install its app in that team or chat, or let it be unblocked",
        True,
    ),
    404: Meaning("there is no such conversation any more; check conversation", True),
    412: Meaning("not now", False),
    413: Meaning("the card is too big", False),
}
_EDIT_MEANINGS: Final = {
    **_MEANINGS,
    404: Meaning("the message is not there any more; somebody may have deleted it", False),
}


class TeamsBot:
    """One conversation: a channel of a team, a group chat, or a person.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil its readers may see.
        service_url: where the bot service is.
        app_id: application id of the bot.
        conversation: its id, ``19:...@thread.tacv2`` for a channel.
        tokens: who gives the tokens, for ``https://api.botframework.com/.default``.
        transport: the way out.
        allowance: shared by all channels that write to the conversation.
        clock: for the allowance, and for a Retry-After that is a date.
        mentions: who is named on cards that are worth ringing them.
        timeout_seconds: for one attempt, the token included.
    """

    kind = "teams-bot"
    checked_weekly = True

    def __init__(
        self,
        name: str,
        *,
        disclosure: Disclosure,
        service_url: str,
        app_id: str,
        conversation: str,
        tokens: Tokens,
        transport: Transport,
        allowance: Allowance,
        clock: Clock,
        mentions: Sequence[Person] = (),
        timeout_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self._service = MicrosoftService(service_url, tokens, transport, timeout_seconds)
        self._app_id = app_id
        self._mentions = tuple(mentions)
        self._conversation = conversation
        self.allowance = allowance
        self._clock = clock
        self._timeout = timeout_seconds

    async def send(self, message: Message) -> Outcome:
        """Post the message's card; the proof says how it can be changed later."""
        return await guarded(self.name, self._timeout, lambda attempt: self._send(message, attempt))

    async def edit(self, message: Message) -> Outcome:
        """Put the message's card in the place of the one whose proof ``message.edits`` is."""
        return await guarded(self.name, self._timeout, lambda attempt: self._edit(message, attempt))

    async def check(self) -> Outcome:
        """Get a token; whether the bot may write there, only a test message shows."""
        return await guarded(self.name, self._timeout, lambda _: self._service.is_let_in())

    async def close(self) -> None:
        """Nothing: the connections are the transport's."""

    def expiries(self) -> Sequence[Expiry]:
        """When the app's certificate or client secret runs out."""
        return self._service.tokens.expiries()

    async def _send(self, message: Message, attempt: Attempt) -> Outcome:
        path = self._path()
        outcome, response = await self._request("POST", path, self._body(message), attempt)
        if _is_too_big(response):
            short = self._body(message, short=True)
            outcome, response = await self._request("POST", path, short, attempt)
        if response is None or outcome.result is not Result.ACCEPTED:
            return outcome
        activity = _activity_of(response)
        if not activity:
            return outcome
        proof = proof_of_activity(activity, self._conversation)
        return Outcome(Result.SENT, f"{self._service.host}: posted", proof=proof)

    async def _edit(self, message: Message, attempt: Attempt) -> Outcome:
        stands = activity_of(message.edits)
        if stands is None or stands[1] != self._conversation:
            return Outcome(
                Result.PERMANENT, "the message stands in a conversation that is not this channel's"
            )
        activity, _ = stands
        path = self._path(activity)
        body = {**self._body(message), "id": activity}
        outcome, response = await self._request("PUT", path, body, attempt, _EDIT_MEANINGS)
        if response is None or outcome.result is not Result.ACCEPTED:
            return outcome
        return Outcome(Result.SENT, f"{self._service.host}: changed", proof=message.edits)

    async def _request(
        self,
        method: str,
        path: str,
        body: dict[str, Any],
        attempt: Attempt,
        meanings: dict[int, Meaning] = _MEANINGS,
    ) -> tuple[Outcome, HttpResponse | None]:
        wait = self.allowance.take(running(self._clock))
        if wait > 0:
            held = f"{self._service.host}: held back, the conversation has no allowance left"
            return Outcome(Result.RETRY, held, retry_after=wait, shared=True), None
        try:
            response = await self._service.ask_json(method, path, body, attempt)
        except TokenRefused as refused:
            return refused.outcome, None
        except HttpError as error:
            return of_failure(error), None
        outcome = of_answer(
            response,
            meanings,
            host=self._service.host,
            allowance=self.allowance,
            pause=_PAUSE,
            clock=self._clock,
        )
        return outcome, response

    def _path(self, activity: str = "") -> str:
        where = f"v3/conversations/{quote(self._conversation, safe=_SAFE)}/activities"
        return f"{where}/{quote(activity, safe=_SAFE)}" if activity else where

    def _body(self, message: Message, *, short: bool = False) -> dict[str, Any]:
        shown = replace(message, card=short_card(message)) if short else message
        # Changing a card rings nobody, and names nobody anew.
        envelope = shown.card if message.edits else calling(shown, self._mentions)
        content = envelope["attachments"][0]["content"]
        if not short and len(json.dumps(content, separators=(",", ":"))) > SIZE_BUDGET:
            return self._body(message, short=True)
        return {
            "type": "message",
            "from": {"id": self._app_id},
            "conversation": {"id": self._conversation},
            # What a telephone shows when it rings: of a card alone it says only that there is one.
            "summary": message.brief or message.subject,
            "attachments": [{"contentType": _CARD, "content": content}],
        }


def _is_too_big(response: HttpResponse | None) -> bool:
    return response is not None and response.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def _activity_of(response: HttpResponse) -> str:
    """The id of the message that was posted, or empty."""
    try:
        activity = json.loads(response.body)["id"]
    except (ValueError, KeyError, TypeError):
        return ""
    return activity if isinstance(activity, str) and _ACTIVITY_ID.fullmatch(activity) else ""
