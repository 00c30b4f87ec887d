"""What the day triggers share: the minute of the look, the settings, when to look again.

A trigger reports every later minute at which time alone would change its answer; the earliest of
them is when the day has to be looked at again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mis_bridge.registers.calendar import Session, local_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from mis_bridge.registers.day_sheet import Entry, Slot
    from mis_bridge.triggers.day_walk import Signal
    from mis_bridge.triggers.model import PupilDay

__all__ = ["DayLook", "Group", "group_of", "moment"]

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
    """

    day: date
    minute: int
    settings: Mapping[str, Mapping[str, Any]]
    doubtful: frozenset[tuple[Group, bool]] = frozenset()
    sessions: frozenset[Session] = frozenset(Session)
    wake: int | None = None

    def due(self, minute: int) -> bool:
        """Whether a minute has come; if not, remember it as one to look again at."""
        if minute <= self.minute:
            return True
        if self.wake is None or minute < self.wake:
            self.wake = minute
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
