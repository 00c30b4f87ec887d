"""INSERT ... ON CONFLICT for both databases, a list of rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

__all__ = ["insert_new", "upsert"]


def insert_new(tx: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet; the others stay as they are."""
    if not rows:
        return
    if tx.dialect.name == "sqlite":
        tx.execute(sqlite.insert(table).on_conflict_do_nothing(), list(rows))
    else:
        tx.execute(postgresql.insert(table).on_conflict_do_nothing(), list(rows))


def upsert(tx: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows, or overwrite those with the same primary key.

    Args:
        tx: the transaction.
        table: any table with a primary key.
        rows: dictionaries with equal keys; each key must occur once only.
    """
    if not rows:
        return
    build = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    insert = build(table)
    key = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in rows[0] if name not in key}
    tx.execute(insert.on_conflict_do_update(index_elements=key, set_=changed), list(rows))
