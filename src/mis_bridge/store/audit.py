"""The history that nobody can change unseen: each line carries the hash of the one before.

One chain a school, and one of the installation itself. A line's hash is SHA-256 over its canonical
JSON, the previous hash included; the head of each chain is kept beside it, so that a tail cut off
is seen too (``audit_proof`` walks it).

A pupil is erased without breaking the chain: the words of the pupil's lines go, their hashes stay
as links, and a later line (``Act.ERASED``) holds the hash of what is left of each.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, or_, select, union, update

from mis_bridge.incidents.model import Act, AuditEntry, Event
from mis_bridge.store import meta
from mis_bridge.store.columns import microseconds
from mis_bridge.store.schema import audit, audit_head
from mis_bridge.store.schema import schools as school_table
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = [
    "BEGUN",
    "ERASED",
    "GENESIS",
    "INSTALLATION",
    "LINE_CHANGED",
    "SEAL_TITLE",
    "Link",
    "append",
    "erase",
    "heads",
    "history",
    "hold",
    "left_of",
    "line_hash",
    "lines",
    "links",
    "numbers",
    "schools",
    "seal_of",
    "within",
]

ERASED: Final = "[erased]"
"""What stands in place of the words of a line about a pupil who was erased."""

INSTALLATION: Final = "@installation"
"""In place of a school, for what is about none of them; no school can have this id."""

BEGUN: Final = "history_of_installation"
"""The fact of the installation that says that it has a chain of its own."""

GENESIS: Final = "0" * 64
"""What the first line of a chain follows from."""

LINE_CHANGED: Final = "changed"
"""The kind of break of a line that does not have its hash any more."""

SEAL_TITLE: Final = " Seal: "
"""What stands before the seal of a break, at the end of the line that accepts it."""

_LEFT = re.compile(r"(\d+)=([0-9a-f]{64})")
_LEFT_TITLE = " Lines: "


@dataclass(frozen=True, slots=True)
class Link:
    """A line with its place in the chain.

    Args:
        number: from 1.
        entry: what it says.
        prev, hash: of the line before and of this one, in hexadecimal digits.
    """

    number: int
    entry: AuditEntry
    prev: str
    hash: str


def append(tx: Connection, school: str, entries: Iterable[AuditEntry]) -> None:
    """Add lines to a school's chain, in their order.

    Also where its head was changed by hand, and names a line before the last: the school is watched
    on, and the line that does not follow from the one before is the break that is found.
    """
    lines = list(entries)
    if not lines:
        return
    last = select(func.max(audit.c.number)).where(audit.c.school == school).scalar_subquery()
    held = (
        select(audit_head.c.number, audit_head.c.hash, last.label("last"))
        .where(audit_head.c.school == school)
        .with_for_update()
    )
    head = tx.execute(held).one_or_none()
    if head is None:
        insert_new(tx, audit_head, [{"school": school, "number": 0, "hash": GENESIS}])
        if school == INSTALLATION:
            meta.put(tx, BEGUN, "yes")
        head = tx.execute(held).one()
    number, link = max(head.number, head.last or 0), head.hash
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
        link = line_hash(row)
        rows.append({**row, "hash": link})
    tx.execute(insert(audit), rows)
    tx.execute(
        update(audit_head).where(audit_head.c.school == school).values(number=number, hash=link)
    )


def hold(tx: Connection, school: str) -> None:
    """Let nobody else add to a chain until this transaction ends.

    Who adds to more than one chain takes ``INSTALLATION`` first: two who take them in another
    order would wait for each other.
    """
    tx.execute(select(audit_head.c.number).where(audit_head.c.school == school).with_for_update())


def history(tx: Connection, school: str, incident: str) -> list[AuditEntry]:
    """The lines about one incident, in order."""
    return [link.entry for link in links(tx, school, incident)]


def links(tx: Connection, school: str, incident: str) -> list[Link]:
    """The lines about one incident with their places in the chain, in order."""
    rows = tx.execute(
        select(audit)
        .where(audit.c.school == school, audit.c.incident == incident)
        .order_by(audit.c.number)
    )
    return [Link(row.number, _entry(row), row.prev, row.hash) for row in rows]


def lines(tx: Connection, school: str, numbers: Collection[int]) -> list[Link]:
    """Some lines of a school's chain by their numbers, in order."""
    wanted = select(audit).where(audit.c.school == school, audit.c.number.in_(sorted(numbers)))
    rows = tx.execute(wanted.order_by(audit.c.number))
    return [Link(row.number, _entry(row), row.prev, row.hash) for row in rows]


