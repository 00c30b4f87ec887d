"""``mis-bridge run``: the daemon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mis_bridge.cli.output import config_option

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.settings import Configuration

__all__ = ["command"]


@click.command("run", epilog="Example: mis-bridge run --config /etc/mis-bridge/config.toml")
@config_option
def command(config_path: Path | None) -> None:
    """Watch the registers of all configured schools until stopped.

    SIGTERM or Ctrl-C stops it; SIGHUP reads the configuration again.
    """
    import asyncio
    import os

    from mis_bridge.io.clock import SystemClock, clock_from
    from mis_bridge.io.logs import get_logger, set_up_logs
    from mis_bridge.io.notify import Notifier
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.service.app import run
    from mis_bridge.settings import find_config

    path = find_config(config_path)
    configuration = _with_a_school(path)
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    set_up_logs(configuration.settings.service.log_format, known_values=secrets.known_values)
    clock = clock_from(os.environ)
    if not isinstance(clock, SystemClock):
        get_logger(__name__).warning("rehearsal_clock", now=clock.now().isoformat())
    with Notifier.from_environment() as notifier:
        asyncio.run(
            run(
                configuration,
                clock=clock,
                secrets=secrets,
                notifier=notifier,
                reload=lambda: _with_a_school(path),
            )
        )


def _with_a_school(path: Path) -> Configuration:
    """Read the configuration; one without any school is a folder that was lost, or not yet filled.

    Raises:
        SettingsError: nothing is written of any school, not even of one that rests.
    """
    from mis_bridge.errors import SettingsError
    from mis_bridge.settings import load

    configuration = load(path)
    if not (configuration.schools or configuration.resting):
        folder = configuration.settings.service.conf_dir
        raise SettingsError(
            f"there is nothing to watch: write {folder}/ID.toml for each school (mis-bridge init "
            "DIR writes an example, mis-bridge schools import many)"
        )
    return configuration
