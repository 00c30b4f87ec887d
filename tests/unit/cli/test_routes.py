"""``mis-bridge routes``: who would be told, when, by what and why; what check says of it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result

from mis_bridge.channels.outcome import Outcome
from mis_bridge.channels.outcome import Result as Sent
from mis_bridge.cli import routes
from mis_bridge.cli.check import command as check
from mis_bridge.cli.init import command as init
from mis_bridge.io.secrets import Secrets
from mis_bridge.settings import load
from mis_bridge.settings.escalation import FlagName
from mis_bridge.store import channels
from mis_bridge.store.opening import open_configured
from mis_bridge.triggers.catalogue import TRIGGERS

ROOT = Path(__file__).parents[3]

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
MAIL = """
[channels.{name}]
kind = "smtp"
host = "localhost"
security = "none"
sender = "a@hilltop.example"
recipients = ["{name}@hilltop.example"]
"""
PEOPLE = """
[people.amina]
name = "Amina Okoro"
channels = ["mail", { channel = "phone", after_minutes = 5 }]
[people.ben]
name = "Ben Doyle"
channels = ["ben-mail"]
"""
RULE = """
[[escalation]]
name = "missing"
triggers = ["missing_during_day"]
flags = ["lac"]
steps = [{ tell = ["dsl"] }, { tell = ["head_of_year"], after_minutes = 10 }]
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration with two people, on a Tuesday in term."""
    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"{NOW.isoformat()}|{2**40}|1e-9")
    CliRunner().invoke(init, [str(tmp_path)], catch_exceptions=False)
    file = tmp_path / "config.toml"
    edit(
        file,
        "\n[routes]\n",
        "".join(MAIL.format(name=name) for name in ("mail", "phone", "ben-mail"))
        + PEOPLE
        + RULE
        + '\n[routes]\nhead_of_year_8 = ["ben"]\n',
    )
    edit(file, '\ndsl = ["folder"]', '\ndsl = ["amina", "folder"]')
    return file


def edit(file: Path, old: str, new: str) -> None:
    """Change a text in a file; it must be there."""
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def run(config: Path, *arguments: str) -> Result:
    """Run ``routes`` with arguments."""
    return CliRunner().invoke(routes.command, [*arguments, "--config", str(config)])


def told(config: Path, *arguments: str) -> list[dict[str, Any]]:
    """The rows that ``routes test`` prints for a program."""
    result = run(config, "test", *arguments, "--format", "json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def problems(config: Path) -> dict[str, str]:
    """What check calls a problem or a note of who is told: its text by key."""
    lines = CliRunner().invoke(check, ["--config", str(config), "--format", "json"]).stdout
    rows = map(json.loads, lines.splitlines())
    return {
        row["key"]: f"{row['level']}: {row['text']}"
        for row in rows
        if row["key"].startswith(("routes.", "people.", "escalation"))
    }


def test_a_case_is_told_with_its_times_channels_and_reasons(config: Path) -> None:
    """A looked-after child of Year 8 at 10:17: Amina, her phone, then the head of Year 8."""
    missing = ("--trigger", "missing_during_day", "--at", "10:17")
    rows = told(config, *missing, "--pupil-flags", "lac", "--year-group", "8")

    walked = [(row["minutes"], row["at"], row["duty"], row["channel"]) for row in rows[:4]]
    assert walked == [
        (0, "10:17", "dsl", "mail"),
        (5, "10:22", "dsl", "phone"),
        (10, "10:27", "head_of_year_8", "ben-mail"),
        (25, "10:42", "dsl", "folder"),
    ]
    assert {row["rule"] for row in rows} == {"missing"}
    line = 1 + config.read_text("utf-8").partition("[[escalation]]\nname = ")[0].count("\n")
    assert {(row["file"], row["line"]) for row in rows} == {(str(config), line)}
    assert rows[0]["name"] == "Amina Okoro"
    assert rows[0]["if_it_fails"] == "phone, folder"


def test_where_no_rule_fits_it_says_so(config: Path) -> None:
    """The trigger's own people, and the next channel of each after the minutes of [incidents]."""
    rows = told(config, "--trigger", "missing_during_day", "--at", "10:17")

    assert [(row["minutes"], row["channel"]) for row in rows] == [
        (0, "mail"),
        (5, "phone"),
        (15, "folder"),
        (30, "mail"),
        (35, "phone"),
        (45, "folder"),
    ]
    assert "rule" not in rows[0]
    page = run(config, "test", "--trigger", "missing_during_day").output
    assert "none fits: those are told whom the trigger names" in page


