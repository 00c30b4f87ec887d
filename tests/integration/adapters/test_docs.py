"""The reference of adapters says what the program says."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

from mis_bridge.adapters.manifest import parse

DOCS = Path(__file__).parents[3] / "docs"


def test_what_is_drawn_in_the_reference_is_fresh() -> None:
    """Drawn by docs/make_adapters.py."""
    spec = importlib.util.spec_from_file_location("make_adapters", DOCS / "make_adapters.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)

    stale = [
        name
        for name, text in module.pages().items()
        if not (module.REFERENCE / name).is_file()
        or (module.REFERENCE / name).read_text(encoding="utf-8") != text
    ]
    pages = {f"adapters/{page.name}" for page in (module.REFERENCE / "adapters").glob("*.md")}

    assert stale == []
    assert pages == {name for name in module.pages() if name.startswith("adapters/")}


def test_the_example_of_the_reference_is_a_valid_manifest() -> None:
    """As it stands on the page."""
    page = (DOCS / "reference" / "adapter-manifest.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0]

    manifest = parse(example, "adapter-manifest.md")

    assert manifest.stream["sessions"].map["session"].values == {"1": "AM", "2": "PM"}
