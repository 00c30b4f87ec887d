from __future__ import annotations

from datetime import date, timedelta

import pytest

from mis_bridge.errors import DataError
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.runs import (
    attendance_return_dates,
    continuous_unauthorised,
    return_days,
    unauthorised_runs,
)
from mis_bridge.registers.strip import Strip

YEAR = AcademicYear(2025)
FIRST = date(2025, 9, 8)


def weekday(number: int) -> date:
    """The school day of that number from Monday 8 September 2025, counting from 1."""
    weeks, days = divmod(number - 1, 5)
    return FIRST + timedelta(weeks=weeks, days=days)


def strip_of(*days: str) -> Strip:
    """A strip of school days in a row, each ``"O"`` or ``"O X"`` (morning, afternoon)."""
    rows = []
    for number, codes in enumerate(days, start=1):
        am, _, pm = codes.partition(" ")
        rows.append((weekday(number), am, pm or am))
    return Strip.from_days(YEAR, rows)


def test_ten_days_of_any_unauthorised_code() -> None:
    """G, N, O and U all lengthen the run; its tenth day calls for a return."""
    days = ["G", "N", "O", "U", "O N", "U G", "O", "O", "N", "O"]

    assert attendance_return_dates(strip_of(*days)) == [weekday(10)]


def test_nine_days_are_too_few() -> None:
    """The run is told, but not complete."""
    (run,) = unauthorised_runs(strip_of(*["O"] * 9))

    assert (run.first, run.last, run.days) == (weekday(1), weekday(9), 9)
    assert run.completed is None
    assert not run.uncertain
    assert attendance_return_dates(strip_of(*["O"] * 9)) == []


@pytest.mark.parametrize("code", ["/", "L", "V", "I", "C2", "J1", "M"])
@pytest.mark.parametrize("session", ["am", "pm"])
def test_any_other_mark_breaks(code: str, session: str) -> None:
    """Attendance or authorised absence in either session ends the episode."""
    broken = f"{code} O" if session == "am" else f"O {code}"

    runs = unauthorised_runs(strip_of(*["O"] * 5, broken, *["O"] * 5))

    assert [(run.first, run.days) for run in runs] == [(weekday(1), 5), (weekday(7), 5)]


@pytest.mark.parametrize("code", ["D", "Q", "X", "Y1", "Y7", "Z", "#"])
def test_days_without_a_possible_session_do_not_count(code: str) -> None:
    """They neither break nor lengthen: the run takes one day longer."""
    days = ["O"] * 5 + [code] + ["O"] * 5

    assert attendance_return_dates(strip_of(*days)) == [weekday(11)]


@pytest.mark.parametrize("half", ["O X", "X O", "O #", "Y3 O"])
def test_half_a_possible_day_counts(half: str) -> None:
    """A day counts with one possible session, if that is unauthorised."""
    assert attendance_return_dates(strip_of(*[half] * 10)) == [weekday(10)]


