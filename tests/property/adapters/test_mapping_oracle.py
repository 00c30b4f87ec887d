"""The compiled paths find what JMESPath finds."""

from __future__ import annotations

import json
from typing import Any

import jmespath
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.adapters.mapping import Columns, Moment, Scalar, path

NAMES = st.sampled_from(["a", "b", "date", "timezone", "x-y", "a b", "d.e", 'q"q', "ß"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False, width=32)
)  # fmt: skip
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
STEPS = st.lists(NAMES | st.integers(0, 2), min_size=1, max_size=4).filter(
    lambda steps: isinstance(steps[0], str)
)


def written(steps: list[str | int]) -> str:
    """Write steps as a path."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            plain = step.isidentifier() and step.isascii()
            text += ("." if text else "") + (step if plain else json.dumps(step))
    return text


def plain(value: Any) -> Any:
    """Undo what typing does to a leaf."""
    if isinstance(value, Moment):
        return {"date": value.date, "timezone": value.timezone}
    return value


def comparable(value: Any, *, moment: bool) -> Any:
    """What a leaf that may be a moment keeps of an object: date and zone."""
    if moment and isinstance(value, dict):
        kept = {"date": value.get("date"), "timezone": value.get("timezone")}
        if all(part is None or isinstance(part, str) for part in kept.values()):
            return kept
    return value


@given(st.lists(STEPS, min_size=1, max_size=4), DOCUMENTS, st.booleans())
def test_every_path_finds_what_jmespath_finds(
    paths: list[list[str | int]], document: Any, moments: bool
) -> None:
    """Alone and beside other paths, whatever the document looks like."""
    leaf = Moment | Scalar if moments else Scalar
    columns = Columns({str(n): (path(written(steps)), leaf) for n, steps in enumerate(paths)})

    found = columns.decode(json.dumps(document).encode())

    for steps, value in zip(paths, found, strict=True):
        expected = jmespath.search(written(steps), document)
        shown = comparable(plain(value), moment=moments)
        assert shown == comparable(expected, moment=moments)


@given(st.lists(STEPS, min_size=1, max_size=3), st.lists(DOCUMENTS, max_size=5))
def test_a_page_gives_what_its_records_give_alone(
    paths: list[list[str | int]], documents: list[Any]
) -> None:
    """An odd record changes nothing for the others."""
    columns = Columns({str(n): (path(written(steps)), Scalar) for n, steps in enumerate(paths)})

    page = list(columns.decode_all(json.dumps(documents).encode()))

    assert page == [columns.decode(json.dumps(document).encode()) for document in documents]


@given(STEPS)
def test_what_is_written_is_what_is_parsed(steps: list[str | int]) -> None:
    """Quoted names included."""
    assert path(written(steps)).steps == tuple(steps)


@given(st.text(max_size=12))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    """Never another error, and never a path that JMESPath does not know."""
    try:
        parsed = path(text)
    except ValueError:
        return
    if parsed.steps:
        jmespath.compile(text)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_page_or_refused(body: bytes) -> None:
    """Truncated, garbled, not text: one error for all."""
    columns = Columns({"a": (path("a"), Scalar), "b": (path("b"), Scalar)})
    try:
        list(columns.decode_all(body))
    except msgspec.DecodeError:
        return
    assert isinstance(json.loads(body), list)


def test_the_whole_document_is_at() -> None:
    """As in JMESPath."""
    columns = Columns({"all": (path("@"), msgspec.Raw)})

    assert bytes(columns.decode(b"[1]")[0]) == json.dumps(jmespath.search("@", [1])).encode()


@pytest.mark.parametrize("text", ["a[*].b", "a | b", "a[?b]", "{x: a}"])
def test_what_jmespath_can_do_beyond_the_subset_is_refused(text: str) -> None:
    """These are paths there and mistakes here."""
    jmespath.compile(text)

    with pytest.raises(ValueError, match="character"):
        path(text)