def within(
    tx: Connection, since: datetime, until: datetime, chain: str | None = None
) -> list[tuple[str, Link]]:
    """The lines of a time, oldest first, each with the school whose chain it stands in.

    Args:
        tx: the transaction.
        since: aware.
        until: aware; not included.
        chain: a school's, or ``INSTALLATION``; None: all of them.
    """
    wanted = select(audit).where(audit.c.at >= since, audit.c.at < until)
    if chain is not None:
        wanted = wanted.where(audit.c.school == chain)
    rows = tx.execute(wanted.order_by(audit.c.at, audit.c.school, audit.c.number))
    return [(row.school, Link(row.number, _entry(row), row.prev, row.hash)) for row in rows]


def numbers(
    tx: Connection, school: str, acts: Collection[Event | Act], before: datetime
) -> list[int]:
    """The lines of a school's chain that tell of some kinds of acts before a moment, aware."""
    told = audit.c.act.in_(sorted(acts))
    wanted = select(audit.c.number).where(audit.c.school == school, told, audit.c.at < before)
    return list(tx.execute(wanted.where(audit.c.body != ERASED)).scalars())


def heads(tx: Connection) -> dict[str, tuple[int, str]]:
    """School -> length of its chain and hash of its last line."""
    rows = tx.execute(select(audit_head).order_by(audit_head.c.school))
    return {row.school: (row.number, row.hash) for row in rows}


def schools(tx: Connection) -> list[str]:
    """Every school that may have a chain, and the installation: to walk them one by one."""
    named = (select(table.c.school) for table in (school_table, audit_head, audit))
    return sorted({INSTALLATION, *tx.execute(union(*named)).scalars()})


def erase(
    tx: Connection,
    school: str,
    incidents: Collection[str],
    who: str,
    why: str,
    now: datetime,
    *,
    besides: Collection[int] = (),
    begin: str = "A pupil was erased. ",
) -> int:
    """Take the words out of every line about some incidents, and write down that it was done.

    When, who and what kind of act stay, and so do the hashes: the chain still holds. A line that
    was changed by hand before is emptied too, and is not accounted for: an erasure covers up no
    edit, unless a person has accepted it.

    Args:
        tx: the transaction.
        school: whose chain.
        incidents: ids.
        who: who erases.
        why: for what reason.
        now: aware.
        besides: numbers of other lines about the pupil, of no incident.
        begin: of what the line that accounts for it says.

    Returns:
        How many lines lost their words.
    """
    left = []
    count = 0
    about = or_(audit.c.incident.in_(sorted(incidents)), audit.c.number.in_(sorted(besides)))
    rows = tx.execute(
        select(audit)
        .where(audit.c.school == school, about)
        .where(audit.c.body != ERASED)
        .order_by(audit.c.number)
    ).all()
    for row in rows:
        values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
        said = values.pop("hash")
        if (stood := line_hash(values)) == said or _accepted(tx, row, stood):
            left.append(f"{row.number}={line_hash({**values, 'body': ERASED})}")
        count += 1
        tx.execute(
            update(audit)
            .where(audit.c.school == school, audit.c.number == row.number)
            .values(body=ERASED)
        )
    body = f"{begin}{why}{_LEFT_TITLE}{' '.join(left)}"
    append(tx, school, [AuditEntry(now, who, "", Act.ERASED, "", body)])
    return count


def _accepted(tx: Connection, row: Row[Any], stood: str) -> bool:
    """Whether a person has accepted a line that was changed, as it stands."""
    seal = seal_of(row.school, LINE_CHANGED, row.number, row.hash, stood)
    accepts = select(audit.c.number).where(
        audit.c.school == row.school,
        audit.c.act == Act.BREAK_ACCEPTED,
        audit.c.body.endswith(f"{SEAL_TITLE}{seal}", autoescape=True),
    )
    return tx.execute(accepts.limit(1)).first() is not None


def left_of(body: str) -> list[tuple[int, str]]:
    """Which lines an erasure says that it emptied, and the hash of what it left of each."""
    lines = body.rpartition(_LEFT_TITLE)[2]
    return [(int(number), hashed) for number, hashed in _LEFT.findall(lines)]


def _entry(row: Row[Any]) -> AuditEntry:
    act = Event(row.act) if row.act in set(Event) else Act(row.act)
    return AuditEntry(row.at, row.actor, row.incident, act, row.reason, row.body)


def seal_of(school: str, kind: str, number: int, *stands: str | int) -> str:
    """The hash over a break of a chain as it stands, in hexadecimal digits.

    Args:
        school: whose chain.
        kind: how it breaks (``audit_proof.Kind``).
        number: line at which it does.
        stands: all that is wrong there.
    """
    text = json.dumps([school, kind, number, *stands])
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def line_hash(row: dict[str, Any]) -> str:
    """The hash of a line, in hexadecimal digits.

    Args:
        row: all of its columns but the hash.
    """
    text = json.dumps(
        {**row, "at": microseconds(row["at"])},  # the same number whatever the zone
        ensure_ascii=True,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()
