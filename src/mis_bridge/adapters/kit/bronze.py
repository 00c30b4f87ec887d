"""The bronze cases: what an adapter must do before it may read a school."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.kit.fixtures import FixtureTransport, read_fixtures
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.records import PupilRecord, values_of
from mis_bridge.adapters.registry import load_folder
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.errors import AdapterInvalid, MisBridgeError, MisError
from mis_bridge.io.clock import ManualClock
from mis_bridge.registers.codes import to_code

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mis_bridge.adapters.kit.fixtures import Exchange, Fixtures
    from mis_bridge.adapters.registry import Adapter
    from mis_bridge.adapters.source import Batch
    from mis_bridge.adapters.vocabulary import StreamTable

__all__ = ["Case", "as_json", "read_all", "run", "shuffled"]

_FAULTS: Final[tuple[tuple[int, bytes], ...]] = (
    (200, b"<!DOCTYPE html><html><title>Sign in</title></html>"),
    (200, b'{"data":[{"id":"A1"'),
    (200, b""),
    (302, b""),
    (400, b'{"error":"invalid_include","error_description":"registration_group"}'),
    (401, b'{"error":"unauthorized"}'),
    (403, b'{"error":"invalid_permissions","error_description":"Scope not enabled"}'),
    (404, b'{"error":"resource_not_found"}'),
    (422, b""),
    (429, b""),
    (500, b"<html>oops</html>"),
    (503, b""),
)
_SHORTEST_TELLING: Final = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One case and how it went.

    Args:
        name: what must hold, as a sentence.
        problem: empty where it holds.
    """

    name: str
    problem: str = ""


class _Failed(Exception):
    """A case does not hold; the text says where."""


def run(folder: Path) -> list[Case]:
    """Run all cases on an adapter's folder, its own code included."""
    manifest_case = "the manifest is valid"
    try:
        adapter = load_folder(folder, shipped=True)
        fixtures = read_fixtures(adapter)
    except AdapterInvalid as error:
        return [Case(manifest_case, str(error))]
    cases: list[tuple[str, Callable[[Adapter, Fixtures], None]]] = [
        ("the fixtures give exactly expect.json", _expected),
        ("keys are unique and filled", _keyed),
    ]
    if fixtures.exchanges:
        cases += [
            ("every fixture is used, every request answered", _all_used),
            ("pages in another order give the same records", _same_shuffled),
            ("each mapped field is seen once", _fields_seen),
            ("every fault has a name and tells no secret and no pupil", _quiet_faults),
        ]
    results = [Case(manifest_case)]
    for name, check in cases:
        try:
            check(adapter, fixtures)
        except (_Failed, MisBridgeError) as error:
            results.append(Case(name, str(error) or type(error).__name__))
        else:
            results.append(Case(name))
    return results


def read_all(
    adapter: Adapter, fixtures: Fixtures, transport: FixtureTransport | None = None
) -> list[Batch]:
    """Read everything that fixtures hold.

    Raises:
        MisError: as the adapter raises it.
    """
    transport = transport or FixtureTransport(fixtures.exchanges)
    return asyncio.run(_read(adapter, fixtures, transport))


async def _read(adapter: Adapter, fixtures: Fixtures, transport: FixtureTransport) -> list[Batch]:
    source = adapter.open(
        fixtures.connection,
        transport=transport,
        clock=ManualClock(fixtures.now),
        codes=fixtures.codes,
        periods=fixtures.periods,
        patient=False,
    )
    return [batch async for batch in source.read(ReadPlan(window=fixtures.window, sweep=True))]


def as_json(batches: list[Batch]) -> dict[str, Any]:
    """Write what was read so that a person can check it and a program compare it.

    Records are sorted; marks are letters; what is empty is left out.
    """
    streams: dict[str, list[Any]] = {}
    quarantined = []
    for batch in batches:
        streams.setdefault(batch.stream, []).extend(_plain(record) for record in batch.records)
        quarantined += [
            {"stream": q.stream, "problem": q.problem, "value": q.value} for q in batch.quarantined
        ]
    return {
        "records": {name: sorted(rows, key=_sorting) for name, rows in streams.items() if rows},
        "quarantined": sorted(quarantined, key=_sorting),
    }


def shuffled(adapter: Adapter, fixtures: Fixtures, seed: int) -> Fixtures:
    """Deal the records of each list anew over its pages, envelopes staying as they are."""
    order = random.Random(seed)  # noqa: S311 - an order, not a secret
    exchanges = list(fixtures.exchanges)
    places_of: dict[tuple[str, tuple[str | int, ...]], list[int]] = {}
    for number, exchange in enumerate(exchanges):
        steps = _records_path(adapter, fixtures, exchange)
        if exchange.status == 200 and steps is not None:  # noqa: PLR2004
            places_of.setdefault((exchange.path, steps), []).append(number)
    for (_, steps), places in places_of.items():
        bodies = [json.loads(exchanges[number].body) for number in places]
        lists = [_at(body, steps) for body in bodies]
        records = [record for rows in lists for record in rows]
        order.shuffle(records)
        for number, body, rows in zip(places, bodies, lists, strict=True):
            size = len(rows)
            rows[:], records = records[:size], records[size:]
            exchanges[number] = replace(exchanges[number], body=json.dumps(body).encode())
    return replace(fixtures, exchanges=tuple(exchanges))


