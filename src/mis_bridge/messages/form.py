"""What a form for the Local Authority asks for, as data: which fields, in which order.

A form asks; a package answers. Every authority's form is another order of mostly the same fields,
so a form is sections of field keys (``form_fields`` lists those that the program can answer), with
labels and hints of its own where the authority's words differ. What a form asks and the program
never knows has a key ``own.<name>``: a person fills it in. What a form does not ask for is not
sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import PackageRefused
from mis_bridge.messages.package_model import Field, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OWN", "CheckItem", "Form", "FormField", "FormSection", "lay_out"]

OWN: Final = "own."
"""What the key of a field begins with that only an authority's own form asks for."""


@dataclass(frozen=True, slots=True)
class FormField:
    """One field that a form asks for.

    Args:
        key: stable name, ``pupil.surname``.
        label: as on the form.
        needed: the authority wants it filled in; a person is asked for it where it is not known.
        hint: what belongs in it, where the label does not say.
        refused_without: the authority refuses the form without it, so it never goes without.
    """

    key: str
    label: str
    needed: bool = False
    hint: str = ""
    refused_without: bool = False


@dataclass(frozen=True, slots=True)
class FormSection:
    """Fields under one heading, in the form's order."""

    title: str
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True)
class CheckItem:
    """What a person makes sure of before approving.

    Args:
        id: stable name within the form.
        text: a statement that is true or not yet.
        source: whose rule it is.
    """

    id: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of form.

    Args:
        kind: ``attendance_return``, ``cme`` and so on, as ``PackageData.kind``.
        title: heading of the document.
        basis: law or guidance that it is sent under.
        sections: what it asks for, in its order.
        checklist: what a person makes sure of before approving.
        source: which form of which authority it follows.
    """

    kind: str
    title: str
    basis: str
    sections: tuple[FormSection, ...]
    checklist: tuple[CheckItem, ...] = ()
    source: str = ""

    @property
    def fields(self) -> tuple[FormField, ...]:
        """All fields, in the form's order."""
        return tuple(field for section in self.sections for field in section.fields)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all fields, in the form's order."""
        return tuple(field.key for field in self.fields)


def lay_out(
    form: Form, values: Mapping[str, str], answers: Mapping[str, str] | None = None
) -> tuple[Section, ...]:
    """Fill a form in, as far as there are values.

    Args:
        form: what is asked for.
        values: field key to what the MIS and the history say; empty where they do not.
        answers: field key to what a person has filled in; it goes before ``values``.

    Raises:
        PackageRefused: an answer to a field that the form does not have; names the nearest.
    """
    given = answers or {}
    for key in given:
        if key not in form.keys:
            near = get_close_matches(key, form.keys, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise PackageRefused(f"the form has no field {key!r}{hint}")
    return tuple(
        Section(
            section.title,
            tuple(
                Field(
                    field.key,
                    field.label,
                    given.get(field.key, "").strip() or values.get(field.key, ""),
                    field.needed or field.refused_without,
                    field.hint,
                    field.refused_without,
                )
                for field in section.fields
            ),
        )
        for section in form.sections
    )
