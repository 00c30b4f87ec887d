from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.registers import absence
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION
from mis_bridge.registers.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Callable

_FILE = Path(__file__).parents[2] / "data" / "attendance_examples.json"
EXAMPLES = json.loads(_FILE.read_text(encoding="utf-8"))["examples"]


def strip_of(given: dict[str, Any]) -> Strip:
    """The strip of an example."""
    rows = [(date.fromisoformat(day), am, pm) for day, am, pm in given["strip"]]
    return Strip.from_days(AcademicYear.of(rows[0][0]), rows)


def iso(day: date | None) -> str | None:
    """A day as the examples write it."""
    return None if day is None else day.isoformat()


def totals(given: dict[str, Any]) -> tuple[int, int]:
    """Possible and absent sessions, given or counted."""
    if "strip" in given:
        counts = absence.count(strip_of(given).marks)
        return counts.possible, counts.absent
    return given["possible"], given["absent"]


def session_counts(given: dict[str, Any]) -> dict[str, int]:
    """All counts of a strip."""
    counts = absence.count(strip_of(given).marks)
    return {**counts._asdict(), "absent": counts.absent}


def twenty_days(given: dict[str, Any]) -> str | None:
    """The twentieth continuous day, of the first run that has one."""
    reached = absence.continuous_unauthorised(strip_of(given))
    return iso(reached[0]) if reached else None


ANSWERS: dict[str, Callable[[dict[str, Any]], object]] = {
    "session_counts": session_counts,
    "persistent_absence": lambda given: absence.is_persistent(*totals(given)),
    "persistent_absence_live": lambda given: absence.is_persistent_live(*totals(given)),
    "severe_absence": lambda given: absence.is_severe(*totals(given)),
    "absence_total": lambda given: absence.absence_total(**given),
    "totals_usable": lambda given: absence.totals_usable(**given),
    "historic_persistent_absence": lambda given: absence.historic_persistent_absence(**given),
    "n_deadline": lambda given: iso(
        absence.n_deadline(strip_of(given), date.fromisoformat(given["marked"][0]))
    ),
    "attendance_return": lambda given: [
        iso(day) for day in absence.attendance_return_dates(strip_of(given))
    ],
    "sickness_threshold": lambda given: iso(absence.sickness_threshold(strip_of(given))),
    "ten_in_ten_weeks": lambda given: iso(absence.ten_in_ten_weeks(strip_of(given))),
    "twenty_days": twenty_days,
}


@pytest.mark.parametrize(
    "example", EXAMPLES, ids=[f"{example['id']} {example['title']}" for example in EXAMPLES]
)
def test_worked_example(example: dict[str, Any]) -> None:
    """A worked example of the attendance rules gives its known answer."""
    assert example["expected"] == ANSWERS[example["asks"]](example["input"])


@pytest.mark.parametrize(
    "example",
    [example for example in EXAMPLES if "strip" in example["input"]],
    ids=lambda example: example["id"],
)
def test_one_look_gives_the_same_answers(example: dict[str, Any]) -> None:
    """Measuring a strip at once agrees with asking for each measure, on every worked example."""
    strip = strip_of(example["input"])
    measures = absence.measure(strip.marks)
    counts = absence.count(strip.marks)

    assert counts == measures[:5]
    assert measures.absent == counts.absent
    assert measures.persistent == absence.is_persistent(counts.possible, counts.absent)
    assert measures.severe == absence.is_severe(counts.possible, counts.absent)
    assert measures.approaching == absence.is_approaching(counts.possible, counts.absent)
    assert [strip.year.day_of(2 * day)[0] for day in measures.return_days] == (
        absence.attendance_return_dates(strip)
    )


@pytest.mark.parametrize(
    "example",
    [example for example in EXAMPLES if "strip" in example["input"]],
    ids=lambda example: example["id"],
)
def test_examples_fit_the_calendar(example: dict[str, Any], example_calendar: Any) -> None:
    """Where the school is closed the examples say #, elsewhere they do not: the data is sound."""
    for day, am, pm in strip_of(example["input"]).days():
        closed = not example_calendar.is_school_day(day)

        assert closed == (am == pm == ord("#"))
        assert NO_SESSION not in (am, pm)
