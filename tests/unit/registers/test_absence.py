from __future__ import annotations

from datetime import date

import pytest

from mis_bridge.errors import DataError
from mis_bridge.registers import absence
from mis_bridge.registers.absence import SessionCounts
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar
from mis_bridge.registers.codes import CODES, CodeClass, to_byte
from mis_bridge.registers.runs import return_days
from mis_bridge.registers.strip import Strip

YEAR = AcademicYear(2025)


def marks(text: str) -> bytes:
    """Marks from codes with spaces between them."""
    return bytes(map(to_byte, text.split()))


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_each_code_counts_in_its_class(code: object) -> None:
    """Every code of the table, withdrawn ones too, counts as its class says and nowhere else."""
    entry = next(known for known in CODES if known is code)
    attended = entry.code_class in {CodeClass.PRESENT, CodeClass.APPROVED}
    authorised = entry.code_class is CodeClass.AUTHORISED
    unauthorised = entry.code_class is CodeClass.UNAUTHORISED

    assert absence.count(bytes((entry.byte,))) == SessionCounts(
        possible=attended + authorised + unauthorised,
        attended=int(attended),
        authorised=int(authorised),
        unauthorised=int(unauthorised),
        missing_marks=int(entry.code_class is CodeClass.NOT_TAKEN),
    )


def test_slots_without_a_session_count_nowhere() -> None:
    """Weekends and holidays are in no number."""
    assert absence.count(b"....") == SessionCounts()
    assert absence.count(b"") == SessionCounts()


def test_a_register_not_taken_is_neither() -> None:
    """A missing mark is not in the denominator and not an absence."""
    counts = absence.count(marks("/ - N -"))

    assert (counts.possible, counts.absent, counts.missing_marks) == (2, 1, 2)


def test_agreed_mornings_only_is_half_absent() -> None:
    """C2 is an absence: a part-time timetable of mornings is severe absence; X would be none."""
    part_time = absence.measure(marks("/ C2 " * 10))
    too_young = absence.measure(marks("/ X " * 10))

    assert (part_time.persistent, part_time.severe) == (True, True)
    assert (too_young.persistent, too_young.severe) == (False, False)


def test_comparisons_are_made_before_rounding() -> None:
    """29 of 291 reads 10.0 % to one decimal and is not persistent; 30 of 300 is."""
    assert round(100 * 29 / 291, 1) == 10.0
    assert absence.is_persistent(291, 29) is False
    assert absence.is_persistent(300, 30) is True


def test_nobody_is_persistent_without_a_session() -> None:
    """Without a possible session there is no answer and no rate, never 0 %."""
    measures = absence.measure(marks("D D X # -"))

    assert (measures.persistent, measures.severe, measures.approaching) == (None, None, None)
    assert absence.is_approaching(0, 0) is None
    assert absence.count(marks("D D")).rate is None


@pytest.mark.parametrize(
    ("possible", "absent", "rate"),
    [(3, 1, 33.3333), (380, 38, 10.0), (291, 29, 9.9656), (7, 0, 0.0)],
)
def test_rates_for_people(possible: int, absent: int, rate: float) -> None:
    """A rate is a per cent to four decimals."""
    assert rate == absence.rate(possible, absent)


@pytest.mark.parametrize(
    ("possible", "absent", "approaching"),
    [
        (100, 7, False),
        (100, 8, True),
        (100, 9, True),
        (100, 10, False),
        (380, 30, False),  # 7.89 %
        (380, 31, True),  # 8.16 %
    ],
)
def test_approaching_is_a_band_below_ten_per_cent(
    possible: int, absent: int, approaching: bool
) -> None:
    """From 8 % to below 10 %; who is persistently absent is not approaching it any more."""
    assert approaching is absence.is_approaching(possible, absent)


def test_the_band_can_be_moved() -> None:
    """An authority may want to hear from 6 %."""
    some = marks("/ " * 47 + "I " * 3)

    assert absence.is_approaching(50, 3, from_per_cent=6) is True
    assert absence.measure(some, nearing_per_cent=6).approaching is True
    assert absence.measure(some).approaching is False


