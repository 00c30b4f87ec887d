"""Transaction 1: a batch goes in whole, once, and in whatever order it comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.records import (
    DayEventRecord,
    Deletion,
    LessonMark,
    PupilRecord,
    SessionMark,
)
from mis_bridge.adapters.source import Batch, Quarantined
from mis_bridge.errors import LeaseLost, MisChanged
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.day_sheet import DayEvent
from mis_bridge.service.ingest import IngestResult, ingest
from mis_bridge.store import (
    changes,
    digests,
    dirty,
    feeds,
    pupils,
    quarantine,
    sheets,
    strips,
)
from mis_bridge.store.changes import MarkChange, RegisterKey
from mis_bridge.store.dirty import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.store.engine import Store
    from mis_bridge.triggers.model import PupilDay

OLD = date(2025, 11, 4)
"""A school day long before the sheets that are kept."""


@pytest.fixture
def read(store: Store, now: datetime, day: date) -> Callable[..., IngestResult]:
    """``read(record, ..., stream=...)``: store a batch of records read now."""

    def put(*records: Any, stream: str = "sessions", **rest: Any) -> IngestResult:
        options: dict[str, Any] = {"keep_from": day - timedelta(days=7), "seen_at": now}
        named = ("sweep", "seen_at", "first_load")
        options |= {name: rest.pop(name) for name in named if name in rest}
        batch = Batch(stream, records, **rest)
        return store.run(ingest, "oakfield", batch, **options)

    return put


@pytest.fixture
def code_of(store: Store) -> Callable[..., str]:
    """``code_of(day, pm=..., pupil=...)``: the mark in the strip."""

    def look(on: date, *, pm: bool = False, pupil: str = "p1") -> str:
        year = AcademicYear.of(on)
        return store.run(strips.load, "oakfield", year)[pupil].mark(on, pm)

    return look


@pytest.fixture
def pupil_day(store: Store, day: date, calendar: SchoolCalendar) -> Callable[..., PupilDay]:
    """``pupil_day(pupil)``: what the day triggers see of a pupil on the test's Wednesday."""

    def look(pupil: str = "p1", on: date = day) -> PupilDay:
        loaded = store.run(sheets.load_day, "oakfield", on, calendar)
        return next(found for found in loaded if found.pupil == pupil)

    return look


def due(store: Store, now: datetime) -> set[tuple[Scope, date]]:
    """All keys that are due."""
    return {(item.scope, item.day) for item in store.run(dirty.due, now, 100)}


def lesson(code: str, **rest: Any) -> LessonMark:
    """A lesson mark in P2 of the test's Wednesday."""
    values: dict[str, Any] = {
        "pupil": "p1",
        "day": date(2026, 3, 11),
        "period": "P2",
        "starts": 600,
        "ends": 660,
        **rest,
    }
    return LessonMark(code=ord(code), **values)


def test_a_mark_of_today_stands_in_strip_and_sheet_and_makes_both_due(
    read: Callable[..., IngestResult],
    code_of: Callable[..., str],
    pupil_day: Callable[..., PupilDay],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
    store: Store,
    now: datetime,
    day: date,
) -> None:
    """A session mark is in the year's strip and in the day's sheet, with its local minute."""
    result = read(mark("N", recorded=at(8, 52)))
    assert result.changed == 1
    assert result.days == {day}
    assert result.years == {2025}
    assert code_of(day) == "N"
    ((slot, entry),) = pupil_day().sheet.entries
    assert (slot.name, slot.closes, entry.code, entry.recorded) == ("AM", 555, ord("N"), 532)
    assert due(store, now) == {(Scope.DAY, day), (Scope.YEAR, date(2025, 8, 1))}


