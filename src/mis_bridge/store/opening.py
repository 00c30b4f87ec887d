"""Open a database that this program can use: one by its address, or the one that is configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.errors import StoreOutdated
from mis_bridge.store import migrate
from mis_bridge.store.engine import check_not_newer, open_any, revision
from mis_bridge.store.key import file_key
from mis_bridge.store.schema import HEAD

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store

__all__ = ["embedded_file", "location", "open_configured", "open_store"]


def embedded_file(configuration: Configuration) -> Path:
    """Where the embedded database lies, or would lie."""
    return configuration.settings.service.data_dir / "mis-bridge.db"


def location(
    configuration: Configuration, secrets: Secrets, *, create: bool = False
) -> tuple[str, str | None]:
    """Address and key of the configured database, as ``open_store`` takes them.

    Args:
        configuration: names both.
        secrets: where its references lead.
        create: make the folder and the key of an embedded database that is not there yet.

    Raises:
        SecretMissing, StoreKeyWrong, StoreError: with what to do.
    """
    settings = configuration.settings
    url = settings.store.url
    if url.startswith(("credential:", "env:")):
        url = secrets.resolve(url).reveal()
    if url and not url.startswith("sqlite"):
        return url, None
    data_dir = settings.service.data_dir
    key = (
        secrets.resolve(settings.store.key).reveal()
        if settings.store.key
        else file_key(data_dir, create=create)
    )
    if create:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return url or f"sqlite:///{embedded_file(configuration)}", key


def open_configured(
    configuration: Configuration, secrets: Secrets, *, create: bool = False
) -> Store:
    """Open the configured database.

    Args:
        configuration: names it.
        secrets: where its references lead.
        create: set up an empty one, with its key.

    Raises:
        SecretMissing, StoreError: with what to do.
    """
    url, key = location(configuration, secrets, create=create)
    return open_store(url, key, create=create)


def open_store(url: str, key: str | None, *, create: bool = False) -> Store:
    """Open a database and make sure that it is one this program can use.

    Args:
        url: ``sqlite:////var/lib/mis-bridge/mis-bridge.db`` or ``postgresql://...``.
        key: 64 hexadecimal digits for SQLite, None for PostgreSQL.
        create: set up an empty database; an older one is left to ``mis-bridge db upgrade``.

    Raises:
        StoreKeyWrong: the key is missing, malformed, or not the one it was made with.
        StoreOutdated: the schema is empty, older or newer.
        StoreBusy, StoreFull, StoreError: see their texts.
    """
    store = open_any(url, key)
    try:
        present = revision(store)
        if not present and create:
            migrate.create(store)
            present = HEAD
        _check(present)
    except BaseException:
        store.close()
        raise
    return store


def _check(present: str) -> None:
    check_not_newer(present)
    if not present:
        raise StoreOutdated("the database is empty: run 'mis-bridge db upgrade' to set it up")
    if present < HEAD:
        raise StoreOutdated(
            f"the database has schema {present} and this program needs {HEAD}: make a backup "
            "with 'mis-bridge db backup', then run 'mis-bridge db upgrade'"
        )
