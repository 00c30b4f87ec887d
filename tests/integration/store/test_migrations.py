"""The migrations make the schema that the program is written for, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from mis_bridge.store import migrate
from mis_bridge.store.engine import open_any, revision
from mis_bridge.store.opening import open_store
from mis_bridge.store.schema import HEAD, metadata

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.store.engine import Store


def test_the_migrations_give_the_schema_of_the_program(store: Store) -> None:
    """Alembic finds nothing to add, to drop or to change after the migrations have run."""
    with store.reading() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True})
        differences: list[Any] = compare_metadata(context, metadata)
    assert differences == []


def test_the_newest_migration_is_the_one_the_program_asks_for() -> None:
    """``HEAD`` in the schema and the last file of the migrations are the same revision."""
    config = Config()
    config.set_main_option("script_location", "mis_bridge:store/migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    """A database that is up to date is left alone."""
    migrate.upgrade(store)
    assert revision(store) == HEAD


def test_a_failed_upgrade_leaves_the_database_as_it_was(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All migrations run in one transaction: an error in the last undoes the first."""
    store = open_any(f"sqlite:///{tmp_path / 'new.db'}", key)
    try:
        upgrade = command.upgrade

        def broken(*args: Any) -> None:
            upgrade(*args)
            raise RuntimeError("after the last step")

        monkeypatch.setattr(command, "upgrade", broken)
        with pytest.raises(RuntimeError, match="after the last step"):
            migrate.upgrade(store)
        assert inspect(store.engine).get_table_names() == []
        assert revision(store) == ""
    finally:
        store.close()


def test_two_that_start_at_once_set_up_one_database(postgresql_url: str) -> None:
    """The nodes of a new installation are switched on together: each finds it set up."""
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    start = threading.Barrier(4)

    def begin(_: int) -> str:
        start.wait()
        store = open_store(postgresql_url, None, create=True)
        try:
            return revision(store)
        finally:
            store.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(begin, range(4))) == [HEAD] * 4


def test_every_key_starts_with_the_school() -> None:
    """All tables but those about the installation itself can be partitioned by school."""
    of_the_installation = {"channel_state", "meta"}
    for table in metadata.sorted_tables:
        if table.name not in of_the_installation:
            assert next(iter(table.primary_key)).name == "school", table.name