def test_reading_the_same_again_writes_nothing_and_decides_nothing(
    read: Callable[..., IngestResult],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
    store: Store,
    now: datetime,
    day: date,
) -> None:
    """An equal second batch changes no row and makes no key due."""
    records = [
        mark("N", recorded=at(8, 52)),
        mark("/", day=OLD),
        lesson("/", recorded=at(10, 4), register="c1"),
        DayEventRecord("p1", at(9, 20), "sign_in", "bus"),
        PupilRecord("p1", flags=frozenset({"lac"})),
    ]
    assert read(*records).changed == 5
    for item in store.run(dirty.due, now, 10):
        store.run(dirty.settle, item, None)
    before = store.run(changes.load, "oakfield", OLD, day)
    again = read(*records)
    assert (again.changed, again.days, again.years) == (0, frozenset(), frozenset())
    assert due(store, now) == set()
    assert store.run(changes.load, "oakfield", OLD, day) == before


def test_a_page_is_passed_over_where_the_adapter_says_so_and_nowhere_else(
    read: Callable[..., IngestResult],
    code_of: Callable[..., str],
    mark: Callable[..., SessionMark],
    store: Store,
    day: date,
) -> None:
    """A known page behind a changed one comes again, because it may correct what that one says."""
    read(mark("N"), digests={"page 1": "a1"})
    read(mark("L"), digests={"page 2": "b1"})
    assert store.run(digests.known, "oakfield") == {"page 1": "a1", "page 2": "b1"}

    assert read(mark("U"), digests={"page 1": "a1"}, unchanged=True).unchanged
    assert code_of(day) == "L"

    read(mark("O"), digests={"page 1": "a2"})
    read(mark("L"), digests={"page 2": "b1"})
    assert code_of(day) == "L"


def test_the_cursor_moves_with_the_rows_or_not_at_all(
    store: Store, mark: Callable[..., SessionMark], now: datetime
) -> None:
    """A transaction that is not committed leaves neither rows nor a moved cursor."""

    def crash(tx: Connection) -> None:
        ingest(tx, "oakfield", Batch("sessions", [mark("N")], resume={"sessions": "2"}), now)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        store.run(crash)
    feed = store.run(feeds.get, "oakfield")
    assert feed is not None
    assert feed.resume == {}
    assert store.run(strips.load, "oakfield", AcademicYear(2025)) == {}
    assert due(store, now) == set()


def test_a_batch_of_a_stale_reader_is_refused_whole(
    store: Store, mark: Callable[..., SessionMark], now: datetime
) -> None:
    """Who lost the lease stores nothing."""
    (stale,) = store.run(feeds.claim_due, now, 1, 60.0, "one")
    store.run(feeds.claim_due, now + timedelta(minutes=2), 1, 60.0, "two")
    with pytest.raises(LeaseLost):
        store.run(ingest, "oakfield", Batch("sessions", [mark("N")]), now, fence=stale.fence)
    assert store.run(strips.load, "oakfield", AcademicYear(2025)) == {}


@pytest.mark.parametrize("late_first", [False, True])
def test_the_mark_that_was_saved_later_stands_in_whatever_order_they_come(
    read: Callable[..., IngestResult],
    code_of: Callable[..., str],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
    day: date,
    late_first: bool,
) -> None:
    """N at 8:50 corrected to L at 9:40: L stands even if the N is read after it."""
    pair = [mark("N", recorded=at(8, 50)), mark("L", recorded=at(9, 40))]
    for record in reversed(pair) if late_first else pair:
        read(record)
    assert code_of(day) == "L"


def test_without_times_the_last_one_stands(
    read: Callable[..., IngestResult],
    code_of: Callable[..., str],
    mark: Callable[..., SessionMark],
    day: date,
) -> None:
    """A MIS that does not say when a mark was saved is taken at its last word."""
    read(mark("N"), mark("L"))
    assert code_of(day) == "L"
    read(mark("N"))
    assert code_of(day) == "N"


@pytest.mark.parametrize("on", [date(2026, 3, 11), OLD])
def test_a_register_not_taken_never_wipes_out_a_mark(
    read: Callable[..., IngestResult],
    code_of: Callable[..., str],
    mark: Callable[..., SessionMark],
    on: date,
) -> None:
    """``-`` after a mark changes nothing; a mark after ``-`` does."""
    read(mark("-", day=on))
    assert code_of(on) == "-"
    assert read(mark("N", day=on)).changed == 1
    assert read(mark("-", day=on)).changed == 0
    assert code_of(on) == "N"


