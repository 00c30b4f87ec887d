"""A rehearsal's clock that a conductor moves, and the rule by which the conductor waits.

On a busy machine a daemon at four hundred times its speed falls behind for reasons that have
nothing to do with it. The conductor therefore lets the time stand while the daemon is behind its
own schedule, so that what is rehearsed is the daemon's judgement and not the machine's speed.
"""

from __future__ import annotations

import time
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from mis_bridge.io.clock import RehearsalClock
from mis_bridge.store import feeds, owed

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.store.engine import Store

__all__ = ["PacedClock", "StageClock", "is_behind"]

_READING_LATE = timedelta(minutes=3)
_SENDING_LATE = 4 * 60.0


class PacedClock:
    """A clock that goes on only when it is moved.

    Args:
        start: the first moment it shows, aware.
        speed: rehearsed seconds a real second.
        patience: real seconds for which it may stand in all; then it goes on whatever happens.
    """

    def __init__(self, start: datetime, speed: float, patience: float) -> None:
        self.speed = speed
        self._now = start.astimezone(UTC)
        self._patience = patience
        self._moved = time.monotonic()

    def now(self) -> datetime:
        """The rehearsed moment, aware, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Real seconds: timeouts towards real peers do not run faster."""
        return time.monotonic()

    def move(self, *, wait: bool) -> None:
        """Go on by the real time since the last call, or stand still for as long.

        Args:
            wait: stand still, if there is patience left.
        """
        real = time.monotonic()
        passed, self._moved = real - self._moved, real
        if wait and self._patience > 0:
            self._patience -= passed
        else:
            self._now += timedelta(seconds=passed * self.speed)


class StageClock:
    """A rehearsal's clock as its peers see it: it goes on while the daemon lives.

    Args:
        start: aware.
        speed: rehearsed seconds a real second.
    """

    def __init__(self, start: datetime, speed: float) -> None:
        self.speed = speed
        self._moment = start.astimezone(UTC)
        self._since: float | None = None

    def now(self) -> datetime:
        """The rehearsed moment, aware, UTC."""
        if self._since is None:
            return self._moment
        return self._moment + timedelta(seconds=(time.time() - self._since) * self.speed)

    def monotonic(self) -> float:
        """Real seconds."""
        return time.monotonic()

    def begin(self) -> RehearsalClock:
        """Go on; give the clock for the daemon's environment."""
        self._since = time.time()
        return RehearsalClock(self._moment, self._since, self.speed)

    def pause(self, *, down: float = 0.0) -> None:
        """Stand still, after so many rehearsed seconds more."""
        self._moment = self.now() + timedelta(seconds=down)
        self._since = None

    def jump(self, moment: datetime) -> None:
        """Stand still at a later moment."""
        self._moment, self._since = max(self.now(), moment.astimezone(UTC)), None


def is_behind(store: Store, school: str, now: datetime) -> bool:
    """Say whether the daemon should have read, or sent, and has not.

    Args:
        store: the daemon's database.
        school: whose feed.
        now: the rehearsed moment.
    """
    with store.reading() as tx:
        feed = feeds.get(tx, school)
        _, waits = owed.waiting(tx, now)
    return feed is None or now - feed.due_at > _READING_LATE or waits > _SENDING_LATE
