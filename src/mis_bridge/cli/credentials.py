"""``mis-bridge credentials``: store the secrets that the configuration names."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.output import config_option, emit, format_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mis_bridge.settings import Configuration

__all__ = ["command"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_REFERENCE = "credential:"


@click.group(
    name="credentials",
    epilog="Example: mis-bridge credentials set oakfield-token",
    no_args_is_help=True,
)
def command() -> None:
    """Store the secrets that the configuration names, and see which are missing."""


@command.command("set", epilog="Example: mis-bridge credentials set oakfield-token")
@click.argument("name", metavar="NAME")
@click.option("--replace", is_flag=True, help="Replace the secret of this name that is there.")
@config_option
def set_credential(name: str, config_path: Path | None, *, replace: bool) -> None:
    """Store a secret under NAME in the credentials folder, readable by its owner alone.

    The value is asked for and not shown, or read from standard input where that is not a
    terminal. It is never part of the command line, which other users of the machine can see.
    """
    from mis_bridge.errors import OperatorError
    from mis_bridge.settings import find_config, load

    if not _NAME.fullmatch(name):
        raise click.BadParameter(
            "write letters, digits, dots, hyphens and underscores, for example oakfield-token",
            param_hint="NAME",
        )
    folder = load(find_config(config_path)).settings.service.credentials_dir
    file = folder / name
    if file.exists() and not replace:
        raise OperatorError(f"{file} is there already; to replace it: --replace")
    value = _asked()
    _write(file, value)
    click.echo(f"stored {file}")
    if os.environ.get("CREDENTIALS_DIRECTORY") is None and str(folder).startswith("/etc/"):
        click.echo("the service gets it at its next start: systemctl restart mis-bridge")


@command.command("list", epilog="Example: mis-bridge credentials list")
@config_option
@format_option
def list_credentials(config_path: Path | None, output_format: str) -> None:
    """List the secrets that the configuration names, where each is used, and which are missing.

    Exit status 1 if one is missing.
    """
    from mis_bridge.errors import SecretMissing
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import find_config, load

    configuration = load(find_config(config_path))
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    rows: dict[str, dict[str, Any]] = {}
    for reference, place in _named(configuration):
        row = rows.setdefault(
            reference, {"name": reference, "state": "there", "used_by": [], "problem": ""}
        )
        row["used_by"].append(place)
    for reference, row in rows.items():
        try:
            secrets.resolve(reference)
        except SecretMissing as error:
            row |= {"state": "missing", "problem": str(error)}
    emit(
        [
            row if output_format == "json" else row | {"used_by": ", ".join(row["used_by"])}
            for _, row in sorted(rows.items())
        ],
        ("name", "state", "used_by", "problem"),
        output_format,
        empty="The configuration names no secret.",
    )
    if any(row["state"] == "missing" for row in rows.values()):
        sys.exit(1)


def _asked() -> str:
    """Ask for the value without showing it, or take it from a pipe."""
    from mis_bridge.errors import OperatorError

    if sys.stdin.isatty():
        value: str = click.prompt("Secret", hide_input=True, confirmation_prompt=False)
    else:
        value = sys.stdin.read()
    value = value.rstrip("\r\n")
    if not value.strip():
        raise OperatorError("nothing was given: the secret is empty, and nothing was stored")
    return value


def _write(file: Path, value: str) -> None:
    """Write the file as a whole or not at all, 0600 from its first moment."""
    from mis_bridge.errors import OperatorError

    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(value + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(file)
    except OSError as error:
        raise OperatorError(f"{file}: {error.strerror}: nothing was stored") from None


def _named(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """List every secret that the configuration names: (reference, dotted key)."""
    yield from _references(configuration.settings.model_dump(mode="json"), "")
    for school, own in (*configuration.schools.items(), *configuration.resting.items()):
        yield from _references(own.model_dump(mode="json"), f"{school}: ")


def _references(table: Mapping[str, Any], place: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _references(value, f"{place}{key}.")
        elif isinstance(value, str) and value.startswith((_REFERENCE, "env:")):
            yield value, f"{place}{key}"
