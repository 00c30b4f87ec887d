"""The documentation is true: drawn pages are fresh, links lead somewhere, events are listed."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import click
import pytest
from jsonschema import Draft202012Validator

from mis_bridge.cli.main import cli

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "adapters").rglob("*.md")])
LEVELS = {level: level for level in ("debug", "info", "warning", "error", "critical")}
LEVELS["exception"] = "error"


def test_drawn_pages_are_fresh() -> None:
    """Settings, command line and schemas say what the program says (docs/make_reference.py).

    Drawn in a process of its own: click keeps the help option that a command was first used with.
    """
    drawn = subprocess.run(
        [sys.executable, DOCS / "make_reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (drawn.returncode, drawn.stdout, drawn.stderr) == (0, "", "")


def test_the_readme_shows_what_the_demonstration_plays() -> None:
    """Its lines about the school are the rehearsal's, minute by minute; the others have its words.

    ``.ci/run`` compares the whole block with a demonstration that it has just run.
    """
    from mis_bridge.messages.wording import WORDING
    from mis_bridge.simulator.demo import DAY, PUPILS
    from mis_bridge.simulator.scenarios import rehearse
    from mis_bridge.simulator.school import build_school
    from mis_bridge.simulator.truth import clock_time

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- demo output: begin -->")[2].partition("<!-- demo output: end")[0]
    lines = re.findall(r"^(\d\d:\d\d)  (\w+) +(.*)$", shown, re.MULTILINE)
    rehearsal = rehearse(build_school(2026, PUPILS), DAY)
    story = {(clock_time(minute), told) for minute, _, told in rehearsal.story}
    titles = {title for words in WORDING.values() for title in (words.title, words.found)}
    titles.add("Attendance return")  # what goes to the authority is called what its form is called

    assert {who for _, who, _ in lines} == {"school", "Teams", "email", "person"}
    assert {(at, told) for at, who, told in lines if who == "school"} <= story
    for _, who, told in lines:
        if who in {"Teams", "email"}:
            title = told.partition(": ")[2].removeprefix("[mis-bridge] ")
            assert any(title.startswith(known) for known in titles), told
    for title in re.findall(r"^met +(.*)$", shown, re.MULTILINE):
        assert title in {scenario.title for scenario in rehearsal.scenarios}
    assert f"{len(rehearsal.scenarios) + 1} of {len(rehearsal.scenarios) + 1} scenarios" in shown


def test_the_readmes_block_is_what_its_program_makes() -> None:
    """The wanted lines are found in it, in their order; another word or reference is noticed."""
    spec = importlib.util.spec_from_file_location("make_demo_output", DOCS / "make_demo_output.py")
    assert spec is not None
    assert spec.loader is not None
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(An invented school .*?)```", page, re.DOTALL)
    assert shown is not None

    assert demo.replaced(page, demo.block(shown[1].splitlines())) == page
    with pytest.raises(ValueError, match="walks out"):
        demo.block(shown[1].replace("walks out", "runs out").splitlines())
    assert demo.comparable("09:01 MB-AAAA-AAAA 09:02 MB-AAAA-AAAA") == demo.comparable(
        "09:02 MB-BBBB-BBBB 09:03 MB-BBBB-BBBB"
    )
    assert demo.comparable("MB-AAAA-AAAA MB-AAAA-AAAA") != demo.comparable(
        "MB-AAAA-AAAA MB-BBBB-BBBB"
    )


def test_every_command_shows_an_example() -> None:
    """--help of each command that does something has an example that begins like that command."""

    def lacking(command: click.Command, path: str) -> list[str]:
        if isinstance(command, click.Group):
            names = command.list_commands(click.Context(command))
            inner = {name: command.get_command(click.Context(command), name) for name in names}
            return [
                path_of_inner
                for name, one in inner.items()
                if one is not None
                for path_of_inner in lacking(one, f"{path} {name}")
            ]
        return [] if f"Example: {path}" in (command.epilog or "") else [path]

    assert lacking(cli, "mis-bridge") == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    """Each relative link names a file that is there."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text)

    missing = [
        target
        for target in targets
        if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists()
    ]

    assert missing == []


def test_every_page_is_in_the_index() -> None:
    """A page that nobody can find helps nobody; the adapters have a list of their own."""
    indices = [DOCS / "index.md", DOCS / "reference" / "adapters.md"]
    listed = {
        (index.parent / target).resolve()
        for index in indices
        for target in re.findall(r"\]\(([^)#:\s]+)", index.read_text(encoding="utf-8"))
    }

    lost = [page for page in DOCS.rglob("*.md") if page not in {*listed, indices[0]}]

    assert lost == []


