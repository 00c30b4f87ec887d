from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from mis_bridge.errors import SettingsError
from mis_bridge.incidents.families import FAMILIES
from mis_bridge.incidents.protocol import NATIONAL, found_steps, protocols_from, start_steps
from mis_bridge.registers.calendar import LONDON, AcademicYear, Closure, SchoolCalendar
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.triggers.catalogue import TRIGGERS, all_parameters

AUTHORITY = Path(__file__).parents[3] / "adapters/la/national/authority.toml"


def test_the_national_authority_file_says_what_the_program_does_without_one() -> None:
    """Whoever copies the file for their authority starts from what is in force."""
    table = tomllib.loads(AUTHORITY.read_text("utf-8"))

    assert dict(protocols_from(table["protocol"])) == dict(NATIONAL)
    assert table["protocol"].keys() == NATIONAL.keys()
    assert dict(all_parameters(table["triggers"])) == dict(all_parameters({}))


def test_every_trigger_has_a_family_with_a_protocol() -> None:
    """Nobody is told of anything without being told what to do next."""
    families = {trigger: family for family in FAMILIES.values() for trigger in family.triggers}

    assert set(families) == set(TRIGGERS)
    assert all(NATIONAL[family.protocol] for family in FAMILIES.values() if family.triggers)


def test_every_step_has_a_source() -> None:
    """A deadline that nobody can trace is a rule that nobody can check."""
    assert all(step.source for steps in NATIONAL.values() for step in steps)


_STEP = {"id": "a", "text": "Do it.", "who": "office", "source": "us"}


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"missing": [_STEP]}, "no such protocol"),
        ({"feed_blind": []}, "one .* table a step"),
        ({"feed_blind": ["x"]}, "a step is a table"),
        ({"feed_blind": [_STEP, _STEP]}, "two steps have one id"),
        ({"feed_blind": [_STEP | {"minuets": 3}]}, "unknown key 'minuets'"),
        ({"feed_blind": [_STEP | {"minutes": "3"}]}, "whole number"),
        ({"feed_blind": [_STEP | {"minutes": -1}]}, "whole number"),
        ({"feed_blind": [_STEP | {"after": "lunch"}]}, "'opened' or 'found'"),
        ({"feed_blind": [_STEP | {"school_days": 1.5}]}, "whole number"),
        ({"feed_blind": [_STEP | {"school_days": True}]}, "whole number"),
        ({"feed_blind": [_STEP | {"school_days": 1, "minutes": 5}]}, "one deadline"),
        ({"feed_blind": [_STEP | {"text": ""}]}, "is needed"),
    ],
)
def test_a_mistake_in_an_authoritys_protocol_names_the_key(tables: Any, problem: Any) -> None:
    """The person who wrote it finds the line."""
    with pytest.raises(SettingsError, match=problem) as caught:
        protocols_from(tables)
    assert caught.value.key.startswith("protocol.")


def test_a_deadline_in_school_days_passes_over_half_term_and_the_change_of_the_clocks() -> None:
    """Opened on Thursday before half term, due three school days later: on Tuesday after it.

    The clocks go back on the Sunday between; by the wall clock the day ends as it always does.
    """
    steps = protocols_from(
        {
            "feed_blind": [
                _STEP | {"school_days": 3},
                _STEP | {"id": "b", "school_days": 1, "after": "found"},
            ]
        }
    )["feed_blind"]
    half_term = Closure(date(2026, 10, 26), date(2026, 10, 30), "half term")
    calendar = SchoolCalendar(AcademicYear(2026), date(2026, 9, 3), date(2027, 7, 21), (half_term,))
    years = SchoolYears((calendar,))
    opened = datetime(2026, 10, 22, 10, 0, tzinfo=LONDON)

    started = start_steps(steps, opened, years)
    found = found_steps(started, steps, opened, years)

    assert [step.due_at for step in started] == [
        datetime(2026, 11, 3, 15, 10, tzinfo=LONDON),
        None,
    ]
    assert found[1].due_at == datetime(2026, 10, 23, 15, 10, tzinfo=LONDON)
    assert found[0] == started[0]


def test_an_authority_changes_one_protocol_and_keeps_the_others() -> None:
    """Only what is written is changed."""
    changed = protocols_from({"feed_blind": [_STEP | {"minutes": 7}]})

    assert [(step.id, step.minutes) for step in changed["feed_blind"]] == [("a", 7)]
    assert changed["missing_during_day"] == NATIONAL["missing_during_day"]
