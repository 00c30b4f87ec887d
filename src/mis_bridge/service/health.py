"""What is told to the supervisor and to the outside monitor, and the line of status.

Who tells it is the auditor (``auditor``), after a look that found nothing wrong: never a thread of
its own, which would go on while the work hangs.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import SecretMissing
from mis_bridge.io.http import HttpError
from mis_bridge.io.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secret
    from mis_bridge.store.standing import Standing

__all__ = ["HEARTBEAT_SECONDS", "Monitor", "Pulse", "pulse_of"]

HEARTBEAT_SECONDS: Final = 60.0
"""Between two calls of the outside monitor."""

_OVERDUE: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Pulse:
    """The numbers of the line of status.

    Args:
        good, failing, new: watched schools by the state of their feeds; new: never read.
        overdue: watched schools that nobody has tried to read long after their time.
        unjudged: days and years of schools that could not be decided.
        waiting: messages that wait to be sent.
        oldest_wait: how long the oldest of them has waited.
    """

    good: int
    failing: int
    new: int
    overdue: int
    unjudged: int
    waiting: int
    oldest_wait: timedelta

    def __str__(self) -> str:
        text = f"feeds: {self.good} good, {self.failing} failing"
        if self.new:
            text += f", {self.new} not read yet"
        if self.overdue:
            text += f", {self.overdue} overdue"
        if self.unjudged:
            text += f"; decisions failing: {self.unjudged}"
        text += f"; messages waiting: {self.waiting}"
        if self.waiting:
            text += f", the oldest for {self.oldest_wait.total_seconds():.0f} s"
        return text


def pulse_of(standing: Standing, now: datetime) -> Pulse:
    """Count what the line of status says."""
    states = [feed.state for feed in standing.feeds]
    return Pulse(
        good=states.count("good"),
        failing=sum(state not in {"good", "new"} for state in states),
        new=states.count("new"),
        overdue=sum(now - feed.due_at > _OVERDUE for feed in standing.feeds),
        unjudged=standing.failing_keys,
        waiting=standing.waiting,
        oldest_wait=timedelta(seconds=standing.oldest_wait),
    )


class Monitor:
    """The outside monitor: called after a clean look, so that its silence means something.

    Args:
        clock: for the time between two calls.
        transport: the way out.
        url: gives the address to call, or None for none.
    """

    def __init__(
        self, clock: Clock, transport: Transport, url: Callable[[], Secret] | None
    ) -> None:
        self._clock = clock
        self._transport = transport
        self._url = url
        self._called_at: float | None = None
        self._calling: asyncio.Task[None] | None = None
        self._log = get_logger(__name__)

    def call(self) -> None:
        """Begin to call; a monitor that does not answer holds up nobody, and is called once."""
        now = self._clock.monotonic()
        early = self._called_at is not None and now - self._called_at < HEARTBEAT_SECONDS
        if self._url is None or self._calling is not None or early:
            return
        self._called_at = now
        self._calling = asyncio.create_task(self._call(self._url), name="heartbeat")
        self._calling.add_done_callback(self._called)

    def _called(self, _task: asyncio.Task[None]) -> None:
        self._calling = None

    async def wait(self) -> None:
        """Wait for a call under way."""
        if self._calling is not None:
            await asyncio.wait([self._calling])

    async def stop(self) -> None:
        """Break off a call."""
        if self._calling is not None:
            self._calling.cancel()
            await asyncio.gather(self._calling, return_exceptions=True)

    async def _call(self, url: Callable[[], Secret]) -> None:
        try:
            answer = await self._transport.request("GET", url().reveal(), timeout=10.0)
        except HttpError as error:
            self._log.warning("heartbeat_failed", problem=error.detail)
        except SecretMissing as error:
            self._log.warning("heartbeat_failed", problem=str(error))
        else:
            if answer.status >= 400:  # noqa: PLR2004 - the first status that means refusal
                self._log.warning("heartbeat_failed", problem=f"HTTP {answer.status}")
