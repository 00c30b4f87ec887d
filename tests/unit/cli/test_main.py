"""The command line's frame: help, errors, exit status."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click
import pytest

from mis_bridge import __version__
from mis_bridge.cli import main as frame
from mis_bridge.errors import OperatorError, SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "mis_bridge", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", list(frame.COMMANDS))
def test_every_command_of_the_list_is_there(name: str) -> None:
    """The static list of commands leads to real commands, and says of each what it says itself."""
    module, text = frame.COMMANDS[name]
    assert importlib.util.find_spec(module.partition(":")[0]) is not None

    command = frame.cli.get_command(click.Context(frame.cli), name)

    assert command is not None
    assert command.get_short_help_str(limit=200).rstrip(".") == text.rstrip(".")


def test_help_imports_no_heavy_library() -> None:
    """--help answers at once: it loads no command and none of the daemon's libraries."""
    script = (
        "import sys\n"
        "from mis_bridge.cli.main import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "import json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    loaded = set(json.loads(done.stdout.splitlines()[-1]))

    heavy = {"pydantic", "sqlalchemy", "rich", "httpx", "msal", "structlog", "jinja2", "alembic"}
    assert not loaded & heavy
    assert all(name in done.stdout for name in frame.COMMANDS)


def test_version() -> None:
    """--version names the program and its version."""
    assert run("--version").stdout.split() == ["mis-bridge", __version__]


def test_a_misspelt_command_is_wrong_usage_and_names_the_nearest() -> None:
    """Wrong usage is status 2, with the nearest right spelling."""
    done = run("chek")

    assert done.returncode == 2
    assert get_close_matches("chek", frame.COMMANDS, n=1)[0] in done.stderr


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperatorError("the disk is full: free some room"), "the disk is full: free some room\n"),
        (
            SettingsError("there is none", file="config.toml", line=3, key="a.b"),
            "config.toml:3: a.b: there is none\n",
        ),
    ],
)
def test_an_error_on_purpose_is_one_line_and_status_1(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the program raises on purpose reaches a person as its text, without a traceback."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(frame.cli, "main", fail)

    with pytest.raises(SystemExit) as stopped:
        frame.main([])

    assert stopped.value.code == 1
    assert capsys.readouterr().err == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("absence", "--sessions", "{}/none.csv"), "{}/none.csv: there is no such file"),
        (("backtest", "--sessions", "{}"), "{}: this is a folder, not a file"),
        (("check", "--config", "{}"), "{}: this is a folder, not a file"),
        (("adapters", "test", "{}/none"), "{}/none: there is no such folder"),
        (("init", "{}/file"), "{}/file: this is a file, not a folder"),
        (("demo", "--out", "{}/file/in"), "{}/file/in: Not a directory"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_problem_of_the_world(
    arguments: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    """Status 1 and one line, whatever command was given it: 2 is for wrong usage."""
    (tmp_path / "file").touch()

    done = run(*(one.format(tmp_path) for one in arguments))

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == told.format(tmp_path)


def test_ctrl_c_ends_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stopped by hand: no traceback, status 130 as shells have it."""

    def stop(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(frame.cli, "main", stop)

    with pytest.raises(SystemExit) as stopped:
        frame.main([])

    assert stopped.value.code == 130
    assert capsys.readouterr().err == "stopped\n"


def test_what_is_no_text_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """A terminal that is not set to UTF-8 sends bytes that no command can keep or look up."""
    with pytest.raises(SystemExit) as ended:
        frame.main(["pupil", "notes", "Si\udce2n"])
    assert ended.value.code == 2
    assert "argument 3 is not UTF-8 text: type it again" in capsys.readouterr().err
