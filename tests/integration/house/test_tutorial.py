"""What the tutorial shows is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mis_bridge.cli.main import cli

TUTORIAL = (Path(__file__).parents[3] / "docs" / "tutorial.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a newcomer begins, on a day of the example's school year."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"2026-11-20T09:00:00+00:00|{2**40}|1e-9")


def run(command: str) -> Result:
    """Run a command as the tutorial writes it."""
    assert command in TUTORIAL
    return CliRunner().invoke(cli, command.split()[1:])


def block(language: str, part: str) -> str:
    """The text of the code block that holds a part."""
    blocks: list[tuple[str, str]] = re.findall(
        r"^```(\w*)\n(.*?)^```$", TUTORIAL, re.DOTALL | re.MULTILINE
    )
    return next(text for kind, text in blocks if kind == language and part in text)


def test_the_mistake_is_told_as_shown() -> None:
    """Steps 2 and 3: init, check clean, misspell a key, check says exactly what is printed."""
    assert run("mis-bridge init trial").exit_code == 0
    clean = run("mis-bridge check --config trial/config.toml")
    assert clean.exit_code == 0, clean.output
    school = Path("trial/conf.d/example-school.toml")
    text = school.read_text(encoding="utf-8")
    school.write_text(text.replace('adapter = "csv"', 'adpter = "csv"'), encoding="utf-8")

    wrong = run("mis-bridge check --config trial/config.toml")

    assert wrong.output == block("", "2 problems.")
    assert wrong.exit_code == 1


def test_the_first_marks_are_measured_and_replayed() -> None:
    """Steps 4 and 5: p1 missed two of four possible sessions, and the day would have been told."""
    Path("sessions.csv").write_text(block("csv", "pupil_id"), encoding="utf-8")
    assert run("mis-bridge absence --sessions sessions.csv").exit_code == 0

    measured = CliRunner().invoke(
        cli, ["absence", "--sessions", "sessions.csv", "--format", "json"]
    )
    told = run("mis-bridge backtest --sessions sessions.csv")

    rows = {row["pupil_id"]: row for row in map(json.loads, measured.stdout.splitlines())}
    assert (rows["p1"]["absent"], rows["p1"]["possible"]) == (2, 4)
    assert told.exit_code == 0
    assert "unexplained_absence" in told.output
