"""What vanished: after a whole window or roll was read to its end, what was not in it is gone.

What a reading has seen so far is stored beside its rows, batch by batch, so that one that was
interrupted goes on where it was. A reading that did not begin at the beginning sweeps nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, select

from mis_bridge.adapters.records import LessonMark, PupilRecord, SessionMark, SessionMarks
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN
from mis_bridge.registers.day_sheet import Slot, decode
from mis_bridge.store import changes, sheets
from mis_bridge.store import strips as strip_rows
from mis_bridge.store.changes import MarkChange
from mis_bridge.store.marks import SESSION_SLOTS
from mis_bridge.store.schema import day_plan, strips, sweep_seen
from mis_bridge.store.schema import pupils as roll
from mis_bridge.store.sheet_work import SheetWork
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Select

    from mis_bridge.adapters.records import Record

__all__ = ["SWEPT_STREAMS", "Swept", "begin", "finish", "finish_roll", "follows", "note"]

SWEPT_STREAMS = frozenset({"pupils", "sessions", "lessons"})

_ALWAYS_ALLOWED = 50
_LARGEST_SHARE = 0.2
_LARGEST_SHARE_OF_ROLL = 0.5
"""In September a whole year has left: of a sixth form college that is half of the roll."""

_EMPTY = frozenset((NO_SESSION, NOT_TAKEN))
_ROLL = date(1970, 1, 1)
"""The day under which pupils are noted: a roll has none."""

_NOBODY = ""
"""The row without a pupil says which window the reading began with."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did.

    Args:
        vanished: marks, or pupils, that the reading did not see.
        of: marks that were stored in the window, or pupils on the roll.
        refused: so many vanished that the reading is doubted; nothing was changed, and a person
            should look.
        days: recent days of which a sheet changed.
        years: starts of the academic years of which a strip changed.
        pupils: who is on the roll no more.
    """

    vanished: int
    of: int
    refused: bool
    days: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()
    pupils: frozenset[str] = frozenset()


class _Gone(NamedTuple):
    """A stored mark that the reading did not see."""

    pupil: str
    day: date
    slot: Slot
    old: int
    register: str


def begin(tx: Connection, school: str, stream: str, window: tuple[date, date]) -> None:
    """A stream of a whole window is about to be read from its beginning.

    What an earlier reading saw is dropped. Where nothing is stored in the window nothing can have
    vanished, and the reading is not followed: the first load of a school costs nothing extra.
    """
    _forget(tx, school, stream)
    if stream == "pupils":
        stored: Select[Any] = select(roll.c.pupil).where(roll.c.school == school)
    elif stream == "sessions":
        first = AcademicYear.of(window[0]).start
        last = AcademicYear.of(window[1]).start
        years = strips.c.year.between(first, last)
        stored = select(strips.c.year).where(strips.c.school == school, years)
    else:
        days = day_plan.c.day.between(*window)
        stored = select(day_plan.c.day).where(day_plan.c.school == school, days)
    if tx.execute(stored.limit(1)).first() is not None:
        row = {"school": school, "stream": stream, "day": window[0], "pupil": _NOBODY}
        upsert(tx, sweep_seen, [{**row, "seen": _window_text(window)}])


def follows(tx: Connection, school: str, stream: str, window: tuple[date, date]) -> bool:
    """Whether the present reading of this window is followed from its beginning."""
    return tx.execute(
        select(sweep_seen.c.seen).where(
            sweep_seen.c.school == school,
            sweep_seen.c.stream == stream,
            sweep_seen.c.day == window[0],
            sweep_seen.c.pupil == _NOBODY,
        )
    ).scalar() == _window_text(window)


def note(tx: Connection, school: str, stream: str, records: Sequence[Record]) -> None:
    """Remember which marks, or pupils, a batch held.

    A register not taken is no mark: where one was stored before, it was undone.
    """
    seen: dict[date, dict[str, bytearray]] = {}
    for record in () if isinstance(records, SessionMarks) else records:
        if isinstance(record, PupilRecord):
            seen.setdefault(_ROLL, {})[record.pupil] = bytearray(b"1")
        elif isinstance(record, LessonMark) and record.code != NOT_TAKEN:
            blob = seen.setdefault(record.day, {}).setdefault(record.pupil, bytearray())
            blob += record.period.encode() + b"\n"
    if isinstance(records, SessionMarks):
        _note_sessions(records, seen)
    else:
        sessions = [record for record in records if isinstance(record, SessionMark)]
        _note_sessions(SessionMarks.of(sessions), seen)
    for day, pupils in seen.items():
        before = _load(tx, school, stream, day)
        rows = []
        for pupil, blob in pupils.items():
            known = before.get(pupil, b"")
            merged = known + bytes(blob) if stream == "lessons" else _union(known, blob)
            if merged != known:
                row = {"school": school, "stream": stream, "day": day}
                rows.append({**row, "pupil": pupil, "seen": merged})
        upsert(tx, sweep_seen, rows)


def _note_sessions(marks: SessionMarks, seen: dict[date, dict[str, bytearray]]) -> None:
    places: dict[date, tuple[dict[str, bytearray], int]] = {}
    for day in set(marks.days):
        year = AcademicYear.of(day)
        strips = seen.setdefault(year.first, defaultdict(partial(bytearray, year.slots)))
        places[day] = strips, year.slot(day, pm=False)
    for pupil, day, pm, code in zip(
        marks.pupils, marks.days, marks.afternoons, marks.codes, strict=True
    ):
        if code != NOT_TAKEN:
            pupils, slot = places[day]
            pupils[pupil][slot + pm] = 1


def finish(
    tx: Connection,
    school: str,
    stream: str,
    window: tuple[date, date],
    seen_at: datetime,
    *,
    keep_from: date,
) -> Swept:
    """Turn the marks that a complete reading of a window did not see into registers not taken.

    A reading that would wipe out more than a fifth of the marks (and more than fifty) is doubted:
    no data must never look like no absence.

    Args:
        tx: the transaction that stores the stream's last batch.
        school: the school's id.
        stream: of ``SWEPT_STREAMS``.
        window: first and last day that were read, both included.
        seen_at: when it was read.
        keep_from: the first day that has day sheets.
    """
    if stream == "sessions":
        total, gone = _gone_sessions(tx, school, window)
    else:
        total, gone = _gone_lessons(tx, school, (max(window[0], keep_from), window[1]))
    _forget(tx, school, stream)
    if len(gone) > _ALWAYS_ALLOWED and len(gone) > _LARGEST_SHARE * total:
        return Swept(len(gone), total, refused=True)
    if not gone:
        return Swept(0, total, refused=False)
    return _wipe(tx, school, stream, gone, total, seen_at, keep_from)


def finish_roll(tx: Connection, school: str, today: date) -> Swept:
    """Find the pupils who are on the roll no more, after the whole roll was read.

    A pupil whom the registers of the latest day still name stays: a list of pupils that was cut
    short must not take a child out of sight. A roll of which more than half (and more than fifty)
    would go is doubted.

    Args:
        tx: the transaction that stores the stream's last batch.
        school: the school's id.
        today: marks of later days (leave that was booked) do not count.
    """
    known = set(
        tx.execute(
            select(roll.c.pupil).where(roll.c.school == school, roll.c.gone_at.is_(None))
        ).scalars()
    )
    gone = known - _load(tx, school, "pupils", _ROLL).keys()
    _forget(tx, school, "pupils")
    if gone:
        gone -= _named_last(tx, school, today)
    if len(gone) > _ALWAYS_ALLOWED and len(gone) > _LARGEST_SHARE_OF_ROLL * len(known):
        return Swept(len(gone), len(known), refused=True)
    return Swept(len(gone), len(known), refused=False, pupils=frozenset(gone))


def _named_last(tx: Connection, school: str, today: date) -> set[str]:
    """Give the pupils who have a mark on the latest day of which there are any."""
    last: dict[str, date] = {}
    blank = bytes(_EMPTY)
    for year in strip_rows.years(tx, school):
        until = year.slot(min(today, year.last), pm=True) + 1 if year.first <= today else 0
        for pupil, marks in strip_rows.load_raw(tx, school, year, ()).items():
            slots = len(marks[:until].rstrip(blank))
            if slots:
                last[pupil] = year.day_of(slots - 1)[0]
    latest = tx.execute(
        select(func.max(day_plan.c.day)).where(day_plan.c.school == school, day_plan.c.day <= today)
    ).scalar()
    if latest is not None:
        whole = sheets.load_whole(tx, school, latest)
        for pupil, (entries, _) in whole.rows.items():
            if any(
                entry.code not in _EMPTY for _, entry in decode(latest, whole.plan, entries).entries
            ):
                last[pupil] = latest
    newest = max(last.values(), default=None)
    return {pupil for pupil, day in last.items() if day == newest}


def _gone_sessions(
    tx: Connection, school: str, window: tuple[date, date]
) -> tuple[int, list[_Gone]]:
    first, last = window
    total = 0
    gone = []
    for start in range(AcademicYear.of(first).start, AcademicYear.of(last).start + 1):
        year = AcademicYear(start)
        low = year.slot(max(first, year.first), pm=False)
        high = year.slot(min(last, year.last), pm=True)
        seen = _load(tx, school, "sessions", year.first)
        for pupil, strip in strip_rows.load(tx, school, year).items():
            there = seen.get(pupil, bytes(year.slots))
            for slot in range(low, high + 1):
                old = strip.marks[slot]
                if old in _EMPTY:
                    continue
                total += 1
                if not there[slot]:
                    day, pm = year.day_of(slot)
                    gone.append(_Gone(pupil, day, SESSION_SLOTS[pm], old, ""))
    return total, gone


def _gone_lessons(
    tx: Connection, school: str, window: tuple[date, date]
) -> tuple[int, list[_Gone]]:
    days = tx.execute(
        select(day_plan.c.day)
        .where(day_plan.c.school == school, day_plan.c.day.between(*window))
        .order_by(day_plan.c.day)
    ).scalars()
    total = 0
    gone = []
    for day in days.all():
        seen = _load(tx, school, "lessons", day)
        whole = sheets.load_whole(tx, school, day)
        for pupil, (entries, _) in whole.rows.items():
            there = set(seen.get(pupil, b"").decode().split("\n"))
            for slot, entry in decode(day, whole.plan, entries).entries:
                if slot.is_session or entry.code in _EMPTY:
                    continue
                total += 1
                if slot.name not in there:
                    gone.append(_Gone(pupil, day, slot, entry.code, entry.register))
    return total, gone


def _wipe(
    tx: Connection,
    school: str,
    stream: str,
    gone: list[_Gone],
    total: int,
    seen_at: datetime,
    keep_from: date,
) -> Swept:
    wanted: dict[date, set[str]] = {}
    for mark in gone:
        if mark.day >= keep_from:
            wanted.setdefault(mark.day, set()).add(mark.pupil)
    work = SheetWork(tx, school, wanted, seen_at)
    log = []
    for mark in gone:
        if mark.day in wanted:
            work.take(
                work.place(mark.day, mark.slot),
                mark.pupil,
                NOT_TAKEN,
                None,
                old=mark.old,
                register=mark.register,
                by_force=True,
            )
        else:
            log.append(MarkChange(mark.pupil, mark.day, mark.slot.name, mark.old, NOT_TAKEN, None))
    changes.append(tx, school, log, seen_at)
    work.store()
    years = _wipe_strips(tx, school, gone) if stream == "sessions" else frozenset[int]()
    return Swept(len(gone), total, refused=False, days=frozenset(work.changed_days), years=years)


def _wipe_strips(tx: Connection, school: str, gone: list[_Gone]) -> frozenset[int]:
    by_year: dict[AcademicYear, list[_Gone]] = {}
    for mark in gone:
        by_year.setdefault(AcademicYear.of(mark.day), []).append(mark)
    for year, lost in by_year.items():
        stored = strip_rows.load_raw(tx, school, year, {mark.pupil for mark in lost})
        merged: dict[str, bytearray] = {}
        for mark in lost:
            marks = merged.setdefault(mark.pupil, bytearray(stored[mark.pupil]))
            marks[year.slot(mark.day, mark.slot is SESSION_SLOTS[True])] = NOT_TAKEN
        strip_rows.save_raw(tx, school, year, merged)
    return frozenset(year.start for year in by_year)


def _window_text(window: tuple[date, date]) -> bytes:
    return f"{window[0].isoformat()}/{window[1].isoformat()}".encode()


def _load(tx: Connection, school: str, stream: str, day: date) -> dict[str, bytes]:
    rows = tx.execute(
        select(sweep_seen.c.pupil, sweep_seen.c.seen).where(
            sweep_seen.c.school == school,
            sweep_seen.c.stream == stream,
            sweep_seen.c.day == day,
        )
    )
    return dict(rows.all())


def _union(one: bytes, other: bytes | bytearray) -> bytes:
    length = max(len(one), len(other))
    both = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return both.to_bytes(length, "little")


def _forget(tx: Connection, school: str, stream: str) -> None:
    tx.execute(
        delete(sweep_seen).where(sweep_seen.c.school == school, sweep_seen.c.stream == stream)
    )
