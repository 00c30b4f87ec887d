"""docs/reference/incidents.md against the program."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def page_maker() -> ModuleType:
    """The script that draws the page."""
    name = "make_incidents"
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_the_reference_page_is_fresh(page_maker: ModuleType) -> None:
    """States, events, families, reasons and protocols on the page are those of the program."""
    assert page_maker.PAGE.read_text("utf-8") == page_maker.page(), (
        "run python docs/make_incidents.py"
    )
