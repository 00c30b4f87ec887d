"""A MIS made of an adapter's manifest and fixtures, whose data can change while it is read.

The rows are those of the fixtures. They are served by the manifest's own scheme: its pages, parts,
cursors and versions, in the envelope that the fixtures have; only with so few rows a page that
there are several pages. Where pages are counted (``page``, ``offset``) they shift when rows come
and go, as they do at a MIS; where the MIS gives a token they do not.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from mis_bridge.adapters.kit.backwards import Backwards, Found, signature
from mis_bridge.adapters.kit.fixtures import FixtureServer
from mis_bridge.adapters.kit.listing import Listing, Row, Sent, put_at, records_in, twin_of
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.mapping import walk
from mis_bridge.io.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mis_bridge.adapters.kit.backwards import Signature
    from mis_bridge.adapters.kit.fixtures import Exchange
    from mis_bridge.adapters.kit.line import Asked
    from mis_bridge.adapters.vocabulary import ManifestModel, StreamTable

__all__ = ["StandIn"]

_OWN: Final = "kit"
"""What the tokens and addresses of the stand-in begin with."""

_APART: Final = 1e6
"""Between the places of the rows of two parts, where these are told as one list."""

_BEFORE_ALL: Final = -float("inf")
_JSON: Final = {"content-type": "application/json"}
_OK: Final = 200


class StandIn:
    """An invented MIS.

    Args:
        manifest: says how it is asked.
        connection: what the school gave, without secrets.
        exchanges: the fixtures; what is in no list (tokens, standing) is answered from them.
        now: when the rows of the fixtures were saved.

    Attributes:
        listings: the lists, by what is asked for and by part.
        version: number of changes so far; a row that is saved gets the next one.
        twist: changes each page of a list before it is sent, or None.
        kept_back: rows and records that are to come later, by their place.
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
        self._now = now
        self._links: dict[str, tuple[Listing, float, dict[str, str]]] = {}
        self._changes: dict[str, Listing] = {}
        self.listings: dict[tuple[Signature, str], Listing] = {}
        self.version = 0
        self.twist: Callable[[Sent], None] | None = None
        self.kept_back: dict[Any, tuple[Row, Any]] = {}

    def copied(self) -> StandIn:
        """Make a twin whose rows can change without changing these."""
        twin = copy.copy(self)
        twin.listings = {key: listing.copied() for key, listing in self.listings.items()}
        twin._links, twin._changes = {}, {}  # noqa: SLF001 - its own
        twin.kept_back = {}
        return twin

    def learn(self, asked: Sequence[Asked]) -> None:
        """Take over the rows that the fixtures gave when they were read once."""
        followed: dict[str, tuple[Signature, str]] = {}
        # Two streams may read one list.
        once = {one.what: one for one in reversed(asked)}.values()
        for one in sorted(once, key=lambda one: one.number):
            found = self._backwards.read(one.method, one.url, one.content)
            exchange = self._rest.find(one.url, one.content)
            if exchange is None or exchange.status != _OK:
                continue
            key = followed.get(one.url) or self._place(found)
            if key is None:
                continue
            document = json.loads(exchange.body.decode("utf-8-sig"))
            listing = self._listing(key, document, exchange)
            link = _link_in(document, listing.table)
            if link:
                followed[urljoin(one.url, link)] = key
            listing.last = document
            for record in records_in(document, listing.table)[1]:
                listing.rows.append(Row(record, float(len(listing.rows)), self._now))

    def _listing(self, key: tuple[Signature, str], document: Any, exchange: Exchange) -> Listing:
        if key not in self.listings:
            streams = tuple(n for n, table in self._tables.items() if signature(table) == key[0])
            table = self._tables[streams[0]]
            place = records_in(document, table)[0]
            headers = dict(exchange.headers)
            listing = Listing(streams, table, document, document, place, headers)
            if table.version is not None and table.version.get is None:
                listing.version = str(walk(document, parse_path(table.version.next).steps) or "")
            self.listings[key] = listing
        return self.listings[key]

    def _place(self, found: Found | None) -> tuple[Signature, str] | None:
        """Name the list, and the part of it, that a request asks for."""
        if found is None or found.asks != "list":
            return None
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
        for stream, listing in self._changes.items():
            listing.rows = self._of_all_parts(stream)
        if url in self._links:
            listing, after, values = self._links[url]
            return self._page(listing, url, values, after)
        found = self._backwards.read(method, url, content or b"")
        if found is not None and found.asks == "changes":
            there = self._changed(found.stream)
        else:
            there = self.listings.get(self._place(found) or ((), ""))
        if found is None or there is None:
            rest = await self._rest.request(
                method, url, headers=headers, content=content, timeout=timeout
            )
            return rest if found is None else self._told_version(found, rest)
        token = found.values.get("page.token", "")
        if token and not token.startswith(_OWN):
            return HttpResponse(400, _JSON, b'{"error":"no such token"}')
        after = float(token.removeprefix(_OWN)) if token else _BEFORE_ALL
        return self._page(there, url, found.values, after)

    def _changed(self, stream: str) -> Listing | None:
        """Give a list as the address of its changes tells it: whatever part a row stands in."""
        part = next((one for one in self.listings.values() if stream in one.streams), None)
        if stream not in self._changes and part is not None:
            self._changes[stream] = replace(part, rows=self._of_all_parts(stream))
        return self._changes.get(stream)

    def _of_all_parts(self, stream: str) -> list[Row]:
        parts = [listing for listing in self.listings.values() if stream in listing.streams]
        return [
            replace(row, order=place * _APART + row.order)
            for place, listing in enumerate(parts)
            for row in listing.rows
        ]

    def _page(
        self, listing: Listing, url: str, values: Mapping[str, str], after: float
    ) -> HttpResponse:
        rows = listing.since(values)
        begin = listing.begin(rows, values, after)
        per = len(rows) if listing.table.page.type == "none" else listing.per
        shown = rows[begin : begin + per]
        order = None if begin + per >= len(rows) else shown[-1].order
        document = twin_of(listing.last if order is None else listing.first)
        sent = Sent(listing, url, values, begin, shown, document, {**_JSON, **listing.headers})
        sent.show(shown)
        sent.state(listing.count(rows), listing.pages_of(rows))
        self.point(sent, order)
        listing.versioned(sent.document, values, self.version)
        if self.twist is not None:
            self.twist(sent)
        return HttpResponse(_OK, sent.headers, json.dumps(sent.document).encode())

    def point(self, sent: Sent, order: float | None) -> None:
        """Say where a list goes on: after the row of an order, or nowhere where it is None."""
        if order is None:
            sent.point(None)
        elif sent.listing.table.page.type == "next_link":
            sent.point(self._link(sent, order))
        else:
            sent.point(f"{_OWN}{order}")

    def _link(self, sent: Sent, order: float) -> str:
        """Give the address of the page after a row, the same whenever it is asked for."""
        kept = (sent.listing, order, dict(sent.values))
        for link, other in self._links.items():
            if other == kept:
                return link
        parts = urlsplit(sent.url)
        link = f"{parts.scheme}://{parts.netloc}{parts.path}?{_OWN}={len(self._links)}"
        self._links[link] = kept
        return link

    def _told_version(self, found: Found, answer: HttpResponse) -> HttpResponse:
        """Put the present version into what the fixtures answer where it is asked for alone."""
        table = self._tables[found.stream].version
        if found.asks != "version" or table is None or answer.status != _OK:
            return answer
        document = json.loads(answer.body)
        steps = parse_path(table.next).steps
        own = [listing for listing in self.listings.values() if found.stream in listing.streams]
        for listing in own:
            listing.version = listing.version or str(walk(document, steps) or "")
        if own:
            put_at(document, steps, own[0].version_value(self.version))
        return HttpResponse(_OK, answer.headers, json.dumps(document).encode())

    def rows(self, *streams: str) -> Iterator[tuple[Listing, Row]]:
        """Give the rows of some streams' lists, with their lists."""
        for listing in self.listings.values():
            if set(streams) & set(listing.streams):
                for row in listing.rows:
                    yield listing, row


def _link_in(document: Any, table: StreamTable) -> str:
    """Give the address of the next page, where an answer has one."""
    if table.page.type != "next_link" or table.page.next is None:
        return ""
    link = walk(document, parse_path(table.page.next).steps)
    return link if isinstance(link, str) else ""
