"""What was read, written so that a person can check it and a program compare it."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from mis_bridge.adapters.records import values_of
from mis_bridge.registers.codes import to_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.adapters.records import Record
    from mis_bridge.adapters.source import Batch

__all__ = ["as_json", "difference", "plain"]


def as_json(batches: Iterable[Batch]) -> dict[str, Any]:
    """Write batches as ``expect.json`` has them.

    Records are sorted; marks are letters; what is empty is left out.
    """
    streams: dict[str, list[Any]] = {}
    quarantined = []
    for batch in batches:
        streams.setdefault(batch.stream, []).extend(plain(record) for record in batch.records)
        quarantined += [
            {"stream": q.stream, "problem": q.problem, "value": q.value} for q in batch.quarantined
        ]
    return {
        "records": {name: sorted(rows, key=_sorting) for name, rows in streams.items() if rows},
        "quarantined": sorted(quarantined, key=_sorting),
    }


def plain(record: Record) -> dict[str, Any]:
    """Write one record."""
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


def difference(found: Any, expected: Any, what: str = "expect.json") -> str:
    """Name the first difference without printing records whole; empty where there is none.

    Args:
        found: as ``as_json`` wrote it.
        expected: as ``as_json`` would have written it.
        what: what ``expected`` is called.
    """
    found, expected = _in_order(found), _in_order(expected)
    if found == expected:
        return ""
    for part in ("records", "quarantined"):
        one, other = found.get(part), expected.get(part)
        if one == other:
            continue
        if isinstance(one, dict) and isinstance(other, dict):
            for stream in sorted({*one, *other}):
                if one.get(stream) != other.get(stream):
                    return _first(stream, one.get(stream, []), other.get(stream, []), what)
        return _first(part, one or [], other or [], what)
    return f"{what} has other parts than records and quarantined"


def _in_order(written: Any) -> Any:
    """Sort what a person wrote in the order that is easiest to read."""
    if not isinstance(written, dict):
        return written
    records = written.get("records")
    ordered = dict(written)
    if isinstance(records, dict):
        ordered["records"] = {k: sorted(v, key=_sorting) for k, v in records.items() if v}
    if isinstance(written.get("quarantined"), list):
        ordered["quarantined"] = sorted(written["quarantined"], key=_sorting)
    return ordered


def _first(name: str, found: list[Any], expected: list[Any], what: str) -> str:
    if len(found) != len(expected):
        return f"{name}: {len(found)} came out, {what} has {len(expected)}"
    for number, (one, other) in enumerate(zip(found, expected, strict=True), 1):
        if one != other:
            columns = [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]
            return f"{name}, number {number}: {', '.join(columns)} differ"
    return f"{name} differs"


def _sorting(row: dict[str, Any]) -> str:
    return json.dumps(row, sort_keys=True)
