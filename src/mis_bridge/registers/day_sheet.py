"""The day sheet: one pupil, one day, its marks in time order with the minute of each.

A school's day has a plan (its slots and registers), stored once; a sheet is stored as six bytes an
entry that point into the plan.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import DataError
from mis_bridge.registers.codes import is_away

if TYPE_CHECKING:
    from datetime import date

__all__ = [
    "ENTRY",
    "NO_MINUTE",
    "UNSETTLED",
    "DayEvent",
    "DayPlan",
    "DaySheet",
    "Entry",
    "EventKind",
    "Slot",
    "SlotKind",
    "decode",
    "encode",
]


class SlotKind(StrEnum):
    """What a slot of the day is: the statutory register of a session, or a lesson's."""

    SESSION = "session"
    LESSON = "lesson"


class EventKind(StrEnum):
    """What happened at the school's desk, or came in as a message."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in the school's day.

    Args:
        name: ``AM``, ``PM``, or the school's name of the lesson (``P2``).
        kind: session or lesson.
        starts, ends: minutes after local midnight.
        closes: when the register closes, minutes after local midnight; None for lessons.
    """

    name: str
    kind: SlotKind
    starts: int
    ends: int
    closes: int | None = None

    @property
    def key(self) -> tuple[SlotKind, str]:
        """What makes two slots of one day the same one, whatever their times."""
        return (self.kind, self.name)

    @property
    def is_session(self) -> bool:
        """Whether it is a statutory register."""
        return self.kind is SlotKind.SESSION


@dataclass(frozen=True, slots=True)
class Entry:
    """One mark of the day.

    Args:
        code: byte of ``codes``; ``NOT_TAKEN`` for a timetabled lesson without marks.
        recorded: minute after local midnight at which it was saved, 1440 and more on a later
            day, None where nobody knows.
        register: id of the register that it belongs to, empty where the MIS does not say.
        settled: False while the register may still be as the MIS filled it in, unseen by anybody.
    """

    code: int
    recorded: int | None = None
    register: str = ""
    settled: bool = True


@dataclass(frozen=True, slots=True)
class DayEvent:
    """A sign-in, a sign-out or a message of the day.

    Args:
        minute: minute after local midnight.
        kind: ``sign_in``, ``sign_out`` or ``message``.
        reason: as recorded, may be empty.
    """

    minute: int
    kind: str
    reason: str = ""


def _time_order(pair: tuple[Slot, Entry]) -> tuple[int, bool, int, str]:
    slot = pair[0]
    return (slot.starts, not slot.is_session, slot.ends, slot.name)


@dataclass(frozen=True, slots=True)
class DaySheet:
    """One pupil's day.

    Args:
        day: the date.
        entries: slots with their marks; kept in time order, at one start the session first.
    """

    day: date
    entries: tuple[tuple[Slot, Entry], ...] = ()

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.entries, key=_time_order))
        object.__setattr__(self, "entries", ordered)

    def entry(self, name: str, kind: SlotKind | None = None) -> Entry | None:
        """Give the entry of a slot by name, None where the day does not have it."""
        for slot, entry in self.entries:
            if slot.name == name and kind in (None, slot.kind):
                return entry
        return None

    def with_entry(self, slot: Slot, entry: Entry) -> DaySheet:
        """Write a mark; call it in the order in which marks become known.

        The newer mark stands. Where the older one and the newer one are both absences of a pupil
        who is away, the earlier minute is kept: that is when the signal began.
        """
        kept: list[tuple[Slot, Entry]] = []
        for old_slot, old in self.entries:
            if old_slot.key != slot.key:
                kept.append((old_slot, old))
            elif is_away(old.code) and is_away(entry.code):
                known = [at for at in (old.recorded, entry.recorded) if at is not None]
                entry = replace(entry, recorded=min(known, default=None))
        return DaySheet(self.day, (*kept, (slot, entry)))


@dataclass(slots=True)
class DayPlan:
    """The slots and registers of one school's day, which its sheets point into.

    It only ever grows: a place once given stays. Not shared between threads.

    Args:
        slots: at most 256.
        registers: ids, at most 32,767; the empty id needs no place.
    """

    slots: tuple[Slot, ...] = ()
    registers: tuple[str, ...] = ()

    def index(self, slot: Slot) -> int:
        """Give the place of a slot, a new one where the plan does not have it yet.

        Raises:
            DataError: the plan is full.
        """
        try:
            return self.slots.index(slot)
        except ValueError:
            if len(self.slots) > _LAST_SLOT:
                raise DataError(
                    f"a school day of more than {_LAST_SLOT + 1} different slots is not plausible"
                ) from None
            self.slots = (*self.slots, slot)
            return len(self.slots) - 1

    def register_index(self, register: str) -> int:
        """Give the place of a register, from 1; 0 for the empty id.

        Raises:
            DataError: the plan is full.
        """
        if not register:
            return 0
        try:
            return self.registers.index(register) + 1
        except ValueError:
            if len(self.registers) >= _LAST_REGISTER:
                raise DataError(
                    f"a school day of more than {_LAST_REGISTER} registers is not plausible"
                ) from None
            self.registers = (*self.registers, register)
            return len(self.registers)


ENTRY: Final = struct.Struct("<BBHH")
"""One stored entry: slot's place in the plan, code, minute, register's place in the plan from 1 (0
for none) with the top bit set where the mark is not settled. Entries may stand in any order."""

NO_MINUTE: Final = 0xFFFF
"""Stored minute of a mark of which nobody knows when it was saved."""

UNSETTLED: Final = 0x8000
"""The bit beside the stored register's place."""

_LAST_REGISTER: Final = 0x7FFF
_LAST_SLOT: Final = 0xFF


def encode(sheet: DaySheet, plan: DayPlan) -> bytes:
    """Give six bytes an entry; the plan gets the slots and registers that it does not have.

    Raises:
        DataError: a minute that does not fit (more than 45 days after the day).
    """
    parts: list[bytes] = []
    for slot, entry in sheet.entries:
        minute = NO_MINUTE if entry.recorded is None else entry.recorded
        if not 0 <= minute <= NO_MINUTE or entry.recorded == NO_MINUTE:
            raise DataError(
                f"a mark of {sheet.day.isoformat()} {slot.name} recorded at minute {minute} of "
                "the day is not plausible"
            )
        register = plan.register_index(entry.register)
        if not entry.settled:
            register |= UNSETTLED
        parts.append(ENTRY.pack(plan.index(slot), entry.code, minute, register))
    return b"".join(parts)


def decode(day: date, plan: DayPlan, blob: bytes) -> DaySheet:
    """Read back what ``encode`` gave with the same plan, or one that has grown since.

    Raises:
        DataError: the blob does not fit the plan.
    """
    if len(blob) % ENTRY.size:
        raise DataError(f"a day sheet of {day.isoformat()} is cut short")
    entries: list[tuple[Slot, Entry]] = []
    try:
        for place, code, minute, register in ENTRY.iter_unpack(blob):
            where = register & _LAST_REGISTER
            entries.append(
                (
                    plan.slots[place],
                    Entry(
                        code=code,
                        recorded=None if minute == NO_MINUTE else minute,
                        register=plan.registers[where - 1] if where else "",
                        settled=not register & UNSETTLED,
                    ),
                )
            )
    except IndexError:
        raise DataError(
            f"a day sheet of {day.isoformat()} points outside its school's day plan"
        ) from None
    return DaySheet(day, tuple(entries))
