"""The commands adapters, schools and sync, on a configuration of their own and a real MIS."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from mis_bridge.cli.main import cli, main
from mis_bridge.errors import AdapterInvalid
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin

if TYPE_CHECKING:
    from pathlib import Path

SCHOOL = build_school(11, 60)
REHEARSAL = "2026-09-07T12:00:00+00:00|{origin}|1"


@pytest.fixture
def config(tmp_path: Path, wonde: WondeStandin, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with one school on the stand-in, on the stand-in's day."""
    import time

    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", REHEARSAL.format(origin=time.time()))
    monkeypatch.setenv("TINY_TOKEN", TOKEN)
    path = tmp_path / "config.toml"
    path.write_text('[service]\ndata_dir = "data"\n')
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "samplewood.toml").write_text(
        f"""
[school]
id = "samplewood"
name = "Samplewood School"
[mis]
adapter = "wonde"
[mis.connection]
school = "{SCHOOL.id}"
token = "env:TINY_TOKEN"
domain = "{wonde.host}"
scheme = "http"
per_page = 500
[calendar]
first_day = 2026-09-01
last_day = 2027-07-20
[calendar.am]
opens = "08:45"
closes = "09:15"
ends = "12:15"
[calendar.pm]
opens = "13:00"
closes = "13:30"
ends = "15:10"
"""
    )
    return path


def ran(*arguments: str) -> Result:
    """Run a command; errors of ours become its exit status, as in ``main``."""
    return CliRunner().invoke(cli, arguments)


def lines(result: Result) -> list[dict[str, Any]]:
    """Standard output as JSON lines."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_school_is_checked_in_one_line(config: Path) -> None:
    """Reachable, permitted, how many pupils, how fresh today's registers are; nothing is stored."""
    result = ran("schools", "check", "samplewood", "--config", str(config))

    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    assert line.startswith("samplewood: wonde reachable, permitted, 59 pupils; ")
    assert "59 session marks of today, the newest of " in line
    assert " lesson marks of today, the newest of " in line
    assert not (config.parent / "data").exists()


