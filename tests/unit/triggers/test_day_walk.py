"""What each mark and event says of where a child is, and in which order."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mis_bridge.registers.codes import CODES, ON_SITE_BYTES, to_byte, to_code
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.day_walk import BLANK, ELSEWHERE, MISSED, ON_SITE, SAYS, walk
from mis_bridge.triggers.model import PupilDay

MakeDay = Any
NIGHT = 23 * 60


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_only_n_and_o_say_that_nobody_knows(code: Any) -> None:
    """Of all codes only N and O are absences that leave open where the child is."""
    expected = (
        ON_SITE
        if code.byte in ON_SITE_BYTES
        else MISSED
        if code.code in ("N", "O")
        else BLANK
        if code.code == "-"
        else ELSEWHERE
    )

    assert expected == SAYS[code.byte]


@pytest.mark.parametrize("byte", ON_SITE_BYTES, ids=to_code)
def test_every_on_site_lesson_mark_is_a_sighting(byte: int, pupil_day: MakeDay) -> None:
    """A lesson mark that puts the child on the site is positive evidence."""
    day = walk(pupil_day(f"10:00 P2 {to_code(byte)}"), NIGHT)

    assert [sight.order[0] for sight in day.sightings] == [9 * 60 + 55]


def test_a_register_nobody_completed_is_neither(pupil_day: MakeDay) -> None:
    """Marks that the MIS filled in are no sighting, and an absence among them is no signal."""
    day = walk(pupil_day("08:56 P1 /", "10:00 P2 N", unsettled="P1 P2"), NIGHT)

    assert day.sightings == ()
    assert day.signals == ()


@pytest.mark.parametrize(
    ("said", "arrived"),
    [
        ("08:55 AM L", 8 * 60 + 55),
        ("11:00 AM L", 9 * 60 + 15),  # corrected later: L is an arrival before the close
        ("AM L", 9 * 60 + 15),
        ("10:15 AM U", 10 * 60 + 15),
        ("14:00 AM U", 12 * 60 + 15),  # written down later: an arrival within the session
        ("AM U", 12 * 60 + 15),
        ("14:20 PM U", 14 * 60 + 20),
        ("09:00 AM U", 9 * 60),  # nobody arrives after the mark was saved
    ],
)
def test_late_marks_say_when_the_child_arrived(said: str, arrived: int, pupil_day: MakeDay) -> None:
    """L counts up to the register's close, U up to the end of the session, whenever saved."""
    (sight,) = walk(pupil_day(said), NIGHT).sightings

    assert sight.order == (arrived, -1)


def test_a_late_mark_without_a_time_is_set_at_the_first_lesson_seen(pupil_day: MakeDay) -> None:
    """A U without a minute does not count as an arrival after a lesson that saw the child."""
    day = walk(pupil_day("AM U", "P1 N", "P2 /", "P3 N"), NIGHT)

    assert day.sightings[0].order == (9 * 60 + 55, -1)
    assert [signal.slot.name for signal in day.missing] == ["P3"]


@pytest.mark.parametrize("late", ["11:40 AM U", "11:40 AM L"])
def test_a_corrected_morning_mark_finds_nobody(late: str, pupil_day: MakeDay) -> None:
    """N becomes U or L because P2 saw the child; who is missing since P3 stays missing."""
    day = walk(pupil_day("10:00 P2 /", "11:20 P3 N", late), NIGHT)

    assert [signal.slot.name for signal in day.missing] == ["P3"]


def test_who_arrives_after_a_lesson_that_missed_the_child_is_found(pupil_day: MakeDay) -> None:
    """U saved at 11:40, with no lesson that saw the child before: it came in at 11:40."""
    day = walk(pupil_day("10:02 P2 N", "11:20 P3 N", "11:40 AM U"), NIGHT)

    assert day.missing == []
    assert day.missed == []


def test_a_late_mark_is_no_arrival_before_the_register_closed(pupil_day: MakeDay) -> None:
    """Seen in P1, which begins before the close, and U: arrived at the close at the earliest."""
    day = walk(pupil_day("09:40 AM U", "09:40 P1 L"), NIGHT)

    assert [sight.order[0] for sight in day.sightings] == [8 * 60 + 55, 9 * 60 + 15]


