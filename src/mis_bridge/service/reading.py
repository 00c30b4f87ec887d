"""Read one leased feed from beginning to end, storing what comes batch by batch.

Each batch is stored by ``ingest.store_batch``, transaction 1 of 3, between two network calls and
never during one. What stands here is about the feed alone: ``plan_reading`` asks what to read, and
``_reading_good`` or ``reading_failed`` writes down how it went and when it is read next.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import MisError
from mis_bridge.io import metrics
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service.ingest import store_batch
from mis_bridge.service.open_after_all import sessions_of
from mis_bridge.service.schedule import (
    LONGEST_READING,
    backoff,
    next_due,
    next_reading,
    next_sweep,
)
from mis_bridge.store import digests, dirty, feeds, meta, sheets

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.source import Batch, Source
    from mis_bridge.io.clock import Clock
    from mis_bridge.service.schools import School
    from mis_bridge.store.engine import Store
    from mis_bridge.store.feeds import Feed

__all__ = ["Reader", "ReadingDone", "plan_reading", "reading_failed"]


@dataclass(slots=True)
class ReadingDone:
    """What one reading of one feed came to.

    Args:
        school: the school's id.
        batches, records, changed, quarantined: how much was read, stored and set aside.
        problem: why it broke off, or empty.
        heard_at: when something came of it last, on the clock's monotonic scale.
    """

    school: str
    batches: int = 0
    records: int = 0
    changed: int = 0
    quarantined: int = 0
    problem: str = ""
    heard_at: float = 0.0


class Reader:
    """Reads one leased feed from beginning to end.

    Args:
        store: where it is stored.
        clock: the time.
        keep_day_sheets: school days for which lessons are kept.
        on_batch: told of every stored batch (a progress bar), or None.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        keep_day_sheets: int,
        on_batch: Callable[[Batch, ReadingDone], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._keep_day_sheets = keep_day_sheets
        self._on_batch = on_batch
        self._log = get_logger(__name__)

    async def read(
        self,
        feed: Feed,
        school: School,
        source: Source,
        plan: ReadPlan | None = None,
        *,
        done: ReadingDone | None = None,
    ) -> ReadingDone:
        """Read a feed, store it batch by batch, and write down how it went.

        Args:
            feed: as it was leased.
            school: whose feed it is.
            source: where to read.
            plan: what to read; None: what the schedule asks for now. One that leaves out a part
                of that stores what it reads, but the feed is no better known for it.
            done: kept up to date while it reads, for whoever looks meanwhile.
        """
        done = done or ReadingDone(school.id)
        began = self._clock.monotonic()
        asked = await self._store.call(
            partial(plan_reading, feed=feed, school=school), self._clock.now()
        )
        plan = plan or asked
        try:
            async with asyncio.timeout(LONGEST_READING.total_seconds()):
                async for batch in source.read(plan):
                    await self._store_batch(feed, school, plan, batch, done)
        except (MisError, TimeoutError) as error:
            fault = (
                error
                if isinstance(error, MisError)
                else MisError("reading took longer than a quarter of an hour")
            )
            done.problem = fault.problem
            await self._store.call(
                partial(reading_failed, feed=feed, school=school), self._clock.now(), fault
            )
            self._log.warning(
                "feed_failed",
                school=school.id,
                state=fault.state,
                problem=fault.problem,
                records=done.records,
                changed=done.changed,
                failures=feed.failures + 1,
                seconds=round(self._clock.monotonic() - began, 2),
            )
        else:
            if plan.window[0] <= asked.window[0] and plan.window[1] >= asked.window[1]:
                await self._store.call(
                    partial(_reading_good, feed=feed, school=school, swept=plan.sweep),
                    self._clock.now(),
                )
            else:
                await self._store.call(feeds.release, feed)
            seconds = self._clock.monotonic() - began
            metrics.observe("mis_bridge_feed_reading_seconds", seconds)
            metrics.count("mis_bridge_feed_readings_total", school=school.id, state="good")
            self._log.info(
                "feed_read",
                school=school.id,
                sweep=plan.sweep,
                pages=done.batches,
                records=done.records,
                changed=done.changed,
                quarantined=done.quarantined,
                seconds=round(seconds, 2),
            )
        metrics.count("mis_bridge_feed_records_total", by=done.records, school=school.id)
        return done

    async def _store_batch(
        self,
        feed: Feed,
        school: School,
        plan: ReadPlan,
        batch: Batch,
        done: ReadingDone,
    ) -> None:
        result = await self._store.call(
            partial(store_batch, feed=feed, plan=plan),
            batch,
            self._clock.now(),
            first_kept_day(school, self._clock.now(), self._days_of_sheets(feed, school)),
        )
        done.heard_at = self._clock.monotonic()
        done.batches += 1
        done.records += len(batch.records)
        done.changed += result.changed
        done.quarantined += result.quarantined
        if self._on_batch:
            self._on_batch(batch, done)

    def _days_of_sheets(self, feed: Feed, school: School) -> int:
        """For how many school days back lessons are stored.

        What happened in the lessons before anybody watched is told to nobody: a first load keeps
        no more of them than every later reading corrects.
        """
        if feed.last_good_at is not None:
            return self._keep_day_sheets
        return min(self._keep_day_sheets, school.polling.window_school_days + 1)


def plan_reading(tx: Connection, now: datetime, *, feed: Feed, school: School) -> ReadPlan:
    """What the schedule asks for now, with what is known of the pages read before."""
    reading = next_reading(
        school.calendar,
        school.polling,
        now,
        last_good=feed.last_good_at,
        sweep_at=feed.sweep_at,
    )
    return ReadPlan(
        window=reading.window,
        since=reading.since,
        sweep=reading.sweep,
        streams=school.streams,
        resume=feed.resume,
        known_digests=digests.known(tx, school.id),
    )


def first_kept_day(school: School, now: datetime, school_days: int) -> date:
    """The first day whose lessons are kept."""
    today = now.astimezone(LONDON).date()
    days = school.calendar.school_days(school.calendar.first_day, today)
    return days[-school_days] if len(days) >= school_days else school.calendar.year.first


def _reading_good(
    tx: Connection, now: datetime, *, feed: Feed, school: School, swept: bool
) -> None:
    today = now.astimezone(LONDON).date()
    feeds.finish_good(
        tx,
        feed,
        now,
        next_due(
            school.id,
            school.calendar,
            school.polling,
            now,
            open_after_all=_open_after_all(tx, school, today),
        ),
        next_sweep=next_sweep(school.id, school.polling, now) if swept else None,
    )
    meta.begin_watching(tx, school.id, today)
    usual = timedelta(seconds=2 * school.polling.interval_seconds)
    if feed.state != "good" or feed.last_good_at is None or now - feed.last_good_at > usual:
        # That it can be read again is news for the day even where no mark changed.
        dirty.mark(tx, school.id, [today], now)


def _open_after_all(tx: Connection, school: School, today: date) -> bool:
    """Whether registers are taken today, although the calendar calls the day closed."""
    if school.calendar.is_school_day(today):
        return False
    pupils = sheets.load_day(tx, school.id, today, school.calendar)
    return bool(sessions_of(school, today, pupils))


def reading_failed(
    tx: Connection, now: datetime, fault: MisError, *, feed: Feed, school: School
) -> None:
    """The feed could not be read to its end: why, and when it is tried again."""
    metrics.count("mis_bridge_feed_readings_total", school=school.id, state=fault.state)
    feeds.finish_failed(
        tx,
        feed,
        now,
        state=fault.state,
        problem=fault.problem,
        advice=fault.advice,
        next_due=backoff(feed.failures + 1, school.polling, now, fault.retry_after),
    )
    dirty.mark(tx, school.id, [now.astimezone(LONDON).date()], now)
