"""Packages about the roll: a pupil is new on it, is to be deleted, or left for nowhere known.

Sources: new pupil and deletion return, SI 2024/208 regulation 13; the grounds of deletion,
regulation 9(1); Common Transfer File and School to School (S2S), the 2019 guide as councils quote
it. The letters of the grounds are the law's, their words are shortened.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.package_form import package
from mis_bridge.messages.package_model import Field
from mis_bridge.messages.package_sections import (
    day_text,
    enquiry_table,
    marks_table,
    pupil_section,
    sender_section,
    status_section,
    year_group_text,
)
from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import AcademicYear

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mis_bridge.messages.package_form import Case
    from mis_bridge.messages.package_model import PackageData, PackagePupil, PackageSchool

__all__ = ["GROUNDS", "ctf_data", "deletion_return", "new_pupil_return"]

NEW_PUPIL_DAYS: Final = 5
CTF_DAYS: Final = 15
_YEAR_11: Final = 11

GROUNDS: Mapping[str, str] = MappingProxyType(
    {
        "a": "registered at another school",
        "b": "nursery education has ended",
        "c": "dual registered, and the other school agrees",
        "d": "a school attendance order was changed",
        "e": "a school attendance order was revoked",
        "f": "a parent writes that the child leaves for education otherwise than at school",
        "g": "no longer lives a reasonable distance away",
        "h": "did not return after a leave of absence",
        "i": "continuously absent for 20 school days",
        "j": "detained",
        "k": "has died",
        "l": "over compulsory school age and not staying for the sixth form",
        "m": "boarding fees are not paid",
        "n": "left an independent or non-maintained special school",
        "o": "permanently excluded",
    }
)
"""Grounds of deletion by the letter of regulation 9(1)."""

_JOINT: Final = frozenset("hi")
"""Grounds that need reasonable enquiries together with the authority."""

_TOLD_FIRST: Final = frozenset({"lac", "cp", "cin", "ehcp"})


def new_pupil_return(case: Case) -> PackageData:
    """Prepare the return on a pupil whose name was entered on the roll.

    The fifth day is counted in days, not school days: the earlier date, where the rule can be read
    both ways.

    Raises:
        PackageRefused: the most junior class on the first day of the school year, or an answer to
            a field that the form does not have.
    """
    pupil, school = case.pupil, case.school
    if not case.authority_asks and _junior_on_the_first_day(pupil, school):
        raise PackageRefused(
            "the most junior class that starts on the first day of the school year needs no new "
            "pupil return, unless the authority asks for it: then say --authority-asks"
        )
    due = pupil.admission and pupil.admission + timedelta(days=NEW_PUPIL_DAYS)
    sections = (
        pupil_section(case),
        case.section(
            "Entry on the roll",
            Field("entry.day", "Name entered on", day_text(pupil.admission), True),
            Field("entry.due", "Return due by the end of", _by(case, due)),
            Field("entry.last_school", "School attended last, name and address", needed=True),
            Field("entry.boarder", "Boarder or day pupil"),
        ),
        case.section(
            "From the admission register",
            Field("pupil.address", "Address and postcode", needed=True),
            Field(
                "family.parents",
                "Every parent's name and address",
                needed=True,
                hint="and which of them the child lives with",
            ),
            Field("family.emergency", "Emergency telephone of each", needed=True),
            Field("entry.other", "Anything else that the admission register holds"),
        ),
        sender_section(case),
    )
    return package("new_pupil_return", case, sections, due=due)


def _junior_on_the_first_day(pupil: PackagePupil, school: PackageSchool) -> bool:
    return (
        school.classes is not None
        and pupil.year_group == school.classes[0]
        and pupil.admission is not None
        and pupil.admission == school.first_day
    )


def deletion_return(case: Case) -> PackageData:
    """Prepare the return on a pupil whose name is to be deleted from the roll.

    The ground is for a person to say. Ground (i) is refused where the register contradicts it; that
    the register bears it is never a verdict: it needs the joint enquiries too.

    Raises:
        PackageRefused: the most senior class at the end of the school year, no such ground, the
            register contradicts it, or an answer to a field that the form does not have.
    """
    pupil = case.pupil
    if not case.authority_asks and _senior_at_the_end(pupil, case.school):
        raise PackageRefused(
            "pupils who leave at the end of the most senior class need no deletion return, unless "
            "the authority asks for it: then say --authority-asks"
        )
    ground = _ground(case)
    told_first = bool(pupil.flags & _TOLD_FIRST)
    sections = (
        pupil_section(case, Field("pupil.address", "Address and postcode", needed=True)),
        case.section(
            "Deletion",
            Field(
                "deletion.ground",
                "Ground, regulation 9(1)",
                needed=True,
                hint="a letter: "
                + "; ".join(f"({letter}) {words}" for letter, words in GROUNDS.items()),
            ),
            Field("deletion.day", "Last day on roll", day_text(pupil.leaving), True),
            Field("deletion.due", "Return due no later than", _by(case, pupil.leaving)),
            Field(
                "deletion.joint_enquiries",
                "Reasonable enquiries together with the authority, and what came of them",
                needed=ground in _JOINT,
                hint="grounds (h) and (i) need them",
            ),
            Field(
                "deletion.told",
                "Virtual school, social worker or SEN caseworker told first",
                needed=told_first,
                hint="authorities ask for it where a child is looked after, has a social worker "
                "or a plan",
            ),
        ),
        status_section(case),
        case.section(
            "Family",
            Field(
                "family.parents",
                "Full name and address of each parent the child lives with",
                needed=True,
            ),
            Field(
                "family.emergency",
                "Emergency telephone of each of them, at least one",
                needed=True,
            ),
        ),
        case.section(
            "Where the child goes",
            Field("onward.school", "Destination school, if known", pupil.destination),
            Field("onward.school_start", "First day there, if known"),
            Field("onward.address", "Future address, if known"),
            Field("onward.address_start", "Living there from, if known"),
        ),
        sender_section(case),
    )
    log = enquiry_table(case)
    data = package("deletion_return", case, sections, (log,), due=pupil.leaving)
    return data if ground is None else _with_words(data, ground)


def _senior_at_the_end(pupil: PackagePupil, school: PackageSchool) -> bool:
    if school.classes is None or pupil.year_group != school.classes[1] or pupil.leaving is None:
        return False
    ends = [school.last_day] if school.last_day else []
    if pupil.year_group == _YEAR_11 and pupil.dob:
        # They leave on the last Friday in June at the earliest.
        ends.append(compulsory_school_age(pupil.dob)[1])
    return bool(ends) and pupil.leaving >= min(ends)


def _ground(case: Case) -> str | None:
    answer = case.answer("deletion.ground")
    if not answer:
        return None
    letter = answer.strip("()").lower()
    if letter not in GROUNDS:
        raise PackageRefused(
            "there is no such ground of deletion: answer deletion.ground with one letter, a to o"
        )
    if letter == "i" and case.day_20 is None:
        raise PackageRefused(
            "the register does not bear ground (i): it has no 20 school days in a row with every "
            "session coded G, N or O; any other code, U too, defeats it"
        )
    return letter


def _with_words(data: PackageData, ground: str) -> PackageData:
    """Write the ground out: a letter alone tells a reader nothing."""
    words = f"({ground}) {GROUNDS[ground]}"
    return data.with_value("deletion.ground", words)


def ctf_data(case: Case) -> PackageData:
    """Prepare what a person needs to file a lost pupil on School to School.

    No CTF file is written: the MIS does that. Dates and names of fields are those of the file.

    Raises:
        PackageRefused: the child is on roll, or an answer to a field that the form does not have.
    """
    pupil, school, counts = case.pupil, case.school, case.absence.counts
    if pupil.on_roll(case.today):
        raise PackageRefused("the child is on roll: a lost pupil is one who has left")
    due = pupil.leaving and pupil.leaving + timedelta(days=CTF_DAYS)
    authority, _, estab = _dfe_parts(school.dfe_number)
    year = AcademicYear.of(pupil.leaving or case.today)
    sections = (
        case.section(
            "Header",
            Field("ctf.source_lea", "SourceSchool LEA", authority, True),
            Field("ctf.source_estab", "SourceSchool Estab", estab, True),
            Field("school.name", "SchoolName", school.name, True),
            Field("ctf.academic_year", "AcademicYear", str(year.start)),
            Field("ctf.destination_lea", "DestSchool LEA", "XXX"),
            Field("ctf.destination_estab", "DestSchool Estab", "XXXX"),
        ),
        case.section(
            "Pupil",
            Field("pupil.upn", "UPN", pupil.upn, True),
            Field("pupil.surname", "Surname", pupil.surname, True),
            Field("pupil.forenames", "Forename", pupil.forename, True),
            Field("pupil.dob", "DOB", pupil.dob.isoformat() if pupil.dob else "", True),
            Field("pupil.sex", "Sex", pupil.sex, True),
            Field("pupil.year_group", "Year group", year_group_text(pupil.year_group)),
        ),
        case.section(
            "Attendance",
            Field("ctf.year", "Year", str(year.start)),
            Field("ctf.possible", "SessionsPossible", str(counts.possible) if counts else ""),
            Field("ctf.authorised", "SessionsAuthorised", str(counts.authorised) if counts else ""),
            Field("ctf.attended", "SessionsAttended", str(counts.attended) if counts else ""),
            Field(
                "ctf.unauthorised",
                "SessionsUnauthorised",
                str(counts.unauthorised) if counts else "",
            ),
        ),
        case.section(
            "For the person who files it",
            Field("leaving.removed", "Last day on roll", day_text(pupil.leaving), True),
            Field("ctf.due", "To be filed by", _by(case, due)),
            Field("onward.destination", "Destination recorded in the MIS", pupil.destination),
            Field("ctf.filed", "Filed on School to School: when, by whom"),
        ),
    )
    return package("ctf_data", case, sections, (marks_table(case),), due=due)


def _dfe_parts(number: str) -> tuple[str, str, str]:
    digits = "".join(char for char in number if char.isdigit())
    return (digits[:3], "/", digits[3:]) if len(digits) == len("8914001") else ("", "", "")


def _by(case: Case, due: date | None) -> str:
    if due is None:
        return ""
    passed = ", which has passed: do it now" if due < case.today else ""
    return f"{day_text(due)}{passed}"
