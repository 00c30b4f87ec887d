"""Definitions of persistent absence by year.

Expectations are those of "Pupil absence statistics: methodology" (Department for Education),
section 3 for the numbers and section 4 for the census periods.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import holidays
import pytest

from mis_bridge.errors import DataError
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.definitions import (
    DEFINITIONS,
    HalfTerms,
    definition_named,
    definition_of,
    half_terms,
    historic_persistent_absence,
    is_aged_15,
)

AUTUMN, SPRING, SUMMER_1, SUMMER_2 = HalfTerms


@pytest.mark.parametrize(
    ("day", "share"),
    [
        (date(2005, 8, 1), "20%"),
        (date(2010, 7, 31), "20%"),
        (date(2010, 8, 1), "15%"),
        (date(2015, 7, 31), "15%"),
        (date(2015, 8, 1), "10%"),
        (date(2024, 7, 31), "10%"),
        (date(2026, 9, 1), "10%"),
    ],
)
def test_each_day_has_the_definition_of_its_academic_year(day: date, share: str) -> None:
    """20 % from 2005/06, 15 % from 2010/11, 10 % of the own sessions since 2015/16."""
    assert definition_of(day).share == share


def test_the_definitions_follow_each_other_without_a_gap() -> None:
    """Each ends in the year before the next begins, and the last one holds now."""
    for newer, older in pairwise(DEFINITIONS):
        assert older.until == AcademicYear(newer.since.start - 1)
    assert DEFINITIONS[0].until is None


def test_before_the_first_definition_there_is_none() -> None:
    """July 2005 has no known definition, and the error says where they begin."""
    with pytest.raises(DataError, match="the first is that of 2005/06"):
        definition_of(date(2005, 7, 31))


def test_a_definition_is_asked_for_by_name_or_by_a_day() -> None:
    """Both ways lead to the same one; anything else names what there is."""
    assert definition_named("national-2010") is definition_named("2012-05-01")
    with pytest.raises(DataError, match="national-2015"):
        definition_named("last year")


@pytest.mark.parametrize(
    ("definition", "registers", "sessions"),
    [
        ("national-2010", {AUTUMN}, 22),
        ("national-2010", {SPRING}, 16),
        ("national-2010", {AUTUMN, SPRING}, 38),
        ("national-2010", {AUTUMN, SPRING, SUMMER_1}, 46),
        ("national-2010", set(HalfTerms), 56),
        ("national-2005", {AUTUMN}, 28),
        ("national-2005", {AUTUMN, SPRING}, 52),
        ("national-2005", {AUTUMN, SPRING, SUMMER_1}, 64),
        ("national-2005", set(HalfTerms), 64),
    ],
)
def test_the_number_follows_from_what_the_registers_cover(
    definition: str, registers: set[HalfTerms], sessions: int
) -> None:
    """The published numbers, by the periods of the census."""
    threshold = definition_named(definition).threshold(registers)

    assert threshold is not None
    assert threshold.sessions == sessions


@pytest.mark.parametrize(
    ("definition", "registers"),
    [("national-2005", {SPRING}), ("national-2010", {SUMMER_1}), ("national-2024", {AUTUMN})],
)
def test_where_nothing_was_published_there_is_no_number(
    definition: str, registers: set[HalfTerms]
) -> None:
    """No number is made up for other periods; today nothing is fixed at all."""
    assert definition_named(definition).threshold(registers) is None


def test_pupils_aged_15_have_a_number_of_their_own_for_the_whole_year() -> None:
    """46 sessions of the first five half terms instead of 56 of all six."""
    of_15 = definition_named("national-2010").threshold(HalfTerms, aged_15=True)

    assert of_15 is not None
    assert (of_15.sessions, SUMMER_2 in of_15.counted) == (46, False)
    assert definition_named("national-2010").threshold({AUTUMN}, aged_15=True) == definition_named(
        "national-2010"
    ).threshold({AUTUMN})


def test_the_whole_year_of_20_per_cent_leaves_its_last_half_term_out() -> None:
    """64 was the number for five half terms, and there was none for six."""
    threshold = definition_named("national-2005").threshold(HalfTerms)

    assert threshold is not None
    assert threshold.counted == (AUTUMN, SPRING, SUMMER_1)


def test_the_census_periods_meet_at_easter_and_the_bank_holiday() -> None:
    """Every year since 2005: spring ends on Easter Sunday, the first half before the holiday."""
    for year in range(2006, 2040):
        england = holidays.country_holidays("GB", subdiv="ENG", years=year)
        (bank_holiday,) = england.get_named("Spring Bank Holiday")
        (easter_monday,) = england.get_named("Easter Monday")
        easter_sunday = easter_monday - timedelta(days=1)
        assert half_terms(date(year - 1, 12, 31)) is AUTUMN
        assert half_terms(date(year, 1, 1)) is SPRING
        assert half_terms(easter_sunday) is SPRING
        assert half_terms(easter_sunday + timedelta(days=1)) is SUMMER_1
        assert half_terms(bank_holiday - timedelta(days=1)) is SUMMER_1
        assert half_terms(bank_holiday) is SUMMER_2
        assert half_terms(date(year, 7, 31)) is SUMMER_2
        assert half_terms(date(year, 8, 1)) is AUTUMN


def test_aged_15_is_the_age_on_31_august() -> None:
    """Born from 1 September 1996 to 31 August 1997: 15 on 31 August 2012."""
    year = AcademicYear(2012)

    assert not is_aged_15(date(1996, 8, 31), year)
    assert is_aged_15(date(1996, 9, 1), year)
    assert is_aged_15(date(1997, 8, 31), year)
    assert not is_aged_15(date(1997, 9, 1), year)


def test_an_unknown_period_is_refused() -> None:
    """A definition has thresholds for some periods only; the error lists them."""
    with pytest.raises(DataError, match="15% autumn"):
        historic_persistent_absence("20%", "spring", 60)


def test_the_whole_year_was_shorter_for_pupils_aged_15() -> None:
    """They leave in June: 46 sessions instead of 56."""
    assert historic_persistent_absence("15%", "year, aged 15", 46)
    assert not historic_persistent_absence("15%", "year", 46)
