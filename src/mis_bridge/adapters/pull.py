"""The sans-IO pull: one stream of one school as a generator of requests and pages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

import msgspec

from mis_bridge.adapters.flow import Page, Request
from mis_bridge.adapters.mapping import Columns, Scalar
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.paging import Pager, Position
from mis_bridge.adapters.template import fill, query_text
from mis_bridge.errors import MisAnswerInvalid
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.adapters.flow import Pull, Response
    from mis_bridge.adapters.vocabulary import HttpTable, StreamTable

__all__ = ["RESUME_SECONDS", "Scope", "pull", "read_records", "what_came"]

RESUME_SECONDS = {True: 24 * 3600, False: 30 * 60}
"""How old an interrupted read may be to be taken up, by whether it was a read of everything.

A read of changes is taken up only within less than the overlap of two polls (an hour): what changed
on pages that were read before the interruption is then still asked for by the next poll.
"""

_BOM = b"\xef\xbb\xbf"


class _Resume(msgspec.Struct):
    """What is kept of an interrupted read."""

    number: int
    token: str
    began: str
    asked: str


@dataclass(frozen=True, slots=True)
class Scope:
    """One read of one stream.

    Args:
        stream: its name.
        table: its part of the manifest.
        http: of the manifest.
        connection: what the school gave, without secrets.
        window: first and last day that is asked for.
        since: what changed after this instant, None for everything.
        now: when the read began, aware.
        resume: of an interrupted read, or empty.
        fingerprint: of everything besides a page's bytes that decides what the page means; part
            of the digest.
    """

    stream: str
    table: StreamTable
    http: HttpTable
    connection: Mapping[str, str]
    window: tuple[date, date]
    now: datetime
    since: datetime | None = None
    resume: str = ""
    fingerprint: bytes = b""
    values: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        values = {f"connection.{name}": value for name, value in self.connection.items()}
        values["window.first"] = self.window[0].isoformat()
        values["window.last"] = self.window[1].isoformat()
        values["cursor"] = self._cursor()
        if self.table.page.size is not None:
            values["page.size"] = str(self.table.page.size)
        object.__setattr__(self, "values", values)

    @property
    def complete(self) -> bool:
        """Whether this read asks for everything that the MIS has for the window."""
        cursor = self.table.cursor
        return cursor is None or (self.since is None and cursor.lead_days is None)

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

    def _position(self) -> Position | None:
        """Where an interrupted read goes on, if it may."""
        cursor = self.table.cursor
        if not self.resume or (cursor is not None and cursor.order == "none"):
            return None
        try:
            kept = msgspec.json.decode(self.resume, type=_Resume)
            began = datetime.fromisoformat(kept.began)
        except (msgspec.DecodeError, ValueError):
            return None
        age = (self.now - began).total_seconds()
        if kept.asked != self._asked() or not 0 <= age <= RESUME_SECONDS[self.since is None]:
            return None
        return Position(kept.number, kept.token)

    def _asked(self) -> str:
        """Name what is asked for apart from its moment: another question is another read."""
        return f"{'changes' if self.since is not None else 'all'} {self.window[0]}"

    def kept(self, position: Position, began: str = "") -> str:
        """Write a position for later."""
        kept = _Resume(
            position.number, position.token, began or self.now.isoformat(), self._asked()
        )
        return msgspec.json.encode(kept).decode()

    def start(self, pager: Pager) -> tuple[Position, str]:
        """Find where to begin, and when the read that this one continues began."""
        position = self._position()
        if position is None:
            return pager.first(), self.now.isoformat()
        base = fill(self.http.base, self.values)
        began = msgspec.json.decode(self.resume, type=_Resume).began
        return pager.resumed(position, base), began

    def request(self, position: Position) -> Request:
        """Write the request of a page."""
        table = self.table
        method, template = ("GET", table.get) if table.get else ("POST", table.post)
        values = self.values | {
            "page.number": str(position.number), "page.token": position.token,
        }  # fmt: skip
        content = None
        headers = {name: fill(text, values) for name, text in self.http.headers.items()}
        if table.body is not None:
            content = fill(table.body, values, _json_text).encode()
            headers.setdefault("Content-Type", "application/json")
        if table.page.type == "next_link" and position.token:
            return Request(method, position.token, headers, content, self.stream)
        query = dict(table.query)
        if table.cursor is not None and values["cursor"]:
            query |= table.cursor.query
        if table.page.type == "page" or position.token:
            query |= table.page.query
        address = urljoin(
            fill(self.http.base, values), fill(template or "", values, lambda v: quote(v, safe=""))
        )
        asked = query_text((name, fill(text, values)) for name, text in query.items())
        return Request(
            method, f"{address}?{asked}" if asked else address, headers, content, self.stream
        )


def pull(scope: Scope) -> Pull:
    """Read a stream: yield requests and pages, be sent responses.

    Raises:
        MisAnswerInvalid: an answer is not the documented one.
        MisPagingBroken: the list can not be believed.
    """
    table = scope.table
    pager = Pager(table.page, scope.stream, fill(scope.http.base, scope.values))
    columns = _envelope(table)
    position, began = scope.start(pager)
    number = 0
    while True:
        request = scope.request(position)
        response = yield request
        if response is None:
            raise RuntimeError("a request is answered by a response")
        number += 1
        raw, answer = read_records(columns, response, scope.stream, table.records)
        digest = hashlib.sha256(scope.fingerprint)
        digest.update(raw)
        named = digest.hexdigest()[:40]
        filled = raw != b"[]"
        count = len(msgspec.json.decode(raw, type=list[msgspec.Raw])) if pager.counts else None
        follows = pager.follow(position, request.url, named if filled else "", count, answer)
        if number == 1 and not filled and follows is None:
            _refuse_empty(scope)
        yield Page(
            scope.stream,
            number,
            raw,
            named,
            scope.kept(follows, began) if follows is not None else "",
            follows is None,
        )
        if follows is None:
            return
        position = follows


def _refuse_empty(scope: Scope) -> None:
    """Take an empty list for a failure where the manifest says that it is one."""
    changes = scope.table.cursor is not None and bool(scope.values["cursor"])
    if scope.table.empty == "refuse" and not changes:
        raise MisAnswerInvalid(
            f"{scope.stream}: the MIS answered with an empty list. A wrong domain or region for "
            "this school, or access that was withdrawn, looks like this; it is not taken for "
            "'none'"
        )


def _envelope(table: StreamTable) -> Columns:
    fields: dict[str, tuple[Any, Any]] = {"records": (parse_path(table.records), msgspec.Raw)}
    for name in ("next", "more", "total"):
        text = getattr(table.page, name)
        if text is not None:
            fields[name] = (parse_path(text), Scalar)
    return Columns(fields)


def read_records(
    columns: Columns, response: Response, stream: str, records: str
) -> tuple[bytes, dict[str, Any]]:
    """Find the array of records in an answer, still as JSON, and what is said about its pages.

    Raises:
        MisAnswerInvalid: the answer is no JSON, or has no such array.
    """
    body = response.body.removeprefix(_BOM)
    try:
        values = dict(zip(columns.names, columns.decode(body), strict=True))
    except msgspec.DecodeError as error:
        raise MisAnswerInvalid(f"{stream}: {what_came(body, error)}") from None
    raw = bytes(values.pop("records")).strip()
    if not raw.startswith(b"["):
        raise MisAnswerInvalid(f"{stream}: the answer has no list at {records!r}")
    if raw.startswith(b"[") and not raw[1:-1].strip():
        raw = b"[]"
    return raw, values


def what_came(body: bytes, error: msgspec.DecodeError) -> str:
    """Say what came instead of JSON, without a word of it."""
    start = body[:200].lstrip().lower()
    if not start:
        return "the answer is empty"
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        return "the answer is a web page (HTML), not data: a login page, a proxy or a filter"
    if start.startswith(b"<"):
        return "the answer is XML, not JSON"
    if "truncated" in str(error):
        return f"the answer is cut off after {len(body)} bytes"
    return "the answer is not valid JSON"


def _json_text(value: str) -> str:
    """Write a value so that it can stand between the quotes of a JSON text."""
    return msgspec.json.encode(value).decode()[1:-1]
