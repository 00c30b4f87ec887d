"""The daemon: one tick after another, each begins to read, decides, and begins to send.

::

    tick:  sync.start_due     lease feeds, read each in its own task    transaction 1  ingest.py
           decide.decide_due  decide what changed, or what time changed transaction 2  decide.py
           deliver.start_due  lease messages, send each channel's       transaction 3  deliver.py

Beside the ticks, by a schedule of its own, the auditor looks whether all of that was done.

A tick waits for no network. What it started goes on beside the next ones.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

from mis_bridge import __version__
from mis_bridge.errors import StoreError, StoreRefused
from mis_bridge.io import metrics
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import installation_lines
from mis_bridge.service.config_lines import note_changes
from mis_bridge.store import audit, dirty, feeds, incidents, meta, retention

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.io.clock import Clock
    from mis_bridge.service.auditor import Auditor
    from mis_bridge.service.calendars import CalendarWatch
    from mis_bridge.service.decide import Decider
    from mis_bridge.service.schools import School
    from mis_bridge.service.sending import Deliverer
    from mis_bridge.service.sync import Syncer
    from mis_bridge.service.watch import ClockWatch
    from mis_bridge.settings import RetentionSettings
    from mis_bridge.store.engine import Store

__all__ = ["Daemon"]

Result = TypeVar("Result")

GRACE_SECONDS: Final = 20.0
"""How long readings and messages under way may still take when the daemon is asked to stop."""

STEADY: Final = timedelta(hours=1)
"""So long the clock has to have gone on steadily before anything is deleted by it."""

_SLOW_SECONDS: Final = 1.0

_PRUNED: Final = "pruned_on"


class Daemon:
    """Puts the parts in their order.

    Args:
        store, clock: as everywhere.
        schools: the configured ones.
        watch, calendars, syncer, decider, deliverer: the parts.
        auditor: told of every tick that was done; it has a schedule of its own.
        kept: for how long data are kept.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        schools: Collection[School],
        watch: ClockWatch,
        calendars: CalendarWatch,
        syncer: Syncer,
        decider: Decider,
        deliverer: Deliverer,
        auditor: Auditor,
        kept: RetentionSettings,
    ) -> None:
        self._store = store
        self._clock = clock
        self._schools = schools
        self._watch = watch
        self._calendars = calendars
        self._syncer = syncer
        self._decider = decider
        self._deliverer = deliverer
        self.auditor = auditor
        self._kept = kept
        self._begun = False
        self._log = get_logger(__name__)

    async def tick(self) -> None:
        """Do what is due; what fails as a whole (the store) is raised and tried again next time.

        A fault in one part does not keep the others from their work: a message that can be sent is
        sent. It is raised when they have done it.
        """
        await self._watch.look()
        self._calendars.look()
        await self._begin()
        faults: list[Exception] = []
        began = self._clock.monotonic()
        readings = await self._try(self._syncer.start_due, faults)
        decided = await self._try(self._decider.decide_due, faults)
        await self._try(self._decider.expire_packages, faults)
        messages = await self._try(self._deliverer.start_due, faults)
        await self._try(self._prune, faults)
        if faults:
            raise ExceptionGroup("not all of the tick was done", faults)
        self.auditor.tick_done()
        self._say(self._clock.monotonic() - began, readings or 0, decided or 0, messages or 0)

    def _say(self, seconds: float, readings: int, decided: int, messages: int) -> None:
        """Write a tick's one line, where it did more than begin to read, or took long."""
        metrics.observe("mis_bridge_tick_seconds", seconds)
        if decided or messages or seconds >= _SLOW_SECONDS:
            self._log.info(
                "tick",
                readings=readings,
                decided=decided,
                messages=messages,
                seconds=round(seconds, 3),
            )

    async def settle(self) -> None:
        """Tick until nothing is left to do at this moment (for rehearsals and tests)."""
        await self._begin()
        while True:
            reading = await self._syncer.start_due()
            await self._syncer.wait()
            await self._decider.decide_due()
            await self._decider.expire_packages()
            sending = await self._deliverer.start_due()
            await self._deliverer.wait()
            if not reading and not sending:
                self.auditor.tick_done()
                return

    async def stop(self) -> None:
        """End what is under way; what can not end in time is repeated after the next start."""
        await asyncio.gather(
            self._syncer.stop(GRACE_SECONDS),
            self._deliverer.stop(GRACE_SECONDS),
            self.auditor.stop(),
            self._calendars.stop(),
        )

    async def _begin(self) -> None:
        """Watch the configured schools, and no others, from the first tick on."""
        if self._begun:
            return
        left = await self._store.call(begin, self._schools, self._clock.now())
        self._begun = True
        for school, still_open in left.items():
            self._log.warning("school_left", school=school, open_incidents=still_open)

    async def _prune(self) -> None:
        now = self._clock.now()
        if await self._store.call(prune_once, now, self._kept):
            self._log.info("pruned", day=now.astimezone(LONDON).date().isoformat())

    @staticmethod
    async def _try(part: Callable[[], Awaitable[Result]], faults: list[Exception]) -> Result | None:
        try:
            return await part()
        except Exception as error:
            if isinstance(error, StoreError) and not isinstance(error, StoreRefused):
                raise
            faults.append(error)
            return None


def begin(tx: Connection, schools: Collection[School], now: datetime) -> dict[str, int]:
    """Make these schools the watched ones, and have all that is known of them decided anew.

    What is decided follows from what is stored and from what is configured: the configuration may
    have changed.

    Returns:
        How many incidents are open at each school that was watched until now.
    """
    left = feeds.sync_schools(tx, [(one.id, one.adapter, one.name) for one in schools], now)
    installation_lines.began(tx, __version__, len(schools), now)
    note_changes(tx, schools, now)
    for school in schools:
        dirty.mark_years(tx, school.id, [school.calendar.year.start], now)
    still_open = incidents.count_open(tx)
    return {school: still_open.get(school, 0) for school in left}


def prune_once(tx: Connection, now: datetime, kept: RetentionSettings) -> bool:
    """Drop what its time is up, once a day; False where it is not the time for it.

    A clock that jumped a year ahead would delete a year's data in its first minute.
    """
    today = now.astimezone(LONDON).date()
    watching = meta.watching_from(tx)
    if meta.get(tx, _PRUNED) == today.isoformat() or watching is None or now - watching < STEADY:
        return False
    audit.hold(tx, audit.INSTALLATION)
    installation_lines.dropped(tx, retention.prune(tx, now, kept), now)
    meta.put(tx, _PRUNED, today.isoformat())
    return True