@pytest.mark.parametrize("minute", [13 * 60, NIGHT])
def test_a_register_filled_in_hours_ahead_has_seen_nobody(minute: int, pupil_day: MakeDay) -> None:
    """The afternoon marked with the morning: no child is found because the clock strikes one."""
    day = walk(pupil_day("08:40 PM \\", "08:50 AM /", "10:02 P2 N"), minute)

    assert [signal.slot.name for signal in day.missing] == ["P2"]
    assert day.ahead == ()


def test_presence_entered_the_day_before_is_no_presence(pupil_day: MakeDay) -> None:
    """A mark saved before midnight, which stands as minute 0, has seen nobody today."""
    assert walk(pupil_day("00:00 AM /", "09:00 P1 N"), NIGHT).sightings == ()


def test_a_lesson_that_lies_ahead_has_seen_nobody(pupil_day: MakeDay) -> None:
    """A register opened a little early ends no search before its slot begins."""
    day = pupil_day("12:50 PM \\", "08:50 AM /", "10:02 P2 N")

    assert walk(day, 12 * 60 + 59).missing
    assert walk(day, 13 * 60).missing == []
    assert walk(day, 12 * 60 + 59).ahead == (13 * 60,)


def test_an_absence_saved_ahead_counts_from_its_slot(pupil_day: MakeDay) -> None:
    """Nobody can be missing from a lesson that has not begun."""
    (signal,) = walk(pupil_day("08:50 AM /", "09:30 P2 N"), NIGHT).missing

    assert signal.known == 9 * 60 + 55


def test_order_is_the_slots_and_not_the_saving(pupil_day: MakeDay) -> None:
    """A register saved late falls into its place."""
    day = walk(pupil_day("08:50 AM /", "11:18 P3 /", "14:00 P2 N"), NIGHT)

    assert [signal.slot.name for signal in day.missed] == ["P2"]
    assert day.missing == []


def test_a_lesson_before_the_first_sighting_is_neither(pupil_day: MakeDay) -> None:
    """Who has not arrived is not missing during the day and has not missed a lesson."""
    day = walk(pupil_day("09:00 P1 N", "10:00 P2 /"), NIGHT)

    assert day.missed == []
    assert day.missing == []


def test_the_session_comes_before_a_lesson_that_starts_with_it(pupil_day: MakeDay) -> None:
    """Registration and the first lesson at one minute: seen at registration is seen before."""
    day = walk(pupil_day("13:02 PM \\", "13:15 P4 N"), NIGHT)

    assert [signal.slot.name for signal in day.missing] == ["P4"]


@pytest.mark.parametrize(
    ("events", "excused"),
    [
        (("09:50 sign_out",), True),
        (("10:50 sign_out",), True),
        (("10:55 sign_out",), False),
        (("09:00 sign_out", "09:40 sign_in"), False),
        (("09:00 sign_out", "10:05 sign_in"), True),
        (("11:00 sign_out",), False),
    ],
)
def test_a_sign_out_excuses_the_lessons_that_it_touches(
    events: tuple[str, ...], excused: bool, pupil_day: MakeDay
) -> None:
    """P2 from 09:55 to 10:55 is excused if the pupil was signed out in any part of it."""
    day = walk(pupil_day("08:50 AM /", "10:02 P2 N", *events), NIGHT)

    assert excused is (not day.signals)


def test_a_sign_out_of_a_later_minute_does_not_count_yet(pupil_day: MakeDay) -> None:
    """A sign-out booked for eleven says nothing at half past ten."""
    booked = pupil_day("08:50 AM /", "10:02 P2 N", "11:00 sign_out")

    assert walk(booked, 10 * 60 + 30).missing
    assert not walk(booked, 11 * 60).missing


def test_two_sign_outs_without_a_sign_in_are_one(pupil_day: MakeDay) -> None:
    """A second sign-out does not end the first."""
    day = walk(pupil_day("08:50 AM /", "09:50 sign_out", "10:10 sign_out", "10:02 P2 N"), NIGHT)

    assert day.signed_out
    assert day.signals == ()


