"""Bring a database to the schema of this program, in one transaction.

Alembic is imported here only: it is needed at an upgrade, not every day.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config

if TYPE_CHECKING:
    from mis_bridge.store.engine import Store

__all__ = ["upgrade"]


def upgrade(store: Store, revision: str = "head") -> None:
    """Run the migrations that are missing.

    Args:
        store: opened by ``engine.open_any``.
        revision: how far; for tests of a single step.

    Raises:
        StoreBusy, StoreFull, StoreError: the schema is as it was before.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", "mis_bridge:store/migrations")
    with store.transaction() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)
