"""Read the feeds that are due, each in a task of its own, and store what they give.

Transaction 1 of 3 is ``store_batch`` (what it stores is in ``service.ingest``); it is called once
a batch, between two network calls and never during one. A feed is leased before it is read, and
what a reader that lost its lease brings is refused by the fence. One slow or broken school holds
up nobody: it has its own task, its own limit of time, and its own waits after a failure.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import (
    LeaseLost,
    MisBridgeError,
    MisError,
    MisNotConfigured,
    StoreError,
)
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service.ingest import ingest
from mis_bridge.service.schedule import backoff, next_due, next_reading, next_sweep
from mis_bridge.store import digests, dirty, feeds, meta

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.source import Batch, Source
    from mis_bridge.io.clock import Clock
    from mis_bridge.service.ingest import IngestResult
    from mis_bridge.service.schools import School
    from mis_bridge.store.engine import Store
    from mis_bridge.store.feeds import Feed

__all__ = ["Reader", "ReadingDone", "Syncer"]

LONGEST_READING: Final = 15 * 60.0
"""Seconds that one reading may take; a first load goes on where it was broken off."""

LEASE_SECONDS: Final = 180.0
"""Renewed with every batch: a reader that was killed holds its feed no longer than this."""


@dataclass(slots=True)
class ReadingDone:
    """What one reading of one feed came to.

    Args:
        school: the school's id.
        batches, records, changed, quarantined: how much was read, stored and set aside.
        problem: why it broke off, or empty.
    """

    school: str
    batches: int = 0
    records: int = 0
    changed: int = 0
    quarantined: int = 0
    problem: str = ""


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
        self, feed: Feed, school: School, source: Source, plan: ReadPlan | None = None
    ) -> ReadingDone:
        """Read a feed, store it batch by batch, and write down how it went.

        Args:
            feed: as it was leased.
            school: whose feed it is.
            source: where to read.
            plan: what to read; None: what the schedule asks for now.
        """
        done = ReadingDone(school.id)
        began = self._clock.monotonic()
        if plan is None:
            plan = await self._store.call(
                partial(plan_reading, feed=feed, school=school), self._clock.now()
            )
        try:
            async with asyncio.timeout(LONGEST_READING):
                async for batch in source.read(plan):
                    await self._store_batch(feed, school, plan, batch, done)
        except (MisError, TimeoutError) as error:
            fault = (
                error
                if isinstance(error, MisError)
                else MisError(f"reading took longer than {LONGEST_READING / 60:.0f} minutes")
            )
            done.problem = fault.problem
            await self._store.call(
                partial(_failed, feed=feed, school=school), self._clock.now(), fault
            )
            self._log.warning(
                "feed_failed", school=school.id, state=fault.state, problem=fault.problem
            )
        else:
            await self._store.call(
                partial(_good, feed=feed, school=school, swept=plan.sweep), self._clock.now()
            )
            self._log.info(
                "feed_read",
                school=school.id,
                records=done.records,
                changed=done.changed,
                quarantined=done.quarantined,
                seconds=round(self._clock.monotonic() - began, 2),
            )
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


class Syncer:
    """Starts a reader for every feed that is due, a bounded number at a time.

    Args:
        store, clock: as in ``Reader``.
        reader: what reads.
        schools: by id.
        sources: by school id; the error of a school that could not be opened as configured.
        workers: how many feeds may be read at once.
        holder: who leases, for people who look (``host:pid``).
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        reader: Reader,
        schools: Mapping[str, School],
        sources: Mapping[str, Source | MisBridgeError],
        *,
        workers: int,
        holder: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._reader = reader
        self._schools = schools
        self._sources = sources
        self._workers = workers
        self._holder = holder
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._log = get_logger(__name__)

    async def start_due(self) -> int:
        """Lease what is due and begin to read it; returns at once with how many."""
        free = self._workers - len(self._tasks)
        if free <= 0:
            return 0
        leased = await self._store.call(
            feeds.claim_due,
            self._clock.now(),
            free,
            LEASE_SECONDS,
            self._holder,
            busy=frozenset(self._tasks),
        )
        for feed in leased:
            task = asyncio.create_task(self._read(feed), name=f"read {feed.school}")
            self._tasks[feed.school] = task
            task.add_done_callback(partial(self._done, feed.school))
        return len(leased)

    def _done(self, school: str, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(school, None)

    async def wait(self) -> None:
        """Wait for the readings under way."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def stop(self, seconds: float) -> None:
        """Let readings end, then break them off; the next start goes on where they were."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, feed: Feed) -> None:
        school, source = self._schools[feed.school], self._sources[feed.school]
        failed = partial(_failed, feed=feed, school=school)
        if isinstance(source, MisBridgeError):
            await self._store.call(failed, self._clock.now(), MisNotConfigured(str(source)))
            return
        try:
            await self._reader.read(feed, school, source)
        except asyncio.CancelledError:
            await asyncio.shield(self._store.call(feeds.release, feed))
            raise
        except LeaseLost:
            self._log.warning("feed_lease_lost", school=feed.school)
        except StoreError as error:
            # Nothing of this batch was stored; the lease runs out and it is read again.
            self._log.error("feed_not_stored", school=feed.school, problem=str(error))
        except Exception as error:  # noqa: BLE001 - one broken adapter must not stop the others
            self._log.exception("feed_adapter_failed", school=feed.school)
            fault = MisError(f"the adapter failed ({type(error).__name__})")
            await self._store.call(failed, self._clock.now(), fault)


def store_batch(
    tx: Connection,
    batch: Batch,
    now: datetime,
    keep_from: date,
    *,
    feed: Feed,
    plan: ReadPlan,
) -> IngestResult:
    """Transaction 1: store one batch, and renew the reader's lease with it.

    Args:
        tx: the transaction.
        batch: what was read.
        now: when it was read.
        keep_from: the first day that has day sheets.
        feed: as it was leased.
        plan: what is being read.

    Raises:
        LeaseLost: another reader has the feed now; nothing is stored.
    """
    feeds.renew(tx, feed, now, LEASE_SECONDS)
    return ingest(
        tx,
        feed.school,
        batch,
        now,
        keep_from=keep_from,
        fence=feed.fence,
        sweep=plan.window if plan.sweep else None,
    )


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


def _good(tx: Connection, now: datetime, *, feed: Feed, school: School, swept: bool) -> None:
    feeds.finish_good(
        tx,
        feed,
        now,
        next_due(school.id, school.calendar, school.polling, now),
        next_sweep=next_sweep(school.id, school.polling, now) if swept else None,
    )
    today = now.astimezone(LONDON).date()
    meta.begin_watching(tx, school.id, today)
    if feed.state != "good":
        # That it can be read again is news for the day even where no mark changed.
        dirty.mark(tx, school.id, [today], now)


def _failed(tx: Connection, now: datetime, fault: MisError, *, feed: Feed, school: School) -> None:
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
