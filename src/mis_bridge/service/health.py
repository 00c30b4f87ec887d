"""How the daemon shows that it is alive and well: supervisor, outside monitor, one line of status.

A sign of life is given only after a tick that finished and a store that answered; never from a
thread of its own, which would go on while the work hangs. The outside monitor is called only when
every watched school is read, judged and told of, so that its silence means something.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import SecretMissing
from mis_bridge.io.http import HttpError
from mis_bridge.io.logs import get_logger
from mis_bridge.store import dirty, feeds, outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.notify import Notifier
    from mis_bridge.io.secrets import Secret
    from mis_bridge.store.engine import Store

__all__ = ["Health", "Pulse", "take_pulse"]

HEARTBEAT_SECONDS: Final = 60.0
OVERDUE: Final = timedelta(minutes=15)
"""A school that was not read, or a message that nobody has got, so long after its time."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What a look at the store says of the whole.

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

    @property
    def is_clean(self) -> bool:
        """Whether an outside monitor may be told that all is well.

        Where no school is watched at all nothing is well: somebody should know.
        """
        bad = self.failing or self.overdue or self.unjudged or self.oldest_wait >= OVERDUE
        return not bad and self.good + self.new > 0

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


class Health:
    """Tells the supervisor and the outside monitor.

    Args:
        store, clock: as everywhere.
        notifier: the line to systemd.
        transport: for the heartbeat.
        heartbeat_url: gives the address to call, or None for none.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        notifier: Notifier,
        transport: Transport,
        heartbeat_url: Callable[[], Secret] | None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._transport = transport
        self._heartbeat_url = heartbeat_url
        self._last_look: float | None = None
        self._last_status = ""
        self._calling: asyncio.Task[None] | None = None
        self._log = get_logger(__name__)

    async def tick_done(self, *, clean: bool) -> None:
        """A tick finished.

        Args:
            clean: nothing in it failed; otherwise the outside monitor is not called.
        """
        self._notifier.watchdog()
        now, before = self._clock.monotonic(), self._last_look
        if before is not None and now - before < HEARTBEAT_SECONDS:
            return
        self._last_look = now
        pulse = await self._store.call(take_pulse, self._clock.now())
        status = str(pulse)
        self._notifier.status(status)
        if status != self._last_status:
            self._last_status = status
            self._log.info("pulse", status=status)
        # Not at the start: a daemon that is started again and again has done no clean cycle.
        if before is not None and clean and pulse.is_clean:
            self._call_monitor()

    def _call_monitor(self) -> None:
        """Begin to call; a monitor that does not answer holds up nobody, and is called once."""
        if self._heartbeat_url is not None and self._calling is None:
            self._calling = asyncio.create_task(self._call(self._heartbeat_url), name="heartbeat")
            self._calling.add_done_callback(self._called)

    def _called(self, _task: asyncio.Task[None]) -> None:
        self._calling = None

    async def stop(self) -> None:
        """Break off a call to the monitor."""
        if self._calling is not None:
            self._calling.cancel()
            await asyncio.gather(self._calling, return_exceptions=True)

    async def _call(self, heartbeat_url: Callable[[], Secret]) -> None:
        try:
            answer = await self._transport.request("GET", heartbeat_url().reveal(), timeout=10.0)
        except HttpError as error:
            self._log.warning("heartbeat_failed", problem=error.detail)
        except SecretMissing as error:
            self._log.warning("heartbeat_failed", problem=str(error))
        else:
            if answer.status >= 400:  # noqa: PLR2004 - the first status that means refusal
                self._log.warning("heartbeat_failed", problem=f"HTTP {answer.status}")


def take_pulse(tx: Connection, now: datetime) -> Pulse:
    """Look at the store."""
    watched = feeds.all_feeds(tx)
    states = [feed.state for feed in watched]
    waiting, oldest = outbox.waiting(tx, now)
    return Pulse(
        good=states.count("good"),
        failing=sum(state not in {"good", "new"} for state in states),
        new=states.count("new"),
        overdue=sum(now - feed.due_at > OVERDUE for feed in watched),
        unjudged=dirty.failing(tx),
        waiting=waiting,
        oldest_wait=timedelta(seconds=oldest),
    )
