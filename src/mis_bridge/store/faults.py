"""What a database driver's refusal means to the person who has to put it right.

The driver's own text is never passed on: PostgreSQL quotes the row in it, and rows are about
children. What it means, and what to do, is said in words of our own.
"""

from __future__ import annotations

from mis_bridge.errors import (
    StoreBusy,
    StoreError,
    StoreFull,
    StoreKeyWrong,
    StoreOutdated,
    StoreRefused,
)

__all__ = ["TieBroken", "bare", "meaning"]


class TieBroken(StoreBusy):
    """PostgreSQL undid the transaction to break a tie between two; run again, it can succeed."""


_BUSY = (
    "another process holds the database: nothing was stored and it is tried again; if this "
    "lasts, look for a second mis-bridge or a database tool that has it open"
)
_FULL = (
    "no room left for the database: nothing of this step was stored and nothing earlier was "
    "lost; free space on its disk and the work goes on by itself"
)
_KEY = (
    "the database does not open with this key: give the key it was made with (the credential "
    "that store.key names, or the file db.key beside the database); a database that was copied "
    "from elsewhere needs the key that it was copied with"
)
_DAMAGED = (
    "the database file is damaged: stop the daemon, keep the file, and restore the last backup; "
    "'mis-bridge db verify' says what is wrong"
)
_READ_ONLY = (
    "the database can not be written: make the data directory and the files in it belong to "
    "the user that mis-bridge runs as"
)
_NO_FILE = (
    "the database file can not be opened or made: check that the data directory exists and "
    "belongs to the user that mis-bridge runs as"
)
_DISK = (
    "the disk refused to read or write the database: see whether it is full (a full one refuses so "
    "when the database is opened), then look at the system's log; nothing of this step was stored"
)
_OUTDATED = (
    "the database does not have the tables that this program needs: run 'mis-bridge db upgrade'"
)
_NO_SERVER = (
    "the PostgreSQL server can not be reached or refused the login: check store.url, the "
    "server and its pg_hba.conf; nothing was stored"
)

_SQLITE: dict[str, tuple[type[StoreError], str]] = {
    "SQLITE_BUSY": (StoreBusy, _BUSY),
    "SQLITE_LOCKED": (StoreBusy, _BUSY),
    "SQLITE_FULL": (StoreFull, _FULL),
    "SQLITE_NOTADB": (StoreKeyWrong, _KEY),
    "SQLITE_CORRUPT": (StoreError, _DAMAGED),
    "SQLITE_READONLY": (StoreError, _READ_ONLY),
    "SQLITE_CANTOPEN": (StoreError, _NO_FILE),
    "SQLITE_PERM": (StoreError, _NO_FILE),
    "SQLITE_IOERR": (StoreError, _DISK),
}

_SQLSTATE: dict[str, tuple[type[StoreError], str]] = {
    "53100": (StoreFull, _FULL),
    "53300": (StoreBusy, _BUSY),
    "55P03": (StoreBusy, _BUSY),
    "57014": (StoreBusy, _BUSY),
    "40001": (TieBroken, _BUSY),
    "40P01": (TieBroken, _BUSY),
    "25006": (StoreError, _READ_ONLY),
    "42P01": (StoreOutdated, _OUTDATED),
    "42703": (StoreOutdated, _OUTDATED),
    "28000": (StoreError, _NO_SERVER),
    "28P01": (StoreError, _NO_SERVER),
    "3D000": (StoreError, _NO_SERVER),
    "57P01": (StoreError, _NO_SERVER),
    "57P03": (StoreError, _NO_SERVER),
}


def meaning(error: BaseException) -> StoreError | None:
    """The error that a person is shown for a driver's exception.

    Args:
        error: what ``sqlcipher3`` or ``psycopg`` raised.

    Returns:
        One of the store's errors, or None where the exception is a fault of this program whose
        own text holds no values and should be seen as what it is.
    """
    name = getattr(error, "sqlite_errorname", None)
    if isinstance(name, str):
        found = _SQLITE.get("_".join(name.split("_")[:2]))
        if found is None and "no such table" in str(error):
            found = (StoreOutdated, _OUTDATED)
        return found[0](found[1]) if found else None
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        found = _SQLSTATE.get(state)
        return found[0](found[1]) if found else _our_own(error, state)
    if not type(error).__module__.startswith("psycopg"):
        return None
    if type(error).__name__ in {"OperationalError", "ConnectionTimeout", "PoolTimeout"}:
        return StoreError(_NO_SERVER)
    return _our_own(error, "none")


def _our_own(error: BaseException, state: str) -> StoreRefused:
    """A mistake of this program, without the row that PostgreSQL quotes in its text."""
    diagnosis = getattr(error, "diag", None)
    parts = (getattr(diagnosis, part, None) for part in ("table_name", "column_name"))
    where = ".".join(part for part in parts if part)
    rule = getattr(diagnosis, "constraint_name", None)
    told = ", ".join(part for part in (type(error).__name__, where, rule) if part)
    return StoreRefused(
        f"PostgreSQL refused a statement (SQLSTATE {state}: {told}); nothing was stored: this is a "
        "mistake in mis-bridge, please report it with this line"
    )


def bare(error: StoreError) -> StoreError:
    """The error without the driver's exception that it came from: that one quotes rows."""
    error.__cause__ = error.__context__ = None
    error.__suppress_context__ = True
    return error
