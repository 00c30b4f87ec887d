"""The plain counts that the simulator holds the triggers against are themselves right."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.simulator.quality.calibration import compare
from mis_bridge.simulator.quality.england import PHASES, published, source
from mis_bridge.simulator.quality.plain_counts import PLAIN
from mis_bridge.simulator.quality.run import draw

if TYPE_CHECKING:
    from mis_bridge.simulator.quality.plain_counts import Days

_FILE = Path(__file__).parents[2] / "data" / "attendance_examples.json"
ASKED = {
    "attendance_return": "ten_day_absence",
    "twenty_days": "twenty_day_absence",
    "sickness_threshold": "fifteen_day_sickness",
    "ten_in_ten_weeks": "penalty_threshold",
}
EXAMPLES = [one for one in json.loads(_FILE.read_text("utf-8"))["examples"] if one["asks"] in ASKED]


def days_of(strip: list[list[str]]) -> Days:
    """The days of an example."""
    return [(date.fromisoformat(day), am, pm) for day, am, pm in strip]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one['id']} {one['title']}")
def test_the_plain_counts_give_the_worked_examples_answers(example: dict[str, Any]) -> None:
    """Counted day by day, each becomes true on the day that the attendance rules say."""
    plain = PLAIN[ASKED[example["asks"]]]
    days = days_of(example["input"]["strip"])
    wanted = example["expected"]

    became = [
        day.isoformat()
        for number, (day, _, _) in enumerate(days)
        if plain(days[: number + 1]) and not plain(days[:number])
    ]

    assert became == (wanted if isinstance(wanted, list) else [wanted] if wanted else [])


def test_a_day_that_nobody_marked_is_not_counted_and_begins_anew() -> None:
    """Nine days of O, one session not taken, nine days more: no ten in a row."""
    days = [(date(2026, 9, 1 + n), "O", "-" if n == 9 else "O") for n in range(19)]

    assert PLAIN["ten_day_absence"](days) == ""
    assert PLAIN["ten_day_absence"]([*days, (date(2026, 9, 20), "O", "O")]) == "2026-09-11"


@pytest.mark.parametrize(
    ("absent", "persistent", "severe"),
    [(3, "", ""), (4, "yes", ""), (19, "yes", ""), (20, "yes", "yes")],
)
def test_a_tenth_and_a_half_of_the_possible_sessions_are_inclusive(
    absent: int, persistent: str, severe: str
) -> None:
    """Of 40 possible sessions 4 make a pupil persistently absent and 20 severely; before, not."""
    codes = ["I"] * absent + ["/"] * (40 - absent)
    days = [(date(2026, 9, 1 + n), codes[2 * n], codes[2 * n + 1]) for n in range(20)]

    assert (PLAIN["persistent_absence"](days), PLAIN["severe_absence"](days)) == (
        persistent,
        severe,
    )


def test_the_published_figures_add_up() -> None:
    """In every phase authorised and unauthorised make the whole, and U G N O the unauthorised.

    The published authorised total holds a few sessions of codes that are not listed.
    """
    assert "Department for Education" in source()
    for phase in PHASES:
        figures = published(phase)
        assert figures.authorised + figures.unauthorised == pytest.approx(figures.overall)
        unauthorised = sum(figures.codes[code] for code in "UGNO")
        assert unauthorised == pytest.approx(figures.unauthorised)
        assert sum(figures.codes.values()) - unauthorised == pytest.approx(
            figures.authorised, abs=1e-6
        )
    persistent = [published(phase).persistent for phase in PHASES]
    assert persistent == pytest.approx([0.1377, 0.2377, 0.3606])


def test_a_years_absence_is_near_what_is_published() -> None:
    """Ten schools miss as many sessions as England does, of each kind, within what chance allows.

    Of a special school there is one, of 150 pupils: a few who miss half of the year move it.
    """
    allowed = {
        "sessions missed": 0.6,
        "authorised": 0.5,
        "unauthorised": 0.5,
        "pupils persistently absent": 3.5,
    }
    for one in compare(draw(10, 1, 7).schools):
        if one.phase != "special" and one.figure in allowed:
            assert one.simulated == pytest.approx(one.published, abs=allowed[one.figure]), one
