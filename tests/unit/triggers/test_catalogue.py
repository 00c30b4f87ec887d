"""What every trigger says of itself, and what it can be told."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mis_bridge.triggers.catalogue import TRIGGERS, all_parameters, parameters

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def page_maker() -> ModuleType:
    """The script that draws the reference page."""
    spec = importlib.util.spec_from_file_location(
        "make_triggers", ROOT / "docs" / "make_triggers.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", TRIGGERS)
def test_a_trigger_says_what_it_is(name: str) -> None:
    """Id, meaning, source, audience and every parameter's unit and meaning are there."""
    info = TRIGGERS[name].INFO

    assert info.id == name
    assert info.title
    assert info.meaning.endswith(".")
    assert info.source.endswith(".")
    assert info.audience
    assert info.parameters[0].name == "enabled"
    for parameter in info.parameters:
        assert parameter.unit
        assert parameter.meaning.endswith((".", ";"))
        assert parameters(name)[parameter.name] == parameter.default


def test_the_triggers_of_the_first_version_are_all_there() -> None:
    """The catalogue of the design, day, feed and strip."""
    assert set(TRIGGERS) >= {
        "unexplained_absence",
        "missing_during_day",
        "internal_truancy",
        "register_not_taken",
        "marks_disagree",
        "feed_blind",
        "persistent_absence",
        "severe_absence",
        "approaching_persistent_absence",
        "ten_day_absence",
    }


@pytest.mark.parametrize(
    ("trigger", "overrides", "words"),
    [
        ("missing_in_day", {}, "missing_during_day"),
        ("nothing_like_it", {}, "there are"),
        ("missing_during_day", {"grace_minute": 5}, "grace_minutes"),
        ("missing_during_day", {"zzz": 5}, "it has"),
        ("missing_during_day", {"grace_minutes": "5"}, "a whole number"),
        ("missing_during_day", {"grace_minutes": True}, "a whole number"),
        ("missing_during_day", {"grace_minutes": 5.5}, "a whole number"),
        ("missing_during_day", {"grace_minutes": -1}, "smallest"),
        ("missing_during_day", {"immediate_flags": "lac"}, "a list of texts"),
        ("missing_during_day", {"immediate_flags": ["lac", 3]}, "a list of texts"),
        ("missing_during_day", {"enabled": 1}, "true or false"),
        ("register_anomaly", {"share": "most"}, "a number"),
        ("register_anomaly", {"share": float("nan")}, "smallest"),
        ("feed_blind", {"minutes": 0}, "smallest"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_would_be_right(
    trigger: str, overrides: dict[str, object], words: str
) -> None:
    """The error names the trigger and the parameter and says what is wanted."""
    with pytest.raises(ValueError, match=words):
        parameters(trigger, overrides)


def test_settings_change_what_they_name_and_nothing_else() -> None:
    """The other parameters keep their defaults; a whole number may stand for one with a point."""
    values = parameters("register_anomaly", {"share": 90})

    assert values["share"] == 90.0
    assert values["minimum_pupils"] == 8
    assert parameters("missing_during_day", {"immediate_flags": ["lac"]})["immediate_flags"] == (
        "lac",
    )


def test_all_parameters_refuses_an_unknown_trigger() -> None:
    """A table of a trigger that is not there is a mistake, not nothing."""
    with pytest.raises(ValueError, match="marks_disagree"):
        all_parameters({"marks_disagrees": {}})


def test_the_reference_page_is_fresh(page_maker: ModuleType) -> None:
    """docs/reference/triggers.md is what docs/make_triggers.py draws from the program."""
    page = page_maker.PAGE.read_text(encoding="utf-8")

    assert page_maker.drawn(page) == page, "run python docs/make_triggers.py"


@pytest.mark.parametrize("name", TRIGGERS)
def test_every_trigger_and_parameter_is_on_the_page(name: str) -> None:
    """Nobody has to read the program to know what can be set."""
    page = (ROOT / "docs" / "reference" / "triggers.md").read_text(encoding="utf-8")
    _, _, section = page.partition(f"\n### {name}\n")
    section, _, _ = section.partition("\n### ")

    for parameter in TRIGGERS[name].INFO.parameters:
        assert f"`{parameter.name}`" in section
        assert parameter.meaning in section
