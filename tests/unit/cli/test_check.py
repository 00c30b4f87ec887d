"""``mis-bridge check``: files first, then the world that they lead to."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from click.testing import Result as Invocation

from mis_bridge.adapters.registry import shipped
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.cli.check import command as check
from mis_bridge.cli.init import command as init
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.secrets import Secrets
from mis_bridge.settings import load
from mis_bridge.store import feeds, leases, outbox, quarantine
from mis_bridge.store.opening import open_configured
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration as init writes it, in a November of its school year."""
    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"{NOW.isoformat()}|{2**40}|1e-9")
    CliRunner().invoke(init, [str(tmp_path)], catch_exceptions=False)
    return tmp_path / "config.toml"


def run(config: Path, *arguments: str) -> Invocation:
    """Run the command."""
    return CliRunner().invoke(check, ["--config", str(config), *arguments])


def found(config: Path) -> list[dict[str, Any]]:
    """All findings that are problems."""
    lines = run(config, "--format", "json").stdout.splitlines()
    return [row for row in map(json.loads, lines) if row["level"] == "problem"]


def replace(file: Path, old: str, new: str) -> None:
    """Change a text in a file; it must be there."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_what_init_writes_has_no_problem(config: Path) -> None:
    """A new configuration is checked clean, with notes about what is not there yet."""
    result = run(config)

    assert result.exit_code == 0, result.output
    assert "there is no database yet" in result.output
    notes = {line.split(": ")[1] for line in result.output.splitlines() if ": note: " in line}
    assert notes == {"school.name", "routes", "authority.name", "service.heartbeat_url"}
    assert result.output.splitlines()[-1].startswith("No problem")


def test_what_is_filled_in_is_not_asked_for_any_more(config: Path) -> None:
    """Each note goes when its reason does; the example's own names are what is looked for."""
    school = config.parent / "conf.d" / "example-school.toml"
    replace(school, "Example School", "Hilltop")
    replace(school, '"example-school"', '"hilltop"')
    school.rename(school.with_name("hilltop.toml"))
    replace(config, '# name = ""', 'name = "Invented County Council"')
    mail = (
        '[channels.mail]\nkind = "smtp"\nhost = "localhost"\nsecurity = "none"\n'
        'sender = "a@hilltop.example"\nrecipients = ["b@hilltop.example"]\n'
    )
    replace(config, "\n[routes]\n", f"\n{mail}\n[routes]\n")
    for audience in ("dsl", "office", "attendance", "it"):
        replace(config, f'\n{audience} = ["folder"]', f'\n{audience} = ["mail", "folder"]')

    lines = run(config).output.splitlines()

    keys = {line.split(": ")[1] for line in lines if ": note: " in line}
    assert keys == {"service.heartbeat_url"}


