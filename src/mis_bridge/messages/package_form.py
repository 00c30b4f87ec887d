"""From a case, and what a kind of package says of it, to the package: by the authority's form."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.absence_period import AbsencePeriod
from mis_bridge.messages.form import lay_out
from mis_bridge.messages.package_kinds import KINDS
from mis_bridge.messages.package_model import (
    Enquiry,
    PackageData,
    PackagePupil,
    PackageSchool,
    Section,
    Sender,
)
from mis_bridge.messages.times import day_name
from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.form import Form
    from mis_bridge.messages.package_model import Episode, Field, Table

__all__ = ["Case", "package", "refuse_unless_of_age"]


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
        kept: keys of answers that an earlier version had; one that the form does not have any more
            is passed over.
        version: from 1.
        incident: what it is about, where the registers raised it.
        episodes: what was noticed about the pupil this school year, in order of time.
        authority_asks: the authority has asked for it although the rule leaves it out.
        form: what the school's authority asks for in a package of this kind, or None.
        earlier: when a package of this kind about the same episode was prepared that a person has
            approved, or None.
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
    kept: frozenset[str] = frozenset()
    version: int = 1
    incident: Incident | None = None
    episodes: tuple[Episode, ...] = ()
    authority_asks: bool = False
    form: Form | None = None
    earlier: date | None = None
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
        given = [key for key in case.answers if key not in case.kept]
        _refuse_unknown(given, [f.key for section in sections for f in section.fields])
    else:
        known = {f.key: f for section in sections for f in section.fields}
        values = {key: f.value for key, f in known.items()} | {
            "sender.date": day_name(case.today, year=True)
        }
        passed_over = case.kept.difference(form.keys)
        answers = {key: text for key, text in case.answers.items() if key not in passed_over}
        laid_out = lay_out(form, values, answers)
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