def test_what_is_passed_over_is_named(config: Path) -> None:
    """Nobody is head of Year 9, nor of all years."""
    case = ("--trigger", "missing_during_day", "--pupil-flags", "lac", "--year-group", "9")

    page = run(config, "test", *case).output
    (first, *_) = told(config, *case)

    assert "Passed  nobody is head of year" in page
    assert "missing (" in page
    assert first["passed_over"] == {"head_of_year": "no_route"}


def test_nobody_at_all_is_a_problem(config: Path) -> None:
    """Exit status 1: an alert that reaches nobody is what this command is there to find."""
    for duty in ('dsl = ["amina", "folder"]', 'it = ["folder"]'):
        edit(config, f"\n{duty}", f"\n{duty.partition(' ')[0]} = ['ben']")
    edit(config, 'name = "Ben Doyle"', 'name = "Ben Doyle"\nlast_day = 2026-11-20')

    result = run(config, "test", "--trigger", "missing_during_day")

    assert result.exit_code == 1
    # The office hears in the end, as it does of every missing child whom nobody sees to.
    assert "Nobody would be told before minute 45" in result.output


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_every_trigger_can_be_tried(config: Path, trigger: str) -> None:
    """Somebody is told of each, at every level."""
    for level in ("1", "2"):
        assert told(config, "--trigger", trigger, "--level", level)[0]["channel"]


def test_what_is_held_is_told_to_who_is_there_when_it_goes_out(config: Path) -> None:
    """Amina's last day is the Friday: in the afternoon she hears, of the evening somebody else."""
    edit(config, "\n[people.ben]", "\nlast_day = 2026-11-27\n[people.ben]")
    edit(config, '\noffice = ["folder"]', '\noffice = ["amina", "ben"]')
    friday = ("--trigger", "register_not_taken", "--on", "2026-11-27")

    (afternoon,) = told(config, *friday, "--at", "14:00")
    (evening,) = told(config, *friday, "--at", "20:17")

    assert afternoon["channel"] == "mail"
    assert (evening["channel"], evening["at"]) == ("ben-mail", "2026-11-30 07:00")


def test_what_is_held_is_told_with_the_time_at_which_it_goes_out(config: Path) -> None:
    """A Friday evening: the office hears on Monday; of a missing child people hear at once."""
    friday = ("--on", "2026-11-27", "--at", "20:17")

    (held,) = told(config, "--trigger", "register_not_taken", *friday)
    urgent = told(config, "--trigger", "missing_during_day", *friday)
    page = run(config, "test", "--trigger", "register_not_taken", *friday).output

    assert (held["at"], held["held"]) == ("2026-11-30 07:00", "school_closed")
    assert (urgent[0]["at"], urgent[0]["held"]) == ("20:17", None)
    assert "held: no school" in page


@pytest.mark.parametrize("command", [("show",), ("test", "--trigger", "missing_during_day")])
def test_without_a_school_it_says_what_to_write(config: Path, command: tuple[str, ...]) -> None:
    """A new installation: there is nobody to be told of anything yet."""
    (config.parent / "conf.d" / "example-school.toml").unlink()
    result = run(config, *command)
    assert result.exit_code == 1
    assert "conf.d/ID.toml for each" in str(result.exception)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--trigger", "missing_during_dya"), 'did you mean "missing_during_day"?'),
        (("--trigger", "feed_blind", "--pupil-flags", "lac,sne"), 'did you mean "sen"?'),
        (("--trigger", "feed_blind", "--at", "25:00"), "write --at as HH:MM"),
        (("--trigger", "feed_blind", "--on", "24.11.2026"), "does not match the format"),
    ],
)
def test_wrong_usage_says_what_to_write(
    config: Path, arguments: tuple[str, ...], said: str
) -> None:
    """Exit status 2 and the nearest right spelling."""
    result = run(config, "test", *arguments)

    assert result.exit_code == 2
    assert said in result.output


def test_of_several_schools_one_is_named(config: Path) -> None:
    """Each has routes of its own."""
    first = config.parent / "conf.d" / "example-school.toml"
    second = first.read_text("utf-8").replace('"example-school"', '"hilltop"')
    routes_of_its_own = '\n[routes]\ndsl = ["ben"]\n'
    first.with_name("hilltop.toml").write_text(second + routes_of_its_own, "utf-8")

    unnamed = run(config, "test", "--trigger", "missing_during_day")
    rows = told(config, "--trigger", "missing_during_day", "--school", "hilltop")

    assert unnamed.exit_code == 2
    assert "--school" in unnamed.output
    assert rows[0]["channel"] == "ben-mail"


