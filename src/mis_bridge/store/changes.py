"""The append-only log of marks that changed, and of registers that were seen taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from mis_bridge.store.bulk import Bulk
from mis_bridge.store.schema import mark_change, register_seen
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

__all__ = ["MarkChange", "RegisterKey", "RegisterSeen", "append", "load", "note_registers", "seen"]


class MarkChange(NamedTuple):
    """One mark that became another.

    Args:
        pupil: the MIS's pupil id.
        day: the day of the mark.
        slot: ``AM``, ``PM`` or the lesson's period.
        old, new: bytes of ``registers.codes``.
        recorded: when the MIS says that it was saved, or None.
    """

    pupil: str
    day: date
    slot: str
    old: int
    new: int
    recorded: datetime | None


class RegisterKey(NamedTuple):
    """One register of one day: a session's (no id) or a lesson's."""

    day: date
    slot: str
    register: str


@dataclass(frozen=True, slots=True)
class RegisterSeen:
    """That a register exists, and since when it has marks.

    Args:
        key: which register.
        seen_at: when we first saw it.
        taken_at: the earliest mark in it, None while there is none: it is known, and not taken.
    """

    key: RegisterKey
    seen_at: datetime
    taken_at: datetime | None


def append(tx: Connection, school: str, rows: Sequence[MarkChange], seen_at: datetime) -> None:
    """Log changes under the school's next numbers; ingest holds the school's lock meanwhile."""
    if not rows:
        return
    last = tx.execute(
        select(func.max(mark_change.c.number)).where(mark_change.c.school == school)
    ).scalar()
    bulk = Bulk(tx)
    seen = bulk.moment(seen_at)
    bulk.insert(
        mark_change,
        ("school", "number", *MarkChange._fields, "seen_at"),
        [
            (
                school,
                number,
                row.pupil,
                bulk.day(row.day),
                row.slot,
                row.old,
                row.new,
                bulk.moment(row.recorded),
                seen,
            )
            for number, row in enumerate(rows, (last or 0) + 1)
        ],
    )


def load(tx: Connection, school: str, first: date, last: date) -> list[MarkChange]:
    """The logged changes of marks of these days, both included, in the order they were seen."""
    rows = tx.execute(
        select(*(mark_change.c[name] for name in MarkChange._fields))
        .where(mark_change.c.school == school, mark_change.c.day.between(first, last))
        .order_by(mark_change.c.number)
    )
    return [MarkChange(*row) for row in rows]


def note_registers(
    tx: Connection,
    school: str,
    found: Mapping[RegisterKey, datetime | None],
    seen_at: datetime,
) -> None:
    """Remember registers.

    Args:
        tx: the transaction.
        school: the school's id.
        found: register -> time of the earliest taken mark seen now, None where no mark is taken.
        seen_at: the present moment.
    """
    if not found:
        return
    stored = {row.key: row for row in seen(tx, school, {key.day for key in found})}
    rows = []
    for key, taken in found.items():
        before = stored.get(key)
        if before is not None and (before.taken_at is not None or taken is None):
            continue
        first_seen = before.seen_at if before else seen_at
        rows.append({"school": school, **key._asdict(), "seen_at": first_seen, "taken_at": taken})
    upsert(tx, register_seen, rows)


def seen(tx: Connection, school: str, days: Iterable[date]) -> list[RegisterSeen]:
    """The registers known of these days, in order of day, slot and register."""
    table = register_seen.c
    rows = tx.execute(
        select(table.day, table.slot, table.register, table.seen_at, table.taken_at)
        .where(table.school == school, table.day.in_(sorted(set(days))))
        .order_by(table.day, table.slot, table.register)
    )
    return [
        RegisterSeen(RegisterKey(row.day, row.slot, row.register), row.seen_at, row.taken_at)
        for row in rows
    ]
