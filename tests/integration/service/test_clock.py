"""A clock that is set, a machine that slept: nothing is missed, and nobody is alarmed for it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.store import feeds
from mis_bridge.store.schema import day_sheet

from .conftest import DAY, SCHOOL, minutes

if TYPE_CHECKING:
    from .conftest import Bench, Watched


async def ticked(watched: Watched) -> None:
    """One tick, and what it started."""
    await watched.daemon.tick()
    await watched.daemon.settle()


def _sheets(watched: Watched) -> int:
    with watched.store.reading() as tx:
        return int(tx.execute(select(func.count()).select_from(day_sheet)).scalar_one())


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=365)])
async def test_after_the_clock_was_set_back_a_missing_child_is_told_in_time(
    bench: Bench, ahead: timedelta
) -> None:
    """The clock is wrong when the daemon starts; it is put right; the child is told at 09:15."""
    right = bench.clock.now()
    bench.clock.set(right + ahead)
    async with bench.daemon() as watched:
        await ticked(watched)
        bench.clock.set(right)
        bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
        await ticked(watched)
        bench.clock.set(local_datetime(DAY, minutes("08:52")))
        await ticked(watched)
        bench.clock.set(local_datetime(DAY, minutes("09:15")))
        await ticked(watched)

        (absent,) = watched.incidents("unexplained_absence")
        assert absent.told
        assert bench.mails_to("attendance")


async def test_after_a_restart_a_clock_that_was_set_back_is_noticed_too(bench: Bench) -> None:
    """The daemon was stopped, the clock was corrected, the daemon is started."""
    right = bench.clock.now()
    bench.clock.set(right + timedelta(hours=3))
    async with bench.daemon() as watched:
        await ticked(watched)
    bench.clock.set(right)
    async with bench.daemon() as watched:
        await watched.daemon.tick()
        with watched.store.reading() as tx:
            feed = feeds.get(tx, SCHOOL)
        assert feed is not None
        assert feed.last_attempt_at == right


async def test_a_machine_that_slept_raises_no_alarm_before_it_has_read(bench: Bench) -> None:
    """Closed at ten, opened at half past: a school that is yet to be read is not blind."""
    async with bench.daemon() as watched:
        bench.clock.set(local_datetime(DAY, minutes("10:00")))
        await ticked(watched)
        bench.clock.advance(minutes=30)
        # Hundreds of schools wait for their turn; this one's place is taken.
        watched.store.run(feeds.hold, SCHOOL, bench.clock.now(), 3600.0, "somebody")
        bench.clock.advance(minutes=2)
        await watched.daemon.tick()
        assert watched.incidents("feed_blind") == []

        for _ in range(16):
            bench.clock.advance(minutes=1)
            await watched.daemon.tick()
        assert [blind.state for blind in watched.incidents("feed_blind")] == ["open"]


@pytest.mark.thorough
async def test_a_clock_that_jumped_a_year_ahead_deletes_nothing(bench: Bench) -> None:
    """Data is deleted by a clock that has gone on steadily for an hour, once a day."""
    bench.session("AM", "08:50")
    async with bench.daemon() as watched:
        bench.clock.set(local_datetime(DAY, minutes("09:00")))
        await ticked(watched)
        stored = _sheets(watched)
        assert stored
        bench.clock.set(local_datetime(date(DAY.year + 1, 11, 17), minutes("09:01")))
        await ticked(watched)
        assert _sheets(watched) == stored

        for _ in range(13):
            bench.clock.advance(minutes=5)
            await watched.daemon.tick()
        assert _sheets(watched) == 0
