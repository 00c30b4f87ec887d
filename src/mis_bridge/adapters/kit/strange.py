"""The gold case of codes that nobody knows: in a mark, or in the MIS's own table of codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.kit.edits import MARKS, cells, places, raw
from mis_bridge.adapters.kit.findings import DoesNotApply, Failed
from mis_bridge.adapters.kit.listing import put_at
from mis_bridge.adapters.kit.rows import read_well
from mis_bridge.adapters.kit.scenes import marks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mis_bridge.adapters.kit.bench import Bench
    from mis_bridge.adapters.kit.edits import Place
    from mis_bridge.adapters.kit.standin import StandIn
    from mis_bridge.adapters.source import Quarantined
    from mis_bridge.adapters.vocabulary import StreamTable

__all__ = ["unknown_code"]

_TEXT: Final = "?kit"
_NUMBER: Final = 987_654_321
"""Codes, and ids of codes, that no MIS has."""

_MOST: Final = 12
"""Marks that are tried, of each stream."""


@dataclass(frozen=True, slots=True)
class _Strange:
    """A record whose code nobody is to know.

    Args:
        place: a mark, or an entry of the table of codes.
        table: of its stream.
    """

    place: Place
    table: StreamTable

    def put(self, standin: StandIn) -> str:
        """Put the strange code in; give it as it is told."""
        record, value = self.place.record(standin), ""
        for steps, old in cells(self.table.map["code"], record):
            if old is not None:
                strange = _NUMBER if isinstance(old, int) and not isinstance(old, bool) else _TEXT
                put_at(record, steps, strange)
                value = str(strange)
        for steps, _ in cells(self.table.map.get("meaning"), record):
            put_at(record, steps, None)
        return value


async def unknown_code(bench: Bench) -> None:
    """A mark whose code nobody knows goes into quarantine with that code, and nowhere else."""
    if bench.adapter.is_code:
        await _in_fixtures(bench)
        return
    tables: dict[str, StreamTable] = {str(k): v for k, v in bench.adapter.manifest.stream.items()}
    own = [name for name in MARKS if name in tables and tables[name].map["code"].path is not None]
    if not own:
        raise DoesNotApply("marks are told by flags, not by codes")
    quiet, _ = await bench.stand_in()
    before = marks_of(await quiet.read())
    for stream in own:
        seen = False
        for strange in list(_ways(bench.template, tables, stream))[:_MOST]:
            school, standin = await bench.stand_in()
            value = strange.put(standin)
            batches = await school.read()
            after = marks_of(batches)
            # A mark of a whole day is one record, and two marks.
            gone = before.keys() - after.keys()
            lost = {key if key[2].startswith("lesson") else key[:2] for key in gone}
            if any(before.get(key) != code for key, code in after.items()):
                raise Failed(f"stream.{stream}: an unknown code is taken for another mark")
            told = _told(value, (one for batch in batches for one in batch.quarantined))
            if len(told) < len(lost):
                raise Failed(f"stream.{stream}: a mark with an unknown code is lost without a word")
            if lost and not seen:
                seen = True
                await _counted(bench, strange, value)
        if not seen:
            raise Failed(f"stream.{stream}: the fixtures have no mark whose code can be unknown")


async def _in_fixtures(bench: Bench) -> None:
    """The fixtures of an adapter with code of its own bring a code that nobody knows."""
    school = bench.school()
    found = [one for batch in await school.read() for one in batch.quarantined]
    told = [one for one in found if one.stream in MARKS and one.value]
    if not told:
        raise Failed("the fixtures have no mark with an unknown code, or it is not told")
    with bench.shelves() as shelf:
        await read_well(school, shelf, sweep=True)
        kept = {(one.stream, one.value) for one in shelf.quarantined()}
    if not {(one.stream, one.value) for one in told} <= kept:
        raise Failed("an unknown code is not kept in quarantine")


async def _counted(bench: Bench, strange: _Strange, value: str) -> None:
    school, standin = await bench.stand_in()
    strange.put(standin)
    with bench.shelves() as shelf:
        await read_well(school, shelf, sweep=True)
        if not _told(value, shelf.quarantined()):
            raise Failed("an unknown code is not kept in quarantine")


def _told(value: str, quarantined: Iterable[Quarantined]) -> list[Quarantined]:
    return [one for one in quarantined if one.value == value]


def _ways(standin: StandIn, tables: dict[str, StreamTable], stream: str) -> Iterator[_Strange]:
    """Give the marks, and the entries of the table of codes, whose code can be a strange one."""
    table = tables[stream]
    if table.map["code"].via == "codes":
        used = {_raw(table, place, standin) for place in places(standin, stream)}
        for place in places(standin, "codes"):
            key = raw(tables["codes"].map["id"], place.record(standin))
            if key is not None and str(key[1]) in used:
                yield _Strange(place, tables["codes"])
                break
    for place in places(standin, stream):
        yield _Strange(place, table)


def _raw(table: StreamTable, place: Place, standin: StandIn) -> Any:
    cell = raw(table.map["code"], place.record(standin))
    return None if cell is None else str(cell[1])
