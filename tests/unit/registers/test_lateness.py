"""Whether lateness is rising: the last four school weeks against all before them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from math import comb

import pytest

from mis_bridge.registers.lateness import Rise, rising_lateness

MONDAY = date(2025, 9, 1)
ONE_PER_CENT = Fraction(1, 100)


def weeks(*late: int | str, code: str = "L") -> bytes:
    """Give weeks of ten sessions attended, so many of them late; ``#`` is a week of holidays."""
    made = ""
    for one in late:
        number = 0 if isinstance(one, str) else one
        made += "#" * 10 if one == "#" else code * number + "/" * (10 - number)
        made += "...."
    return made.encode()


def found(made: bytes, minimum: int = 6) -> Rise | None:
    """Look at weeks from a Monday on."""
    return rising_lateness(MONDAY, made, minimum, ONE_PER_CENT)


def test_late_every_other_day_after_never() -> None:
    """13 of 40 after 0 of 40 is beyond chance, 10 of 40 is not.

    The chance is that of drawing 40 of 80 sessions with all of the late ones among them: once in
    26,000 and once in 1,900. A year has 40 looks, so it has to be below once in 4,000.
    """
    assert found(weeks(0, 0, 0, 0, 2, 2, 3, 3)) is None

    rise = found(weeks(0, 0, 0, 0, 3, 3, 3, 4))
    assert rise is not None
    assert rise[:4] == (13, 40, 0, 40)
    assert rise.chance == Fraction(comb(67, 27), comb(80, 40))
    assert rise.of_all_looks == 40 * rise.chance
    assert rise.since == 7 * 7 + 4


@pytest.mark.parametrize("code", ["L", "U"])
def test_late_is_before_and_after_the_close(code: str) -> None:
    """L and U alike."""
    assert found(weeks(0, 0, 0, 0, 3, 3, 3, 4, code=code)) is not None


def test_seven_weeks_are_too_few() -> None:
    """Four weeks are compared with four at least."""
    assert found(weeks(0, 0, 0, 10, 10, 10, 10)) is None


def test_always_late_is_not_rising() -> None:
    """Whoever came late as often before."""
    assert found(weeks(*[5] * 12)) is None
    assert found(weeks(*[9] * 8, *[5] * 4)) is None


def test_a_minimum_of_evidence() -> None:
    """However unlikely, five late arrivals are too few: a setting."""
    many = weeks(*[0] * 34, 1, 1, 1, 2)

    assert found(many) is None
    assert found(many, minimum=5) is not None


def test_a_week_is_looked_at_when_its_friday_is_over() -> None:
    """Until then what the week before it showed stands."""
    made = weeks(0, 0, 0, 0, 3, 3, 3, 4)

    assert found(made[: 7 * 14 + 8]) is None
    assert found(made[: 7 * 14 + 10]) is not None


def test_holidays_are_no_weeks() -> None:
    """Two weeks of Christmas between them are not two weeks without lateness."""
    assert found(weeks(0, 0, 0, 0, 3, "#", "#", 3, 3, 4)) is not None


def test_sessions_away_do_not_count() -> None:
    """Absent for a week and late in the others: compared are sessions for which the pupil came."""
    made = weeks(0, 0, 0, 0) + b"I" * 10 + b"...." + weeks(4, 4, 5)

    rise = found(made)
    assert rise is not None
    assert (rise.late, rise.arrived) == (13, 30)


def test_it_is_over_when_the_late_weeks_are_past() -> None:
    """Four punctual weeks after them."""
    assert found(weeks(0, 0, 0, 0, 3, 3, 3, 4, 0, 0, 0, 0)) is None
