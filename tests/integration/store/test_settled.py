"""Whether a person has touched a mark is kept with it, on both databases."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.records import LessonMark
from mis_bridge.store import marks, sheets

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.registers.day_sheet import Entry
    from mis_bridge.store.engine import Store
    from mis_bridge.store.marks import Applied

    Read = Callable[..., tuple[Entry, Applied]]


@pytest.fixture
def read(store: Store, calendar: SchoolCalendar, day: date) -> Read:
    """``read("/", at, settled=...)``: read one mark of P1; what is stored, what changed."""

    def put(code: str, at: datetime, *, settled: bool = True) -> tuple[Entry, Applied]:
        mark = LessonMark("p1", day, "P1", 540, 600, ord(code), None, "r1", settled)
        applied = store.run(
            marks.apply_lesson_marks, "oakfield", [mark], at, keep_from=day - timedelta(days=7)
        )
        with store.reading() as tx:
            (pupil,) = sheets.load_day(tx, "oakfield", day, calendar)
        entry = pupil.sheet.entry("P1")
        assert entry is not None
        return entry, applied

    return put


def test_a_mark_that_nobody_has_touched_is_stored_as_such(
    read: Read, at: Callable[..., datetime]
) -> None:
    """It is a change to decide on, with the minute at which it was first seen."""
    entry, applied = read("/", at(9, 2), settled=False)
    assert (entry.settled, entry.recorded, entry.register) == (False, 542, "r1")
    assert applied.changed == 1


def test_the_same_again_changes_nothing(read: Read, day: date, at: Callable[..., datetime]) -> None:
    """The minute stays that of the first sight, and there is nothing to decide."""
    read("/", at(9, 2), settled=False)
    entry, applied = read("/", at(9, 6), settled=False)
    assert (entry.settled, entry.recorded) == (False, 542)
    assert (applied.changed, applied.days) == (0, set())


def test_a_mark_that_settles_keeps_its_minute(
    read: Read, day: date, at: Callable[..., datetime]
) -> None:
    """The code is no other one, but the day has to be decided anew."""
    read("/", at(9, 2), settled=False)
    entry, applied = read("/", at(9, 6))
    assert (entry.settled, entry.recorded) == (True, 542)
    assert (applied.changed, applied.days) == (0, {day})


def test_what_has_settled_stays_settled_while_it_is_the_same_mark(
    read: Read, at: Callable[..., datetime]
) -> None:
    """A reader that can not tell any more takes nothing back."""
    read("/", at(9, 2))
    entry, applied = read("/", at(9, 6), settled=False)
    assert (entry.settled, entry.recorded, applied.changed) == (True, 542, 0)


def test_another_mark_has_its_own_flag(read: Read, at: Callable[..., datetime]) -> None:
    """An absence that a person wrote counts at once, what is filled in after it does not."""
    read("/", at(9, 2), settled=False)
    assert read("N", at(9, 4))[0].settled
    entry, _ = read("/", at(9, 8), settled=False)
    assert (entry.settled, entry.recorded) == (False, 548)
