"""The lists of a stand-in: their rows, their parts, and the envelope that each page comes in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.mapping import walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mis_bridge.adapters.vocabulary import StreamTable

__all__ = ["COUNTED", "Listing", "Row", "Sent", "Steps", "put_at", "records_in", "twin_of"]

Steps = tuple[str | int, ...]

COUNTED: Final = frozenset({"page", "offset"})
"""Schemes in which the reader counts, so that pages shift when rows come and go."""


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
        first: envelope of its first page.
        last: envelope of its last page.
        place: where the records are in the envelope; None where the answer is the array itself.
        headers: of its answers.
        rows: in any order.
        per: rows a page.
        version: that the fixtures name; the stand-in counts on from it.
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
    version: str = ""
    gone: list[tuple[int, Any]] = field(default_factory=list)

    def copied(self) -> Listing:
        """Make a twin whose rows can change without changing these."""
        rows = [replace(row, value=twin_of(row.value)) for row in self.rows]
        return replace(self, rows=rows, gone=list(self.gone))

    def records(self, row: Row) -> list[Any]:
        """Give the records that a row holds: itself, or those of the array inside it."""
        if self.table.within is None:
            return [row.value]
        inner = walk(row.value, parse_path(self.table.within).steps)
        return inner if isinstance(inner, list) else []

    def count(self, rows: Sequence[Row]) -> int:
        """Count the records of rows."""
        return sum(len(self.records(row)) for row in rows)

    @property
    def pages(self) -> int:
        """How many pages its rows take."""
        return 1 if self.table.page.type == "none" else self.pages_of(self.rows)

    def pages_of(self, rows: Sequence[Row]) -> int:
        """Count the pages of rows."""
        return max(1, -(-len(rows) // self.per))

    @property
    def gives_tokens(self) -> bool:
        """Whether the MIS says where each page goes on."""
        return self.table.page.type in {"cursor", "next_link"}

    def since(self, values: Mapping[str, str]) -> list[Row]:
        """Give the rows that a request asks for, in their order.

        Args:
            values: what stands in the request's placeholders.
        """
        rows, cursor = self.rows, self.table.cursor
        if cursor is not None and values.get("cursor"):
            text = values["cursor"]
            since = datetime.strptime(text, cursor.format).replace(tzinfo=UTC)
            rows = [row for row in rows if row.touched >= since]
        known = self.known(values)
        if known is not None:
            rows = [row for row in rows if row.version > known]
        return sorted(rows, key=lambda row: row.order)

    def begin(self, rows: Sequence[Row], values: Mapping[str, str], after: float) -> int:
        """Find the first row of a page.

        Args:
            rows: that are asked for.
            values: what stands in the request's placeholders.
            after: order of the row before the page, where the MIS gives tokens.
        """
        page = self.table.page
        if page.type == "none":
            return 0
        if page.type == "page":
            return (int(values.get("page.number") or page.start) - page.start) * self.per
        if page.type == "offset":
            offset = int(values.get("page.offset") or 0)
            passed = (n for n in range(len(rows)) if self.count(rows[:n]) >= offset)
            return next(passed, len(rows))
        return next((n for n, row in enumerate(rows) if row.order > after), len(rows))

    def known(self, values: Mapping[str, str]) -> int | None:
        """Give the version that changes are asked for since, or None for everything."""
        table, asked = self.table.version, values.get("version", "")
        if table is None or asked in {"", table.first}:
            return None
        return next((n for n in range(_VERSIONS) if asked == self.version_text(n)), None)

    def version_text(self, number: int) -> str:
        """Write the version that the MIS has after so many changes."""
        if self.version.isdecimal():
            return str(int(self.version) + number)
        return f"{self.version}.{number}" if number else self.version

    def versioned(self, document: Any, values: Mapping[str, str], number: int) -> None:
        """Put the present version into an answer, and the rows that are gone since."""
        table = self.table.version
        if table is None:
            return
        if table.get is None:
            put_at(document, parse_path(table.next).steps, self.version_value(number))
        if table.deleted is not None and table.deleted_key is not None:
            known, steps = self.known(values), parse_path(table.deleted_key).steps
            gone: list[dict[str, Any]] = []
            for version, key in self.gone:
                if known is not None and version > known:
                    gone.append({})
                    put_at(gone[-1], steps, key)
            put_at(document, parse_path(table.deleted).steps, gone)

    def version_value(self, number: int) -> Any:
        """Write a version as a number where it is one."""
        text = self.version_text(number)
        return int(text) if text.isdecimal() else text


_VERSIONS: Final = 1000
"""More changes than any case makes."""


@dataclass(slots=True)
class Sent:
    """One page on its way; a case may change it.

    Args:
        listing: the list.
        url: that was asked for.
        values: what stood in the request's placeholders.
        begin: place of its first row in the list.
        rows: that it shows.
        document: the answer.
        headers: of the answer.
    """

    listing: Listing
    url: str
    values: Mapping[str, str]
    begin: int
    rows: list[Row]
    document: Any
    headers: dict[str, str]

    def show(self, rows: Sequence[Row]) -> None:
        """Put the records of rows into the answer."""
        records = [twin_of(row.value) for row in rows]
        if self.listing.place is None:
            self.document = records
        else:
            put_at(self.document, self.listing.place, records)

    def state(self, total: Any, pages: Any) -> None:
        """Put in what the MIS states of the whole list, as far as it states anything."""
        page = self.listing.table.page
        if page.total is not None:
            put_at(self.document, parse_path(page.total).steps, total)
        if page.total_header is not None:
            self.headers[page.total_header.lower()] = str(total)
        if page.pages is not None:
            put_at(self.document, parse_path(page.pages).steps, pages)

    def point(self, token: str | None) -> None:
        """Put in where the list goes on; nowhere for None."""
        page = self.listing.table.page
        if token is not None and page.next is not None:
            put_at(self.document, parse_path(page.next).steps, token)
        if page.next_header is not None:
            self.headers.pop(page.next_header.lower(), None)
            if token is not None:
                self.headers[page.next_header.lower()] = token
        if page.more is not None:
            steps = parse_path(page.more).steps
            if token is not None or walk(self.document, steps) is not None:
                put_at(self.document, steps, token is not None)


def records_in(document: Any, table: StreamTable) -> tuple[Steps | None, list[Any]]:
    """Find the records of an answer: (their place, None for the whole answer; the records)."""
    for text in table.records_paths:
        found = walk(document, parse_path(text).steps)
        if isinstance(found, list):
            return (None if text == "@" else parse_path(text).steps), found
    return parse_path(table.records_paths[0]).steps, []


def twin_of(document: Any) -> Any:
    """Copy a JSON document."""
    return msgspec.json.decode(msgspec.json.encode(document))


def put_at(document: Any, steps: Sequence[str | int], value: Any) -> None:
    """Put a value where a path leads, making what is missing on the way."""
    for step, following in zip(steps, (*steps[1:], None), strict=True):
        if isinstance(step, int):
            document += [None] * (step + 1 - len(document))
        if following is None:
            document[step] = value
            return
        wanted = list if isinstance(following, int) else dict
        if isinstance(step, str):
            document.setdefault(step, None)
        if not isinstance(document[step], wanted):
            document[step] = wanted()
        document = document[step]
