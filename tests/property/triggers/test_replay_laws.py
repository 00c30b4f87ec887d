"""The replay and the live question agree; years agree with counting afresh."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.registers.absence import count, is_persistent, is_severe
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar, local_datetime
from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.catalogue import TRIGGERS, assess_years
from mis_bridge.triggers.model import Kind, PupilYear
from mis_bridge.triggers.replay import replay

YEAR = AcademicYear(2026)
FIRST = date(2026, 9, 7)
CALENDAR = SchoolCalendar(YEAR, date(2026, 9, 1), date(2027, 7, 20))
CODES = ["/", "\\", "I", "N", "O", "U", "G", "X", "#", "-", "V"]
PERIODS = {"P1": (535, 595), "P2": (595, 655), "P3": (675, 735)}


@dataclass
class Row:
    """A row of a sessions or a lessons file."""

    pupil: str
    day: date
    code: int
    recorded: datetime | None = None
    pm: bool = False
    period: str = ""
    starts: int = 0
    ends: int = 0
    register: str = ""


def strips() -> st.SearchStrategy[list[tuple[str, str]]]:
    """Give the marks of some school days, absences in runs."""
    day = st.one_of(
        st.just(("/", "\\")),
        st.sampled_from(CODES).map(lambda code: (code, code)),
        st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)),
    )
    runs = st.tuples(day, st.integers(1, 12)).map(lambda run: [run[0]] * run[1])
    return st.lists(runs, min_size=1, max_size=8).map(
        lambda parts: [day for part in parts for day in part]
    )


def weekdays(count_of_days: int) -> list[date]:
    """Give so many weekdays."""
    days = (FIRST + timedelta(days=n) for n in range(2 * count_of_days + 7))
    return [day for day in days if day.weekday() < 5][:count_of_days]


@given(strips())
def test_a_replayed_year_ends_with_what_is_true_at_its_end(marks: list[tuple[str, str]]) -> None:
    """What the replay leaves open is what the live question answers on the last day."""
    days = weekdays(len(marks))
    rows = [
        Row("P-1", day, to_byte(code), pm=pm)
        for day, codes in zip(days, marks, strict=True)
        for pm, code in zip((False, True), codes, strict=True)
    ]
    strip = Strip.from_days(YEAR, [(d, am, pm) for d, (am, pm) in zip(days, marks, strict=True)])
    live = assess_years([PupilYear("P-1", strip, CALENDAR)], days[-1], {})

    still = {
        (one.finding.trigger, one.finding.episode)
        for one in replay(rows)
        if one.cleared_at is None and TRIGGERS[one.finding.trigger].INFO.kind is Kind.STRIP
    }

    assert still == {(one.trigger, one.episode) for one in live.findings}


SOON = {"persistent_absence": {"minimum_possible": 11}}
"""As for severe absence, so that a few weeks show both."""


@given(strips())
def test_a_year_says_since_when_it_has_been_so(marks: list[tuple[str, str]]) -> None:
    """From the day that a finding names on, every day's counts say the same; the day before not."""
    days = weekdays(len(marks))
    strip = Strip.from_days(YEAR, [(d, am, pm) for d, (am, pm) in zip(days, marks, strict=True)])
    findings = assess_years([PupilYear("P-1", strip, CALENDAR)], days[-1], SOON).findings
    tests = {"persistent_absence": is_persistent, "severe_absence": is_severe}

    def holds(trigger: str, until: date) -> bool:
        counts = count(strip.marks[: YEAR.slot(until, pm=True) + 1])
        return counts.possible > 10 and bool(tests[trigger](counts.possible, counts.absent))

    for one in findings:
        if one.trigger in tests:
            assert all(holds(one.trigger, day) for day in days if day >= one.day)
            assert not holds(one.trigger, one.day - timedelta(days=1))
    found = {one.trigger for one in findings}
    for trigger in tests:
        assert (trigger in found) == holds(trigger, days[-1])


SAVED = st.tuples(
    st.sampled_from(sorted(PERIODS)), st.sampled_from(["/", "N", "M", "&"]), st.integers(540, 800)
)


@given(st.lists(SAVED, max_size=8), st.sampled_from(["/", "N", "V"]), st.integers(600, 800))
def test_a_replay_that_stops_is_the_start_of_the_one_that_goes_on(
    saved: list[tuple[str, str, int]], morning: str, stop: int
) -> None:
    """Looking no further than a moment gives the same rows, those cleared later still open."""
    lessons = [
        Row(
            "P-1",
            FIRST,
            to_byte(code),
            local_datetime(FIRST, minute),
            period=period,
            starts=PERIODS[period][0],
            ends=PERIODS[period][1],
        )
        for period, code, minute in saved
    ]
    sessions = [Row("P-1", FIRST, to_byte(morning), local_datetime(FIRST, 530))]
    until = local_datetime(FIRST, stop)

    def known(found: list[Any]) -> list[Any]:
        return [
            (
                one.finding.identity,
                one.fired_at,
                None if one.cleared_at is None or one.cleared_at > until else one.cleared_at,
            )
            for one in found
            if one.fired_at <= until
        ]

    assert known(replay(sessions, lessons, as_of=until)) == known(replay(sessions, lessons))
