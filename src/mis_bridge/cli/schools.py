"""``mis-bridge schools``: the configured schools, how their feeds are, and one look at a MIS."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.output import config_option, emit, format_option

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mis_bridge.adapters.source import Source
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import Transport
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration, SchoolSettings
    from mis_bridge.store.feeds import Feed

__all__ = ["command", "configured_school", "open_school"]


@click.group(
    name="schools", epilog="Example: mis-bridge schools check example-high", no_args_is_help=True
)
def command() -> None:
    """List schools and the state of their feeds; try one school's MIS."""


@command.command("list", epilog="Example: mis-bridge schools list --format json")
@config_option
@format_option
def list_schools(config_path: Path | None, output_format: str) -> None:
    """List the configured schools and how each feed was when it was last read."""
    from mis_bridge.settings import find_config, load

    configuration = load(find_config(config_path))
    feeds = _feeds(configuration)
    emit(
        [
            _row(school, own, feeds.get(school))
            for school, own in sorted(configuration.schools.items())
        ],
        ("school", "name", "adapter", "state", "last_good_at", "due_at", "problem", "advice"),
        output_format,
        empty=f"No school yet: write {configuration.settings.service.conf_dir}/ID.toml for each.",
    )


@command.command("check", epilog="Example: mis-bridge schools check example-high")
@click.argument("school", metavar="ID")
@config_option
@format_option
def check(school: str, config_path: Path | None, output_format: str) -> None:
    """Make the smallest authenticated call to a school's MIS and say in one line how it went.

    Nothing is stored. Exit status 1 where the MIS can not be read, or uses a code that neither
    the register's table nor the school's [codes] knows.
    """
    import asyncio
    import os

    from mis_bridge.errors import MisError
    from mis_bridge.io.clock import clock_from
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import find_config, load

    configuration = load(find_config(config_path))
    own = configured_school(configuration, school)
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    row: dict[str, Any] = {"school": school, "state": "good", "pupils": None, "unknown_codes": []}
    try:
        standing = asyncio.run(_look(configuration, school, secrets, clock_from(os.environ)))
    except MisError as error:
        row |= {"state": error.state, "problem": str(error), "advice": error.advice}
        line = f"{school}: {error.state.replace('_', ' ')}: {error}. {error.advice}"
    else:
        unknown = list(standing.unknown_codes)
        row |= {"pupils": standing.pupils, "unknown_codes": unknown, "detail": standing.detail}
        line = f"{school}: {own.mis.adapter} reachable, permitted, {standing.detail}"
        if unknown:
            line += (
                f"; codes that nobody knows: {' '.join(unknown)} (map them in [codes] of "
                f"{configuration.settings.service.conf_dir / school}.toml)"
            )
    if output_format == "json":
        emit([row], tuple(row), output_format)
    else:
        click.echo(line)
    if row["state"] != "good" or row["unknown_codes"]:
        sys.exit(1)


def configured_school(configuration: Configuration, school: str) -> SchoolSettings:
    """Find a configured school.

    Raises:
        SettingsError: there is none of this id; names the nearest.
    """
    from mis_bridge.errors import SettingsError
    from mis_bridge.settings.problems import nearest

    if school not in configuration.schools:
        advice = nearest(school, configuration.schools)
        raise SettingsError(
            f'there is no school "{school}": {advice}',
            file=str(configuration.settings.service.conf_dir),
        )
    return configuration.schools[school]


def open_school(
    configuration: Configuration,
    school: str,
    *,
    transport: Transport,
    clock: Clock,
    secrets: Secrets,
    patient: bool = True,
) -> Source:
    """Open the MIS of a configured school, as the daemon does.

    Raises:
        MisBridgeError: the adapter can not be opened as configured.
    """
    from mis_bridge.adapters import registry

    service = configuration.settings.service
    own = configuration.schools[school]
    adapters = registry.load(service.adapter_dirs, service.adapter_pins)
    return adapters.find(own.mis.adapter, key=f"{school}.toml: mis.adapter").open(
        own.mis.connection,
        transport=transport,
        clock=clock,
        secrets=secrets,
        codes=own.codes,
        periods=own.calendar.periods,
        timeout=configuration.settings.polling.timeout_seconds,
        patient=patient,
    )


async def _look(configuration: Configuration, school: str, secrets: Secrets, clock: Clock) -> Any:
    from mis_bridge.io.http import Transport

    async with Transport(ca_bundle=configuration.settings.service.ca_bundle or None) as transport:
        # A person is waiting: the first failure is the answer.
        source = open_school(
            configuration, school, transport=transport, clock=clock, secrets=secrets, patient=False
        )
        return await source.check()


def _feeds(configuration: Configuration) -> Mapping[str, Feed]:
    """Look the feeds up, if there is a database yet; listing schools never makes one."""
    import os

    from mis_bridge.io.secrets import Secrets
    from mis_bridge.store import feeds
    from mis_bridge.store.opening import embedded_file, open_configured

    url = configuration.settings.store.url
    if not url and not embedded_file(configuration).exists():
        return {}
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    store = open_configured(configuration, secrets)
    try:
        with store.transaction() as tx:
            return {feed.school: feed for feed in feeds.all_feeds(tx)}
    finally:
        store.close()


def _row(school: str, own: SchoolSettings, feed: Feed | None) -> dict[str, Any]:
    return {
        "school": school,
        "name": own.school.name,
        "adapter": own.mis.adapter,
        "state": feed.state if feed else "new",
        "state_since": feed.state_since if feed else None,
        "last_good_at": feed.last_good_at if feed else None,
        "due_at": feed.due_at if feed else None,
        "problem": feed.problem if feed else "",
        "advice": feed.advice if feed else "",
    }
