"""INSERT ... ON CONFLICT for both databases, a list of rows at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Connection, Table

__all__ = ["insert_new", "upsert"]


def insert_new(tx: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert the rows whose key is not there yet; the others stay as they are."""
    if not rows:
        return
    tx.execute(_insert(tx, table).on_conflict_do_nothing(), list(rows))


def upsert(
    tx: Connection,
    table: Table,
    rows: Sequence[dict[str, Any]],
    *,
    where: ColumnElement[bool] | None = None,
) -> None:
    """Insert the rows, or overwrite those with the same primary key.

    Args:
        tx: the transaction.
        table: any table with a primary key.
        rows: dictionaries with equal keys; each key must occur once only.
        where: only stored rows of which this holds are overwritten.
    """
    if not rows:
        return
    insert = _insert(tx, table)
    key = [column.name for column in table.primary_key]
    changed = {name: insert.excluded[name] for name in rows[0] if name not in key}
    tx.execute(
        insert.on_conflict_do_update(index_elements=key, set_=changed, where=where), list(rows)
    )


def _insert(tx: Connection, table: Table) -> Any:
    if tx.dialect.name == "sqlite":
        return sqlite.insert(table)
    # Not needed where the database is embedded, and not light.
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)
