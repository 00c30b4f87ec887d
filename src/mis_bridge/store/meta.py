"""A few facts about the installation: the last clean cycle, the furthest the clock has been."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.store.schema import meta
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = [
    "begin_watch",
    "begin_watching",
    "clock_check",
    "get",
    "put",
    "watched_since",
    "watching_from",
]

_CLOCK = "clock_high_water"
_WATCH = "watch_began"
_LONG_BREAK = timedelta(minutes=10)


def get(tx: Connection, name: str) -> str | None:
    """A stored fact, or None."""
    return tx.execute(select(meta.c.value).where(meta.c.name == name)).scalar()


def put(tx: Connection, name: str, value: str) -> None:
    """Store a fact."""
    upsert(tx, meta, [{"name": name, "value": value}])


def watched_since(tx: Connection, school: str) -> date | None:
    """The day on which a school was first read: what became true before it is listed, not told."""
    stored = get(tx, f"watched_since/{school}")
    return date.fromisoformat(stored) if stored else None


def begin_watching(tx: Connection, school: str, day: date) -> None:
    """Keep the day on which a school was first read; a later day changes nothing."""
    if watched_since(tx, school) is None:
        put(tx, f"watched_since/{school}", day.isoformat())


def watching_from(tx: Connection) -> datetime | None:
    """Since when this installation has watched without a long break, aware; None for never."""
    began = get(tx, _WATCH)
    return datetime.fromisoformat(began) if began else None


def begin_watch(tx: Connection, now: datetime) -> None:
    """The daemon starts.

    A restart goes on with the watch that was; after a break of more than ten minutes a new one
    begins, and nobody is told of registers that were not read while nobody was there to read.

    Args:
        tx: a writing transaction.
        now: the moment of the start.
    """
    last = get(tx, _CLOCK)
    if last is None or now - datetime.fromisoformat(last) > _LONG_BREAK:
        put(tx, _WATCH, now.isoformat())


def clock_check(tx: Connection, now: datetime) -> timedelta:
    """How far the clock stands behind the furthest moment that it has shown here.

    Args:
        tx: a writing transaction; a later moment is remembered.
        now: the present moment, aware.

    Returns:
        Zero while the clock goes forward; the size of the jump after it was set back, until it
        has caught up. A person is told: with the clock set back nothing is due when it should be.
    """
    stored = get(tx, _CLOCK)
    high = datetime.fromisoformat(stored) if stored else None
    if high is None or now >= high:
        put(tx, _CLOCK, now.isoformat())
        return timedelta(0)
    return high - now
