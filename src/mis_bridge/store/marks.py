"""Marks and events go in: into the strips, the day sheets and the log of changes.

Which of two marks of one slot stands is said in ``sheet_work.stands``. How exactly the time of a
stored mark is known depends on the age of its day: to the second for as long as the day has a
sheet, not at all afterwards; then the mark that comes last stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.adapters.records import SessionMarks
from mis_bridge.registers.calendar import AcademicYear, local_minute
from mis_bridge.registers.codes import NO_SESSION
from mis_bridge.registers.day_sheet import Slot, SlotKind
from mis_bridge.store import changes, strips
from mis_bridge.store.changes import MarkChange
from mis_bridge.store.laid_out import Key, lay_out, merge, standing
from mis_bridge.store.schema import day_event
from mis_bridge.store.sheet_work import SheetWork
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import DayEventRecord, LessonMark, SessionMark
    from mis_bridge.store.laid_out import YearOfMarks
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


def apply_session_marks(
    tx: Connection,
    school: str,
    marks: Iterable[SessionMark],
    seen_at: datetime,
    *,
    keep_from: date,
    news_from: date = date.min,
) -> Applied:
    """Store statutory marks.

    Args:
        tx: the transaction.
        school: the school's id.
        marks: in the order of the MIS.
        seen_at: when they were read.
        keep_from: days from here on have day sheets; of earlier days only corrections are logged.
        news_from: likewise of days before this one, whether they have sheets or not.
    """
    applied = Applied()
    columns = SessionMarks.of(marks)
    laid = lay_out(columns, plausible_years(seen_at), keep_from)
    applied.impossible += laid.impossible
    wanted: dict[date, set[str]] = {}
    for year in laid.years.values():
        for pupil, recent in year.recent.items():
            for mark in recent:
                wanted.setdefault(mark.day, set()).add(pupil)
    work = SheetWork(tx, school, wanted, seen_at, news_from)
    corrected: dict[Key, int] = {}
    for start, year in laid.years.items():
        corrected |= _merge(tx, school, start, year, work, applied)
    changes.append(tx, school, _corrections(columns, corrected), seen_at)
    work.store()
    applied.days |= work.changed_days
    return applied


def _merge(
    tx: Connection,
    school: str,
    year: AcademicYear,
    batch: YearOfMarks,
    work: SheetWork,
    applied: Applied,
) -> dict[Key, int]:
    """Merge the marks of a year; give those of days without sheets that were others before."""
    pupils = batch.old.keys() | batch.recent.keys()
    stored = strips.load_raw(tx, school, year, pupils)
    merged: dict[str, bytearray] = {}
    corrected: dict[Key, int] = {}
    changed = 0
    places: dict[tuple[date, bool], tuple[Place, int]] = {}
    for pupil in sorted(pupils):
        marks = bytearray(stored.get(pupil, b"").ljust(year.slots, _PADDING))
        new = 0
        if pupil in batch.old:
            new, others = merge(marks, batch.old[pupil])
            corrected |= {Key(pupil, *year.day_of(slot)): old for slot, old in others}
        for mark in batch.recent.get(pupil, ()):
            found = places.get((mark.day, mark.pm))
            if found is None:
                place = work.place(mark.day, SESSION_SLOTS[mark.pm])
                found = place, year.slot(mark.day, mark.pm)
                places[mark.day, mark.pm] = found
            place, slot = found
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
    return corrected


def _corrections(marks: SessionMarks, corrected: Mapping[Key, int]) -> list[MarkChange]:
    """Write for the log what became of marks of days without sheets."""
    found = standing(marks, corrected)
    return [
        MarkChange(key.pupil, key.day, SESSION_SLOTS[key.pm].name, old, *found[key])
        for key, old in corrected.items()
    ]


def apply_lesson_marks(
    tx: Connection,
    school: str,
    marks: Iterable[LessonMark],
    seen_at: datetime,
    *,
    keep_from: date,
    news_from: date = date.min,
) -> Applied:
    """Store lesson marks: they live in day sheets only, and only for as long as those are kept.

    Args:
        tx: the transaction.
        school: the school's id.
        marks: in the order of the MIS.
        seen_at: when they were read.
        keep_from: the first day that has day sheets.
        news_from: of days before this one only corrections are logged.
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
    work = SheetWork(tx, school, wanted, seen_at, news_from)
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
