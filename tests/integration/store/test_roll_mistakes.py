"""A roll with mistakes in it: what is wrong is named, and no child falls out for it.

The rules: absence counts for the time on roll (DfE, "Pupil absence statistics: methodology",
per enrolment); a child who was seen in school is looked for, whatever a date says (our choice, on
"Keeping children safe in education").
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.records import LessonMark, PupilRecord, SessionMark
from mis_bridge.adapters.source import Batch
from mis_bridge.service.ingest import IngestResult, ingest
from mis_bridge.store import feeds, quarantine, sheets

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.registers.calendar import SchoolCalendar
    from mis_bridge.store.engine import Store

BORN = date(2012, 11, 20)


@pytest.fixture
def read(store: Store, now: datetime, day: date) -> Callable[..., IngestResult]:
    """``read(record, ..., stream=..., school=...)``: store a batch of records read now."""

    def put(
        *records: Any, stream: str = "sessions", school: str = "oakfield", **rest: Any
    ) -> IngestResult:
        return store.run(
            ingest,
            school,
            Batch(stream, records, **rest),
            now,
            keep_from=day - timedelta(days=7),
            read_from=day - timedelta(days=7),
        )

    return put


@pytest.fixture
def named(store: Store) -> Callable[[], set[tuple[str, str]]]:
    """``named()``: (pupil, problem) of all that is named as wrong."""

    def look() -> set[tuple[str, str]]:
        found = store.run(quarantine.doubts)
        return {(who, problem) for (_, problem), pupils in found.items() for who in pupils}

    return look


@pytest.fixture
def looked_at(store: Store, day: date, calendar: SchoolCalendar) -> Callable[..., list[str]]:
    """``looked_at()``: the pupils whom the day triggers see on the test's Wednesday."""

    def look(school: str = "oakfield") -> list[str]:
        return [found.pupil for found in store.run(sheets.load_day, school, day, calendar)]

    return look


def lesson(pupil: str, code: str, day: date) -> LessonMark:
    """A mark of the second lesson."""
    return LessonMark(pupil, day, "P2", 600, 660, ord(code))


def test_a_child_who_was_seen_is_looked_for_whatever_the_roll_says(
    read: Callable[..., IngestResult],
    looked_at: Callable[..., list[str]],
    named: Callable[[], set[tuple[str, str]]],
    mark: Callable[..., SessionMark],
    day: date,
) -> None:
    """Left yesterday or coming tomorrow by the roll, in this morning's register: in the school.

    One who has left and whom a register alone misses is a register that nobody has put right.
    """
    yesterday, tomorrow = day - timedelta(days=1), day + timedelta(days=1)
    read(
        PupilRecord("seen", leaving=yesterday),
        PupilRecord("early", admission=tomorrow),
        PupilRecord("missed", leaving=yesterday),
        stream="pupils",
    )
    read(mark("/", pupil="seen"), mark("/", pupil="early"), mark("N", pupil="missed"))
    read(lesson("seen", "N", day), stream="lessons")

    assert looked_at() == ["early", "seen"]
    assert named() == {(who, "outside_enrolment") for who in ("seen", "early", "missed")}


def test_marks_outside_the_time_on_roll_are_named_until_the_dates_are_right(
    read: Callable[..., IngestResult],
    named: Callable[[], set[tuple[str, str]]],
    mark: Callable[..., SessionMark],
    day: date,
) -> None:
    """They are kept, not counted and said; the corrected date of leaving takes the row away."""
    pupil = PupilRecord("p1", admission=date(2025, 9, 2), leaving=day - timedelta(days=2))
    read(pupil, stream="pupils")
    read(mark("N"), mark("N", day=day - timedelta(days=2)))
    assert named() == {("p1", "outside_enrolment")}

    read(replace(pupil, leaving=day), stream="pupils")
    assert named() == set()


@pytest.mark.parametrize("code", ["Z", "#", "-", "X"])
def test_codes_that_claim_nothing_are_no_marks_outside_the_roll(
    read: Callable[..., IngestResult],
    named: Callable[[], set[tuple[str, str]]],
    mark: Callable[..., SessionMark],
    day: date,
    code: str,
) -> None:
    """Z is the code for a pupil who is not on roll yet (regulation 10 of SI 2024/208)."""
    read(PupilRecord("p1", admission=day + timedelta(days=1)), stream="pupils")
    read(mark(code))

    assert named() == set()


