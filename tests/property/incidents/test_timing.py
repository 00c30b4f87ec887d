"""Laws of interruptions: nothing is held for ever, nor without a reason, nor what is urgent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.incidents.families import FAMILIES
from mis_bridge.incidents.model import Incident, State
from mis_bridge.incidents.reasons import WAITS, Reason
from mis_bridge.incidents.timing import Quiet, Timing, is_urgent, turn_of
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, local_minute
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.triggers.model import Audience, Severity

_CALENDAR = SchoolCalendar(
    AcademicYear(2026),
    date(2026, 9, 2),
    date(2027, 7, 21),
    (
        Closure(date(2026, 10, 26), date(2026, 10, 30), "half term"),
        Closure(date(2026, 12, 19), date(2027, 1, 3), "Christmas"),
    ),
)
_LONGEST = timedelta(days=75)
"""Longer than a summer: from the last day of July's term to a Monday in September."""

minutes = st.integers(0, 24 * 60 - 1)
quiets = st.builds(
    Quiet,
    begins=minutes,
    ends=minutes,
    weekends=st.booleans(),
    holidays=st.booleans(),
    holds=st.frozensets(st.sampled_from([Severity.HIGH, Severity.NORMAL, Severity.LOW])),
)
timings = st.builds(
    Timing,
    quiet=quiets,
    digest_at=st.sets(minutes, max_size=3).map(lambda found: tuple(sorted(found))),
    group_wait=st.integers(0, 600).map(lambda seconds: timedelta(seconds=seconds)),
    group_again=st.integers(0, 1800).map(lambda seconds: timedelta(seconds=seconds)),
)
moments = st.datetimes(datetime(2026, 8, 1), datetime(2028, 7, 31)).map(  # noqa: DTZ001
    lambda naive: naive.replace(tzinfo=UTC)
)
reasons = st.sampled_from([one for one in Reason if one not in WAITS])


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    """An incident of any family and severity."""
    family = draw(st.sampled_from([one for one in FAMILIES.values() if one.triggers]))
    now = datetime(2026, 11, 12, 9, 15, tzinfo=UTC)
    return Incident(
        id="i",
        reference="MB-TEST-TEST",
        school="hilltop",
        pupil="p-1",
        family=family.id,
        key="k",
        state=State.OPEN,
        level=1,
        trigger=draw(st.sampled_from(family.triggers)),
        severity=draw(st.sampled_from(Severity)),
        audience=(Audience.DSL,),
        opened_at=now,
        updated_at=now,
        revision=1,
        day=date(2026, 11, 12),
        slot="AM",
        sentence="Marked N.",
    )


@given(incidents(), reasons, moments, timings, st.none() | moments, st.booleans())
def test_what_waits_has_a_reason_and_an_end(
    incident: Incident,
    reason: Reason,
    now: datetime,
    timing: Timing,
    last: datetime | None,
    known: bool,
) -> None:
    """A message never goes back in time, waits only with a reason, and never longer than a summer.

    What is urgent waits for nothing.
    """
    years = SchoolYears((_CALENDAR,) if known else ())
    turn = turn_of(incident, reason, now, timing, years, last=last)

    assert now <= turn.at <= now + _LONGEST
    assert (turn.at > now) == (turn.why is not None)
    if is_urgent(incident, reason):
        assert turn.at == now


@given(incidents(), reasons, moments, timings)
def test_what_is_held_comes_when_it_is_not_quiet(
    incident: Incident, reason: Reason, now: datetime, timing: Timing
) -> None:
    """When the turn has come, asking again holds it no more: the quiet has an end."""
    years = SchoolYears((_CALENDAR,))
    at_once = replace(timing, group_wait=timedelta(), digest_at=())
    turn = turn_of(incident, reason, now, at_once, years)
    again = turn_of(incident, reason, turn.at, at_once, years)

    assert again.at == turn.at
    if turn.why is Reason.SCHOOL_CLOSED and timing.quiet.holidays and timing.quiet.weekends:
        day, _ = local_minute(turn.at)
        assert day.weekday() < 5
