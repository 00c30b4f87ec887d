"""``mis-bridge authorities``: for an officer who has never seen the program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from mis_bridge.cli.authorities import command
from mis_bridge.errors import SettingsError
from mis_bridge.settings import SettingsProblems

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without a configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIS_BRIDGE_CONFIG", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command; errors on purpose come through."""
    result = CliRunner().invoke(command, arguments)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_list_shows_numbers_and_days() -> None:
    """One row an authority; a day that it does not set is null."""
    rows = [json.loads(line) for line in run("list", "--format", "json").stdout.splitlines()]

    assert {
        row["id"]: (row["la_number"], row["enquiries_day"], row["refer_day"]) for row in rows
    } == {
        "birmingham": ("330", None, 5),
        "cheshire-east": ("895", None, None),
        "ealing": ("307", 3, 10),
        "national": (None, None, None),
    }


def test_show_says_what_holds_and_whose_rule_it_is() -> None:
    """Contacts, days, steps of its own, whom they tell, and the form with its checks."""
    text = run("show", "ealing").stdout

    assert text.startswith("Ealing (ealing), DfE number 307\n")
    for told in (
        "020 8825 5517",
        "enquiries start",
        "Steps of its own: whereabouts_unknown",
        "virtual school",
        "refused without",
        "before approving: The home was visited. (Ealing, CME referral",
        "as usual: see authorities show national",
    ):
        assert told in text


def test_show_of_the_national_one_prints_the_usual_forms() -> None:
    """That is where the others send the reader."""
    text = run("show", "national").stdout

    assert "pupil.surname" in text
    assert "as usual" not in text


def test_show_as_json_is_one_object() -> None:
    """With everything that holds, the national parts too."""
    (line,) = run("show", "birmingham", "--format", "json").stdout.splitlines()

    shown = json.loads(line)
    assert shown["cme"]["refer"]["day"] == 5
    assert shown["route"]["kind"] == "secure_mail"
    assert "first_day_calling" in shown["protocols"]
    assert shown["forms"]["cme"]["sections"][0]["fields"][0]["key"] == "pupil.surname"


def test_diff_shows_a_line_for_each_difference() -> None:
    """Each authority under its own id; null where it has no such line."""
    rows = [
        json.loads(line)
        for line in run("diff", "birmingham", "ealing", "--format", "json").stdout.splitlines()
    ]
    found = {row["what"]: (row["birmingham"], row["ealing"]) for row in rows}

    assert found["cme.refer"] == ("school day 5", "school day 10")
    assert found["cme.enquiries"] == (None, "school day 3")
    assert found["route.kind"] == ("secure_mail", "assisted")
    assert found["form.cme.enquiries.home_visit"] == (
        "asked: Outcome of home visits",
        "refused without: Home visit",
    )
    assert "form.cme.pupil.dob" not in found


def test_diff_of_one_with_itself_says_so() -> None:
    """A silent answer could be a broken one."""
    assert run("diff", "ealing", "ealing").stdout == "Ealing and Ealing do not differ.\n"


def test_new_writes_one_that_changes_nothing_and_says_what_to_do_next(nowhere: Path) -> None:
    """The officer runs the line that was printed, and sees no difference yet."""
    told = run("new", "exampleshire", "--name", "Exampleshire", "--dir", "ours").stdout

    folder = nowhere / "ours" / "la" / "exampleshire"
    assert "mis-bridge authorities diff national ours/la/exampleshire" in told
    assert run("diff", "national", str(folder)).stdout == (
        "No authority chosen and Exampleshire do not differ.\n"
    )


def test_an_authority_of_adapter_dirs_is_listed_shown_and_not_written_over(nowhere: Path) -> None:
    """The configuration names the folder; its broken ones are named and hide no other."""
    (nowhere / "config.toml").write_text('[service]\nadapter_dirs = ["ours"]\n', "utf-8")
    run("new", "exampleshire", "--dir", "ours")
    broken = nowhere / "ours" / "la" / "brokenshire" / "authority.toml"
    broken.parent.mkdir()
    broken.write_text('[authority]\nid = "brokenshire"\n', "utf-8")

    listed = run("list")

    assert listed.exit_code == 1
    assert "exampleshire" in listed.stdout
    assert "brokenshire" not in listed.stdout
    assert "authority.name" in listed.stderr
    assert run("show", "exampleshire").stdout.startswith("Exampleshire (exampleshire)\n")
    with pytest.raises(SettingsProblems, match=r"authority\.name"):
        run("show", "brokenshire")


def test_an_id_that_there_is_not_is_refused_with_the_nearest() -> None:
    """The officer typed it from memory."""
    with pytest.raises(SettingsError, match='did you mean "cheshire-east"'):
        run("show", "cheshire-eats")
