"""A MIS made of an adapter's manifest and fixtures, whose data can change while it is read.

The rows are those of the fixtures. They are served by the manifest's own scheme: its pages, parts,
cursors and versions, in the envelope that the fixtures have; only with so few rows a page that
there are several pages. Where pages are counted (``page``, ``offset``) they shift when rows come
and go, as they do at a MIS; where the MIS gives a token they do not.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from mis_bridge.adapters.kit.backwards import Backwards, Found, signature
from mis_bridge.adapters.kit.fixtures import FixtureServer
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.mapping import walk
from mis_bridge.io.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mis_bridge.adapters.kit.backwards import Signature
    from mis_bridge.adapters.kit.fixtures import Exchange
    from mis_bridge.adapters.kit.line import Asked
    from mis_bridge.adapters.vocabulary import ManifestModel, PageTable, StreamTable

__all__ = ["Listing", "Row", "StandIn", "put_at"]

Steps = tuple[str | int, ...]

_BOM: Final = "\ufeff"
_OWN: Final = "kit"
"""What the tokens and addresses of the stand-in begin with."""
_COUNTED: Final = frozenset({"page", "offset"})
_JSON: Final = {"content-type": "application/json"}


@dataclass(slots=True, eq=False)
class Row:
    """One record as the MIS has it.

    Args:
        value: as it is sent.
        order: its place in the list.
        touched: when it was last saved.
        version: of the MIS when it was last saved.
    """

    value: Any
    order: float
    touched: datetime
    version: int = 0


@dataclass(slots=True, eq=False)
class Listing:
    """One list, or one part of one.

    Args:
        streams: that read it.
        table: of the first of them.
        first: envelope of its first page, without records.
        last: envelope of its last page, without records.
        place: where the records are in the envelope; None where the answer is the array itself.
        headers: of its answers.
        rows: in the order of the list.
        per: rows a page.
        gone: (version, id) of the rows that were deleted.
    """

    streams: tuple[str, ...]
    table: StreamTable
    first: Any
    last: Any
    place: Steps | None
    headers: Mapping[str, str]
    rows: list[Row] = field(default_factory=list)
    per: int = 2
    gone: list[tuple[int, Any]] = field(default_factory=list)

    def records(self, row: Row) -> list[Any]:
        """Give the records that a row holds: itself, or those of the array inside it."""
        if self.table.within is None:
            return [row.value]
        inner = walk(row.value, parse_path(self.table.within).steps)
        return inner if isinstance(inner, list) else []

    @property
    def pages(self) -> int:
        """How many pages its rows take."""
        if self.table.page.type == "none":
            return 1
        return max(1, -(-len(self.rows) // self.per))


class StandIn:
    """An invented MIS.

    Args:
        manifest: says how it is asked.
        connection: what the school gave, without secrets.
        exchanges: the fixtures; what is in no list (tokens, standing) is answered from them.
        now: when the rows of the fixtures were saved.
    """

    def __init__(
        self,
        manifest: ManifestModel,
        connection: Mapping[str, str],
        exchanges: Sequence[Exchange],
        now: datetime,
    ) -> None:
        self._tables: dict[str, StreamTable] = {str(k): v for k, v in manifest.stream.items()}
        self._backwards = Backwards(manifest, connection)
        self._rest = FixtureServer(tuple(exchanges))
        self.listings: dict[tuple[Signature, str], Listing] = {}
        self.now = now
        self.version = 0
        self.links: dict[str, tuple[Listing, float, Mapping[str, str]]] = {}
        self._base_version = ""

    def copied(self) -> StandIn:
        """Make a twin whose rows can change without changing these."""
        twin = copy.copy(self)
        twin.listings = {
            key: replace(
                one,
                rows=[replace(row, value=copy.deepcopy(row.value)) for row in one.rows],
                gone=list(one.gone),
            )
            for key, one in self.listings.items()
        }
        twin.links = {}
        return twin

    def learn(self, asked: Sequence[Asked]) -> None:
        """Take over the rows that the fixtures gave when they were read once."""
        followed: dict[str, tuple[Signature, str]] = {}
        for one in asked:
            exchange = self._rest.find(one.url, one.content)
            key = followed.get(one.url) or self._key(one)
            if key is None or exchange is None or exchange.status != 200:  # noqa: PLR2004
                continue
            streams = tuple(n for n, table in self._tables.items() if signature(table) == key[0])
            table = self._tables[streams[0]]
            document = json.loads(exchange.body.decode("utf-8").removeprefix(_BOM))
            place, records = _records(document, table)
            link = walk(document, parse_path(table.page.next).steps) if table.page.next else None
            if table.page.type == "next_link" and isinstance(link, str) and link:
                followed[urljoin(one.url, link)] = key
            if table.version is not None and table.version.get is None:
                self._base_version = str(walk(document, parse_path(table.version.next).steps) or "")
            listing = self.listings.get(key)
            if listing is None:
                listing = Listing(streams, table, document, document, place, dict(exchange.headers))
                self.listings[key] = listing
            listing.last = document
            for record in records:
                listing.rows.append(Row(record, float(len(listing.rows)), self.now))
        for listing in self.listings.values():
            for document in (listing.first, listing.last):
                if listing.place is not None:
                    put_at(document, listing.place, [])

    def _key(self, asked: Asked) -> tuple[Signature, str] | None:
        found = self._backwards.read(asked.method, asked.url, asked.content)
        if found is None or found.is_version:
            return None
        return self._place(found)

    def _place(self, found: Found) -> tuple[Signature, str]:
        """Name the list, and the part of it, that a request asks for."""
        table, part = self._tables[found.stream], ""
        if table.parts is not None:
            names = ("part", "window.first", "window.last", "window.after")
            part = "|".join(found.values.get(name, "") for name in names)
        return signature(table), part

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as the transport
    ) -> HttpResponse:
        """Answer a request from the rows as they are now."""
        if url in self.links:
            listing, after, values = self.links[url]
            return self._page(listing, url, values, after)
        found = self._backwards.read(method, url, content or b"")
        if found is None:
            return await self._rest.request(
                method, url, headers=headers, content=content, timeout=timeout
            )
        if found.is_version:
            return self._told_version(found, url)
        there = self.listings.get(self._place(found))
        if there is None:
            return await self._rest.request(
                method, url, headers=headers, content=content, timeout=timeout
            )
        token = found.values.get("page.token", "")
        after = -float("inf")
        if token:
            if not token.startswith(_OWN):
                return HttpResponse(400, _JSON, b'{"error":"no such token"}')
            after = float(token.removeprefix(_OWN))
        return self._page(there, url, found.values, after)

    def _page(
        self, listing: Listing, url: str, values: Mapping[str, str], after: float
    ) -> HttpResponse:
        """Give one page.

        Args:
            listing: the list.
            url: that was asked.
            values: what stood in the placeholders.
            after: order of the row before the page, where the MIS gives tokens.
        """
        rows = self._wanted(listing, values)
        page = listing.table.page
        if page.type == "none":
            begin, end = 0, len(rows)
        elif page.type in _COUNTED:
            begin = _counted(listing, rows, values)
            end = begin + listing.per
        else:
            begin = next((n for n, row in enumerate(rows) if row.order > after), len(rows))
            end = begin + listing.per
        shown = rows[begin:end]
        is_last = end >= len(rows)
        document = copy.deepcopy(listing.last if is_last else listing.first)
        records = [copy.deepcopy(row.value) for row in shown]
        if listing.place is None:
            document = records
        else:
            put_at(document, listing.place, records)
        headers = {**_JSON, **listing.headers}
        total = sum(len(listing.records(row)) for row in rows)
        order = None if is_last else shown[-1].order
        _goes_on(page, document, headers, order)
        if order is not None and page.type == "next_link" and page.next is not None:
            link = self._link(listing, url, order, values)
            put_at(document, parse_path(page.next).steps, link)
        _tells(page, document, headers, total, max(1, -(-len(rows) // listing.per)))
        self._versioned(listing, document, values)
        return HttpResponse(200, headers, json.dumps(document).encode())

    def _wanted(self, listing: Listing, values: Mapping[str, str]) -> list[Row]:
        """Give the rows that were saved since what is asked for."""
        rows, cursor = listing.rows, listing.table.cursor
        if cursor is not None and values.get("cursor"):
            text = values["cursor"]
            since = datetime.strptime(text, cursor.format).replace(tzinfo=UTC)
            rows = [row for row in rows if row.touched >= since]
        known = self._known(listing, values)
        if known is not None:
            rows = [row for row in rows if row.version > known]
        return sorted(rows, key=lambda row: row.order)

    def _known(self, listing: Listing, values: Mapping[str, str]) -> int | None:
        """Give the version that changes are asked for since, or None for everything."""
        table = listing.table.version
        asked = values.get("version", "")
        if table is None or asked in {"", table.first}:
            return None
        for number in range(self.version + 1):
            if asked == self._version_text(number):
                return number
        return None

    def _version_text(self, number: int) -> str:
        base = self._base_version
        return str(int(base) + number) if base.isdecimal() else f"{base}{_OWN}{number}"

    def _link(self, listing: Listing, url: str, order: float, values: Mapping[str, str]) -> str:
        """Give the address of the page after a row, the same whenever it is asked for."""
        kept = (listing, order, dict(values))
        for link, other in self.links.items():
            if other == kept:
                return link
        parts = urlsplit(url)
        link = f"{parts.scheme}://{parts.netloc}{parts.path}?{_OWN}={len(self.links)}"
        self.links[link] = kept
        return link

    def _versioned(self, listing: Listing, document: Any, values: Mapping[str, str]) -> None:
        table = listing.table.version
        if table is None:
            return
        if table.get is None:
            put_at(document, parse_path(table.next).steps, self._as_sample(self.version))
        if table.deleted is not None and table.deleted_key is not None:
            known = self._known(listing, values)
            gone = [key for number, key in listing.gone if known is not None and number > known]
            rows: list[Any] = []
            for key in gone:
                row: dict[str, Any] = {}
                put_at(row, parse_path(table.deleted_key).steps, key)
                rows.append(row)
            put_at(document, parse_path(table.deleted).steps, rows)

    def _as_sample(self, number: int) -> Any:
        text = self._version_text(number)
        return int(text) if text.isdecimal() else text

    def _told_version(self, found: Found, url: str) -> HttpResponse:
        table = self._tables[found.stream].version
        exchange = self._rest.find(url, None)
        if exchange is None or table is None:
            return HttpResponse(404, _JSON, b'{"error":"no fixture answers this request"}')
        document = json.loads(exchange.body)
        steps = parse_path(table.next).steps
        self._base_version = self._base_version or str(walk(document, steps) or "")
        put_at(document, steps, self._as_sample(self.version))
        return HttpResponse(200, _JSON, json.dumps(document).encode())

    def rows(self, *streams: str) -> Iterator[tuple[Listing, Row]]:
        """Give the rows of some streams' lists, with their lists."""
        for listing in self.listings.values():
            if set(streams) & set(listing.streams):
                for row in listing.rows:
                    yield listing, row


