"""Open the database that the configuration names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.store.engine import open_store
from mis_bridge.store.key import file_key

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store

__all__ = ["embedded_file", "location", "open_configured"]


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
