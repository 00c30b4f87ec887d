"""A mark that a MIS filled in by itself counts once a later reading still finds it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.service.settling import settle
from mis_bridge.triggers.model import PupilDay

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = date(2026, 6, 16)
"""A Tuesday in summer time: local and UTC minutes differ by an hour."""

P1 = Slot("P1", SlotKind.LESSON, 540, 600)
P2 = Slot("P2", SlotKind.LESSON, 600, 660)


def _at(minute: int) -> datetime:
    return local_datetime(DAY, minute)


def _pupil(*entries: tuple[Slot, Entry]) -> PupilDay:
    return PupilDay("p1", DaySheet(DAY, entries))


def _flags(pupils: Sequence[PupilDay]) -> list[bool]:
    return [entry.settled for pupil in pupils for _, entry in pupil.sheet.entries]


@pytest.mark.parametrize(("read_at", "counts"), [(545, False), (549, False), (550, True)])
def test_a_mark_counts_from_the_reading_five_minutes_after_it_was_first_seen(
    read_at: int, counts: bool
) -> None:
    """First seen at 9:05: a reading at 9:09 leaves it open, one at 9:10 lets it count."""
    opened = _pupil((P1, Entry(ord("/"), 545, settled=False)))
    settled, _ = settle([opened], DAY, _at(read_at), _at(read_at))
    assert _flags(settled) == [counts]


def test_a_mis_that_can_not_be_read_settles_nothing() -> None:
    """Two hours later without a reading, nobody knows what the teacher has written meanwhile."""
    opened = _pupil((P1, Entry(ord("/"), 545, settled=False)))
    settled, again = settle([opened], DAY, _at(546), _at(665))
    assert _flags(settled) == [False]
    assert again == _at(666)


def test_a_mis_that_was_never_read_settles_nothing() -> None:
    """Without any good reading nothing can have stood for a while."""
    settled, again = settle([_pupil((P1, Entry(ord("/"), 0, settled=False)))], DAY, None, _at(600))
    assert _flags(settled) == [False]
    assert again == _at(601)


def test_the_day_is_asked_for_again_when_the_first_mark_may_count() -> None:
    """Marks first seen at 9:05 and 10:03: asked again at 9:10, and never where all have settled."""
    opened = _pupil(
        (P1, Entry(ord("/"), 545, settled=False)), (P2, Entry(ord("/"), 603, settled=False))
    )
    assert settle([opened], DAY, _at(545), _at(545))[1] == _at(550)
    assert settle([opened], DAY, _at(550), _at(550))[1] == _at(608)
    assert settle([opened], DAY, _at(608), _at(608))[1] is None


def test_a_mark_of_an_earlier_day_counts_at_the_first_reading_of_the_next() -> None:
    """Nobody knows when it was made, and no register is still being taken a day later."""
    opened = _pupil((P1, Entry(ord("/"), None, settled=False)))
    assert _flags(settle([opened], DAY, _at(1439), _at(1439))[0]) == [False]
    tomorrow = local_datetime(DAY + timedelta(days=1), 0)
    assert _flags(settle([opened], DAY, tomorrow, tomorrow)[0]) == [True]


def test_marks_that_a_person_made_are_left_as_they_are() -> None:
    """Pupils without such marks come out as the very objects that went in, and nothing waits."""
    seen = _pupil((P1, Entry(ord("N"), 545)), (P2, Entry(ord("/"))))
    settled, again = settle([seen], DAY, _at(545), _at(545))
    assert settled[0] is seen
    assert again is None


def test_only_the_flag_changes() -> None:
    """Slots, codes, minutes and registers are those that were stored."""
    entry = Entry(ord("/"), 545, "r1", settled=False)
    ((pupil,), _) = settle([_pupil((P1, entry))], DAY, _at(700), _at(700))
    assert pupil.sheet == DaySheet(DAY, ((P1, Entry(ord("/"), 545, "r1")),))
