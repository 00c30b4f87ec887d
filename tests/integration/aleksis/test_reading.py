"""What the adapter makes of a real AlekSIS's answers."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.records import LessonMark, PupilRecord
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import MisAnswerInvalid, MisAuthFailed, MisPermissionMissing
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.codes import NOT_TAKEN, to_code

if TYPE_CHECKING:
    from mis_bridge.adapters.source import Batch, Source

    from .conftest import Opened, Teacher

pytestmark = [pytest.mark.peer, pytest.mark.xdist_group("aleksis")]

SUMMER = date(2025, 6, 17)


async def _read(source: Source, day: date, digests: dict[str, str] | None = None) -> list[Batch]:
    plan = ReadPlan(window=(day, day), known_digests=digests or {})
    return [batch async for batch in source.read(plan)]


def _marks(batches: list[Batch]) -> list[LessonMark]:
    return [mark for batch in batches for mark in batch.records if isinstance(mark, LessonMark)]


async def test_the_roll_is_everybody_below_the_accounts_group(opened: Opened) -> None:
    """Twelve pupils of 9A with form and date of birth; no teacher, nobody of another class."""
    day = date(2024, 11, 18)
    batches = await _read(opened(now=local_datetime(day, 540)), day)
    roll = [one for batch in batches for one in batch.records if isinstance(one, PupilRecord)]
    assert len(roll) == 12
    assert {one.form for one in roll} == {"9A"}
    (ada,) = (one for one in roll if one.surname == "Testpupil")
    assert (ada.forename, ada.dob) == ("Ada", date(2011, 1, 1))


async def test_a_summer_lesson_has_its_local_time(opened: Opened) -> None:
    """AlekSIS says 08:00 UTC for the first lesson; in June that is nine o'clock of the same day."""
    batches = await _read(opened(now=local_datetime(SUMMER, 540)), SUMMER)
    times = {(mark.period, mark.day, mark.starts, mark.ends) for mark in _marks(batches)}
    assert times == {
        ("P1", SUMMER, 540, 600),
        ("P2", SUMMER, 600, 660),
        ("P3", SUMMER, 675, 735),
        ("P4", SUMMER, 810, 870),
    }


async def test_a_lesson_without_a_register_is_not_taken_for_the_whole_class(
    opened: Opened,
) -> None:
    """Twelve pupils and four lessons that nobody opened: forty-eight marks that say so."""
    day = date(2024, 11, 18)
    marks = _marks(await _read(opened(now=local_datetime(day, 540)), day))
    assert len(marks) == 48
    assert {mark.code for mark in marks} == {NOT_TAKEN}


async def test_reasons_go_through_the_schools_codes(opened: Opened, teacher: Teacher) -> None:
    """What the school calls kr is I, and SV is V; a reason that nobody mapped is set aside."""
    day = date(2024, 11, 19)
    teacher.open(day, 1, Ada="kr", Ben="SV", Cleo="N", Dai="??")
    batches = await _read(opened(now=local_datetime(day, 540)), day)
    names = {key: name for name, key in teacher.pupils.items()}
    marks = {names[m.pupil]: to_code(m.code) for m in _marks(batches) if m.period == "P1"}
    assert {name: marks.get(name) for name in ("Ada", "Ben", "Cleo", "Dai", "Ebo")} == {
        "Ada": "I",
        "Ben": "V",
        "Cleo": "N",
        "Dai": None,
        "Ebo": "/",
    }
    assert [q.value for batch in batches for q in batch.quarantined] == ["??"]


async def test_an_absence_entered_before_is_filled_in_and_not_yet_looked_at(
    opened: Opened, teacher: Teacher
) -> None:
    """The office's absence comes with the opened register as AlekSIS's own doing."""
    day = date(2024, 11, 20)
    teacher.enter_absence(day, "Hal", "kr")
    teacher.open(day, 1, Isa="kr")
    marks = _marks(await _read(opened(now=local_datetime(day, 540)), day))
    found = {mark.pupil: mark for mark in marks if mark.period == "P1"}
    filled, written = found[teacher.pupils["Hal"]], found[teacher.pupils["Isa"]]
    assert (to_code(filled.code), filled.settled) == ("I", False)
    assert (to_code(written.code), written.settled) == ("I", True)


async def test_the_same_answer_again_costs_no_rows(opened: Opened) -> None:
    """With the digests of the first reading the second one has nothing to store."""
    day = date(2024, 11, 21)
    source = opened(now=local_datetime(day, 540))
    digests: dict[str, str] = {}
    for batch in await _read(source, day):
        digests |= batch.digests
    again = await _read(source, day, digests)
    assert all(batch.unchanged for batch in again)
    assert _marks(again) == []


async def test_nobody_signed_in_is_not_an_empty_school(opened: Opened) -> None:
    """A key that AlekSIS does not know answers like a session that ended."""
    day = date(2024, 11, 18)
    with pytest.raises(MisAuthFailed):
        await _read(opened(now=local_datetime(day, 540), session="notasession"), day)


async def test_an_account_that_may_see_nothing_is_told_what_is_missing(opened: Opened) -> None:
    """Signed in, but no group of its own: a permission is missing, and nobody is absent."""
    day = date(2024, 11, 18)
    with pytest.raises(MisPermissionMissing):
        await _read(opened("unprivileged", now=local_datetime(day, 540)), day)


async def test_a_day_outside_the_school_year_is_not_a_day_without_lessons(opened: Opened) -> None:
    """AlekSIS answers with an empty list; the feed says that the school year is the wrong one."""
    day = date(2025, 9, 10)
    with pytest.raises(MisAnswerInvalid, match="school year"):
        await _read(opened(now=local_datetime(day, 540)), day)


async def test_the_check_names_what_the_account_will_never_see(opened: Opened) -> None:
    """Pupils are counted, reasons that nobody mapped are listed, and so is the class left out."""
    standing = await opened(now=local_datetime(SUMMER, 540)).check()
    assert standing.pupils == 12
    assert standing.unknown_codes == ("??",)
    assert "10C" in standing.detail
