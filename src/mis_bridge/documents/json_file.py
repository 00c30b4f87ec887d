"""A package as JSON: every value as it is, for machines and for the record.

The shape below is published as a JSON Schema (``docs/reference/package.schema.json``); what is read
back here is what the database keeps of a package.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime  # noqa: TC003 - part of the structs
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from mis_bridge import __version__
from mis_bridge.messages.package_kinds import KINDS
from mis_bridge.messages.package_model import SCHEMA_VERSION, Field, PackageData, Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.messages.model import Attachment

__all__ = ["package_schema", "read_json", "render_json"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _said(description: str, **more: Any) -> msgspec.Meta:
    return msgspec.Meta(description=description, **more)


class FieldShape(msgspec.Struct, rename={"name": "key"}):
    """One field of the form."""

    name: Annotated[str, _said("Stable name, such as pupil.surname.")]
    label: Annotated[str, _said("As it stands on paper.")]
    value: Annotated[str | None, _said("As text; null where it is not known.")]
    needed: Annotated[bool, _said("Most authorities do not take the form without it.")]
    hint: Annotated[str, _said("What belongs in it; empty where the label says.")] = ""
    refused_without: Annotated[
        bool, _said("The authority refuses the form without it: it is not sent without.")
    ] = False


class SectionShape(msgspec.Struct):
    """Fields that belong together."""

    title: str
    fields: list[FieldShape]


class TableShape(msgspec.Struct, rename={"name": "key"}):
    """Rows under columns."""

    name: Annotated[str, _said("Stable name, such as marks or enquiries.")]
    title: str
    columns: list[str]
    rows: Annotated[list[list[str]], _said("Each row has one text for every column.")]


class FileShape(msgspec.Struct):
    """Another file of the package."""

    name: str
    bytes: int
    sha256: Annotated[str, _said("In hexadecimal digits.", pattern="^[0-9a-f]{64}$")]


class PackageShape(msgspec.Struct):
    """A package that mis-bridge prepares for a Local Authority or for a person."""

    schema_version: Annotated[
        int, _said("One more where a field changes its meaning or goes away.", ge=1)
    ]
    made_by: Annotated[str, _said("Program and version.")]
    kind: Annotated[str, _said("Which form it is.")]
    title: str
    basis: Annotated[str, _said("Law or guidance that it is made under.")]
    reference: Annotated[str, _said("The incident's reference, to be quoted in answers.")]
    version: Annotated[int, _said("From 1; a change makes a new version.", ge=1)]
    prepared_at: Annotated[datetime, _said("With its offset from UTC.", tz=True)]
    school: str
    authority: Annotated[str | None, _said("The school's authority; null where it is not set.")]
    sections: list[SectionShape]
    tables: list[TableShape]
    missing: Annotated[list[str], _said("Keys of the fields that a person has to fill in.")]
    files: Annotated[list[FileShape], _said("The package's other files, so that a change shows.")]
    recipient: Annotated[str, _said("To whom, where that is not the authority; or empty.")] = ""
    checklist: Annotated[list[str], _said("What a person makes sure of before approving it.")] = []
    due: Annotated[date | None, _said("The last day on which it is in time.")] = None


def package_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a package's JSON file."""
    schema = msgspec.json.schema(PackageShape)
    shapes = schema["$defs"]
    # The kinds are data of the forms and not of the shape.
    shapes["PackageShape"]["properties"]["kind"]["enum"] = list(KINDS)
    return {"$schema": _DIALECT, "title": "mis-bridge package", **schema}


def render_json(data: PackageData, files: Sequence[Attachment] = ()) -> bytes:
    """Return UTF-8 JSON with ``schema_version``; unknown values are null; same data, same bytes.

    Args:
        data: the package.
        files: the other files of the package; their digests stand here, so that whoever has all
            of them can tell that none was changed.
    """
    shape = PackageShape(
        schema_version=SCHEMA_VERSION,
        made_by=f"mis-bridge {__version__}",
        kind=data.kind,
        title=data.title,
        basis=data.basis,
        reference=data.reference,
        version=data.version,
        prepared_at=data.prepared_at.replace(microsecond=0),
        school=data.school_name,
        authority=data.authority_name or None,
        recipient=data.recipient,
        checklist=list(data.checklist),
        due=data.due,
        sections=[
            SectionShape(
                section.title,
                [
                    FieldShape(f.key, f.label, f.value or None, f.needed, f.hint, f.refused_without)
                    for f in section.fields
                ],
            )
            for section in data.sections
        ],
        tables=[
            TableShape(table.key, table.title, list(table.columns), list(map(list, table.rows)))
            for table in data.tables
        ],
        missing=[f.key for f in data.missing],
        files=[
            FileShape(file.name, len(file.content), hashlib.sha256(file.content).hexdigest())
            for file in files
        ],
    )
    return msgspec.json.format(msgspec.json.encode(shape), indent=2) + b"\n"


def read_json(text: str | bytes) -> PackageData:
    """Read a package back from ``render_json``'s text, of this version or an earlier one.

    Raises:
        msgspec.ValidationError: it is not of this shape.
    """
    shape = msgspec.json.decode(text, type=PackageShape)
    return PackageData(
        kind=shape.kind,
        title=shape.title,
        basis=shape.basis,
        reference=shape.reference,
        version=shape.version,
        prepared_at=shape.prepared_at,
        school_name=shape.school,
        authority_name=shape.authority or "",
        recipient=shape.recipient,
        checklist=tuple(shape.checklist),
        due=shape.due,
        sections=tuple(
            Section(
                section.title,
                tuple(
                    Field(f.name, f.label, f.value or "", f.needed, f.hint, f.refused_without)
                    for f in section.fields
                ),
            )
            for section in shape.sections
        ),
        tables=tuple(
            Table(table.name, table.title, tuple(table.columns), tuple(map(tuple, table.rows)))
            for table in shape.tables
        ),
    )
