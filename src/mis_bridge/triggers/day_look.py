"""What the day triggers share: the minute of the look, the settings, when to look again.

A trigger reports every later minute at which time alone would change its answer; the earliest of
them is when the day has to be looked at again. A wait for people to put a mark right ends with a
reading: until then nobody knows whether they did. Whoever looks is told from when on one is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import Session, local_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from mis_bridge.registers.day_sheet import Entry, Slot
    from mis_bridge.triggers.day_walk import Signal
    from mis_bridge.triggers.model import PupilDay

__all__ = ["PATIENCE", "DayLook", "Group", "group_of", "moment"]

PATIENCE: Final = 2
"""Minutes after its end for which a wait goes on until the MIS was read; then it is over anyway.

Our choice: a reading that is asked for takes seconds, and a MIS that can not be read holds up no
alarm for longer than the usual time between two readings.
"""

Group = tuple[str, str]
"""(slot name, register id or form): the pupils whose marks of a slot are saved together."""


def group_of(pupil: PupilDay, slot: Slot, entry: Entry) -> Group | None:
    """Give the group of a mark: its register, else the form; None where neither is known."""
    name = entry.register or pupil.form
    return (slot.name, name) if name else None


@lru_cache(maxsize=4096)
def moment(day: date, minute: int) -> datetime:
    """Give the aware time of a local minute; the same few minutes are asked for all day long."""
    return local_datetime(day, minute)


@dataclass(slots=True)
class DayLook:
    """One look at a school day.

    Args:
        day: the date.
        minute: now, minutes after local midnight of the day.
        settings: trigger id -> all of its parameters.
        doubtful: (group, whether its pupils were seen before) of registers that are an anomaly.
        sessions: that the school has that day.
        wake: the earliest later minute at which time alone changes an answer, None for never.
        read: minute at which the MIS was last read well, None where nobody reads (an export that is
            replayed): then a wait is over when its time is.
        wanted: the earliest minute, now or later, from which on a reading would end a wait.
    """

    day: date
    minute: int
    settings: Mapping[str, Mapping[str, Any]]
    doubtful: frozenset[tuple[Group, bool]] = frozenset()
    sessions: frozenset[Session] = frozenset(Session)
    wake: int | None = None
    read: int | None = None
    wanted: int | None = None

    def due(self, minute: int) -> bool:
        """Whether a minute has come; if not, remember it as one to look again at."""
        if minute <= self.minute:
            return True
        if self.wake is None or minute < self.wake:
            self.wake = minute
        return False

    def waited(self, minute: int) -> bool:
        """Whether a wait that ends at a minute is over, and what was written until then is known.

        If its time has come and no reading since, one is wanted; ``PATIENCE`` bounds the wait.
        """
        if self.read is None or self.read >= minute or self.minute >= minute + PATIENCE:
            return self.due(minute)
        wanted = max(minute, self.minute)
        if self.wanted is None or wanted < self.wanted:
            self.wanted = wanted
        self.due(minute if self.minute < minute else minute + PATIENCE)
        return False

    def doubts(self, pupil: PupilDay, signal: Signal, *, seen: bool) -> bool:
        """Whether the register of a signal is an anomaly.

        Args:
            pupil: whose signal it is.
            signal: of a day that was walked.
            seen: whether it is about pupils who were seen before it, or who never came.
        """
        group = group_of(pupil, signal.slot, signal.entry)
        return group is not None and (group, seen) in self.doubtful

    def time(self, minute: int) -> datetime:
        """Give the aware time of a minute of the day."""
        return moment(self.day, minute)
