"""The same store on both databases: SQLite under SQLCipher, and a real PostgreSQL server."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.records import SessionMark
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar, local_datetime
from mis_bridge.store import feeds
from mis_bridge.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mis_bridge.store.engine import Store

KEY = "0f" * 32
NOW = datetime(2026, 3, 11, 9, 30, tzinfo=UTC)
"""A Wednesday morning in term; Greenwich time is local time."""

DAY = date(2026, 3, 11)


@pytest.fixture
def key() -> str:
    """The key of every embedded test database."""
    return KEY


@pytest.fixture
def now() -> datetime:
    """Half past nine on the test's Wednesday."""
    return NOW


@pytest.fixture
def day() -> date:
    """The test's Wednesday."""
    return DAY


@pytest.fixture
def calendar() -> SchoolCalendar:
    """A school year without holidays; registers close at 9:15 and 13:30."""
    return SchoolCalendar(AcademicYear(2025), date(2025, 9, 2), date(2026, 7, 21))


@pytest.fixture(scope="session")
def embedded_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that is set up, to copy."""
    path = tmp_path_factory.mktemp("template") / "mis-bridge.db"
    open_store(f"sqlite:///{path}", KEY, create=True).close()
    return path


@pytest.fixture
def embedded_url(embedded_template: Path, tmp_path: Path) -> str:
    """URL of a fresh embedded database that is set up."""
    path = tmp_path / "mis-bridge.db"
    shutil.copy(embedded_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def embedded(embedded_url: str) -> Iterator[Store]:
    """A fresh embedded store."""
    store = open_store(embedded_url, KEY)
    yield store
    store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """A fresh store on each database, with one school ``oakfield`` that is watched."""
    if request.param == "sqlite":
        opened = open_store(request.getfixturevalue("embedded_url"), KEY)
    else:
        opened = open_store(request.getfixturevalue("postgresql_url"), None)
    opened.run(feeds.sync_schools, [("oakfield", "wonde", "Oakfield")], NOW)
    yield opened
    opened.close()


@pytest.fixture
def at() -> Callable[..., datetime]:
    """``at(hour, minute, day=...)``: a local time on the test's Wednesday, or another day."""

    def moment(hour: int, minute: int = 0, day: date = DAY) -> datetime:
        return local_datetime(day, hour * 60 + minute)

    return moment


@pytest.fixture
def mark() -> Callable[..., SessionMark]:
    """``mark("N", pupil=..., day=..., pm=..., recorded=...)``: one session mark."""

    def make(code: str, **rest: Any) -> SessionMark:
        values = {"pupil": "p1", "day": DAY, "pm": False, **rest}
        return SessionMark(code=ord(code), **values)

    return make
