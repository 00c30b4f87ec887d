"""Sections and tables that the forms of several kinds of package have in common.

What the registers and the MIS do not say is listed as missing, for a person to fill in; nothing is
ever guessed, and a flag that is not set is "not recorded", never "no".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.messages.package_model import Field, Section, Table
from mis_bridge.messages.times import clock, day_name
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from datetime import date, datetime

    from mis_bridge.messages.absence_period import AbsencePeriod
    from mis_bridge.messages.package_form import Case

__all__ = [
    "day_text",
    "enquiries_section",
    "enquiry_table",
    "family_section",
    "marks_table",
    "moment_text",
    "pupil_section",
    "sender_section",
    "status_section",
    "year_fields",
    "year_group_text",
]


def day_text(day: date | None) -> str:
    """Return ``Wed 11 Nov 2026``, empty for None."""
    return "" if day is None else day_name(day, year=True)


def year_group_text(number: int | None) -> str:
    """Return ``8``, ``Reception``, ``Nursery``, empty for None."""
    if number is None:
        return ""
    return "Nursery" if number < 0 else str(number) if number else "Reception"


_SHARED_UPN: Final = "two children have one UPN in the MIS: correct it there"


def pupil_section(case: Case, *more: Field) -> Section:
    """Who the child is."""
    pupil = case.pupil
    return case.section(
        "Pupil",
        Field("pupil.surname", "Surname", pupil.surname, True),
        Field("pupil.forenames", "Forenames", pupil.forename, True),
        Field("pupil.dob", "Date of birth", _birthday(pupil.dob), True),
        Field("pupil.sex", "Sex", pupil.sex, True),
        Field("pupil.upn", "UPN", pupil.upn, True, _SHARED_UPN if pupil.upn_doubted else ""),
        Field("pupil.year_group", "Year group", year_group_text(pupil.year_group)),
        Field("pupil.form", "Form", pupil.form),
        Field("pupil.admission", "On roll since", day_text(pupil.admission)),
        *more,
    )


def _birthday(day: date | None) -> str:
    return "" if day is None else f"{day:%d/%m/%Y}"


def year_fields(absence: AbsencePeriod) -> tuple[Field, ...]:
    """Sessions of the school year so far."""
    counts = absence.counts
    if counts is None:
        return (Field("year.sessions", "Sessions this school year"),)
    return (
        Field("year.possible", "Possible sessions this school year", str(counts.possible)),
        Field("year.attended", "of these attended", str(counts.attended)),
        Field("year.authorised", "authorised absence", str(counts.authorised)),
        Field("year.unauthorised", "unauthorised absence", str(counts.unauthorised)),
    )


_STATUS = (
    ("lac", "Looked after by a local authority"),
    ("cp", "Child protection plan"),
    ("cin", "Child in need"),
    ("ehcp", "Education, health and care plan"),
    ("sen", "Special educational needs"),
    ("yot", "Youth offending team"),
    ("missing_before", "Missing before"),
)


def status_section(case: Case) -> Section:
    """Who else is concerned with the child."""
    return case.section(
        "Status",
        *(
            Field(
                f"status.{flag}",
                label,
                "yes" if flag in case.pupil.flags else "not recorded in what was read",
            )
            for flag, label in _STATUS
        ),
        Field("status.social_worker", "Social worker, name and telephone"),
    )


def family_section(case: Case) -> Section:
    """Whom the child lives with, and who can be reached."""
    return case.section(
        "Family",
        Field("family.lives_with", "Who the child lives with", needed=True),
        Field("family.parents", "Parents' names, telephones and emails", needed=True),
        Field("family.emergency", "Other emergency contacts", needed=True),
        Field("family.siblings", "Siblings of school age and their schools"),
    )


def enquiries_section(case: Case) -> Section:
    """What was done to find the child."""
    made = f"{len(case.enquiries)} in the table below" if case.enquiries else ""
    return case.section(
        "Attempts to find the child",
        Field("enquiries.made", "Enquiries made", made, True, "date, who, how, outcome"),
        Field(
            "enquiries.home_visit",
            "Home visit",
            needed=True,
            hint="date and who was spoken to; or why there was none",
        ),
    )


def sender_section(case: Case) -> Section:
    """Whom to call back."""
    school, sender = case.school, case.sender
    return case.section(
        "Sent by",
        Field("school.name", "School", school.name, True),
        Field("school.urn", "URN", school.urn),
        Field("school.dfe_number", "DfE number", school.dfe_number),
        Field("sender.name", "Sender's name", sender.name, True),
        Field("sender.role", "Sender's role", sender.role, True),
        Field("sender.telephone", "Sender's telephone", sender.telephone or school.telephone, True),
        Field("sender.email", "Sender's email", sender.email or school.email, True),
    )


def marks_table(case: Case) -> Table:
    """The marks of the stretch, or the last ones, a row a day."""
    title = "Last marks" if case.absence.recent else "Marks of this absence"
    return Table("marks", title, ("Day", "AM", "PM"), case.absence.rows)


def enquiry_table(case: Case) -> Table:
    """The dated log of enquiries."""
    return Table(
        "enquiries",
        "Enquiries made",
        ("When", "Who", "What and outcome"),
        tuple(
            (moment_text(enquiry.at), enquiry.who, enquiry.what)
            for enquiry in sorted(case.enquiries, key=lambda enquiry: enquiry.at)
        ),
    )


def moment_text(at: datetime) -> str:
    """Return ``Wed 11 Nov 2026 09:20``, London time."""
    local = at.astimezone(LONDON)
    return f"{day_name(local.date(), year=True)} {clock(local)}"
