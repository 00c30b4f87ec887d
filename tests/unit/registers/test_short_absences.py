"""Where short absences lie in the week: what is counted, and what is beyond chance."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.short_absences import (
    EDGE,
    MIDWEEK,
    ShortAbsences,
    WeekPattern,
    day_letters,
    may_have_pattern,
)

MONDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = range(5)
ONE_PER_CENT = Fraction(1, 100)


def marks(weeks: int, absent: dict[tuple[int, int], str], closed: set[int] | None = None) -> bytes:
    """Give weeks of marks from a Monday on: present but for (week, weekday) -> codes."""
    made = bytearray()
    for week in range(weeks):
        for day in range(7):
            codes = absent.get((week, day), "/ \\").split() * 2
            school = day <= FRIDAY and week not in (closed or ())
            made += bytes(map(to_byte, codes[:2])) if school else b".."
    return bytes(made)


def found(made: bytes, minimum: int = 6, chance: Fraction = ONE_PER_CENT) -> WeekPattern | None:
    """Give the pattern of marks that begin on a Monday."""
    days = day_letters(made)
    pattern = ShortAbsences(days, MONDAY).pattern(minimum, chance)
    if pattern is not None:
        assert may_have_pattern(days, MONDAY, minimum)
    return pattern


def on(weekday: int, *weeks: int, code: str = "I") -> dict[tuple[int, int], str]:
    """Give an absence on a weekday of each of some weeks."""
    return dict.fromkeys([(week, weekday) for week in weeks], code)


def test_six_fridays_of_six_absences_are_a_pattern() -> None:
    """Drawn from 60 days, 12 of them Fridays, six Fridays of six come once in 54,000."""
    pattern = found(marks(12, on(FRIDAY, 1, 3, 5, 7, 9, 11)))

    assert pattern is not None
    assert (pattern.pattern, pattern.hits, pattern.short) == ("Friday", 6, 6)
    # On the last Friday of the last week 60 days are known.
    assert (pattern.marked, pattern.days) == (12, 60)
    assert pattern.chance == Fraction(comb(12, 6), comb(60, 6))
    assert pattern.of_all_looks == pattern.chance * 7 * 7
    assert pattern.since == 11 * 7 + FRIDAY


def test_five_are_too_few() -> None:
    """A minimum of evidence, however unlikely: it is a setting."""
    five = marks(40, on(FRIDAY, 1, 8, 15, 22, 39))

    assert found(five) is None
    assert found(five, minimum=5, chance=2 * ONE_PER_CENT) is not None


def test_absences_all_over_the_week_are_none() -> None:
    """One on each weekday again and again, and six Fridays among eighteen."""
    spread = {(week, week % 5): "I" for week in range(0, 40, 2)}
    mixed = spread | on(FRIDAY, 1, 3, 5)

    assert found(marks(40, spread)) is None
    assert found(marks(40, mixed)) is None


@pytest.mark.parametrize("code", ["M", "C2", "C", "E", "R", "S", "U", "L", "V", "B", "D", "X"])
def test_what_the_school_knows_the_reason_of_is_no_absence_here(code: str) -> None:
    """Every Friday at physiotherapy, at the other school or on a part-time timetable."""
    assert found(marks(30, on(FRIDAY, *range(30), code=code))) is None


def test_half_a_day_is_a_short_absence() -> None:
    """Friday afternoons count as Fridays do."""
    assert found(marks(12, on(FRIDAY, 1, 3, 5, 7, 9, 11, code="/ O"))) is not None


def test_two_days_are_short_and_three_are_not() -> None:
    """What began on a Thursday and took in Friday counts once, as a Thursday; an illness not."""
    weeks = (1, 3, 5, 7, 9, 11)
    two = on(THURSDAY, *weeks) | on(FRIDAY, *weeks)
    three = on(WEDNESDAY, *weeks) | two

    pattern = found(marks(12, two))
    assert pattern is not None
    assert (pattern.pattern, pattern.short) == ("Thursday", 6)
    assert found(marks(12, three)) is None


def test_a_weekend_between_two_days_is_no_break() -> None:
    """Friday and Monday are one absence of two days, which began on the Friday."""
    weeks = (1, 3, 5, 7, 9, 11)
    both = on(FRIDAY, *weeks) | on(MONDAY, *(week + 1 for week in weeks))

    pattern = found(marks(13, both))
    assert pattern is not None
    assert (pattern.pattern, pattern.hits, pattern.short) == ("Friday", 6, 6)


def test_days_beside_weekends_need_twice_the_evidence() -> None:
    """Six Mondays and six Fridays of twelve: neither weekday alone, but both together.

    Of 200 days 80 are Mondays and Fridays: all of 12 among them come once in 100,000.
    """
    mondays, fridays = (0, 6, 12, 18, 24, 30), (3, 9, 15, 21, 27, 39)
    pattern = found(marks(40, on(MONDAY, *mondays) | on(FRIDAY, *fridays)))

    assert pattern is not None
    assert (pattern.pattern, pattern.hits) == (EDGE, 12)
    assert pattern.chance == Fraction(comb(80, 12), comb(200, 12))
    assert found(marks(40, on(MONDAY, *mondays) | on(FRIDAY, *fridays[:-1]))) is None


def test_the_day_after_a_holiday_is_beside_it() -> None:
    """School begins again on a Wednesday: it is as a Monday."""
    made = bytearray(marks(3, {}, closed={1}))
    for day in (14, 15):
        made[2 * day : 2 * day + 2] = b".."
    short = ShortAbsences(day_letters(bytes(made)), MONDAY)

    assert short.fits(EDGE, 16)
    assert not short.fits(EDGE, 17)


def test_single_days_amid_the_week() -> None:
    """Twenty single Tuesdays to Thursdays and no other absence; pairs of days are not single."""
    weeks = range(0, 40, 2)
    single = {(week, (TUESDAY, WEDNESDAY, THURSDAY)[week // 2 % 3]): "O" for week in weeks}

    pattern = found(marks(40, single))
    assert pattern is not None
    assert (pattern.pattern, pattern.hits) == (MIDWEEK, 20)
    pairs = on(TUESDAY, *weeks) | on(WEDNESDAY, *weeks)
    days = ShortAbsences(day_letters(marks(40, pairs)), MONDAY)
    assert not any(days.fits(MIDWEEK, day) for day in days.begun)


def test_since_when() -> None:
    """From the look on since which every one has found it: the sixth Friday, not the last one."""
    pattern = found(marks(30, on(FRIDAY, 1, 3, 5, 7, 9, 11, 13, 15)))

    assert pattern is not None
    assert pattern.since == 11 * 7 + FRIDAY
    assert pattern.hits == 8


def test_a_pattern_that_is_diluted_is_over() -> None:
    """Six Fridays, then eight absences on other days."""
    others = {(20 + 2 * number, number % 4): "I" for number in range(8)}
    made = marks(40, on(FRIDAY, 1, 3, 5, 7, 9, 11) | others)

    assert found(made[: 14 * 14]) is not None
    assert found(made) is None
