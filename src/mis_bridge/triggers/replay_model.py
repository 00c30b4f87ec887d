"""What a replay takes and gives. The rows are the adapters' records, known here by their shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mis_bridge.registers.calendar import minutes_after_midnight

if TYPE_CHECKING:
    from datetime import date, datetime

    from mis_bridge.triggers.model import Finding

__all__ = [
    "EventRow",
    "LessonRow",
    "Minutes",
    "PupilRow",
    "Replayed",
    "SessionRow",
]


class SessionRow(Protocol):
    """One statutory mark; ``recorded`` is when it was saved, aware, or None."""

    pupil: str
    day: date
    pm: bool
    code: int
    recorded: datetime | None


class LessonRow(Protocol):
    """One lesson mark; ``starts`` and ``ends`` in minutes after local midnight."""

    pupil: str
    day: date
    period: str
    starts: int
    ends: int
    code: int
    recorded: datetime | None
    register: str


class EventRow(Protocol):
    """A sign-in, a sign-out or a message; ``at`` is aware."""

    pupil: str
    at: datetime
    kind: str
    reason: str


class PupilRow(Protocol):
    """One pupil, or one enrolment of a pupil."""

    pupil: str
    dob: date | None
    year_group: int | None
    form: str
    admission: date | None
    leaving: date | None
    destination: str
    flags: frozenset[str]
    care_began: date | None


@dataclass(frozen=True, slots=True)
class Replayed:
    """One finding over its whole life.

    Args:
        finding: as it stood at its highest level.
        fired_at: when it was first true, aware, Europe/London.
        cleared_at: when it was no longer true, None if it still was at the end of the replay.
        level: the highest that it reached.
    """

    finding: Finding
    fired_at: datetime
    cleared_at: datetime | None
    level: int


class Minutes:
    """Aware times -> minutes after the midnight of a day; files repeat few times often."""

    def __init__(self) -> None:
        self._known: dict[tuple[datetime, date], int] = {}

    def of(self, at: datetime, day: date) -> int:
        """Give the minutes by the wall clock from local midnight of the day."""
        key = (at, day)
        minute = self._known.get(key)
        if minute is None:
            minute = self._known[key] = minutes_after_midnight(at, day)
        return minute
