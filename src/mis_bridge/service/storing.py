"""One batch on its way into the store: kind by kind, the roll first, what can not be used last.

Part of transaction 1 of 3 (``ingest``), which says when; here it is said what goes where.
"""

from __future__ import annotations

from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar, cast

from mis_bridge.adapters.records import (
    DayEventRecord,
    Deletion,
    LessonMark,
    PupilRecord,
    SessionMark,
    SessionMarks,
)
from mis_bridge.errors import MisChanged
from mis_bridge.registers.calendar import AcademicYear, local_minute
from mis_bridge.registers.codes import POSSIBLE_BYTES, to_code
from mis_bridge.store import feeds, marks, pupils, quarantine, strips
from mis_bridge.store import sweep as sweeps
from mis_bridge.store.quarantine import (
    NOT_ON_ROLL,
    OUTSIDE_ENROLMENT,
    SHARED_UPN,
    QuarantineRow,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import Record
    from mis_bridge.adapters.source import Batch
    from mis_bridge.store.marks import Applied

__all__ = ["Storing"]

Kind = TypeVar("Kind")

_A_SCHOOL: Final = 10
"""So many pupils at least are a roll; fewer may really have left together."""


def _by_kind(records: Sequence[Record]) -> Callable[[type[Kind]], list[Kind]]:
    """Give a function that gives the records of one kind, in their order."""
    kinds = {SessionMark} if isinstance(records, SessionMarks) else set(map(type, records))

    def of(kind: type[Kind]) -> list[Kind]:
        # A batch may hold sixty thousand records, and seldom more than one kind of them.
        if kind not in kinds:
            return []
        if len(kinds) == 1:
            return cast("list[Kind]", records)
        return [record for record in records if isinstance(record, kind)]

    return of


def _outside(
    marks: Iterable[tuple[str, date, int]], begins: date, roll: Mapping[str, pupils.Span]
) -> Iterator[str]:
    """Give the pupils with a mark of a day before admission or after leaving.

    A mark that claims nothing (Z is made for who is not on roll yet) is none.

    Args:
        marks: pupil, day and code.
        begins: the earliest day of them.
        roll: first and last day on roll.
    """
    limited = {
        pupil: (first or date.min, last or date.max)
        for pupil, (first, last) in roll.items()
        if last is not None or (first is not None and first > begins)
    }
    if not limited:
        return
    for pupil, day, code in marks:
        span = limited.get(pupil)
        if span and code in POSSIBLE_BYTES and not span[0] <= day <= span[1]:
            yield pupil


class Storing:
    """One batch on its way in.

    Args:
        tx, school, seen_at, keep_from: as ``ingest`` has them.
        news_from: the first marks of days before this one are not logged.
    """

    def __init__(
        self, tx: Connection, school: str, seen_at: datetime, keep_from: date, news_from: date
    ) -> None:
        self.tx = tx
        self.school = school
        self.seen_at = seen_at
        self.keep_from = keep_from
        self.news_from = news_from
        self.changed = 0
        self.too_old = 0
        self.vanished = 0
        self.doubted = ""
        self.days: set[date] = set()
        self.years: set[int] = set()
        self.impossible: list[SessionMark | LessonMark] = []
        self.strangers: set[str] = set()
        self.outside: set[str] = set()
        self.one_upn: frozenset[str] = frozenset()

    def everything(self, batch: Batch) -> None:
        """Store the records, a kind at a time, the roll first."""
        of = _by_kind(batch.records)
        self._roll(of(PupilRecord), whole=batch.complete)
        self._deletions(of(Deletion))
        columns = SessionMarks.of(of(SessionMark))
        lessons, events = of(LessonMark), of(DayEventRecord)
        tx, school, seen_at, keep = self.tx, self.school, self.seen_at, self.keep_from
        days = {"keep_from": keep, "news_from": self.news_from}
        if columns:
            self._note(marks.apply_session_marks(tx, school, columns, seen_at, **days))
        if lessons:
            self._note(marks.apply_lesson_marks(tx, school, lessons, seen_at, **days))
        if events:
            self._note(marks.apply_events(tx, school, events, keep_from=keep))
        named = {*columns.pupils, *(mark.pupil for mark in lessons)}
        if batch.stream == "pupils" and batch.last_of_stream:
            # Marks that came before the roll did could not be compared with it.
            named |= strips.pupils(tx, school, AcademicYear.of(local_minute(seen_at)[0]))
        if named:
            roll = pupils.spans(tx, school)
            self.strangers = named - roll.keys() if roll else set()
            marked = {*columns.days, *(mark.day for mark in lessons)}
            read = chain(
                zip(columns.pupils, columns.days, columns.codes, strict=True),
                ((mark.pupil, mark.day, mark.code) for mark in lessons),
            )
            self.outside = set(_outside(read, min(marked, default=date.max), roll))

    def sweep(self, batch: Batch, window: tuple[date, date]) -> None:
        """Note what was seen; at the end of the stream, find what is gone."""
        tx, school = self.tx, self.school
        sweeps.note(tx, school, batch.stream, batch.records)
        # A MIS that can only tell what was saved since some moment is silent about older marks of
        # the window (leave that was entered weeks ahead): they are not gone.
        if not batch.complete:
            return
        if batch.stream == "pupils":
            self._sweep_roll()
            return
        window = (max(window[0], batch.begins or window[0]), window[1])
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

    def quarantine(self, batch: Batch, read_from: date | None) -> int:
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
        doubts = [QuarantineRow(batch.stream, pupil, OUTSIDE_ENROLMENT) for pupil in self.outside]
        doubts += [QuarantineRow("pupils", pupil, SHARED_UPN) for pupil in self.one_upn]
        quarantine.add(self.tx, self.school, doubts, self.seen_at, read_from)
        return quarantine.add(self.tx, self.school, rows, self.seen_at, read_from)

    def _roll(self, records: list[PupilRecord], *, whole: bool) -> None:
        if whole:
            self._refuse_strangers({record.pupil for record in records})
        changed = pupils.upsert(self.tx, self.school, records) if records else set()
        if changed:
            for problem in (NOT_ON_ROLL, OUTSIDE_ENROLMENT):
                quarantine.resolve_place(self.tx, self.school, problem, changed, self.seen_at)
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
            self.one_upn = pupils.shared_upns(self.tx, self.school)
            right = pupils.ids(self.tx, self.school) - self.one_upn
            quarantine.resolve_place(self.tx, self.school, SHARED_UPN, right, self.seen_at)

    def _note(self, applied: Applied) -> None:
        self.changed += applied.changed
        self.too_old += applied.too_old
        self.days |= applied.days
        self.years |= applied.years
        self.impossible += applied.impossible