def test_what_there_is_is_shown(config: Path) -> None:
    """Duties, people and rules, for people and for programs."""
    page = run(config, "show").output
    rows = [
        json.loads(line) for line in run(config, "show", "--format", "json").output.splitlines()
    ]

    assert "mail, phone after 5 min" in page
    assert "DSL at once, then head of year after 10 minutes" in page
    assert "missing_during_day; pupils with lac" in page
    assert {row["kind"] for row in rows} == {"duty", "person", "rule"}
    (own,) = (row for row in rows if row.get("duty") == "head_of_year_8")
    assert own["told_by"] == "Ben Doyle"


def test_on_a_terminal_of_80_columns_no_line_is_folded_by_it(
    named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole paths of files are long: they come last, each once."""
    rule = RULE.replace('"missing"', '"missing, after a long break and in the last lesson"')
    named.write_text(named.read_text("utf-8") + rule, "utf-8")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")

    page = re.sub(r"\x1b\[[0-9;]*m", "", run(named, "show").output)

    *lines, own, national = page.splitlines()
    assert max(map(len, lines)) <= 80
    assert own == f"config.toml: {named}"
    assert national == f"authority national: {NATIONAL}"
    assert "1  missing, after a long break and in the last lesson\n" in page
    assert re.search(r"is in  config\.toml, line \d+", page)
    assert re.search(r"is in  authority national, line \d+", page)


def test_the_guide_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tables are accepted as they stand, and the command prints what the guide shows."""
    monkeypatch.setenv("MIS_BRIDGE_REHEARSAL", f"{NOW.isoformat()}|{2**40}|1e-9")
    CliRunner().invoke(init, [str(tmp_path)], catch_exceptions=False)
    guide = (ROOT / "docs" / "how-to" / "say-who-is-told.md").read_text("utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", guide, re.MULTILINE | re.DOTALL)
    file = tmp_path / "config.toml"
    text = file.read_text("utf-8")
    general, _, rest = text.partition("\n[routes]\n")
    names = re.findall(r'"([a-z]+-(?:mail|teams))"', "".join(blocks))
    written = "".join(MAIL.format(name=name) for name in dict.fromkeys(names)) + "\n".join(blocks)
    file.write_text(f"{general}\n{written}\n{rest[rest.index('# [triggers.') :]}", "utf-8")
    monkeypatch.chdir(tmp_path)
    asked, shown = re.findall(
        r"^```(?:sh)?\n(.*?)^```", guide.partition("## Try it")[2], re.MULTILINE | re.DOTALL
    )[:2]

    result = CliRunner().invoke(routes.command, [*asked.split()[2:], "--on", "2026-11-24"])

    def lines(page: str) -> list[str]:
        page = page.replace("Example School", "Hilltop School")
        return [re.sub(r"toml:\d+", "toml:1", line.rstrip()) for line in page.splitlines()]

    assert lines(shown) == lines(result.output)[: len(shown.splitlines())]


def test_the_flags_are_those_of_the_rules() -> None:
    """The command may not import them for its help."""
    assert get_args(FlagName) == routes._FLAGS


def test_a_configuration_in_order_gets_no_remark(config: Path) -> None:
    """The head of one year is enough for a rule that tells heads of year."""
    assert problems(config) == {}


def test_check_names_people_who_have_left_and_duties_that_nobody_has_any_more(
    config: Path,
) -> None:
    """Ben left on Friday and was the only head of Year 8."""
    edit(config, 'name = "Ben Doyle"', 'name = "Ben Doyle"\nlast_day = 2026-11-20')

    found = problems(config)

    assert found["people.ben"].startswith("note: left on 2026-11-20")
    assert found["routes.head_of_year_8"].startswith("problem: everybody who has this duty")


def test_check_names_a_duty_that_a_rule_tells_and_nobody_has(config: Path) -> None:
    """A misspelt duty is refused when the file is read; this one is right, and empty."""
    edit(config, '{ tell = ["head_of_year"]', '{ tell = ["headteacher"]')

    assert problems(config) == {
        "escalation[1]": 'problem: nobody has the duty "headteacher" that it tells: name somebody '
        "in [routes] headteacher"
    }


def test_check_names_a_rule_that_is_never_used(config: Path) -> None:
    """The general one stands before the special one."""
    edit(config, 'flags = ["lac"]\n', "")
    edit(config, "\n[routes]\n", RULE.replace('"missing"', '"looked after"') + "\n[routes]\n")

    found = problems(config)

    assert list(found) == ["escalation[2]"]
    assert found["escalation[2]"].startswith("problem: never used: rule 1 (missing)")


def test_check_says_from_whom_a_rule_for_everything_takes_what_is_theirs(config: Path) -> None:
    """A broken channel is for IT, a register for the office: a rule without triggers has both."""
    edit(config, 'triggers = ["missing_during_day"]\nflags = ["lac"]\n', "")

    found = problems(config)["escalation[1]"]

    assert found.startswith("note: it names no triggers")
    assert "IT of " in found
    assert "school office of " in found
    assert "DSL of " not in found


@pytest.mark.parametrize(
    "asks", ['triggers = ["register_not_taken"]', 'flags = ["lac"]', "year_groups = [8]"]
)
def test_what_a_rule_asks_for_is_no_mistake(config: Path, asks: str) -> None:
    """Whoever names triggers or pupils has meant them."""
    edit(config, 'triggers = ["missing_during_day"]\nflags = ["lac"]', asks)
    assert "escalation[1]" not in problems(config)


def test_check_names_people_whom_no_channel_reaches(config: Path) -> None:
    """One can not be set up, the other has to be mended: nobody reaches Amina."""
    edit(
        config,
        'recipients = ["mail@hilltop.example"]',
        'recipients = ["mail@hilltop.example"]\nusername = "u"\npassword = "credential:nowhere"',
    )
    edit(config, '\ndsl = ["amina", "folder"]', '\ndsl = ["amina"]')
    configuration = load(config)
    secrets = Secrets(configuration.settings.service.credentials_dir, {})
    store = open_configured(configuration, secrets, create=True)
    refused = Outcome(Sent.PERMANENT, "no such mailbox", config_alarm=True)
    store.run(channels.note, "phone", refused, NOW)
    store.close()

    found = problems(config)

    assert found["people.amina"].startswith("problem: no channel to Amina Okoro works: mail: ")
    assert "phone: no such mailbox" in found["people.amina"]
    assert found["routes.dsl"].startswith("problem: nobody can be reached")


def test_check_names_a_person_of_a_school_who_is_told_of_nothing(config: Path) -> None:
    """Somebody was written down and put into no route."""
    school = config.parent / "conf.d" / "example-school.toml"
    chloe = '\n[people.chloe]\nname = "Chloe"\nchannels = ["mail"]\n'
    school.write_text(school.read_text("utf-8") + chloe, "utf-8")

    assert problems(config) == {
        "people.chloe": "note: is in no route and no rule: nothing is told here"
    }


@pytest.fixture
def named(config: Path) -> Path:
    """The same school without a rule, with a deputy, a headteacher and a designated teacher."""
    edit(config, RULE, "")
    duties = ('deputy = ["ben"]', 'headteacher = ["folder"]', 'designated_teacher = ["phone"]')
    edit(config, "\n[routes]\n", "\n[routes]\n" + "\n".join(duties) + "\n")
    return config


NATIONAL = ROOT / "adapters" / "la" / "national" / "authority.toml"


def test_who_is_named_is_told_without_a_rule(named: Path) -> None:
    """Of a looked-after child the designated teacher at once; it says whose rule that is."""
    case = ("--trigger", "missing_during_day", "--at", "10:17", "--pupil-flags", "lac")

    rows = told(named, *case, "--year-group", "8")
    page = run(named, "test", *case).output

    first: dict[str, int] = {}
    for row in rows:
        first.setdefault(row["duty"], row["minutes"])
    # Ben is deputy and head of Year 8: one message. Office, IT and headteacher have one folder.
    assert first == {"dsl": 0, "designated_teacher": 0, "deputy": 15, "headteacher": 30}
    assert {(row["authority"], row["file"]) for row in rows} == {("national", str(NATIONAL))}
    assert NATIONAL.read_text("utf-8").splitlines()[rows[0]["line"] - 1] == "[[escalation]]"
    assert f"Rule    missing by default, looked after (authority national, {NATIONAL}:" in page


def test_the_rules_that_nobody_wrote_are_shown_as_far_as_they_lead_to_somebody(
    named: Path,
) -> None:
    """With whose they are; where only the usual duties are named there is none."""
    page = run(named, "show").output
    rows = [json.loads(line) for line in run(named, "show", "--format", "json").output.splitlines()]
    for line in ("deputy =", "headteacher =", "designated_teacher =", "head_of_year_8 ="):
        text = named.read_text("utf-8")
        named.write_text(re.sub(rf"(?m)^{line}.*\n", "", text), "utf-8")
    plain = run(named, "show").output

    assert "then deputy and head of year after 15 minutes" in page
    assert [row["authority"] for row in rows if row["kind"] == "rule"] == ["national", "national"]
    assert "No rules: those are told whom the trigger names" in plain


def test_check_says_nothing_of_duties_that_only_the_default_tells(named: Path) -> None:
    """No school has to name a headteacher because we thought of one."""
    edit(named, 'headteacher = ["folder"]\n', "")

    assert problems(named) == {}
