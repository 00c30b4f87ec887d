"""Newly in care, and what it does to the grace of a search.

Source: "Children who run away or go missing from home or care" (looked-after children: whatever
the length of the absence); seven days and 48 hours are our choice.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar
from mis_bridge.triggers.catalogue import assess_day, assess_flags
from mis_bridge.triggers.model import SchoolDay
from mis_bridge.triggers.roll_model import Enrolment, SchoolRoll

if TYPE_CHECKING:
    from mis_bridge.triggers.model import Finding

    from .conftest import At, MakeDay

CALENDAR = SchoolCalendar(AcademicYear(2026), date(2026, 9, 2), date(2027, 7, 21))
TODAY = date(2026, 9, 15)


def look(pupil: Enrolment, **settings: object) -> tuple[Finding, ...]:
    """Give what is found about a pupil today."""
    roll = SchoolRoll([pupil], CALENDAR)
    return assess_flags(roll, TODAY, {"newly_in_care": settings}).findings


def in_care(days: int, **different: object) -> Enrolment:
    """A pupil who came into care so many days ago."""
    return Enrolment("P-1", care_began=TODAY - timedelta(days=days), **different)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("days", "level"), [(0, 2), (1, 2), (2, 2), (3, 1), (7, 1), (8, None), (-1, None)]
)
def test_seven_days_of_which_48_hours_are_the_highest(days: int, level: int | None) -> None:
    """Today to the seventh day; a date to come, and one of eight days ago, are none."""
    assert [finding.level for finding in look(in_care(days))] == ([level] if level else [])


def test_never_for_a_pupil_off_the_roll_or_without_a_date() -> None:
    """The flag lac alone says nothing of when, and who has left is another school's pupil."""
    assert look(in_care(1, last_day=TODAY - timedelta(days=1))) == ()
    assert look(in_care(1, admission=TODAY + timedelta(days=1))) == ()
    assert look(Enrolment("P-1", flags=frozenset({"lac"}))) == ()


def test_it_is_one_matter_from_day_to_day() -> None:
    """The same first day in care is the same episode, though the level falls."""
    roll = SchoolRoll([in_care(2)], CALENDAR)
    (first,) = assess_flags(roll, TODAY, {}).findings
    (later,) = assess_flags(roll, TODAY + timedelta(days=4), {}).findings

    assert first.identity == later.identity
    assert first.sentence == later.sentence


@pytest.mark.parametrize(("days", "level"), [(0, 2), (7, 2), (8, None), (None, None)])
def test_the_grace_of_missing_during_the_day_is_zero(
    pupil_day: MakeDay, at: At, days: int | None, level: int | None
) -> None:
    """A pupil without any flag that is acted on at once, newly in care: found with the mark."""
    began = None if days is None else TODAY - timedelta(days=days)
    pupil = pupil_day("08:50 AM /", "09:00 P1 /", "10:02 P2 N", care_began=began)
    findings = assess_day(SchoolDay(TODAY, [pupil]), at("10:02"), {}).findings

    assert [finding.level for finding in findings] == ([level] if level else [])


def test_the_grace_is_zero_also_where_the_alert_is_switched_off(pupil_day: MakeDay, at: At) -> None:
    """A school that hears of it by another way still wants the search at once."""
    pupil = pupil_day("08:50 AM /", "10:02 P2 N", care_began=TODAY)
    settings: dict[str, dict[str, object]] = {
        "newly_in_care": {"enabled": False},
        "missing_during_day": {"immediate_flags": []},
    }
    findings = assess_day(SchoolDay(TODAY, [pupil]), at("10:02"), settings).findings

    assert [finding.level for finding in findings] == [2]


def test_the_days_are_a_setting(pupil_day: MakeDay, at: At) -> None:
    """Zero days: the first day in care alone."""
    settings = {"newly_in_care": {"days": 0}}
    yesterday = pupil_day("08:50 AM /", "10:02 P2 N", care_began=TODAY - timedelta(days=1))

    assert look(in_care(1), days=0) == ()
    assert assess_day(SchoolDay(TODAY, [yesterday]), at("10:02"), settings).findings == ()