def test_a_register_that_was_emptied_later_is_not_taken_again(
    read: Callable[..., IngestResult],
    code_of: Callable[..., str],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
    day: date,
) -> None:
    """``-`` that says it was saved after the mark stands."""
    read(mark("N", recorded=at(8, 50)))
    assert read(mark("-", recorded=at(8, 50))).changed == 0
    assert read(mark("-", recorded=at(9, 0))).changed == 1
    assert code_of(day) == "-"


def test_an_absence_confirmed_later_keeps_the_minute_at_which_it_began(
    read: Callable[..., IngestResult],
    pupil_day: Callable[..., PupilDay],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
) -> None:
    """N at 8:52 made O at 11:00 is an absence known since 8:52."""
    read(mark("N", recorded=at(8, 52)))
    read(mark("O", recorded=at(11, 0)))
    entry = pupil_day().sheet.entry("AM")
    assert entry is not None
    assert (entry.code, entry.recorded) == (ord("O"), 532)


def test_a_mark_without_a_time_is_known_since_we_saw_it(
    read: Callable[..., IngestResult],
    pupil_day: Callable[..., PupilDay],
    mark: Callable[..., SessionMark],
    day: date,
) -> None:
    """On its own day it has the minute of reading (9:30); on another day none."""
    yesterday = day - timedelta(days=1)
    read(mark("N"), mark("N", day=yesterday))
    today, before = pupil_day().sheet.entry("AM"), pupil_day(on=yesterday).sheet.entry("AM")
    assert today is not None
    assert before is not None
    assert (today.recorded, before.recorded) == (570, None)


def test_a_first_load_of_a_year_keeps_strips_and_no_sheets_of_the_past(
    read: Callable[..., IngestResult],
    code_of: Callable[..., str],
    mark: Callable[..., SessionMark],
    store: Store,
    day: date,
) -> None:
    """A first mark of a day without sheets is in the strip only, and is not logged."""
    result = read(mark("N", day=OLD), mark("/", day=OLD, pm=True))
    assert result.changed == 2
    assert not result.days
    assert result.years == {2025}
    assert (code_of(OLD), code_of(OLD, pm=True)) == ("N", "/")
    assert store.run(sheets.load_whole, "oakfield", OLD).rows == {}
    assert store.run(changes.load, "oakfield", OLD, day) == []


def test_a_first_load_logs_what_is_new_today_and_what_became_another_mark(
    read: Callable[..., IngestResult],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
    store: Store,
    day: date,
) -> None:
    """What was there before anybody watched is no news; the sheet knows it all the same."""
    before = day - timedelta(days=1)
    marks = [mark("N", day=before), mark("L", day=before, pupil="p2"), mark("N")]
    lessons = [lesson("N"), lesson("N", day=before)]

    assert read(*marks, first_load=True).changed == 3
    assert read(*lessons, stream="lessons", first_load=True).changed == 2
    read(mark("O", day=before, recorded=at(9, 0)), first_load=True)

    logged = store.run(changes.load, "oakfield", before, day)
    assert [(one.day, one.slot, one.old, one.new) for one in logged] == [
        (day, "AM", ord("."), ord("N")),
        (day, "P2", ord("."), ord("N")),
        (before, "AM", ord("N"), ord("O")),
    ]
    assert store.run(sheets.load_whole, "oakfield", before).rows.keys() == {"p1", "p2"}


def test_a_correction_of_the_past_is_logged_and_weighed_in_the_year(
    read: Callable[..., IngestResult],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
    store: Store,
    now: datetime,
) -> None:
    """A mark corrected months later makes its year due, not its day, and leaves its old value."""
    read(mark("N", day=OLD))
    recorded = at(9, 0)
    assert read(mark("I", day=OLD, recorded=recorded)).changed == 1
    (change,) = store.run(changes.load, "oakfield", OLD, OLD)
    assert change == MarkChange("p1", OLD, "AM", ord("N"), ord("I"), recorded)
    assert due(store, now) == {(Scope.YEAR, date(2025, 8, 1))}


