"""The silver cases of paging: every way in which a list can lie about where it ends."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from mis_bridge.adapters.kit.bench import tried
from mis_bridge.adapters.kit.findings import DoesNotApply, Failed
from mis_bridge.adapters.kit.listing import COUNTED, put_at, twin_of
from mis_bridge.adapters.kit.model import Case, Tier
from mis_bridge.adapters.kit.reading import as_json, difference
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.errors import MisPagingBroken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mis_bridge.adapters.kit.bench import Bench, School
    from mis_bridge.adapters.kit.listing import Listing, Sent
    from mis_bridge.adapters.kit.standin import StandIn

__all__ = ["CASES"]

_FEW: Final = 7
"""``max_pages`` while a list without an end is read."""

_SOON: Final = 4
"""Pages within which a list that goes round in circles is noticed."""

_MANY: Final = 10_000
"""More records and pages than any fixtures have."""

_ELSEWHERE: Final = "https://elsewhere.example/next"
_GONE: Final = object()


async def _repeated_token(bench: Bench) -> None:
    async for school, standin, listing in _each(bench, "gives_tokens", pages=2):
        again = sorted(listing.rows, key=lambda row: row.order)[listing.per - 1].order
        standin.twist = _only(listing, partial(standin.point, order=again))
        await _breaks(school, standin, listing, "a token that comes again", within=_SOON)


async def _alternating_tokens(bench: Bench) -> None:
    async for school, standin, listing in _each(bench, "gives_tokens", pages=2):
        first = sorted(listing.rows, key=lambda row: row.order)[listing.per - 1].order
        before = min(row.order for row in listing.rows) - 1
        standin.twist = _only(listing, partial(_alternate, standin, (first, before)))
        await _breaks(school, standin, listing, "two tokens that lead to each other", within=_SOON)


async def _repeated_page(bench: Bench) -> None:
    async for school, standin, listing in _each(bench, "is_counted", pages=2):
        standin.twist = _only(listing, partial(_first_again, standin))
        await _breaks(
            school, standin, listing, "a MIS that always gives the first page", within=_SOON
        )


def _alternate(standin: StandIn, orders: tuple[float, float], sent: Sent) -> None:
    """Point from the first page to the second, and from there back."""
    standin.point(sent, orders[0] if sent.begin == 0 else orders[1])


def _first_again(standin: StandIn, sent: Sent) -> None:
    """Show the first page whatever was asked for."""
    rows = sorted(sent.listing.rows, key=lambda row: row.order)[: sent.listing.per]
    sent.show(rows)
    standin.point(sent, rows[-1].order)


async def _list_end(bench: Bench) -> None:
    """Every way of saying that nothing follows ends the list, with all of it read."""
    async for school, standin, listing in _each(bench, "gives_tokens", pages=1):
        for ending in (None, "", _GONE):
            standin.twist = _only(listing, partial(_end, ending))
            found = as_json(await school.read())
            if told := difference(found, bench.fixtures.expect):
                raise Failed(f"{_name(listing)}: where no next page is named: {told}")


def _end(ending: Any, sent: Sent) -> None:
    """Write the end of a list in another way."""
    last = max(row.order for row in sent.listing.rows)
    if sent.rows and sent.rows[-1].order != last:
        return
    page = sent.listing.table.page
    if page.next_header is not None and ending == "":
        sent.headers[page.next_header.lower()] = ""
    if page.next is None:
        return
    steps = parse_path(page.next).steps
    if ending is not _GONE:
        put_at(sent.document, steps, ending)
    elif isinstance(sent.document, dict) and len(steps) > 1:
        # A MIS that leaves out the whole table of paging where everything fitted on one page.
        records = sent.listing.place
        if records is None or records[0] != steps[0]:
            sent.document.pop(str(steps[0]), None)
    elif isinstance(sent.document, dict):
        sent.document.pop(str(steps[0]), None)


async def _empty_middle_page(bench: Bench) -> None:
    async for school, standin, listing in _each(bench, "has_pages", pages=2):
        standin.twist = _only(listing, partial(_empty_once, standin, [True]))
        batches, error = await tried(school)
        if error is None and (told := difference(as_json(batches), bench.fixtures.expect)):
            raise Failed(f"{_name(listing)}: an empty page in its middle ends it unnoticed: {told}")


def _empty_once(standin: StandIn, left: list[bool], sent: Sent) -> None:
    """Leave the second page empty, the first time it is asked for."""
    listing = sent.listing
    if sent.begin != listing.per or not left:
        return
    left.clear()
    sent.show([])
    more = listing.table.page.more
    if listing.gives_tokens:
        # Another token for the same place: the empty page is followed by the rest.
        standin.point(sent, sent.rows[0].order - 0.5)
    elif more is not None:
        put_at(sent.document, parse_path(more).steps, value=True)


async def _stated_total(bench: Bench) -> None:
    async for school, standin, listing in _each(bench, "states_total", pages=1):
        counts = listing.table.page.pages is not None
        if not counts:
            standin.twist = _only(listing, partial(_state, _MANY, 1))
            await _breaks(school, standin, listing, "fewer records than the MIS states")
        for stated in (None, "many"):
            standin.twist = _only(
                listing, partial(_state, *((0, stated) if counts else (stated, 1)))
            )
            batches, error = await tried(school)
            if error is None and (told := difference(as_json(batches), bench.fixtures.expect)):
                raise Failed(f"{_name(listing)}: with a total that is no number: {told}")


def _state(total: Any, pages: Any, sent: Sent) -> None:
    """State another length of the list."""
    sent.state(total, pages)


async def _endless_list(bench: Bench) -> None:
    async for school, standin, listing in _each(bench, "has_pages", pages=2):
        _allow(school, listing, _FEW)
        standin.twist = _only(listing, partial(_more, standin, []))
        within = _FEW * len(listing.streams)
        await _breaks(school, standin, listing, "a list without an end", within=within)


def _more(standin: StandIn, pages: list[Sent], sent: Sent) -> None:
    """Show records that never came before, and say that more follow."""
    pages.append(sent)
    rows = [replace(row, value=twin_of(row.value)) for row in sent.listing.rows[: sent.listing.per]]
    for row in rows:
        # Another record each time: nothing but the number of pages gives it away.
        for record in (row.value, *sent.listing.records(row)):
            if isinstance(record, dict):
                record["kit"] = len(pages)
    sent.show(rows)
    sent.state(_MANY, _MANY)
    standin.point(sent, rows[-1].order + len(pages))


async def _other_host(bench: Bench) -> None:
    async for school, standin, listing in _each(bench, "gives_links", pages=2):
        standin.twist = _only(listing, _point_elsewhere)
        await _breaks(school, standin, listing, "a next page on another host")
        host = urlsplit(_ELSEWHERE).netloc
        if any(urlsplit(asked.url).netloc == host for asked in school.line.asked):
            raise Failed(f"{_name(listing)}: the other host was asked, credentials and all")


def _point_elsewhere(sent: Sent) -> None:
    sent.point(_ELSEWHERE)


async def _each(
    bench: Bench, wanted: str, *, pages: int
) -> AsyncIterator[tuple[School, StandIn, Listing]]:
    """Give a fresh school for each list of so many pages that is paged in some way.

    Raises:
        DoesNotApply: no list is paged in this way.
        Failed: lists are, and none of the fixtures' is long enough.
    """
    fits = _WAYS[wanted]
    _, standin = await bench.stand_in()
    own = {key: one for key, one in standin.listings.items() if fits(one)}
    if not own:
        raise DoesNotApply(_WITHOUT[wanted])
    long = [key for key, listing in own.items() if listing.pages >= pages]
    if not long:
        raise Failed(f"no list of the fixtures has {pages} records: the case can not be tried")
    tables = set()
    for key in long:
        if (own[key].streams, key[0]) in tables:
            continue  # another part of the same list
        tables.add((own[key].streams, key[0]))
        school, standin = await bench.stand_in()
        yield school, standin, standin.listings[key]


_WAYS: Final[dict[str, Callable[[Listing], bool]]] = {
    "gives_tokens": lambda listing: listing.gives_tokens,
    "gives_links": lambda listing: listing.table.page.type == "next_link",
    "is_counted": lambda listing: listing.table.page.type in COUNTED,
    "has_pages": lambda listing: listing.table.page.type != "none",
    "states_total": lambda listing: (
        (listing.table.page.total or listing.table.page.total_header or listing.table.page.pages)
        is not None
    ),
}
_WITHOUT: Final = {
    "gives_tokens": "no list gives tokens",
    "gives_links": "no list gives addresses",
    "is_counted": "no list has counted pages",
    "has_pages": "every list comes in one answer",
    "states_total": "no list states how long it is",
}


def _only(listing: Listing, twist: Callable[[Sent], None]) -> Callable[[Sent], None]:
    """Twist the pages of one list and of the other parts of it."""
    return lambda sent: twist(sent) if sent.listing.streams == listing.streams else None


def _allow(school: School, listing: Listing, pages: int) -> None:
    """Set ``max_pages`` of a list."""
    streams = dict(school.adapter.manifest.stream)
    for name in listing.streams:
        table = school.adapter.manifest.stream[name]  # type: ignore[index]
        page = table.page.model_copy(update={"max_pages": pages})
        streams[name] = table.model_copy(update={"page": page})  # type: ignore[index]
    school.use(school.adapter.manifest.model_copy(update={"stream": streams}))


async def _breaks(
    school: School, standin: StandIn, listing: Listing, what: str, *, within: int | None = None
) -> None:
    """Read, and see that the list is not believed, within so many pages of it."""
    pages, twist = [0], standin.twist

    def count(sent: Sent) -> None:
        pages[0] += sent.listing.streams == listing.streams
        if twist is not None:
            twist(sent)

    standin.twist = count
    error = (await tried(school))[1]
    if not isinstance(error, MisPagingBroken):
        found = "a good list" if error is None else error.state
        raise Failed(f"{_name(listing)}: {what} is taken for {found}")
    if within is not None and pages[0] > within:
        raise Failed(f"{_name(listing)}: {what} is noticed after {pages[0]} pages only")


def _name(listing: Listing) -> str:
    return f"stream.{listing.streams[0]}"


CASES: Final = tuple(
    Case(name, Tier.SILVER, sentence, check)
    for name, sentence, check in (
        ("repeated-token", "a next page that leads to itself is an error", _repeated_token),
        ("alternating-tokens", "pages that lead to each other are an error", _alternating_tokens),
        ("repeated-page", "a MIS that does not turn its pages is an error", _repeated_page),
        ("list-end", "a next page that is null, empty or not there ends the list", _list_end),
        (
            "empty-middle-page",
            "an empty page before the end is passed over or an error, never the end",
            _empty_middle_page,
        ),
        (
            "stated-total",
            "fewer records than stated are an error; a total that is no number is none",
            _stated_total,
        ),
        ("endless-list", "a list without an end is an error after max_pages", _endless_list),
        ("other-host", "a next page on another host is an error and never asked", _other_host),
    )
)
