"""What vanished from the MIS is found by reading a whole window, or the whole roll, again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.records import LessonMark, PupilRecord, SessionMark
from mis_bridge.adapters.source import Batch, Quarantined
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.service.ingest import IngestResult, ingest
from mis_bridge.store import changes, pupils, quarantine, sheets, strips

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.store.engine import Store

DAY = date(2026, 3, 11)
WINDOW = (date(2026, 3, 9), DAY)


@pytest.fixture
def read(store: Store, now: datetime) -> Callable[..., IngestResult]:
    """``read(records, sweep=..., resume=..., last=...)``: store one batch."""

    def put(
        records: list[Any],
        *,
        stream: str = "sessions",
        resume: str = "",
        last: bool = True,
        complete: bool = True,
        begins: date | None = None,
        sweep: tuple[date, date] | None = WINDOW,
    ) -> IngestResult:
        batch = Batch(
            stream,
            records,
            resume={stream: resume},
            last_of_stream=last,
            complete=last and complete,
            begins=begins,
        )
        return store.run(ingest, "oakfield", batch, now, sweep=sweep, keep_from=date(2026, 3, 10))

    return put


def test_a_mark_that_was_put_right_is_not_in_quarantine_any_more(
    store: Store, now: datetime
) -> None:
    """An unknown code is counted once however often the window is read, and gone when mended."""

    def sweep(*places: str) -> None:
        bad = [Quarantined("sessions", place, "not a code", "ZZ") for place in places]
        batch = Batch("sessions", quarantined=bad, last_of_stream=True, complete=True)
        store.run(ingest, "oakfield", batch, now, sweep=WINDOW, read_from=WINDOW[0])

    sweep("page 1 record 7", "page 1 record 9")
    sweep("page 1 record 8", "page 2 record 1")
    assert store.run(quarantine.counts) == {"oakfield": 2}
    sweep("page 2 record 1")
    assert store.run(quarantine.counts) == {"oakfield": 1}
    sweep()
    assert store.run(quarantine.counts) == {}


def of(pupil: str, on: date = DAY, code: str = "N") -> SessionMark:
    """A morning mark."""
    return SessionMark(pupil, on, pm=False, code=ord(code))


def lesson_of(pupil: str, period: str, code: str = "/") -> LessonMark:
    """A lesson mark of the test's Wednesday."""
    return LessonMark(pupil, DAY, period, 600, 660, ord(code))


def code(store: Store, pupil: str, on: date = DAY) -> str:
    """The mark in the strip."""
    return store.run(strips.load, "oakfield", AcademicYear(2025))[pupil].mark(on, pm=False)


