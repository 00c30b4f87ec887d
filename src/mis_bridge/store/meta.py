"""A few facts about the installation: since when it watches, when it last did."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from mis_bridge.store.schema import meta
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "begin_watch",
    "begin_watching",
    "drop",
    "first_days",
    "first_judging",
    "get",
    "last_look",
    "note_look",
    "put",
    "starting_with",
    "watched_since",
    "watching_from",
]

_CLOCK = "last_look"
_WATCH = "watch_began"
_FIRST = "watched_since/"
_JUDGED = "judged/"


def get(tx: Connection, name: str) -> str | None:
    """A stored fact, or None."""
    return tx.execute(select(meta.c.value).where(meta.c.name == name)).scalar()


def put(tx: Connection, name: str, value: str) -> None:
    """Store a fact."""
    upsert(tx, meta, [{"name": name, "value": value}])


def drop(tx: Connection, name: str) -> None:
    """Forget a fact; one that is not there changes nothing."""
    tx.execute(delete(meta).where(meta.c.name == name))


def starting_with(tx: Connection, begin: str) -> dict[str, str]:
    """The stored facts whose name begins like this, by name."""
    wanted = meta.c.name.startswith(begin, autoescape=True)
    return dict(tx.execute(select(meta.c.name, meta.c.value).where(wanted)).all())


def watched_since(tx: Connection, school: str) -> date | None:
    """The day on which a school was first read: what became true before it is listed, not told."""
    stored = get(tx, _FIRST + school)
    return date.fromisoformat(stored) if stored else None


def begin_watching(tx: Connection, school: str, day: date) -> None:
    """Keep the day on which a school was first read; a later day changes nothing."""
    if watched_since(tx, school) is None:
        put(tx, _FIRST + school, day.isoformat())


def first_days(tx: Connection) -> dict[str, date]:
    """What ``watched_since`` gives, by the name under which it is stored."""
    rows = tx.execute(select(meta.c.name, meta.c.value).where(meta.c.name.startswith(_FIRST)))
    return {row.name: date.fromisoformat(row.value) for row in rows}


def first_judging(tx: Connection, school: str, what: str) -> bool:
    """Whether something of a school is judged for the first time; from now on it no longer is.

    What is true at that moment is listed and not told: it may be as old as the school's roll.

    Args:
        tx: the transaction.
        school: the school's id.
        what: what is judged, the name of a trigger.
    """
    name = f"{_JUDGED}{what}/{school}"
    first = get(tx, name) is None
    if first:
        put(tx, name, "yes")
    return first


def watching_from(tx: Connection) -> datetime | None:
    """Since when this installation has watched without a long break, aware; None for never."""
    began = get(tx, _WATCH)
    return datetime.fromisoformat(began) if began else None


def begin_watch(tx: Connection, now: datetime) -> None:
    """Nobody was there for a while: a new watch begins.

    Nobody is told of registers that were not read while nobody was there to read.
    """
    put(tx, _WATCH, now.isoformat())


def last_look(tx: Connection) -> datetime | None:
    """The last moment that was noted here, aware; None for never."""
    noted = get(tx, _CLOCK)
    return datetime.fromisoformat(noted) if noted else None


def note_look(tx: Connection, now: datetime) -> None:
    """Somebody watches at this moment."""
    put(tx, _CLOCK, now.isoformat())
