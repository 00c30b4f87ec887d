"""What the commands that work on the database share: the open store, the schools, the clock."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store

__all__ = ["Opened", "by_option", "doubts", "in_local_time", "opened", "or_login"]

_OLD = timedelta(minutes=15)
_NAMED = 5

by_option = click.option(
    "--by", "who", required=True, metavar="NAME", help="Who does this; kept in the history."
)
"""``@by_option`` passes ``who`` to the command."""


def or_login(who: str | None) -> str:
    """Who does something: as was said, or the person who is logged in."""
    import getpass

    return (who or "").strip() or getpass.getuser()


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
        from mis_bridge.registers.calendar import local_minute
        from mis_bridge.service.schools import schools_of

        return schools_of(self.configuration, today=local_minute(self.now)[0])

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


def doubts(here: Opened, tx: Connection, school: str | None, *, known: bool) -> list[str]:
    """Say of which schools a list can not be relied on to be whole.

    Args:
        here: as opened.
        tx: to read in.
        school: the only one that was asked about, or None for all.
        known: the list holds something of it, so that it may have been configured before.

    Raises:
        SettingsError: no such school is configured, and nothing is known of one.
    """
    from mis_bridge.messages.times import moment
    from mis_bridge.store import feeds

    if school is not None and school not in here.configuration.schools:
        if not known:
            here.configuration.find_school(school)
        return []
    wanted = here.configuration.schools if school is None else [school]
    read = {feed.school: feed.last_good_at for feed in feeds.all_feeds(tx)}
    told = []
    for one in sorted(wanted):
        last = read.get(one)
        if last is None:
            told.append(f"{one}: its registers have never been read, nothing is known of it")
        elif here.now - last > _OLD:
            since = moment(last, here.now)
            told.append(f"{one}: its registers were last read at {since}, nothing newer is known")
    if len(told) > _NAMED:
        told[_NAMED:] = [f"and {len(told) - _NAMED} more schools: see mis-bridge schools list"]
    return told


def in_local_time(rows: Iterable[Mapping[str, Any]], output_format: str) -> list[dict[str, Any]]:
    """Show times as a clock in school shows them; JSON keeps them with their offset."""
    from datetime import datetime

    from mis_bridge.registers.calendar import LONDON

    def shown(value: Any) -> Any:
        if output_format == "json" or not isinstance(value, datetime):
            return value
        return f"{value.astimezone(LONDON):%Y-%m-%d %H:%M}"

    return [{key: shown(value) for key, value in row.items()} for row in rows]
