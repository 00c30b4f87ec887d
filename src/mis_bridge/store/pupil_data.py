"""All that is stored of one pupil of one school: given out, or taken away for good.

What is about nobody else goes: the record, marks, changes of marks, events of days, incidents with
their messages and packages, notes, silences, rows that came from the MIS and could not be used. The
history keeps that something was done, when and by whom; its words about the pupil go
(``audit.erase``), and the chain still holds. Lists about many pupils are ``service.pupil_lists``.

What stays is derived by hashing and names nobody: the ids and references of incidents in the
history, and in ``suppressed`` of what was held back before there was an incident.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, or_, select

from mis_bridge.incidents.model import ACTIVE
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import to_code
from mis_bridge.registers.day_sheet import decode
from mis_bridge.registers.strip import Strip
from mis_bridge.store import audit, pupil_traces, sheets
from mis_bridge.store.schema import (
    attempts,
    day_event,
    day_sheet,
    incidents,
    mark_change,
    notification_files,
    notifications,
    outbox,
    pupil_notes,
    pupils,
    quarantine,
    silences,
    strips,
    suppressed,
    sweep_seen,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Table

__all__ = ["active", "erase", "everything", "is_stored", "references"]

_BY_PUPIL: Final = (pupils, strips, day_sheet, day_event, mark_change, sweep_seen, pupil_notes)
_BY_INCIDENT: Final = (suppressed, notifications, outbox)


def everything(tx: Connection, school: str, pupil: str) -> dict[str, Any]:
    """All that is stored of a pupil, by kind, in words and codes as far as there are any.

    Which marks were seen in the last sweep is working memory of the daemon, and says nothing more
    than the marks. The files of a package are drawn from its data, which is all there.
    """
    ids = _incidents(tx, school, pupil)
    of_silences = pupil_traces.lines_of_silences(tx, school, pupil, ids)
    links = [
        *(link for identity in ids for link in audit.links(tx, school, identity)),
        *audit.lines(tx, school, of_silences),
    ]
    of_pupil = {table: _of_pupil(table, school, pupil) for table in _BY_PUPIL}
    files = _rows(tx, notification_files, _of_packages(tx, school, ids))
    return {
        "record": _rows(tx, pupils, of_pupil[pupils]),
        "session_marks": _marks(tx, school, pupil),
        "day_marks": _sheets(tx, school, pupil),
        "events": _rows(tx, day_event, of_pupil[day_event]),
        "mark_changes": [
            {**row, "old": to_code(row["old"]), "new": to_code(row["new"])}
            for row in _rows(tx, mark_change, of_pupil[mark_change])
        ],
        "notes": _rows(tx, pupil_notes, of_pupil[pupil_notes]),
        "silences": _rows(tx, silences, _of_silences(school, pupil, ids)),
        "incidents": [
            {**row, "body": json.loads(row["body"])}
            for row in _rows(tx, incidents, _of_pupil(incidents, school, pupil))
        ],
        "history": [
            {
                "number": link.number,
                "at": link.entry.at,
                "actor": link.entry.actor,
                "act": link.entry.act,
                "reason": link.entry.reason,
                "body": link.entry.body,
                "hash": link.hash,
            }
            for link in sorted({link.number: link for link in links}.values(), key=_number)
        ],
        "messages": _rows(tx, outbox, _of_incidents(outbox, school, ids)),
        "attempts": _rows(tx, attempts, _of_messages(school, ids)),
        "messages_not_sent": _rows(tx, suppressed, _of_incidents(suppressed, school, ids)),
        "packages": [
            {**row, "data": json.loads(row["data"]), "given": json.loads(row["given"] or "null")}
            for row in _rows(tx, notifications, _of_incidents(notifications, school, ids))
        ],
        "package_files": [{**row, "content": f"{len(row['content'])} bytes"} for row in files],
        "set_aside": _rows(tx, quarantine, _of_quarantine(tx, school, pupil)),
    }


def is_stored(tx: Connection, school: str, pupil: str) -> bool:
    """Whether anything is stored under an id: marks may be, of a pupil whom the roll never knew."""
    places = quarantine.c.place.in_(pupil_traces.places_of(pupil))
    rules: list[tuple[Table, ColumnElement[bool]]] = [
        *((table, _of_pupil(table, school, pupil)) for table in (*_BY_PUPIL, incidents, silences)),
        (quarantine, (quarantine.c.school == school) & places),
    ]
    return any(
        tx.execute(select(table.c.school).where(where).limit(1)).first() for table, where in rules
    )


def active(tx: Connection, school: str, pupil: str) -> list[str]:
    """References of the pupil's incidents that are not over."""
    wanted = select(incidents.c.reference).where(
        _of_pupil(incidents, school, pupil), incidents.c.state.in_(sorted(ACTIVE))
    )
    return list(tx.execute(wanted.order_by(incidents.c.reference)).scalars())


