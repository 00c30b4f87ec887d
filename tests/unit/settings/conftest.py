"""A configuration in a folder of its own, to be spoilt by tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from mis_bridge.settings import SettingsProblems, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mis_bridge.settings import Configuration

CONFIG = """\
[channels.folder]
kind = "folder"
path = "outbox"

[routes]
dsl = ["folder"]
office = ["folder"]
attendance = ["folder"]
it = ["folder"]
"""

SCHOOL = """\
[school]
id = "sample"
name = "Sample School"

[mis]
adapter = "csv"

[calendar]
first_day = 2026-09-03
last_day = 2027-07-21
"""


class House:
    """Writes the files and reads them back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "conf.d").mkdir()

    def load(self, config: str = CONFIG, **schools: str) -> Configuration:
        """Load these texts; keyword ``sample`` is ``conf.d/sample.toml``."""
        (self.folder / "config.toml").write_text(config, encoding="utf-8")
        for name, text in schools.items():
            (self.folder / "conf.d" / f"{name}.toml").write_text(text, encoding="utf-8")
        return load(self.folder / "config.toml")

    def problems(self, config: str = CONFIG, **schools: str) -> list[str]:
        """The problems of these texts, one line each, without the folder's path."""
        with pytest.raises(SettingsProblems) as caught:
            self.load(config, **schools)
        return str(caught.value).replace(f"{self.folder}{os.sep}", "").splitlines()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """An empty configuration folder, and no override in the environment."""
    for name in list(os.environ):
        if name.upper().startswith("MIS_BRIDGE_"):
            monkeypatch.delenv(name)
    return House(tmp_path)


@pytest.fixture
def config() -> str:
    """A config.toml without mistakes."""
    return CONFIG


@pytest.fixture
def school() -> str:
    """A school's file without mistakes."""
    return SCHOOL


@pytest.fixture
def line_of() -> Callable[[str, str], int]:
    """Give the line on which a text first stands."""

    def find(text: str, part: str) -> int:
        return text[: text.index(part)].count("\n") + 1

    return find
