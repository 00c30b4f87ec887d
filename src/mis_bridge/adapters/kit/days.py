"""The silver cases of days: the fixtures' days moved to where clocks and calendars are odd.

The same school, the same marks, at the same times on the wall, on other days: what comes out must
be the same, on the other days.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.kit.edits import local_of
from mis_bridge.adapters.kit.findings import DoesNotApply, Failed
from mis_bridge.adapters.kit.fixtures import FixtureServer
from mis_bridge.adapters.kit.imitate import moment_of, moved, moved_text
from mis_bridge.adapters.kit.listing import put_at
from mis_bridge.adapters.kit.reading import as_json, difference
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.mapping import walk
from mis_bridge.adapters.vocabulary import FIELDS
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.adapters.kit.bench import Bench, School
    from mis_bridge.adapters.kit.fixtures import Exchange, Fixtures
    from mis_bridge.adapters.kit.listing import Listing
    from mis_bridge.adapters.kit.standin import StandIn
    from mis_bridge.adapters.vocabulary import StreamTable

__all__ = ["clock_change", "leap_day"]

_DATED: Final = frozenset({"date", "datetime", "clock"})
_KEPT: Final = frozenset({"pupils", "details", "periods"})
"""Lists whose days are no school days: birthdays, days on roll, times of every day."""

_MARKS: Final = ("sessions", "lessons", "events")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_WEEK: Final = 7
_TUESDAY: Final = date(2028, 2, 29)
_LEAP_YEARS: Final = 28
"""Years after which 29 February has the same weekday again."""


async def clock_change(bench: Bench) -> None:
    """The week before the autumn clock change, and the week after it."""
    first = bench.fixtures.window[0]
    change = _last_sunday(date(first.year, 10, 31))
    before = change - timedelta(days=6)
    to_monday = (before - first).days // _WEEK * _WEEK
    for days in (to_monday, to_monday + _WEEK):
        await _same_on_other_days(bench, days, "in a week beside the autumn clock change")


async def leap_day(bench: Bench) -> None:
    """The first day that has marks falls on 29 February."""
    marked = _marked_days(bench.fixtures.expect)
    if not marked:
        raise DoesNotApply("the fixtures have no marks")
    day = next(
        date(year, 2, 29)
        for year in range(_TUESDAY.year, _TUESDAY.year + _LEAP_YEARS + 1, 4)
        if date(year, 2, 29).weekday() == marked[0].weekday()
    )
    await _same_on_other_days(bench, (day - marked[0]).days, "on 29 February")


async def _same_on_other_days(bench: Bench, days: int, when: str) -> None:
    school = await (_texts_moved(bench, days) if bench.adapter.is_code else _moved(bench, days))
    found = _marks(as_json(await school.read()))
    expected = _marks(_expected(bench.fixtures.expect, days))
    if told := difference(found, expected):
        raise Failed(f"{when}: {told}")


async def _moved(bench: Bench, days: int) -> School:
    """Move the days of the stand-in's lists, by the fields that the manifest names."""
    _, standin = await bench.stand_in()
    fixtures = _fixtures_moved(bench.fixtures, days)
    tables: dict[str, StreamTable] = {str(k): v for k, v in bench.adapter.manifest.stream.items()}
    for listing in standin.listings.values():
        if not _KEPT & set(listing.streams):
            _move(listing, [(name, tables[name]) for name in listing.streams], days)
        for row in listing.rows:
            row.touched = fixtures.now
    _parts_moved(standin, days)
    return bench.school(standin, bench.small_adapter, fixtures)


def _move(listing: Listing, streams: Iterable[tuple[str, StreamTable]], days: int) -> None:
    fields = {
        text: entry
        for name, table in streams
        for field, entry in table.map.items()
        if FIELDS[name][field] in _DATED or entry.type is not None
        for text in entry.paths
    }
    for row in listing.rows:
        for record in listing.records(row):
            for text, entry in fields.items():
                steps = parse_path(text).steps
                value = walk(record, steps)
                if value is not None:
                    put_at(record, steps, moved(value, days, local_of(entry)))


def _parts_moved(standin: StandIn, days: int) -> None:
    standin.listings = {
        (signature, moved_text(part, days)): listing
        for (signature, part), listing in standin.listings.items()
    }


async def _texts_moved(bench: Bench, days: int) -> School:
    """Move every day that stands anywhere in the fixtures."""
    fixtures = _fixtures_moved(bench.fixtures, days)
    school = bench.school(FixtureServer(fixtures.exchanges), fixtures=fixtures)
    if fixtures.is_dropped:
        for file in sorted(school.folder.iterdir()):
            text = file.read_text(encoding="utf-8")
            file.write_text(moved_text(text, days), encoding="utf-8")
    return school


def _fixtures_moved(fixtures: Fixtures, days: int) -> Fixtures:
    wall = fixtures.now.astimezone(LONDON).replace(tzinfo=None) + timedelta(days=days)
    first, last = fixtures.window
    return replace(
        fixtures,
        now=wall.replace(tzinfo=LONDON).astimezone(UTC),
        window=(first + timedelta(days=days), last + timedelta(days=days)),
        exchanges=tuple(_exchange_moved(exchange, days) for exchange in fixtures.exchanges),
    )


def _exchange_moved(exchange: Exchange, days: int) -> Exchange:
    return replace(
        exchange,
        path=moved_text(exchange.path, days),
        query={name: moved_text(text, days) for name, text in exchange.query.items()},
        having=tuple(moved_text(text, days) for text in exchange.having),
        body=moved_text(exchange.body.decode("utf-8"), days).encode(),
    )


def _expected(expect: Any, days: int) -> dict[str, Any]:
    records = {
        stream: [
            {name: _value_moved(name, value, days) for name, value in row.items()} for row in rows
        ]
        for stream, rows in expect.get("records", {}).items()
    }
    return {"records": records, "quarantined": expect.get("quarantined", [])}


def _value_moved(name: str, value: Any, days: int) -> Any:
    if name not in {"day", "recorded", "at"}:
        return value
    shifted = moved(value, days)
    moment = moment_of(shifted) if name != "day" else None
    return shifted if moment is None else moment.astimezone(UTC).isoformat()


def _marks(found: dict[str, Any]) -> dict[str, Any]:
    """Keep what belongs to a day."""
    return {
        "records": {name: rows for name, rows in found["records"].items() if name in _MARKS},
        "quarantined": [row["stream"] for row in found["quarantined"]],
    }


def _marked_days(expect: Any) -> list[date]:
    rows = (row for stream in _MARKS for row in expect.get("records", {}).get(stream, ()))
    days = {str(row.get("day") or row.get("at"))[:10] for row in rows}
    return sorted(date.fromisoformat(day) for day in days if _DATE.fullmatch(day))


def _last_sunday(day: date) -> date:
    return day - timedelta(days=(day.weekday() + 1) % _WEEK)
