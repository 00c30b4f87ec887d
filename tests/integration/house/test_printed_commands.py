"""Every command line that a page prints is one that the program takes: people copy them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from mis_bridge.cli.main import cli

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    page
    for folder in ("docs", "adapters")
    for page in (ROOT / folder).rglob("*.md")
    if page.name != "command-line.md"  # written from the program itself
)
_BLOCK = re.compile(r"```[a-z]*\n(.*?)```", re.DOTALL)
_INLINE = re.compile(r"`(mis-bridge [a-z][^`]*)`")
_COMMAND = re.compile(r"^(?:.*[\s/(])?(mis-bridge [a-z].*)$")
_END = re.compile(r"\s+(?:[#<>|]|&&)\s?")


def _printed(text: str) -> set[str]:
    """The command lines of a page: in blocks that a shell takes, and in running text."""
    found = {" ".join(command.split()) for command in _INLINE.findall(text)}
    for block in _BLOCK.findall(text):
        for line in re.sub(r"\\\n\s*", " ", block).splitlines():
            command = _COMMAND.search(line)
            if command and not line.lstrip().startswith("#"):
                found.add(command.group(1))
    return found


def _mistake(line: str) -> str:
    """What the program would not understand of a command line, or nothing."""
    words = shlex.split(_END.split(line)[0])[1:]
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(click.Context(command), name)
        if found is None:
            return f"there is no command {name!r}"
        command = found
    known = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
    wrong = [word for word in words if word.startswith("--") and word not in {*known, "--help"}]
    return f"there is no option {wrong[0]}" if wrong else ""


@pytest.mark.parametrize("page", [*PAGES, ROOT / "README.md"], ids=lambda page: page.stem)
def test_every_command_that_a_page_prints_is_there(page: Path) -> None:
    """Command and options, as they stand in the page."""
    lines = _printed(page.read_text("utf-8"))
    assert {line: wrong for line in lines if (wrong := _mistake(line))} == {}


def test_a_misspelt_command_would_be_seen() -> None:
    """Otherwise the check above would mean nothing."""
    page = (
        "Run `mis-bridge incidnts list`, then\n```sh\nsudo mis-bridge doctor --ofline  # x\n```\n"
    )
    assert sorted(map(_mistake, _printed(page))) == [
        "there is no command 'incidnts'",
        "there is no option --ofline",
    ]