def test_a_duty_that_only_apprise_leads_to_is_named(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the installation's routes and in a school's; beside another channel it is fine."""
    monkeypatch.setenv("EXTRA", "json://localhost:9/x")
    extra = '[channels.extra]\nkind = "apprise"\nurl = "env:EXTRA"\n'
    replace(config, "\n[routes]\n", f"\n{extra}\n[routes]\n")
    replace(config, '\nit = ["folder"]', '\nit = ["extra"]')
    replace(config, '\ndsl = ["folder"]', '\ndsl = ["folder", "extra"]')
    with (config.parent / "conf.d" / "example-school.toml").open("a", encoding="utf-8") as school:
        school.write('\n[routes]\noffice = ["extra"]\n')

    text = run(config).output

    assert "routes.it: note: what it should know goes by Apprise only" in text
    assert "routes.office: note: what office should know goes by Apprise only" in text
    assert "what dsl should know" not in text


def test_who_must_hear_although_teams_is_down_is_named_where_teams_is_the_only_way(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing child, and that Teams is broken; a mailbox behind it is enough."""
    monkeypatch.setenv("FLOW", "https://prod-1.westus.logic.azure.com/workflows/a/b?sig=x")
    channels = (
        '[channels.flow]\nkind = "teams"\nurl = "env:FLOW"\n'
        '[channels.mail]\nkind = "smtp"\nhost = "localhost"\nsecurity = "none"\n'
        'sender = "a@hilltop.example"\nrecipients = ["b@hilltop.example"]\n'
    )
    replace(config, "\n[routes]\n", f"\n{channels}\n[routes]\n")
    for duty in ("dsl", "office", "it"):
        replace(config, f'\n{duty} = ["folder"]', f'\n{duty} = ["flow"]')

    alone = run(config).output
    replace(config, '\nit = ["flow"]', '\nit = ["flow", "mail"]')
    one_mended = run(config).output

    assert "routes.dsl: note: what dsl should know goes by Teams only" in alone
    assert "routes.it: note: what it should know goes by Teams only" in alone
    assert "what office should know goes by Teams only" not in alone
    assert "routes.dsl: note: " in one_mended
    assert "routes.it" not in one_mended


@pytest.mark.parametrize(
    ("day", "told"),
    [("2026-12-23", ""), ("2026-12-22", "ends on 22 December 2026"), ("2026-11-23", "ended on")],
)
def test_a_credential_of_the_mis_that_ends_is_named(config: Path, day: str, told: str) -> None:
    """Thirty days before, and from its last day on; it is 23 November."""
    school = config.parent / "conf.d" / "example-school.toml"
    replace(school, "[mis]\n", f"[mis]\nsecret_expires = {day}\n")

    text = run(config).output

    assert ("mis.secret_expires: note: the credential for csv" in text) is bool(told)
    assert told in text


def test_a_mistake_in_an_authority_hides_nothing_of_the_schools(config: Path) -> None:
    """Who looks at the one in the morning has to hear of the other before it ends."""
    school = config.parent / "conf.d" / "example-school.toml"
    replace(school, "[mis]\n", "[mis]\nsecret_expires = 2026-11-30\n")
    with school.open("a", encoding="utf-8") as file:
        file.write('\n[authority]\nid = "eeling"\n')

    text = run(config).output

    assert 'did you mean "ealing"?' in text
    assert "the credential for csv ends on 30 November 2026" in text


def test_a_schools_file_is_named_as_the_configuration_was(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Relative where the person wrote a relative path, in mistakes of the file and of its world."""
    school = config.parent / "conf.d" / "example-school.toml"
    monkeypatch.chdir(config.parent)
    told = []
    for old, new in (('adapter = "csv"', 'adapter = "csvs"'), ("poll_seconds", "pol_seconds")):
        replace(school, old, new)
        replace(school, "# pol_seconds", "pol_seconds") if new == "pol_seconds" else None
        told.append(run(config.relative_to(config.parent)).output)

    assert all("\nconf.d/example-school.toml:" in f"\n{text}" for text in told)


def test_a_folder_of_files_is_a_whole_path(config: Path) -> None:
    """The service runs in another folder than the person who wrote the file."""
    school = config.parent / "conf.d" / "example-school.toml"
    replace(school, f'"{config.parent}/registers"', '"registers"')

    (problem,) = found(config)

    assert problem["key"] == "mis.connection.folder"
    assert "a whole path from /" in problem["text"]


def test_mistakes_in_the_files_come_alone_and_exit_1(config: Path) -> None:
    """While the files are wrong their world is not looked at; each mistake is one line."""
    replace(config, "[retention]", "[retenion]")

    result = run(config)

    assert result.exit_code == 1
    assert 'did you mean "retention"?' in result.output
    assert "database" not in result.output


def test_json_is_one_object_a_finding_and_nothing_else(config: Path) -> None:
    """Programs get level, file, line, key and text of each."""
    replace(config, "[retention]", "[retenion]")

    (line,) = run(config, "--format", "json").stdout.splitlines()

    row = json.loads(line)
    assert row["key"] == "retenion"
    assert row["file"] == str(config)
    assert config.read_text().splitlines()[row["line"] - 1] == "[retenion]"


def test_a_secret_that_is_missing_is_a_problem(config: Path) -> None:
    """A channel whose credential is not there is named, with the place to put it."""
    teams = '[channels.dsl]\nkind = "teams"\nurl = "credential:dsl-url"\n'
    replace(config, "\n[routes]\n", f"\n{teams}\n[routes]\n")

    (problem,) = found(config)

    assert problem["key"] == "channels.dsl"
    assert "there is no file dsl-url" in problem["text"]


def test_an_adapter_that_is_not_there_is_named_at_its_line(config: Path) -> None:
    """The school's file, the line and the nearest adapter."""
    school = config.parent / "conf.d" / "example-school.toml"
    replace(school, 'adapter = "csv"', 'adapter = "csvs"')

    (problem,) = found(config)

    assert (problem["file"], problem["key"]) == (str(school), "mis.adapter")
    assert school.read_text().splitlines()[problem["line"] - 1] == 'adapter = "csvs"'
    assert 'did you mean "csv"?' in problem["text"]


def test_a_connection_that_lacks_something_is_named(config: Path) -> None:
    """What the adapter needs and the school's file does not say is a problem in that file."""
    school = config.parent / "conf.d" / "example-school.toml"
    replace(school, "folder = ", "foldr = ")

    problems = found(config)

    assert [problem["key"] for problem in problems] == [
        "mis.connection.foldr",
        "mis.connection.folder",
    ]
    assert all(problem["file"] == str(school) and problem["line"] for problem in problems)


def test_what_a_school_s_mis_can_not_tell_is_a_note(config: Path) -> None:
    """Absences only, and lessons without times; neither is a mistake of anybody."""
    partial = shutil.copytree(shipped() / "mis" / "csv", config.parent / "own" / "partial")
    replace(partial / "adapter.toml", 'id = "csv"', 'id = "partial"')
    replace(
        partial / "adapter.toml",
        "[capabilities]",
        "[capabilities]\npresence = false\nneeds_periods = true",
    )
    replace(config, "[service]\n", f'[service]\nadapter_dirs = ["{partial.parent}"]\n')
    school = config.parent / "conf.d" / "example-school.toml"
    replace(school, 'adapter = "csv"', 'adapter = "partial"')

    def notes() -> dict[str, str]:
        lines = run(config, "--format", "json").stdout.splitlines()
        rows = [row for row in map(json.loads, lines) if row["file"] == str(school)]
        return {row["key"]: row["text"] for row in rows if row["level"] == "note"}

    assert found(config) == []
    assert "persistent_absence, severe_absence" in notes()["mis.adapter"]
    assert "write the times" in notes()["calendar.periods"]

    with school.open("a", encoding="utf-8") as file:
        file.write('\n[calendar.periods]\nP1 = "09:00-10:00"\n')
    assert "calendar.periods" not in notes()


def test_a_school_year_that_is_over_is_a_problem(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last day nothing would be noticed: somebody has to write the new dates."""
    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"2027-09-01T08:00:00+00:00|{2**40}|1e-9")

    (problem,) = found(config)

    assert problem["key"] == "calendar.last_day"
    assert "the school year ended" in problem["text"]


def test_a_closure_of_another_year_is_a_problem(config: Path) -> None:
    """A wrong year makes every day of a half term one on which the whole school is missing."""
    school = config.parent / "conf.d" / "example-school.toml"
    replace(school, "last = 2026-10-30", "last = 2027-10-30")

    (problem,) = [one for one in found(config) if one["key"] == "calendar.closures[1].last"]

    assert "last = 2027-10-30" in school.read_text().splitlines()[problem["line"] - 1]
    assert "the school counts as open then" in problem["text"]


def test_no_school_and_no_channel_are_problems(config: Path) -> None:
    """A daemon that watches nobody or tells nobody is no daemon."""
    (config.parent / "conf.d" / "example-school.toml").unlink()
    config.write_text("", encoding="utf-8")

    texts = [problem["text"] for problem in found(config)]

    assert any("there is no school" in text for text in texts)
    assert any("there is no channel" in text for text in texts)


def test_what_the_database_knows_is_told(config: Path) -> None:
    """A feed that fails and rows that could not be used are where a person looks first."""
    store = open_configured(load(config), Secrets(None, {}), create=True)
    school = "example-school"
    store.run(feeds.sync_schools, [(school, "csv", "Example School")], NOW)
    (feed,) = store.run(feeds.claim_due, NOW, 1, 60.0, "test")
    store.run(
        feeds.finish_failed, feed, NOW, "auth_failed", "The token is refused.", "Ask for one.", NOW
    )
    rows = [
        quarantine.QuarantineRow("sessions", f"sessions.csv:{line}", "'Q' is no code", "Q")
        for line in range(2, 9)
    ]
    store.run(quarantine.add, school, rows, NOW)
    store.close()

    feed_text, rows_text = (problem["text"] for problem in found(config))

    assert feed_text == (
        "its feed is auth_failed since 2026-11-23 09:00+00:00: The token is refused. Ask for one."
    )
    assert rows_text.startswith("7 rows could not be used: sessions, sessions.csv:")
    assert rows_text.count("'Q' is no code") == 5
    assert rows_text.endswith("; and 2 more")


@pytest.mark.parametrize(("days", "told"), [(59, ""), (61, "30 days"), (95, "turns a flow off")])
def test_a_flow_that_would_soon_be_turned_off_is_a_note(
    config: Path, monkeypatch: pytest.MonkeyPatch, days: int, told: str
) -> None:
    """After sixty days without a card a person hears of it, with the command that sends one."""
    monkeypatch.setenv("FLOW", "https://prod-1.westus.logic.azure.com/workflows/0/x?sig=INVENTED")
    with config.open("a", encoding="utf-8") as file:
        file.write('\n[channels.dsl-teams]\nkind = "teams"\nurl = "env:FLOW"\n')
    store = open_configured(load(config), Secrets(None, {}), create=True)
    store.run(_took_a_card, "dsl-teams", NOW - timedelta(days=days))
    store.close()

    lines = run(config, "--format", "json").stdout.splitlines()
    flows = [row for row in map(json.loads, lines) if row["key"] == "channel dsl-teams"]

    assert [row["level"] for row in flows] == ["note"] * bool(told)
    assert all(told in row["text"] for row in flows)
    assert all("channels test dsl-teams" in row["text"] for row in flows)


def _took_a_card(tx: Connection, channel: str, at: datetime) -> None:
    row = outbox.OutboxRow(
        school="example-school",
        id="0" * 64,
        incident="",
        reason=Reason.WEEKLY_CHECK,
        channel=channel,
        audience="",
        severity=Severity.LOW,
        revision=0,
        due_at=at,
        created_at=at,
    )
    outbox.insert(tx, [row])
    (leased,) = leases.claim(tx, at, 1, 60, "here")
    leases.finish(tx, leased, Outcome(Result.ACCEPTED, "accepted, not yet delivered"), at, None)


def test_doubts_about_the_roll_are_told_by_what_is_to_be_done(config: Path) -> None:
    """One UPN of two children has to be put right; marks of an earlier enrolment may be right."""
    store = open_configured(load(config), Secrets(None, {}), create=True)
    school = "example-school"
    rows = [quarantine.QuarantineRow("pupils", f"p{n}", quarantine.SHARED_UPN) for n in range(7)]
    rows += [
        quarantine.QuarantineRow(stream, "p9", quarantine.OUTSIDE_ENROLMENT)
        for stream in ("sessions", "lessons")
    ]
    store.run(quarantine.add, school, rows, NOW)
    store.close()

    lines = run(config, "--format", "json").stdout.splitlines()
    told = {finding["text"]: finding["level"] for finding in map(json.loads, lines)}
    (shared,) = [text for text in told if "UPN" in text]
    (outside,) = [text for text in told if "before admission" in text]

    assert "p0, p1, p2, p3, p4 and 2 more" in shared
    assert told[shared] == "problem"
    assert "leaving: p9." in outside
    assert told[outside] == "note"


def test_a_database_that_does_not_open_is_a_problem(config: Path) -> None:
    """Another key than the one it was made with: said, and nothing is changed."""
    open_configured(load(config), Secrets(None, {}), create=True).close()
    key = config.parent / "data" / "db.key"
    key.write_text("00" * 32 + "\n", encoding="ascii")

    (problem,) = found(config)

    assert "key" in problem["text"]


@pytest.mark.parametrize("which", ["config", "school"])
def test_a_schema_for_editors(which: str) -> None:
    """--schema prints a JSON Schema and looks at no file."""
    result = CliRunner().invoke(check, ["--schema", which])

    assert result.exit_code == 0
    assert json.loads(result.output)["additionalProperties"] is False


def _own_authority(config: Path, text: str) -> Path:
    """An authority of the installation's own, named by its school; return its file."""
    folder = config.parent / "own" / "la" / "exampleshire"
    folder.mkdir(parents=True)
    file = folder / "authority.toml"
    file.write_text(f'[authority]\nid = "exampleshire"\nname = "Exampleshire"\n{text}', "utf-8")
    replace(config, "[service]\n", f'[service]\nadapter_dirs = ["{config.parent / "own"}"]\n')
    return file


def test_an_authority_that_a_school_misspells_is_named_at_its_line(config: Path) -> None:
    """The school's file, the line and the nearest authority; nobody gets another one's rules."""
    school = config.parent / "conf.d" / "example-school.toml"
    with school.open("a", encoding="utf-8") as file:
        file.write('\n[authority]\nid = "eeling"\n')

    (problem,) = found(config)

    assert (problem["file"], problem["key"]) == (str(school), "authority.id")
    assert school.read_text().splitlines()[problem["line"] - 1] == 'id = "eeling"'
    assert 'did you mean "ealing"?' in problem["text"]


def test_a_wrong_step_of_a_schools_authority_is_named_in_that_authoritys_file(
    config: Path,
) -> None:
    """File, key and line of the step, so that the officer who wrote it finds it."""
    file = _own_authority(
        config,
        '[[protocol.first_day_calling]]\nid = "call"\ntext = "Call."\nwho = "office"\n'
        'minuts = 5\nsource = "us"\n',
    )
    with (config.parent / "conf.d" / "example-school.toml").open("a", encoding="utf-8") as school:
        school.write('\n[authority]\nid = "exampleshire"\n')

    (problem,) = found(config)

    assert (problem["file"], problem["key"]) == (str(file), "protocol.first_day_calling[1].minuts")
    assert file.read_text().splitlines()[problem["line"] - 1] == "minuts = 5"
    assert 'did you mean "minutes"?' in problem["text"]


def test_a_mistake_in_an_authority_that_nobody_names_is_a_note(config: Path) -> None:
    """It stops nobody yet, and its author wants to hear of it."""
    file = _own_authority(config, "[trigers]\n")

    assert found(config) == []
    assert f"{file}:4: trigers: note: there is no" in run(config).output


def test_a_school_with_an_authority_of_its_own_needs_no_name_for_it(config: Path) -> None:
    """The authority's file has the name that returns say."""
    with (config.parent / "conf.d" / "example-school.toml").open("a", encoding="utf-8") as school:
        school.write('\n[authority]\nid = "ealing"\n')

    assert "authority.name" not in run(config).output


def test_a_route_that_does_not_go_the_authoritys_way_is_a_note(config: Path) -> None:
    """Birmingham takes its form by secure mail, Ealing by a form of its own."""
    replace(config, '# id = "national"', 'id = "birmingham"')
    wanted = "Birmingham wants to be told by secure mail: no secure-mail channel is in this route"
    assert f"routes.authority: note: {wanted}" in run(config).output

    replace(config, 'id = "birmingham"', 'id = "ealing"')
    assert "wants to be told" not in run(config).output
    assert found(config) == []
