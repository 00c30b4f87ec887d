"""The first of the three transactions: what an adapter read is stored, all of a batch or nothing.

In one transaction: the digests of the pages are looked at; strips, day sheets, pupils and events
are merged; changes are logged; what has to be decided anew is marked; the place to go on from
moves. Only what really changed is written: reading the same again costs no rows and decides
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar, cast

from mis_bridge.adapters.records import (
    DayEventRecord,
    Deletion,
    LessonMark,
    PupilRecord,
    SessionMark,
)
from mis_bridge.errors import MisChanged
from mis_bridge.registers.calendar import AcademicYear, local_minute
from mis_bridge.registers.codes import to_code
from mis_bridge.store import digests, dirty, feeds, marks, pupils, quarantine, strips
from mis_bridge.store import sweep as sweeps
from mis_bridge.store.quarantine import NOT_ON_ROLL, QuarantineRow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import Record
    from mis_bridge.adapters.source import Batch
    from mis_bridge.store.marks import Applied

__all__ = ["DEFAULT_KEEP", "IngestResult", "ingest"]

Kind = TypeVar("Kind")

_A_SCHOOL = 10
"""So many pupils at least are a roll; fewer may really have left together."""

DEFAULT_KEEP = timedelta(days=42)
"""Thirty school days: for how long day sheets are kept where the caller does not say."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of one batch.

    Args:
        stream: the stream it belongs to.
        records: how many records it held.
        changed: how many of them made a difference.
        quarantined: how many things went into quarantine.
        not_on_roll: pupils with marks whom the roll does not know; stored, and in quarantine too.
        vanished: marks, or pupils, that a sweep did not see any more.
        too_old: lesson marks and events of days whose sheets are no longer kept, passed over.
        days: recent days that have to be decided anew.
        years: starts of the academic years that have to be decided anew.
        unchanged: every page was known; no row was looked at.
    """

    stream: str
    records: int
    changed: int = 0
    quarantined: int = 0
    not_on_roll: int = 0
    vanished: int = 0
    too_old: int = 0
    days: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()
    unchanged: bool = False


def ingest(
    tx: Connection,
    school: str,
    batch: Batch,
    seen_at: datetime,
    *,
    keep_from: date | None = None,
    fence: int | None = None,
    sweep: tuple[date, date] | None = None,
) -> IngestResult:
    """Store one batch and move the place to go on from.

    Args:
        tx: the transaction; commit it at once.
        school: the school's id.
        batch: what an adapter read.
        seen_at: when it was read, aware.
        keep_from: the first day that has day sheets.
        fence: of the reader's lease on the feed; None where nothing is leased.
        sweep: first and last day of the window, where the whole of it is being read again: no
            digest is trusted, and with the last batch of a stream the marks that were not seen
            become registers not taken, and the pupils who were not seen leave the roll.

    Raises:
        LeaseLost: another reader has the feed now; nothing is stored.
        MisChanged: the roll is another one altogether; nothing is stored.
        StoreError: nothing is stored.
    """
    # First, because it locks the school: two readers of one school wait for each other here.
    before = feeds.move_resume(tx, school, batch.resume, fence=fence)
    if batch.unchanged or (sweep is None and _known(tx, school, batch)):
        return IngestResult(batch.stream, len(batch.records), unchanged=True)
    today = local_minute(seen_at)[0]
    store = _Storing(tx, school, seen_at, keep_from or today - DEFAULT_KEEP)
    swept = sweep if batch.stream in sweeps.SWEPT_STREAMS else None
    if swept and not before.get(batch.stream):
        sweeps.begin(tx, school, batch.stream, swept)
    store.everything(batch)
    if swept and sweeps.follows(tx, school, batch.stream, swept):
        store.sweep(batch, swept)
    quarantined = store.quarantine(batch)
    digests.save(tx, school, batch.digests, seen_at)
    dirty.mark(tx, school, store.days, seen_at)
    dirty.mark_years(tx, school, store.years, seen_at)
    return IngestResult(
        batch.stream,
        len(batch.records),
        store.changed,
        quarantined,
        len(store.strangers),
        store.vanished,
        store.too_old,
        frozenset(store.days),
        frozenset(store.years),
    )


def _known(tx: Connection, school: str, batch: Batch) -> bool:
    return bool(batch.digests) and all(
        digests.same(tx, school, page, digest) for page, digest in batch.digests.items()
    )


def _by_kind(records: Sequence[Record]) -> Callable[[type[Kind]], list[Kind]]:
    """Give a function that gives the records of one kind, in their order."""
    kinds = set(map(type, records))

    def of(kind: type[Kind]) -> list[Kind]:
        # A batch may hold sixty thousand records, and seldom more than one kind of them.
        if kind not in kinds:
            return []
        if len(kinds) == 1:
            return cast("list[Kind]", records)
        return [record for record in records if isinstance(record, kind)]

    return of


class _Storing:
    """One batch on its way in.

    Args:
        tx, school, seen_at, keep_from: as ``ingest`` has them.
    """

    def __init__(self, tx: Connection, school: str, seen_at: datetime, keep_from: date) -> None:
        self.tx = tx
        self.school = school
        self.seen_at = seen_at
        self.keep_from = keep_from
        self.changed = 0
        self.too_old = 0
        self.vanished = 0
        self.doubted = ""
        self.days: set[date] = set()
        self.years: set[int] = set()
        self.impossible: list[SessionMark | LessonMark] = []
        self.strangers: set[str] = set()

    def everything(self, batch: Batch) -> None:
        """Store the records, a kind at a time, the roll first."""
        of = _by_kind(batch.records)
        self._roll(of(PupilRecord), whole=batch.complete)
        self._deletions(of(Deletion))
        sessions, lessons, events = of(SessionMark), of(LessonMark), of(DayEventRecord)
        tx, school, seen_at, keep = self.tx, self.school, self.seen_at, self.keep_from
        if sessions:
            self._note(marks.apply_session_marks(tx, school, sessions, seen_at, keep_from=keep))
        if lessons:
            self._note(marks.apply_lesson_marks(tx, school, lessons, seen_at, keep_from=keep))
        if events:
            self._note(marks.apply_events(tx, school, events, keep_from=keep))
        named = {mark.pupil for mark in sessions} | {mark.pupil for mark in lessons}
        if batch.stream == "pupils" and batch.last_of_stream:
            # Marks that came before the roll did could not be compared with it.
            named |= strips.pupils(tx, school, AcademicYear.of(local_minute(seen_at)[0]))
        if named:
            roll = pupils.ids(tx, school)
            self.strangers = named - roll if roll else set()

    def sweep(self, batch: Batch, window: tuple[date, date]) -> None:
        """Note what was seen; at the end of the stream, find what is gone."""
        tx, school = self.tx, self.school
        seen = [
            record
            for record in batch.records
            if isinstance(record, PupilRecord | SessionMark | LessonMark)
        ]
        sweeps.note(tx, school, batch.stream, seen)
        # A MIS that can only tell what was saved since some moment is silent about older marks of
        # the window (leave that was entered weeks ahead): they are not gone.
        if not batch.complete:
            return
        if batch.stream == "pupils":
            self._sweep_roll()
            return
        swept = sweeps.finish(
            tx, school, batch.stream, window, self.seen_at, keep_from=self.keep_from
        )
        if swept.refused:
            self.doubted = (
                f"{swept.vanished} of {swept.of} marks from {window[0].isoformat()} to "
                f"{window[1].isoformat()} were missing from a complete reading; they were kept: "
                "check in the MIS whether they were really deleted"
            )
            return
        self.vanished = swept.vanished
        self.changed += swept.vanished
        self.days |= swept.days
        self.years |= swept.years

    def _sweep_roll(self) -> None:
        """Take those off the roll whom the MIS's whole roll does not have any more."""
        swept = sweeps.finish_roll(self.tx, self.school, local_minute(self.seen_at)[0])
        if swept.refused:
            self.doubted = (
                f"{swept.vanished} of {swept.of} pupils were missing from a complete reading of "
                "the roll; they were kept: check in the MIS whether they have really left"
            )
            return
        there = pupils.mark_gone(self.tx, self.school, swept.pupils, self.seen_at)
        self.vanished = len(there)
        self._roll_changed(len(there))

    def quarantine(self, batch: Batch) -> int:
        """Keep what can not be used, and say which pupils the roll does not know."""
        rows = [QuarantineRow(q.stream, q.place, q.problem, q.value) for q in batch.quarantined]
        rows += [
            QuarantineRow(
                batch.stream,
                f"pupil {mark.pupil}",
                f"{mark.day.isoformat()} is outside every plausible academic year: correct the "
                "date in the MIS",
                f"{mark.day.isoformat()} {to_code(mark.code)}",
            )
            for mark in self.impossible
        ]
        rows += [QuarantineRow(batch.stream, pupil, NOT_ON_ROLL) for pupil in self.strangers]
        if self.doubted:
            whole = "whole roll" if batch.stream == "pupils" else "whole window"
            rows.append(QuarantineRow(batch.stream, whole, self.doubted))
        if batch.replaces:
            quarantine.resolve_places(
                self.tx, self.school, batch.stream, batch.replaces, self.seen_at
            )
        return quarantine.add(self.tx, self.school, rows, self.seen_at)

    def _roll(self, records: list[PupilRecord], *, whole: bool) -> None:
        if whole:
            self._refuse_strangers({record.pupil for record in records})
        changed = pupils.upsert(self.tx, self.school, records) if records else set()
        if changed:
            quarantine.resolve_place(self.tx, self.school, NOT_ON_ROLL, changed, self.seen_at)
            self._roll_changed(len(changed))

    def _refuse_strangers(self, read: set[str]) -> None:
        """A whole roll of which nobody is known is another MIS, not a school of leavers.

        Raises:
            MisChanged: all ids are new; nothing is stored.
        """
        known = pupils.ids(self.tx, self.school)
        if len(known) >= _A_SCHOOL and len(read) >= _A_SCHOOL and not known & read:
            raise MisChanged(
                f"pupils: none of the {len(read)} pupils that the MIS gives is one of the "
                f"{len(known)} that are known"
            )

    def _deletions(self, records: list[Deletion]) -> None:
        gone = {record.key for record in records if record.stream == "pupils"}
        if gone:
            there = pupils.mark_gone(self.tx, self.school, gone, self.seen_at)
            self._roll_changed(len(there))
        if any(record.stream != "pupils" for record in records):
            # Upstream ids of marks are not kept: reading the window again finds what is gone.
            feeds.ask_sweep(self.tx, self.school, self.seen_at)

    def _roll_changed(self, count: int) -> None:
        # Flags and roll decide who is looked at today, and by which rules.
        if count:
            today = local_minute(self.seen_at)[0]
            self.changed += count
            self.days.add(today)
            self.years.add(AcademicYear.of(today).start)

    def _note(self, applied: Applied) -> None:
        self.changed += applied.changed
        self.too_old += applied.too_old
        self.days |= applied.days
        self.years |= applied.years
        self.impossible += applied.impossible
