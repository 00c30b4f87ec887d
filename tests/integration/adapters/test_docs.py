"""The manifest's reference says what the vocabulary says."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

from mis_bridge.adapters.manifest import parse

DOCS = Path(__file__).parents[3] / "docs"


def test_the_tables_of_the_reference_are_fresh() -> None:
    """Drawn by docs/make_adapters.py."""
    spec = importlib.util.spec_from_file_location("make_adapters", DOCS / "make_adapters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    page = module.PAGE.read_text(encoding="utf-8")

    assert module.drawn(page) == page


def test_the_example_of_the_reference_is_a_valid_manifest() -> None:
    """As it stands on the page."""
    page = (DOCS / "reference" / "adapter-manifest.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]

    manifest = parse(example, "adapter-manifest.md")

    assert manifest.stream["sessions"].map["session"].values == {"1": "AM", "2": "PM"}
