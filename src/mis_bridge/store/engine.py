"""The door to the database: opening it, transactions, and the one worker thread that uses it.

Two databases serve the same code: SQLite under SQLCipher, embedded, one process; and PostgreSQL,
where one machine is outgrown. Synchronous on purpose: a transaction is short, it runs in a worker
thread from its first statement to its commit, and no network call is ever made inside one.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from mis_bridge.errors import StoreError, StoreKeyWrong, StoreOutdated
from mis_bridge.store import faults
from mis_bridge.store import key as store_key
from mis_bridge.store.schema import HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL, ExceptionContext

__all__ = ["Store", "check_not_newer", "open_any", "revision", "schema_of"]

P = ParamSpec("P")
T = TypeVar("T")

_BUSY_SECONDS = 10
_SILENT_SECONDS = 10
_THREADS_ON_POSTGRESQL = 4
_ATTEMPTS = 4


class Store:
    """An open database.

    Args:
        engine: made by ``open_store``.
        url: where it is, with any password left out.
    """

    def __init__(self, engine: Engine, url: URL) -> None:
        self.engine = engine
        self.url = url
        self.embedded = engine.dialect.name == "sqlite"
        self._threads = ThreadPoolExecutor(
            max_workers=1 if self.embedded else _THREADS_ON_POSTGRESQL,
            thread_name_prefix="store",
        )

    def __repr__(self) -> str:
        return f"Store({self.url.render_as_string(hide_password=True)})"

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A writing transaction: all of it is stored, or nothing.

        On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so that two writers wait for
        each other at the start and never fail in the middle.

        Raises:
            StoreBusy, StoreFull, StoreError: nothing was stored.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except StoreError as error:
            raise faults.bare(error)  # noqa: B904 - bare of its cause on purpose

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A snapshot that neither waits for a writer nor holds one up."""
        options: dict[str, Any] = (
            {"sqlite_begin": "DEFERRED"}
            if self.embedded
            else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        )
        try:
            with (
                self.engine.connect().execution_options(**options) as connection,
                connection.begin(),
            ):
                yield connection
        except StoreError as error:
            raise faults.bare(error)  # noqa: B904 - bare of its cause on purpose

    def run(
        self, fn: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``fn(tx, ...)`` in one transaction, in this thread.

        Where PostgreSQL undoes a transaction to break a deadlock it is run again from its start.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self.transaction() as tx:
                    return fn(tx, *args, **kwargs)
            except faults.TieBroken:
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    async def call(
        self, fn: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run ``fn(tx, ...)`` in one transaction, in the store's worker thread.

        A caller that is cancelled while it waits leaves the transaction to finish.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: self.run(fn, *args, **kwargs))

    def close(self) -> None:
        """Let running transactions finish, then close every connection."""
        self._threads.shutdown(wait=True)
        self.engine.dispose()


def open_any(url: str, key: str | None) -> Store:
    """Open a database whatever its schema, as ``open_store`` does otherwise."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError(
            "store.url is not an address of a database: write sqlite:////path/to/file.db or "
            "postgresql://user@host/name"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(parsed, key)
    if backend in {"postgresql", "postgres"}:
        return _open_postgresql(parsed)
    raise StoreError(f"store.url begins with {backend!r}: write sqlite:/// or postgresql://")


def _open_sqlite(url: URL, key: str | None) -> Store:
    from sqlcipher3 import dbapi2

    if key is None:
        raise StoreKeyWrong(
            "an embedded database is always encrypted: name a credential with its key in "
            "store.key, or leave store.key out to have one made"
        )
    if not url.database or url.database == ":memory:":
        raise StoreError("store.url names no file: write sqlite:////path/to/file.db")
    path, raw_key = url.database, store_key.checked(key)

    def connect() -> Any:
        connection = dbapi2.connect(
            path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in (
                "cipher_log_level = NONE",
                f"key = \"x'{raw_key}'\"",
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
                "temp_store = MEMORY",
            ):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        module=dbapi2,
        creator=connect,
        poolclass=QueuePool,
        pool_size=2,
        hide_parameters=True,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        if mode == "NONE":  # VACUUM runs outside transactions only
            return
        connection.exec_driver_sql(f"BEGIN {mode}")

    return _opened(engine, url)


def _open_postgresql(url: URL) -> Store:
    # A server that has gone without a word must not hold up a tick for as long as TCP would wait.
    patience: dict[str, Any] = {
        "connect_timeout": _SILENT_SECONDS,
        "keepalives_idle": _SILENT_SECONDS,
        "keepalives_interval": _SILENT_SECONDS,
        "keepalives_count": 2,
        "tcp_user_timeout": 3000 * _SILENT_SECONDS,
    }
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=_THREADS_ON_POSTGRESQL,
        connect_args={
            **{name: value for name, value in patience.items() if name not in url.query},
            "application_name": "mis-bridge",
            "options": f"-c lock_timeout={_BUSY_SECONDS}s -c timezone=UTC",
        },
    )
    return _opened(engine, url)


def _opened(engine: Engine, url: URL) -> Store:
    @event.listens_for(engine, "handle_error")
    def _say_what_to_do(context: ExceptionContext) -> None:
        said = faults.meaning(context.original_exception)
        if said is not None:
            raise said

    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
    except StoreError as error:
        engine.dispose()
        raise faults.bare(error)  # noqa: B904 - bare of its cause on purpose
    except Exception as error:
        engine.dispose()
        said = faults.meaning(error)
        if said is not None:
            raise said from None
        raise
    return Store(engine, url)


def revision(store: Store) -> str:
    """Revision of the schema; empty for a database without tables."""
    with store.reading() as tx:
        return schema_of(tx)


def schema_of(tx: Connection) -> str:
    """As ``revision``, in a transaction."""
    if not tx.dialect.has_table(tx, "alembic_version"):
        return ""
    return str(tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or "")


def check_not_newer(present: str) -> None:
    """Refuse a database that a newer program has used.

    Raises:
        StoreOutdated: says which versions.
    """
    if present > HEAD:
        raise StoreOutdated(
            f"the database has schema {present}, newer than the {HEAD} that this program knows: "
            "install the mis-bridge that last used it, or restore a backup made before it"
        )
