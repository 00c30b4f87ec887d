"""The conformance kit as tests, for a folder that is none of the project's."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.kit.run import CASES
from mis_bridge.adapters.registry import shipped

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the adapter that is tested soonest, far from the project."""
    return shutil.copytree(shipped() / "mis" / "csv", tmp_path / "csv")


def printed(folder: Path) -> str:
    """What pytest prints about a folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "mis_bridge.pytest_adapters", "-q", "-rA",
         # Of its own: pytest closes the common folder to other users, PostgreSQL's among them.
         f"--basetemp={folder.parent / 'inner'}",
         "-p", "no:cacheprovider", "-p", "no:randomly", folder.name],
        cwd=folder.parent, env=environment, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip


@pytest.mark.thorough
def test_every_case_is_a_test_and_so_is_the_grade(folder: Path) -> None:
    """Named by the case."""
    told = printed(folder)

    passed = set(re.findall(r"^PASSED csv/adapter.toml::(\S+)", told, re.MULTILINE))
    skipped = len(re.findall(r"^SKIPPED ", told, re.MULTILINE))
    assert "grade" in passed
    assert len(passed - {"grade"}) + skipped == len(CASES)


@pytest.mark.thorough
def test_a_grade_that_is_not_the_true_one_fails(folder: Path) -> None:
    """One that says too little as well: people choose by it."""
    file = folder / "adapter.toml"
    file.write_text(re.sub(r'grade = "\w+"', "", file.read_text()))

    told = printed(folder)

    assert re.search(r"^FAILED csv/adapter.toml::grade", told, re.MULTILINE)
    assert "adapter.toml records no grade" in told


@pytest.mark.thorough
def test_a_case_that_fails_says_what_is_wrong_and_no_traceback(folder: Path) -> None:
    """A person reads it."""
    (folder / "expect.json").write_text('{"records": {}, "quarantined": []}')

    told = printed(folder)

    assert re.search(r"^FAILED csv/adapter.toml::expected", told, re.MULTILINE)
    assert "came out, expect.json has 0" in told
    assert "Traceback" not in told