def logged_events() -> dict[str, tuple[set[str], set[str]]]:
    """Event -> (levels, names of values), from every call of a method of something called log."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and re.search(r"(^|[._])log(ger)?$|get_logger\(", ast.unparse(node.func.value))
            ):
                event = node.args[0]
                assert isinstance(event, ast.Constant), f"{file}:{node.lineno}: a fixed name"
                levels, values = found.setdefault(str(event.value), (set(), set()))
                levels.add(LEVELS[node.func.attr])
                values |= {word.arg for word in node.keywords if word.arg not in {None, "exc_info"}}
    return found


def test_what_holds_a_bad_day_is_a_test_that_is_there() -> None:
    """The page of bad days names tests: each of them exists under that name."""
    page = (ROOT / "docs" / "explanation" / "bad-days.md").read_text("utf-8")
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", page))
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert named
    assert named <= there


def test_every_log_event_is_documented_and_no_other() -> None:
    """The table of log events lists exactly what the source logs: event, level and values."""
    text = (DOCS / "reference" / "log-events.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]*) \| ([^|]*)\|", text, re.MULTILINE)
    documented = {
        event: (set(levels.split(", ")), set(re.findall(r"`(\w+)`", values)))
        for event, levels, values in rows
    }

    assert documented == logged_events()


def test_log_events_are_names_and_no_sentences() -> None:
    """An event can be searched and counted: small letters, digits, dots and underscores."""
    assert [event for event in logged_events() if not re.fullmatch(r"[a-z0-9_.]+", event)] == []


@pytest.mark.parametrize("which", ["config", "school"])
def test_the_schema_accepts_the_example_and_refuses_a_misspelt_key(which: str) -> None:
    """What an editor is told is what the program accepts."""
    schema = json.loads((DOCS / "reference" / f"{which}.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    example: dict[str, Any] = tomllib.loads(
        (ROOT / f"{which}.example.toml").read_text(encoding="utf-8")
    )
    # JSON has no dates; in TOML they are written without quotes and checked by the program.
    plain = json.loads(json.dumps(example, default=str))

    assert list(validator.iter_errors(plain)) == []
    assert list(validator.iter_errors({**plain, "misspelt": 1})) != []
    section = next(key for key, value in plain.items() if isinstance(value, dict))
    assert list(validator.iter_errors({**plain, section: {"misspelt": 1}})) != []


def test_every_commented_default_of_the_example_is_accepted() -> None:
    """A line of the example that is switched on by taking "# " away is no mistake."""
    from mis_bridge.settings.model import Settings

    text = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    switched_on = re.sub(r"^# (?=\w+ = |\[)", "", text, flags=re.MULTILINE)

    settings = Settings(**tomllib.loads(switched_on))

    assert {channel.kind for channel in settings.channels.values()} == {
        "apprise",
        "folder",
        "graph",
        "https",
        "secure-mail",
        "sftp",
        "smtp",
        "teams",
        "teams-activity",
        "teams-bot",
    }


def test_the_defaults_that_the_example_shows_are_the_defaults() -> None:
    """Where the example says "# name = value", that value is what holds without the line."""
    from mis_bridge.settings.model import Settings

    defaults = Settings().model_dump(mode="json")
    section, wrong, seen = "", [], 0
    for line in (ROOT / "config.example.toml").read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"\[([\w.-]+)\]", line):
            section = heading[1]
        shown = re.fullmatch(r"# (\w+) = (.+)", line)
        if shown and section in {"polling", "incidents", "daily", "retention", "authority"}:
            (value,) = tomllib.loads(f"{shown[1]} = {shown[2]}").values()
            seen += 1
            if defaults[section][shown[1]] not in (value, _minute(value)):
                wrong.append(line)

    assert wrong == []
    assert seen > 10


def _minute(value: object) -> object:
    found = re.fullmatch(r"(\d\d):(\d\d)", value) if isinstance(value, str) else None
    return int(found[1]) * 60 + int(found[2]) if found else None


@pytest.mark.parametrize("package", ["messages", "service"])
def test_the_map_of_a_package_names_every_module(package: str) -> None:
    """Whoever comes to it for the first time is told where to begin, and what is where."""
    house = import_module(f"mis_bridge.{package}")

    told = set(re.findall(r"[a-z_]+", (house.__doc__ or "").partition("In the order")[2]))
    modules = {path.stem for path in Path(str(house.__file__)).parent.glob("[a-z]*.py")}

    assert modules <= told
