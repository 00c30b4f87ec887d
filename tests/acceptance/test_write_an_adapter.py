"""A technician follows the how-to, for a vendor that does not exist, and has an adapter."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "write-an-adapter.md"
SCHOOL = """
[school]
id = "samplewood"
name = "Samplewood School"
[mis]
adapter = "larkfield"
[mis.connection]
school = "S1"
key = "env:LARKFIELD_KEY"
[calendar]
first_day = 2026-09-01
last_day = 2027-07-20
"""


def files_of_the_page() -> dict[str, str]:
    """The files that the page shows, by their path."""
    text = PAGE.read_text(encoding="utf-8")
    shown = r"(?ms)^\*\*`(larkfield/[^`]+)`\*\*\n\n```\w+\n(.*?)^```"
    return dict(re.findall(shown, text))


def ran(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the program, far from the project."""
    return subprocess.run(
        [sys.executable, "-m", "mis_bridge", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def larkfield(tmp_path: Path) -> Path:
    """The example as it stands on the page, copied into a folder of its own."""
    for name, text in files_of_the_page().items():
        file = tmp_path / "adapters" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "adapters" / "larkfield"


@pytest.mark.thorough
def test_the_example_of_the_page_is_silver_and_touches_nothing_else(larkfield: Path) -> None:
    """In fewer than sixty lines of TOML, all of them in one folder."""
    before = {file: file.read_bytes() for file in larkfield.parent.rglob("*") if file.is_file()}
    lines = [
        line for file in before if file.suffix == ".toml" for line in before[file].split(b"\n")
    ]

    done = ran("adapters", "test", str(larkfield), "--format", "json", cwd=larkfield)

    cases = [json.loads(line) for line in done.stdout.splitlines()]
    wanted = {"bronze", "silver"}
    assert [case for case in cases if case["tier"] in wanted and case["result"] == "fails"] == []
    assert [case["case"] for case in cases if case["result"] == "exempt"] == []
    assert {case["tier"] for case in cases if case["result"] == "holds"} == {*wanted, "gold"}
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(lines) < 60
    assert {f: f.read_bytes() for f in larkfield.parent.rglob("*") if f.is_file()} == before


@pytest.mark.thorough
def test_a_school_can_be_read_with_it_when_its_folder_is_named(larkfield: Path) -> None:
    """Listed, shown and accepted in a school's file; nothing is registered anywhere else."""
    home = larkfield.parent.parent
    (home / "config.toml").write_text('[service]\ndata_dir = "data"\nadapter_dirs = ["adapters"]\n')
    (home / "conf.d").mkdir()
    (home / "conf.d" / "samplewood.toml").write_text(SCHOOL)
    config = ("--config", str(home / "config.toml"))

    listed = ran("adapters", "list", "--format", "json", *config, cwd=home)
    shown = ran("adapters", "show", "larkfield", *config, cwd=home)
    checked = ran("check", "--format", "json", *config, cwd=home)

    rows = {row["id"]: row for row in map(json.loads, listed.stdout.splitlines())}
    assert rows["larkfield"]["grade"] == "gold"
    assert "GET https://api.larkfield.example/v2/attendance" in shown.stdout
    assert not [line for line in checked.stdout.splitlines() if "larkfield" in line]


def test_every_file_of_the_page_is_one_of_the_folder_s(larkfield: Path) -> None:
    """The adapter's manifest, its fixtures and what must come out of them."""
    names = {file.relative_to(larkfield).as_posix() for file in larkfield.rglob("*.*")}

    assert names == {
        "adapter.toml",
        "expect.json",
        "fixtures/attendance.json",
        "fixtures/codes.json",
        "fixtures/plan.toml",
        "fixtures/students.json",
    }
