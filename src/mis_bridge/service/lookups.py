"""What every message that one transaction plans has in common, looked up once.

A morning on which four hundred alerts are decided together asks once which channels are broken,
which silences hold, and when each channel was last told of a cause. Nothing of that changes before
the transaction ends.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mis_bridge.store import channels, pacing, silences

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.silences import Silence

__all__ = ["Lookups"]


class Lookups:
    """Answers about one school at one moment, each asked of the database once.

    Args:
        tx: the transaction; not to be used after its end.
        school: whose.
        now: aware.
    """

    def __init__(self, tx: Connection, school: str, now: datetime) -> None:
        self._tx = tx
        self._school = school
        self._now = now
        self._broken: dict[datetime, frozenset[str]] = {}
        self._last: dict[tuple[str, str, datetime], datetime | None] = {}

    def broken(self, by: datetime) -> frozenset[str]:
        """The channels that are passed over for what has to be out by a moment."""
        if by not in self._broken:
            self._broken[by] = channels.broken(self._tx, self._now, by)
        return self._broken[by]

    @cached_property
    def silences(self) -> list[Silence]:
        """The silences of the school that hold now, the latest end first."""
        return silences.muting(self._tx, self._school, self._now)

    def last_of_cause(self, channel: str, cause: str, since: datetime) -> datetime | None:
        """When a channel was last told of a cause, None if that is longer ago."""
        key = (channel, cause, since)
        if key not in self._last:
            self._last[key] = pacing.last_of_cause(self._tx, self._school, channel, cause, since)
        return self._last[key]
