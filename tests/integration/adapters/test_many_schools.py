"""Many schools: imported at once, looked at one by one, their secrets stored out of sight."""

from __future__ import annotations

import json
import os
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from mis_bridge.cli.main import cli, main
from mis_bridge.settings import load
from mis_bridge.settings.gias import COLUMNS
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.standin_wonde import TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.simulator.standin_wonde import WondeStandin

SCHOOL = build_school(11, 60)


def ran(*arguments: str, **options: Any) -> Result:
    """Run a command."""
    return CliRunner().invoke(cli, arguments, **options)


def rows(result: Result) -> list[dict[str, Any]]:
    """Standard output as JSON lines."""
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration without schools, on the stand-in's day."""
    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"2026-09-07T12:00:00+00:00|{time.time()}|1")
    path = tmp_path / "config.toml"
    path.write_text('[service]\ndata_dir = "data"\n')
    (tmp_path / "conf.d").mkdir()
    return path


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    """An extract with three open schools of the authority 895 and one of another."""
    names = ("Oak\u2019s Invented Academy", "Elm Invented Primary", "Ash Invented School")
    lines = [",".join(COLUMNS)]
    lines += [
        f"99900{number},895,400{number},{name},Academy,Secondary,Open"
        for number, name in enumerate(names)
    ]
    lines.append("999009,896,4009,Elsewhere,Academy,Secondary,Open")
    file = tmp_path / "edubase.csv"
    file.write_bytes("\r\n".join(lines).encode("cp1252"))
    return file


@pytest.fixture
def template(tmp_path: Path, wonde: WondeStandin) -> Path:
    """A school's file on the stand-in, for all schools."""
    file = tmp_path / "template.toml"
    file.write_text(
        f"""[school]
id = "template"
name = "T"
[mis]
adapter = "wonde"
[mis.connection]
school = "{SCHOOL.id}"
token = "credential:wonde-{{dfe}}"
domain = "{wonde.host}"
scheme = "http"
[calendar]
first_day = 2026-09-01
last_day = 2027-07-20
"""
    )
    return file


@pytest.fixture
def imported(config: Path, extract: Path, template: Path) -> Path:
    """The three schools, imported."""
    arguments = ("--la", "895", "--template", str(template), "--config", str(config))
    assert ran("schools", "import", str(extract), *arguments).exit_code == 0
    return config


def enable(config: Path, school: str) -> None:
    """Set a school to be read, as a person does."""
    file = config.parent / "conf.d" / f"{school}.toml"
    text = file.read_text("utf-8")
    assert "enabled = false" in text
    file.write_text(text.replace("enabled = false", "enabled = true"), "utf-8")


def test_an_import_writes_a_file_a_school_and_the_configuration_stays_whole(imported: Path) -> None:
    """All rest: the daemon would start as before, and check says that nobody is watched there."""
    configuration = load(imported)

    assert sorted(configuration.resting) == [
        "ash-invented-school",
        "elm-invented-primary",
        "oaks-invented-academy",
    ]
    assert configuration.schools == {}
    listed = rows(ran("schools", "list", "--config", str(imported), "--format", "json"))
    assert {row["state"] for row in listed} == {"resting"}
    checked = ran("check", "--config", str(imported)).stdout
    assert "3 schools rest" in checked


def _rules(config: Path) -> set[str]:
    """Read whose rules the imported schools go by: each file, and nothing twice."""
    configuration = load(config)
    return {
        own.authority.id or configuration.settings.authority.id
        for own in configuration.resting.values()
    }


def test_imported_schools_name_the_authority_that_has_the_number(
    config: Path, extract: Path
) -> None:
    """Cheshire East is 895: its days and forms hold, and not the national ones, unasked."""
    result = ran("schools", "import", str(extract), "--la", "895", "--config", str(config))

    assert "go by the rules of cheshire-east, number 895" in result.stderr
    assert _rules(config) == {"cheshire-east"}


def test_an_authority_without_a_file_is_said_and_how_to_write_one(
    config: Path, extract: Path
) -> None:
    """National days and no route at all would else be found out with the first child missing."""
    result = ran("schools", "import", str(extract), "--la", "896", "--config", str(config))

    assert "No authority here has the number 896: its file (authority.toml) is missing" in (
        result.stderr
    )
    assert 'la_number = "896"' in result.stderr
    assert _rules(config) == {"national"}


