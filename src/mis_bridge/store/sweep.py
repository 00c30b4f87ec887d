"""Marks that vanished: after a whole window was read to its end, what was not in it is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN
from mis_bridge.registers.day_sheet import SlotKind
from mis_bridge.store import changes, sheets, strips
from mis_bridge.store.changes import MarkChange
from mis_bridge.store.marks import SESSION_SLOTS
from mis_bridge.store.schema import day_plan
from mis_bridge.store.sheet_work import SheetWork

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import LessonMark, SessionMark

__all__ = ["Seen", "Swept", "sweep"]

_ALWAYS_ALLOWED = 50
_LARGEST_SHARE = 0.2
_EMPTY = frozenset((NO_SESSION, NOT_TAKEN))


@dataclass(slots=True)
class Seen:
    """What one reading of a whole window saw; grows with every batch of it.

    It lives in memory: a reading that is interrupted ends without a sweep, the next begins anew.
    """

    sessions: dict[tuple[str, int], bytearray] = field(default_factory=dict)
    lessons: set[tuple[str, date, str]] = field(default_factory=set)

    def add_sessions(self, marks: Iterable[SessionMark]) -> None:
        """Note statutory marks."""
        places: dict[date, tuple[AcademicYear, int]] = {}
        for mark in marks:
            place = places.get(mark.day)
            if place is None:
                year = AcademicYear.of(mark.day)
                place = places[mark.day] = (year, year.slot(mark.day, pm=False))
            year, slot = place
            seen = self.sessions.get((mark.pupil, year.start))
            if seen is None:
                seen = self.sessions[mark.pupil, year.start] = bytearray(year.slots)
            seen[slot + mark.pm] = 1

    def add_lessons(self, marks: Iterable[LessonMark]) -> None:
        """Note lesson marks."""
        self.lessons.update((mark.pupil, mark.day, mark.period) for mark in marks)


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did.

    Args:
        vanished: marks that the reading did not see.
        of: marks that were stored in the window.
        refused: so many vanished that the reading is doubted; nothing was changed, and a person
            should look.
        days: recent days of which a sheet changed.
        years: starts of the academic years of which a strip changed.
    """

    vanished: int
    of: int
    refused: bool
    days: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()


def sweep(
    tx: Connection,
    school: str,
    stream: str,
    window: tuple[date, date],
    seen: Seen,
    seen_at: datetime,
    *,
    keep_from: date,
) -> Swept:
    """Turn the marks that a complete reading of a window did not see into registers not taken.

    A reading that would wipe out more than a fifth of the marks (and more than fifty) is doubted:
    no data must never look like no absence.

    Args:
        tx: the transaction.
        school: the school's id.
        stream: ``sessions`` or ``lessons``.
        window: first and last day that were read, both included.
        seen: all that was read.
        seen_at: when it was read.
        keep_from: the first day that has day sheets.
    """
    if stream == "sessions":
        return _sweep_sessions(tx, school, window, seen, seen_at, keep_from)
    if stream == "lessons":
        return _sweep_lessons(tx, school, (max(window[0], keep_from), window[1]), seen, seen_at)
    raise ValueError(f"there is nothing to sweep in the stream {stream!r}")


def _doubtful(vanished: int, of: int) -> bool:
    return vanished > _ALWAYS_ALLOWED and vanished > _LARGEST_SHARE * of


def _sweep_sessions(
    tx: Connection,
    school: str,
    window: tuple[date, date],
    seen: Seen,
    seen_at: datetime,
    keep_from: date,
) -> Swept:
    first, last = window
    gone: dict[AcademicYear, dict[str, list[int]]] = {}
    stored: dict[AcademicYear, dict[str, bytes]] = {}
    total = vanished = 0
    for start in range(AcademicYear.of(first).start, AcademicYear.of(last).start + 1):
        year = AcademicYear(start)
        low = year.slot(max(first, year.first), pm=False)
        high = year.slot(min(last, year.last), pm=True)
        marks = stored[year] = {
            pupil: strip.marks for pupil, strip in strips.load(tx, school, year).items()
        }
        lost = gone[year] = {}
        for pupil, strip in marks.items():
            there = seen.sessions.get((pupil, start))
            for slot in range(low, high + 1):
                if strip[slot] in _EMPTY:
                    continue
                total += 1
                if there is None or not there[slot]:
                    lost.setdefault(pupil, []).append(slot)
                    vanished += 1
    if not vanished or _doubtful(vanished, total):
        return Swept(vanished, total, refused=bool(vanished))
    return _wipe(tx, school, gone, stored, seen_at, keep_from, total)


def _wipe(
    tx: Connection,
    school: str,
    gone: dict[AcademicYear, dict[str, list[int]]],
    stored: dict[AcademicYear, dict[str, bytes]],
    seen_at: datetime,
    keep_from: date,
    total: int,
) -> Swept:
    wanted: dict[date, set[str]] = {}
    for year, lost in gone.items():
        for pupil, slots in lost.items():
            for slot in slots:
                day = year.day_of(slot)[0]
                if day >= keep_from:
                    wanted.setdefault(day, set()).add(pupil)
    work = SheetWork(tx, school, wanted, seen_at)
    log: list[MarkChange] = []
    vanished = 0
    for year, lost in gone.items():
        merged: dict[str, bytearray] = {}
        for pupil, slots in lost.items():
            marks = merged[pupil] = bytearray(stored[year][pupil])
            for slot in slots:
                day, pm = year.day_of(slot)
                old, marks[slot] = marks[slot], NOT_TAKEN
                vanished += 1
                place = SESSION_SLOTS[pm]
                if day in wanted:
                    work.take(pupil, day, place, NOT_TAKEN, None, old=old, by_force=True)
                else:
                    log.append(MarkChange(pupil, day, place.name, old, NOT_TAKEN, None))
        strips.save_raw(tx, school, year, merged)
    changes.append(tx, school, log, seen_at)
    work.store()
    years = frozenset(year.start for year, lost in gone.items() if lost)
    return Swept(vanished, total, refused=False, days=frozenset(work.changed_days), years=years)


def _sweep_lessons(
    tx: Connection, school: str, window: tuple[date, date], seen: Seen, seen_at: datetime
) -> Swept:
    days = tx.execute(
        select(day_plan.c.day).where(day_plan.c.school == school, day_plan.c.day.between(*window))
    ).scalars()
    total = 0
    lost = []
    for day in list(days):
        whole = sheets.load_whole(tx, school, day)
        for pupil in whole.sheets:
            for (kind, period), mark in whole.marks(pupil).items():
                if kind is not SlotKind.LESSON or mark.entry.code in _EMPTY:
                    continue
                total += 1
                if (pupil, day, period) not in seen.lessons:
                    lost.append((pupil, day, mark))
    if not lost or _doubtful(len(lost), total):
        return Swept(len(lost), total, refused=bool(lost))
    wanted: dict[date, set[str]] = {}
    for pupil, day, _ in lost:
        wanted.setdefault(day, set()).add(pupil)
    work = SheetWork(tx, school, wanted, seen_at)
    for pupil, day, mark in lost:
        work.take(
            pupil,
            day,
            mark.slot,
            NOT_TAKEN,
            None,
            old=mark.entry.code,
            register=mark.entry.register,
            by_force=True,
        )
    work.store()
    return Swept(len(lost), total, refused=False, days=frozenset(work.changed_days))
