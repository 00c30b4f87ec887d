"""``mis-bridge db``: upgrade, back up and verify the database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.output import Given, config_option, emit, format_option, tell

if TYPE_CHECKING:
    from mis_bridge.store.backup import Check

__all__ = ["command"]


@click.group(
    name="db",
    epilog="Example: mis-bridge db backup /srv/backups/mis-bridge.db",
    no_args_is_help=True,
)
def command() -> None:
    """Upgrade, back up and verify the database."""


@command.command("upgrade", epilog="Example: mis-bridge db upgrade")
@config_option
@format_option
def upgrade(config_path: Path | None, output_format: str) -> None:
    """Bring the database to the schema of this program, or set up an empty one.

    All of it happens in one transaction: what goes wrong leaves the database as it was.
    """
    from mis_bridge.store import migrate
    from mis_bridge.store.engine import check_not_newer, open_any, revision
    from mis_bridge.store.schema import HEAD

    store = open_any(*_location(config_path, create=True))
    try:
        before = revision(store)
        check_not_newer(before)
        if before != HEAD:
            migrate.upgrade(store)
    finally:
        store.close()
    since = "already" if before == HEAD else f"now, it had {before}" if before else "now"
    tell(
        f"The database has schema {HEAD} {since}.",
        {"schema": HEAD, "before": before},
        output_format,
    )


@command.command("backup", epilog="Example: mis-bridge db backup /srv/backups/mis-bridge.db")
@click.argument("target", type=Given(dir_okay=False, path_type=Path))
@config_option
@format_option
def backup(target: Path, config_path: Path | None, output_format: str) -> None:
    """Write a checked copy of the embedded database to TARGET; the daemon may run meanwhile.

    The copy opens with the key of the original: keep that key too, in another place. Where it was
    written is remembered: pupil erase names the backups that still hold the pupil.
    """
    from mis_bridge.errors import StoreError
    from mis_bridge.io.clock import clock_from
    from mis_bridge.store import backups
    from mis_bridge.store.backup import back_up
    from mis_bridge.store.engine import check_not_newer, open_any, revision

    url, key = _location(config_path)
    store = open_any(url, key)  # an older schema too: it is backed up before it is upgraded
    try:
        now = clock_from(os.environ).now()
        size = back_up(store, target, key or "")
        try:
            check_not_newer(revision(store))
            store.run(backups.note, target.resolve(), now)
        except StoreError as error:
            click.echo(f"The backup is made; that pupil erase names it is not: {error}", err=True)
    finally:
        store.close()
    told = f"{target}: {size / 1e6:.1f} MB, checked. Keep its key in another place."
    tell(told, {"file": str(target), "bytes": size}, output_format)


@command.command("verify", epilog="Example: mis-bridge db verify --format json")
@config_option
@format_option
def verify(config_path: Path | None, output_format: str) -> None:
    """Check the schema, the encryption, the pages and the history of the database."""
    from mis_bridge.store import backup as checks
    from mis_bridge.store.opening import open_store

    store = open_store(*_location(config_path))
    try:
        found = checks.verify(store)
    finally:
        store.close()
    emit([_row(check) for check in found], ["check", "good", "detail"], output_format)
    if not all(check.good for check in found):
        raise SystemExit(1)


def _row(check: Check) -> dict[str, object]:
    return {"check": check.name, "good": check.good, "detail": check.detail}


def _location(config_path: Path | None, *, create: bool = False) -> tuple[str, str | None]:
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import find_config, load
    from mis_bridge.store.opening import location

    configuration = load(find_config(config_path))
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    return location(configuration, secrets, create=create)
