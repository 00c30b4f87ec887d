"""The silver case of leavers: by each way in which the MIS tells that a pupil has left."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.kit.edits import Vanish, cells, local_of, places, raw
from mis_bridge.adapters.kit.findings import DoesNotApply, Failed
from mis_bridge.adapters.kit.imitate import written
from mis_bridge.adapters.kit.listing import Row, put_at, twin_of
from mis_bridge.adapters.kit.rows import read_well
from mis_bridge.adapters.kit.scenes import Scene, after_a_while
from mis_bridge.adapters.records import PupilRecord
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from mis_bridge.adapters.kit.bench import Bench
    from mis_bridge.adapters.kit.edits import Place
    from mis_bridge.adapters.kit.standin import StandIn
    from mis_bridge.adapters.source import Batch
    from mis_bridge.adapters.vocabulary import MapEntry, StreamTable

__all__ = ["leaver"]

_MARKED: Final = ("history", "sessions", "lessons", "events")
_NO_LAST_DAY: Final = "the day on which a pupil left is not stored"
_STILL_THERE: Final = "a pupil who is not on the MIS's roll any more is on ours after the sweep"


async def leaver(bench: Bench) -> None:
    """A pupil who has left is not on the roll, or has a last day, after the next sweep."""
    if bench.adapter.is_code:
        await _later(bench)
        return
    tables: dict[str, StreamTable] = {str(k): v for k, v in bench.adapter.manifest.stream.items()}
    if "pupils" not in tables:
        raise DoesNotApply("the MIS has no list of pupils")
    await bench.stand_in()
    await _by_date(bench, tables)
    await _by_deletion(bench, tables)
    await _by_absence(bench, tables)


async def _later(bench: Bench) -> None:
    """The fixtures bring a pupil who has left: with a date, or not on the roll any more."""
    school, change = await Scene(bench).begin()
    with bench.shelves() as shelf:
        await read_well(school, shelf, sweep=True)
        before = shelf.roll()
        change()
        await after_a_while()
        now = _roll(await school.read())
        await read_well(school, shelf, sweep=False)
        await after_a_while()
        await read_well(school, shelf, sweep=True)
        stored = shelf.roll()
    gone = before.keys() - now.keys()
    dated = {p for p in before.keys() & now.keys() if now[p].leaving != before[p].leaving}
    if not gone | dated:
        raise Failed("fixtures/later has no pupil who has left")
    if gone & stored.keys():
        raise Failed(_STILL_THERE)
    if any(stored[pupil].leaving != now[pupil].leaving for pupil in dated):
        raise Failed(_NO_LAST_DAY)


def _roll(batches: Iterable[Batch]) -> dict[str, PupilRecord]:
    records = (record for batch in batches for record in batch.records)
    return {record.pupil: record for record in records if isinstance(record, PupilRecord)}


async def _by_date(bench: Bench, tables: dict[str, StreamTable]) -> None:
    """Give a pupil a last day, in every record about the pupil, written as another pupil's is."""
    day = bench.fixtures.window[0]
    for stream, field in (("pupils", "pupil"), ("details", "id")):
        table = tables.get(stream)
        entry = table.map.get("leaving") if table is not None else None
        if table is None or entry is None:
            continue
        sample = _first(bench.template, stream, entry)
        known = False
        about: dict[str, list[Place]] = {}
        for place in places(bench.template, stream):
            about.setdefault(_named(bench.template, place, table.map[field]), []).append(place)
        for pupil, own in about.items():
            school, standin = await bench.stand_in()
            for place in own if sample is not None else ():
                put_at(place.record(standin), sample[0], _written(sample[1], day, entry))
            with bench.shelves() as shelf:
                await read_well(school, shelf, sweep=True)
                stored = shelf.roll().get(pupil)
            if stored is not None and stored.leaving != day:
                raise Failed(_NO_LAST_DAY)
            known = known or stored is not None
        if not known:
            raise Failed(_NO_LAST_DAY)


