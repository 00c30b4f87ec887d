"""What a careful person would have raised, and that a careless detector is caught."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.registers.codes import to_byte
from mis_bridge.simulator.quality.day_truth import ON_SITE, DayTruth
from mis_bridge.simulator.quality.lived import DeskEvent, LivedDay
from mis_bridge.simulator.quality.living import live
from mis_bridge.simulator.quality.on_record import OnRecord, is_urgent
from mis_bridge.simulator.quality.rates import Life, Noise
from mis_bridge.simulator.quality.run import draw, window_of
from mis_bridge.simulator.quality.schools import AM, LESSONS, PM, Group, build_schools
from mis_bridge.simulator.quality.scoring import CHILD
from mis_bridge.simulator.quality.watch import Alert, watch
from mis_bridge.simulator.quality.written import ABSENT, Mark, Register, WrittenDay, write

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mis_bridge.simulator.quality.schools import School

SLOTS = {slot.name: slot for slot in (AM, PM, *LESSONS)}
FLOOR = 0.995


def minute_of(clock: str) -> int:
    """``10:05`` as minutes after midnight."""
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


@pytest.fixture(scope="module")
def school() -> School:
    """A small secondary school."""
    (first,) = build_schools(1, 3, size=0.1)
    return first


def judged(
    school: School,
    *said: str,
    at: str,
    level: int = 1,
    trigger: str = "missing_during_day",
    slot: str = "",
    told: str = "",
    urgent: bool = False,
    class_too: bool = False,
) -> bool:
    """Whether an alert about a pupil is warranted by what is said: marks and events, with times.

    Args:
        school: whose pupil.
        said: ``10:02 P2 N`` for a mark, ``10:20 sign_out`` for an event.
        at: when the alert is told, and at which level.
        level: of the alert.
        trigger: of the alert.
        slot: of the alert.
        told: when it was told at level 1.
        urgent: whether people are told of the pupil at once.
        class_too: everybody else has the same marks.
    """
    pupil = next(
        one for one in school.pupils if one.year_group == 8 and is_urgent(one) is urgent
    ).number
    class_ = tuple(range(pupil, pupil + 12)) if class_too else (pupil,)
    written, lived = WrittenDay(), LivedDay(50, school.days[50])
    for text in said:
        clock, *rest = text.split()
        minute = minute_of(clock)
        if len(rest) == 1:
            lived.desk.setdefault(pupil, []).append(DeskEvent(minute, minute, rest[0]))
            continue
        for one in class_:
            mark = (one, SLOTS[rest[0]], to_byte(rest[1][0]), "R", not rest[1].endswith("?"))
            written.marks.append(Mark(minute, len(written.marks), *mark))
    written.marks.sort()
    written.registers = [Register(Group(slot, "R", class_), "R", 0, 0) for slot in SLOTS.values()]
    alert = Alert(trigger, pupil, slot, "", {1: minute_of(told or at), level: minute_of(at)})
    return OnRecord(DayTruth(school, lived, written, None)).is_warranted(
        alert, level, minute_of(at)
    )


SEEN_THEN_NOT = ("08:50 AM /", "10:02 P2 N")


@pytest.mark.parametrize(
    ("said", "at", "wanted"),
    [
        pytest.param(SEEN_THEN_NOT, "10:12", True, id="the grace is over"),
        pytest.param(SEEN_THEN_NOT, "10:11", False, id="the teacher has a minute left"),
        pytest.param((*SEEN_THEN_NOT, "10:12 P2 /"), "10:12", False, id="just put right"),
        pytest.param((*SEEN_THEN_NOT, "10:13 P2 /"), "10:12", True, id="put right after it"),
        pytest.param((*SEEN_THEN_NOT, "11:20 P3 /"), "11:20", False, id="seen again"),
        pytest.param((*SEEN_THEN_NOT, "10:05 sign_out"), "10:12", False, id="signed out"),
        pytest.param(
            (*SEEN_THEN_NOT, "09:00 sign_out", "09:40 sign_in"), "10:12", True, id="and came back"
        ),
        pytest.param((*SEEN_THEN_NOT, "10:10 P2 V"), "10:12", False, id="on a trip"),
        pytest.param(("08:50 AM M", "09:01 P1 /", "10:02 P2 N"), "10:12", False, id="appointment"),
        pytest.param(("08:50 AM N", "10:02 P2 N"), "10:12", False, id="nobody saw it today"),
        pytest.param(("09:01 P1 /", "09:02 P1 N"), "09:20", False, id="no register ever did"),
        pytest.param(("10:00 P2 /?", "11:20 P3 N"), "11:30", True, id="filled in, and stood"),
        pytest.param(("11:15 P3 /?", "09:02 P1 N"), "11:19", False, id="filled in just now"),
        pytest.param(("09:30 AM L", "09:01 P1 N"), "09:45", False, id="had not come yet"),
    ],
)
def test_a_missing_child_is_on_record_or_not(
    school: School, said: tuple[str, ...], at: str, wanted: bool
) -> None:
    """Level 1, of a child whom nothing calls for more care."""
    assert judged(school, *said, at=at) is wanted


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        pytest.param(("11:20 P3 N",), True, id="two registers"),
        pytest.param((), False, id="one register"),
        pytest.param(("11:26 P3 N",), False, id="the second teacher has a minute left"),
        pytest.param(("11:20 P3 N", "11:34 P2 /"), False, id="the first was put right"),
        pytest.param(("12:20 PM O",), False, id="the office's code, not a register"),
        pytest.param(("11:20 P3 N", "10:05 message", "10:05 AM O"), False, id="the family rang"),
        pytest.param(("11:20 P3 N", "10:20 message", "10:20 AM O"), True, id="rang when told"),
    ],
)
def test_the_second_level_asks_for_a_second_register(
    school: School, said: tuple[str, ...], wanted: bool
) -> None:
    """Absent in P2, told at 10:12; what is said follows; raised at 11:35, or at 13:30."""
    at = "13:30" if any("PM" in text for text in said) else "11:35"
    seen = ("08:50 AM N", "09:01 P1 /", "10:02 P2 N")

    assert judged(school, *seen, *said, at=at, told="10:12", level=2) is wanted


def test_of_some_children_people_are_told_at_once_at_level_2(school: School) -> None:
    """One register, no grace; but not after it was put right."""
    assert judged(school, *SEEN_THEN_NOT, at="10:02", level=2, urgent=True)
    assert not judged(school, *SEEN_THEN_NOT, "10:03 P2 /", at="10:03", level=2, urgent=True)


def test_a_whole_class_that_is_absent_is_no_missing_child(school: School) -> None:
    """Twelve pupils, all N: an odd register."""
    assert not judged(school, *SEEN_THEN_NOT, at="10:30", class_too=True)


@pytest.mark.parametrize(
    ("said", "at", "wanted"),
    [
        pytest.param(("08:50 AM N",), "09:15", True, id="closed"),
        pytest.param(("08:50 AM N",), "09:14", False, id="not closed yet"),
        pytest.param(("08:50 AM N", "09:10 message"), "09:15", False, id="the family rang"),
        pytest.param(("08:50 AM N", "09:15 AM L"), "09:15", False, id="came at the last minute"),
        pytest.param(("08:50 AM N", "09:01 P1 /"), "09:15", False, id="seen in a lesson"),
        pytest.param(("08:50 AM I",), "09:15", False, id="ill"),
    ],
)
def test_an_absence_is_unexplained_on_record_or_not(
    school: School, said: tuple[str, ...], at: str, wanted: bool
) -> None:
    """Of a child whom nobody has seen today."""
    assert judged(school, *said, at=at, trigger="unexplained_absence", slot="AM") is wanted


@pytest.mark.parametrize(("after", "wanted"), [("11:20 P3 /", True), ("11:20 P3 N", False)])
def test_a_missed_lesson_lies_between_two_that_saw_the_child(
    school: School, after: str, wanted: bool
) -> None:
    """Not seen again, it is not missed but missing."""
    trigger = "internal_truancy"

    assert judged(school, *SEEN_THEN_NOT, after, at="11:40", trigger=trigger, slot="P2") is wanted


Day = tuple["School", LivedDay, WrittenDay]


@pytest.fixture(scope="module")
def days() -> list[Day]:
    """Days of two small secondary schools where much happens and people err often."""
    window = window_of(2, 11)
    noise = Noise(**{**asdict(Noise().scaled(3)), "drill_register": 0.7})
    life = Life(
        skips_lessons=0.08, leaves_site=0.03, signs_out=0.05, medical_room=0.03, fire_drill=0.5
    )
    found = []
    for school, year in draw(6, 2, 11, size=0.12).schools:
        for number in window if school.number in {0, 5} else ():
            rng = random.Random(number)  # noqa: S311 - a simulation
            lived = live(school, number, year, life, rng)
            found.append((school, lived, write(school, lived, life, noise, rng)))
    return found


def precision_on_record(
    days: list[Day],
    change: Callable[[Day], Day] = lambda day: day,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[int, float]:
    """The share of warranted alerts by level, where the detector sees a changed day."""
    found: Counter[tuple[int, bool]] = Counter()
    for day in days:
        school, lived, written = day
        record = OnRecord(DayTruth(school, lived, written, None))
        for alert in watch(*change(day), None, settings or {}):
            if alert.trigger in CHILD:
                for level, minute in alert.at.items():
                    found[level, record.is_warranted(alert, level, minute)] += 1
    assert sum(found.values()) > 50
    return {
        level: found[level, True] / (found[level, True] + found[level, False]) for level in (1, 2)
    }


def test_the_detector_raises_what_a_careful_person_would(days: list[Day]) -> None:
    """At both levels, also where people err three times as often as usual."""
    assert min(precision_on_record(days).values()) >= FLOOR


def deaf(day: Day) -> Day:
    """Sees no sign-in, no sign-out and no message."""
    school, lived, written = day
    return school, replace(lived, desk={}), written


def slow(day: Day) -> Day:
    """Sees corrections a quarter of an hour after they were written."""
    school, lived, written = day
    first: set[tuple[int, str]] = set()
    marks = []
    for mark in written.marks:
        place = (mark.pupil, mark.slot.name)
        marks.append(mark._replace(minute=mark.minute + 15) if place in first else mark)
        first.add(place)
    return school, lived, replace(written, marks=sorted(marks))


def credulous(day: Day) -> Day:
    """Takes what a MIS fills in for what a teacher saw."""
    school, lived, written = day
    marks = [mark._replace(settled=True) for mark in written.marks]
    return school, lived, replace(written, marks=marks)


def illiterate(day: Day) -> Day:
    """Takes every code for an absence that says the child is somewhere else."""
    school, lived, written = day
    marks = [mark if mark.code in ON_SITE else mark._replace(code=ABSENT) for mark in written.marks]
    return school, lived, replace(written, marks=marks)


@pytest.mark.parametrize("careless", [deaf, slow, credulous, illiterate])
@pytest.mark.thorough
def test_a_detector_that_overlooks_something_is_caught(
    days: list[Day], careless: Callable[[Day], Day]
) -> None:
    """It can not pass: what it overlooked was on record."""
    assert min(precision_on_record(days, careless).values()) < FLOOR


@pytest.mark.parametrize(
    ("level", "settings"),
    [
        pytest.param(1, {"missing_during_day": {"grace_minutes": 0}}, id="no grace"),
        pytest.param(2, {"missing_during_day": {"young_year_group": 13}}, id="all at once"),
        pytest.param(1, {"register_anomaly": {"enabled": False}}, id="odd registers believed"),
    ],
)
def test_a_detector_that_does_not_wait_or_doubt_is_caught(
    days: list[Day], level: int, settings: Mapping[str, Mapping[str, Any]]
) -> None:
    """A setting that makes it hasty shows in the figure of the level that it touches."""
    assert precision_on_record(days, settings=settings)[level] < FLOOR
