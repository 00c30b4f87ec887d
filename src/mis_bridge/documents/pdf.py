"""A package as a PDF on A4, to be read by an officer and signed off by a person.

How it looks stands in ``package.typ``; here the data is brought into the shape that it reads. The
file is tagged (PDF/UA-1): a screen reader finds its title, headings, lists and the header rows of
its tables.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.documents.typeface import Lettering, fonts
from mis_bridge.errors import PackageRefused
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from mis_bridge.messages.package_model import Field, PackageData, Table

__all__ = ["render_pdf"]

_STANDARD: Final = "ua-1"
"""PDF/UA-1 (ISO 14289-1): tagged, and every glyph there, or it is refused."""

_CONFIDENTIAL: Final = "Confidential: it is about children. Send it by a secure route only."
_SPELLED: Final = (
    "A character that this document's typeface does not have is written as [U+....]. The CSV and "
    "JSON files of this package hold it as it is registered."
)
_WIDE_FROM: Final = 6
"""Tables of more columns than this are laid on their side."""

# How many characters a column asks room for, at least and at most.
_NARROW, _BROAD = 5, 40

_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?( ?%)?")
_LONG_WORD: Final = re.compile(r"\S{24}(?=\S)")
_MAY_BREAK: Final = "\u200b"


def render_pdf(data: PackageData) -> bytes:
    """Return a PDF; the same data gives the same bytes.

    Every character is drawn or spelled out (see ``typeface``); nothing vanishes.

    Raises:
        PackageRefused: it can not be drawn as an accessible document; a mistake of ours.
    """
    import typst

    letters = Lettering()
    lettered = _lettered(_shown(data), letters)
    lettered["note"] = _SPELLED if letters.spelled_out else ""
    try:
        return typst.compile(
            _template(),
            font_paths=fonts(),
            sys_inputs={"package": json.dumps(lettered, ensure_ascii=False)},
            pdf_standards=_STANDARD,
            timestamp=int(data.prepared_at.timestamp()),
        )
    except typst.TypstError:
        # Its message quotes the document, which is a child's data.
        raise PackageRefused(
            f"the PDF of {data.file_stem} can not be drawn: report it with what mis-bridge "
            "--version says"
        ) from None


@cache
def _template() -> bytes:
    return (files("mis_bridge.documents") / "package.typ").read_bytes()


def _shown(data: PackageData) -> dict[str, Any]:
    """Everything that stands in the document, in the shape that the template reads."""
    at = data.prepared_at.astimezone(LONDON)
    missing = data.missing
    count = "1 field is" if len(missing) == 1 else f"{len(missing)} fields are"
    return {
        "title": data.title,
        "basis": data.basis,
        "reference": data.reference,
        "from": data.school_name,
        "date": {"year": at.year, "month": at.month, "day": at.day},
        "wide": any(len(table.columns) > _WIDE_FROM for table in data.tables),
        "confidential": _CONFIDENTIAL,
        "head": [
            ["From", data.school_name],
            ["To", data.to],
            ["Reference", f"{data.reference}, version {data.version}"],
            ["Prepared", data.prepared_on],
        ],
        "missing_title": "Still to be filled in",
        "missing_text": f"{count} not known here:",
        "missing": [f.label for f in missing],
        "checklist_title": "Before it is approved",
        "checklist": list(data.checklist),
        "field_columns": ["Field", "Answer"],
        "sections": [
            {
                "title": section.title,
                "fields": [
                    {"label": f.label, "value": f.value, "needed": f.needed, "empty": _empty(f)}
                    for f in section.fields
                ],
            }
            for section in data.sections
            if section.fields
        ],
        "tables": [_table(table) for table in data.tables],
    }


def _empty(f: Field) -> str:
    words = "to be filled in" if f.needed else "not known"
    if f.refused_without:
        words = "the authority refuses the form without it"
    return f"{words}: {f.hint}" if f.hint else words


def _table(table: Table) -> dict[str, Any]:
    columns = [[row[number] for row in table.rows] for number in range(len(table.columns))]
    longest = [
        max(map(len, (name, *values))) for name, values in zip(table.columns, columns, strict=True)
    ]
    return {
        "title": table.title,
        "columns": list(table.columns),
        "rows": [list(row) for row in table.rows],
        "shares": [min(max(length, _NARROW), _BROAD) for length in longest],
        "numeric": [
            any(values) and all(not value or _NUMBER.fullmatch(value) for value in values)
            for values in columns
        ],
    }


def _lettered(shown: Any, letters: Lettering) -> Any:
    if isinstance(shown, str):
        # A word without end is broken rather than running off the page.
        return _LONG_WORD.sub(lambda found: found[0] + _MAY_BREAK, letters.drawable(shown))
    if isinstance(shown, dict):
        return {key: _lettered(value, letters) for key, value in shown.items()}
    return [_lettered(value, letters) for value in shown] if isinstance(shown, list) else shown
