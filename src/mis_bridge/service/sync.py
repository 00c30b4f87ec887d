"""Read the feeds that are due, each in a task of its own.

A feed is leased before it is read, and what a reader that lost its lease brings is refused by the
fence. One slow or broken school holds up nobody: it has its own task, its own limit of time and its
own waits after a failure, and it takes no place from those that can be read. There are two lanes of
places: one for schools that were read well last time, one for all others (failing ones, and first
loads that take long). A reading that has heard nothing from its MIS for a while goes on without a
place.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import (
    LeaseLost,
    MisBridgeError,
    MisError,
    MisNotConfigured,
    StoreError,
    StoreRefused,
)
from mis_bridge.io.logs import get_logger
from mis_bridge.service.ingest import LEASE_SECONDS
from mis_bridge.service.reading import ReadingDone, reading_failed
from mis_bridge.store import feeds

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.source import Source
    from mis_bridge.io.clock import Clock
    from mis_bridge.service.reading import Reader
    from mis_bridge.service.schools import School
    from mis_bridge.store.engine import Store
    from mis_bridge.store.feeds import Feed

__all__ = ["Syncer"]

SILENCE: Final = 20.0
"""Seconds without anything from the MIS after which a reading gives its place to another."""

MOST: Final = 4
"""So many times its places are read in a lane at most, those that have given theirs up included.

A MIS that does not answer is given up after a minute or so: three times its silence.
"""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A reading under way.

    Args:
        done: how far it has come.
        usual: in the lane of the schools that were read well last time.
    """

    done: ReadingDone
    usual: bool


class Syncer:
    """Starts a reader for every feed that is due, a bounded number at a time.

    Args:
        store, clock: as in ``Reader``.
        reader: what reads.
        schools: by id.
        sources: by school id; the error of a school that could not be opened as configured.
        workers: places in each lane.
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
        self._readings: dict[str, _Reading] = {}
        self._strangers: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self._more = False
        self._stopping = False
        self._log = get_logger(__name__)

    async def start_due(self) -> int:
        """Lease what is due and begin to read it; returns at once with how many."""
        async with self._starting:
            free = {usual: self._free(usual=usual) for usual in (True, False)}
            busy = {*self._readings, *self._strangers}
            leased = await self._store.call(_claim, self._clock.now(), free, self._holder, busy)
            # With all places taken there may be more: the next begins when one of these has ended.
            self._more = any(
                places == sum(feed.usual is usual for feed in leased)
                for usual, places in free.items()
            )
            for feed in leased:
                if feed.school in self._schools:
                    self._start(feed)
                else:
                    await self._leave(feed)
        return len(leased)

    def _start(self, feed: Feed) -> None:
        done = ReadingDone(feed.school, heard_at=self._clock.monotonic())
        self._readings[feed.school] = _Reading(done, feed.usual)
        task = asyncio.create_task(self._read_then_next(feed, done), name=f"read {feed.school}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_then_next(self, feed: Feed, done: ReadingDone) -> None:
        try:
            await self._read(feed, done)
        finally:
            del self._readings[feed.school]
        if self._more and not self._stopping:
            with suppress(StoreError):  # the next tick tries the same, and says why
                await self.start_due()

    def _free(self, *, usual: bool) -> int:
        """How many more may be read in a lane."""
        now = self._clock.monotonic()
        lane = [reading.done for reading in self._readings.values() if reading.usual is usual]
        taken = sum(now - done.heard_at < SILENCE for done in lane)
        return max(0, min(self._workers - taken, MOST * self._workers - len(lane)))

    async def _leave(self, feed: Feed) -> None:
        """Somebody added this school to the database that we have not been told of."""
        self._strangers.add(feed.school)
        self._log.warning("feed_unknown", school=feed.school)
        await self._store.call(feeds.release, feed)

    async def wait(self) -> None:
        """Wait for the readings under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self, seconds: float) -> None:
        """Let readings end, then break them off; the next start goes on where they were."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, feed: Feed, done: ReadingDone) -> None:
        try:
            fault = await self._read_well(feed, done)
            if fault is not None:
                failed = partial(reading_failed, feed=feed, school=self._schools[feed.school])
                await self._store.call(failed, self._clock.now(), fault)
        except asyncio.CancelledError:
            await asyncio.shield(self._store.call(feeds.release, feed))
            raise
        except LeaseLost:
            self._log.warning("feed_lease_lost", school=feed.school)
        except StoreError as error:
            # Nothing of this batch was stored: it is read again, at the latest when the lease ends.
            self._log.error("feed_not_stored", school=feed.school, problem=str(error))
            with suppress(StoreError):
                await self._store.call(feeds.release, feed)

    async def _read_well(self, feed: Feed, done: ReadingDone) -> MisError | None:
        """Read a feed; what the reader did not write down itself is returned, not raised."""
        source = self._sources[feed.school]
        if isinstance(source, MisBridgeError):
            return MisNotConfigured(str(source))
        try:
            await self._reader.read(feed, self._schools[feed.school], source, done=done)
        except StoreRefused as error:
            self._log.error("feed_not_stored", school=feed.school, problem=str(error))
            return MisError(f"what was read could not be stored ({error})")
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001 - one broken adapter must not stop the others
            self._log.exception("feed_adapter_failed", school=feed.school)
            return MisError(f"the adapter failed ({type(error).__name__})")
        return None


def _claim(
    tx: Connection,
    now: datetime,
    free: Mapping[bool, int],
    holder: str,
    busy: Collection[str],
) -> list[Feed]:
    """Lease what is due, for each lane as many as it has places."""
    return [
        feed
        for usual, places in free.items()
        if places
        for feed in feeds.claim_due(tx, now, places, LEASE_SECONDS, holder, busy=busy, usual=usual)
    ]
