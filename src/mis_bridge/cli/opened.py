"""What the commands that work on the database share: the open store, the schools, the clock."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store

__all__ = ["Opened", "by_option", "in_local_time", "opened"]

by_option = click.option(
    "--by", "who", required=True, metavar="NAME", help="Who does this; kept in the history."
)
"""``@by_option`` passes ``who`` to the command."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The open database and what is configured beside it.

    Args:
        store: open.
        configuration: as read.
        now: the present moment, aware.
    """

    store: Store
    configuration: Configuration
    now: datetime

    @property
    def schools(self) -> Mapping[str, School]:
        """The configured schools, by id."""
        from mis_bridge.service.schools import schools_of

        return schools_of(self.configuration)

    @property
    def deadlines(self) -> Deadlines:
        """How long one channel may take, by severity."""
        from mis_bridge.service.routing import deadlines_of

        return deadlines_of(self.configuration.settings)


@contextmanager
def opened(config_path: Path | None) -> Iterator[Opened]:
    """Open the configured database for one command; the daemon may run meanwhile."""
    from mis_bridge.io.clock import clock_from
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import find_config, load
    from mis_bridge.store.opening import open_configured

    configuration = load(find_config(config_path))
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    store = open_configured(configuration, secrets)
    try:
        yield Opened(store, configuration, clock_from(os.environ).now())
    finally:
        store.close()


def in_local_time(rows: Iterable[Mapping[str, Any]], output_format: str) -> list[dict[str, Any]]:
    """Show times as a clock in school shows them; JSON keeps them with their offset."""
    from datetime import datetime

    from mis_bridge.registers.calendar import LONDON

    def shown(value: Any) -> Any:
        if output_format == "json" or not isinstance(value, datetime):
            return value
        return f"{value.astimezone(LONDON):%Y-%m-%d %H:%M}"

    return [{key: shown(value) for key, value in row.items()} for row in rows]