def _written(sample: Any, day: date, entry: MapEntry) -> Any:
    return written(sample, datetime.combine(day, time(12), LONDON), local_of(entry))


def _first(standin: StandIn, stream: str, entry: MapEntry) -> Any:
    """Give (path, value) of a field of the first record that has it."""
    found = (raw(entry, place.record(standin)) for place in places(standin, stream))
    return next((cell for cell in found if cell is not None), None)


async def _by_deletion(bench: Bench, tables: dict[str, StreamTable]) -> None:
    """Let the list of deletions name a pupil, as one of its entries names another."""
    table = tables.get("deletions")
    if table is None or not _may_name_pupils(table.map["stream"]):
        return
    for place in places(bench.template, "deletions"):
        school, standin = await bench.stand_in()
        source = school.source()
        with bench.shelves() as shelf:
            await read_well(school, shelf, sweep=True, source=source)
            pupil = min(shelf.roll())
            await after_a_while()
            _delete(standin, place, table, pupil, school.clock.now())
            await read_well(school, shelf, sweep=False, source=source)
            if pupil not in shelf.roll():
                return
    raise Failed("a pupil whom the list of deletions names is still on the roll after the poll")


def _may_name_pupils(entry: MapEntry) -> bool:
    """Whether an entry of the list of deletions may be about a pupil."""
    if entry.values is not None:
        return "pupils" in entry.values.values()
    return entry.fixed in {None, "pupils", "{part}"}


def _delete(standin: StandIn, sample: Place, table: StreamTable, pupil: str, now: datetime) -> None:
    """Add an entry about a pupil, like another entry of the list."""
    listing = sample.listing(standin)
    standin.version += 1
    order = max(row.order for row in listing.rows) + 1
    row = Row(twin_of(sample.row(standin).value), order, now, standin.version)
    record = listing.records(row)[sample.inner]
    for steps, _ in cells(table.map["key"], record):
        put_at(record, steps, pupil)
    for steps, _ in cells(table.map.get("restored"), record):
        put_at(record, steps, None)
    listing.rows.append(row)


async def _by_absence(bench: Bench, tables: dict[str, StreamTable]) -> None:
    """Take a pupil off the MIS's roll; no register of the days that are read names the pupil."""
    school, standin = await bench.stand_in()
    pupil = min(_roll(await school.read()))
    for place in _about(standin, tables, pupil, _MARKED):
        Vanish(place).happen(standin, school.clock.now())
    with bench.shelves() as shelf:
        await read_well(school, shelf, sweep=True)
        for place in _about(standin, tables, pupil, ("details", "pupils")):
            Vanish(place).happen(standin, school.clock.now())
        await after_a_while()
        await read_well(school, shelf, sweep=True)
        if pupil in shelf.roll():
            raise Failed(_STILL_THERE)


def _about(
    standin: StandIn, tables: dict[str, StreamTable], pupil: str, streams: Iterable[str]
) -> list[Place]:
    """Give the places of all records that name a pupil, the last ones first."""
    return list(_places_about(standin, tables, pupil, streams))[::-1]


def _places_about(
    standin: StandIn, tables: dict[str, StreamTable], pupil: str, streams: Iterable[str]
) -> Iterator[Place]:
    seen = set()
    for stream in streams:
        entry = (
            tables[stream].map.get("id" if stream == "details" else "pupil")
            if (stream in tables)
            else None
        )
        if entry is None:
            continue
        for place in places(standin, stream):
            # Two streams may read one list.
            where = (place.key, place.order, place.inner)
            if where not in seen and _named(standin, place, entry) == pupil:
                seen.add(where)
                yield place


def _named(standin: StandIn, place: Place, entry: MapEntry) -> str:
    """Give the id that a record has in a field."""
    cell = raw(entry, place.record(standin))
    return "" if cell is None else str(cell[1]).strip()
