"""What has to be decided anew: a key for each (school, day) and each (school, year).

A *day* is looked at by the triggers that read day sheets, a *year* by those that read strips.
Ingest marks a day when a day sheet, an event or a pupil of it changed, and the year when any slot
of a strip did: a mark corrected months later is weighed in the year, its day is past alarm.
A key that is settled stays, with the time at which time alone could change the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, literal, select, update

from mis_bridge.store.columns import Instant, is_set
from mis_bridge.store.schema import dirty
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

__all__ = [
    "Dirty",
    "Scope",
    "due",
    "failing",
    "failing_schools",
    "failing_since",
    "mark",
    "mark_years",
    "put_off",
    "settle",
    "take",
]


class Scope(StrEnum):
    """Which triggers look."""

    DAY = "day"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Dirty:
    """One key that is due.

    Args:
        school: the school's id.
        scope: which triggers look.
        day: the day, or 1 August of the academic year.
        revision: grows with every change; what was decided on is told apart by it.
    """

    school: str
    scope: Scope
    day: date
    revision: int


def mark(tx: Connection, school: str, days: Iterable[date], now: datetime) -> None:
    """These days of this school have to be decided anew."""
    _mark(tx, school, Scope.DAY, sorted(set(days)), now)


def mark_years(tx: Connection, school: str, years: Iterable[int], now: datetime) -> None:
    """The strips of the academic years that begin in these calendar years changed."""
    _mark(tx, school, Scope.YEAR, [date(year, 8, 1) for year in sorted(set(years))], now)


def _mark(tx: Connection, school: str, scope: Scope, days: list[date], now: datetime) -> None:
    if not days:
        return
    insert_new(
        tx,
        dirty,
        [
            {"school": school, "scope": scope, "day": day, "revision": 0, "due_at": now}
            for day in days
        ],
    )
    tx.execute(
        update(dirty)
        .where(dirty.c.school == school, dirty.c.scope == scope, dirty.c.day.in_(days))
        .values(revision=dirty.c.revision + 1, due_at=_first_due(now))
    )


def _first_due(now: datetime) -> ColumnElement[datetime | None]:
    """What waits already goes on waiting from when it began to: else nobody saw it wait long."""
    return case((dirty.c.due_at <= now, dirty.c.due_at), else_=literal(now, Instant))


def due(tx: Connection, now: datetime, limit: int) -> list[Dirty]:
    """The keys to decide now: days before years, newest day first, then the longest waiting."""
    rows = tx.execute(
        select(dirty.c.school, dirty.c.scope, dirty.c.day, dirty.c.revision)
        .where(dirty.c.due_at <= now)
        .order_by(dirty.c.scope, dirty.c.day.desc(), dirty.c.due_at, dirty.c.school)
        .limit(limit)
    )
    return [Dirty(row.school, Scope(row.scope), row.day, row.revision) for row in rows]


def take(tx: Connection, item: Dirty) -> Dirty | None:
    """Lock a key for the decision made in this transaction.

    Returns:
        The key with its present revision, or None where another worker is deciding on it.
    """
    row = tx.execute(
        select(dirty.c.revision)
        .where(
            dirty.c.school == item.school,
            dirty.c.scope == item.scope,
            dirty.c.day == item.day,
        )
        .with_for_update(skip_locked=True)
    ).one_or_none()
    return Dirty(item.school, item.scope, item.day, row.revision) if row else None


def settle(tx: Connection, item: Dirty, ask_again: datetime | None) -> bool:
    """A key was decided on.

    Args:
        tx: the transaction of the decision.
        item: the key with the revision that was decided on.
        ask_again: when time alone could change the answer, or None.

    Returns:
        False where the key changed meanwhile: it stays due.
    """
    done = tx.execute(
        update(dirty)
        .where(
            dirty.c.school == item.school,
            dirty.c.scope == item.scope,
            dirty.c.day == item.day,
            dirty.c.revision == item.revision,
        )
        .values(due_at=ask_again, failing_since=None)
    )
    return done.rowcount == 1


def put_off(tx: Connection, item: Dirty, until: datetime, now: datetime) -> None:
    """A decision failed: it is tried again, and since when it has failed is kept."""
    tx.execute(
        update(dirty)
        .where(
            dirty.c.school == item.school,
            dirty.c.scope == item.scope,
            dirty.c.day == item.day,
        )
        .values(
            due_at=until, failing_since=func.coalesce(dirty.c.failing_since, literal(now, Instant))
        )
    )


def failing(tx: Connection) -> int:
    """How many keys could not be decided when it was last tried."""
    # What fails is due again, always.
    failed = and_(is_set(dirty.c.due_at), dirty.c.failing_since.is_not(None))
    return tx.execute(select(func.count()).where(failed)).scalar_one()


def failing_schools(tx: Connection) -> dict[str, datetime]:
    """School -> since when something of it could not be decided, for those of which that is so."""
    rows = tx.execute(
        select(dirty.c.school, func.min(dirty.c.failing_since))
        .where(is_set(dirty.c.due_at), dirty.c.failing_since.is_not(None))
        .group_by(dirty.c.school)
        .order_by(dirty.c.school)
    )
    return dict(rows.all())


def failing_since(tx: Connection, school: str) -> datetime | None:
    """Since when something of a school could not be decided, aware; None where all could."""
    return tx.execute(
        select(func.min(dirty.c.failing_since)).where(dirty.c.school == school)
    ).scalar()
