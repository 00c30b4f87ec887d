"""A field that a vendor renamed overnight: a feed that says so, and no quiet day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mis_bridge.adapters.mapping import leads, path
from mis_bridge.errors import MisAnswerInvalid
from mis_bridge.registers.codes import NOT_TAKEN

Opened = Callable[..., Any]
Read = Callable[..., Any]


def mark(number: int, **other: Any) -> dict[str, Any]:
    """A session mark as the tiny MIS writes it."""
    row = {"pupil": f"p{number}", "day": "2026-09-07", "session": "AM", "code": "c1"}
    return row | other


def renamed(field: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows with another name for a field."""
    return [{f"{name}New" if name == field else name: row[name] for name in row} for row in rows]


@pytest.mark.parametrize("field", ["pupil", "day", "session", "code"])
async def test_a_field_that_every_mark_needs_is_missed(
    tiny: Any, opened: Opened, read: Read, field: str
) -> None:
    """Without its code a mark would look like a register that nobody took."""
    rows = renamed(field, [mark(1), mark(2), mark(3)])
    tiny.answers["sessions"] = (200, {"rows": rows})

    with pytest.raises(MisAnswerInvalid, match="renamed"):
        await read(opened())


@pytest.mark.parametrize(
    "rows",
    [
        [mark(n, code=None) for n in range(3)],
        [mark(0), *renamed("code", [mark(1), mark(2), mark(3)])],
        [mark(0, code=None), *renamed("code", [mark(1), mark(2), mark(3)])],
        renamed("code", [mark(1), mark(2)]),
    ],
    ids=["nulls", "left out of some", "null in one", "two"],
)
async def test_registers_that_nobody_took_yet_are_no_changed_answer(
    tiny: Any, opened: Opened, read: Read, rows: list[Any]
) -> None:
    """Empty codes, codes left out where there are none, and too few marks to say."""
    tiny.answers["sessions"] = (200, {"rows": rows})

    (batch,) = [batch for batch in await read(opened()) if batch.stream == "sessions"]

    assert len(batch.records) == len(rows)
    assert NOT_TAKEN in {record.code for record in batch.records}


@pytest.mark.parametrize("field", ["id", "code"])
async def test_a_table_of_codes_that_says_nothing_any_more_is_not_taken_over(
    tiny: Any, opened: Opened, read: Read, field: str
) -> None:
    """Every mark would be set aside as one of an unknown code, and the feed be called good."""
    codes = [{"id": f"c{n}", "code": code} for n, code in enumerate("/NL", 1)]
    tiny.answers["codes"] = (200, {"rows": codes})
    source = opened()
    await read(source)
    tiny.answers["codes"] = (200, {"rows": renamed(field, codes)})

    with pytest.raises(MisAnswerInvalid, match=r"codes: none of 3 .* renamed"):
        await read(source)


async def test_details_of_which_none_has_an_id_are_not_taken_over(
    tiny: Any, opened: Opened, read: Read, manifest_text: str
) -> None:
    """Pupils would lose their names, and the flags that decide how soon they are looked for."""
    text = """
[stream.details]
get = "details"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "id", surname = "surname" }
"""
    tiny.answers["details"] = (200, {"rows": [{"key": f"p{n}", "surname": "T"} for n in range(3)]})

    with pytest.raises(MisAnswerInvalid, match=r"details: none of 3 .* renamed"):
        await read(opened(manifest_text + text))


@pytest.mark.parametrize(
    ("document", "there"),
    [
        ({"a": {"b": [1]}}, True),
        ({"a": {"b": None}}, True),
        ({"a": None}, True),
        ({"a": {"b": []}}, True),
        ({"a": {"c": [1]}}, False),
        ({"b": 1}, False),
        ({"a": 7}, False),
        ([], False),
    ],
)
def test_a_path_leads_where_its_names_are(document: Any, *, there: bool) -> None:
    """Null says that there is none; a name that is missing says nothing."""
    assert leads(document, path("a.b[0]").steps) is there
