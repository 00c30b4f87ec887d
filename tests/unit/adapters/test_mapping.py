"""Paths and the decoder compiled from them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from mis_bridge.adapters.mapping import Columns, Moment, Scalar, path


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("student", ("student",)),
        ("education_details.data.upn", ("education_details", "data", "upn")),
        ('"odd name"."x-y"', ("odd name", "x-y")),
        ("rows[0].id", ("rows", 0, "id")),
        ("@", ()),
    ],
)
def test_a_path_is_names_quoted_names_and_places(text: str, steps: tuple[str | int, ...]) -> None:
    """The strict subset of JMESPath."""
    assert path(text).steps == steps


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a.",
        "a..b",
        "a.[0]",
        "a[*]",
        "a[-1]",
        "a[01]",
        "a b",
        "a||b",
        "length(a)",
        "a['b']",
    ],
)
def test_what_is_not_of_the_subset_is_refused(text: str) -> None:
    """Nothing is guessed from a path that says more than can be done."""
    with pytest.raises(ValueError, match=r"character|name"):
        path(text)


def test_a_record_of_the_wrong_kind_costs_itself_and_not_the_page() -> None:
    """The odd record is walked; the others keep their typed values."""
    columns = Columns({"id": (path("id"), Scalar), "at": (path("on.date"), Scalar)})
    page = b'[{"id":"A1","on":{"date":"x"}},{"id":["?"],"on":"2026"},{"id":3,"on":null}]'

    assert list(columns.decode_all(page)) == [("A1", "x"), (["?"], None), (3, None)]


@pytest.mark.parametrize(
    "page",
    [
        b'[{"id":"A1","on":{"date":"x"}},{"id":3,"on":null}]',
        b'[{"id":"A1","on":{"date":"x"}},{"id":["?"],"on":"2026"},{"id":3}]',
        b"[]",
    ],
)
@pytest.mark.parametrize("deep", [False, True])
def test_columns_hold_what_the_records_hold(page: bytes, deep: bool) -> None:
    """Of names and of longer paths, with an odd record among them, and of an empty page."""
    columns = Columns({"id": (path("id"), Scalar), "at": (path("on.date" if deep else "on"), Any)})

    found = [list(column) for column in columns.decode_columns(page)]

    assert len(found) == 2
    assert list(zip(*found, strict=True)) == list(columns.decode_all(page))


@pytest.mark.parametrize("page", [b"{}", b"[{", b'[{"id":"\xff"}]'])
def test_columns_of_what_is_no_list_are_refused(page: bytes) -> None:
    """As the records are."""
    columns = Columns({"id": (path("id"), Scalar), "at": (path("on"), Scalar)})

    with pytest.raises(msgspec.DecodeError):
        columns.decode_columns(page)


def test_a_date_object_becomes_a_moment_and_a_text_stays_one() -> None:
    """Both forms are met in one list."""
    columns = Columns({"on": (path("on"), Moment | Scalar), "id": (path("id"), Scalar)})
    page = b'[{"on":{"date":"2026-09-07","timezone_type":3,"timezone":"UTC"},"id":1},{"on":"x"}]'

    assert list(columns.decode_all(page)) == [(Moment("2026-09-07", "UTC"), 1), ("x", None)]


def test_raw_parts_stay_bytes() -> None:
    """The records of a page are hashed as they came."""
    columns = Columns({"rows": (path("a.rows"), msgspec.Raw), "more": (path("a.more"), Scalar)})

    rows, more = columns.decode(b'{"a": {"rows": [ {"x": 1} ], "more": true}}')

    assert (bytes(rows), more) == (b'[ {"x": 1} ]', True)


def test_text_that_is_no_json_is_an_error() -> None:
    """Truncated JSON is never a shorter list."""
    columns = Columns({"id": (path("id"), Scalar), "x": (path("x"), Scalar)})

    with pytest.raises(msgspec.DecodeError):
        columns.decode_all(b'[{"id":1},{"id"')
