"""Session marks in columns are the same marks."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from mis_bridge.adapters.records import SessionMark, SessionMarks

SAVED = datetime(2026, 9, 7, 8, 5, tzinfo=UTC)
MARKS = [
    SessionMark("p1", date(2026, 9, 7), False, ord("N"), SAVED),
    SessionMark("p2", date(2026, 9, 7), True, ord("/")),
    SessionMark("p1", date(2026, 9, 8), False, ord("I"), SAVED),
]


def test_columns_read_like_the_list_of_marks() -> None:
    """Whoever looks at one sees a mark."""
    columns = SessionMarks.of(MARKS)

    assert list(columns) == MARKS
    assert len(columns) == 3
    assert (columns[0], columns[-1], columns[1:]) == (MARKS[0], MARKS[-1], MARKS[1:])
    assert MARKS[1] in columns
    assert columns == MARKS
    assert columns == SessionMarks.of(MARKS)
    assert columns != MARKS[:2]
    assert columns != [*MARKS[:2], MARKS[0]]
    assert columns != "p1"
    with pytest.raises(IndexError):
        columns[3]


def test_columns_that_are_columns_already_stay_as_they_are() -> None:
    """Nothing is copied on the way into the store."""
    columns = SessionMarks.of(MARKS)

    assert SessionMarks.of(columns) is columns


def test_others_go_behind_and_some_can_be_chosen() -> None:
    """Both keep the order."""
    columns = SessionMarks.of(MARKS[:1])
    columns.add(SessionMarks.of(MARKS[1:]))

    assert columns == MARKS
    assert columns.chosen(pupil == "p1" for pupil in columns.pupils) == [MARKS[0], MARKS[2]]
    assert not SessionMarks.of([])