def test_lessons_live_in_the_sheet_and_make_the_day_due_only(
    read: Callable[..., IngestResult],
    pupil_day: Callable[..., PupilDay],
    at: Callable[..., datetime],
    store: Store,
    now: datetime,
    day: date,
) -> None:
    """Session and lesson stand in time order; a lesson never touches the strip."""
    result = read(
        lesson("N", recorded=at(10, 5), register="c7"),
        lesson("-", period="P1", starts=540, ends=600, register="c1"),
        stream="lessons",
    )
    assert result.changed == 2
    assert result.days == {day}
    assert not result.years
    entries = pupil_day().sheet.entries
    assert [(slot.name, entry.code, entry.recorded) for slot, entry in entries] == [
        ("P1", ord("-"), None),
        ("P2", ord("N"), 605),
    ]
    assert entries[1][1].register == "c7"
    assert due(store, now) == {(Scope.DAY, day)}


def test_a_lesson_that_was_moved_stands_once(
    read: Callable[..., IngestResult], pupil_day: Callable[..., PupilDay]
) -> None:
    """The same period with other times is the same lesson at its new time."""
    read(lesson("/"), stream="lessons")
    read(lesson("/", starts=615, ends=675), stream="lessons")
    ((slot, _),) = pupil_day().sheet.entries
    assert (slot.starts, slot.ends) == (615, 675)
    read(lesson("N"), stream="lessons")
    ((slot, entry),) = pupil_day().sheet.entries
    assert (slot.starts, entry.code) == (600, ord("N"))


def test_lessons_and_events_of_days_without_sheets_are_counted_and_passed_over(
    read: Callable[..., IngestResult], at: Callable[..., datetime]
) -> None:
    """They say nothing about a day that nobody looks at any more."""
    result = read(
        lesson("/", day=OLD), DayEventRecord("p1", at(9, 0, OLD), "message"), stream="lessons"
    )
    assert (result.changed, result.too_old) == (0, 2)


def test_events_are_seen_with_the_day(
    read: Callable[..., IngestResult],
    pupil_day: Callable[..., PupilDay],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
    day: date,
) -> None:
    """Sign-outs and messages come in time order with their local minutes."""
    result = read(
        mark("/"),
        DayEventRecord("p1", at(11, 2), "sign_out", "dentist"),
        DayEventRecord("p1", at(8, 10), "message", "dentist at eleven"),
        stream="events",
    )
    assert result.days == {day}
    assert pupil_day().events == (
        DayEvent(490, "message", "dentist at eleven"),
        DayEvent(662, "sign_out", "dentist"),
    )


def test_registers_are_known_to_exist_and_to_be_taken(
    read: Callable[..., IngestResult],
    at: Callable[..., datetime],
    store: Store,
    now: datetime,
    day: date,
) -> None:
    """A register without marks is known and not taken; its earliest mark says since when."""
    read(lesson("-", register="c7"), lesson("-", pupil="p2", register="c7"), stream="lessons")
    (seen,) = store.run(changes.seen, "oakfield", [day])
    assert (seen.key, seen.seen_at, seen.taken_at) == (RegisterKey(day, "P2", "c7"), now, None)
    read(
        lesson("/", register="c7", recorded=at(10, 6)),
        lesson("N", pupil="p2", register="c7", recorded=at(10, 4)),
        stream="lessons",
    )
    (seen,) = store.run(changes.seen, "oakfield", [day])
    assert seen.taken_at == at(10, 4)


