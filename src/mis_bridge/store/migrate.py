"""Bring a database to the schema of this program, in one transaction.

Alembic is imported only for an upgrade: an empty database is made from the schema as it is, which a
test holds equal to what all migrations make.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import column, func, insert, select, table, text

from mis_bridge.store.engine import schema_of
from mis_bridge.store.schema import HEAD, metadata

if TYPE_CHECKING:
    from mis_bridge.store.engine import Store

__all__ = ["create", "upgrade"]

_SETTING_UP = 0x4D49_5342
"""Our number among those that programs on one PostgreSQL database agree on ("MISB")."""


def create(store: Store) -> None:
    """Set up an empty database; of two that do so at once the second finds it set up.

    Args:
        store: opened by ``engine.open_any``.

    Raises:
        StoreBusy, StoreFull, StoreError: the database is as empty as before.
    """
    with store.transaction() as tx:
        if not store.embedded:
            # SQLite's transaction holds the file; PostgreSQL has no table yet to hold.
            tx.execute(select(func.pg_advisory_xact_lock(_SETTING_UP)))
        if schema_of(tx):
            return
        metadata.create_all(tx)
        # The table and its key are Alembic's, so that a later upgrade finds what it expects.
        tx.execute(
            text(
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
                "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
            )
        )
        tx.execute(insert(table("alembic_version", column("version_num"))).values(version_num=HEAD))


def upgrade(store: Store, revision: str = "head") -> None:
    """Run the migrations that are missing.

    Args:
        store: opened by ``engine.open_any``.
        revision: how far; for tests of a single step.

    Raises:
        StoreBusy, StoreFull, StoreError: the schema is as it was before.
    """
    from alembic import command
    from alembic.config import Config

    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", "mis_bridge:store/migrations")
    with store.transaction() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, revision)
