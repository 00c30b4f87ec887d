"""Silences, and the messages that they hold."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, insert, select, update

from mis_bridge.incidents.silences import Silence
from mis_bridge.store.schema import silences

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = ["add", "end", "get", "known", "muting"]

_COLUMNS = tuple(silences.c[name] for name in Silence.__slots__)

_MUTING = (
    select(*_COLUMNS)
    .where(
        silences.c.school == bindparam("of_school"),
        silences.c.begins_at <= bindparam("at"),
        silences.c.ends_at > bindparam("at"),
    )
    .order_by(silences.c.ends_at.desc(), silences.c.id)
)


def add(tx: Connection, silence: Silence) -> None:
    """Keep a silence; the same one asked for twice in one moment is there once."""
    if get(tx, silence.school, silence.id) is None:
        tx.execute(insert(silences).values(**asdict(silence)))


def end(tx: Connection, silence: Silence, who: str, now: datetime) -> None:
    """End one before its time."""
    tx.execute(
        update(silences)
        .where(silences.c.school == silence.school, silences.c.id == silence.id)
        .values(ends_at=now, ended_by=who)
    )


def get(tx: Connection, school: str, identity: str) -> Silence | None:
    """One silence, or None."""
    wanted = select(*_COLUMNS).where(silences.c.school == school, silences.c.id == identity)
    row = tx.execute(wanted).one_or_none()
    return _silence(row) if row else None


def known(
    tx: Connection, school: str | None = None, since: datetime | None = None
) -> list[Silence]:
    """Silences, the latest end first.

    Args:
        tx: the transaction.
        school: only this school's.
        since: only those that end after it.
    """
    wanted = select(*_COLUMNS).order_by(silences.c.ends_at.desc(), silences.c.school, silences.c.id)
    if school is not None:
        wanted = wanted.where(silences.c.school == school)
    if since is not None:
        wanted = wanted.where(silences.c.ends_at > since)
    return [_silence(row) for row in tx.execute(wanted)]


def muting(tx: Connection, school: str, now: datetime) -> list[Silence]:
    """The silences of a school that hold now, the latest end first."""
    return [_silence(row) for row in tx.execute(_MUTING, {"of_school": school, "at": now})]


def _silence(row: Row[Any]) -> Silence:
    return Silence(**row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
