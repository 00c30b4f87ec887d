"""The conformance kit finds what is wrong with an adapter."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.kit.bronze import Case, run
from mis_bridge.adapters.registry import shipped

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the Wonde adapter to break."""
    return shutil.copytree(shipped() / "mis" / "wonde", tmp_path / "wonde")


def problems(cases: list[Case]) -> dict[str, str]:
    """The cases that do not hold."""
    return {case.name: case.problem for case in cases if case.problem}


@pytest.mark.parametrize(
    "folder",
    sorted(manifest.parent for manifest in (shipped() / "mis").glob("*/adapter.toml")),
    ids=lambda folder: folder.name,
)
def test_every_shipped_adapter_is_bronze(folder: Path) -> None:
    """All cases hold."""
    cases = run(folder)

    assert problems(cases) == {}
    assert len(cases) >= 3


def test_a_manifest_with_a_mistake_fails_the_first_case(copied: Path) -> None:
    """And nothing else is tried."""
    file = copied / "adapter.toml"
    file.write_text(file.read_text().replace("max_pages", "maxpages", 1))

    (case,) = run(copied)

    assert '"max_pages"' in case.problem


def test_a_mark_that_comes_out_otherwise_is_named_without_being_printed(copied: Path) -> None:
    """The stream, the number and the field."""
    file = copied / "expect.json"
    expect = json.loads(file.read_text())
    expect["records"]["pupils"][0]["surname"] = "Somebody-Else"
    file.write_text(json.dumps(expect))

    told = problems(run(copied))["the fixtures give exactly expect.json"]

    assert told == "pupils, number 1: surname differ"


def test_a_fixture_that_nobody_asks_for_is_named(copied: Path) -> None:
    """It would look like a test and be none."""
    plan = copied / "fixtures" / "plan.toml"
    plan.write_text(
        plan.read_text() + '\n[[exchange]]\nget = "/v1.0/other/"\nbody = "spare.json"\n'
    )
    (copied / "fixtures" / "spare.json").write_text("{}")

    assert "spare.json" in problems(run(copied))["every fixture is used, every request answered"]


def test_a_request_that_no_fixture_answers_is_named(copied: Path) -> None:
    """The path, without the query."""
    plan = copied / "fixtures" / "plan.toml"
    plan.write_text(plan.read_text().replace("/periods/", "/elsewhere/"))

    told = problems(run(copied))["every fixture is used, every request answered"]

    assert "GET /v1.0/schools/A1999000001/periods/" in told


def test_a_field_that_no_fixture_has_is_named(copied: Path) -> None:
    """A path with a spelling mistake finds null for ever."""
    file = copied / "adapter.toml"
    file.write_text(file.read_text().replace('forename = "forename"', 'forename = "fornemae"'))

    assert problems(run(copied))["each mapped field is seen once"].startswith(
        "stream.pupils.map.forename"
    )


def test_fixtures_that_are_not_there_are_named(copied: Path) -> None:
    """An adapter without fixtures has not been tested."""
    shutil.rmtree(copied / "fixtures")

    (case,) = run(copied)

    assert "plan.toml" in case.problem
