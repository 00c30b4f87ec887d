"""Places on a roll from stored records: who has left, and who only seems to have."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service.judge_roll import enrolments

if TYPE_CHECKING:
    from mis_bridge.triggers.roll_model import Enrolment

TODAY = date(2026, 11, 17)
GONE = local_datetime(TODAY, 9 * 60)
CHILD = PupilRecord(
    "p1",
    upn="X999000000001",
    surname="Testpupil",
    forename="Ada",
    dob=date(2013, 11, 20),
    admission=date(2024, 9, 2),
)


def of(
    *records: PupilRecord,
    gone: tuple[str, ...] = (),
    elsewhere: tuple[PupilRecord, ...] = (),
    today: date = TODAY + timedelta(days=1),
) -> dict[str, Enrolment]:
    """Give the places by pupil; those of ``gone`` are not given by the MIS since TODAY."""
    stored: list[tuple[PupilRecord, datetime | None]] = [
        (one, GONE if one.pupil in gone else None) for one in records
    ]
    return {one.pupil: one for one in enrolments(stored, today, elsewhere)}


def test_a_pupil_whom_the_mis_dropped_left_the_day_before() -> None:
    """The last day on which the MIS gave the pupil; that it was never said is kept."""
    found = of(CHILD, gone=("p1",))["p1"]

    assert (found.last_day, found.dropped) == (TODAY - timedelta(days=1), True)
    assert not found.on_another_roll


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"upn": ""}, True),
        ({"surname": "Exampleson"}, True),
        ({"surname": "Exampleson", "upn": ""}, False),
        ({"forename": "Amy"}, False),
        ({"dob": date(2013, 11, 21)}, False),
        ({"dob": None}, False),
        ({"leaving": TODAY - timedelta(days=9)}, False),
        ({"admission": TODAY + timedelta(days=9)}, False),
    ],
)
def test_a_child_who_goes_on_under_another_id_has_not_left(
    other: dict[str, object], same: bool
) -> None:
    """Merged records: same forename and birthday, and UPN or surname; twins differ in forename.

    One that has left as well, or has yet to come, is no place on the roll.
    """
    second = replace(CHILD, pupil="p2", **other)  # type: ignore[arg-type]

    assert of(CHILD, second, gone=("p1",))["p1"].on_another_roll is same


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({}, True),
        ({"surname": "Exampleson"}, True),
        ({"upn": "x999000000001"}, True),
        ({"upn": ""}, False),
        ({"forename": "Amy"}, False),
        ({"dob": date(2013, 11, 21)}, False),
    ],
)
def test_at_another_school_a_child_is_told_by_the_upn_too(
    other: dict[str, object], same: bool
) -> None:
    """Among all schools many are called the same; and a UPN alone may be another child's."""
    there = replace(CHILD, pupil="E-1", **other)  # type: ignore[arg-type]

    assert of(CHILD, gone=("p1",), elsewhere=(there,))["p1"].on_another_roll is same


def test_who_is_on_roll_is_on_no_other() -> None:
    """Dual registered, or a record twice: nobody has left."""
    found = of(CHILD, replace(CHILD, pupil="p2"), elsewhere=(CHILD,))

    assert [one.on_another_roll for one in found.values()] == [False, False]
