"""What one read of one stream asks for: window, parts, place to go on from, requests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin

import msgspec

from mis_bridge.adapters.flow import Request
from mis_bridge.adapters.paging import Position
from mis_bridge.adapters.template import fill, query_text
from mis_bridge.registers.calendar import LONDON, AcademicYear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.adapters.paging import Pager
    from mis_bridge.adapters.vocabulary import HttpTable, StreamTable

__all__ = ["RESUME_SECONDS", "Scope", "first_day", "version_key"]

RESUME_SECONDS = {True: 24 * 3600, False: 30 * 60}
"""How old an interrupted read may be to be taken up, by whether it was a read of everything.

A read of changes is taken up only within less than the overlap of two polls (an hour): what changed
on pages that were read before the interruption is then still asked for by the next poll.
"""

_SATURDAY: Final = 5


class _Resume(msgspec.Struct):
    """What is kept of an interrupted read."""

    number: int
    token: str
    began: str
    asked: str
    offset: int = 0
    part: str = ""
    version: str = ""


def version_key(stream: str, part: str = "") -> str:
    """Name the place where the version of a stream's part is kept, beside ``ReadPlan.resume``."""
    return f"{stream}@{part}"


def first_day(table: StreamTable, window: tuple[date, date]) -> date:
    """Give the first day of a window that a stream is asked for."""
    if table.parts is None or table.parts.back_days is None:
        return window[0]
    return max(window[0], window[1] - timedelta(days=table.parts.back_days))


