"""Marks of recent days on their way into day sheets, the log and the registers seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mis_bridge.registers.calendar import local_minute
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN, is_away
from mis_bridge.registers.day_sheet import ENTRY, NO_MINUTE, UNSETTLED
from mis_bridge.store import changes, sheets
from mis_bridge.store.changes import MarkChange, RegisterKey
from mis_bridge.store.columns import microseconds
from mis_bridge.store.sheets import NEVER, SheetRow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from mis_bridge.registers.day_sheet import DayPlan, Slot, SlotKind

__all__ = ["Place", "SheetWork", "stands"]

Moment = TypeVar("Moment", datetime, int)

_LATEST_MINUTE = NO_MINUTE - 1
"""The last minute that a day sheet can hold, 45 days on."""

_MINUTES_A_DAY = 24 * 60
_MILLION = 1_000_000


def stands(old: int, saved: Moment | None, new: int, recorded: Moment | None) -> bool:
    """Whether an incoming mark takes the place of the stored one.

    The mark that was saved later stands, where both say when; else the one that came last. A
    register that was not taken wipes out a mark only where it says that it is the later one.

    Args:
        old: stored byte, ``NO_SESSION`` where nothing is stored.
        saved: when the stored mark was saved in the MIS, or None where that is not known.
        new: incoming byte.
        recorded: when the incoming mark was saved in the MIS, or None.
    """
    if old == NO_SESSION:
        return True
    if new == NOT_TAKEN and old != NOT_TAKEN:
        return saved is not None and recorded is not None and recorded > saved
    return saved is None or recorded is None or recorded >= saved


class _Time(NamedTuple):
    """When a mark was saved: seconds since 1970, and what the clock on the wall showed."""

    seconds: int
    day: date
    minute: int


@dataclass(slots=True)
class _OpenDay:
    """One day that is being changed.

    Args:
        day: the date.
        plan: grows with the slots and registers that come.
        stored: pupil -> columns, as they are in the database.
        rows: pupil -> sheet, of the pupils looked at so far.
        touched: of whom something has to be written.
        twins: slot's key -> places in the plan of the slots with that key: one, or several where
            a lesson's times were changed.
        registers: id -> place in the plan.
    """

    day: date
    plan: DayPlan
    stored: dict[str, tuple[bytes, bytes]]
    rows: dict[str, SheetRow] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    twins: dict[tuple[SlotKind, str], list[int]] = field(default_factory=dict)
    registers: dict[str, int] = field(default_factory=lambda: {"": 0})

    def open(self, pupil: str) -> SheetRow:
        """A pupil's sheet, an empty one where none is stored."""
        columns = self.stored.get(pupil)
        row = SheetRow.decode(*columns) if columns else SheetRow(bytearray(), [])
        self.rows[pupil] = row
        return row

    def register(self, name: str) -> int:
        """A register's place in the plan."""
        place = self.registers.get(name)
        if place is None:
            place = self.registers[name] = self.plan.register_index(name)
        return place


@dataclass(frozen=True, slots=True)
class Place:
    """A slot of a day; ask ``SheetWork.place`` for it once, and use it for every mark there.

    Args:
        slot: session or lesson.
        index: its place in the day's plan.
        on: the day.
        twins: places of all slots with its key.
    """

    slot: Slot
    index: int
    on: _OpenDay
    twins: list[int]


