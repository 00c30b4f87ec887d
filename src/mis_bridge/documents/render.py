"""All files of a package, from one data model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.documents.csv_file import render_csv, render_table
from mis_bridge.documents.json_file import render_json
from mis_bridge.documents.pdf import render_pdf
from mis_bridge.messages.model import Attachment
from mis_bridge.messages.package_kinds import KINDS

if TYPE_CHECKING:
    from mis_bridge.messages.package_model import PackageData

__all__ = ["render"]

_CSV: Final = "text/csv; charset=utf-8"


def render(data: PackageData) -> tuple[Attachment, ...]:
    """Return the PDF, CSV and JSON files; the same data gives the same bytes.

    The tables of a report on many pupils are CSV files of their own, too.
    """
    stem = data.file_stem
    shown = (
        Attachment(f"{stem}.pdf", "application/pdf", render_pdf(data)),
        Attachment(f"{stem}.csv", _CSV, render_csv(data)),
        *(
            Attachment(f"{stem}-{table.key}.csv", _CSV, render_table(table))
            for table in data.tables
            if data.kind in KINDS and KINDS[data.kind].whole_school
        ),
    )
    return (*shown, Attachment(f"{stem}.json", "application/json", render_json(data, shown)))