def test_a_pupil_whom_the_roll_does_not_know_is_stored_seen_and_said(
    read: Callable[..., IngestResult],
    pupil_day: Callable[..., PupilDay],
    mark: Callable[..., SessionMark],
    store: Store,
) -> None:
    """Marks of a stranger count like others and stand in quarantine until the roll knows them."""
    read(PupilRecord("p1"), stream="pupils")
    result = read(mark("N", pupil="p9"))
    assert (result.changed, result.not_on_roll) == (1, 1)
    assert pupil_day("p9").sheet.entry("AM") is not None
    (row,) = store.run(quarantine.load, "oakfield")
    assert (row.place, row.problem) == ("p9", "not_on_roll")
    read(PupilRecord("p9"), stream="pupils")
    assert store.run(quarantine.load, "oakfield") == []


def test_marks_that_came_before_the_roll_are_compared_with_it(
    read: Callable[..., IngestResult], mark: Callable[..., SessionMark], store: Store
) -> None:
    """Without any roll nobody is a stranger; when it has come, those who are not on it are."""
    assert read(mark("N", pupil="p1"), mark("N", pupil="p9")).not_on_roll == 0
    assert read(PupilRecord("p1"), stream="pupils", last_of_stream=True).not_on_roll == 1
    assert store.run(quarantine.counts) == {"oakfield": 1}


@pytest.mark.parametrize("wrong", [date(1899, 12, 30), date(2099, 9, 1)])
def test_a_date_in_no_plausible_year_is_quarantined(
    read: Callable[..., IngestResult],
    mark: Callable[..., SessionMark],
    store: Store,
    wrong: date,
) -> None:
    """A spreadsheet's zero date or a typing error is kept aside and said; the rest goes in."""
    result = read(mark("N", day=wrong), mark("/"), lesson("N", day=wrong, pupil="p2"))
    assert (result.changed, result.quarantined) == (1, 2)
    (row, _) = store.run(quarantine.load, "oakfield")
    assert wrong.isoformat() in row.problem


def test_what_the_adapter_could_not_use_is_kept(
    read: Callable[..., IngestResult], store: Store
) -> None:
    """A quarantined row keeps where it stood and what it was, once however often it is read."""
    bad = Quarantined("sessions", "page 3 record 17", "not a code: map it", "ZZ")
    for _ in range(2):
        assert read(quarantined=[bad]).quarantined == 1
    (row,) = store.run(quarantine.load, "oakfield")
    assert (row.place, row.value) == ("page 3 record 17", "ZZ")


def test_rows_that_can_not_be_used_are_kept_however_many(store: Store, now: datetime) -> None:
    """A school whose own code for "present" nobody mapped: every mark of the year is set aside."""
    held = [Quarantined("sessions", f"page 1 record {n}", "unknown", "ZZ") for n in range(33_000)]
    store.run(ingest, "oakfield", Batch("sessions", quarantined=held), now)
    assert store.run(quarantine.counts) == {"oakfield": 33_000}


def test_a_change_of_the_roll_makes_today_due(
    read: Callable[..., IngestResult],
    pupil_day: Callable[..., PupilDay],
    store: Store,
    now: datetime,
    day: date,
) -> None:
    """A pupil who is looked after since today is looked at by that rule today."""
    known = PupilRecord("p1", form="7B", year_group=7, admission=date(2025, 9, 2))
    read(known, stream="pupils")
    for item in store.run(dirty.due, now, 10):
        store.run(dirty.settle, item, None)
    read(replace(known, flags=frozenset({"lac", "sen"})), stream="pupils")
    assert (Scope.DAY, day) in due(store, now)
    found = pupil_day()
    assert found.flags == {"lac", "sen"}
    assert (found.form, found.year_group) == ("7B", 7)


def test_who_has_left_or_not_yet_come_is_not_looked_for(
    read: Callable[..., IngestResult],
    store: Store,
    mark: Callable[..., SessionMark],
    calendar: SchoolCalendar,
    day: date,
) -> None:
    """The day shows the pupils on roll that day, the first and the last day included."""
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    read(
        PupilRecord("came", admission=day),
        PupilRecord("comes", admission=after),
        PupilRecord("leaves", leaving=day),
        PupilRecord("left", leaving=before),
        PupilRecord("gone"),
        mark("N", pupil="left"),
        stream="pupils",
    )
    read(Deletion("pupils", "gone"), stream="deletions")
    loaded = store.run(sheets.load_day, "oakfield", day, calendar)
    assert [found.pupil for found in loaded] == ["came", "leaves"]
    assert "gone" not in store.run(pupils.load, "oakfield")


