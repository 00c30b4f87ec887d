"""What a driver's refusal becomes for a person."""

from __future__ import annotations

import psycopg
import pytest

from mis_bridge.errors import (
    StoreBusy,
    StoreError,
    StoreFull,
    StoreKeyWrong,
    StoreOutdated,
    StoreRefused,
)
from mis_bridge.store import faults


class DriverError(Exception):
    """What a driver raises."""

    sqlite_errorname: str
    sqlstate: str


def sqlite(name: str, text: str = "Ada Testpupil") -> DriverError:
    """An exception as SQLite's driver raises it."""
    error = DriverError(text)
    error.sqlite_errorname = name
    return error


def postgresql(state: str) -> DriverError:
    """An exception as PostgreSQL's driver raises it."""
    error = DriverError("Failing row contains (Ada Testpupil)")
    error.sqlstate = state
    return error


@pytest.mark.parametrize(
    ("error", "kind", "advice"),
    [
        (sqlite("SQLITE_BUSY"), StoreBusy, "second mis-bridge"),
        (sqlite("SQLITE_BUSY_SNAPSHOT"), StoreBusy, "second mis-bridge"),
        (sqlite("SQLITE_FULL"), StoreFull, "free space"),
        (sqlite("SQLITE_NOTADB"), StoreKeyWrong, "store.key"),
        (sqlite("SQLITE_CORRUPT_INDEX"), StoreError, "last backup"),
        (sqlite("SQLITE_READONLY_DBMOVED"), StoreError, "belong to"),
        (sqlite("SQLITE_CANTOPEN"), StoreError, "data directory"),
        (sqlite("SQLITE_IOERR_WRITE"), StoreError, "whether it is full"),
        (sqlite("SQLITE_ERROR", "no such table: feeds"), StoreOutdated, "db upgrade"),
        (postgresql("53100"), StoreFull, "free space"),
        (postgresql("55P03"), StoreBusy, "second mis-bridge"),
        (postgresql("40P01"), StoreBusy, "tried again"),
        (postgresql("42P01"), StoreOutdated, "db upgrade"),
        (postgresql("28P01"), StoreError, "store.url"),
        (postgresql("23505"), StoreRefused, "report it"),
        (postgresql("22003"), StoreRefused, "report it"),
        (psycopg.DataError("Ada Testpupil\0"), StoreRefused, "report it"),
        (psycopg.OperationalError("Ada Testpupil"), StoreError, "pg_hba.conf"),
    ],
)
def test_every_refusal_says_what_to_do_and_shows_no_row(
    error: Exception, kind: type[StoreError], advice: str
) -> None:
    """The kind is for the program, the advice for the person; the driver's text is for nobody."""
    said = faults.meaning(error)
    assert type(said) is kind or isinstance(said, faults.TieBroken)
    assert isinstance(said, kind)
    assert advice in str(said)
    assert "Testpupil" not in str(said)


@pytest.mark.parametrize(
    "error", [ValueError("x"), sqlite("SQLITE_CONSTRAINT"), sqlite("SQLITE_MISUSE")]
)
def test_what_is_our_own_mistake_is_left_as_it_is(error: Exception) -> None:
    """A fault of this program is not dressed up as one of the machine."""
    assert faults.meaning(error) is None