class SheetWork:
    """The day sheets that one batch touches.

    Args:
        tx: the transaction.
        school: the school's id.
        wanted: day -> pupils of whom marks will come.
        seen_at: when the marks were read.
        news_from: the first marks of days before this one are not logged.
    """

    def __init__(
        self,
        tx: Connection,
        school: str,
        wanted: Mapping[date, Collection[str]],
        seen_at: datetime,
        news_from: date = date.min,
    ) -> None:
        self._tx = tx
        self._school = school
        self._seen_at = seen_at
        self._news_from = news_from
        self._seen_on, self._seen_minute = local_minute(seen_at)
        loaded = sheets.load(tx, school, wanted) if wanted else {}
        self._days = {day: _OpenDay(day, row.plan, row.rows) for day, row in loaded.items()}
        for open_day in self._days.values():
            for index, slot in enumerate(open_day.plan.slots):
                open_day.twins.setdefault(slot.key, []).append(index)
        # The marks of one register share their time, and a time zone is slow to ask.
        self._times: dict[datetime, _Time] = {}
        self._registers: dict[RegisterKey, datetime | None] = {}
        self._log: list[MarkChange] = []
        self.changed_days: set[date] = set()

    def place(self, day: date, slot: Slot) -> Place:
        """Where the marks of a slot go; the day's plan grows by a slot that it does not have."""
        open_day = self._days[day]
        index = open_day.plan.index(slot)
        twins = open_day.twins.setdefault(slot.key, [])
        if index not in twins:
            twins.append(index)
        return Place(slot, index, open_day, twins)

    def take(
        self,
        place: Place,
        pupil: str,
        new: int,
        recorded: datetime | None,
        *,
        old: int | None = None,
        register: str = "",
        settled: bool = True,
        by_force: bool = False,
    ) -> bool:
        """Put a mark in, if it stands against what is there.

        Args:
            place: the session or lesson.
            pupil: the MIS's pupil id.
            new: incoming byte.
            recorded: when the MIS says that it was saved, or None.
            old: the byte that stands now, where the strip knows better than the sheet.
            register: id of the lesson's register, or empty.
            settled: False where the MIS filled the mark in and nobody has touched it.
            by_force: the mark is gone from the MIS: no older time protects it.

        Returns:
            Whether the byte that stands is another one now.
        """
        on = place.on
        row = on.rows.get(pupil) or on.open(pupil)
        entries = row.entries
        at = entries[:: ENTRY.size].find(place.index)
        if at < 0 and len(place.twins) > 1:
            at = max(entries[:: ENTRY.size].find(twin) for twin in place.twins)
        time = None if recorded is None else self._time(recorded)
        when = NEVER if time is None else time.seconds
        if at < 0:
            there, saved = NO_SESSION, NEVER
        else:
            there, saved = entries[at * ENTRY.size + 1], row.saved[at]
        if old is None:
            old = there
        if not by_force and not stands(
            old, None if saved == NEVER else saved, new, None if when == NEVER else when
        ):
            return False
        minute = self._minute(on.day, new, time)
        number = on.register(register) | (0 if settled else UNSETTLED)
        if at < 0:
            entries += ENTRY.pack(place.index, new, minute, number)
            row.saved.append(when)
        elif not _replace(place, row, at, new, minute, number):
            # The same mark again: it keeps its minute, and remembers only that it still stood.
            if when not in (NEVER, saved):
                row.saved[at] = when
                on.touched.add(pupil)
            return old != new
        else:
            row.saved[at] = when
        on.touched.add(pupil)
        self.changed_days.add(on.day)
        self._note(RegisterKey(on.day, place.slot.name, register), new, recorded)
        first = old == NO_SESSION
        if old != new and not (first and (new == NOT_TAKEN or on.day < self._news_from)):
            self._log.append(MarkChange(pupil, on.day, place.slot.name, old, new, recorded))
        return old != new

    def store(self) -> None:
        """Write what changed."""
        changed = [
            sheets.Day(day, on.plan, {pupil: on.rows[pupil].encode() for pupil in on.touched})
            for day, on in self._days.items()
            if on.touched
        ]
        sheets.save(self._tx, self._school, changed)
        changes.append(self._tx, self._school, self._log, self._seen_at)
        changes.note_registers(self._tx, self._school, self._registers, self._seen_at)

    def _time(self, recorded: datetime) -> _Time:
        time = self._times.get(recorded)
        if time is None:
            seconds = microseconds(recorded) // _MILLION
            time = self._times[recorded] = _Time(seconds, *local_minute(recorded))
        return time

    def _minute(self, day: date, code: int, time: _Time | None) -> int:
        if time is not None:
            if time.day == day:
                return time.minute
            minute = time.minute + (time.day - day).days * _MINUTES_A_DAY
            return min(max(minute, 0), _LATEST_MINUTE)
        if code != NOT_TAKEN and day == self._seen_on:
            return self._seen_minute
        return NO_MINUTE

    def _note(self, key: RegisterKey, code: int, recorded: datetime | None) -> None:
        if code == NOT_TAKEN:
            self._registers.setdefault(key, None)
            return
        moment = recorded or self._seen_at
        earlier = self._registers.get(key)
        self._registers[key] = moment if earlier is None else min(earlier, moment)


def _replace(place: Place, row: SheetRow, at: int, new: int, minute: int, number: int) -> bool:
    """Overwrite an entry, by the rule of ``DaySheet.with_entry``; False if it is the same.

    A mark that has settled stays so for as long as it is the same mark, and one that settles
    keeps the minute at which it was first seen. ``number`` is the register's place in the plan,
    with the bit ``UNSETTLED``.
    """
    start = at * ENTRY.size
    index, code, before, stored = ENTRY.unpack_from(row.entries, start)
    if (index, code, stored & ~UNSETTLED) == (place.index, new, number & ~UNSETTLED):
        if number in (stored, stored | UNSETTLED):
            return False
        minute = before
    elif is_away(code) and is_away(new):
        minute = min(before, minute)  # NO_MINUTE is larger than any minute
    ENTRY.pack_into(row.entries, start, place.index, new, minute, number)
    return True