def test_the_first_and_the_last_day_on_roll_are_inside(
    read: Callable[..., IngestResult],
    named: Callable[[], set[tuple[str, str]]],
    mark: Callable[..., SessionMark],
    day: date,
) -> None:
    """Both count: a pupil is on roll from the first day to the last."""
    read(PupilRecord("p1", admission=day, leaving=day), stream="pupils")
    read(mark("N"), lesson("p1", "N", day))

    assert named() == set()


def test_two_children_with_one_upn_are_both_named_and_both_looked_at(
    read: Callable[..., IngestResult],
    looked_at: Callable[..., list[str]],
    named: Callable[[], set[tuple[str, str]]],
    store: Store,
) -> None:
    """The MIS's own id tells them apart; the UPN is in no row that says so, and goes when right."""
    twins = [
        PupilRecord(who, upn="X999000000001", surname="Testpupil", forename=name, dob=BORN)
        for who, name in (("p1", "Ada"), ("p2", "Ben"))
    ]
    read(*twins, PupilRecord("p3", upn="H999000000002"), stream="pupils")

    assert looked_at() == ["p1", "p2", "p3"]
    assert named() == {("p1", "shared_upn"), ("p2", "shared_upn")}
    assert "X999" not in str(store.run(quarantine.doubts))
    assert store.run(quarantine.counts) == {}  # nothing of it can not be used

    read(replace(twins[1], upn="B999000000003"), stream="pupils")
    assert named() == set()


def test_a_small_letter_makes_no_other_upn(
    read: Callable[..., IngestResult], named: Callable[[], set[tuple[str, str]]]
) -> None:
    """The letter of a UPN is read the same, however it was typed."""
    read(
        PupilRecord("p1", upn="X999000000001", forename="Ada", dob=BORN),
        PupilRecord("p2", upn="x999000000001", forename="Ben", dob=BORN),
        stream="pupils",
    )

    assert {who for who, _ in named()} == {"p1", "p2"}


def test_who_left_and_came_back_under_another_id_shares_no_upn(
    read: Callable[..., IngestResult],
    named: Callable[[], set[tuple[str, str]]],
    day: date,
) -> None:
    """Two enrolments of one child have one UPN, as they should."""
    first = PupilRecord(
        "p1", upn="X999000000001", forename="Ada", dob=BORN, leaving=day - timedelta(days=40)
    )
    read(first, replace(first, pupil="p2", leaving=None), stream="pupils")

    assert named() == set()


def test_pupils_without_upn_and_birthday_are_no_mistake(
    read: Callable[..., IngestResult],
    looked_at: Callable[..., list[str]],
    named: Callable[[], set[tuple[str, str]]],
) -> None:
    """New arrivals have none yet: an empty UPN is shared by nobody."""
    read(PupilRecord("p1"), PupilRecord("p2"), stream="pupils")

    assert looked_at() == ["p1", "p2"]
    assert named() == set()


def test_a_pupil_of_two_schools_is_two_pupils(
    read: Callable[..., IngestResult],
    looked_at: Callable[..., list[str]],
    named: Callable[[], set[tuple[str, str]]],
    store: Store,
    mark: Callable[..., SessionMark],
    now: datetime,
) -> None:
    """Dual registered: same id and UPN, each school has its own marks, and neither is a mistake.

    Each school records its own sessions and D for the other's (regulation 10 of SI 2024/208).
    """
    store.run(
        feeds.sync_schools,
        [("oakfield", "wonde", "Oakfield"), ("elm", "wonde", "Elm Unit")],
        now,
    )
    child = PupilRecord("p1", upn="X999000000001", forename="Ada", dob=BORN)
    for school in ("oakfield", "elm"):
        read(child, stream="pupils", school=school)
    read(mark("D"))
    read(mark("N"), school="elm")

    assert looked_at() == looked_at("elm") == ["p1"]
    assert named() == set()
