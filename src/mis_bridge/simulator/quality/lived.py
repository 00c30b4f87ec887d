"""One school day as it was: where each pupil is, and what somebody in the school knows of it.

This is the hidden truth. It holds no mark and knows no trigger. Whoever is not named in it is where
the timetable says, all day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

    from mis_bridge.registers.day_sheet import Slot

__all__ = ["END", "NEVER", "DeskEvent", "Known", "Lived", "LivedDay", "OfficeEntry", "Place"]

NEVER: Final = 10_000
"""A minute that does not come."""

END: Final = 24 * 60
"""The end of the day, for spans that nothing else ends."""


class Place(IntEnum):
    """Where a pupil is."""

    EXPECTED = 0
    """Where the timetable says."""
    ELSEWHERE = 1
    """Somewhere else, and somebody in the school knows it."""
    HOME = 2
    """Not come (yet)."""
    LOST = 3
    """Somewhere else, and nobody in the school knows it."""


class Known(IntEnum):
    """How the school comes to know something that the office has to write down."""

    PLANNED = 0
    MESSAGE = 1
    STAFF = 2
    DESK = 3
    TRIP = 4
    EXAM = 5


@dataclass(slots=True)
class Lived:
    """One pupil's day.

    Args:
        spans: (first minute, minute after the last, place), where it is not as expected.
        told: minute from which the school knows why the pupil has not come.
    """

    spans: list[tuple[int, int, Place]] = field(default_factory=list)
    told: int = NEVER

    def place(self, minute: int) -> Place:
        """Give where the pupil is at a minute."""
        for first, stop, place in self.spans:
            if first <= minute < stop:
                return place
        return Place.EXPECTED

    def unaccounted(self, minute: int) -> bool:
        """Say whether nobody in the school knows where the pupil is, and it is not where it should.

        A pupil who has not come and of whom a message came is accounted for.
        """
        place = self.place(minute)
        return place is Place.LOST or (place is Place.HOME and minute < self.told)

    def back_at(self, minute: int) -> int:
        """Give the minute from which the pupil is where it should be, at this minute or later."""
        while (stop := self._stop(minute)) is not None:
            minute = stop
        return minute

    def _stop(self, minute: int) -> int | None:
        return next((stop for first, stop, _ in self.spans if first <= minute < stop), None)


@dataclass(slots=True)
class OfficeEntry:
    """A code that the office, or whoever knows, enters for a span of the day.

    Args:
        kind: how it is known.
        entered: minute at which it is in the MIS; 0 for what was planned before.
        first, stop: marks of slots that begin in this span have the code.
        code: of the register.
        sessions_only: nobody enters it in the lessons.
    """

    kind: Known
    entered: int
    first: int
    stop: int
    code: str
    sessions_only: bool = False

    def covers(self, slot: Slot) -> bool:
        """Say whether a slot's mark has the code."""
        if self.sessions_only and not slot.is_session:
            return False
        return self.first <= slot.starts < self.stop


@dataclass(slots=True)
class DeskEvent:
    """A sign-in, a sign-out or a message.

    Args:
        minute: when it happened.
        written: when it is in the MIS.
        kind: as in ``EventKind``.
    """

    minute: int
    written: int
    kind: str


@dataclass(slots=True)
class LivedDay:
    """A school's day.

    Args:
        number: of the school day in the year.
        day: the date.
        lived: pupil -> the day, of those of whom there is something to say.
        entries: pupil -> codes.
        desk: pupil -> what happened at the desk.
        later: (number of a later day, pupil, code): told then why the pupil was away today.
        drill: the slot in which there is a fire drill.
    """

    number: int
    day: date
    lived: dict[int, Lived] = field(default_factory=dict)
    entries: dict[int, list[OfficeEntry]] = field(default_factory=dict)
    desk: dict[int, list[DeskEvent]] = field(default_factory=dict)
    later: list[tuple[int, int, str]] = field(default_factory=list)
    drill: Slot | None = None

    def of(self, pupil: int) -> Lived:
        """Give a pupil's day, to be written into."""
        return self.lived.setdefault(pupil, Lived())

    def enter(self, pupil: int, entry: OfficeEntry) -> None:
        """Write down what is known of a pupil."""
        self.entries.setdefault(pupil, []).append(entry)

    def at_desk(self, pupil: int, minute: int, kind: str) -> None:
        """Write down a sign-in, a sign-out or a message at the minute at which it happens."""
        self.desk.setdefault(pupil, []).append(DeskEvent(minute, minute, kind))

    def unaccounted(self, pupil: int, minute: int) -> bool:
        """As ``Lived.unaccounted``."""
        lived = self.lived.get(pupil)
        return lived is not None and lived.unaccounted(minute)
