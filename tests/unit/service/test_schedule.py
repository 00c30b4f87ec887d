"""When schools are read: every interval in school hours, never all at once, never too seldom."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.registers.calendar import (
    LONDON,
    AcademicYear,
    Closure,
    SchoolCalendar,
    local_datetime,
)
from mis_bridge.service.schedule import backoff, next_due, next_reading, next_sweep, reading_hours
from mis_bridge.settings import PollingSettings

POLLING = PollingSettings()
CALENDAR = SchoolCalendar(
    AcademicYear(2026),
    date(2026, 9, 3),
    date(2027, 7, 20),
    (Closure(date(2026, 10, 26), date(2026, 10, 30), "half term"),),
)
MOMENTS = st.datetimes(
    datetime(2026, 9, 1),  # noqa: DTZ001 - hypothesis adds the zone
    datetime(2027, 7, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)
SCHOOLS = st.text("abcdefgh", min_size=1, max_size=8)


@given(SCHOOLS, MOMENTS)
def test_in_school_hours_a_school_is_read_within_one_and_a_half_intervals(
    school: str, now: datetime
) -> None:
    """The next reading is never more than 1.5 intervals away, nor less than half of one."""
    hours = reading_hours(CALENDAR, POLLING, now.date())
    due = next_due(school, CALENDAR, POLLING, now)

    assert due > now
    if hours and hours[0] <= now < hours[1]:
        interval = timedelta(seconds=POLLING.interval_seconds)
        assert interval / 2 <= due - now + timedelta(seconds=1)
        assert due - now <= interval * 1.5


@pytest.mark.parametrize(
    ("day", "looks"),
    [
        (date(2026, 10, 28), ["03:30", "09:45", "14:00", "17:30"]),  # half term
        (date(2026, 8, 12), ["03:30", "09:45", "14:00", "17:30"]),  # a calendar may begin too late
        (date(2026, 11, 7), ["03:30"]),  # a Saturday
    ],
)
def test_a_weekday_without_school_is_looked_at_after_each_register(
    day: date, looks: list[str]
) -> None:
    """A calendar may be wrong: half an hour after each close it is looked at, but at weekends."""
    now = local_datetime(day, 0)
    seen = []
    while (now := next_due("school", CALENDAR, POLLING, now)).astimezone(LONDON).date() == day:
        seen.append(now)

    planned = [local_datetime(day, 60 * int(look[:2]) + int(look[3:])) for look in looks]
    assert len(seen) == len(planned)
    for at, plan in zip(seen, planned, strict=True):
        assert timedelta(0) <= at - plan < timedelta(hours=1)


def test_a_day_that_is_open_after_all_is_read_like_any_other() -> None:
    """Once registers are taken on a closed day, the next reading is an interval away."""
    now = local_datetime(date(2026, 10, 28), 9 * 60 + 50)

    due = next_due("school", CALENDAR, POLLING, now, open_after_all=True)

    assert due - now <= timedelta(seconds=1.5 * POLLING.interval_seconds)
    night = local_datetime(date(2026, 10, 28), 23 * 60)
    assert next_due("school", CALENDAR, POLLING, night, open_after_all=True) > night + timedelta(
        hours=4
    )


@given(SCHOOLS, MOMENTS)
def test_no_night_passes_without_a_reading(school: str, now: datetime) -> None:
    """Also in the holidays every school is read once a day: marks are corrected there too."""
    assert next_due(school, CALENDAR, POLLING, now) - now <= timedelta(hours=26)


@given(SCHOOLS, MOMENTS)
def test_a_sweep_is_planned_for_the_night_and_not_for_the_hour_that_clocks_skip(
    school: str, now: datetime
) -> None:
    """Sweeps fall between 03:30 and 04:30 local time, also on the days the clocks change."""
    at = next_sweep(school, POLLING, now)
    local = at.astimezone(local_datetime(now.date(), 0).tzinfo)

    assert timedelta(0) < at - now <= timedelta(hours=25)
    assert (3, 30) <= (local.hour, local.minute) < (4, 30)


def test_schools_spread_over_the_interval() -> None:
    """Three hundred schools do not all knock in the same second."""
    now = local_datetime(date(2026, 11, 17), 10 * 60)
    due = {next_due(f"school-{n}", CALENDAR, POLLING, now) for n in range(300)}

    assert len(due) > POLLING.interval_seconds / 2


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 120), (2, 240), (3, 480), (4, 900), (40, 900)]
)
def test_a_failing_feed_is_tried_less_often_but_at_least_every_quarter_of_an_hour(
    failures: int, seconds: int
) -> None:
    """The wait doubles with every failure up to 15 minutes: it may be the school that matters."""
    now = local_datetime(date(2026, 11, 17), 10 * 60)

    assert backoff(failures, POLLING, now, None) - now == timedelta(seconds=seconds)


def test_what_the_mis_asks_for_is_honoured() -> None:
    """A Retry-After longer than our own wait counts."""
    now = local_datetime(date(2026, 11, 17), 10 * 60)

    assert backoff(1, POLLING, now, 3600) - now == timedelta(hours=1)


@pytest.mark.parametrize("asked", [86_401.0, 1e9, 1e300])
def test_no_mis_can_send_us_away_for_longer_than_a_day(asked: float) -> None:
    """A Retry-After that is plainly wrong would otherwise leave a school unread for good."""
    now = local_datetime(date(2026, 11, 17), 10 * 60)

    assert backoff(1, POLLING, now, asked) - now == timedelta(days=1)


def test_the_first_reading_takes_the_academic_year() -> None:
    """Absence is measured from 1 August on, so the first reading goes back to it."""
    now = local_datetime(date(2026, 11, 17), 10 * 60)
    reading = next_reading(CALENDAR, POLLING, now, last_good=None, sweep_at=None)

    assert reading.window == (date(2026, 8, 1), date(2026, 11, 17))
    assert (reading.since, reading.sweep) == (None, True)


def test_a_sweep_goes_back_five_school_days_over_a_half_term() -> None:
    """On the Tuesday after half term the window reaches into the week before it."""
    now = local_datetime(date(2026, 11, 3), 5 * 60)
    reading = next_reading(CALENDAR, POLLING, now, last_good=now, sweep_at=now)

    assert reading.window == (date(2026, 10, 20), date(2026, 11, 3))
    assert reading.sweep


@given(MOMENTS, st.integers(0, 120))
def test_after_a_break_no_day_is_left_unread(now: datetime, days: int) -> None:
    """However long a school could not be read, the window goes back to the last good reading."""
    last = now - timedelta(days=days)
    reading = next_reading(CALENDAR, POLLING, now, last_good=last, sweep_at=None)

    year = CALENDAR.year.first
    assert reading.window[0] <= max(last.astimezone(LONDON).date(), year)
    assert reading.window[0] >= min(year, now.date())


def test_any_other_reading_asks_for_changes_with_an_overlap() -> None:
    """An hour of overlap: a MIS may stamp a change earlier than it shows it."""
    now = local_datetime(date(2026, 11, 17), 10 * 60)
    last = now - timedelta(minutes=2)
    reading = next_reading(
        CALENDAR, POLLING, now, last_good=last, sweep_at=now + timedelta(hours=12)
    )

    assert reading.since == last - timedelta(minutes=60)
    assert not reading.sweep


def test_what_was_saved_while_pages_were_read_is_read_the_next_time() -> None:
    """A reading may take a quarter of an hour; its first page is as old when it ends."""
    now = local_datetime(date(2026, 11, 17), 10 * 60)
    reading = next_reading(
        CALENDAR,
        PollingSettings(overlap_minutes=0),
        now,
        last_good=now,
        sweep_at=now + timedelta(hours=12),
    )

    assert reading.since == now - timedelta(minutes=15)
