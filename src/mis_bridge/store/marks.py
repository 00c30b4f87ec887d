"""Marks and events go in: into the strips, the day sheets and the log of changes.

Which of two marks of one slot stands is said in ``sheet_work.stands``. How exactly the time of a
stored mark is known depends on the age of its day: to the second for as long as the day has a
sheet, not at all afterwards; then the mark that comes last stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.registers.calendar import AcademicYear, local_minute
from mis_bridge.registers.codes import NO_SESSION
from mis_bridge.registers.day_sheet import Slot, SlotKind
from mis_bridge.store import changes, strips
from mis_bridge.store.changes import MarkChange
from mis_bridge.store.schema import day_event
from mis_bridge.store.sheet_work import SheetWork, stands
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import DayEventRecord, LessonMark, SessionMark
    from mis_bridge.store.sheet_work import Place

__all__ = [
    "SESSION_SLOTS",
    "Applied",
    "apply_events",
    "apply_lesson_marks",
    "apply_session_marks",
    "plausible_years",
]

# Only the order of the day depends on these times; readers take the school's own from its calendar.
SESSION_SLOTS = (
    Slot("AM", SlotKind.SESSION, 525, 735, 555),
    Slot("PM", SlotKind.SESSION, 780, 910, 810),
)
"""Morning and afternoon as they stand in stored day plans."""

_OLDEST_YEARS = 20
_PADDING = bytes((NO_SESSION,))


@dataclass(slots=True)
class Applied:
    """What really changed.

    Args:
        changed: number of marks or events that are not what they were.
        days: recent days of which a sheet or an event changed.
        years: starts of the academic years of which a strip changed.
        too_old: lesson marks and events of days whose sheets are no longer kept.
        impossible: marks of days outside any plausible academic year, not stored.
    """

    changed: int = 0
    days: set[date] = field(default_factory=set)
    years: set[int] = field(default_factory=set)
    too_old: int = 0
    impossible: list[SessionMark | LessonMark] = field(default_factory=list)


def plausible_years(seen_at: datetime) -> range:
    """Starts of the academic years that a mark can belong to: twenty years back, one ahead."""
    present = AcademicYear.of(local_minute(seen_at)[0]).start
    return range(present - _OLDEST_YEARS, present + 2)


@dataclass(slots=True)
class _Year:
    """The marks of one academic year in a batch.

    Args:
        old: pupil -> slot -> the one that stands among this batch's, days without sheets.
        recent: pupil -> slots and marks in their order, days with sheets.
    """

    old: dict[str, dict[int, SessionMark]] = field(default_factory=dict)
    recent: dict[str, list[tuple[int, SessionMark]]] = field(default_factory=dict)


def apply_session_marks(
    tx: Connection,
    school: str,
    marks: Iterable[SessionMark],
    seen_at: datetime,
    *,
    keep_from: date,
) -> Applied:
    """Store statutory marks.

    Args:
        tx: the transaction.
        school: the school's id.
        marks: in the order of the MIS.
        seen_at: when they were read.
        keep_from: days from here on have day sheets; of earlier days only corrections are logged.
    """
    applied = Applied()
    years = _by_year(marks, seen_at, keep_from, applied)
    wanted: dict[date, set[str]] = {}
    for year in years.values():
        for pupil, recent in year.recent.items():
            for _, mark in recent:
                wanted.setdefault(mark.day, set()).add(pupil)
    work = SheetWork(tx, school, wanted, seen_at)
    log: list[MarkChange] = []
    for start, year in years.items():
        _merge(tx, school, AcademicYear(start), year, work, log, applied)
    changes.append(tx, school, log, seen_at)
    work.store()
    applied.days |= work.changed_days
    return applied


def _by_year(
    marks: Iterable[SessionMark], seen_at: datetime, keep_from: date, applied: Applied
) -> dict[int, _Year]:
    plausible = plausible_years(seen_at)
    years: dict[int, _Year] = {}
    # One look-up a mark: a bulk load is hundreds of thousands of marks on a few hundred days.
    places: dict[date, tuple[_Year | None, int, bool]] = {}
    for mark in marks:
        day = mark.day
        place = places.get(day)
        if place is None:
            span = AcademicYear.of(day)
            found = years.setdefault(span.start, _Year()) if span.start in plausible else None
            place = places[day] = (found, span.slot(day, pm=False), day >= keep_from)
        year, slot, recent = place
        if year is None:
            applied.impossible.append(mark)
        elif recent:
            year.recent.setdefault(mark.pupil, []).append((slot + mark.pm, mark))
        else:
            slots = year.old.get(mark.pupil)
            if slots is None:
                slots = year.old[mark.pupil] = {}
            slot += mark.pm
            earlier = slots.setdefault(slot, mark)
            if earlier is not mark and stands(
                earlier.code, earlier.recorded, mark.code, mark.recorded
            ):
                slots[slot] = mark
    return years


def _merge(
    tx: Connection,
    school: str,
    year: AcademicYear,
    batch: _Year,
    work: SheetWork,
    log: list[MarkChange],
    applied: Applied,
) -> None:
    pupils = batch.old.keys() | batch.recent.keys()
    stored = strips.load_raw(tx, school, year, pupils)
    merged: dict[str, bytearray] = {}
    changed = 0
    places: dict[tuple[date, bool], Place] = {}
    for pupil in sorted(pupils):
        marks = bytearray(stored.get(pupil, b"").ljust(year.slots, _PADDING))
        new = _merge_old(pupil, marks, batch.old.get(pupil, {}), log)
        for slot, mark in batch.recent.get(pupil, ()):
            key = (mark.day, mark.pm)
            place = places.get(key)
            if place is None:
                place = places[key] = work.place(mark.day, SESSION_SLOTS[mark.pm])
            if work.take(place, pupil, mark.code, mark.recorded, old=marks[slot]):
                marks[slot] = mark.code
                new += 1
        if new:
            merged[pupil] = marks
            changed += new
    if merged:
        strips.save_raw(tx, school, year, merged)
        applied.changed += changed
        applied.years.add(year.start)


def _merge_old(
    pupil: str, marks: bytearray, slots: Mapping[int, SessionMark], log: list[MarkChange]
) -> int:
    """Merge the marks of days without sheets into a strip; returns how many changed."""
    changed = 0
    for slot, mark in slots.items():
        old, new = marks[slot], mark.code
        if old == new:
            continue
        if old != NO_SESSION:
            if not stands(old, None, new, mark.recorded):
                continue
            name = SESSION_SLOTS[mark.pm].name
            log.append(MarkChange(pupil, mark.day, name, old, new, mark.recorded))
        marks[slot] = new
        changed += 1
    return changed


def apply_lesson_marks(
    tx: Connection,
    school: str,
    marks: Iterable[LessonMark],
    seen_at: datetime,
    *,
    keep_from: date,
) -> Applied:
    """Store lesson marks: they live in day sheets only, and only for as long as those are kept.

    Args:
        tx: the transaction.
        school: the school's id.
        marks: in the order of the MIS.
        seen_at: when they were read.
        keep_from: the first day that has day sheets.
    """
    applied = Applied()
    plausible = plausible_years(seen_at)
    kept: list[LessonMark] = []
    wanted: dict[date, set[str]] = {}
    for mark in marks:
        if AcademicYear.of(mark.day).start not in plausible:
            applied.impossible.append(mark)
        elif mark.day < keep_from:
            applied.too_old += 1
        else:
            kept.append(mark)
            wanted.setdefault(mark.day, set()).add(mark.pupil)
    work = SheetWork(tx, school, wanted, seen_at)
    places: dict[tuple[date, str, int, int], Place] = {}
    for mark in kept:
        key = (mark.day, mark.period, mark.starts, mark.ends)
        place = places.get(key)
        if place is None:
            slot = Slot(mark.period, SlotKind.LESSON, mark.starts, mark.ends)
            place = places[key] = work.place(mark.day, slot)
        applied.changed += work.take(
            place,
            mark.pupil,
            mark.code,
            mark.recorded,
            register=mark.register,
            settled=mark.settled,
        )
    work.store()
    applied.days |= work.changed_days
    return applied


def apply_events(
    tx: Connection, school: str, events: Iterable[DayEventRecord], *, keep_from: date
) -> Applied:
    """Store sign-ins, sign-outs and messages of the days that have day sheets."""
    applied = Applied()
    rows: dict[tuple[date, str, datetime, str], str] = {}
    for event in events:
        day = local_minute(event.at)[0]
        if day < keep_from:
            applied.too_old += 1
        else:
            rows[(day, event.pupil, event.at, event.kind)] = event.reason
    table = day_event.c
    stored = {
        (row.day, row.pupil, row.at, row.kind): row.reason
        for row in tx.execute(
            select(table.day, table.pupil, table.at, table.kind, table.reason).where(
                table.school == school, table.day.in_(sorted({key[0] for key in rows}))
            )
        )
    }
    fresh = {key: reason for key, reason in rows.items() if stored.get(key) != reason}
    upsert(
        tx,
        day_event,
        [
            {
                "school": school,
                "day": day,
                "pupil": pupil,
                "at": at,
                "kind": kind,
                "reason": reason,
            }
            for (day, pupil, at, kind), reason in fresh.items()
        ],
    )
    applied.changed = len(fresh)
    applied.days |= {key[0] for key in fresh}
    return applied
