"""The examples and the invented school that the tests of registers share."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar

_EXAMPLES = Path(__file__).parents[2] / "data" / "attendance_examples.json"


@pytest.fixture(scope="session")
def example_document() -> dict[str, Any]:
    """The worked examples and the calendar of their invented school."""
    document: dict[str, Any] = json.loads(_EXAMPLES.read_text(encoding="utf-8"))
    return document


@pytest.fixture(scope="session")
def example_calendar(example_document: dict[str, Any]) -> SchoolCalendar:
    """An invented school's 2025/26: 190 school days, six half terms, five training days."""
    told = example_document["calendar"]
    first = date.fromisoformat(told["first_day"])
    return SchoolCalendar(
        AcademicYear.of(first),
        first,
        date.fromisoformat(told["last_day"]),
        tuple(
            Closure(date.fromisoformat(begins), date.fromisoformat(ends), why)
            for begins, ends, why in told["closures"]
        ),
    )
