"""One slow, broken or new school never delays another."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from mis_bridge.adapters.source import Batch, Standing
from mis_bridge.errors import MisUnreachable, StoreBusy, StoreError, StoreRefused
from mis_bridge.service.ingest import store_batch
from mis_bridge.service.reading import Reader
from mis_bridge.service.schools import schools_of
from mis_bridge.service.sync import Syncer
from mis_bridge.settings import load
from mis_bridge.store import feeds
from mis_bridge.store.opening import open_store
from mis_bridge.store.schema import feeds as feed_table

from .conftest import SCHOOL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mis_bridge.adapters.source import ReadPlan
    from mis_bridge.store.engine import Store

    from .conftest import Bench

WORKERS = 2
GIVEN_UP = 75.0
"""Seconds after which the driver gives up a MIS that does not answer."""


@dataclass
class Mis:
    """A MIS that answers at once, or never.

    Args:
        hangs: it never answers.
        asked: how often it was read.
    """

    hangs: bool = False
    asked: int = 0
    given_up: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, plan: ReadPlan) -> AsyncIterator[Batch]:
        """Give one batch without records."""
        del plan
        self.asked += 1
        if self.hangs:
            await self.given_up.wait()
            raise MisUnreachable("no answer")
        yield Batch("sessions", last_of_stream=True)

    async def check(self) -> Standing:
        """Nobody asks."""
        raise NotImplementedError


@dataclass
class Round:
    """Many schools, and what reads them."""

    bench: Bench
    store: Store
    syncer: Syncer
    sources: dict[str, Mis]
    hanging: dict[str, float] = field(default_factory=dict)

    def feed(self, school: str) -> feeds.Feed:
        """How a school's feed is."""
        found = self.store.run(feeds.get, school)
        assert found is not None
        return found

    def put(self, schools: list[str], **values: object) -> None:
        """Let the feeds of these schools be like this."""
        with self.store.transaction() as tx:
            tx.execute(update(feed_table).where(feed_table.c.school.in_(schools)).values(**values))

    async def tick(self, seconds: float = 0.0) -> None:
        """Let time pass, give up whoever has been asked for too long, and start what is due."""
        self.bench.clock.advance(seconds=seconds)
        now = self.bench.clock.monotonic()
        for school, since in list(self.hanging.items()):
            if now - since >= GIVEN_UP:
                self.sources[school].given_up.set()
                del self.hanging[school]
        await self.syncer.start_due()
        for _ in range(200):
            # Every reading goes on until it waits for its MIS; the store is another thread.
            await self.store.call(lambda _: None)
        for school, source in self.sources.items():
            if source.hangs and source.asked and not source.given_up.is_set():
                self.hanging.setdefault(school, now)


@asynccontextmanager
async def many(bench: Bench, sources: dict[str, Mis]) -> AsyncIterator[Round]:
    """Schools by name, each with its MIS, all of them due now and read well before."""
    like = schools_of(load(bench.config))[SCHOOL]
    schools = {name: replace(like, id=name) for name in sources}
    store = open_store(f"sqlite:///{bench.folder / 'many.db'}", "0f" * 32, create=True)
    now = bench.clock.now()
    store.run(feeds.sync_schools, [(name, "wonde", name) for name in schools], now)
    reader = Reader(store, bench.clock, 30)
    syncer = Syncer(store, bench.clock, reader, schools, sources, workers=WORKERS, holder="test")
    made = Round(bench, store, syncer, sources)
    before = now - timedelta(minutes=2)
    made.put(list(schools), state="good", last_good_at=before, sweep_at=now + timedelta(days=1))
    try:
        yield made
    finally:
        await syncer.stop(0)
        store.close()


async def until_read(schools: Round, name: str, seconds: float) -> None:
    """The school is read within this time."""
    passed = 0.0
    while not schools.sources[name].asked:
        assert passed <= seconds, f"{name} was not read within {seconds:.0f} s"
        await schools.tick(5.0)
        passed += 5.0


def hanging(count: int) -> dict[str, Mis]:
    """So many schools that never answer, in the order of their names before all others."""
    return {f"a{number:02}": Mis(hangs=True) for number in range(count)}


