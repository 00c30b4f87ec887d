"""How the daemon shows that it is alive and well: supervisor, outside monitor, one line of status.

A sign of life is given only after a tick that finished and a store that answered; never from a
thread of its own, which would go on while the work hangs. The outside monitor is called only after
a clean cycle, so that its silence means something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.io.http import HttpError
from mis_bridge.io.logs import get_logger
from mis_bridge.store import feeds, meta, outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.notify import Notifier
    from mis_bridge.io.secrets import Secret
    from mis_bridge.store.engine import Store

__all__ = ["Health", "Pulse"]

HEARTBEAT_SECONDS: Final = 60.0
OVERDUE_SECONDS: Final = 15 * 60.0
"""A message that nobody has got this long after its time is not a clean cycle."""


class Pulse:
    """What a look at the store says of the whole.

    Args:
        good, failing: feeds by state.
        waiting: messages that wait to be sent.
        oldest_wait: seconds that the oldest of them is overdue.
        clock_behind: seconds that the clock stands behind the furthest it has been.
    """

    def __init__(
        self, good: int, failing: int, waiting: int, oldest_wait: float, clock_behind: float
    ) -> None:
        self.good = good
        self.failing = failing
        self.waiting = waiting
        self.oldest_wait = oldest_wait
        self.clock_behind = clock_behind

    @property
    def is_clean(self) -> bool:
        """Whether an outside monitor may be told that all is well."""
        return not self.failing and self.oldest_wait < OVERDUE_SECONDS and not self.clock_behind

    def __str__(self) -> str:
        text = f"feeds: {self.good} good, {self.failing} failing; messages waiting: {self.waiting}"
        if self.waiting:
            text += f", the oldest for {self.oldest_wait:.0f} s"
        if self.clock_behind:
            text += f"; the clock was set back {self.clock_behind:.0f} s"
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
        self._last_look = -HEARTBEAT_SECONDS
        self._last_status = ""
        self._log = get_logger(__name__)

    async def tick_done(self, *, clean: bool) -> None:
        """A tick finished.

        Args:
            clean: nothing in it failed; otherwise the outside monitor is not called.
        """
        self._notifier.watchdog()
        if self._clock.monotonic() - self._last_look < HEARTBEAT_SECONDS:
            return
        self._last_look = self._clock.monotonic()
        pulse = await self._store.call(take_pulse, self._clock.now())
        status = str(pulse)
        self._notifier.status(status)
        if status != self._last_status:
            self._last_status = status
            self._log.info("pulse", status=status)
        if clean and pulse.is_clean:
            await self._call_monitor()

    async def _call_monitor(self) -> None:
        if self._heartbeat_url is None:
            return
        try:
            answer = await self._transport.request(
                "GET", self._heartbeat_url().reveal(), timeout=10.0
            )
        except HttpError as error:
            self._log.warning("heartbeat_failed", problem=error.detail)
            return
        if answer.status >= 400:  # noqa: PLR2004 - the first status that means refusal
            self._log.warning("heartbeat_failed", problem=f"HTTP {answer.status}")


def take_pulse(tx: Connection, now: datetime) -> Pulse:
    """Look at the store; remembers how far the clock has been."""
    states = [feed.state for feed in feeds.all_feeds(tx)]
    waiting, oldest = outbox.waiting(tx, now)
    return Pulse(
        good=states.count("good"),
        failing=sum(state not in {"good", "new"} for state in states),
        waiting=waiting,
        oldest_wait=oldest,
        clock_behind=meta.clock_check(tx, now).total_seconds(),
    )
