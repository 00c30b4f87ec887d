"""``mis-bridge init``: write a commented configuration to start from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from mis_bridge.cli.output import Given
from mis_bridge.errors import OperatorError
from mis_bridge.io.shipped import shipped

__all__ = ["command"]

_SYSTEM = Path("/etc/mis-bridge")
_STATE = Path("/var/lib/mis-bridge")


@click.command(
    "init",
    short_help="Write a commented configuration to start from.",
    epilog="Example: mis-bridge init ./trial && mis-bridge check --config ./trial/config.toml",
)
@click.argument("folder", metavar="[DIR]", default=".", type=Given(file_okay=False, path_type=Path))
def command(folder: Path) -> None:
    """Write a commented, working configuration into DIR (here, unless given).

    It writes config.toml and conf.d/example-school.toml, which reads CSV files from the folder
    registers and writes messages into the folder outbox. A file that is already there is never
    touched: then nothing is written at all.
    """
    # A package is built under another root: what counts is where the files will be read.
    is_system = folder.absolute().as_posix().endswith(str(_SYSTEM))
    files = {
        folder / "config.toml": _config(is_system=is_system),
        folder / "conf.d" / "example-school.toml": _school(
            _STATE / "registers" if is_system else folder.absolute() / "registers"
        ),
    }
    there = [str(file) for file in files if file.exists()]
    if there:
        raise OperatorError(f"{there[0]} is already there: nothing was written")
    try:
        (folder / "conf.d").mkdir(parents=True, exist_ok=True)
        for file, text in files.items():
            _write_new(file, text)
        if not is_system:
            for name in ("registers", "outbox", "credentials"):
                (folder / name).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise OperatorError(
            f"{error.filename}: {error.strerror}: nothing more was written"
        ) from error
    for file in files:
        click.echo(f"wrote {file}")
    click.echo(f"next: edit them, then mis-bridge check --config {folder / 'config.toml'}")


def _config(*, is_system: bool) -> str:
    text = _example("config.example.toml")
    if is_system:
        return text.replace('path = "outbox"', f'path = "{_STATE / "outbox"}"')
    return text.replace(f'# data_dir = "{_STATE}"', 'data_dir = "data"')


def _school(registers: Path) -> str:
    text = _example("school.example.toml")
    return text.replace(
        'folder = "/srv/registers/example-school"', f"folder = {json.dumps(str(registers))}"
    )


def _example(name: str) -> str:
    """A shipped example without its first two lines, which point at the schema beside it."""
    return "".join(shipped(name).read_text(encoding="utf-8").splitlines(keepends=True)[2:])


def _write_new(file: Path, text: str) -> None:
    """Write a file that must not exist yet, readable by its owner and group (0640)."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640), "w") as stream:
        os.fchmod(stream.fileno(), 0o640)
        stream.write(text)
