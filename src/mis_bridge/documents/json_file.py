"""A package as JSON: every value as it is, for machines and for the record."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from mis_bridge import __version__
from mis_bridge.messages.package import SCHEMA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.messages.model import Attachment
    from mis_bridge.messages.package import PackageData

__all__ = ["render_json"]


def render_json(data: PackageData, files: Sequence[Attachment] = ()) -> bytes:
    """Return UTF-8 JSON with ``schema_version``; unknown values are null; same data, same bytes.

    Args:
        data: the package.
        files: the other files of the package; their digests stand here, so that whoever has all
            of them can tell that none was changed.
    """
    body: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "made_by": f"mis-bridge {__version__}",
        "kind": data.kind,
        "title": data.title,
        "basis": data.basis,
        "reference": data.reference,
        "version": data.version,
        "prepared_at": data.prepared_at.isoformat(timespec="seconds"),
        "school": data.school_name,
        "authority": data.authority_name or None,
        "sections": [
            {
                "title": section.title,
                "fields": [
                    {"key": f.key, "label": f.label, "value": f.value or None, "needed": f.needed}
                    for f in section.fields
                ],
            }
            for section in data.sections
        ],
        "tables": [
            {
                "key": table.key,
                "title": table.title,
                "columns": list(table.columns),
                "rows": [list(row) for row in table.rows],
            }
            for table in data.tables
        ],
        "missing": [f.key for f in data.missing],
        "files": [
            {
                "name": file.name,
                "bytes": len(file.content),
                "sha256": hashlib.sha256(file.content).hexdigest(),
            }
            for file in files
        ],
    }
    return (json.dumps(body, ensure_ascii=False, indent=2) + "\n").encode("utf-8")
