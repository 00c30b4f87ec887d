"""Laws of the slow findings: the fast answer is that of the rule, and more absence ends nothing."""

from __future__ import annotations

import random
from datetime import date, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.registers.absence import n_deadline, ten_in_ten_weeks
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar, monday_of
from mis_bridge.registers.rolling_weeks import stretches
from mis_bridge.registers.short_absences import ShortAbsences, day_letters, may_have_pattern
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.catalogue import assess_years
from mis_bridge.triggers.model import PupilYear
from mis_bridge.triggers.year_look import YearLook

if TYPE_CHECKING:
    from mis_bridge.triggers.model import Finding

YEAR = AcademicYear(2026)
FIRST = date(2026, 9, 7)
CALENDAR = SchoolCalendar(YEAR, date(2026, 9, 1), date(2027, 7, 20))
POSSIBLE = "/\\LVIMCGNOU"

_day = st.one_of(
    st.just("/\\"),
    st.sampled_from(["OO", "NN", "GG", "UU", "II", "CC", "##", "XX", "--", "LL"]),
    st.text("/\\LINOUGCX#-", min_size=2, max_size=2),
)
_runs = st.tuples(_day, st.integers(1, 25)).map(lambda run: [run[0]] * run[1])
years = st.lists(_runs, min_size=1, max_size=10).map(
    lambda parts: [day for part in parts for day in part][:190]
)


def weekdays(count: int) -> list[date]:
    """Give so many weekdays."""
    days = (FIRST + timedelta(days=n) for n in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def strip_of(days: list[str]) -> Strip:
    """Give the strip of some school days."""
    rows = zip(weekdays(len(days)), days, strict=True)
    return Strip.from_days(YEAR, [(day, codes[0], codes[1]) for day, codes in rows])


def findings(strip: Strip, as_of: date, **said: Any) -> dict[str, Finding]:
    """Give the findings by trigger."""
    year = PupilYear("P-1", strip, CALENDAR, **said)
    return {one.trigger: one for one in assess_years([year], as_of, {}).findings}


def run_at_the_end(days: list[str], counted: str) -> int:
    """Count the days of a run as the rule says, from the end; across a blank none is claimed."""
    longest = run = 0
    for codes in days:
        possible = [code for code in codes if code in POSSIBLE]
        if any(code not in counted for code in possible):
            longest = run = 0
        elif "-" in codes:
            run = 0
        elif possible:
            run += 1
            longest = max(longest, run)
    return longest


@given(years)
def test_runs_are_those_of_a_walk_over_the_days(days: list[str]) -> None:
    """Ten days of G N O U, twenty of G N O, of the episode that goes on at the end."""
    found = findings(strip_of(days), weekdays(len(days))[-1])

    assert ("ten_day_absence" in found) == (run_at_the_end(days, "GNOU") >= 10)
    assert ("twenty_day_absence" in found) == (run_at_the_end(days, "GNO") >= 20)


@given(years)
def test_the_penalty_threshold_is_a_count_of_the_last_ten_school_weeks(days: list[str]) -> None:
    """True where they hold ten; confirmed where they hold ten without N."""
    of_week: dict[date, str] = {}
    for day, codes in zip(weekdays(len(days)), days, strict=True):
        of_week[monday_of(day)] = of_week.get(monday_of(day), "") + codes
    school_weeks = [codes for codes in of_week.values() if codes.strip("#")]
    last_ten = "".join(school_weeks[-10:])

    found = findings(strip_of(days), weekdays(len(days))[-1]).get("penalty_threshold")

    provisional = sum(last_ten.count(code) for code in "GNOU")
    confirmed = sum(last_ten.count(code) for code in "GOU")
    assert (found is not None) == (provisional >= 10)
    if found is not None:
        assert found.level == (2 if confirmed >= 10 else 1)


@given(years)
def test_the_first_stretch_begins_on_the_day_of_the_threshold(days: list[str]) -> None:
    """Two ways to the same day, one of them by the letter of the rule."""
    strip = strip_of(days)
    found = stretches(YEAR.first, strip.marks)

    assert ten_in_ten_weeks(strip) == (YEAR.day_of(found[0].slot)[0] if found else None)


@given(years)
def test_an_n_is_overdue_after_its_last_day(days: list[str]) -> None:
    """Some N whose last day lies before a later school day of the pupil."""
    strip, dates = strip_of(days), weekdays(len(days))
    school = [day for day, codes in zip(dates, days, strict=True) if codes != "##"]
    late = [
        day
        for day, codes in zip(dates, days, strict=True)
        if "N" in codes and (last := n_deadline(strip, day)) is not None and last < school[-1]
    ]

    found = findings(strip, dates[-1]).get("reason_overdue")

    assert (found is not None) == bool(late)
    if found is not None:
        assert found.facts["oldest"] == min(late).isoformat()
        assert found.facts["newest"] == max(late).isoformat()


@given(years, st.data())
def test_one_more_absence_ends_no_count_of_absences(days: list[str], data: st.DataObject) -> None:
    """A session attended that becomes O: twenty sessions and the penalty threshold stand."""
    attended = [
        (number, half)
        for number, codes in enumerate(days)
        for half in (0, 1)
        if codes[half] in "/\\L"
    ]
    if not attended:
        return
    number, half = data.draw(st.sampled_from(attended))
    codes = days[number]
    worse = [*days]
    worse[number] = "O" + codes[1] if half == 0 else codes[0] + "O"
    last = weekdays(len(days))[-1]
    counts = {"twenty_sessions", "penalty_threshold"}

    assert findings(strip_of(days), last).keys() & counts <= findings(strip_of(worse), last).keys()


@given(years)
def test_no_pattern_is_overlooked_by_the_look_before_it(days: list[str]) -> None:
    """Where there is a pattern the fast look says that there may be one."""
    letters = day_letters(strip_of(days).marks)
    weekday = YEAR.first.weekday()
    pattern = ShortAbsences(letters, weekday).pattern(3, Fraction(1, 10))

    assert pattern is None or may_have_pattern(letters, weekday, 3)


def test_of_pupils_without_a_pattern_fewer_are_reported_than_the_limit_says() -> None:
    """Days of absence drawn by lot, a look after every week of a year: at most one in a hundred."""
    rng = random.Random(20260901)  # noqa: S311 - invented registers
    ever = 0
    for _ in range(300):
        days = ["/\\"] * 190
        for number in rng.sample(range(190), rng.randrange(6, 40)):
            days[number] = "II"
        letters = day_letters(strip_of(days).marks)
        ever += any(
            ShortAbsences(letters[: 37 + 7 * week], YEAR.first.weekday()).pattern(
                6, Fraction(1, 100)
            )
            is not None
            for week in range(8, 39)
        )

    assert ever <= 3


@given(
    years,
    st.sampled_from([None, 11, 12]),
    st.one_of(st.none(), st.dates(date(2026, 7, 25), date(2026, 12, 1))),
    st.one_of(st.none(), st.dates(date(2027, 1, 1), date(2027, 7, 30))),
)
def test_the_share_at_once_is_that_of_the_counts(
    days: list[str], group: int | None, of_age: date | None, until: date | None
) -> None:
    """Whatever the pupil's age and year group, the quick share is that of what is counted."""
    year = PupilYear("P-1", strip_of(days), CALENDAR, of_age, until, group)
    for as_of in (FIRST, weekdays(len(days))[-1], date(2027, 7, 31)):
        counts = YearLook(year, as_of).so_far.counts

        assert YearLook(year, as_of).share == (counts.possible, counts.absent)