def _records(document: Any, table: StreamTable) -> tuple[Steps | None, list[Any]]:
    for text in table.records_paths:
        found = walk(document, parse_path(text).steps)
        if isinstance(found, list):
            return (None if text == "@" else parse_path(text).steps), found
    return parse_path(table.records_paths[0]).steps, []


def _counted(listing: Listing, rows: Sequence[Row], values: Mapping[str, str]) -> int:
    """Find the first row of a page that is asked for by its number or by its offset."""
    page = listing.table.page
    if page.type == "page":
        return (int(values.get("page.number") or page.start) - page.start) * listing.per
    offset, passed = int(values.get("page.offset") or 0), 0
    for number, row in enumerate(rows):
        if passed >= offset:
            return number
        passed += len(listing.records(row))
    return len(rows)


def _goes_on(page: PageTable, document: Any, headers: dict[str, str], order: float | None) -> None:
    """Say whether and where a list goes on; ``order`` is that of the last row, None at its end."""
    if order is not None and page.next is not None:
        put_at(document, parse_path(page.next).steps, f"{_OWN}{order}")
    if page.next_header is not None:
        headers.pop(page.next_header.lower(), None)
        if order is not None:
            headers[page.next_header.lower()] = f"{_OWN}{order}"
    if page.more is not None and (order is not None or _has(document, page.more)):
        put_at(document, parse_path(page.more).steps, order is not None)


def _tells(page: PageTable, document: Any, headers: dict[str, str], total: int, pages: int) -> None:
    """Put in what the MIS states of the whole list."""
    if page.total is not None:
        put_at(document, parse_path(page.total).steps, total)
    if page.total_header is not None:
        headers[page.total_header.lower()] = str(total)
    if page.pages is not None:
        put_at(document, parse_path(page.pages).steps, pages)


def _has(document: Any, text: str) -> bool:
    return walk(document, parse_path(text).steps) is not None


def put_at(document: Any, steps: Sequence[str | int], value: Any) -> None:
    """Put a value where a path leads, making what is missing on the way."""
    for number, step in enumerate(steps):
        is_end = number == len(steps) - 1
        empty: Any = [] if not is_end and isinstance(steps[number + 1], int) else {}
        if isinstance(step, int):
            while len(document) <= step:
                document.append(None)
        elif step not in document:
            document[step] = None
        if is_end:
            document[step] = value
        else:
            if not isinstance(document[step], list if isinstance(empty, list) else dict):
                document[step] = empty
            document = document[step]
