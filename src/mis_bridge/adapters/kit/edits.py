"""What a MIS does to its data while nobody looks: marks corrected, added, taken away."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Protocol

from mis_bridge.adapters.kit.imitate import written
from mis_bridge.adapters.kit.listing import put_at
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.mapping import walk
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, tzinfo

    from mis_bridge.adapters.kit.listing import Listing, Row, Steps
    from mis_bridge.adapters.kit.standin import StandIn
    from mis_bridge.adapters.vocabulary import MapEntry, StreamTable

__all__ = [
    "MARKS",
    "Appear",
    "Correct",
    "Edit",
    "Place",
    "Vanish",
    "cells",
    "corrections",
    "local_of",
    "places",
    "raw",
]

MARKS: Final = ("sessions", "lessons")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in a stand-in, and in every twin of it.

    Args:
        stream: that reads it.
        key: of the listing.
        order: of the row.
        inner: place in the array inside the row; 0 where the row is the record.
    """

    stream: str
    key: Any
    order: float
    inner: int

    def listing(self, standin: StandIn) -> Listing:
        """Give the list."""
        return standin.listings[self.key]

    def row(self, standin: StandIn) -> Row:
        """Give the row."""
        return next(row for row in self.listing(standin).rows if row.order == self.order)

    def record(self, standin: StandIn) -> Any:
        """Give the record."""
        return self.listing(standin).records(self.row(standin))[self.inner]


class Edit(Protocol):
    """One change of the data."""

    @property
    def place(self) -> Place:
        """What is changed."""
        ...

    def prepare(self, standin: StandIn) -> None:
        """Put the data into the state before the change."""
        ...

    def happen(self, standin: StandIn, now: datetime) -> None:
        """Change the data."""
        ...


@dataclass(frozen=True, slots=True)
class Correct:
    """A mark gets another code, and the moment at which it was saved.

    Args:
        values: (path, value) of the new code.
        recorded: (path, as another moment was written, zone of texts without one), or None.
    """

    place: Place
    values: Sequence[tuple[Steps, Any]]
    recorded: tuple[Steps, Any, tzinfo] | None = None

    def prepare(self, standin: StandIn) -> None:
        """Leave the mark as the fixtures have it."""

    def happen(self, standin: StandIn, now: datetime) -> None:
        """Save the mark anew."""
        record = self.place.record(standin)
        for steps, value in self.values:
            put_at(record, steps, value)
        if self.recorded is not None:
            steps, sample, local = self.recorded
            put_at(record, steps, written(sample, now, local))
        _save(standin, self.place.row(standin), now)


@dataclass(frozen=True, slots=True)
class Appear:
    """A mark that was not there at first comes, at the front of its list."""

    place: Place

    def prepare(self, standin: StandIn) -> None:
        """Keep the mark back."""
        standin.kept_back[self.place] = _taken(standin, self.place)

    def happen(self, standin: StandIn, now: datetime) -> None:
        """Let it come."""
        listing, (row, record) = self.place.listing(standin), standin.kept_back[self.place]
        if row in listing.rows:
            listing.records(row).insert(self.place.inner, record)
        else:
            row.order = min((one.order for one in listing.rows), default=0.0) - 1
            listing.rows.append(row)
        _save(standin, row, now)


@dataclass(frozen=True, slots=True)
class Vanish:
    """A record is taken away; a MIS that tells what is gone does so."""

    place: Place

    def prepare(self, standin: StandIn) -> None:
        """Leave the record where it is."""

    def happen(self, standin: StandIn, now: datetime) -> None:
        """Take it away."""
        row, record = _taken(standin, self.place)
        standin.version += 1
        if row in self.place.listing(standin).rows:
            row.touched, row.version = now, standin.version
        version = self.place.listing(standin).table.version
        if version is not None and version.deleted_key is not None:
            key = walk(record, parse_path(version.deleted_key).steps)
            self.place.listing(standin).gone.append((standin.version, key))


def _taken(standin: StandIn, place: Place) -> tuple[Row, Any]:
    """Take a record out: the row itself, or the record out of the array inside it."""
    listing, row = place.listing(standin), place.row(standin)
    record = place.record(standin)
    if listing.table.within is None:
        listing.rows.remove(row)
    else:
        listing.records(row).pop(place.inner)
    return row, record


def _save(standin: StandIn, row: Row, now: datetime) -> None:
    standin.version += 1
    row.touched, row.version = now, standin.version


def places(standin: StandIn, *streams: str) -> Iterator[Place]:
    """Give the place of every record of some streams."""
    for key, listing in standin.listings.items():
        for stream in listing.streams:
            if stream not in streams:
                continue
            for row in sorted(listing.rows, key=lambda row: row.order):
                for inner in range(len(listing.records(row))):
                    yield Place(stream, key, row.order, inner)


def cells(entry: MapEntry | None, record: Any) -> tuple[tuple[Steps, Any], ...]:
    """Give (path, value) of all paths of a field, as a record has them."""
    if entry is None:
        return ()
    steps = [parse_path(text).steps for text in entry.paths]
    return tuple((one, walk(record, one)) for one in steps)


def raw(entry: MapEntry | None, record: Any) -> tuple[Steps, Any] | None:
    """Give (path, value) of a field where it leads somewhere, or None."""
    return next((cell for cell in cells(entry, record) if cell[1] is not None), None)


def local_of(entry: MapEntry) -> tzinfo:
    """Give the zone of a field's texts that do not say theirs."""
    return UTC if entry.type == "utc_datetime" else LONDON


def corrections(standin: StandIn, tables: dict[str, StreamTable]) -> Iterator[Correct]:
    """Give every way of giving a mark the code of another mark of its list."""
    for stream in MARKS:
        if stream not in tables:
            continue
        table = tables[stream]
        own = list(places(standin, stream))
        codes = {place: _code(table, place.record(standin)) for place in own}
        donors = {json.dumps(code, default=str): code for code in codes.values()}
        for place in own:
            for code in donors.values():
                if code != codes[place]:
                    yield Correct(place, code, _recorded(standin, table, place))


def _code(table: StreamTable, record: Any) -> tuple[tuple[Steps, Any], ...]:
    return (*cells(table.map.get("code"), record), *cells(table.map.get("meaning"), record))


def _recorded(
    standin: StandIn, table: StreamTable, place: Place
) -> tuple[Steps, Any, tzinfo] | None:
    """Say how a mark's moment is written, by this mark or another of the list."""
    entry = table.map.get("recorded")
    if entry is None:
        return None
    for one in (place, *places(standin, place.stream)):
        found = raw(entry, one.record(standin))
        if found is not None:
            return found[0], found[1], local_of(entry)
    return None
