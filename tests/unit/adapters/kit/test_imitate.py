"""Moments are written as the MIS writes them, and moved by the clock on the wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.adapters.kit.imitate import moment_of, moved, moved_text, written
from mis_bridge.registers.calendar import LONDON

SHAPES = [
    "2026-09-07T08:41:00",
    "2026-09-07 08:41",
    "2026-09-07T08:41:00Z",
    "2026-09-07T08:41:00.123Z",
    "2026-09-07T08:41:00.000000+00:00",
    "2026-09-07T09:41:00+01:00",
    "2026-09-07T09:41:00+0100",
    "2026-09-07T10:41:00+02:00",
    {"date": "2026-09-07 08:41:00.000000", "timezone_type": 3, "timezone": "UTC"},
    {"date": "2026-09-07 08:41:00", "timezone": "Europe/London"},
]


@pytest.mark.parametrize("sample", SHAPES)
@given(st.integers(0, 2 * 365 * 24 * 60))
def test_a_moment_is_written_in_the_shape_of_a_sample_and_is_that_moment(
    sample: Any, minutes: int
) -> None:
    """To the minute, which is what every shape has; the text is as long as the sample's."""
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)

    text = written(sample, moment, UTC)

    assert moment_of(text, UTC) == moment
    old, new = (one["date"] if isinstance(one, dict) else one for one in (sample, text))
    assert len(new) == len(old)


@pytest.mark.parametrize("sample", SHAPES)
def test_a_moment_is_moved_to_the_same_time_on_the_wall(sample: Any) -> None:
    """From British summer time over the autumn clock change."""
    before = moment_of(sample)
    after = moment_of(moved(sample, 49))

    assert before is not None
    assert after is not None
    assert before.astimezone(LONDON).time() == after.astimezone(LONDON).time()
    assert after.astimezone(LONDON).date() - before.astimezone(LONDON).date() == timedelta(days=49)
    assert after - before == timedelta(days=49, hours=1)


@pytest.mark.parametrize(
    ("raw", "after"),
    [
        ("2026-09-07", "2026-09-14"),
        ("08:50", "08:50"),
        ("0001-01-01T08:50:00", "0001-01-01T08:50:00"),
        ("A1999000101", "A1999000101"),
        (None, None),
        (7, 7),
    ],
)
def test_a_day_is_moved_and_what_is_none_stays(raw: Any, after: Any) -> None:
    """A time without a day belongs to every day."""
    assert moved(raw, 7) == after


def test_every_day_of_a_text_is_moved() -> None:
    """And no number that only looks like one."""
    text = 'P1,2026-09-07,AM,2026-09-07T08:52:00Z\n{"on": "2026-09-08"} 2026-09-071'

    assert moved_text(text, 1) == (
        'P1,2026-09-08,AM,2026-09-08T08:52:00Z\n{"on": "2026-09-09"} 2026-09-071'
    )
