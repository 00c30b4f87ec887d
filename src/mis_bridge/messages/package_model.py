"""What a package for the Local Authority consists of: sections of fields, and tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mis_bridge.messages.times import clock, day_name
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from datetime import date, datetime

__all__ = [
    "SCHEMA_VERSION",
    "Enquiry",
    "Episode",
    "Field",
    "PackageData",
    "PackagePupil",
    "PackageSchool",
    "Section",
    "Sender",
    "Table",
]

SCHEMA_VERSION: Final = 1
"""Of the JSON form; one more where a field changes its meaning or goes away."""


@dataclass(frozen=True, slots=True)
class PackagePupil:
    """What the MIS says of the pupil; empty or None where it does not.

    Args:
        flags: of ``lac cp cin ehcp sen send_risk yot missing_before``.
        admission, leaving: first and last day on roll.
        care_began: since when the child is looked after.
        gone: the MIS no longer lists the child, and may not have said when the child left.
        upn_doubted: another child of the school has the same UPN, so that none is given.
    """

    upn: str = ""
    surname: str = ""
    forename: str = ""
    dob: date | None = None
    sex: str = ""
    year_group: int | None = None
    form: str = ""
    admission: date | None = None
    leaving: date | None = None
    destination: str = ""
    flags: frozenset[str] = frozenset()
    care_began: date | None = None
    gone: bool = False
    upn_doubted: bool = False

    def on_roll(self, day: date) -> bool:
        """Whether the child is on the school's roll on a day, as far as the MIS says."""
        return not self.gone and (self.leaving is None or self.leaving >= day)


@dataclass(frozen=True, slots=True)
class PackageSchool:
    """What is known of the school.

    Args:
        dfe_number: three digits of the authority, four of the school.
        first_day, last_day: of the school year, or None.
        classes: lowest and highest year group with a pupil, 0 for Reception; None: not known.
    """

    name: str
    urn: str = ""
    dfe_number: str = ""
    telephone: str = ""
    email: str = ""
    first_day: date | None = None
    last_day: date | None = None
    classes: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """The person in the school whom the authority calls back."""

    name: str = ""
    role: str = ""
    telephone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class Enquiry:
    """One attempt to reach the family: when, who made it, what came of it."""

    at: datetime
    who: str
    what: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One matter that was noticed about a pupil.

    Args:
        pupil: the MIS's pupil id; never shown.
        day: when.
        what: what it is called, no name.
        ended: how it ended, no name; empty while it has not.
        done: the steps that people did.
        steps: how many steps its protocol has.
    """

    pupil: str
    day: date
    what: str
    ended: str = ""
    done: tuple[Enquiry, ...] = ()
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form.

    Args:
        key: stable name, ``pupil.surname``.
        label: as on paper.
        value: as text; empty where it is not known.
        needed: most authorities do not take the form without it.
        hint: what belongs in it, where the label does not say.
        refused_without: the authority refuses the form without it, so it never goes without.
    """

    key: str
    label: str
    value: str = ""
    needed: bool = False
    hint: str = ""
    refused_without: bool = False

    @property
    def missing(self) -> bool:
        """Whether a person has to fill it in before it is sent."""
        return self.needed and not self.value


@dataclass(frozen=True, slots=True)
class Section:
    """Fields that belong together."""

    title: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under columns: marks, enquiries."""

    key: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class PackageData:
    """All that a package says; the PDF, CSV and JSON files are made from it and nothing else.

    Args:
        kind: of ``package_kinds.KINDS``.
        title: heading of the document.
        basis: law or guidance that it is sent under, or that it is our own form.
        reference: the incident's reference.
        version: from 1; an edit makes a new version and voids the approval.
        prepared_at: aware.
        school_name, authority_name: from whom, and the school's authority; it may be empty.
        sections, tables: the content.
        recipient: to whom, where that is not the authority.
        checklist: what a person makes sure of before approving it.
        due: the last day on which it is in time, or None where the rule gives no day.
    """

    kind: str
    title: str
    basis: str
    reference: str
    version: int
    prepared_at: datetime
    school_name: str
    authority_name: str
    sections: tuple[Section, ...]
    tables: tuple[Table, ...] = ()
    recipient: str = ""
    checklist: tuple[str, ...] = ()
    due: date | None = None

    @property
    def to(self) -> str:
        """To whom it goes, as people read it."""
        return self.recipient or self.authority_name or "the Local Authority"

    @property
    def missing(self) -> tuple[Field, ...]:
        """Fields that a person has to fill in before it is sent."""
        return tuple(f for section in self.sections for f in section.fields if f.missing)

    def with_value(self, key: str, value: str) -> PackageData:
        """The same package with another value in one field."""
        sections = tuple(
            Section(
                section.title,
                tuple(replace(f, value=value) if f.key == key else f for f in section.fields),
            )
            for section in self.sections
        )
        return replace(self, sections=sections)

    @property
    def file_stem(self) -> str:
        """Name of its files without the ending: no pupil in it, and another for every version."""
        return f"{self.reference}-{self.kind.replace('_', '-')}-v{self.version}"

    @property
    def prepared_on(self) -> str:
        """When it was prepared, as people read it."""
        local = self.prepared_at.astimezone(LONDON)
        return f"{day_name(local.date(), year=True)}, {clock(local)}"
