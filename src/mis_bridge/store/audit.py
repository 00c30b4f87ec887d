"""The history that nobody can change unseen: each line carries the hash of the one before.

One chain a school, and one of the installation itself. A line's hash is SHA-256 over its canonical
JSON, the previous hash included; the head of each chain is kept beside it, so that a tail cut off
is seen too. That a whole chain was taken away is seen by the incidents and messages whose beginning
no line tells. It protects against mistakes and against quiet edits, not against somebody who
rewrites the whole chain and its head: for that, keep what ``heads`` gives somewhere else, and
compare it by ``against``.

A pupil is erased without breaking the chain: the words of the pupil's lines go, their hashes stay
as links, and a later line (``Act.ERASED``) holds the hash of what is left of each.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import exists, func, insert, or_, select, union, update

from mis_bridge.incidents.model import Act, AuditEntry, Event
from mis_bridge.store import meta
from mis_bridge.store.columns import microseconds
from mis_bridge.store.schema import audit, audit_head, incidents, outbox
from mis_bridge.store.schema import schools as school_table
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = [
    "ERASED",
    "INSTALLATION",
    "Break",
    "Link",
    "against",
    "append",
    "erase",
    "heads",
    "history",
    "hold",
    "lines",
    "links",
    "numbers",
    "schools",
    "verify",
    "within",
]

ERASED: Final = "[erased]"
"""What stands in place of the words of a line about a pupil who was erased."""

INSTALLATION: Final = "@installation"
"""In place of a school, for what is about none of them; no school can have this id."""

_BEGUN: Final = "history_of_installation"
"""The fact of the installation that says that it has a chain of its own."""

_AT_ONCE: Final = 500
"""Lines that are held while a chain is walked: hundreds of schools have hundreds of thousands."""

_GENESIS = "0" * 64
_LEFT = re.compile(r"(\d+)=([0-9a-f]{64})")
_LEFT_TITLE = " Lines: "


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
    """Add lines to a school's chain, in their order."""
    lines = list(entries)
    if not lines:
        return
    held = (
        select(audit_head.c.number, audit_head.c.hash)
        .where(audit_head.c.school == school)
        .with_for_update()
    )
    head = tx.execute(held).one_or_none()
    if head is None:
        insert_new(tx, audit_head, [{"school": school, "number": 0, "hash": _GENESIS}])
        if school == INSTALLATION:
            meta.put(tx, _BEGUN, "yes")
        head = tx.execute(held).one()
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


def against(tx: Connection, kept: Mapping[str, tuple[int, str]]) -> list[Break]:
    """Where the chains are not those of which the heads were kept elsewhere.

    A chain may have grown since; what it held then has to be there still.

    Args:
        tx: the transaction.
        kept: what ``heads`` gave at some time.
    """
    broken = []
    for school, (number, said) in sorted(kept.items()):
        stored = tx.execute(
            select(audit.c.hash).where(audit.c.school == school, audit.c.number == number)
        ).scalar_one_or_none()
        if number and stored is None:
            what = "the kept head names a line that is not there: the chain was cut or taken away"
            broken.append(Break(school, number, what))
        elif number and stored != said:
            what = "it is not the line of which the head was kept: the chain was written anew"
            broken.append(Break(school, number, what))
    return broken


def schools(tx: Connection) -> list[str]:
    """Every school that may have a chain, and the installation: to walk them one by one."""
    named = (select(table.c.school) for table in (school_table, audit_head, audit))
    return sorted({INSTALLATION, *tx.execute(union(*named)).scalars()})


def verify(tx: Connection, school: str | None = None) -> list[Break]:
    """The first break of each chain, or of one school's; empty when all of them hold."""
    ends = {name: end for name, end in heads(tx).items() if school in {None, name}}
    untold = _untold(tx, school)
    walks: dict[str, _Walk] = {}
    lines = select(audit).order_by(audit.c.school, audit.c.number)
    if school is not None:
        lines = lines.where(audit.c.school == school)
    for row in tx.execute(lines, execution_options={"yield_per": _AT_ONCE}):
        walks.setdefault(row.school, _Walk(row.school)).step(row)
    begun = [INSTALLATION] if school in {None, INSTALLATION} and meta.get(tx, _BEGUN) else []
    for name in (*ends, *untold, *begun):
        walks.setdefault(name, _Walk(name))
    found = (walk.end(ends.get(name), untold.get(name, 0)) for name, walk in sorted(walks.items()))
    return [one for one in found if one]


