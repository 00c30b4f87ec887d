"""Days in a row without a reason: on the days that the authority sets, and on no other."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.catalogue import assess_years
from mis_bridge.triggers.model import Finding, PupilYear

YEAR = AcademicYear(2026)
MONDAY = date(2026, 9, 7)
CALENDAR = SchoolCalendar(YEAR, date(2026, 9, 3), date(2027, 7, 20))
EALING = {"enquiries_day": 3, "refer_day": 10}
BIRMINGHAM = {"refer_day": 5}


def school_day(number: int) -> date:
    """The day of that number, from 1."""
    weeks, day = divmod(number - 1, 5)
    return MONDAY + timedelta(days=7 * weeks + day)


def found(
    days: str, *, on: int | None = None, year_group: int | None = None, **days_set: Any
) -> Finding | None:
    """The finding about a pupil with one code a school day, at the end of a day."""
    rows = [(school_day(n), code, code) for n, code in enumerate(days, 1)]
    pupil = PupilYear("P-1", Strip.from_days(YEAR, rows), CALENDAR, year_group=year_group)
    settings = {"whereabouts_unknown": days_set}
    findings = assess_years([pupil], school_day(on or len(days)), settings).findings
    matching = [one for one in findings if one.trigger == "whereabouts_unknown"]
    return matching[0] if matching else None


def test_without_a_day_of_the_authority_nothing_is_raised() -> None:
    """There is no number for all of England."""
    assert found("O" * 30) is None


def test_ealing_enquires_on_day_three_and_is_told_on_day_ten() -> None:
    """Source: Ealing, CME reasonable enquiry process, and CME referral: day 3, ten school days."""
    assert found("OO", **EALING) is None
    third = found("NOO", **EALING)
    ninth = found("N" + "O" * 8, **EALING)
    tenth = found("N" + "O" * 9, **EALING)

    assert third is not None
    assert (third.level, third.fired_at.date()) == (1, school_day(3))
    assert "enquiries are due" in third.sentence
    assert ninth is not None
    assert ninth.level == 1
    assert tenth is not None
    assert (tenth.level, tenth.raised_at.date()) == (2, school_day(10))
    assert "the authority is to be told" in tenth.sentence
    assert third.identity == tenth.identity


def test_birmingham_is_told_on_day_five() -> None:
    """Source: Birmingham, CME referral form: for no longer than 5 consecutive days."""
    assert found("OOOO", **BIRMINGHAM) is None
    fifth = found("OOOOO", **BIRMINGHAM)

    assert fifth is not None
    assert (fifth.level, fifth.fired_at.date()) == (2, school_day(5))


def test_two_things_due_on_one_day_are_said_together() -> None:
    """An authority may want the visit on the day on which it is told."""
    both = found("OOOOO", home_visit_day=5, refer_day=5)

    assert both is not None
    assert "a home visit is due and the authority is to be told" in both.sentence


@pytest.mark.parametrize("code", ["/", "U", "L", "I", "G", "E", "B", "M"])
def test_any_other_mark_begins_the_count_anew(code: str) -> None:
    """The child was seen, or somebody knows where the child is: G is a holiday that was told."""
    assert found("OO" + code + "OO", **EALING) is None
    assert found("OOO" + code, **EALING) is None


def test_a_closed_day_neither_counts_nor_breaks() -> None:
    """School days, not days: a training day lies between."""
    finding = found("OO#O", **EALING)

    assert finding is not None
    assert finding.fired_at.date() == school_day(4)


def test_a_missing_mark_is_not_counted_and_is_said() -> None:
    """Three days in a row are only claimed without a gap between them."""
    assert found("OO-O", **EALING) is None
    finding = found("OO-OOO", **EALING)

    assert finding is not None
    assert finding.uncertain


def test_it_never_fires_for_the_sixth_form() -> None:
    """Children missing education are of compulsory school age."""
    assert found("OOOOO", year_group=11, **BIRMINGHAM) is not None
    assert found("OOOOO", year_group=12, **BIRMINGHAM) is None
