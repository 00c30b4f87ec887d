"""Paging ends, whatever a server answers, and never loses rows in silence."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.adapters.flow import Page, Response
from mis_bridge.adapters.pull import Scope, pull
from mis_bridge.adapters.vocabulary import HttpTable, StreamTable
from mis_bridge.errors import MisError, MisPagingBroken

HTTP = HttpTable(base="https://api.example.test/v1/")
MAX_PAGES = 12
TOKENS = st.sampled_from(["", "a", "b", "c", "https://api.example.test/v1/x?c=1", "//evil.test/"])
ANSWERS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "rows": st.lists(st.integers(0, 3), max_size=3) | st.none() | st.just({}),
        "next": TOKENS | st.none() | st.integers(0, 3),
        "more": st.booleans() | st.none() | st.sampled_from(["true", "false"]),
        "total": st.integers(0, 5) | st.none() | st.just("many"),
    },
)
SCHEMES: dict[str, dict[str, Any]] = {
    "none": {"total": "total"},
    "page": {"query": {"page": "{page.number}"}, "size": 2, "total": "total"},
    "cursor": {"query": {"c": "{page.token}"}, "next": "next", "more": "more"},
    "next_link": {"next": "next", "more": "more", "total": "total"},
}


def scope(kind: str, **other: Any) -> Scope:
    """One read of a list of one scheme."""
    table = StreamTable.model_validate(
        {
            "get": "x",
            "records": "rows",
            "page": {"type": kind, "max_pages": MAX_PAGES, **SCHEMES[kind]},
            "map": {"pupil": "id"},
        }
    )
    window = (date(2026, 9, 7), date(2026, 9, 11))
    now = datetime(2026, 9, 7, 12, tzinfo=UTC)
    return Scope("pupils", table, HTTP, {}, window, now, **other)


def run(reading: Scope, answer: Any) -> tuple[list[Page], list[str], MisError | None]:
    """Drive a pull; ``answer(url, number of the request)`` gives the document."""
    flow, pages, asked = pull(reading), [], []
    reply: Response | None = None
    try:
        while True:
            step = flow.send(reply)
            reply = None
            if isinstance(step, Page):
                pages.append(step)
                continue
            asked.append(step.url)
            assert urlsplit(step.url).hostname == "api.example.test"
            body = json.dumps(answer(step.url, len(asked))).encode()
            reply = Response(200, {}, body)
    except StopIteration:
        return pages, asked, None
    except MisError as error:
        return pages, asked, error


@given(st.sampled_from(sorted(SCHEMES)), st.lists(ANSWERS, min_size=1, max_size=6))
def test_a_list_ends_or_is_refused_whatever_comes(kind: str, answers: list[Any]) -> None:
    """Within the declared number of pages, without ever leaving the host."""
    pages, asked, error = run(
        scope(kind), lambda _url, number: answers[(number - 1) % len(answers)]
    )

    assert len(asked) <= MAX_PAGES
    assert len(pages) <= len(asked)
    # A list is at its end exactly where nothing was raised.
    assert bool(pages and pages[-1].last) == (error is None)


@given(
    st.sampled_from(["page", "cursor", "next_link"]),
    st.lists(st.integers(), max_size=MAX_PAGES * 2 - 2, unique=True),
)
def test_an_honest_server_s_list_is_read_whole_and_once(kind: str, rows: list[int]) -> None:
    """Two rows a page, every scheme."""

    def serve(url: str, _: int) -> dict[str, Any]:
        query = dict(parse_qsl(urlsplit(url).query))
        at = 2 * (int(query.get("page", "1")) - 1) if kind == "page" else int(query.get("c", "0"))
        after = at + 2
        more = after < len(rows)
        token = f"?c={after}" if kind == "next_link" else str(after)
        return {
            "rows": rows[at:after],
            "next": token if more else None,
            "more": more,
            "total": len(rows),
        }

    pages, _, error = run(scope(kind), serve)

    assert error is None
    assert [row for page in pages for row in json.loads(page.raw)] == rows
    assert [page.number for page in pages] == list(range(1, len(pages) + 1))


@given(st.lists(st.integers(), min_size=5, max_size=10, unique=True), st.integers(1, 3))
def test_a_read_that_was_broken_off_and_taken_up_is_the_whole_list(
    rows: list[int], after: int
) -> None:
    """The place after a page leads to the rows after it."""

    def serve(url: str, _: int) -> dict[str, Any]:
        at = int(dict(parse_qsl(urlsplit(url).query)).get("c", "0"))
        more = at + 1 < len(rows)
        return {"rows": rows[at : at + 1], "next": str(at + 1) if more else None, "more": more}

    first = run(scope("cursor"), serve)[0][:after]
    second, _, error = run(scope("cursor", resume=first[-1].resume), serve)

    assert error is None
    assert [row for page in (*first, *second) for row in json.loads(page.raw)] == rows


@given(st.lists(st.integers(), min_size=1, max_size=3))
def test_the_digest_is_of_the_records_and_their_meaning(rows: list[int]) -> None:
    """Not of the envelope, whose cursors differ from poll to poll."""

    def digest(meaning: bytes, envelope: str) -> str:
        pages, _, _ = run(
            scope("none", fingerprint=meaning),
            lambda _url, _number: {"rows": rows, "asked_at": envelope},
        )
        return pages[0].digest

    assert digest(b"m", "one") == digest(b"m", "other")
    assert digest(b"m", "one") != digest(b"n", "one")


@given(st.lists(st.integers(), min_size=2, max_size=2, unique=True))
def test_a_server_that_ignores_the_page_number_is_refused(rows: list[int]) -> None:
    """It would serve its first page for ever."""
    pages, asked, error = run(scope("page"), lambda _url, _number: {"rows": rows})

    assert isinstance(error, MisPagingBroken)
    assert len(asked) == 2
    assert len(pages) == 1