def references(tx: Connection, school: str, pupil: str) -> dict[str, str]:
    """Id -> reference of every incident about a pupil, the oldest first."""
    wanted = select(incidents.c.id, incidents.c.reference).where(
        _of_pupil(incidents, school, pupil)
    )
    return dict(tx.execute(wanted.order_by(incidents.c.opened_at, incidents.c.id)).all())


def erase(
    tx: Connection, school: str, pupil: str, who: str, why: str, now: datetime
) -> dict[str, int]:
    """Take away all that is stored of a pupil, and write down who did it and why.

    Args:
        tx: the transaction.
        school: whose pupil.
        pupil: the MIS's pupil id.
        who: who erases.
        why: for what reason; stays in the history, without the pupil.
        now: aware.

    Returns:
        Table -> number of rows that went, and ``audit`` -> number of lines that lost their words.
    """
    if tx.dialect.name == "sqlite":
        # Else what is deleted stays legible in the file, for whoever has the key, until it is
        # written over.
        tx.exec_driver_sql("PRAGMA secure_delete = ON")
    ids = _incidents(tx, school, pupil)
    besides = pupil_traces.lines_of_silences(tx, school, pupil, ids)
    gone = {"audit": audit.erase(tx, school, ids, who, why, now, besides=besides)}
    rules: list[tuple[Table, ColumnElement[bool]]] = [
        (notification_files, _of_packages(tx, school, ids)),
        (attempts, _of_messages(school, ids)),
        # By the names in the record: before it goes.
        (quarantine, _of_quarantine(tx, school, pupil)),
        (silences, _of_silences(school, pupil, ids)),
        *((table, _of_incidents(table, school, ids)) for table in _BY_INCIDENT),
        (incidents, _of_pupil(incidents, school, pupil)),
        *((table, _of_pupil(table, school, pupil)) for table in _BY_PUPIL),
    ]
    for table, where in rules:
        gone[table.name] = tx.execute(delete(table).where(where)).rowcount
    return {name: count for name, count in gone.items() if count}


def _of_pupil(table: Table, school: str, pupil: str) -> ColumnElement[bool]:
    """Of one pupil of one school."""
    return (table.c.school == school) & (table.c.pupil == pupil)


def _incidents(tx: Connection, school: str, pupil: str) -> list[str]:
    wanted = select(incidents.c.id).where(_of_pupil(incidents, school, pupil))
    return list(tx.execute(wanted.order_by(incidents.c.opened_at, incidents.c.id)).scalars())


def _of_incidents(table: Table, school: str, ids: Sequence[str]) -> ColumnElement[bool]:
    return (table.c.school == school) & table.c.incident.in_(ids)


def _of_silences(school: str, pupil: str, ids: Sequence[str]) -> ColumnElement[bool]:
    about = or_(silences.c.pupil == pupil, silences.c.incident.in_(ids))
    return (silences.c.school == school) & about


def _of_messages(school: str, ids: Sequence[str]) -> ColumnElement[bool]:
    of = select(outbox.c.id).where(_of_incidents(outbox, school, ids))
    return (attempts.c.school == school) & attempts.c.outbox.in_(of)


def _of_quarantine(tx: Connection, school: str, pupil: str) -> ColumnElement[bool]:
    who = pupil_traces.named(tx, school, pupil)
    rows = pupil_traces.set_aside(tx, school, who)
    return (quarantine.c.school == school) & quarantine.c.id.in_(rows)


def _number(link: audit.Link) -> int:
    return link.number


def _of_packages(tx: Connection, school: str, ids: Sequence[str]) -> ColumnElement[bool]:
    made = select(notifications.c.id).where(_of_incidents(notifications, school, ids))
    packages = list(tx.execute(made).scalars())
    files = notification_files.c
    return (files.school == school) & files.notification.in_(packages)


def _rows(tx: Connection, table: Table, where: ColumnElement[bool]) -> list[dict[str, Any]]:
    rows = tx.execute(select(table).where(where).order_by(*table.primary_key.columns))
    return [
        {name: value for name, value in row._mapping.items() if name != "school"}  # noqa: SLF001
        for row in rows
    ]


def _marks(tx: Connection, school: str, pupil: str) -> list[dict[str, Any]]:
    rows = tx.execute(
        select(strips.c.year, strips.c.marks)
        .where(_of_pupil(strips, school, pupil))
        .order_by(strips.c.year)
    )
    return [
        {"day": day, "am": to_code(am), "pm": to_code(pm)}
        for year, marks in rows
        for day, am, pm in Strip.decode(AcademicYear(year), marks).days()
    ]


def _sheets(tx: Connection, school: str, pupil: str) -> list[dict[str, Any]]:
    kept = select(day_sheet.c.day).where(_of_pupil(day_sheet, school, pupil))
    days = list(tx.execute(kept.order_by(day_sheet.c.day)).scalars())
    loaded = sheets.load(tx, school, {day: {pupil} for day in days})
    return [
        {"day": day, "slot": slot.name, "code": to_code(entry.code), "minute": entry.recorded}
        for day in days
        if (row := loaded[day].rows.get(pupil))
        for slot, entry in decode(day, loaded[day].plan, row[0]).entries
    ]
