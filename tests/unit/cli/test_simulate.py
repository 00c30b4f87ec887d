"""``mis-bridge simulate``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from mis_bridge.cli.simulate import command


def run(*arguments: str) -> Result:
    """Simulate one day of one small school."""
    return CliRunner().invoke(
        command, ["--schools", "1", "--days", "1", "--size", "0.1", *arguments]
    )


def test_json_is_one_object_a_line_and_shows_score_and_calibration() -> None:
    """Nothing else is printed, and each line says of which table it is."""
    result = run("--score", "--format", "json")

    assert result.exit_code == 0, result.stderr
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert {row["table"] for row in rows} >= {"simulated", "score", "unseen", "calibration"}
    score = next(row for row in rows if row.get("trigger") == "unexplained_absence")
    figures = {"level", "alerts", "precision", "on_record", "due", "recall", "median", "p95"}
    assert figures <= set(score)
    phases = {row["phase"] for row in rows if row["table"] == "calibration"}
    assert phases == {"secondary"}


def test_without_score_only_the_calibration_is_shown() -> None:
    """Simulated and published absence side by side, with the source of the published one."""
    result = run()

    assert result.exit_code == 0, result.stderr
    assert "persistently absent" in result.stdout
    assert "Department for Education" in result.stdout
    assert "recall" not in result.stdout


def test_a_floor_that_is_missed_is_named_and_fails() -> None:
    """Ten times the usual mistakes do not reach a precision of 1 at level 1."""
    result = run("--score", "--noise", "40", "--floor", "level-1=1")

    assert result.exit_code == 1
    assert "precision of all about a child at level 1 is 0." in result.stderr


def test_the_floor_by_what_was_on_record_is_another_one() -> None:
    """Where the MIS can not be read every day, something was put right that nobody could see."""
    result = run("--score", "--noise", "40", "--floor", "record-1=1", "--floor", "record-2=0")

    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("precision by what was on record of all about a child at level 1 is 0.")


@pytest.mark.parametrize("floor", ["recall", "recall=2", "level-3=0.5", "recall=x"])
def test_a_floor_that_is_none_is_wrong_usage(floor: str) -> None:
    """The names and the span are said."""
    result = run("--score", "--floor", floor)

    assert result.exit_code == 2
    assert "NAME=SHARE" in result.stderr


def test_a_floor_without_score_is_wrong_usage() -> None:
    """Nothing would be compared with it."""
    result = run("--floor", "recall=1")

    assert result.exit_code == 2
    assert "--floor needs --score" in result.stderr
