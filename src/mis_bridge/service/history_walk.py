"""Each night every chain of the history is walked: is it still as it was written?

Beside the looks of the auditor, in a thread of its own and a school at a time, each over a snapshot
that is over in a moment: a walk over hundreds of schools takes seconds, and nothing waits for it.
What it finds is kept (``store.self_check``), with the moment: another start does not walk again.
What a person has accepted is no news, unless no walk had found it before.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import MisBridgeError
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.store import audit, audit_proof
from mis_bridge.store import self_check as kept

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.io.clock import Clock
    from mis_bridge.store.engine import Store

__all__ = ["HistoryWalk", "due_since"]

_AT: Final = 2 * 60 + 30
"""Before the night's readings begin; the change of the clocks never skips or repeats it."""

WAIT_SECONDS: Final = 2.0
"""A small history is walked within a look; after a long one the next looks ask."""

AGAIN_SECONDS: Final = 3600.0
"""After a walk that failed."""

_DAY: Final = timedelta(days=1)


def due_since(now: datetime) -> datetime:
    """When the present night's walk became due, aware: the last half past two that has been."""
    day = now.astimezone(LONDON).date()
    due = local_datetime(day, _AT)
    return due if due <= now else local_datetime(day - _DAY, _AT)


class HistoryWalk:
    """Walks the history once a night, or at the first look after a night that was slept through.

    Args:
        store, clock: as everywhere.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._walking: asyncio.Future[datetime | None] | None = None
        self._stopping = Event()
        self._last: datetime | None = None
        self._rests_until = clock.monotonic()
        self._log = get_logger(__name__)

    async def look(self, now: datetime) -> bool:
        """Begin a walk where one is due; never raises, and waits for it for a moment only.

        Args:
            now: aware.

        Returns:
            Whether a walk has ended since the last look: what is kept of it may be news.
        """
        if self._walking is None:
            if not _is_due(self._last, now) or self._clock.monotonic() < self._rests_until:
                return False
            loop = asyncio.get_running_loop()
            self._walking = loop.run_in_executor(self._thread, self._walk, now)
        await asyncio.wait([self._walking], timeout=WAIT_SECONDS)
        if not self._walking.done():
            return False
        walk, self._walking = self._walking, None
        try:
            self._last = walk.result()
        except MisBridgeError as error:
            self._log.error("history_walk_failed", problem=str(error))
        except Exception as error:  # noqa: BLE001 - whoever watches has to go on
            self._log.exception("history_walk_failed", problem=type(error).__name__)
        else:
            return True
        self._rests_until = self._clock.monotonic() + AGAIN_SECONDS
        return False

    def stop(self) -> None:
        """Break off what is under way: the next start begins anew."""
        self._stopping.set()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _walk(self, now: datetime) -> datetime | None:
        """Walk all chains; return when that was done last, None where it was broken off."""
        began = self._clock.monotonic()
        with self._store.reading() as tx:
            before = kept.last_walk(tx)
            names = audit.schools(tx)
        if before and not _is_due(before.at, now):
            return before.at  # by an earlier start
        broken: list[audit_proof.Break] = []
        accepted: list[audit_proof.Acceptance] = []
        for school in names:
            if self._stopping.is_set():
                return None
            with self._store.reading() as tx:
                proof = audit_proof.prove(tx, school)
            broken += proof.broken
            accepted += proof.accepted
        self._store.run(kept.keep_walk, now, broken, accepted)
        seconds = round(self._clock.monotonic() - began, 3)
        if chains := len({one.school for one in broken}):
            self._log.error("history_walked", schools=len(names), broken=chains, seconds=seconds)
        else:
            self._log.info("history_walked", schools=len(names), broken=0, seconds=seconds)
        return now


def _is_due(last: datetime | None, now: datetime) -> bool:
    # One that by a clock that was set back since is yet to come counts for nothing.
    return last is None or not due_since(now) <= last <= now