@pytest.mark.thorough
async def test_when_a_vendor_stops_answering_the_other_schools_are_read_in_minutes(
    bench: Bench,
) -> None:
    """24 schools that were well a moment ago hang, with two places; the 25th waits its turn."""
    async with many(bench, {**hanging(24), "well": Mis()}) as schools:
        await until_read(schools, "well", 5 * 60.0)


async def test_schools_that_are_known_to_fail_take_no_place_from_the_others(
    bench: Bench,
) -> None:
    """During an outage of hours the schools of another vendor are read as if there was none."""
    async with many(bench, {**hanging(24), "well": Mis()}) as schools:
        schools.put([name for name in schools.sources if name != "well"], failures=3)
        await until_read(schools, "well", 0.0)


async def test_first_loads_take_no_place_from_the_others(bench: Bench) -> None:
    """Ten schools are added in the middle of the day; each takes a while, nobody waits for it."""
    async with many(bench, {**hanging(10), "well": Mis()}) as schools:
        schools.put([name for name in schools.sources if name != "well"], last_good_at=None)
        await until_read(schools, "well", 0.0)


async def test_no_more_schools_are_read_at_once_than_there_are_places(bench: Bench) -> None:
    """Of eight, two begin; after twenty silent seconds two more; eight at once is the most."""
    async with many(bench, hanging(12)) as schools:
        await schools.tick()
        assert len(schools.hanging) == WORKERS
        await schools.tick(19.0)
        assert len(schools.hanging) == WORKERS
        for begun in (2 * WORKERS, 3 * WORKERS, 4 * WORKERS, 4 * WORKERS):
            await schools.tick(2.0)
            assert len(schools.hanging) == begun
            await schools.tick(18.0)


async def test_schools_that_answer_at_once_wait_for_no_tick(bench: Bench) -> None:
    """With two places forty due schools are read one after another, all from one tick."""
    async with many(bench, {f"s{number:02}": Mis() for number in range(40)}) as schools:
        await schools.tick()
        await schools.syncer.wait()
        assert {source.asked for source in schools.sources.values()} == {1}


async def test_a_daemon_that_stops_begins_no_other_reading(bench: Bench) -> None:
    """What is under way is broken off after a while and given back; the rest is not begun."""
    async with many(bench, hanging(WORKERS) | {f"s{n}": Mis() for n in range(9)}) as schools:
        await schools.tick()
        await schools.syncer.stop(0)
        now = bench.clock.now()
        assert not any(schools.feed(name).being_read(now) for name in schools.sources)
        assert [name for name, source in schools.sources.items() if source.asked] == ["a00", "a01"]


@pytest.mark.parametrize("error", [StoreBusy("held"), StoreRefused("no such number")])
async def test_what_could_not_be_stored_is_read_again_and_stops_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, error: StoreError
) -> None:
    """A busy store: again at once. A row that it does not take: the feed fails and says why."""
    async with many(bench, {"a": Mis(), "well": Mis()}) as schools:
        stored = store_batch

        def refusing(tx: object, *args: object, feed: feeds.Feed, **named: object) -> object:
            if feed.school == "a" and schools.sources["a"].asked == 1:
                raise error
            return stored(tx, *args, feed=feed, **named)  # type: ignore[arg-type]

        monkeypatch.setattr("mis_bridge.service.reading.store_batch", refusing)
        await schools.tick()
        assert schools.feed("well").due_at > bench.clock.now()
        assert not schools.feed("a").being_read(bench.clock.now())
        if isinstance(error, StoreRefused):
            assert schools.feed("a").state == "failing"
            assert "no such number" in schools.feed("a").problem
        else:
            await schools.tick()
            assert schools.feed("a").due_at > bench.clock.now()


async def test_a_school_that_the_daemon_has_not_been_told_of_is_left_alone(bench: Bench) -> None:
    """Added by a command before the reload: it is read after it, and its keys are not lost."""
    async with many(bench, {"well": Mis()}) as schools:
        wanted = [(name, "wonde", name) for name in ("new", "well")]
        schools.store.run(feeds.sync_schools, wanted, bench.clock.now())
        for _ in range(3):
            await schools.tick(5.0)
        assert schools.sources["well"].asked
        new = schools.feed("new")
        assert (new.state, new.being_read(bench.clock.now())) == ("new", False)
        assert new.fence == 1
