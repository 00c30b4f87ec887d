"""A notification in the activity feed of named people in Teams, by Microsoft Graph.

It is one line that rings, and a link: not a card. A later one about the same incident takes the
place of an earlier one. Graph's 204 says that it was taken; whether Teams shows it, and rings, is
the reader's own setting, hence ``ACCEPTED``.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.http_outcome import Meaning, of_failure
from mis_bridge.channels.microsoft_service import MicrosoftService
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.teams_outcome import of_answer
from mis_bridge.channels.token_refused import TokenRefused
from mis_bridge.io.clock import running
from mis_bridge.io.http import HttpError
from mis_bridge.messages.model import BRIEF_LENGTH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from mis_bridge.channels.allowance import Allowance
    from mis_bridge.channels.base import Expiry
    from mis_bridge.channels.entra_token import Tokens
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["TeamsActivity", "chain_id"]

_RECIPIENT: Final = "microsoft.graph.aadUserNotificationRecipient"
_PAUSE: Final = 10.0  # seconds after a 429 that does not say how long
_SHORT: Final = 2.0  # seconds that are waited here; what takes longer is tried again later
_HALF_DONE: Final = 100
_FOR_ALL: Final = frozenset({Result.RETRY, Result.UNKNOWN})

_MEANINGS: Final = {
    400: Meaning("the notification is refused: check link, activity_type and recipients", True),
    401: Meaning("a fresh token is refused as well; check tenant_id and graph_url", True),
    403: Meaning(
        "the app may not notify them: give it TeamsActivity.Send, or the permission in its "
        "manifest, and install the Teams app for them",
        True,
    ),
    404: Meaning(
        "there is no such team or person, or the Teams app is not installed for them", True
    ),
    409: Meaning("two Teams apps there have the same Entra application id: remove one", True),
    412: Meaning("Graph asks for a token that lives longer, and has been given a new one", False),
}


class TeamsActivity:
    """The activity feeds of some people.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil may stand in the line, which shows on locked screens.
        base_url: where Graph is, ``https://graph.microsoft.com/v1.0``.
        team: id of the team in which the Teams app is installed; empty: it is installed for each
            person.
        recipients: Entra object ids, or user principal names.
        link: what opens, ``https://teams.microsoft.com/l/...``.
        activity_type: as in the app's manifest, or ``systemDefault``.
        template_parameter: the name by which its text is handed over.
        tokens: who gives the tokens.
        transport: the way out.
        allowance: shared by all channels of one app.
        clock: for the allowance, and for a Retry-After that is a date.
        timeout_seconds: for one attempt, the token included.
        sleep: waits so many seconds.
    """

    kind = "teams-activity"

    def __init__(
        self,
        name: str,
        *,
        disclosure: Disclosure,
        base_url: str,
        team: str,
        recipients: Sequence[str],
        link: str,
        tokens: Tokens,
        transport: Transport,
        allowance: Allowance,
        clock: Clock,
        activity_type: str = "systemDefault",
        template_parameter: str = "systemDefaultText",
        timeout_seconds: float = 30.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self._graph = MicrosoftService(base_url, tokens, transport, timeout_seconds)
        self._team = team
        self._recipients = tuple(recipients)
        self._link = link
        self._type = activity_type
        self._parameter = template_parameter
        self.allowance = allowance
        self._clock = clock
        self._timeout = timeout_seconds
        self._sleep = sleep
        self._half_done: dict[str, dict[str, Outcome]] = {}

    async def send(self, message: Message) -> Outcome:
        """Notify everybody whom the channel names."""
        return await guarded(self.name, self._timeout, lambda attempt: self._send(message, attempt))

    async def check(self) -> Outcome:
        """Get a token; whether the app is installed for them, only a test message shows."""
        return await guarded(self.name, self._timeout, lambda _: self._graph.is_let_in())

    async def close(self) -> None:
        """Nothing: the connections are the transport's."""

    def expiries(self) -> Sequence[Expiry]:
        """When the app's certificate or client secret runs out."""
        return self._graph.tokens.expiries()

    async def _send(self, message: Message, attempt: Attempt) -> Outcome:
        # Whoever has it already is not rung again when the others' turn comes.
        outcomes = self._half_done.pop(message.id, {})
        for person in self._recipients:
            if person in outcomes:
                continue
            outcome = await self._notify(person, message, attempt)
            if outcome.result in _FOR_ALL:  # it would be the same for the others
                self._half_done[message.id] = outcomes
                for forgotten in list(self._half_done)[:-_HALF_DONE]:
                    del self._half_done[forgotten]
                return self._put_off(outcome, done=len(outcomes))
            outcomes[person] = outcome
        return self._sum_up(outcomes)

    def _put_off(self, outcome: Outcome, *, done: int) -> Outcome:
        told = f"; {done} of {len(self._recipients)} have been notified" if done else ""
        return Outcome(
            outcome.result,
            f"{outcome.detail}{told}",
            retry_after=outcome.retry_after,
            shared=outcome.shared,
            proof=outcome.proof,
        )

    def _sum_up(self, outcomes: dict[str, Outcome]) -> Outcome:
        refused = {p: one for p, one in outcomes.items() if one.result is Result.PERMANENT}
        if not refused:
            return next(iter(outcomes.values()))
        worst, _ = Counter(one.detail for one in refused.values()).most_common(1)[0]
        if len(refused) == len(outcomes):
            alarm = any(one.config_alarm for one in refused.values())
            return Outcome(Result.PERMANENT, worst, config_alarm=alarm)
        proof = next(one.proof for p, one in outcomes.items() if p not in refused)
        return Outcome(Result.ACCEPTED, worst, refused=tuple(refused), proof=proof)

    async def _notify(self, person: str, message: Message, attempt: Attempt) -> Outcome:
        while (wait := self.allowance.take(running(self._clock))) > 0:
            if wait > _SHORT:
                held = f"{self._graph.host}: held back, as Graph wished"
                return Outcome(Result.RETRY, held, retry_after=wait, shared=True)
            await self._sleep(wait)
        try:
            response = await self._graph.ask_json(
                "POST", self._path(person), self._body(person, message), attempt
            )
        except TokenRefused as refused:
            return refused.outcome
        except HttpError as error:
            return of_failure(error)
        return of_answer(
            response,
            _MEANINGS,
            host=self._graph.host,
            allowance=self.allowance,
            pause=_PAUSE,
            clock=self._clock,
        )

    def _path(self, person: str) -> str:
        if self._team:
            return f"teams/{quote(self._team, safe='')}/sendActivityNotification"
        return f"users/{quote(person, safe='@')}/teamwork/sendActivityNotification"

    def _body(self, person: str, message: Message) -> dict[str, Any]:
        title = message.subject.removeprefix("[mis-bridge] ")
        # The end of one of several alerts does not take the place of what told of all of them.
        about = message.reference if len(message.references) <= 1 else message.id
        body: dict[str, Any] = {
            "topic": {"source": "text", "value": "mis-bridge", "webUrl": self._link},
            "activityType": self._type,
            "chainId": chain_id(about or message.id),
            "previewText": {"content": (message.brief or title)[:BRIEF_LENGTH]},
            "templateParameters": [{"name": self._parameter, "value": title[:BRIEF_LENGTH]}],
        }
        if self._team:
            body["recipient"] = {"@odata.type": _RECIPIENT, "userId": person}
        return body


def chain_id(about: str) -> int:
    """Give the number that makes a later notification take the place of an earlier one.

    Args:
        about: the incident's reference.

    Returns:
        A positive number of 52 bits: Graph takes 64, and what reads JSON as floating point 53.
    """
    return int.from_bytes(hashlib.sha256(about.encode()).digest()[:8]) >> 12
