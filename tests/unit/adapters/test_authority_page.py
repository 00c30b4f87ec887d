"""What the documentation says of authorities is what the program does."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from mis_bridge.adapters.authorities import find_authority, load_authority
from mis_bridge.adapters.authority.comparing import differences
from mis_bridge.messages.form_fields import FIELDS
from mis_bridge.settings import SettingsProblems

DOCS = Path(__file__).parents[3] / "docs"
HOW_TO = DOCS / "how-to" / "write-an-authority.md"


def _example() -> str:
    text = HOW_TO.read_text("utf-8")
    shown = re.search(r"(?ms)^\*\*`exampleshire/authority.toml`\*\*\n\n```toml\n(.*?)^```", text)
    assert shown is not None
    return shown[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The how-to's example in a folder."""
    place = tmp_path / "la" / "exampleshire"
    place.mkdir(parents=True)
    (place / "authority.toml").write_text(_example(), "utf-8")
    return place


def test_the_reference_page_is_fresh() -> None:
    """Keys, fields and authorities on the page are those of the program."""
    spec = importlib.util.spec_from_file_location("make_authority", DOCS / "make_authority.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert module.PAGE.read_text("utf-8") == module.page(), "run python docs/make_authority.py"
    assert all(f"| `{key}` |" in module.page() for key in FIELDS)


def test_the_how_to_s_example_is_an_authority(folder: Path) -> None:
    """An officer who copies it has one that is read, and differs in what the page says."""
    changed = {
        line.what for line in differences(load_authority("national"), find_authority(str(folder)))
    }

    assert {
        "cme.refer",
        "route.portal",
        "told.ten_day_absence",
        "triggers.register_not_taken.minutes",
        "protocol.first_day_calling.tell_workers",
        "form.cme.own.nhs_number",
        "form.cme.check.brothers_and_sisters",
    } <= changed
    assert set(tomllib.loads(_example())) >= {"contact", "cme", "told", "protocol", "form"}


def test_the_how_to_s_mistake_is_told_as_it_shows(folder: Path) -> None:
    """File, line, key and the right spelling, letter by letter."""
    file = folder / "authority.toml"
    file.write_text(_example().replace("minutes = 10\ntells", "minuts = 10\ntells"), "utf-8")

    with pytest.raises(SettingsProblems) as caught:
        find_authority(str(folder))

    told = str(caught.value).replace(str(folder.parent), "ours/la")
    assert told in HOW_TO.read_text("utf-8").splitlines()