def test_a_deleted_mark_asks_for_a_sweep(
    read: Callable[..., IngestResult], store: Store, now: datetime
) -> None:
    """The MIS names a mark by an id that nobody keeps: the window is read again."""
    read(Deletion("sessions", "A123"), stream="deletions")
    feed = store.run(feeds.get, "oakfield")
    assert feed is not None
    assert feed.sweep_at == now


def test_two_years_in_one_batch_go_into_two_strips(
    read: Callable[..., IngestResult],
    code_of: Callable[..., str],
    mark: Callable[..., SessionMark],
) -> None:
    """31 July and 1 August belong to different academic years."""
    july, august = date(2025, 7, 31), date(2025, 8, 1)
    assert read(mark("N", day=july), mark("I", day=august)).years == {2024, 2025}
    assert (code_of(july), code_of(august)) == ("N", "I")


def test_the_clock_change_moves_no_minute(
    read: Callable[..., IngestResult],
    pupil_day: Callable[..., PupilDay],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
) -> None:
    """08:50 on a summer-time day is minute 530, although it is 07:50 in Greenwich."""
    summer = date(2026, 4, 22)
    read(mark("N", day=summer, recorded=at(8, 50, summer)), seen_at=at(9, 0, summer))
    entry = pupil_day(on=summer).sheet.entry("AM")
    assert entry is not None
    assert entry.recorded == 530


def test_an_unwatched_school_stores_nothing(store: Store, now: datetime) -> None:
    """A school without a feed has no place to keep its cursor."""
    with pytest.raises(LeaseLost, match="no longer watched"):
        store.run(ingest, "nowhere", Batch("sessions"), now)


@pytest.mark.parametrize("days", [-3, 2, 60])
def test_a_mark_saved_on_another_day_is_held_at_the_edge(
    read: Callable[..., IngestResult],
    pupil_day: Callable[..., PupilDay],
    mark: Callable[..., SessionMark],
    at: Callable[..., datetime],
    day: date,
    days: int,
) -> None:
    """Saved before its day it is known from midnight; saved later, from then, within 45 days."""
    read(mark("H", recorded=at(10, 0, day + timedelta(days=days))))
    entry = pupil_day().sheet.entry("AM")
    assert entry is not None
    assert entry.recorded == {-3: 0, 2: 2 * 1440 + 600, 60: 0xFFFE}[days]


def test_a_roll_of_strangers_is_another_mis_and_nothing_of_it_is_stored(
    store: Store, read: Callable[..., IngestResult]
) -> None:
    """All ids changed overnight: neither is everybody gone nor everybody new."""
    known = [PupilRecord(f"A{number}") for number in range(20)]
    read(*known, stream="pupils", last_of_stream=True, complete=True)

    with pytest.raises(MisChanged, match="none of the 20 pupils"):
        read(
            *(PupilRecord(f"B{number}") for number in range(20)),
            stream="pupils",
            last_of_stream=True,
            complete=True,
        )

    assert store.run(pupils.ids, "oakfield") == {pupil.pupil for pupil in known}


def test_a_new_year_group_is_no_other_mis(store: Store, read: Callable[..., IngestResult]) -> None:
    """Half of the school may be new, and a poll may bring nobody but newcomers."""
    read(*(PupilRecord(f"A{n}") for n in range(20)), stream="pupils", complete=True)

    read(*(PupilRecord(f"B{n}") for n in range(30)), stream="pupils", complete=False)
    both = [PupilRecord(f"A{n}") for n in range(1)] + [PupilRecord(f"B{n}") for n in range(30)]
    read(*both, stream="pupils", complete=True)

    assert len(store.run(pupils.ids, "oakfield")) == 50
