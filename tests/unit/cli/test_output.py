"""Rows as tables and as JSON lines."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from mis_bridge.cli.output import emit
from mis_bridge.incidents.reasons import Reason

if TYPE_CHECKING:
    import pytest

ROWS = [
    {"school": "sample", "marks": 3, "rate": None, "since": date(2026, 9, 3), "extra": "x"},
    {"school": "other", "marks": 12, "rate": 0.5, "since": None, "why": Reason.OPENED},
]


def test_json_is_one_object_a_line_in_the_order_of_the_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """JSON keeps every key; what is missing is null; nothing else is on standard output."""
    emit(ROWS, ["school", "rate", "marks", "since"], "json", title="Feeds")

    first, second = capsys.readouterr().out.splitlines()

    assert list(json.loads(first)) == ["school", "rate", "marks", "since", "extra"]
    assert json.loads(first)["since"] == "2026-09-03"
    assert json.loads(second)["why"] == "opened"
    assert json.loads(second)["since"] is None


def test_a_table_has_a_heading_and_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    """Piped, each row keeps its line however long it is; what is missing is a hyphen."""
    rows = [*ROWS, {"school": "long " * 60, "since": datetime(2026, 9, 3, 8, 5, tzinfo=UTC)}]
    emit(rows, ["school", "marks", "rate", "since"], "table")

    heading, *lines = capsys.readouterr().out.splitlines()

    assert heading.split() == ["school", "marks", "rate", "since"]
    assert lines[0].split() == ["sample", "3", "-", "2026-09-03"]
    assert lines[1].split() == ["other", "12", "0.5", "-"]
    assert lines[2].rstrip().endswith("2026-09-03 08:05+00:00")


def test_markup_in_a_value_is_printed_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """A value in square brackets is text, not colour."""
    emit([{"problem": "[red]no[/red]"}], ["problem"], "table")

    assert "[red]no[/red]" in capsys.readouterr().out


def test_no_rows_say_so_to_people_and_nothing_to_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An empty table is a sentence; empty JSON is empty."""
    emit([], ["school"], "table", empty="No school is configured.")
    assert capsys.readouterr().out == "No school is configured.\n"

    emit([], ["school"], "json", empty="No school is configured.")
    assert capsys.readouterr().out == ""