def _untold(tx: Connection, school: str | None) -> dict[str, int]:
    """School -> how many incidents there are, or messages about, of which no line tells the begin.

    Each has a line from its beginning, and goes before that does: an erasure leaves it as a link.
    """
    found: dict[str, int] = {}
    for table, identity in ((incidents, incidents.c.id), (outbox, outbox.c.incident)):
        told = exists().where(
            audit.c.school == table.c.school,
            audit.c.incident == identity,
            audit.c.act == Event.RAISED,
        )
        untold = (
            select(table.c.school, func.count(identity.distinct()))
            .where(identity != "", ~told)
            .group_by(table.c.school)
        )
        if school is not None:
            untold = untold.where(table.c.school == school)
        for name, count in tx.execute(untold):
            found[name] = max(count, found.get(name, 0))
    return found


@dataclass(slots=True)
class _Walk:
    """One chain, walked line by line until its first break."""

    school: str
    number: int = 0
    link: str = _GENESIS
    broken: Break | None = None
    emptied: dict[int, str] = field(default_factory=dict)

    def step(self, row: Row[Any]) -> None:
        """Look at the next line."""
        if self.broken:
            return
        values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
        said = values.pop("hash")
        left = _hash(values)
        if row.number != self.number + 1:
            self._break(f"line {self.number + 1} is missing")
        elif row.prev != self.link:
            self._break("it does not follow from the line before")
        elif said == left:
            self._account(row)
        elif row.body == ERASED:
            self.emptied[row.number] = left
        else:
            self._break("it was changed after it was written")
        self.number, self.link = row.number, said

    def _break(self, what: str) -> None:
        self.broken = Break(self.school, self.number + 1, what)

    def _account(self, row: Row[Any]) -> None:
        """Strike off the lines whose words an erasure says that it took."""
        if row.act == Act.ERASED:
            for number, left in _left_of(row.body):
                if self.emptied.get(number) == left:
                    del self.emptied[number]

    def end(self, head: tuple[int, str] | None, untold: int) -> Break | None:
        """Give the first break, the head that is kept beside the chain included.

        Args:
            head: that head, or None where there is none.
            untold: incidents of which no line of the chain tells the beginning.
        """
        if self.emptied and (not self.broken or min(self.emptied) < self.broken.number):
            what = "its words were taken away, and no erasure of a pupil accounts for it"
            return Break(self.school, min(self.emptied), what)
        gone = head is None and not self.number
        if gone and self.school == INSTALLATION:
            return Break(self.school, 1, "all of it was taken away")
        if not self.broken and not gone and head != (self.number, self.link):
            self._break("the end of the chain was cut off or added")
        if not self.broken and untold:
            there = "1 incident is" if untold == 1 else f"{untold} incidents are"
            what = "all of it was taken away" if gone else "it was taken away and begun anew"
            return Break(self.school, 1, f"{what}: {there} there whose beginning no line tells")
        return self.broken


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

    When, who and what kind of act stay, and so do the hashes: the chain still holds.

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
    about = or_(audit.c.incident.in_(sorted(incidents)), audit.c.number.in_(sorted(besides)))
    rows = tx.execute(
        select(audit)
        .where(audit.c.school == school, about)
        .where(audit.c.body != ERASED)
        .order_by(audit.c.number)
    ).all()
    for row in rows:
        values = {**row._mapping, "body": ERASED}  # noqa: SLF001 - as above
        del values["hash"]
        left.append(f"{row.number}={_hash(values)}")
        tx.execute(
            update(audit)
            .where(audit.c.school == school, audit.c.number == row.number)
            .values(body=ERASED)
        )
    body = f"{begin}{why}{_LEFT_TITLE}{' '.join(left)}"
    append(tx, school, [AuditEntry(now, who, "", Act.ERASED, "", body)])
    return len(left)


def _left_of(body: str) -> list[tuple[int, str]]:
    lines = body.rpartition(_LEFT_TITLE)[2]
    return [(int(number), hashed) for number, hashed in _LEFT.findall(lines)]


def _entry(row: Row[Any]) -> AuditEntry:
    act = Event(row.act) if row.act in set(Event) else Act(row.act)
    return AuditEntry(row.at, row.actor, row.incident, act, row.reason, row.body)


def _hash(row: dict[str, Any]) -> str:
    text = json.dumps(
        {**row, "at": microseconds(row["at"])},  # the same number whatever the zone
        ensure_ascii=True,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()
