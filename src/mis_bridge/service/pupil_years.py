"""The years of all pupils of a school, as the triggers that read strips look at them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.closures import compare, learned
from mis_bridge.registers.codes import NOT_TAKEN, OUTSIDE_BYTES, UNAUTHORISED_BYTES
from mis_bridge.registers.rolling_weeks import PENALTY_WEEKS
from mis_bridge.registers.strip import Strip
from mis_bridge.service.absence_only import silence, with_silence
from mis_bridge.store import pupils, strips
from mis_bridge.triggers.model import PupilYear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.service.schools import School

__all__ = ["pupil_years"]

_WEEK: Final = timedelta(weeks=1)
_NOT_UNAUTHORISED: Final = bytes(byte for byte in range(256) if byte not in UNAUTHORISED_BYTES)
_UNDECIDED: Final = OUTSIDE_BYTES + bytes((NOT_TAKEN,))


def pupil_years(tx: Connection, school: School, year: AcademicYear) -> list[PupilYear]:
    """Give every pupil's marks of a year, for the time on roll only (absence is per enrolment).

    Pupils whom the MIS no longer knows are left out: how long they were on roll, and how old they
    are, is no longer known either.

    Args:
        tx: the transaction.
        school: what is configured.
        year: the academic year.
    """
    roll = pupils.load(tx, school.id)
    gone = pupils.ids(tx, school.id) - roll.keys()
    marked = {
        pupil: strip
        for pupil, strip in strips.load(tx, school.id, year).items()
        if pupil not in gone
    }
    before = _last_year(tx, school, year, marked)
    calendar = school.calendar_of(year)
    if school.presence:
        # Where absences alone are sent nobody can tell who was in school that day.
        calendar = _learned(calendar, year, marked)
    if not school.presence:
        marked = _with_silence(marked, year, school)
        before = _with_silence(before, AcademicYear(year.start - 1), school)
    years = []
    for pupil, strip in marked.items():
        record = roll.get(pupil, PupilRecord(pupil))
        of_age = compulsory_school_age(record.dob) if record.dob else (None, None)
        last_year = before.get(pupil)
        years.append(
            PupilYear(
                pupil=pupil,
                strip=strip.between(record.admission, record.leaving),
                calendar=calendar,
                compulsory_age_from=of_age[0],
                compulsory_age_to=of_age[1],
                year_group=record.year_group,
                flags=record.flags,
                before=last_year and last_year.between(record.admission, record.leaving),
            )
        )
    return years


def _learned(
    calendar: SchoolCalendar, year: AcademicYear, marked: Mapping[str, Strip]
) -> SchoolCalendar:
    """Give a year's calendar with the closures that its registers tell of."""
    if calendar.year != year:
        return calendar
    marks = [strip.marks for strip in marked.values()]
    found = compare(calendar, marks, calendar.first_day, calendar.last_day, share=100)
    return learned(calendar, found.closed)


def _with_silence(
    marked: Mapping[str, Strip], year: AcademicYear, school: School
) -> dict[str, Strip]:
    silent = silence(year, school.calendar_of(year))
    return {pupil: with_silence(strip, silent) for pupil, strip in marked.items()}


def _last_year(
    tx: Connection, school: School, year: AcademicYear, marked: Mapping[str, Strip]
) -> dict[str, Strip]:
    """Give last year's marks of the pupils of whom a rule may look back over the summer.

    That is who has been away since this year began, and who had an unauthorised absence in its
    first ten school weeks: together with those of the summer term they may be ten.
    """
    began = _first_weeks(school, year)
    early = {
        pupil
        for pupil, strip in marked.items()
        if strip.marks[:began].translate(None, _NOT_UNAUTHORISED)
    }
    decided = {pupil: strip.marks.translate(None, _UNDECIDED) for pupil, strip in marked.items()}
    away = {pupil for pupil, marks in decided.items() if marks and marks[0] in UNAUTHORISED_BYTES}
    wanted = early | away
    if not wanted:
        return {}
    last = AcademicYear(year.start - 1)
    stored = strips.load_raw(tx, school.id, last, wanted)
    return {pupil: Strip.decode(last, marks) for pupil, marks in stored.items() if pupil in wanted}


def _first_weeks(school: School, year: AcademicYear) -> int:
    """Give the slot after the year's first ten school weeks, as far as its calendar is known."""
    weeks = school.calendar.school_weeks() if school.calendar.year == year else []
    if len(weeks) < PENALTY_WEEKS:
        return year.slots
    return year.slot(weeks[PENALTY_WEEKS - 1] + _WEEK, pm=False)