def test_an_authority_of_ones_own_counts_by_its_number(config: Path, extract: Path) -> None:
    """It stands beside those that came with the program."""
    made = ran("authorities", "new", "ours", "--dir", str(config.parent), "--config", str(config))
    assert made.exit_code == 0
    file = config.parent / "la" / "ours" / "authority.toml"
    text = file.read_text("utf-8")
    assert 'la_number = ""' in text
    file.write_text(text.replace('la_number = ""', 'la_number = "896"'), "utf-8")
    config.write_text('[service]\ndata_dir = "data"\nadapter_dirs = ["."]\n')

    ran("schools", "import", str(extract), "--la", "896", "--config", str(config))

    assert _rules(config) == {"ours"}


@pytest.mark.parametrize("where", ["config", "template"])
def test_an_authority_that_a_person_has_chosen_stays(
    config: Path, extract: Path, template: Path, where: str
) -> None:
    """In config.toml the number decides for these schools; the template is about just them."""
    file = config if where == "config" else template
    with file.open("a") as stream:
        stream.write('[authority]\nid = "ealing"\n')

    result = ran(
        "schools", "import", str(extract), "--la", "895", "--template", str(template),
        "--config", str(config),
    )  # fmt: skip

    if where == "config":
        assert _rules(config) == {"cheshire-east"}
    else:
        assert _rules(config) == {"ealing"}
        assert "is that of cheshire-east, but the new schools go by the rules of ealing" in (
            result.stderr
        )


def test_files_say_nothing_that_the_configuration_says(
    config: Path, extract: Path, template: Path
) -> None:
    """Who changes config.toml later changes it for these schools too."""
    with config.open("a") as stream:
        stream.write('[authority]\nid = "cheshire-east"\n')

    ran(
        "schools", "import", str(extract), "--la", "895", "--template", str(template),
        "--config", str(config),
    )  # fmt: skip

    files = (config.parent / "conf.d").glob("*.toml")
    assert not any("[authority]" in file.read_text("utf-8") for file in files)
    assert _rules(config) == {"cheshire-east"}


def test_a_second_import_changes_no_byte(imported: Path, extract: Path, template: Path) -> None:
    """Whatever a person has written into the files meanwhile."""
    edited = imported.parent / "conf.d" / "ash-invented-school.toml"
    edited.write_text(edited.read_text("utf-8") + "# rang the office on Monday\n", "utf-8")
    before = {f: f.read_bytes() for f in (imported.parent / "conf.d").iterdir()}

    again = ran(
        "schools", "import", str(extract), "--la", "895", "--template", str(template),
        "--config", str(imported), "--format", "json",
    )  # fmt: skip

    assert {row["action"] for row in rows(again)} == {"left as it is"}
    assert {f: f.read_bytes() for f in (imported.parent / "conf.d").iterdir()} == before


def test_a_dry_run_writes_nothing(config: Path, extract: Path) -> None:
    """It says what would be written."""
    result = ran(
        "schools", "import", str(extract), "--la", "895", "--dry-run", "--config", str(config)
    )

    assert result.exit_code == 0
    assert result.stdout.count("would be written") == 3
    assert list((config.parent / "conf.d").iterdir()) == []


def test_an_authority_without_schools_is_said(config: Path, extract: Path) -> None:
    """A mistyped number writes nothing and exits 1."""
    result = ran("schools", "import", str(extract), "--la", "859", "--config", str(config))

    assert result.exit_code == 1
    assert "No school of the authority 859" in result.stdout


