"""Thousands of rows at once, past SQLAlchemy's work on each of them.

Worth it for marks only: a school's year is 380,000 of them. The statement is the same on both
databases; values are given as the database stores them (``Bulk.day``, ``Bulk.moment``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mis_bridge.store.columns import microseconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection, Table

__all__ = ["Bulk"]


class Bulk:
    """Writes rows of plain tuples in one transaction.

    Args:
        tx: the transaction.
    """

    def __init__(self, tx: Connection) -> None:
        self._tx = tx
        self._embedded = tx.dialect.name == "sqlite"
        # Few days and moments occur, each in many rows.
        self._days: dict[date, str] = {}
        self._moments: dict[datetime, int] = {}

    def day(self, day: date) -> Any:
        """A date as it is stored."""
        if not self._embedded:
            return day
        text = self._days.get(day)
        if text is None:
            text = self._days[day] = day.isoformat()
        return text

    def moment(self, moment: datetime | None) -> Any:
        """A moment as it is stored."""
        if not self._embedded or moment is None:
            return moment
        number = self._moments.get(moment)
        if number is None:
            number = self._moments[moment] = microseconds(moment)
        return number

    def insert(self, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        """Insert rows whose keys are new.

        Args:
            table: where.
            columns: names, in the order of each row's values.
            rows: the values.
        """
        self._write(table, columns, rows, "")

    def upsert(self, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> None:
        """Insert rows, or overwrite those with the same primary key."""
        key = [column.name for column in table.primary_key]
        names = ", ".join(f'"{name}"' for name in key)
        changed = ", ".join(f'"{c}" = excluded."{c}"' for c in columns if c not in key)
        self._write(table, columns, rows, f" ON CONFLICT ({names}) DO UPDATE SET {changed}")

    def _write(
        self, table: Table, columns: Sequence[str], rows: list[tuple[Any, ...]], conflict: str
    ) -> None:
        if not rows:
            return
        names = ", ".join(f'"{name}"' for name in columns)
        places = ", ".join(("?" if self._embedded else "%s",) * len(columns))
        # Every name comes from the schema in this program.
        sql = f'INSERT INTO "{table.name}" ({names}) VALUES ({places}){conflict}'  # noqa: S608
        self._tx.exec_driver_sql(sql, rows)