def _overlapping(first: str, second: str, code: str = "N") -> PupilDay:
    """Give a pupil seen in the morning, absent from one lesson and in another, by their times."""
    slots = []
    for name, times in (("Ma", first), ("Mu", second)):
        starts, ends = map(int, times.split("-"))
        slots.append(Slot(name, SlotKind.LESSON, starts, ends))
    marks = (
        (Slot("AM", SlotKind.SESSION, 525, 735, 555), Entry(to_byte("/"), 530)),
        (slots[0], Entry(to_byte(code), slots[0].starts + 5)),
        (slots[1], Entry(to_byte("/"), slots[1].starts + 5)),
    )
    return PupilDay("P-1", DaySheet(date(2026, 9, 15), marks))


@pytest.mark.parametrize("times", ["595-655", "595-625", "605-635", "640-700"])
@pytest.mark.parametrize("code", ["N", "O"])
def test_who_is_in_another_lesson_is_not_missing_from_this_one(times: str, code: str) -> None:
    """A music lesson inside mathematics: presence wins, nobody truants and nobody is missing."""
    day = walk(_overlapping("595-655", times, code), NIGHT)

    assert day.signals == ()


def test_a_lesson_that_began_before_proves_nothing_of_a_later_one() -> None:
    """Seen at the start of a double lesson, absent from one that begins in it: gone since."""
    day = walk(_overlapping("655-715", "595-715"), NIGHT)

    assert [signal.slot.name for signal in day.missing] == ["Ma"]


def test_a_holiday_in_the_morning_is_one_for_the_day(pupil_day: MakeDay) -> None:
    """G says that the family told where the child is: it is not expected in the afternoon."""
    assert walk(pupil_day("08:50 AM G", "13:05 PM N", "13:15 P4 N"), NIGHT).signals == ()
    assert walk(pupil_day("08:50 AM G", blank="PM P4"), NIGHT).blanks == ()
    assert walk(pupil_day("08:50 AM I", "13:05 PM N"), NIGHT).signals != ()
    assert walk(pupil_day("08:50 AM N", "13:05 PM G"), NIGHT).signals != ()


def test_who_came_in_although_on_holiday_is_expected(pupil_day: MakeDay) -> None:
    """Seen in the afternoon register, and then absent: the holiday explains it no more."""
    day = walk(pupil_day("08:50 AM G", "13:02 PM \\", "13:15 P4 N"), NIGHT)

    assert [signal.slot.name for signal in day.missing] == ["P4"]


@pytest.mark.parametrize("code", ["V", "C2", "M", "I", "X", "D", "G", "#", "Y3", "K"])
def test_the_session_mark_excuses_its_own_half_day(code: str, pupil_day: MakeDay) -> None:
    """A pupil who is elsewhere in the morning is expected in the afternoon again."""
    day = walk(
        pupil_day(f"08:50 AM {code}", "10:02 P2 N", "13:02 PM \\", "13:15 P4 N"),
        NIGHT,
    )

    assert [signal.slot.name for signal in day.signals] == ["P4"]


def test_without_an_afternoon_mark_the_pupil_is_expected(pupil_day: MakeDay) -> None:
    """A trip in the morning says nothing of the afternoon while the PM register is not taken."""
    day = walk(pupil_day("08:50 AM V", "13:15 P4 N", blank="PM"), NIGHT)

    assert [signal.slot.name for signal in day.signals] == ["P4"]


def test_without_any_session_noon_parts_the_day(pupil_day: MakeDay) -> None:
    """A sheet of lessons alone still has a morning and an afternoon."""
    assert walk(pupil_day("09:00 P1 /"), NIGHT).afternoon == 12 * 60
    assert walk(pupil_day("08:50 AM /"), NIGHT).afternoon == 12 * 60 + 15
    assert walk(pupil_day("08:50 AM /", blank="PM"), NIGHT).afternoon == 13 * 60


def test_marks_without_a_time_count_from_the_end_of_their_register(pupil_day: MakeDay) -> None:
    """A signal nobody timed counts from its lesson's end, or from its register's close."""
    day = walk(pupil_day("AM /", "P2 N", "PM N"), NIGHT)

    assert [signal.known for signal in day.signals] == [10 * 60 + 55, 13 * 60 + 30]