def test_a_check_that_fails_names_the_state_and_what_to_do(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no token."""
    monkeypatch.setenv("TINY_TOKEN", "revoked-token-of-old")

    result = ran("schools", "check", "samplewood", "--config", str(config), "--format", "json")

    assert result.exit_code == 1
    (row,) = lines(result)
    assert row["state"] == "auth_failed"
    (ask,) = row["asks"]
    assert "Ask the vendor or the school for a new token" in ask
    assert "revoked-token-of-old" not in result.output


def test_a_school_that_is_not_there_is_answered_with_the_nearest(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 1."""
    with pytest.raises(SystemExit) as caught:
        main(["schools", "check", "samplwood", "--config", str(config)])

    assert caught.value.code == 1
    assert 'did you mean "samplewood"?' in capsys.readouterr().err


def test_a_year_is_read_stored_and_not_stored_twice(config: Path) -> None:
    """The second reading changes nothing."""
    arguments = ("sync", "--school", "samplewood", "--config", str(config), "--format", "json")
    first, second = ran(*arguments), ran(*arguments)

    assert first.exit_code == second.exit_code == 0, first.output
    (row,) = lines(first)
    assert row["records"] > 3 * 59
    assert row["changed"] > 2 * 59
    assert row["problem"] == ""
    (row,) = lines(second)
    assert row["changed"] == 0

    listed = ran("schools", "list", "--config", str(config), "--format", "json")
    (school,) = lines(listed)
    assert (school["school"], school["state"]) == ("samplewood", "good")


def test_a_reading_that_breaks_off_says_so_and_goes_on_next_time(
    config: Path, wonde: WondeStandin
) -> None:
    """What was stored before stays."""
    arguments = ("sync", "--school", "samplewood", "--config", str(config), "--format", "json")
    wonde.faults.add(Fault(FaultKind.HTML, path="attendance/lesson"))
    broken = ran(*arguments)

    assert broken.exit_code == 1
    (row,) = lines(broken)
    assert "web page" in row["problem"]
    assert row["changed"] > 2 * 59

    wonde.faults.clear()
    assert ran(*arguments).exit_code == 0


@pytest.mark.parametrize("read_before", [False, True])
def test_reading_old_days_does_not_pass_for_having_read_today(
    config: Path, *, read_before: bool
) -> None:
    """Otherwise an outage would look mended, and the days in between would stay unread."""
    sync = ("sync", "--school", "samplewood", "--config", str(config), "--format", "json")
    listing = ("schools", "list", "--config", str(config), "--format", "json")
    if read_before:
        assert ran(*sync).exit_code == 0
    before = lines(ran(*listing))

    assert ran(*sync, "--from", "2026-09-01", "--to", "2026-09-03").exit_code == 0

    (school,) = lines(ran(*listing))
    assert school["state"] == ("good" if read_before else "new")
    assert [school] == before or not read_before
    assert ran(*sync).exit_code == 0, "the feed is free again"


def test_days_in_the_wrong_order_are_wrong_usage(config: Path) -> None:
    """Exit status 2."""
    result = ran(
        "sync", "--school", "samplewood", "--config", str(config),
        "--from", "2026-09-04", "--to", "2026-09-03",
    )  # fmt: skip

    assert result.exit_code == 2
    assert "is before" in result.stderr


def test_schools_are_listed_before_anything_was_read(config: Path) -> None:
    """And no database is made for it."""
    result = ran("schools", "list", "--config", str(config))

    assert result.exit_code == 0
    assert "Samplewood School" in result.stdout
    assert not (config.parent / "data").exists()


def test_adapters_are_listed_without_any_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each with how far it can be trusted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIS_BRIDGE_CONFIG", raising=False)

    rows = lines(ran("adapters", "list", "--format", "json"))

    assert {row["id"] for row in rows} >= {"csv", "wonde"}
    (wonde_row,) = [row for row in rows if row["id"] == "wonde"]
    assert "not yet run against a live school" in wonde_row["evidence"]


def test_an_adapter_is_shown_with_what_a_school_has_to_give() -> None:
    """Which of it is secret."""
    (row,) = lines(ran("adapters", "show", "wonde", "--format", "json"))

    secret = {given["parameter"] for given in row["connection"] if given["secret"]}
    assert secret == {"token"}
    assert "credential" in ran("adapters", "show", "wonde").stdout


def test_an_adapter_is_shown_with_what_it_asks_for_and_what_each_field_is() -> None:
    """In words for people, and as one object for programs."""
    (row,) = lines(ran("adapters", "show", "wonde", "--format", "json"))
    shown = ran("adapters", "show", "wonde").stdout

    streams = {stream["name"]: stream for stream in row["streams"]}
    fields = {field["name"]: field["source"] for field in streams["sessions"]["fields"]}
    assert fields["pupil"] == "student"
    assert streams["sessions"]["address"].startswith("https://api.wonde.com/v1.0/schools/")
    assert f"sessions: GET {streams['sessions']['address']}" in shown
    assert streams["sessions"]["pages"] in shown
    assert "exempt from deleted-rows" in shown


def test_an_adapter_with_code_of_its_own_is_shown_as_such() -> None:
    """There are no lists to tell of."""
    (row,) = lines(ran("adapters", "show", "csv", "--format", "json"))

    assert row["streams"] == []
    assert "its own code" in ran("adapters", "show", "csv").stdout


def test_the_list_shows_what_an_adapter_is_exempt_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the reason, for people and for programs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIS_BRIDGE_CONFIG", raising=False)

    rows = {row["id"]: row for row in lines(ran("adapters", "list", "--format", "json"))}
    shown = ran("adapters", "list").stdout

    reason = rows["csv"]["exempt"]["deleted-rows"]
    assert f"csv is exempt from deleted-rows: {reason}" in shown
    assert rows["csv"]["grade"] == "gold"


def test_a_new_adapter_passes_and_is_told_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 0 for one that nobody has graded yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MIS_BRIDGE_CONFIG", raising=False)

    made = ran("adapters", "new", "acorn", "--dir", "adapters")
    tested = ran("adapters", "test", "adapters/acorn", "--case", "expected", "--case", "manifest")

    assert made.exit_code == 0
    assert "mis-bridge adapters test adapters/acorn" in made.stdout
    assert tested.exit_code == 0
    assert tested.stdout.count("holds") == 2


def test_an_adapter_s_folder_is_graded(tmp_path: Path) -> None:
    """Exit status 0 for bronze, 1 below."""
    from mis_bridge.adapters.registry import shipped

    good = ran("adapters", "test", os.fspath(shipped() / "mis" / "csv"))
    assert good.exit_code == 0
    assert "bronze" in good.stdout

    (tmp_path / "adapter.toml").write_text("[adaptr]\n")
    bad = ran("adapters", "test", os.fspath(tmp_path))
    assert isinstance(bad.exception, AdapterInvalid)
    assert "did you mean" in str(bad.exception)


def test_rows_that_can_not_be_used_are_a_problem_until_they_are_mended(tmp_path: Path) -> None:
    """Status 1 and how many, also when nothing has changed since; mended, they are forgotten."""
    assert ran("init", str(tmp_path)).exit_code == 0
    school = tmp_path / "conf.d" / "example-school.toml"
    text = school.read_text().replace("\n# The days", 'settle_seconds = "0"\n\n# The days', 1)
    school.write_text(text)
    pupils = "pupil_id,upn,surname,forename,dob,year_group,form\nP1,,Testpupil,Ada,,8,8A\n"
    (tmp_path / "registers" / "pupils.csv").write_text(pupils)
    marks = tmp_path / "registers" / "sessions.csv"
    header = "pupil_id,date,session,code\n"
    arguments = ("sync", "--school", "example-school", "--config", str(tmp_path / "config.toml"))

    marks.write_text(f"{header}P1,2026-09-07,AM,/\nP1,2026-09-07,PM,QQ\n")
    for _ in range(2):
        broken = ran(*arguments, "--format", "json")
        assert broken.exit_code == 1
        assert lines(broken)[0]["quarantined"] == 1
        assert "1 row could not be used: mis-bridge check says" in broken.stderr

    marks.write_text(f"{header}P1,2026-09-07,AM,/\nP1,2026-09-07,PM,N\n")
    mended = ran(*arguments, "--format", "json")
    assert (mended.exit_code, lines(mended)[0]["quarantined"]) == (0, 0)


def test_a_day_that_is_none_is_wrong_usage(config: Path) -> None:
    """Status 2, with how a day is written."""
    result = ran("sync", "--school", "samplewood", "--from", "1/9/26", "--config", str(config))

    assert result.exit_code == 2
    assert "is not a date (2026-09-01)" in result.stderr