def test_a_secret_is_stored_from_a_pipe_and_never_shown(imported: Path) -> None:
    """0600 in a folder of 0700; a second one only where it is asked for."""
    arguments = ("credentials", "set", "wonde-8954000", "--config", str(imported))
    result = ran(*arguments, input="a-secret-of-nobody\n")

    assert result.exit_code == 0
    assert "a-secret-of-nobody" not in result.output
    file = imported.parent / "credentials" / "wonde-8954000"
    assert file.read_text("utf-8") == "a-secret-of-nobody\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    again = ran(*arguments, input="another-secret\n")
    assert "--replace" in str(again.exception)
    assert file.read_text("utf-8") == "a-secret-of-nobody\n"
    assert ran(*arguments, "--replace", input="another-secret\n").exit_code == 0
    assert file.read_text("utf-8") == "another-secret\n"
    assert os.listdir(file.parent) == ["wonde-8954000"]  # noqa: PTH208 - hidden files too


def test_an_empty_secret_is_refused(imported: Path) -> None:
    """Nothing is stored."""
    result = ran("credentials", "set", "x", "--config", str(imported), input="\n")

    assert "nothing was stored" in str(result.exception)
    assert not (imported.parent / "credentials" / "x").exists()


def test_missing_secrets_are_listed_with_where_they_are_used(imported: Path) -> None:
    """Exit status 1 while one is missing."""
    ran("credentials", "set", "wonde-8954000", "--config", str(imported), input=TOKEN)

    result = ran("credentials", "list", "--config", str(imported), "--format", "json")

    assert result.exit_code == 1
    states = {row["name"]: row["state"] for row in rows(result)}
    assert states == {
        "credential:wonde-8954000": "there",
        "credential:wonde-8954001": "missing",
        "credential:wonde-8954002": "missing",
    }
    assert TOKEN not in result.output


def test_all_schools_are_looked_at_and_one_without_its_secret_stops_none(imported: Path) -> None:
    """A line each, in order; exit status 1, because something has to be asked for."""
    enable(imported, "oaks-invented-academy")
    enable(imported, "ash-invented-school")
    ran("credentials", "set", "wonde-8954000", "--config", str(imported), input=TOKEN)

    result = ran("schools", "check", "--all", "--config", str(imported))

    assert result.exit_code == 1
    ash, oak = result.stdout.splitlines()
    assert ash.startswith("ash-invented-school: not configured: credential:wonde-8954002")
    assert oak.startswith("oaks-invented-academy: wonde reachable, permitted, 59 pupils; ")
    assert "session marks of today" in oak


def test_a_school_that_rests_can_be_looked_at_before_it_is_enabled(imported: Path) -> None:
    """And is told apart from those that are read."""
    ran("credentials", "set", "wonde-8954000", "--config", str(imported), input=TOKEN)

    result = ran("schools", "check", "oaks-invented-academy", "--config", str(imported))

    assert result.exit_code == 0, result.output
    refused = ran("sync", "--school", "oaks-invented-academy", "--config", str(imported))
    assert "rests" in str(refused.exception)


def test_a_list_that_is_not_granted_is_asked_for_and_hides_no_other(
    imported: Path, wonde: WondeStandin
) -> None:
    """Sessions are there; for lessons a scope is named, and what to do; left out, all is well."""
    ran("credentials", "set", "wonde-8954000", "--config", str(imported), input=TOKEN)
    wonde.faults.add(Fault(FaultKind.STATUS, path="attendance/lesson", status=403))
    arguments = ("schools", "check", "oaks-invented-academy", "--config", str(imported))

    result = ran(*arguments, "--format", "json")

    (row,) = rows(result)
    assert result.exit_code == 1
    assert row["state"] == "permission_missing"
    assert row["capabilities"] == ["session"]
    assert row["today"]["sessions"]["marks"] > 0
    (ask,) = row["asks"]
    assert ask.startswith("lessons: ")
    assert "Ask the school" in ask

    file = imported.parent / "conf.d" / "oaks-invented-academy.toml"
    file.write_text(
        file.read_text("utf-8").replace(
            'adapter = "wonde"', 'adapter = "wonde"\nleave_out = ["lessons"]'
        ),
        "utf-8",
    )
    assert ran(*arguments).exit_code == 0


def test_a_school_or_all_of_them(imported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither, or both, is wrong usage."""
    for wrong in ([], ["--all", "ash-invented-school"]):
        with pytest.raises(SystemExit) as caught:
            main(["schools", "check", *wrong, "--config", str(imported)])
        assert caught.value.code == 2
    assert "--all" in capsys.readouterr().err
