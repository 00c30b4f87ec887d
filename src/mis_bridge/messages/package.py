"""The data of a package for the Local Authority: an attendance return, or a CME notification.

The fields are the union of what authorities' forms ask for. What the registers and the MIS do not
say is listed as missing, for a person to fill in; nothing is ever guessed, and a flag that is not
set is "not recorded", never "no".

Sources: attendance return, regulation 13 of SI 2024/208 and the forms of Stockport and
Hertfordshire; children missing education (CME), "Children missing education" (DfE, 2016, re-issued
August 2024) and the forms of Birmingham, Gloucestershire, Ealing and Stockport.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.package_model import (
    SCHEMA_VERSION,
    Enquiry,
    Field,
    PackageData,
    PackagePupil,
    PackageSchool,
    Section,
    Sender,
    Table,
)
from mis_bridge.messages.times import clock, day_name
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from mis_bridge.messages.absence_period import AbsencePeriod

__all__ = [
    "SCHEMA_VERSION",
    "Enquiry",
    "Field",
    "PackageData",
    "PackagePupil",
    "PackageSchool",
    "Section",
    "Sender",
    "Table",
    "attendance_return",
    "cme_notification",
]


@dataclass(frozen=True, slots=True)
class _Form:
    """What both kinds of package are made of."""

    pupil: PackagePupil
    school: PackageSchool
    absence: AbsencePeriod
    sender: Sender
    enquiries: tuple[Enquiry, ...]
    answers: Mapping[str, str] = field(default_factory=dict)

    def section(self, title: str, *fields: Field) -> Section:
        return Section(
            title,
            tuple(
                Field(
                    f.key, f.label, self.answers.get(f.key, "").strip() or f.value, f.needed, f.hint
                )
                for f in fields
            ),
        )


def attendance_return(
    *,
    reference: str,
    pupil: PackagePupil,
    school: PackageSchool,
    absence: AbsencePeriod,
    prepared_at: datetime,
    sender: Sender | None = None,
    authority_name: str = "",
    enquiries: Iterable[Enquiry] = (),
    answers: Mapping[str, str] | None = None,
    version: int = 1,
) -> PackageData:
    """Prepare the return on a pupil who is absent continuously for ten school days.

    Args:
        reference: the incident's.
        pupil: what the MIS says of the pupil.
        school: what is known of the school.
        absence: the stretch and the year around it.
        sender: whom the authority calls back.
        prepared_at: aware.
        authority_name: as people call it.
        enquiries: attempts to reach the family.
        answers: field key to what a person has filled in; it goes before what the MIS says.
        version: from 1.

    Raises:
        PackageRefused: an answer to a field that the form does not have.
    """
    form = _Form(pupil, school, absence, sender or Sender(), tuple(enquiries), dict(answers or {}))
    sections = (
        _pupil_section(form),
        form.section(
            "Absence",
            Field("absence.first_day", "First day of this absence", _day(absence.first), True),
            Field("absence.last_day", "Last day counted", _day(absence.last), True),
            Field("absence.school_days", "School days in a row", _count(absence.school_days), True),
            Field("absence.last_attended", "Last attended", _day(absence.last_attended), True),
            Field("absence.cause", "Cause, if known"),
            *_year_fields(absence),
        ),
        _status_section(form),
        _family_section(form),
        _enquiries_section(form),
        form.section(
            "Risk",
            Field("risk.lone_worker", "Risks for a lone worker visiting the home"),
            Field("risk.concerns", "Safeguarding concerns and who has been told"),
        ),
        _sender_section(form),
    )
    return _package(
        "attendance_return",
        "Attendance return",
        "School Attendance (Pupil Registration) (England) Regulations 2024, regulation 13",
        form,
        sections,
        (reference, version, prepared_at, authority_name),
    )


def cme_notification(
    *,
    reference: str,
    pupil: PackagePupil,
    school: PackageSchool,
    absence: AbsencePeriod,
    prepared_at: datetime,
    sender: Sender | None = None,
    authority_name: str = "",
    enquiries: Iterable[Enquiry] = (),
    answers: Mapping[str, str] | None = None,
    version: int = 1,
) -> PackageData:
    """Prepare the notification of a child missing education: on no school's roll.

    Arguments as ``attendance_return``.

    Raises:
        PackageRefused: the child is on roll (an absentee is never CME), or an answer to a field
            that the form does not have.
    """
    today = prepared_at.astimezone(LONDON).date()
    if pupil.leaving is None or pupil.leaving >= today:
        raise PackageRefused("children on roll are not CME: send an attendance return")
    form = _Form(pupil, school, absence, sender or Sender(), tuple(enquiries), dict(answers or {}))
    reasons = "all contact failed; moved, no destination; or did not take up the place"
    sections = (
        _pupil_section(form),
        form.section(
            "Leaving",
            Field("leaving.removed", "Last day on roll", _day(pupil.leaving), True),
            Field("leaving.last_attended", "Last attended", _day(absence.last_attended), True),
            Field("leaving.last_seen", "Last seen, and by whom"),
            Field("leaving.reason", "Reason for this notification", needed=True, hint=reasons),
            Field("leaving.history", "History of absence and term-time leave"),
            *_year_fields(absence),
        ),
        _status_section(form),
        _family_section(form),
        _enquiries_section(form),
        form.section(
            "Risk",
            Field("risk.appraisal", "DSL's appraisal of risk", needed=True),
            Field("risk.mash", "Date referred to children's social care, and outcome"),
        ),
        form.section(
            "Where the child may be",
            Field("onward.destination", "Destination recorded in the MIS", pupil.destination),
            Field("onward.address", "New address"),
            Field("onward.adult", "Adult the child will live with"),
            Field("onward.school", "New school and how it was confirmed"),
        ),
        _sender_section(form),
    )
    return _package(
        "cme",
        "Notification of a child missing education",
        "Education Act 1996, section 436A; Children missing education, statutory guidance",
        form,
        sections,
        (reference, version, prepared_at, authority_name),
    )


def _package(
    kind: str,
    title: str,
    basis: str,
    form: _Form,
    sections: tuple[Section, ...],
    stamp: tuple[str, int, datetime, str],
) -> PackageData:
    keys = [f.key for section in sections for f in section.fields]
    for key in form.answers:
        if key not in keys:
            near = get_close_matches(key, keys, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PackageRefused(f"the form has no field {key!r}{hint}")
    reference, version, prepared_at, authority = stamp
    marks = Table("marks", "Marks of this absence", ("Day", "AM", "PM"), form.absence.rows)
    log = Table(
        "enquiries",
        "Enquiries made",
        ("When", "Who", "What and outcome"),
        tuple(_enquiry_row(enquiry) for enquiry in form.enquiries),
    )
    tables = tuple(table for table in (marks, log) if table.rows)
    return PackageData(
        kind,
        title,
        basis,
        reference,
        version,
        prepared_at,
        form.school.name,
        authority,
        sections,
        tables,
    )


def _enquiry_row(enquiry: Enquiry) -> tuple[str, str, str]:
    local = enquiry.at.astimezone(LONDON)
    return (f"{day_name(local.date(), year=True)} {clock(local)}", enquiry.who, enquiry.what)


def _day(day: date | None) -> str:
    return "" if day is None else f"{day_name(day, year=True)}"


def _count(number: int | None) -> str:
    return "" if number is None else str(number)


def _year_group(number: int | None) -> str:
    if number is None:
        return ""
    return "Nursery" if number < 0 else str(number) if number else "Reception"


def _pupil_section(form: _Form) -> Section:
    pupil = form.pupil
    return form.section(
        "Pupil",
        Field("pupil.surname", "Surname", pupil.surname, True),
        Field("pupil.forenames", "Forenames", pupil.forename, True),
        Field("pupil.dob", "Date of birth", _birthday(pupil.dob), True),
        Field("pupil.sex", "Sex", pupil.sex, True),
        Field("pupil.upn", "UPN", pupil.upn, True),
        Field("pupil.year_group", "Year group", _year_group(pupil.year_group)),
        Field("pupil.form", "Form", pupil.form),
        Field("pupil.admission", "On roll since", _day(pupil.admission)),
        Field("pupil.address", "Address and postcode, last known", needed=True),
        Field("pupil.ethnicity", "Ethnicity"),
        Field("pupil.language", "First language"),
    )


def _birthday(day: date | None) -> str:
    return "" if day is None else f"{day:%d/%m/%Y}"


def _year_fields(absence: AbsencePeriod) -> tuple[Field, ...]:
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


def _status_section(form: _Form) -> Section:
    return form.section(
        "Status",
        *(
            Field(
                f"status.{flag}",
                label,
                "yes" if flag in form.pupil.flags else "not recorded in what was read",
            )
            for flag, label in _STATUS
        ),
        Field("status.social_worker", "Social worker, name and telephone"),
    )


def _family_section(form: _Form) -> Section:
    return form.section(
        "Family",
        Field("family.lives_with", "Who the child lives with", needed=True),
        Field("family.parents", "Parents' names, telephones and emails", needed=True),
        Field("family.emergency", "Other emergency contacts", needed=True),
        Field("family.siblings", "Siblings of school age and their schools"),
    )


def _enquiries_section(form: _Form) -> Section:
    made = f"{len(form.enquiries)} in the table below" if form.enquiries else ""
    return form.section(
        "Attempts to find the child",
        Field("enquiries.made", "Enquiries made", made, True, "date, who, how, outcome"),
        Field(
            "enquiries.home_visit",
            "Home visit",
            needed=True,
            hint="date and who was spoken to; or why there was none",
        ),
    )


def _sender_section(form: _Form) -> Section:
    school, sender = form.school, form.sender
    return form.section(
        "Sent by",
        Field("school.name", "School", school.name, True),
        Field("school.urn", "URN", school.urn),
        Field("school.dfe_number", "DfE number", school.dfe_number),
        Field("sender.name", "Sender's name", sender.name, True),
        Field("sender.role", "Sender's role", sender.role, True),
        Field("sender.telephone", "Sender's telephone", sender.telephone or school.telephone, True),
        Field("sender.email", "Sender's email", sender.email or school.email, True),
    )
