"""What a manifest writes into a request, the kit's stand-in reads out of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.adapters.kit.backwards import Backwards, signature
from mis_bridge.adapters.kit.fixtures import read_fixtures
from mis_bridge.adapters.paging import Position
from mis_bridge.adapters.registry import load_folder, shipped
from mis_bridge.adapters.scope import Scope, version_key

if TYPE_CHECKING:
    from pathlib import Path

    from mis_bridge.adapters.registry import Adapter

FOLDERS = [file.parent for file in sorted(shipped().glob("*/*/adapter.toml"))]
ADAPTERS = [adapter for adapter in map(load_folder, FOLDERS) if not adapter.is_code]
NOW = datetime(2026, 9, 9, 12, tzinfo=UTC)
TOKENS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=20)


@cache
def made(folder: Path) -> tuple[dict[str, str], Backwards]:
    """What the invented school of an adapter gave, and what reads its requests."""
    adapter = load_folder(folder)
    connection = adapter.connection(read_fixtures(adapter).given)
    plain = {name: value for name, value in connection.items() if isinstance(value, str)}
    return plain, Backwards(adapter.manifest, plain)


@pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.id)
@given(
    token=TOKENS,
    number=st.integers(0, 10_000),
    offset=st.integers(0, 10**6),
    hours=st.integers(0, 100),
    version=st.integers(1, 10**9),
    length=st.integers(0, 9),
)
def test_a_request_is_read_as_it_was_written(
    adapter: Adapter,
    token: str,
    number: int,
    offset: int,
    hours: int,
    version: int,
    length: int,
) -> None:
    """The list, or one that asks for the same, and every value that was put in."""
    manifest = adapter.manifest
    assert manifest.http is not None
    plain, backwards = made(adapter.folder)
    first = date(2026, 9, 7)
    for name, table in manifest.stream.items():
        whole = Scope(
            name,
            table,
            manifest.http,
            plain,
            (first, first + timedelta(days=length)),
            NOW,
            since=NOW - timedelta(hours=hours),
            versions={version_key(name): str(version)},
        )
        scope = whole.parts()[-1]
        turned = "" if table.page.type == "next_link" else token
        request = scope.request(Position(number, turned, offset))

        found = backwards.read(request.method, request.url, request.content or b"")

        written = scope.values | {
            "page.number": str(number),
            "page.offset": str(offset),
            "page.token": turned,
        }
        assert found is not None, request.url
        assert found.asks == ("changes" if scope.asks_elsewhere else "list")
        assert signature(manifest.stream[found.stream]) == signature(table)  # type: ignore[index]
        assert found.values == {key: written[key] for key in found.values}
