"""Returns about a pupil who is absent, and the notification of a child who is on no roll.

The fields are the union of what authorities' forms ask for.

Sources: attendance and sickness return, regulation 13 of SI 2024/208 and the forms of Stockport,
Hertfordshire and Derbyshire; children missing education (CME), "Children missing education" (DfE,
2016, re-issued August 2024) and the forms of Birmingham, Gloucestershire, Ealing and Stockport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.package_form import Case, package, refuse_unless_of_age
from mis_bridge.messages.package_model import Field
from mis_bridge.messages.package_sections import (
    day_text,
    enquiries_section,
    enquiry_table,
    family_section,
    marks_table,
    pupil_section,
    sender_section,
    status_section,
    year_fields,
)

if TYPE_CHECKING:
    from mis_bridge.messages.package_model import PackageData

__all__ = ["Case", "attendance_return", "cme_notification", "sickness_return"]

_ADDRESS = (Field("pupil.address", "Address and postcode, last known", needed=True),)
_BACKGROUND = (
    *_ADDRESS,
    Field("pupil.ethnicity", "Ethnicity"),
    Field("pupil.language", "First language"),
)


def attendance_return(case: Case) -> PackageData:
    """Prepare the return on a pupil who is absent continuously, or who does not attend regularly.

    Raises:
        PackageRefused: the child is not of compulsory school age, or an answer to a field that
            the form does not have.
    """
    refuse_unless_of_age(case, "attendance return", case.absence.first)
    absence = case.absence
    sections = (
        pupil_section(case, *_BACKGROUND),
        case.section(
            "Absence",
            Field("absence.first_day", "First day of this absence", day_text(absence.first), True),
            Field("absence.last_day", "Last day counted", day_text(absence.last), True),
            Field("absence.school_days", "School days in a row", _count(absence.school_days), True),
            Field("absence.last_attended", "Last attended", day_text(absence.last_attended), True),
            Field("absence.cause", "Cause, if known"),
            *year_fields(absence),
        ),
        status_section(case),
        family_section(case),
        enquiries_section(case),
        case.section(
            "Risk",
            Field("risk.lone_worker", "Risks for a lone worker visiting the home"),
            Field("risk.concerns", "Safeguarding concerns and who has been told"),
        ),
        sender_section(case),
    )
    return package("attendance_return", case, sections, (marks_table(case), enquiry_table(case)))


def sickness_return(case: Case) -> PackageData:
    """Prepare the return on a pupil who is believed to miss 15 days through sickness.

    Whether there are reasonable grounds to believe so is for a person to say; the register only
    counts sessions of I.

    Raises:
        PackageRefused: the child is not of compulsory school age, the year has no session of I,
            or an answer to a field that the form does not have.
    """
    refuse_unless_of_age(case, "sickness return", None)
    ill = case.absence.sickness
    if ill is None:
        raise PackageRefused("the register has no session of I (illness) for this child this year")
    sections = (
        pupil_section(case, *_ADDRESS),
        case.section(
            "Sickness",
            Field("sickness.sessions", "Sessions of I this school year", str(ill.sessions), True),
            Field("sickness.first_day", "First of them", day_text(ill.first), True),
            Field("sickness.last_day", "Last of them", day_text(ill.last), True),
            Field(
                "sickness.in_a_row",
                "Whole days of I in a row, at most",
                str(ill.longest),
                hint="a day without a session neither breaks nor lengthens them",
            ),
            Field(
                "sickness.grounds",
                "Grounds to believe that 15 days will be missed",
                needed=True,
                hint="in a row or in all; a run of minor ailments is not always meant",
            ),
            Field(
                "sickness.earlier",
                "Earlier sickness return",
                day_text(case.earlier),
                hint="one for each continuous period of sickness",
            ),
            *year_fields(case.absence),
        ),
        case.section(
            "What is arranged",
            Field("sickness.education", "Education meanwhile"),
            Field("sickness.return", "When the child is expected back"),
        ),
        sender_section(case),
    )
    return package("sickness_return", case, sections, (ill.table,))


def cme_notification(case: Case) -> PackageData:
    """Prepare the notification of a child missing education: on no school's roll.

    Raises:
        PackageRefused: the child is on roll (an absentee is never CME) or not of compulsory
            school age, or an answer to a field that the form does not have.
    """
    pupil, absence = case.pupil, case.absence
    if pupil.on_roll(case.today):
        raise PackageRefused("children on roll are not CME: send an attendance return")
    refuse_unless_of_age(case, "notification of a child missing education", pupil.leaving)
    reasons = "all contact failed; moved, no destination; or did not take up the place"
    sections = (
        pupil_section(case, *_BACKGROUND),
        case.section(
            "Leaving",
            Field("leaving.removed", "Last day on roll", day_text(pupil.leaving), True),
            Field("leaving.last_attended", "Last attended", day_text(absence.last_attended), True),
            Field("leaving.last_seen", "Last seen, and by whom"),
            Field("leaving.reason", "Reason for this notification", needed=True, hint=reasons),
            Field("leaving.history", "History of absence and term-time leave"),
            *year_fields(absence),
        ),
        status_section(case),
        family_section(case),
        enquiries_section(case),
        case.section(
            "Risk",
            Field("risk.appraisal", "DSL's appraisal of risk", needed=True),
            Field("risk.mash", "Date referred to children's social care, and outcome"),
        ),
        case.section(
            "Where the child may be",
            Field("onward.destination", "Destination recorded in the MIS", pupil.destination),
            Field("onward.address", "New address"),
            Field("onward.adult", "Adult the child will live with"),
            Field("onward.school", "New school and how it was confirmed"),
        ),
        sender_section(case),
    )
    return package("cme", case, sections, (marks_table(case), enquiry_table(case)))


def _count(number: int | None) -> str:
    return "" if number is None else str(number)
