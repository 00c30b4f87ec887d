"""The record of an incident as files: a PDF to read and a JSON file of it all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from mis_bridge import __version__
from mis_bridge.documents.pdf import render_pdf
from mis_bridge.messages.model import Attachment
from mis_bridge.messages.record import record_document
from mis_bridge.messages.record_model import RECORD_VERSION

if TYPE_CHECKING:
    from mis_bridge.messages.record_model import IncidentRecord

__all__ = ["render_record"]


def render_record(record: IncidentRecord) -> tuple[Attachment, Attachment]:
    """Return the PDF and the JSON file; neither name tells anything of the child."""
    stem = f"{record.reference}-record"
    head = {"schema_version": RECORD_VERSION, "made_by": f"mis-bridge {__version__}"}
    body = msgspec.json.encode(head | {"record": record})
    data = msgspec.json.format(body, indent=2) + b"\n"
    return (
        Attachment(f"{stem}.pdf", "application/pdf", render_pdf(record_document(record))),
        Attachment(f"{stem}.json", "application/json", data),
    )