def test_a_mark_that_a_whole_reading_does_not_see_is_gone(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """It becomes a register not taken in strip and sheet, is logged, and its day is due."""
    read([of("p1"), of("p2")], sweep=None)
    result = read([of("p1")])
    assert (result.vanished, result.changed) == (1, 1)
    assert result.days == {DAY}
    assert (code(store, "p1"), code(store, "p2")) == ("N", "-")
    last = store.run(changes.load, "oakfield", DAY, DAY)[-1]
    assert (last.pupil, last.old, last.new) == ("p2", ord("N"), ord("-"))


def test_a_mark_of_a_day_without_sheets_is_found_too(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """The strip knows more days than the sheets."""
    monday = WINDOW[0]
    read([of("p1", monday), of("p2", monday)], sweep=None)
    result = read([of("p1", monday)])
    assert result.vanished == 1
    assert not result.days
    assert result.years == {2025}
    assert code(store, "p2", monday) == "-"


def test_marks_outside_the_window_are_left_alone(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """What was not asked for is not missed."""
    outside = WINDOW[0] - timedelta(days=3)
    read([of("p1"), of("p2", outside)], sweep=None)
    assert read([of("p1")]).vanished == 0
    assert code(store, "p2", outside) == "N"


def test_a_reading_in_several_batches_counts_as_one(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """What any batch of the reading held was seen; only the last one sweeps."""
    read([of("p1"), of("p2"), of("p3")], sweep=None)
    assert read([of("p1")], resume="2", last=False).vanished == 0
    assert read([of("p2")]).vanished == 1
    assert [code(store, pupil) for pupil in ("p1", "p2", "p3")] == ["N", "N", "-"]


def test_a_reading_that_did_not_begin_at_the_beginning_sweeps_nothing(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """A sweep that goes on where an ordinary reading was interrupted has not seen its pages."""
    read([of("p1"), of("p2")], resume="2", last=False, sweep=None)
    assert read([of("p2")]).vanished == 0
    assert code(store, "p1") == "N"


def test_an_interrupted_sweep_goes_on(store: Store, read: Callable[..., IngestResult]) -> None:
    """What it had seen is stored with its rows: no restart loses it."""
    read([of("p1"), of("p2"), of("p3")], sweep=None)
    read([of("p1")], resume="2", last=False)
    # A new process; the cursor in the database says where to go on.
    read([of("p2")])
    assert [code(store, pupil) for pupil in ("p1", "p2", "p3")] == ["N", "N", "-"]


def test_a_reading_that_lacks_too_much_is_doubted(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """Sixty marks gone at once wipe out nothing: it is said, and a person looks."""
    everybody = [of(f"p{number}") for number in range(60)]
    read(everybody, sweep=None)
    result = read([])
    assert (result.vanished, result.changed, result.quarantined) == (0, 0, 1)
    assert code(store, "p7") == "N"
    (row,) = store.run(quarantine.load, "oakfield")
    assert "60 of 60 marks" in row.problem


def test_a_lesson_mark_that_vanished_is_gone_from_the_sheet(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """Lessons are swept in the days that have sheets."""
    marks = [lesson_of("p1", "P1"), lesson_of("p1", "P2"), lesson_of("p2", "P1")]
    read(marks, stream="lessons", sweep=None)
    result = read([marks[0], marks[2]], stream="lessons")
    assert result.vanished == 1
    assert result.days == {DAY}
    whole = store.run(sheets.load_whole, "oakfield", DAY)
    assert whole.rows["p1"][0][1::6] in (b"/-", b"-/")
    assert whole.rows["p2"][0][1::6] == b"/"


def test_a_mis_that_is_silent_about_old_marks_loses_none(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """A reading that ends but does not give every mark of the window sweeps nothing."""
    read([of("p1"), of("p2")], sweep=None)
    assert read([of("p1")], complete=False).vanished == 0
    assert code(store, "p2") == "N"


@pytest.mark.parametrize("mark", [of, lesson_of], ids=["session", "lesson"])
def test_a_mark_that_was_undone_is_gone_as_one_that_vanished(
    store: Store, read: Callable[..., IngestResult], mark: Callable[..., Any]
) -> None:
    """``-`` alone never wipes out a mark; a whole reading that has nothing else there does."""
    stream, told = ("sessions", {}) if mark is of else ("lessons", {"period": "P2"})
    read([mark("p1", **told), mark("p2", **told)], stream=stream, sweep=None)
    undone = [mark("p1", **told), mark("p2", **told, code="-")]
    assert read(undone, stream=stream, sweep=None).changed == 0
    assert read(undone, stream=stream).vanished == 1
    assert read(undone, stream=stream).vanished == 0


def test_a_reading_that_begins_within_the_window_sweeps_from_there(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """A MIS is asked day by day for a month only; what is older was not asked for."""
    old = WINDOW[0]
    read([of("p1"), of("p1", old), of("p2"), of("p2", old)], sweep=None)
    assert read([of("p1")], begins=DAY).vanished == 1
    assert (code(store, "p2"), code(store, "p2", old)) == ("-", "N")


def test_a_mark_may_come_back(store: Store, read: Callable[..., IngestResult]) -> None:
    """A mark that a sweep wiped out and that is read again stands again."""
    read([of("p1"), of("p2")], sweep=None)
    read([of("p1")])
    read([of("p1"), of("p2")])
    assert code(store, "p2") == "N"


# ---- the roll


def roll(store: Store) -> set[str]:
    """Who is on it."""
    return set(store.run(pupils.load, "oakfield"))


def people(*names: str) -> list[PupilRecord]:
    """Pupils of whom nothing but the id is known."""
    return [PupilRecord(name) for name in names]


def test_a_pupil_whom_the_whole_roll_does_not_have_any_more_has_left(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """Today and this year are due; who comes back is back."""
    read(people("p1", "p2"), stream="pupils")
    read([of("p1"), of("p2", WINDOW[0])])

    result = read(people("p1"), stream="pupils")

    assert result.vanished == 1
    assert (set(result.days), set(result.years)) == ({DAY}, {2025})
    assert roll(store) == {"p1"}
    read(people("p1", "p2"), stream="pupils")
    assert roll(store) == {"p1", "p2"}


@pytest.mark.parametrize("mark", [of("p2"), lesson_of("p2", "P3")])
def test_a_pupil_whom_the_latest_registers_name_stays_on_the_roll(
    store: Store, read: Callable[..., IngestResult], mark: SessionMark | LessonMark
) -> None:
    """A list of pupils that was cut short takes no child out of sight."""
    read(people("p1", "p2", "p3"), stream="pupils")
    read([of("p1")])
    read([mark], stream="sessions" if isinstance(mark, SessionMark) else "lessons")

    read(people("p1"), stream="pupils")

    assert roll(store) == {"p1", "p2"}


def test_leave_that_is_booked_ahead_keeps_nobody_on_the_roll(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """Days to come have no registers yet, and a register that was not taken names nobody."""
    read(people("p1", "p2", "p3"), stream="pupils")
    read([of("p1"), of("p2", DAY + timedelta(days=7), "C"), of("p3", code="-")])

    read(people("p1"), stream="pupils")

    assert roll(store) == {"p1"}


def test_a_reading_of_changes_takes_nobody_off_the_roll(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """Nor does a reading that did not give everybody, or broke off."""
    read(people("p1", "p2"), stream="pupils")

    read(people("p1"), stream="pupils", sweep=None)
    read(people("p1"), stream="pupils", complete=False)
    read(people("p1"), stream="pupils", resume="2", last=False)

    assert roll(store) == {"p1", "p2"}


def test_a_roll_in_several_batches_counts_as_one(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """Who was in any of them is on it."""
    read(people("p1", "p2", "p3"), stream="pupils")

    read(people("p1"), stream="pupils", resume="2", last=False)
    read(people("p3"), stream="pupils")

    assert roll(store) == {"p1", "p3"}


def test_a_roll_of_which_most_are_gone_is_doubted(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """More than half, and more than fifty: nobody leaves, and a person looks."""
    everybody = [f"p{number}" for number in range(120)]
    read(people(*everybody), stream="pupils")

    result = read(people(*everybody[:59]), stream="pupils")

    assert (result.vanished, result.quarantined) == (0, 1)
    assert len(roll(store)) == 120
    (row,) = store.run(quarantine.load, "oakfield")
    assert "61 of 120 pupils" in row.problem
    read(people(*everybody[:60]), stream="pupils")
    assert len(roll(store)) == 60