def _records_path(
    adapter: Adapter, fixtures: Fixtures, exchange: Exchange
) -> tuple[str | int, ...] | None:
    """Find where the records of an answer are, by the stream that asks for it.

    Streams may share an address (GraphQL): it is the one whose list the answer has.
    """
    for table in adapter.manifest.stream.values():
        address = table.get or table.post or ""
        for name, value in fixtures.connection.items():
            address = address.replace(f"{{connection.{name}}}", str(value))
        if not exchange.path.endswith(address):
            continue
        steps = _records_steps(table.records_paths[0], table)
        try:
            found = _at(json.loads(exchange.body), steps)
        except (KeyError, IndexError, TypeError):
            continue
        if isinstance(found, list):
            return steps
    return None


def _at(document: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        document = document[step]
    return document


def _expected(adapter: Adapter, fixtures: Fixtures) -> None:
    found = as_json(read_all(adapter, fixtures))
    if found != fixtures.expect:
        raise _Failed(_difference(found, fixtures.expect))


def _keyed(adapter: Adapter, fixtures: Fixtures) -> None:
    seen = set()
    for batch in read_all(adapter, fixtures):
        for record in batch.records:
            row = values_of(record)
            names = [name for name in ("pupil", "day", "pm", "starts", "at", "key") if name in row]
            key = (type(record).__name__, *(row[name] for name in names))
            if any(part is None or part == "" for part in key):
                raise _Failed(f"{batch.stream}: a record without {', '.join(names)}")
            if key in seen and batch.stream == "pupils":
                raise _Failed(f"{batch.stream}: one key twice")
            seen.add(key)


def _all_used(adapter: Adapter, fixtures: Fixtures) -> None:
    transport = FixtureTransport(fixtures.exchanges)
    read_all(adapter, fixtures, transport)
    if transport.asked:
        raise _Failed(f"nothing answers {transport.asked[0]}")
    unused = sorted({exchange.name for exchange in fixtures.exchanges} - transport.used)
    if unused:
        raise _Failed(f"never asked for: {', '.join(unused)}")


def _same_shuffled(adapter: Adapter, fixtures: Fixtures) -> None:
    for seed in range(5):
        found = as_json(read_all(adapter, shuffled(adapter, fixtures, seed)))
        if found != fixtures.expect:
            raise _Failed(_difference(found, fixtures.expect))


def _fields_seen(adapter: Adapter, fixtures: Fixtures) -> None:
    bodies = [json.loads(e.body) for e in fixtures.exchanges if e.status == 200]  # noqa: PLR2004
    for name, table in adapter.manifest.stream.items():
        lists = [_records_steps(text, table) for text in table.records_paths]
        for column, entry in table.map.items():
            fields = [parse_path(text).steps for text in entry.paths]
            seen = any(
                _seen(body, (*place, 0, *steps))
                for body in bodies
                for place in lists
                for steps in fields
            )
            if fields and not seen:
                raise _Failed(f"stream.{name}.map.{column}: no fixture has {entry.paths[0]}")


def _records_steps(text: str, table: StreamTable) -> tuple[str | int, ...]:
    """Where the elements of a list are, those inside its records where the manifest says so."""
    steps = parse_path(text).steps
    return steps if table.within is None else (*steps, 0, *parse_path(table.within).steps)


def _seen(document: Any, steps: tuple[str | int, ...]) -> bool:
    """Whether a path leads somewhere in any element of the lists on its way."""
    if not steps:
        return document is not None
    if isinstance(document, list):
        return any(_seen(item, steps[1:]) for item in document)
    if isinstance(document, dict) and steps[0] in document:
        return _seen(document[steps[0]], steps[1:])
    return False


def _quiet_faults(adapter: Adapter, fixtures: Fixtures) -> None:
    telling = set(fixtures.secrets)
    for batch in read_all(adapter, fixtures):
        for record in batch.records:
            if isinstance(record, PupilRecord):
                telling |= {record.upn, record.surname, record.forename}
    telling = {text for text in telling if len(text) >= _SHORTEST_TELLING}
    for status, body in _FAULTS:
        for echoed in (body, body + " ".join(sorted(fixtures.secrets)).encode()):
            try:
                read_all(adapter, fixtures.answering(status, echoed))
            except MisError as error:
                text = f"{error} {error.advice}"
            else:
                raise _Failed(f"a {status} to everything is not noticed")
            if told := [word for word in telling if word in text]:
                raise _Failed(f"the error of a {status} repeats a secret or a pupil ({len(told)})")


def _plain(record: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, given in values_of(record).items():
        value: Any = given
        if value is None or value in {"", frozenset()} or (name == "settled" and value):
            continue
        if name == "code":
            value = to_code(value)
        elif name in {"starts", "ends"}:
            value = f"{value // 60:02}:{value % 60:02}"
        elif isinstance(value, date | datetime):
            value = value.isoformat()
        elif isinstance(value, frozenset):
            value = sorted(value)
        row[name] = value
    return row


def _sorting(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)


def _difference(found: Any, expected: Any) -> str:
    """Name the first difference without printing records whole."""
    for part in ("records", "quarantined"):
        one, other = found.get(part), expected.get(part)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            for stream in sorted({*one, *other}):
                if one.get(stream) != other.get(stream):
                    return _first_difference(stream, one.get(stream, []), other.get(stream, []))
        return _first_difference(part, one or [], other or [])
    return "expect.json has other parts than records and quarantined"


def _first_difference(name: str, found: list[Any], expected: list[Any]) -> str:
    if len(found) != len(expected):
        return f"{name}: {len(found)} came out, expect.json has {len(expected)}"
    for number, (one, other) in enumerate(zip(found, expected, strict=True), 1):
        if one != other:
            columns = [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
            return f"{name}, number {number}: {', '.join(columns)} differ"
    return f"{name} differs"
