"""How a list goes on, and when it is not believed."""

from __future__ import annotations

from typing import Any

import pytest

from mis_bridge.adapters.paging import Pager, Position
from mis_bridge.adapters.vocabulary import PageTable
from mis_bridge.errors import MisPagingBroken

API = "https://api.example.test/v1.0/"


def pager(**table: Any) -> Pager:
    """A pager of one scheme."""
    return Pager(PageTable.model_validate({"max_pages": 5, **table}), "sessions", API)


LINKS = {"type": "next_link", "next": "meta.next", "more": "meta.more"}


def test_a_link_is_followed_until_no_more_follows() -> None:
    """``more`` decides, the link says where."""
    links = pager(**LINKS)
    first = links.first()

    second = links.follow(first, API, "d1", None, {"next": API + "x?c=1", "more": True})
    assert second == Position(2, API + "x?c=1")
    assert links.follow(second, second.token, "d2", None, {"next": None, "more": False}) is None


def test_a_list_without_any_word_of_pages_is_whole() -> None:
    """A short list has no pagination object at all."""
    assert pager(**LINKS).follow(Position(1), API, "d", None, {"next": None, "more": None}) is None


def test_a_link_on_the_last_page_is_not_followed_where_more_says_no() -> None:
    """Some MIS leave the link in place."""
    answer = {"next": API + "again", "more": False}

    assert pager(**LINKS).follow(Position(1), API, "d", None, answer) is None


def test_more_without_a_place_to_go_on_is_broken() -> None:
    """Stopping silently would read as nobody absent."""
    with pytest.raises(MisPagingBroken, match="not where"):
        pager(**LINKS).follow(Position(1), API, "d", None, {"next": None, "more": True})


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/v1.0/x",
        "http://api.example.test/v1.0/x",
        "https://api.example.test:8443/v1.0/x",
        "//evil.example/x",
        "https://api.example.test@evil.example/x",
    ],
)
def test_a_link_to_another_host_is_broken_and_the_token_stays_here(address: str) -> None:
    """Scheme, host and port must be the API's."""
    with pytest.raises(MisPagingBroken, match="another host"):
        pager(**LINKS).follow(Position(1), API, "d", None, {"next": address, "more": True})


def test_a_link_may_be_relative_and_may_name_the_default_port() -> None:
    """Both lead to the same host."""
    links = pager(**LINKS)
    second = links.follow(Position(1), API + "x", "d1", None, {"next": "?c=2", "more": True})
    assert second == Position(2, API + "x?c=2")

    address = "https://API.example.test:443/v1.0/x?c=3"
    third = links.follow(second, API, "d2", None, {"next": address, "more": True})
    assert third == Position(3, address)


def test_tokens_that_go_in_a_circle_are_broken() -> None:
    """A, B, A: a set of tokens sees it, comparing with the last one would not."""
    circle = pager(type="cursor", next="next", query={"cursor": "{page.token}"})
    at = circle.first()
    for number, token in enumerate(("a", "b")):
        follows = circle.follow(at, API, f"d{number}", None, {"next": token})
        assert follows is not None
        at = follows

    with pytest.raises(MisPagingBroken, match="read already"):
        circle.follow(at, API, "d9", None, {"next": "a"})


def test_a_page_that_comes_twice_is_broken() -> None:
    """A server that ignores the page number serves the first page for ever."""
    numbers = pager(type="page", size=2, query={"page": "{page.number}"})
    follows = numbers.follow(numbers.first(), API, "same", 2, {})
    assert follows == Position(2)

    with pytest.raises(MisPagingBroken, match="twice"):
        numbers.follow(follows, API, "same", 2, {})


def test_a_short_page_is_the_last_one_of_numbered_pages() -> None:
    """An empty one, too."""
    table: dict[str, Any] = {"type": "page", "size": 2, "query": {"page": "{page.number}"}}

    assert pager(**table).follow(Position(1), API, "a", 1, {}) is None
    assert pager(**table).follow(Position(1), API, "", 0, {}) is None


def test_an_end_before_the_stated_total_is_broken() -> None:
    """An empty page against a stated total above all."""
    table: dict[str, Any] = {"type": "none", "total": "total"}

    assert pager(**table).follow(Position(1), API, "a", 3, {"total": 3}) is None
    assert pager(**table).follow(Position(1), API, "a", 3, {"total": None}) is None
    with pytest.raises(MisPagingBroken, match="0 records came, the MIS states 7"):
        pager(**table).follow(Position(1), API, "", 0, {"total": "7"})


def test_a_list_without_end_is_broken_at_the_declared_limit() -> None:
    """Five pages are allowed here, the sixth is not asked for."""
    endless = pager(type="page", size=1, query={"page": "{page.number}"})
    at = endless.first()
    for number in range(4):
        follows = endless.follow(at, API, f"d{number}", 1, {})
        assert follows is not None
        at = follows

    with pytest.raises(MisPagingBroken, match="more than 5 pages"):
        endless.follow(at, API, "d5", 1, {})


OFFSET: dict[str, Any] = {
    "type": "offset",
    "size": 3,
    "query": {"offset": "{page.offset}"},
    "total_header": "Total-Count",
}


def test_a_counted_list_with_a_stated_total_goes_on_until_it_is_reached() -> None:
    """A server that gives less than it was asked for has not come to its end."""
    rows = pager(**OFFSET)
    second = rows.follow(rows.first(), API, "a", 2, {"total": "5"})
    assert second == Position(2, offset=2)
    third = rows.follow(second, API, "b", 2, {"total": "5"})
    assert third == Position(3, offset=4)
    assert rows.follow(third, API, "c", 1, {"total": "5"}) is None


def test_a_full_page_that_reaches_the_total_is_the_last() -> None:
    """Nothing is asked for behind it."""
    rows = pager(**OFFSET)

    assert rows.follow(rows.first(), API, "a", 3, {"total": 3}) is None


@pytest.mark.parametrize("resumed", [False, True])
def test_an_empty_page_before_the_total_is_broken(resumed: bool) -> None:
    """Also where the list was taken up in its middle: an offset counts what came before."""
    rows = pager(**OFFSET)
    here = Position(2, offset=3)
    here = rows.resumed(here, API) if resumed else here

    with pytest.raises(MisPagingBroken, match="3 records came, the MIS states 5"):
        rows.follow(here, API, "", 0, {"total": "5"})


def test_without_a_total_a_short_page_ends_an_offset_list() -> None:
    """The size is then all there is to go by."""
    rows = pager(**OFFSET)
    second = rows.follow(rows.first(), API, "a", 3, {})
    assert second == Position(2, offset=3)
    assert rows.follow(second, API, "b", 2, {}) is None


@pytest.mark.parametrize("kind", ["offset", "page"])
def test_a_counted_list_from_which_rows_go_is_given_up(kind: str) -> None:
    """A row that moved up to a page that was read already would look like one that is gone."""
    rows = pager(**{**OFFSET, "type": kind})
    second = rows.follow(rows.first(), API, "a", 3, {"total": "7"})
    assert second is not None

    with pytest.raises(MisPagingBroken, match="rows went"):
        rows.follow(second, API, "b", 3, {"total": "6"})


def test_rows_that_come_while_a_counted_list_is_read_do_no_harm() -> None:
    """They push others to later pages: seen twice at most."""
    rows = pager(**OFFSET)
    second = rows.follow(rows.first(), API, "a", 3, {"total": "4"})
    assert second == Position(2, offset=3)
    assert rows.follow(second, API, "b", 2, {"total": "5"}) is None
