"""The MIS is read when a wait ends, so that nobody is told of what was put right meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.store import feeds

from .conftest import DAY, SCHOOL, Bench, minutes

if TYPE_CHECKING:
    from .conftest import Watched


@pytest.fixture
def pupil(bench: Bench) -> str:
    """Of a secondary year and without flags; seen in P1, absent from P2. Read once an hour."""
    bench.edit("interval_seconds = 120", "interval_seconds = 3600")
    one = next(
        one.id for one in bench.state.school.pupils if not one.flags and (one.year_group or 0) > 6
    )
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{one: "N"})
    return one


def read_at(watched: Watched) -> datetime:
    """When the MIS was last read well."""
    with watched.store.reading() as tx:
        (feed,) = feeds.all_feeds(tx)
    assert feed.last_good_at is not None
    return feed.last_good_at


async def test_the_end_of_a_grace_has_the_mis_read(bench: Bench, pupil: str) -> None:
    """At 10:12, an hour before its turn; the mark still stands, and people are told."""
    async with bench.daemon() as watched:
        await watched.at("10:05")
        await watched.at("10:12")

        assert read_at(watched) == local_datetime(DAY, minutes("10:12"))
        assert [one.pupil for one in watched.incidents("missing_during_day")] == [pupil]
        assert len(bench.webhook.posted) == 1


async def test_what_was_put_right_since_the_last_reading_is_told_to_nobody(
    bench: Bench, pupil: str
) -> None:
    """The pupil came in late, and the teacher wrote so at 10:11."""
    bench.state.save_lesson(pupil, DAY, period="P2", code="L", minute=minutes("10:11"))
    async with bench.daemon() as watched:
        await watched.at("10:05")
        await watched.at("10:12")
        await watched.at("10:14")

        assert watched.incidents("missing_during_day") == []
        assert bench.webhook.posted == []


async def test_a_reading_that_is_asked_for_late_is_judged_within_seconds(
    bench: Bench, pupil: str
) -> None:
    """Read a minute before the grace ends, without news: at its end one more reading is due."""
    async with bench.daemon() as watched:
        await watched.at("10:05")
        watched.store.run(feeds.make_due, SCHOOL, local_datetime(DAY, minutes("10:11")))
        await watched.at("10:11")
        await watched.at("10:12")
        assert watched.incidents("missing_during_day") == []

        bench.clock.advance(seconds=5)
        await watched.daemon.settle()

        assert read_at(watched) == local_datetime(DAY, minutes("10:12")) + timedelta(seconds=5)
        assert [one.pupil for one in watched.incidents("missing_during_day")] == [pupil]


async def test_a_mis_that_can_not_be_read_silences_no_alarm(bench: Bench, pupil: str) -> None:
    """Two minutes after the grace people are told on what is known, with its age."""
    async with bench.daemon() as watched:
        await watched.at("10:05")
        bench.standin.faults.add(Fault(FaultKind.HTML))
        await watched.at("10:12")
        await watched.at("10:13")
        assert watched.incidents("missing_during_day") == []

        await watched.at("10:14")

        (incident,) = watched.incidents("missing_during_day")
        assert incident.pupil == pupil
        assert "10:05" in str(bench.webhook.posted[0].content)
        assert read_at(watched) == local_datetime(DAY, minutes("10:05"))
