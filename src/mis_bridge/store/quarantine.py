"""What was read and could not be used: kept and counted, never guessed and never lost."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, func, select, update

from mis_bridge.store.schema import quarantine
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection

__all__ = [
    "ABOUT_PUPILS",
    "DOUBTS",
    "NOT_ON_ROLL",
    "OUTSIDE_ENROLMENT",
    "SHARED_UPN",
    "QuarantineRow",
    "add",
    "counts",
    "doubts",
    "load",
    "resolve_place",
    "resolve_places",
    "resolve_stream",
]

NOT_ON_ROLL = "not_on_roll"
"""Problem of a pupil who has marks but whom the MIS's roll does not know."""

OUTSIDE_ENROLMENT = "outside_enrolment"
"""Problem of a pupil who has marks of days before admission or after leaving."""

SHARED_UPN = "shared_upn"
"""Problem of a pupil whose UPN another pupil of the school has too."""

DOUBTS = (OUTSIDE_ENROLMENT, SHARED_UPN)
"""Problems of what was stored and is used all the same: named, and not counted as unusable."""

ABOUT_PUPILS = (NOT_ON_ROLL, OUTSIDE_ENROLMENT, SHARED_UPN)
"""Problems of a pupil: the place is the pupil's id, and they go when the roll is right."""


@dataclass(frozen=True, slots=True)
class QuarantineRow:
    """One thing that could not be used.

    Args:
        stream: the stream it came in.
        place: where it stood; for ``ABOUT_PUPILS`` the pupil's id.
        problem: what is wrong, for a person.
        value: what was read, as far as it is needed to mend it.
    """

    stream: str
    place: str
    problem: str
    value: str = ""


def add(
    tx: Connection,
    school: str,
    rows: Iterable[QuarantineRow],
    now: datetime,
    read_from: date | None = None,
) -> int:
    """Keep rows; one that is there already stays as it is, a resolved one is opened again.

    Args:
        tx: the transaction.
        school: the school's id.
        rows: what can not be used.
        now: aware.
        read_from: first day of the window of the reading that found them, None where it has none.

    Returns:
        How many were given.
    """
    wanted = {_id(row): row for row in rows}
    upsert(
        tx,
        quarantine,
        [
            {
                "school": school,
                "id": key,
                "stream": row.stream,
                "place": row.place,
                "problem": row.problem,
                "value": row.value,
                "seen_at": now,
                "read_from": read_from,
                "resolved_at": None,
            }
            for key, row in wanted.items()
        ],
        where=quarantine.c.resolved_at.is_not(None),
    )
    return len(wanted)


def load(tx: Connection, school: str, limit: int = 200) -> list[QuarantineRow]:
    """What can not be used, the newest first; ``doubts`` gives what is only doubtful."""
    table = quarantine.c
    rows = tx.execute(
        select(table.stream, table.place, table.problem, table.value)
        .where(table.school == school, table.resolved_at.is_(None), table.problem.not_in(DOUBTS))
        .order_by(table.seen_at.desc(), table.id)
        .limit(limit)
    )
    return [QuarantineRow(*row) for row in rows]


def counts(tx: Connection) -> dict[str, int]:
    """School -> number of things that can not be used, for the schools that have any."""
    rows = tx.execute(
        select(quarantine.c.school, func.count())
        .where(quarantine.c.resolved_at.is_(None), quarantine.c.problem.not_in(DOUBTS))
        .group_by(quarantine.c.school)
        .order_by(quarantine.c.school)
    )
    return dict(rows.all())


def doubts(tx: Connection) -> dict[tuple[str, str], list[str]]:
    """(School, problem of ``DOUBTS``) -> the pupils' ids."""
    table = quarantine.c
    rows = tx.execute(
        select(table.school, table.problem, table.place)
        .where(table.resolved_at.is_(None), table.problem.in_(DOUBTS))
        .distinct()
        .order_by(table.school, table.problem, table.place)
    )
    found: dict[tuple[str, str], list[str]] = {}
    for school, problem, place in rows:
        found.setdefault((school, problem), []).append(place)
    return found


def resolve_place(
    tx: Connection, school: str, problem: str, places: Iterable[str], now: datetime
) -> None:
    """What was wrong at these places is right now (a pupil came onto the roll)."""
    wanted = set(places)
    waiting = tx.execute(
        select(quarantine.c.id, quarantine.c.place).where(
            quarantine.c.school == school,
            quarantine.c.problem == problem,
            quarantine.c.resolved_at.is_(None),
        )
    )
    right = [{"row": row.id} for row in waiting if row.place in wanted]
    if right:
        one = and_(quarantine.c.school == school, quarantine.c.id == bindparam("row"))
        tx.execute(update(quarantine).where(one).values(resolved_at=now), right)


def resolve_stream(
    tx: Connection, school: str, stream: str, now: datetime, read_from: date
) -> None:
    """A stream is read anew from its start: what is still wrong in it is added again.

    Where a mark stood (its page and record) changes from reading to reading: without this the same
    mark would be counted once a night, and for weeks after it was put right. What a reading of
    older days found stays: it is not read now.
    """
    tx.execute(
        update(quarantine)
        .where(
            quarantine.c.school == school,
            quarantine.c.stream == stream,
            quarantine.c.problem.not_in((NOT_ON_ROLL, SHARED_UPN)),
            quarantine.c.resolved_at.is_(None),
            quarantine.c.read_from >= read_from,
        )
        .values(resolved_at=now)
    )


def resolve_places(tx: Connection, school: str, stream: str, begin: str, now: datetime) -> None:
    """Places that begin like this were read anew: what is still wrong there is added again."""
    tx.execute(
        update(quarantine)
        .where(
            quarantine.c.school == school,
            quarantine.c.stream == stream,
            quarantine.c.place.startswith(begin, autoescape=True),
            quarantine.c.problem.not_in(ABOUT_PUPILS),
            quarantine.c.resolved_at.is_(None),
        )
        .values(resolved_at=now)
    )


def _id(row: QuarantineRow) -> str:
    parts = json.dumps([row.stream, row.place, row.problem, row.value])
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
