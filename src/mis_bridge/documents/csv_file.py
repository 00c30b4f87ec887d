"""A package as CSV (RFC 4180) for spreadsheets, one row a field.

Spreadsheets run a cell that begins like a formula even where it is quoted; such cells begin with
an apostrophe here. The JSON file holds the values as they are.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mis_bridge.messages.package_model import PackageData, Table

__all__ = ["render_csv", "render_table", "safe_cell"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# Full-width forms, which some spreadsheets read as the plain ones.
_FORMULA_WIDE = ("\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    if text.lstrip(" ").startswith((*_FORMULA, *_FORMULA_WIDE)):
        return f"'{text}"
    return text


def render_csv(data: PackageData) -> bytes:
    """Return UTF-8 with a byte order mark, every cell quoted, CRLF; same data, same bytes.

    Columns: ``section``, ``field``, ``label``, ``value``, ``status`` (``known``, ``missing`` where
    a person has to fill it in, ``not known``).
    """
    return _written([("section", "field", "label", "value", "status"), *_rows(data)])


def render_table(table: Table) -> bytes:
    """Return one table with its own columns, to be sorted and filtered; otherwise as above."""
    return _written([table.columns, *table.rows])


def _written(rows: Iterable[tuple[str, ...]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerows(tuple(map(safe_cell, row)) for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _rows(data: PackageData) -> Iterator[tuple[str, str, str, str, str]]:
    for key, label, value in (
        ("package.kind", "Kind", data.kind),
        ("package.reference", "Reference", data.reference),
        ("package.version", "Version", str(data.version)),
        ("package.prepared_at", "Prepared", data.prepared_at.isoformat(timespec="seconds")),
        ("package.basis", "Sent under", data.basis),
        ("package.authority", "Authority", data.authority_name),
    ):
        yield ("Package", key, label, value, "known" if value else "not known")
    for number, item in enumerate(data.checklist, 1):
        yield ("Before it is approved", f"checklist.{number}", "Make sure", item, "known")
    for section in data.sections:
        for f in section.fields:
            status = "known" if f.value else "missing" if f.needed else "not known"
            yield (section.title, f.key, f.label, f.value, status)
    for table in data.tables:
        for number, row in enumerate(table.rows, 1):
            for column, value in zip(table.columns, row, strict=True):
                name = f"{table.key}.{number}.{column.split()[0].lower()}"
                yield (table.title, name, column, value, "known" if value else "not known")
