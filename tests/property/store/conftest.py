"""One embedded store for all examples; each takes a school of its own."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from mis_bridge.store import feeds
from mis_bridge.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mis_bridge.store.engine import Store

NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that lives as long as the tests."""
    path = tmp_path_factory.mktemp("store") / "mis-bridge.db"
    store = open_store(f"sqlite:///{path}", "0f" * 32, create=True)
    with store.transaction() as tx:
        tx.exec_driver_sql("PRAGMA cache_size = -2000")
    yield store
    store.close()


@pytest.fixture(scope="session")
def new_school(shared: Store) -> Callable[[], str]:
    """``new_school()``: the id of a watched school without any rows."""
    numbers = itertools.count()

    def make() -> str:
        name = f"school-{next(numbers)}"
        shared.run(feeds.sync_schools, [(name, "csv", name)], NOW)
        return name

    return make
