"""What the history says of settings: when those of a school changed, and which part of them.

Who edited a file nobody here can know; that other settings are in force since a moment explains
why an alert was raised, or was not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from mis_bridge.incidents.model import DAEMON, Act, AuditEntry
from mis_bridge.store import audit, meta

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from mis_bridge.service.schools import School

__all__ = ["note_changes"]

_STORED: Final = "settings/"

_PARTS: Final = {
    "calendar": ("calendar",),
    "reading": ("adapter", "polling", "streams", "presence", "delay"),
    "who is told": ("routes", "ways"),
    "triggers": ("triggers",),
    "incidents": ("rules",),
    "quiet hours": ("timing",),
    "authority": ("authority_name", "portal", "letter", "forms"),
}
"""Part of the settings, in words, to the fields of ``School`` that hold it."""


def note_changes(tx: Connection, schools: Collection[School], now: datetime) -> None:
    """Write down which schools' settings differ from those that were in force before.

    The first time that a school is watched there is nothing to compare with.

    Args:
        tx: the transaction.
        schools: as they are configured now.
        now: aware.
    """
    known = meta.starting_with(tx, _STORED)
    reader = _Reader()
    for school in schools:
        present = {
            part: reader.digest([getattr(school, name) for name in names])
            for part, names in _PARTS.items()
        }
        stored = known.get(_STORED + school.id)
        if stored == json.dumps(present):
            continue
        meta.put(tx, _STORED + school.id, json.dumps(present))
        if stored is not None:
            before = json.loads(stored)
            changed = [part for part, digest in present.items() if before.get(part) != digest]
            body = f"Other settings are in force: {', '.join(changed) or 'some were dropped'}."
            audit.append(tx, school.id, [AuditEntry(now, DAEMON, "", Act.CONFIGURED, "", body)])


class _Reader:
    """Brings settings to the same text in every process, whatever order a set has.

    What many schools share (an authority's protocols) is read once.
    """

    def __init__(self) -> None:
        self._read: dict[int, str] = {}

    def digest(self, value: Any) -> str:
        """Give a text that is another where the settings are."""
        if isinstance(value, Mapping) or is_dataclass(value):
            known = self._read.get(id(value))
            if known is None:
                known = self._read[id(value)] = _hash(self._plain(value))
            return known
        return _hash(self._plain(value))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
        if is_dataclass(value):
            return {one.name: self.digest(getattr(value, one.name)) for one in fields(value)}
        if isinstance(value, Mapping):
            return {str(key): self.digest(one) for key, one in value.items()}
        if isinstance(value, set | frozenset | list | tuple):
            listed = [self.digest(one) for one in value]
            return sorted(listed) if isinstance(value, set | frozenset) else listed
        if isinstance(value, Enum | date | time | timedelta | str | int | float | None):
            return str(value)
        return type(value).__name__


def _hash(plain: Any) -> str:
    text = plain if isinstance(plain, str) else json.dumps(plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
