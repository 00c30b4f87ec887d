"""The conformance kit finds what is wrong with an adapter."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from mis_bridge.adapters.kit.model import Case, Outcome, Report, Result, Tier, grade_of
from mis_bridge.adapters.kit.run import CASES, run
from mis_bridge.adapters.registry import shipped
from mis_bridge.simulator.shelf import shelf

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.adapters.kit.bench import Bench


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the Wonde adapter to break."""
    return shutil.copytree(shipped() / "mis" / "wonde", tmp_path / "wonde")


def edited(file: Path, old: str, new: str) -> None:
    """Change one place of a file."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def told(folder: Path, case: str) -> str:
    """What is wrong with one case of an adapter; empty where it holds."""
    report = run(folder, shelf, only=(case,))
    assert not report.problem
    (outcome,) = report.outcomes
    return "" if outcome.result is Result.HOLDS else outcome.detail


def outcomes(**results: Result) -> list[Outcome]:
    """One outcome a tier that is named."""

    async def nothing(bench: Bench) -> None:
        del bench

    return [
        Outcome(Case(tier, Tier(tier), "", nothing), result) for tier, result in results.items()
    ]


@pytest.mark.parametrize(
    ("results", "grade"),
    [
        ({"bronze": Result.HOLDS, "silver": Result.HOLDS, "gold": Result.HOLDS}, Tier.GOLD),
        ({"bronze": Result.HOLDS, "silver": Result.HOLDS, "gold": Result.FAILS}, Tier.SILVER),
        ({"bronze": Result.HOLDS, "silver": Result.FAILS, "gold": Result.HOLDS}, Tier.BRONZE),
        ({"bronze": Result.FAILS, "silver": Result.HOLDS, "gold": Result.HOLDS}, None),
        ({"bronze": Result.HOLDS, "silver": Result.EXEMPT, "gold": Result.FAILS}, Tier.SILVER),
        ({"bronze": Result.HOLDS, "silver": Result.DOES_NOT_APPLY}, Tier.SILVER),
        ({"bronze": Result.HOLDS, "silver": Result.WRONGLY_EXEMPT}, Tier.BRONZE),
    ],
)
def test_a_grade_needs_every_case_of_its_tier_and_of_those_before(
    results: dict[str, Result], grade: Tier | None
) -> None:
    """Exempt cases and those that do not apply stand in nobody's way; wrong exemptions do."""
    assert grade_of(outcomes(**results)) is grade


def test_every_case_has_an_id_of_its_own_and_a_sentence() -> None:
    """Manifests exempt cases by their ids: they are stable names."""
    ids = [case.id for case in CASES]

    assert len(ids) == len(set(ids))
    assert all(case.sentence for case in CASES)
    assert [case.tier for case in CASES] == sorted(
        (case.tier for case in CASES), key=list(Tier).index
    )


def test_a_manifest_with_a_mistake_is_told_and_nothing_else_tried(copied: Path) -> None:
    """As the registry tells it."""
    edited(copied / "adapter.toml", "max_pages", "maxpages")

    report = run(copied, shelf)

    assert '"max_pages"' in report.problem
    assert report.grade is None
    assert not report.outcomes


def test_a_mark_that_comes_out_otherwise_is_named_without_being_printed(copied: Path) -> None:
    """The stream, the number and the field."""
    file = copied / "expect.json"
    expect = json.loads(file.read_text())
    expect["records"]["pupils"][0]["surname"] = "Somebody-Else"
    file.write_text(json.dumps(expect))

    assert told(copied, "expected") == "pupils, number 1: surname differ"


def test_a_fixture_that_nobody_asks_for_is_named(copied: Path) -> None:
    """It would look like a test and be none."""
    plan = copied / "fixtures" / "plan.toml"
    plan.write_text(
        plan.read_text() + '\n[[exchange]]\nget = "/v1.0/other/"\nbody = "spare.json"\n'
    )
    (copied / "fixtures" / "spare.json").write_text("{}")

    assert "spare.json" in told(copied, "fixtures-used")


def test_a_request_that_no_fixture_answers_is_named(copied: Path) -> None:
    """The path, without the query."""
    edited(copied / "fixtures" / "plan.toml", "/periods/", "/elsewhere/")

    assert "GET /v1.0/schools/A1999000001/periods/" in told(copied, "fixtures-used")


def test_a_field_that_no_fixture_has_is_named(copied: Path) -> None:
    """A path with a spelling mistake finds null for ever."""
    edited(copied / "adapter.toml", 'forename = "forename"', 'forename = "fornemae"')

    assert told(copied, "fields-seen").startswith("stream.pupils.map.forename")


def test_fixtures_that_are_not_there_are_named(copied: Path) -> None:
    """An adapter without fixtures has not been tested."""
    shutil.rmtree(copied / "fixtures")

    assert "plan.toml" in run(copied, shelf).problem


def test_a_case_that_is_exempted_is_shown_with_its_reason(copied: Path) -> None:
    """And counts as met."""
    edited(copied / "adapter.toml", 'forename = "forename"', 'forename = "fornemae"')
    with (copied / "adapter.toml").open("a") as manifest:
        manifest.write('fields-seen = "nobody has a forename"\n')

    (outcome,) = run(copied, shelf, only=("fields-seen",)).outcomes

    assert (outcome.result, outcome.detail) == (Result.EXEMPT, "nobody has a forename")
    assert outcome.is_met


def test_an_exemption_of_a_case_that_holds_is_an_error(copied: Path) -> None:
    """A reason that is no longer true would be shown for ever."""
    with (copied / "adapter.toml").open("a") as manifest:
        manifest.write('expected = "once it was so"\n')

    (outcome,) = run(copied, shelf, only=("expected",)).outcomes

    assert outcome.result is Result.WRONGLY_EXEMPT
    assert not outcome.is_met


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('expectd = "a reason"', 'there is no case "expectd": did you mean "expected"?'),
        ('expected = " "', "exempt.expected: write why the adapter can not meet it"),
    ],
)
def test_an_exemption_without_a_case_or_a_reason_is_an_error(
    copied: Path, line: str, problem: str
) -> None:
    """Before any case is tried."""
    with (copied / "adapter.toml").open("a") as manifest:
        manifest.write(f"{line}\n")

    assert problem in run(copied, shelf).problem


def test_a_case_that_there_is_not_is_answered_with_the_nearest() -> None:
    """For who tries one case."""
    report = run(shipped() / "mis" / "wonde", shelf, only=("page-oder",))

    assert report.problem == 'there is no case "page-oder": did you mean "page-order"?'


def test_a_report_is_as_recorded_only_where_the_grades_are_one() -> None:
    """Neither more nor less than was found."""
    found = outcomes(bronze=Result.HOLDS, silver=Result.HOLDS)

    assert Report(found, Tier.SILVER).is_as_recorded
    assert not Report(found, Tier.BRONZE).is_as_recorded
    assert not Report(found, Tier.GOLD).is_as_recorded
    assert not Report(found).is_as_recorded
