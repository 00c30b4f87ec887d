"""Days with known truth: deterministic, complete, and in the order in which marks are saved."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from mis_bridge.registers.codes import to_byte
from mis_bridge.simulator.day import ordinary_day
from mis_bridge.simulator.history import write_history
from mis_bridge.simulator.scenarios import rehearse
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.truth import Expected, Seen, Truth

DAY = date(2026, 11, 17)


def test_day_is_deterministic_and_in_order() -> None:
    """One seed gives one day, its events sorted by the time at which they are saved."""
    school = build_school(1, 120)
    day = ordinary_day(school, DAY)
    assert day == ordinary_day(school, DAY)
    assert list(day.events) == sorted(day.events)
    assert day != ordinary_day(school, DAY, seed=2)


def test_everybody_has_seven_first_marks() -> None:
    """Two sessions and five lessons are marked for every pupil on roll, corrections beside them."""
    school = build_school(1, 120)
    slots = Counter({(event.pupil, event.slot) for event in ordinary_day(school, DAY).events})
    on_roll = sum(pupil.on_roll(DAY) for pupil in school.pupils)
    assert len(slots) == 7 * on_roll


def test_registers_are_saved_in_time() -> None:
    """No ordinary register is later than 15 minutes: none is due to be chased."""
    school = build_school(1, 300)
    first: dict[tuple[int, str], int] = {}
    for event in ordinary_day(school, DAY).events:
        first.setdefault((event.pupil, event.slot), event.minute)
    opens = {"AM": 525, "PM": 780, "P1": 535, "P2": 595, "P3": 675, "P4": 790, "P5": 850}
    assert all(0 <= minute - opens[slot] < 15 for (_, slot), minute in first.items())


def test_nine_scenarios_have_their_truth() -> None:
    """The nine scenarios are there, and three of them must bring about nothing."""
    rehearsal = rehearse(build_school(1, 120), DAY)
    wanted = {one.id: {e.trigger for e in one.expected} for one in rehearsal.scenarios}
    assert wanted == {
        "walk_out": {"missing_during_day"},
        "truant_returns": {"missing_during_day", "internal_truancy"},
        "looked_after_absent": {"unexplained_absence"},
        "late_register": {"register_not_taken"},
        "corrected_mark": set(),
        "trip": set(),
        "dentist": set(),
        "ten_days": {"ten_day_absence"},
        "mis_outage": {"feed_blind"},
    }


def test_no_pupil_plays_two_parts() -> None:
    """Each pupil belongs to one scenario at most, so that every alarm has one cause."""
    parts = Counter(
        plan.pupil for one in rehearse(build_school(2, 120), DAY).scenarios for plan in one.plans
    )
    assert set(parts.values()) == {1}


def test_leaving_scenarios_out_does_not_recast_the_others() -> None:
    """A scenario alone has the same pupil as in the whole day."""
    school = build_school(1, 120)
    everything = rehearse(school, DAY).truth.scenarios
    assert rehearse(school, DAY, only=["walk_out"]).truth.scenarios == {
        "walk_out": everything["walk_out"]
    }


def test_looked_after_child_has_the_flag() -> None:
    """The rehearsal's own school says that the child is looked after; the school given does not."""
    school = build_school(1, 120)
    rehearsal = rehearse(school, DAY)
    (pupil,) = rehearsal.truth.scenarios["looked_after_absent"]
    assert rehearsal.school.by_id[pupil].flags == {"lac"}
    assert not school.by_id[pupil].flags


def test_ten_days_end_on_the_day() -> None:
    """Nine school days of O stand before the day, the day before them is present."""
    rehearsal = rehearse(build_school(1, 120), DAY)
    history = write_history(rehearsal.school)
    rehearsal.write_before(history)
    (pupil,) = rehearsal.truth.scenarios["ten_days"]
    number = rehearsal.school.day_numbers[DAY]
    marks = history.marks[rehearsal.school.by_id[pupil].number]
    assert marks[2 * (number - 9) : 2 * number] == bytes([to_byte("O")]) * 18
    assert marks[2 * (number - 10)] == to_byte("/")


def test_outage_is_a_span_of_the_day() -> None:
    """The outage's fault is on for 34 minutes from 12:18."""
    (fault,) = rehearse(build_school(1, 120), DAY).faults()
    assert fault.first is not None
    assert fault.last is not None
    assert fault.last - fault.first == timedelta(minutes=34)
    assert not fault.on("/v1.0/", fault.first - timedelta(seconds=1))
    assert fault.on("/v1.0/", fault.first)
    assert not fault.on("/v1.0/", fault.last)


def test_too_small_a_school_is_refused() -> None:
    """A school without enough pupils says so."""
    with pytest.raises(ValueError, match="too small"):
        rehearse(build_school(1, 20), DAY)


WANTED = Expected(
    "one", "missing_during_day", "A1", 600, 612, level=2, level_by=640,
    audience=frozenset({"dsl"}), ends=True,
)  # fmt: skip
GOOD = Seen(
    "missing_during_day", "A1", 605, level=2, level_minute=630,
    audience=frozenset({"dsl"}), ended=True,
)  # fmt: skip
TRUTH = Truth((WANTED,), {"one": frozenset({"A1"})}, frozenset({("unexplained_absence", "A1")}))


def problems(*seen: Seen) -> list[str]:
    """Give all problems of a day on which this was seen."""
    return [text for verdict in TRUTH.score(seen) for text in verdict.problems]


def test_truth_is_met_by_what_was_expected() -> None:
    """A finding in its minutes, at its level, told, and over, meets the truth."""
    assert problems(GOOD) == []


def test_silence_is_a_problem() -> None:
    """What was not raised, or raised about somebody else, is named as not raised."""
    other = Seen("missing_during_day", "A2", 605)
    assert [text.split(":")[0] for text in problems()] == ["not raised"]
    assert [text.split(":")[0] for text in problems(other)] == ["not raised", "false alarm"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"minute": 599}, "raised at 09:59"),
        ({"minute": 613}, "raised at 10:13"),
        ({"level": 1}, "stayed at level 1"),
        ({"level_minute": 641}, "came too late"),
        ({"audience": frozenset[str]()}, "not told: dsl"),
        ({"ended": False}, "still open"),
    ],
)
def test_each_difference_is_named(changes: dict[str, object], says: str) -> None:
    """A finding too early, too late, too low, untold or left open is a problem that says so."""
    found = problems(replace(GOOD, **changes))  # type: ignore[arg-type]
    assert any(says in text for text in found)


def test_unexpected_findings_are_false_alarms() -> None:
    """What nobody expected is a false alarm; what the rule leaves open and whole years are not."""
    assert problems(GOOD, Seen("internal_truancy", "A1", 700)) == [
        "false alarm: Missed a lesson, seen again since, 11:40"
    ]
    assert problems(GOOD, Seen("missing_during_day", "A2", 700)) == [
        "false alarm: Missing during the day, 11:40"
    ]
    assert problems(GOOD, Seen("unexplained_absence", "A1", 700)) == []
    assert problems(GOOD, Seen("persistent_absence", "A2", 700)) == []
