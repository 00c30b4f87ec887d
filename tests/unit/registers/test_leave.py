"""Not returned from leave: regulation 9(1)(h) of SI 2024/208, counted by our rules."""

from __future__ import annotations

import pytest

from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.leave import not_returned


def marks(*days: str) -> bytes:
    """Give the marks of some days: one code for both sessions, or two."""
    return bytes(to_byte(code) for day in days for code in (day.split() * 2)[:2])


PRESENT = "/ \\"
LEAVE = [PRESENT, "C", "C"]


def test_ten_school_days_after_the_leave() -> None:
    """The tenth day completes it, the ninth does not."""
    assert not_returned(marks(*LEAVE, *["O"] * 9)) is None

    found = not_returned(marks(*LEAVE, *["O"] * 10))
    assert found == (1, 2, 12, 12, 10)


def test_a_day_that_is_no_school_day_is_not_counted() -> None:
    """The half term after the leave lengthens nothing, and one within the leave is none of it."""
    found = not_returned(marks(PRESENT, "C", "#", "C", "#", *["N", "#"] * 10))

    assert found is not None
    assert (found.leave_first, found.leave_last, found.days) == (1, 3, 10)
    assert found.tenth == 23


@pytest.mark.parametrize("other", [PRESENT, "U", "I", "O /", "M O", "V", "C2"])
def test_any_other_mark_says_where_the_pupil_is(other: str) -> None:
    """Attendance, lateness, illness or any leave of another kind: nothing is claimed."""
    assert not_returned(marks(*LEAVE, *["O"] * 5, other, *["O"] * 12)) is None


def test_nothing_is_claimed_across_a_missing_mark() -> None:
    """A register not taken within the ten days leaves open whether the pupil was there."""
    assert not_returned(marks(*LEAVE, *["O"] * 4, "-", *["O"] * 9)) is None
    assert not_returned(marks(*LEAVE, *["O"] * 10, "-")) is not None


def test_the_afternoon_after_a_leave_that_ended_at_noon_is_no_day() -> None:
    """The leave's last day is a day of the leave."""
    found = not_returned(marks(PRESENT, "C", "C O", *["O"] * 10))

    assert found is not None
    assert (found.leave_last, found.tenth) == (2, 12)


def test_without_a_leave_there_is_nothing_to_return_from() -> None:
    """Ten days of O are another matter."""
    assert not_returned(marks(PRESENT, *["O"] * 12)) is None
    assert not_returned(b"") is None
