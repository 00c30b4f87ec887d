"""What the clock did since the last tick: somebody was away, or somebody set it.

A machine that slept, a virtual one that was moved, a process that was not running: nobody watched,
and what was not read meanwhile is no failure of the MIS. A clock that was set back leaves all that
is due "in two minutes" due much later; it is made due now. The wrong time is never waited out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.io.logs import get_logger
from mis_bridge.service.ingest import LEASE_SECONDS
from mis_bridge.store import clock as stored_moments
from mis_bridge.store import meta

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mis_bridge.io.clock import Clock
    from mis_bridge.store.engine import Store

__all__ = ["ClockWatch"]

LONG_BREAK: Final = timedelta(minutes=10)
"""A restart or a slow tick goes on with the watch that was; after more a new one begins."""

SET_BACK: Final = timedelta(minutes=1)
"""A clock that is corrected by less, or two nodes that differ by less, need nothing."""

NOTE_SECONDS: Final = 60.0


class ClockWatch:
    """Looks at the clock before each tick.

    Args:
        store, clock: as everywhere.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._last: datetime | None = None
        self._noted = 0.0
        self._log = get_logger(__name__)

    async def look(self) -> None:
        """Compare the time with that of the last look; the first look compares with the store."""
        now, running = self._clock.now(), self._clock.monotonic()
        longest = LONG_BREAK * self._clock.speed
        usual = self._last is not None and -SET_BACK <= now - self._last <= longest
        if not usual or running - self._noted >= NOTE_SECONDS:
            gone = await self._store.call(look, self._last, now, longest)
            self._noted = running
            if gone is not None and gone > longest:
                self._log.info("watch_begins", after_seconds=round(gone.total_seconds()))
            elif gone is not None and gone < -SET_BACK:
                self._log.warning("clock_set_back", seconds=round(-gone.total_seconds()))
        self._last = now


def look(
    tx: Connection, last: datetime | None, now: datetime, longest: timedelta
) -> timedelta | None:
    """Put right what a break or a step of the clock has made wrong.

    Args:
        tx: the transaction.
        last: when this process looked last, or None: when any did.
        now: aware.
        longest: time between two looks that is no break.

    Returns:
        How far the clock has gone since then; None where nobody has ever looked.
    """
    last = last or meta.last_look(tx)
    gone = None if last is None else now - last
    if gone is not None and gone < -SET_BACK:
        stored_moments.set_back(tx, now, timedelta(seconds=LEASE_SECONDS))
        meta.begin_watch(tx, now)
    elif gone is None or gone > longest:
        meta.begin_watch(tx, now)
    meta.note_look(tx, now)
    return gone
