"""Packages about many pupils that name one of them: found, and the pupil taken out.

What was sent has left; what the database keeps of it is changed. Its files go too, and whoever
looks at the list has them drawn anew from what is left.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from mis_bridge.documents.json_file import read_json, render_json
from mis_bridge.incidents.model import AuditEntry, Event
from mis_bridge.store import audit, notifications, pupil_traces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.messages.package_model import PackageData, Table
    from mis_bridge.store.notifications import Notification
    from mis_bridge.store.pupil_traces import Named

__all__ = ["NOT_OVER", "naming", "said_in", "take_out", "without"]

NOT_OVER: Final = frozenset({"pending", "approved", "to_upload"})
"""States of a package that somebody still has to do something about."""

_GONE: Final = "[erased]"
_NOT_THE_PUPILS: Final = ("sender.", "school.")
_UPN: Final = re.compile(r"[A-Z]\d{11}[A-Z0-9]", re.IGNORECASE)


def naming(tx: Connection, school: str, who: Named) -> list[Notification]:
    """The packages about many pupils that name this one, the oldest first."""
    return [
        package
        for package in pupil_traces.of_many(tx, school)
        if without(data := read_json(package.data), who) != data
    ]


def said_in(package: Notification, who: Named) -> dict[str, object]:
    """What a list says of one pupil of it; of the others nothing."""
    data = read_json(package.data)
    return {
        "reference": data.reference,
        "kind": package.kind,
        "state": package.state,
        "created_at": package.created_at,
        "rows": [
            dict(zip(table.columns, row, strict=True))
            for table in data.tables
            for row in table.rows
            if _is_about(row, who)
        ],
    }


def take_out(
    tx: Connection, packages: Sequence[Notification], who: Named, by: str, now: datetime
) -> tuple[str, ...]:
    """Take a pupil out of lists that are over; each history says that it was done.

    Returns:
        Their references.
    """
    references = []
    for package in packages:
        data = without(read_json(package.data), who)
        references.append(data.reference)
        notifications.retell(tx, package, render_json(data).decode())
        body = "A pupil was erased and taken out of this list; its files are drawn anew."
        line = AuditEntry(now, by, package.incident, Event.NOTED, "", body)
        audit.append(tx, package.school, [line])
    return tuple(dict.fromkeys(references))


def without(data: PackageData, who: Named) -> PackageData:
    """A package without the rows about a pupil, and without the names in what people filled in."""
    tables = tuple(_rid(table, who) for table in data.tables)
    sections = tuple(
        replace(
            section,
            fields=tuple(
                field
                if field.key.startswith(_NOT_THE_PUPILS)
                else replace(field, value=_redacted(field.value, who))
                for field in section.fields
            ),
        )
        for section in data.sections
    )
    return replace(data, tables=tables, sections=sections)


def _rid(table: Table, who: Named) -> Table:
    return replace(table, rows=tuple(row for row in table.rows if not _is_about(row, who)))


def _is_about(row: Sequence[str], who: Named) -> bool:
    """Whether a row is about the pupil: by the UPN, by both names where the row has none."""
    upns = [cell.upper() for cell in row if _UPN.fullmatch(cell)]
    if upns and who.upn:
        return who.upn.upper() in upns
    cells = {cell.casefold() for cell in row}
    both = who.surname.casefold(), who.forename.casefold()
    return all(both) and cells.issuperset(both)


def _redacted(text: str, who: Named) -> str:
    """What a person wrote, without the pupil: the UPN, or both names in either order."""
    whole = f"{who.forename} {who.surname}", f"{who.surname}, {who.forename}"
    said = [who.upn, *(whole if who.forename and who.surname else ())]
    for word in filter(None, said):
        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", _GONE, text, flags=re.IGNORECASE)
    return text
