"""The page about detection quality shows the rates and the command of the program."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mis_bridge.cli.simulate import command

if TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    """The script that draws the page."""
    spec = importlib.util.spec_from_file_location(
        "make_detection_quality", DOCS / "make_detection_quality.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_rates_on_the_page_are_the_programs(maker: ModuleType) -> None:
    """Each rate with its value, its meaning and where it comes from."""
    page = maker.PAGE.read_text(encoding="utf-8")

    assert maker.drawn_rates(page) == page, "run python docs/make_detection_quality.py --rates"


def test_the_measurement_on_the_page_is_of_a_command_that_there_is(maker: ModuleType) -> None:
    """It is the one that the script runs, every option exists, and what it prints is there."""
    page = maker.PAGE.read_text(encoding="utf-8")
    options = {option for one in command.params for option in one.opts}

    assert f"$ {maker.COMMAND}\n" in page
    assert {word for word in maker.COMMAND.split() if word.startswith("--")} <= options
    for factor in maker.NOISIER:
        assert f"$ {maker.OTHERWISE} --noise {factor}\n" in page
    for trigger in ("missing_during_day", "unexplained_absence", "ten_day_absence"):
        assert f"\n{trigger} " in page
