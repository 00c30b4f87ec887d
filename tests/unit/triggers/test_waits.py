"""A wait for people to put a mark right ends with a reading, and not in the dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mis_bridge.triggers.catalogue import assess_day
from mis_bridge.triggers.model import PupilDay, SchoolDay

from .conftest import TUESDAY

if TYPE_CHECKING:
    from mis_bridge.triggers.model import Assessment

    from .conftest import At, MakeDay


def look(at: At, day: PupilDay, *, read: str | None, now: str) -> Assessment:
    """What is true of one pupil's day, of which what a reading saw is known."""
    read_at = None if read is None else at(read)
    return assess_day(SchoolDay(TUESDAY, [day], last_good_read=read_at), at(now), {})


def level(assessment: Assessment) -> int:
    """The level of the only finding, 0 for none."""
    return max((one.level for one in assessment.findings), default=0)


def test_a_grace_that_ends_between_two_readings_asks_for_one(pupil_day: MakeDay, at: At) -> None:
    """Saved at 10:02 and last read at 10:10: at 10:12 nobody knows whether it was put right."""
    day = pupil_day("08:50 AM /", "10:02 P2 N")

    before = look(at, day, read="10:10", now="10:11")
    ends = look(at, day, read="10:10", now="10:12")

    assert (before.findings, before.read_from, before.look_again) == ((), at("10:12"), at("10:12"))
    assert (ends.findings, ends.read_from, ends.look_again) == ((), at("10:12"), at("10:14"))


def test_the_reading_that_was_asked_for_ends_the_wait(pupil_day: MakeDay, at: At) -> None:
    """It still stands at 10:12: told, and nothing is asked for any more."""
    found = look(at, pupil_day("08:50 AM /", "10:02 P2 N"), read="10:12", now="10:12")

    assert [one.fired_at for one in found.findings] == [at("10:12")]
    assert found.read_from is None


def test_a_mark_that_the_reading_finds_corrected_is_told_to_nobody(
    pupil_day: MakeDay, at: At
) -> None:
    """Put right at 10:11, after the last regular reading."""
    day = pupil_day("08:50 AM /", "10:02 P2 N", "10:11 P2 L")

    assert look(at, day, read="10:12", now="10:12").findings == ()


def test_a_mis_that_can_not_be_read_holds_up_an_alarm_for_two_minutes(
    pupil_day: MakeDay, at: At
) -> None:
    """Then it is told on what is known, and says of itself when its grace was over."""
    day = pupil_day("08:50 AM /", "10:02 P2 N")

    assert look(at, day, read="10:10", now="10:13").findings == ()
    (finding,) = look(at, day, read="10:10", now="10:14").findings

    assert finding.fired_at == at("10:12")


def test_what_is_acted_on_at_once_waits_for_nothing(pupil_day: MakeDay, at: At) -> None:
    """A child in care is told of with the reading that brought its absence."""
    day = pupil_day("08:50 AM /", "10:02 P2 N", flags="lac")

    assert level(look(at, day, read="10:02", now="10:02")) == 2


def test_the_close_of_a_register_is_waited_for_with_a_reading(pupil_day: MakeDay, at: At) -> None:
    """N at 08:50, closed at 09:15: who came in at 09:14 is not told of as absent."""
    day = pupil_day("08:50 AM N")

    early = look(at, day, read="09:13", now="09:15")
    late = look(at, day, read="09:15", now="09:15")

    assert (early.findings, early.read_from) == ((), at("09:15"))
    assert [one.trigger for one in late.findings] == ["unexplained_absence"]


def test_a_replay_waits_for_no_reading(pupil_day: MakeDay, at: At) -> None:
    """An export holds all that was ever written."""
    found = look(at, pupil_day("08:50 AM /", "10:02 P2 N"), read=None, now="10:12")

    assert level(found) == 1


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        pytest.param((), 2, id="two registers"),
        pytest.param(("10:20 message", "10:20 AM O"), 1, id="the family rang before"),
        pytest.param(("10:20 message",), 2, id="rang, and no reason was written"),
        pytest.param(("10:20 AM O",), 2, id="O, and nobody rang"),
        pytest.param(("09:10 message", "09:10 AM O"), 2, id="rang, and was seen after it"),
        pytest.param(("11:40 message", "11:40 AM O"), 2, id="rang when the DSL knew already"),
    ],
)
def test_another_register_that_repeats_what_the_family_said_does_not_raise(
    pupil_day: MakeDay, at: At, said: tuple[str, ...], wanted: int
) -> None:
    """N in the session, present in P1, absent in P2 and P3 whose teachers were told nothing.

    Level 1 stays, whoever rang: a register has seen the child.
    """
    day = pupil_day("08:50 AM N", "09:30 P1 /", "10:15 P2 N", "11:20 P3 N", *said)

    assert level(look(at, day, read="12:00", now="12:00")) == wanted


def test_a_child_of_whom_people_are_told_at_once_is_raised_whoever_rang(
    pupil_day: MakeDay, at: At
) -> None:
    """A child in care whom a register saw and two others miss."""
    said = ("08:50 AM N", "09:30 P1 /", "10:15 P2 N", "11:20 P3 N", "10:20 message", "10:20 AM O")

    assert level(look(at, pupil_day(*said, flags="lac"), read="12:00", now="12:00")) == 2


def test_a_double_lesson_that_is_saved_at_once_is_one_register(pupil_day: MakeDay, at: At) -> None:
    """P4 and P5 saved together at 13:16: level 1, also when P5 has begun."""
    day = pupil_day("08:50 AM /", "13:05 PM \\", "13:16 P4 N", "13:16 P5 N")

    assert level(look(at, day, read="14:30", now="14:30")) == 1


@pytest.mark.parametrize(("saved", "wanted"), [("12:30", 1), ("12:45", 1), ("12:46", 2)])
def test_what_is_written_into_a_session_ahead_is_no_second_register(
    pupil_day: MakeDay, at: At, saved: str, wanted: int
) -> None:
    """The afternoon begins at 13:00; at 12:45 and before nobody can have looked."""
    day = pupil_day("08:50 AM /", "11:20 P3 N", f"{saved} PM O")

    assert level(look(at, day, read="13:15", now="13:15")) == wanted
