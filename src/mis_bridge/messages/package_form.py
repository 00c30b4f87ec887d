"""What the forms of all kinds of package share: the case they are about, and their common sections.

What the registers and the MIS do not say is listed as missing, for a person to fill in; nothing is
ever guessed, and a flag that is not set is "not recorded", never "no".
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.absence_period import AbsencePeriod
from mis_bridge.messages.form import lay_out
from mis_bridge.messages.package_kinds import KINDS
from mis_bridge.messages.package_model import (
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
from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.form import Form
    from mis_bridge.messages.package_model import Episode

__all__ = [
    "Case",
    "day_text",
    "enquiries_section",
    "enquiry_table",
    "family_section",
    "marks_table",
    "package",
    "pupil_section",
    "refuse_unless_of_age",
    "sender_section",
    "status_section",
    "year_fields",
    "year_group_text",
]


@dataclass(frozen=True, slots=True)
class Case:
    """All that a package about one pupil is made from.

    Args:
        reference: the incident's.
        school: what is known of the school.
        prepared_at: aware.
        pupil: what the MIS says of the pupil.
        absence: the stretch and the year around it.
        sender: whom the authority calls back.
        authority_name: as people call it.
        enquiries: attempts to reach the family.
        answers: field key to what a person has filled in; it goes before what the MIS says.
        version: from 1.
        incident: what it is about, where the registers raised it.
        episodes: what was noticed about the pupil this school year, in order of time.
        authority_asks: the authority has asked for it although the rule leaves it out.
        form: what the school's authority asks for in a package of this kind, or None.
        day_20: the last day that completed 20 continuous school days of G, N or O, or None.
    """

    reference: str
    school: PackageSchool
    prepared_at: datetime
    pupil: PackagePupil = field(default_factory=PackagePupil)
    absence: AbsencePeriod = field(default_factory=AbsencePeriod)
    sender: Sender = field(default_factory=Sender)
    authority_name: str = ""
    enquiries: tuple[Enquiry, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    version: int = 1
    incident: Incident | None = None
    episodes: tuple[Episode, ...] = ()
    authority_asks: bool = False
    form: Form | None = None
    day_20: date | None = None

    @property
    def today(self) -> date:
        """The local date on which it is prepared."""
        return self.prepared_at.astimezone(LONDON).date()

    def answer(self, key: str) -> str:
        """What a person has filled in, or empty."""
        return self.answers.get(key, "").strip()

    def section(self, title: str, *fields: Field) -> Section:
        """Give a section with the answers filled in."""
        return Section(
            title, tuple(replace(f, value=self.answer(f.key) or f.value) for f in fields)
        )


def package(
    kind: str,
    case: Case,
    sections: Iterable[Section],
    tables: Iterable[Table] = (),
    *,
    due: date | None = None,
) -> PackageData:
    """Put a package together; tables without rows are left out.

    Where the authority has a form of its own, what is known is laid out as that form asks for it.

    Raises:
        PackageRefused: an answer to a field that the form does not have.
    """
    of_kind, form = KINDS[kind], case.form
    sections = tuple(sections)
    if form is None:
        _refuse_unknown(case.answers, [f.key for section in sections for f in section.fields])
    else:
        known = {f.key: f for section in sections for f in section.fields}
        values = {key: f.value for key, f in known.items()} | {"sender.date": day_text(case.today)}
        laid_out = lay_out(form, values, case.answers)
        sections = tuple(_with_hints(section, known) for section in laid_out)
    return PackageData(
        kind,
        form.title if form else of_kind.title,
        form.basis if form else of_kind.basis,
        case.reference,
        case.version,
        case.prepared_at,
        case.school.name,
        case.authority_name,
        sections,
        tuple(table for table in tables if table.rows),
        of_kind.recipient,
        tuple(f"{item.text} ({item.source})" for item in form.checklist) if form else (),
        due,
    )


def _with_hints(section: Section, known: Mapping[str, Field]) -> Section:
    """Where the form gives no hint, ours: it may say why a value is not given."""
    return Section(
        section.title,
        tuple(
            replace(f, hint=known[f.key].hint) if not f.hint and f.key in known else f
            for f in section.fields
        ),
    )


def _refuse_unknown(answers: Iterable[str], keys: Sequence[str]) -> None:
    for key in answers:
        if key not in keys:
            near = get_close_matches(key, keys, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PackageRefused(f"the form has no field {key!r}{hint}")


def refuse_unless_of_age(case: Case, what: str, day: date | None) -> None:
    """Refuse what the law has for children of compulsory school age only.

    Without a date of birth nothing is refused: the date is listed as missing.

    Args:
        case: about whom.
        what: is refused.
        day: on which day the age counts; None: when the package is prepared.

    Raises:
        PackageRefused: the child was not of that age then.
    """
    if case.pupil.dob is None:
        return
    day = day or case.today
    first, last = compulsory_school_age(case.pupil.dob)
    if not first <= day <= last:
        age = "not yet" if day < first else "no longer"
        raise PackageRefused(f"the child is {age} of compulsory school age: there is no {what}")


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
            (_moment(enquiry.at), enquiry.who, enquiry.what)
            for enquiry in sorted(case.enquiries, key=lambda enquiry: enquiry.at)
        ),
    )


def _moment(at: datetime) -> str:
    local = at.astimezone(LONDON)
    return f"{day_name(local.date(), year=True)} {clock(local)}"