def test_half_a_day_at_the_edge_of_the_year() -> None:
    """A strip that is cut after a morning counts that morning's day."""
    strip = strip_of(*["O"] * 9, "O #")
    cut = strip.encode()[:-1]

    assert return_days(cut) == (YEAR.slot(weekday(10), pm=False) // 2,)


@pytest.mark.parametrize("gap", ["-", "O -", "- O", "- X"])
def test_a_missing_mark_starts_the_certain_part_afresh(gap: str) -> None:
    """Day 10 is never claimed across a missing mark; the episode goes on and says so."""
    (run,) = unauthorised_runs(strip_of(*["O"] * 6, gap, *["O"] * 9))

    assert run.completed is None
    assert run.uncertain
    assert run.missing == (weekday(7),)
    assert (run.first, run.days) == (weekday(1), 15)
    assert (run.certain_first, run.certain_days) == (weekday(8), 9)
    assert run.could_be_completed == weekday(10)


def test_the_certain_part_can_complete() -> None:
    """Ten days after the missing mark are certain, and call for the one return."""
    strip = strip_of(*["O"] * 6, "-", *["O"] * 12)

    assert attendance_return_dates(strip) == [weekday(17)]


def test_a_missing_day_may_itself_have_been_the_tenth() -> None:
    """Nine days, a day without marks, and more: it could be complete on the missing day."""
    (run,) = unauthorised_runs(strip_of(*["O"] * 9, "-", "O"))

    assert run.could_be_completed == weekday(10)


def test_missing_marks_outside_a_run_do_not_matter() -> None:
    """A register not taken before the first or after the last counted day leaves it certain."""
    (run,) = unauthorised_runs(strip_of("-", *["O"] * 3, "-"))

    assert (run.first, run.last, run.uncertain) == (weekday(2), weekday(4), False)


def test_a_missing_mark_before_a_break_does_not_matter() -> None:
    """The pupil came back after the missing mark: the next run starts clean."""
    first, second = unauthorised_runs(strip_of("O", "-", "/", "-", "O"))

    assert not first.uncertain
    assert not second.uncertain


def test_a_day_that_is_half_missing_half_attended_breaks() -> None:
    """The pupil was seen, whatever the missing mark was."""
    runs = unauthorised_runs(strip_of(*["O"] * 5, "- \\", *["O"] * 5))

    assert [run.days for run in runs] == [5, 5]


def test_one_return_an_episode() -> None:
    """Twenty-five days are one episode; a second one needs a return in between."""
    assert len(attendance_return_dates(strip_of(*["O"] * 25))) == 1
    assert attendance_return_dates(strip_of(*["O"] * 10, "/", *["O"] * 10)) == [
        weekday(10),
        weekday(21),
    ]


def test_a_missing_mark_after_the_return_starts_no_second_one() -> None:
    """The episode goes on across a missing mark: ten more days call for nothing new."""
    strip = strip_of(*["O"] * 10, "-", *["O"] * 10)

    assert attendance_return_dates(strip) == [weekday(10)]
    assert [run.completed for run in unauthorised_runs(strip)] == [weekday(10)]


def test_runs_go_on_over_the_summer() -> None:
    """The strips of two years are one register: six days in July and four in September."""
    july = Strip.from_days(
        AcademicYear(2024), [(date(2025, 7, day), "O", "O") for day in (14, 15, 16, 17, 18, 21)]
    )
    september = strip_of(*["O"] * 4)

    assert attendance_return_dates(september, july) == [weekday(4)]


def test_years_that_are_missing_between() -> None:
    """A pupil who was away for a year has strips that do not touch."""
    old = Strip.from_days(AcademicYear(2022), [(date(2023, 7, 3), "O", "O")])

    assert [run.first for run in unauthorised_runs(old, strip_of("O"))] == [date(2023, 7, 3)]


def test_strips_that_can_not_be_joined() -> None:
    """No strip, or two of one year, is a mistake of the caller."""
    with pytest.raises(DataError, match="no strip"):
        unauthorised_runs()
    with pytest.raises(DataError, match="2025/26"):
        unauthorised_runs(strip_of("O"), strip_of("O"))


def test_twenty_days_do_not_count_u() -> None:
    """For ground (i) a U is a pupil who came to school: it breaks the run."""
    assert continuous_unauthorised(strip_of(*["O"] * 20)) == [weekday(20)]
    assert continuous_unauthorised(strip_of(*["G", "N"] * 10)) == [weekday(20)]
    assert continuous_unauthorised(strip_of(*["O"] * 19, "O U")) == []


def test_nobody_has_a_run_without_marks() -> None:
    """An empty strip has no run."""
    assert unauthorised_runs(Strip.empty(YEAR)) == []
    assert attendance_return_dates(Strip.empty(YEAR)) == []
    assert return_days(b"") == ()
