"""The history that nobody can change unseen: each line carries the hash of the one before.

One chain a school. A line's hash is SHA-256 over its canonical JSON, the previous hash included;
the head of each chain is kept beside it, so that a tail cut off is seen too. It protects against
mistakes and against quiet edits, not against somebody who rewrites the whole chain and its head:
for that, keep what ``heads`` gives somewhere else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from mis_bridge.incidents.model import AuditEntry, Event
from mis_bridge.store.columns import microseconds
from mis_bridge.store.schema import audit, audit_head
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

__all__ = ["Break", "append", "heads", "history", "verify"]

_GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Break:
    """A place where a chain does not hold.

    Args:
        school: whose chain.
        number: line from 1 at which it breaks.
        what: what is wrong, for a person.
    """

    school: str
    number: int
    what: str


def append(tx: Connection, school: str, entries: Iterable[AuditEntry]) -> None:
    """Add lines to a school's chain, in their order."""
    lines = list(entries)
    if not lines:
        return
    insert_new(tx, audit_head, [{"school": school, "number": 0, "hash": _GENESIS}])
    head = tx.execute(
        select(audit_head.c.number, audit_head.c.hash)
        .where(audit_head.c.school == school)
        .with_for_update()
    ).one()
    number, link = head.number, head.hash
    rows = []
    for entry in lines:
        number += 1
        row = {
            "school": school,
            "number": number,
            "at": entry.at,
            "actor": entry.actor,
            "incident": entry.incident,
            "act": str(entry.act),
            "reason": entry.reason,
            "body": entry.body,
            "prev": link,
        }
        link = _hash(row)
        rows.append({**row, "hash": link})
    tx.execute(insert(audit), rows)
    tx.execute(
        update(audit_head).where(audit_head.c.school == school).values(number=number, hash=link)
    )


def history(tx: Connection, school: str, incident: str) -> list[AuditEntry]:
    """The lines about one incident, in order."""
    table = audit.c
    rows = tx.execute(
        select(table.at, table.actor, table.incident, table.act, table.reason, table.body)
        .where(table.school == school, table.incident == incident)
        .order_by(table.number)
    )
    return [
        AuditEntry(row.at, row.actor, row.incident, Event(row.act), row.reason, row.body)
        for row in rows
    ]


def heads(tx: Connection) -> dict[str, tuple[int, str]]:
    """School -> length of its chain and hash of its last line."""
    rows = tx.execute(select(audit_head).order_by(audit_head.c.school))
    return {row.school: (row.number, row.hash) for row in rows}


def verify(tx: Connection) -> list[Break]:
    """The first break of each chain; empty when all of them hold."""
    ends = heads(tx)
    broken: dict[str, Break] = {}
    at: dict[str, tuple[int, str]] = {}
    rows = tx.execute(select(audit).order_by(audit.c.school, audit.c.number))
    for row in rows:
        if row.school in broken:
            continue
        number, link = at.get(row.school, (0, _GENESIS))
        values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
        said = values.pop("hash")
        what = ""
        if row.number != number + 1:
            what = f"line {number + 1} is missing"
        elif row.prev != link:
            what = "it does not follow from the line before"
        elif said != _hash(values):
            what = "it was changed after it was written"
        if what:
            broken[row.school] = Break(row.school, number + 1, what)
        at[row.school] = (row.number, said)
    for school in ends.keys() | at.keys():
        end = at.get(school, (0, _GENESIS))
        if school not in broken and ends.get(school) != end:
            broken[school] = Break(school, end[0] + 1, "the end of the chain was cut off or added")
    return [broken[school] for school in sorted(broken)]


def _hash(row: dict[str, Any]) -> str:
    text = json.dumps(
        {**row, "at": microseconds(row["at"])},  # the same number whatever the zone
        ensure_ascii=True,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()
