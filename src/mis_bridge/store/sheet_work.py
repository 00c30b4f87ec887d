"""Marks of recent days on their way into day sheets, the log and the registers seen."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mis_bridge.registers.calendar import local_minute
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN
from mis_bridge.registers.day_sheet import DaySheet, Entry
from mis_bridge.store import changes, sheets
from mis_bridge.store.changes import MarkChange, RegisterKey
from mis_bridge.store.columns import microseconds
from mis_bridge.store.sheets import Mark, Marks

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from mis_bridge.registers.day_sheet import Slot

__all__ = ["SheetWork", "stands"]

Moment = TypeVar("Moment", datetime, int)

_LATEST_MINUTE = 0xFFFE
"""The last minute that a day sheet can hold, 45 days on."""

_MINUTES_A_DAY = 24 * 60


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


class SheetWork:
    """The day sheets that one batch touches.

    Args:
        tx: the transaction.
        school: the school's id.
        wanted: day -> pupils of whom marks will come.
        seen_at: when the marks were read.
    """

    def __init__(
        self,
        tx: Connection,
        school: str,
        wanted: Mapping[date, Collection[str]],
        seen_at: datetime,
    ) -> None:
        self._tx = tx
        self._school = school
        self._seen_at = seen_at
        self._seen_on, self._seen_minute = local_minute(seen_at)
        self._days = sheets.load(tx, school, wanted) if wanted else {}
        self._open: dict[date, dict[str, Marks]] = {day: {} for day in self._days}
        # The marks of one register share their time, and a time zone is slow to ask.
        self._times: dict[datetime, _Time] = {}
        self._touched: dict[date, set[str]] = {}
        self._registers: dict[RegisterKey, datetime | None] = {}
        self._log: list[MarkChange] = []
        self.changed_days: set[date] = set()

    def code(self, pupil: str, day: date, slot: Slot) -> int:
        """The byte that stands in a pupil's sheet, ``NO_SESSION`` where there is none."""
        mark = self._marks(day, pupil).get(slot.key)
        return NO_SESSION if mark is None else mark.entry.code

    def take(
        self,
        pupil: str,
        day: date,
        slot: Slot,
        new: int,
        recorded: datetime | None,
        *,
        old: int,
        register: str = "",
        by_force: bool = False,
    ) -> bool:
        """Put a mark in, if it stands against what is there.

        Args:
            pupil: the MIS's pupil id.
            day: one of the days asked for.
            slot: the session or lesson.
            new: incoming byte.
            recorded: when the MIS says that it was saved, or None.
            old: the byte that stands now; for a session the strip's.
            register: id of the lesson's register, or empty.
            by_force: the mark is gone from the MIS: no older time protects it.

        Returns:
            Whether the byte that stands is another one now.
        """
        marks = self._marks(day, pupil)
        there = marks.get(slot.key)
        time = None if recorded is None else self._time(recorded)
        when = None if time is None else time.seconds
        saved = None if there is None else there.saved
        if not by_force and not stands(old, saved, new, when):
            return False
        if there is None:
            marks[slot.key] = Mark(slot, self._entry(day, new, time, register), when)
        elif there.entry.code == new and there.entry.register == register and there.slot == slot:
            # The same mark again: it keeps its minute, and remembers only that it still stood.
            if when is not None and when != saved:
                there.saved = when
                self._touched.setdefault(day, set()).add(pupil)
            return old != new
        else:
            entry = self._entry(day, new, time, register)
            before = DaySheet(day, ((there.slot, there.entry),))
            ((_, entry),) = before.with_entry(slot, entry).entries
            marks[slot.key] = Mark(slot, entry, when)
        self._touched.setdefault(day, set()).add(pupil)
        self.changed_days.add(day)
        self._note(RegisterKey(day, slot.name, register), new, recorded)
        if old != new and not (old == NO_SESSION and new == NOT_TAKEN):
            self._log.append(MarkChange(pupil, day, slot.name, old, new, recorded))
        return old != new

    def store(self) -> None:
        """Write what changed."""
        for day, touched in self._touched.items():
            work, opened = self._days[day], self._open[day]
            work.sheets = {pupil: work.encoded(opened[pupil]) for pupil in sorted(touched)}
        sheets.save(self._tx, self._school, [self._days[day] for day in sorted(self._touched)])
        changes.append(self._tx, self._school, self._log, self._seen_at)
        changes.note_registers(self._tx, self._school, self._registers, self._seen_at)

    def _marks(self, day: date, pupil: str) -> Marks:
        opened = self._open[day]
        marks = opened.get(pupil)
        if marks is None:
            marks = opened[pupil] = self._days[day].marks(pupil)
        return marks

    def _time(self, recorded: datetime) -> _Time:
        time = self._times.get(recorded)
        if time is None:
            seconds = microseconds(recorded) // 1_000_000
            time = self._times[recorded] = _Time(seconds, *local_minute(recorded))
        return time

    def _entry(self, day: date, code: int, time: _Time | None, register: str) -> Entry:
        minute: int | None = None
        if time is not None:
            minute = time.minute
            if time.day != day:
                minute += (time.day - day).days * _MINUTES_A_DAY
                minute = min(max(minute, 0), _LATEST_MINUTE)
        elif code != NOT_TAKEN and day == self._seen_on:
            minute = self._seen_minute
        return Entry(code, minute, register)

    def _note(self, key: RegisterKey, code: int, when: datetime | None) -> None:
        if code == NOT_TAKEN:
            self._registers.setdefault(key, None)
            return
        moment = when or self._seen_at
        earlier = self._registers.get(key)
        self._registers[key] = moment if earlier is None else min(earlier, moment)