@pytest.mark.parametrize(("possible", "expected"), [(10, None), (11, True), (0, None)])
def test_live_data_wants_more_than_ten_sessions(possible: int, expected: bool | None) -> None:
    """Ten possible sessions or fewer give no answer in live data, eleven do."""
    assert absence.is_persistent_live(possible, possible) is expected


def test_the_live_minimum_can_be_set() -> None:
    """The minimum is a setting; the rule beside it stays the same."""
    assert absence.is_persistent_live(5, 1, minimum=4) is True


@pytest.mark.parametrize(
    ("possible", "absent", "usable"),
    [(100, 100, True), (100, 101, False), (0, 0, False), (None, 0, False), (10, -1, False)],
)
def test_totals_that_make_no_sense(possible: int | None, absent: int, usable: bool) -> None:
    """Totals without possible sessions, or with more absences than those, are a data error."""
    assert usable is absence.totals_usable(possible, absent)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("O O " * 10, 9),
        ("O O " * 9 + "O", 9),  # known up to this morning
        ("O X " * 10, 9),
        ("# # " + "O X " * 5 + "U N " * 5, 10),
        ("O O " * 9, None),
        ("O O " * 9 + "O -", None),
        ("/ O " * 10, None),
        ("O O " * 5 + "I O " + "O O " * 5, None),
    ],
)
def test_one_look_finds_ten_days(text: str, day: int | None) -> None:
    """Measuring a year at once finds the day that completes ten, whole days or half ones."""
    assert absence.measure(marks(text)).return_days == (() if day is None else (day,))


def test_many_pupils_at_once_keep_their_places() -> None:
    """A whole authority is measured in one call, each pupil as if alone, in the order given."""
    one, other = marks("/ \\ O O " * 5), marks("I I " * 7)
    authority = [one, other, b""] * 701

    measured = absence.measure_all(authority)

    assert len(measured) == len(authority)
    assert list(measured) == [absence.measure(of_one) for of_one in (one, other, b"")] * 701
    assert list(absence.measure_all([])) == []


def test_marks_that_hold_a_line_feed_are_refused() -> None:
    """A byte that would cut one pupil's marks in two is no code: it is refused, not measured."""
    with pytest.raises(DataError, match="0x0A"):
        absence.measure(b"/\n")
    with pytest.raises(DataError, match="0x0A"):
        return_days(b"O\n\n\nO/")


def test_corrections_move_the_counts() -> None:
    """N that turns out to be illness moves one session from unauthorised to authorised."""
    before = absence.count(marks("/ N -"))

    after = before.apply(to_byte("N"), to_byte("I"))

    assert after == SessionCounts(
        possible=2, attended=1, authorised=1, unauthorised=0, missing_marks=1
    )


def test_n_may_stand_for_five_school_days(example_calendar: SchoolCalendar) -> None:
    """The days of half term and of staff training are not counted; the end of the year is open."""
    days = example_calendar.school_days()

    assert absence.n_deadline(days, date(2025, 10, 22)) == date(2025, 11, 6)
    assert absence.n_deadline(days, date(2026, 7, 13)) == date(2026, 7, 20)
    assert absence.n_deadline(days, date(2026, 7, 14)) is None


def test_closed_days_in_a_strip_do_not_count_for_n() -> None:
    """In a strip a day counts with one session that is no planned closure."""
    strip = Strip.from_days(
        YEAR,
        [
            (date(2026, 6, 22), "N", "N"),
            (date(2026, 6, 23), "/", "#"),
            (date(2026, 6, 24), "#", "#"),
            (date(2026, 6, 25), "-", "-"),
            (date(2026, 6, 26), "Y4", "Y4"),
            (date(2026, 6, 29), "/", "\\"),
            (date(2026, 6, 30), "/", "\\"),
            (date(2026, 7, 1), "/", "\\"),
        ],
    )

    assert absence.n_deadline(strip, date(2026, 6, 22)) == date(2026, 6, 30)
