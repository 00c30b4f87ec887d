"""All files of a package, from one data model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.documents.csv_file import render_csv
from mis_bridge.documents.json_file import render_json
from mis_bridge.documents.pdf import render_pdf
from mis_bridge.messages.model import Attachment

if TYPE_CHECKING:
    from mis_bridge.messages.package_model import PackageData

__all__ = ["render"]


def render(data: PackageData) -> tuple[Attachment, ...]:
    """Return the PDF, CSV and JSON files; the same data gives the same bytes."""
    stem = data.file_stem
    shown = (
        Attachment(f"{stem}.pdf", "application/pdf", render_pdf(data)),
        Attachment(f"{stem}.csv", "text/csv; charset=utf-8", render_csv(data)),
    )
    return (*shown, Attachment(f"{stem}.json", "application/json", render_json(data, shown)))
