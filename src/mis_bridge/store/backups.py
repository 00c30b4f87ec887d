"""Which backups were made: what was erased since is still in them.

Only what ``mis-bridge db backup`` wrote is known, and where it was written: not what was copied on
from there, and not whether it has been deleted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mis_bridge.store import meta

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["Backup", "known", "note"]

_NAME: Final = "backup/"
_MOST: Final = 1000
"""Somebody who makes one a night is told of those of nearly three years."""


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup.

    Args:
        file: where it was written, absolute.
        at: when, aware.
    """

    file: Path
    at: datetime


def note(tx: Connection, file: Path, now: datetime) -> None:
    """Remember a backup; one of the same name takes the place of an older one."""
    meta.put(tx, _NAME + str(file), now.isoformat())
    for older in known(tx)[:-_MOST]:
        meta.drop(tx, _NAME + str(older.file))


def known(tx: Connection) -> list[Backup]:
    """The backups that were made, the oldest first; whether they are still there is not known."""
    stored = meta.starting_with(tx, _NAME)
    found = [
        Backup(Path(name.removeprefix(_NAME)), datetime.fromisoformat(at))
        for name, at in stored.items()
    ]
    return sorted(found, key=lambda one: (one.at, str(one.file)))
