"""Laws of storing marks: order, batches and repetition make no difference."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mis_bridge.adapters.records import LessonMark, SessionMark
from mis_bridge.adapters.source import Batch
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar, minutes_after_midnight
from mis_bridge.registers.codes import CODES, NOT_TAKEN
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.registers.strip import Strip
from mis_bridge.service.ingest import ingest
from mis_bridge.store import changes, sheets, strips
from mis_bridge.store.sheet_work import stands

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mis_bridge.store.engine import Store

NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
TODAY = date(2026, 3, 11)
KEEP_FROM = date(2026, 3, 6)
YEAR = AcademicYear(2025)
CALENDAR = SchoolCalendar(YEAR, date(2025, 9, 2), date(2026, 7, 21))

BYTES = st.sampled_from([code.byte for code in CODES] + [NOT_TAKEN])
RECENT = st.sampled_from([TODAY, TODAY - timedelta(days=1), KEEP_FROM])
ANY_DAY = st.one_of(RECENT, st.dates(YEAR.first, KEEP_FROM - timedelta(days=1)))
MOMENTS = st.integers(0, 4 * 24 * 60).map(lambda m: NOW - timedelta(days=2) + timedelta(minutes=m))
PUPILS = st.sampled_from(["p1", "p2", "p3"])
shared_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def timed_marks(draw: st.DrawFn) -> list[SessionMark]:
    """Marks of recent days, each saved at a moment of its own."""
    moments = draw(st.lists(MOMENTS, max_size=12, unique=True))
    return [
        SessionMark(draw(PUPILS), draw(RECENT), draw(st.booleans()), draw(BYTES), moment)
        for moment in moments
    ]


def untimed_marks(days: st.SearchStrategy[date]) -> st.SearchStrategy[list[SessionMark]]:
    """Marks of which the MIS does not say when they were saved."""
    mark = st.builds(SessionMark, PUPILS, days, st.booleans(), BYTES, st.none())
    return st.lists(mark, max_size=12)


def read(store: Store, school: str, *batches: Sequence[SessionMark | LessonMark]) -> int:
    """Store batches in their order; returns how much changed."""
    return sum(
        store.run(ingest, school, Batch("sessions", batch), NOW, keep_from=KEEP_FROM).changed
        for batch in batches
    )


def stored(store: Store, school: str) -> dict[str, Strip]:
    """All strips of the school."""
    return store.run(strips.load, school, YEAR)


def cut(marks: Sequence[SessionMark], data: st.DataObject) -> list[Sequence[SessionMark]]:
    """The same marks in their order, in batches of any size."""
    places = data.draw(st.lists(st.integers(0, len(marks)), max_size=4).map(sorted), "cuts")
    edges = [0, *places, len(marks)]
    return [marks[low:high] for low, high in itertools.pairwise(edges)]


@shared_store
@given(marks=timed_marks(), data=st.data())
def test_marks_with_times_may_come_in_any_order_and_any_batches(
    shared: Store, new_school: Callable[[], str], marks: list[SessionMark], data: st.DataObject
) -> None:
    """Whatever the order and the split, each slot holds the mark that was saved last."""
    one, other = new_school(), new_school()
    read(shared, one, marks)
    shuffled = data.draw(st.permutations(marks), "order")
    read(shared, other, *cut(shuffled, data))
    newest: dict[tuple[str, date, bool], SessionMark] = {}
    for mark in sorted(marks, key=lambda mark: mark.recorded or NOW):
        newest[mark.pupil, mark.day, mark.pm] = mark
    assert stored(shared, one) == stored(shared, other)
    for (pupil, on, pm), mark in newest.items():
        assert stored(shared, one)[pupil].byte(on, pm) == mark.code


@shared_store
@given(marks=untimed_marks(ANY_DAY), data=st.data())
def test_batches_of_any_size_give_the_same_strips(
    shared: Store, new_school: Callable[[], str], marks: list[SessionMark], data: st.DataObject
) -> None:
    """One batch, many batches, a mark at a time: the same, for recent and for old days."""
    whole, parts = new_school(), new_school()
    read(shared, whole, marks)
    read(shared, parts, *cut(marks, data))
    assert stored(shared, whole) == stored(shared, parts)


@shared_store
@given(marks=st.one_of(timed_marks(), untimed_marks(ANY_DAY)))
def test_a_strip_is_what_merging_the_marks_that_stand_from_scratch_gives(
    shared: Store, new_school: Callable[[], str], marks: list[SessionMark]
) -> None:
    """Stored strips equal those of the pure model: fold every mark by the rule, then merge."""
    school = new_school()
    read(shared, school, *[[mark] for mark in marks])
    model: dict[str, dict[int, tuple[int, datetime | None]]] = {}
    for mark in marks:
        slots = model.setdefault(mark.pupil, {})
        slot = YEAR.slot(mark.day, mark.pm)
        code, saved = slots.get(slot, (ord("."), None))
        if stands(code, saved, mark.code, mark.recorded):
            slots[slot] = (mark.code, mark.recorded)
    expected = {
        pupil: Strip.empty(YEAR).merge({slot: code for slot, (code, _) in slots.items()})[0]
        for pupil, slots in model.items()
    }
    assert stored(shared, school) == expected


@shared_store
@given(marks=st.one_of(timed_marks(), untimed_marks(ANY_DAY)))
def test_what_is_left_read_again_changes_nothing(
    shared: Store, new_school: Callable[[], str], marks: list[SessionMark]
) -> None:
    """The marks that stand, read once more, write no row and log no change."""
    school = new_school()
    read(shared, school, marks)
    log = shared.run(changes.load, school, YEAR.first, YEAR.last)
    standing = [
        SessionMark(pupil, on, pm, code)
        for pupil, strip in stored(shared, school).items()
        for on, am_code, pm_code in strip.days()
        for pm, code in ((False, am_code), (True, pm_code))
        if code != ord(".")
    ]
    assert read(shared, school, standing) == 0
    assert shared.run(changes.load, school, YEAR.first, YEAR.last) == log


@shared_store
@given(marks=untimed_marks(RECENT), data=st.data())
def test_the_log_leads_from_nothing_to_the_strip(
    shared: Store, new_school: Callable[[], str], marks: list[SessionMark], data: st.DataObject
) -> None:
    """Each logged change begins where the last one of its slot ended; the last is what stands."""
    school = new_school()
    read(shared, school, *cut(marks, data))
    standing: dict[tuple[str, date, str], int] = {}
    for change in shared.run(changes.load, school, YEAR.first, YEAR.last):
        key = (change.pupil, change.day, change.slot)
        # A register that is first seen untaken is no change of a mark and is not logged.
        assert change.old in {standing.get(key, ord(".")), *({NOT_TAKEN} - standing.keys())}
        standing[key] = change.new
    for (pupil, on, slot), code in standing.items():
        assert stored(shared, school)[pupil].byte(on, slot == "PM") == code


@st.composite
def lessons(draw: st.DrawFn) -> list[LessonMark]:
    """Lesson marks of one pupil's day in the order in which they were saved."""
    moments = sorted(draw(st.lists(MOMENTS, max_size=10, unique=True)))
    periods = {"P1": (540, 600), "P2": (600, 660), "P3": (660, 720)}
    marks = []
    for moment in moments:
        period = draw(st.sampled_from(sorted(periods)))
        register = draw(st.sampled_from(["", "c1", "c2"]))
        starts, ends = periods[period]
        marks.append(LessonMark("p1", TODAY, period, starts, ends, draw(BYTES), moment, register))
    return marks


@shared_store
@given(marks=lessons())
def test_a_stored_sheet_is_the_sheet_of_the_pure_model(
    shared: Store, new_school: Callable[[], str], marks: list[LessonMark]
) -> None:
    """Writing bytes gives what ``DaySheet.with_entry`` gives for marks that each say the new."""
    school = new_school()
    sheet = DaySheet(TODAY)
    for mark in marks:
        read(shared, school, [mark])
        slot = Slot(mark.period, SlotKind.LESSON, mark.starts, mark.ends)
        before = sheet.entry(mark.period)
        # The same mark saved again says nothing new: it keeps its minute.
        if before is None or (before.code, before.register) != (mark.code, mark.register):
            assert mark.recorded is not None
            minute = max(0, minutes_after_midnight(mark.recorded, TODAY))
            sheet = sheet.with_entry(slot, Entry(mark.code, minute, mark.register))
    loaded = shared.run(sheets.load_day, school, TODAY, CALENDAR)
    assert [found.sheet for found in loaded] == ([sheet] if marks else [])
