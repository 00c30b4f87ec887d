"""``mis-bridge check``: every mistake in the configuration, and what is wrong in its world."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.output import config_option, emit_json, format_option

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.service.check.model import Finding
    from mis_bridge.settings import Configuration

__all__ = ["command"]


@click.command(
    "check", epilog="Example: mis-bridge check --config /etc/mis-bridge/config.toml --format json"
)
@config_option
@format_option
@click.option(
    "--schema",
    type=click.Choice(["config", "school"]),
    help="Print the JSON Schema of config.toml or of a school's file, for editors, and stop.",
)
def command(config_path: Path | None, output_format: str, schema: str | None) -> None:
    """Find every mistake in the configuration and its world.

    First the files: each mistake with file, line, key and the nearest right spelling. Then what
    they lead to: secrets, adapters, channels, school calendars, the database, how each feed was
    when it was last read, and rows that could not be used. Nothing is sent and no MIS is asked;
    `mis-bridge channels test` and `mis-bridge schools check` do that.

    Exit status 1 if there is a problem; notes alone are none.
    """
    if schema is not None:
        from mis_bridge.settings.schema import config_schema, school_schema

        made = config_schema() if schema == "config" else school_schema()
        click.echo(json.dumps(made, indent=2, ensure_ascii=False))
        return
    from mis_bridge.service.check.model import of_error
    from mis_bridge.settings import SettingsProblems, find_config, load

    path = find_config(config_path)
    try:
        configuration = load(path)
    except SettingsProblems as error:
        _report(of_error(error), output_format, "")
    else:
        _report(list(_world(configuration)), output_format, _summary(configuration))


def _report(findings: list[Finding], output_format: str, summary: str) -> None:
    problems = sum(finding.level == "problem" for finding in findings)
    if output_format == "json":
        for finding in findings:
            emit_json(asdict(finding))
    else:
        for finding in findings:
            click.echo(str(finding))
        what = f"{problems} problem{'s'[: problems != 1]}" if problems else "No problem"
        click.echo(f"{what}{summary}.")
    if problems:
        sys.exit(1)


def _summary(configuration: Configuration) -> str:
    schools, channels = len(configuration.schools), len(configuration.settings.channels)
    return (
        f" in {configuration.path}: {schools} school{'s'[: schools != 1]}, "
        f"{channels} channel{'s'[: channels != 1]}"
    )


def _world(configuration: Configuration) -> Iterator[Finding]:
    from mis_bridge.io.clock import clock_from
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.service.check import (
        authorities,
        calendars,
        mis,
        routes,
        stored,
        unfinished,
        ways_out,
    )

    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    clock = clock_from(os.environ)
    now = clock.now()
    today, _ = local_minute(now)
    yield from unfinished.review(configuration)
    yield from authorities.review(configuration)
    yield from ways_out.review(configuration, secrets, clock)
    broken = ways_out.broken_channels(configuration, secrets, clock)
    yield from routes.review(configuration, broken, today)
    yield from mis.review(configuration, secrets, today)
    yield from calendars.review(configuration, secrets, now)
    yield from stored.review(configuration, secrets, now)