@dataclass(frozen=True, slots=True)
class Scope:
    """One read of one stream.

    Args:
        stream: its name.
        table: its part of the manifest.
        http: of the manifest.
        connection: what the school gave, without secrets.
        window: first and last day that is asked for.
        now: when the read began, aware.
        since: what changed after this instant, None for everything.
        resume: of an interrupted read, or empty.
        versions: kept of earlier reads, by ``version_key``; empty for a read of everything.
        fingerprint: of everything besides a page's bytes that decides what the page means; part
            of the digest.
        part: the word or day of a part, empty for the whole.
        whole: window of the whole read, where this is a part.
        newest: versions that the MIS told in this reading, by the address that tells them.
    """

    stream: str
    table: StreamTable
    http: HttpTable
    connection: Mapping[str, str]
    window: tuple[date, date]
    now: datetime
    since: datetime | None = None
    resume: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    fingerprint: bytes = b""
    part: str = ""
    whole: tuple[date, date] | None = None
    newest: dict[str, str] = field(default_factory=dict)
    values: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        values = {f"connection.{name}": value for name, value in self.connection.items()}
        first, last = self.window
        values["window.first"] = first.isoformat()
        values["window.last"] = last.isoformat()
        values["window.after"] = (last + timedelta(days=1)).isoformat()
        values["window.academic_year"] = str(AcademicYear.of(last).start + 1)
        values["cursor"] = self._cursor()
        values["part"] = self.part
        if self.table.version is not None:
            values["version"] = self.version or self.table.version.first
        if self.table.page.size is not None:
            values["page.size"] = str(self.table.page.size)
        object.__setattr__(self, "values", values)

    @property
    def version(self) -> str:
        """The version that changes are asked for since, or empty."""
        return self.versions.get(version_key(self.stream, self.part), "")

    @property
    def asks_changes(self) -> bool:
        """Whether only what has changed is asked for."""
        if self.table.version is not None:
            return bool(self.version)
        return self.table.cursor is not None and self.since is not None

    @property
    def asks_elsewhere(self) -> bool:
        """Whether the changes are asked for at an address of their own."""
        cursor = self.table.cursor
        return cursor is not None and cursor.get is not None and self.since is not None

    @property
    def complete(self) -> bool:
        """Whether this read asks for everything that the MIS has, from ``begins`` on."""
        cursor = self.table.cursor
        if self.table.version is not None and self.versions:
            return False
        return cursor is None or (self.since is None and cursor.lead_days is None)

    @property
    def begins(self) -> date:
        """The first day of the window that is asked for."""
        return first_day(self.table, self.window)

    @property
    def is_today(self) -> bool:
        """Whether the day on which the read began is in its window."""
        return self.window[0] <= self.now.astimezone(LONDON).date() <= self.window[1]

    def parts(self) -> list[Scope]:
        """List the parts in the order in which they are read; the whole alone where it has none."""
        table = self.table.parts
        if table is None or self.asks_elsewhere:
            return [self]
        if table.of is not None:
            words = fill(table.of, self.values).replace(",", " ").split()
            return [replace(self, part=word, whole=self.window) for word in dict.fromkeys(words)]
        scopes = []
        last, first = self.window[1], self.begins
        while last >= first:
            begins = max(first, last - timedelta(days=(table.days or 1) - 1))
            if not (table.days == 1 and begins.weekday() >= _SATURDAY):
                part = begins.isoformat()
                scopes.append(replace(self, window=(begins, last), part=part, whole=self.window))
            last = begins - timedelta(days=1)
        return scopes

    def _cursor(self) -> str:
        cursor = self.table.cursor
        if cursor is None:
            return ""
        moment = self.since
        if moment is None:
            if cursor.lead_days is None:
                return ""
            first = self.window[0] - timedelta(days=cursor.lead_days)
            moment = datetime.combine(first, time(), LONDON)
        return moment.astimezone(UTC).strftime(cursor.format)

    def interrupted(self) -> tuple[str, str] | None:
        """Give (part, when it began) of the interrupted read that this one goes on with, if any."""
        kept = self._kept()
        if kept is None or all(part.part != kept.part for part in self.parts()):
            return None
        return kept.part, kept.began

    def begun_at(self) -> str:
        """Give the version at which this part was begun, where it was interrupted, or empty."""
        kept = self._kept()
        return kept.version if kept is not None and kept.part == self.part else ""

    def _kept(self) -> _Resume | None:
        cursor = self.table.cursor
        if not self.resume or (cursor is not None and cursor.order == "none"):
            return None
        try:
            kept = msgspec.json.decode(self.resume, type=_Resume)
            began = datetime.fromisoformat(kept.began)
        except (msgspec.DecodeError, ValueError):
            return None
        age = (self.now - began).total_seconds()
        if kept.asked != self._asked() or not 0 <= age <= RESUME_SECONDS[self._asks_all]:
            return None
        return kept

    @property
    def _asks_all(self) -> bool:
        return self.since is None and not self.asks_changes

    def _asked(self) -> str:
        """Name what is asked for apart from its moment: another question is another read."""
        first, last = self.whole or self.window
        return f"{'all' if self._asks_all else 'changes'} {first} {last}"

    def kept(self, position: Position, began: str = "", version: str = "") -> str:
        """Write a position for later, and the version at which its part was begun."""
        kept = _Resume(
            position.number,
            position.token,
            began or self.now.isoformat(),
            self._asked(),
            position.offset,
            self.part,
            version,
        )
        return msgspec.json.encode(kept).decode()

    def start(self, pager: Pager) -> Position:
        """Find where to begin."""
        kept = self._kept()
        first = pager.first()
        if kept is None or kept.part != self.part:
            return first
        if (kept.number, kept.token, kept.offset) == (first.number, "", 0):
            return first
        base = fill(self.http.base, self.values)
        return pager.resumed(Position(kept.number, kept.token, kept.offset), base)

    def request(self, position: Position) -> Request:
        """Write the request of a page."""
        table = self.table
        method, template = ("GET", table.get) if table.get else ("POST", table.post)
        values = self.values | {
            "page.number": str(position.number),
            "page.offset": str(position.offset),
            "page.token": position.token,
        }
        headers = {name: fill(text, values) for name, text in self.http.headers.items()}
        content = None
        if table.body is not None:
            content = fill(table.body, values, _json_text).encode()
        elif table.graphql is not None:
            content = msgspec.json.encode({"query": fill(table.graphql, values, _json_text)})
        if content is not None:
            headers.setdefault("Content-Type", "application/json")
        if table.page.type == "next_link" and position.token:
            return Request(method, position.token, headers, content, self.stream)
        query = dict(table.query)
        if table.cursor is not None and values["cursor"]:
            if self.asks_elsewhere:
                template, query = table.cursor.get, {}
            query |= table.cursor.query
        if table.version is not None and values["version"]:
            query |= table.version.query
        if table.page.type in {"page", "offset"} or position.token:
            query |= table.page.query
        return Request(
            method, self._address(template or "", query, values), headers, content, self.stream
        )

    def asks_newest(self) -> Request | None:
        """Write the request that tells the newest version before the list is read, if one does."""
        table = self.table.version
        if table is None or table.get is None:
            return None
        headers = {name: fill(text, self.values) for name, text in self.http.headers.items()}
        return Request("GET", self._address(table.get, {}, self.values), headers, None, self.stream)

    def _address(self, template: str, query: Mapping[str, str], values: Mapping[str, str]) -> str:
        address = urljoin(
            fill(self.http.base, values),
            fill(template, values, lambda value: quote(value, safe="")),
        )
        asked = query_text((name, fill(text, values)) for name, text in query.items())
        if not asked:
            return address
        return f"{address}{'&' if '?' in address else '?'}{asked}"


def _json_text(value: str) -> str:
    """Write a value so that it can stand between the quotes of a JSON or GraphQL text."""
    return msgspec.json.encode(value).decode()[1:-1]
