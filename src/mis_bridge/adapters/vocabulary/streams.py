"""One list of a MIS: how it is asked for, how it goes on, and what its records mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from mis_bridge.adapters.vocabulary.types import (
    Paths,
    PathText,
    Table,
    Template,
    placeholders,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CursorTable",
    "MapEntry",
    "OnlyRule",
    "PageTable",
    "PartsTable",
    "StreamTable",
    "VersionTable",
]

_TURNING: Final = {"page": "page.number", "offset": "page.offset"}
"""Scheme of pages -> the placeholder that turns them."""


class PageTable(Table):
    """``[stream.X.page]``: how a list goes on, and when it ends."""

    type: Literal["none", "page", "offset", "cursor", "next_link"] = Field(
        description="The scheme."
    )
    max_pages: int = Field(ge=1, description="More pages than this is an error, not a long list.")
    query: dict[str, Template] = Field(
        default_factory=dict,
        description="page, offset: added to every request; cursor: from the second page on.",
    )
    next: PathText | None = Field(default=None, description="Path to the next token or address.")
    next_header: str | None = Field(
        default=None, description="cursor: header of the answer that has the next token."
    )
    more: PathText | None = Field(default=None, description="Path to a flag that more follows.")
    total: PathText | None = Field(default=None, description="Path to the stated total of records.")
    total_header: str | None = Field(
        default=None, description="Header of the answer that has the stated total of records."
    )
    pages: PathText | None = Field(
        default=None, description="page: path to the stated number of pages."
    )
    start: int = Field(default=1, ge=0, description="page: number of the first page.")
    size: int | None = Field(
        default=None,
        ge=1,
        description="page, offset: records of a full page; a shorter one is the last, unless an "
        "offset list states its total.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> PageTable:
        ends = self.size or self.more or self.pages
        one_next = (self.next is None) != (self.next_header is None)
        rules = (
            (self.type == "next_link" and not self.next, 'type "next_link" needs next'),
            (self.type == "cursor" and not one_next, 'type "cursor" needs next or next_header'),
            (
                self.type == "cursor" and not self.query,
                'type "cursor" needs query, with {page.token}',
            ),
            (
                self.type == "page" and not ends,
                'type "page" needs size, more or pages: when does the list end?',
            ),
            (self.type == "offset" and not self.size, 'type "offset" needs size'),
            (
                self.type == "next_link" and self.query,
                'type "next_link" has no query: the address that is sent has it all',
            ),
            (
                self.type == "none" and (self.next or self.more or self.query),
                'type "none" has neither next, more nor query',
            ),
            (self.pages and self.type != "page", 'pages goes with type "page"'),
            (self.next_header and self.type != "cursor", 'next_header goes with type "cursor"'),
        )
        for broken, why in rules:
            if broken:
                raise PydanticCustomError("page", "{why}", {"why": why})
        return self


class CursorTable(Table):
    """``[stream.X.cursor]``: how to ask for what has changed since a moment."""

    order: Literal["changed", "position", "none"] = Field(
        description="changed: oldest change first; position: pages do not shift when rows change; "
        "none: they may, so that an interrupted read starts anew."
    )
    query: dict[str, Template] = Field(
        default_factory=dict, description="Added where there is a since."
    )
    get: Template | None = Field(
        default=None,
        description="Address that tells the changes, where it is one of its own: neither the "
        "list's query nor its parts go with it. Where it is refused, the list itself is asked for.",
    )
    format: str = Field(
        default="%Y-%m-%dT%H:%M:%SZ", description="How {cursor} is written, in UTC (strftime)."
    )
    lead_days: int | None = Field(
        default=None,
        ge=0,
        le=400,
        description="A whole read asks for what was saved from this many days before the window; "
        "without it, a whole read asks for everything.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> CursorTable:
        if self.get is not None and self.lead_days is not None:
            raise PydanticCustomError("cursor", "lead_days goes with the list's own address")
        texts = (*self.query.values(), self.get or "")
        if not any("cursor" in placeholders(text) for text in texts):
            raise PydanticCustomError("cursor", "{why}", {"why": "{cursor} is missing here"})
        return self


class VersionTable(Table):
    """``[stream.X.version]``: how to ask for what has changed since the MIS's own version number.

    The version of a read that came to its end is kept and asked with the next time. A sweep asks
    without it, and so does a read whose version the MIS does not know any more.
    """

    query: dict[str, Template] = Field(
        min_length=1, description="Added to every request; {version} is the version kept."
    )
    first: str = Field(
        default="", description="{version} where none is known; empty leaves the query out."
    )
    next: PathText = Field(
        description="Path to the version to keep; of several pages, the first that tells one."
    )
    get: Template | None = Field(
        default=None,
        description="Address that tells the newest version, asked before the list; otherwise the "
        "list's own answer has it.",
    )
    deleted: PathText | None = Field(
        default=None, description="Path to the records that are gone, in the list's own answer."
    )
    deleted_key: PathText | None = Field(default=None, description="Path to the id in such a one.")

    @model_validator(mode="after")
    def _consistent(self) -> VersionTable:
        if (self.deleted is None) != (self.deleted_key is None):
            raise PydanticCustomError("version", "deleted and deleted_key go together")
        return self


class PartsTable(Table):
    """``[stream.X.parts]``: a list that is asked for in parts, each with its own pages."""

    days: int | None = Field(
        default=None,
        ge=1,
        le=366,
        description="Days of the window in one part, the newest part first; {window.*} is the "
        "part's. Weekends have no part of their own.",
    )
    of: Template | None = Field(
        default=None, description="Words, parted by spaces or commas; {part} is the word."
    )
    back_days: int | None = Field(
        default=None,
        ge=1,
        description="The window begins at most this many days before its end: of days before "
        "that nothing is told, and nothing is taken for gone.",
    )
    missing: Literal["refuse", "skip"] = Field(
        default="refuse",
        description="skip: a part that is not there (404, or by a rule) is passed over where "
        "another one is there; the read is then not complete. That today is not there is told all "
        "the same.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> PartsTable:
        if (self.days is None) == (self.of is None):
            raise PydanticCustomError("parts", "write either days or of")
        return self


class OnlyRule(Table):
    """``[[stream.X.only]]``: which records of a list are for this stream; all rules must fit."""

    path: Paths = Field(description="Where the value is in a record.")
    equals: list[str] | None = Field(
        default=None, description="Kept where the value is one of these; `true`, `false` as texts."
    )
    unlike: list[str] | None = Field(
        default=None, description="Kept where the value is none of these."
    )
    past_days: int | None = Field(
        default=None,
        ge=0,
        le=3660,
        description="Kept unless the value is a day that lies more than this many days before the "
        "window: those who left long ago.",
    )

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths that are looked at, in order."""
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)

    @model_validator(mode="after")
    def _consistent(self) -> OnlyRule:
        if sum(one is not None for one in (self.equals, self.unlike, self.past_days)) != 1:
            raise PydanticCustomError("only", "write one of equals, unlike and past_days")
        return self


class MapEntry(Table):
    """``field = "path"`` or ``field = {path = ..., ...}``."""

    path: Paths | None = Field(
        default=None,
        description="Where the value is in a record; of several, the first that is neither null "
        "nor blank.",
    )
    fixed: Template | None = Field(
        default=None, description="The value itself, the same for all records; may have {part}."
    )
    flags: dict[PathText, str] | None = Field(
        default=None, description="Path = value: the value of the first path that says yes."
    )
    type: Literal["utc_datetime"] | None = Field(
        default=None, description="utc_datetime: texts without a time zone are UTC, not London."
    )
    values: dict[str, str | bool] | None = Field(
        default=None, description="Upstream value = meaning; others are quarantined."
    )
    via: Literal["codes", "periods", "timetable"] | None = Field(
        default=None, description="The value is an id of this stream."
    )
    others: Literal["refuse", "skip", "empty", "keep"] = Field(
        default="refuse",
        description="A value that is not in values: refuse the record; skip it, because it is not "
        "for us; take the field as empty; or keep it as it is.",
    )

    @model_validator(mode="after")
    def _consistent(self) -> MapEntry:
        if sum(one is not None for one in (self.path, self.fixed, self.flags)) != 1:
            raise PydanticCustomError("map", "write one of path, fixed and flags")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths that are looked at, in order."""
        if self.flags is not None:
            return tuple(self.flags)
        if self.path is None:
            return ()
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)


def _entry(value: Any) -> Any:
    return {"path": value} if isinstance(value, str | list) else value


class StreamTable(Table):
    """``[stream.X]``: one list."""

    get: Template | None = Field(default=None, description="Address, after [http].base.")
    post: Template | None = Field(default=None, description="Address of a POST.")
    body: Template | None = Field(default=None, description="Body of a POST, JSON.")
    graphql: Template | None = Field(
        default=None, description="GraphQL query of a POST; its own braces are doubled."
    )
    query: dict[str, Template] = Field(default_factory=dict, description="Query parameters.")
    records: Paths = Field(
        description="Path to the array of records; of several, the first that is one."
    )
    within: PathText | None = Field(
        default=None, description="Array inside each record whose elements are the real records."
    )
    empty: Literal["allow", "refuse"] = Field(
        default="allow", description="refuse: an empty whole list is a failure of access."
    )
    missing: Literal["refuse", "skip"] = Field(
        default="refuse", description="skip: a 404 means that this school has none of these."
    )
    keep_seconds: int = Field(
        default=0, ge=0, le=86_400, description="Lookups: how long the answer serves."
    )
    page: PageTable = Field(description="How the list goes on.")
    parts: PartsTable | None = Field(default=None, description="How the list is asked for.")
    cursor: CursorTable | None = Field(default=None, description="How to ask for changes.")
    version: VersionTable | None = Field(
        default=None, description="How to ask for changes by version."
    )
    only: list[OnlyRule] = Field(default_factory=list, description="Which records are meant.")
    repeats: Literal["last", "on_roll"] = Field(
        default="last",
        description="pupils: of several records about one pupil the last counts; or the one that "
        "is on roll on the window's last day, else the one that leaves last.",
    )
    map: dict[str, Annotated[MapEntry, BeforeValidator(_entry)]] = Field(
        description="Field = path."
    )

    @property
    def records_paths(self) -> tuple[str, ...]:
        """Where the array may be, in order."""
        return (self.records,) if isinstance(self.records, str) else tuple(self.records)

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """List every text with placeholders: (key below, text)."""
        for key in ("get", "post", "body", "graphql"):
            if getattr(self, key) is not None:
                yield (key,), getattr(self, key)
        queries = {"query": self.query, "page": self.page.query}
        queries |= {
            name: table.query
            for name, table in (("cursor", self.cursor), ("version", self.version))
            if table is not None
        }
        for name, query in queries.items():
            for key, text in query.items():
                yield ("query", key) if name == "query" else (name, "query", key), text
        for name, table in (("cursor", self.cursor), ("version", self.version)):
            if table is not None and table.get is not None:
                yield (name, "get"), table.get
        if self.parts is not None and self.parts.of is not None:
            yield ("parts", "of"), self.parts.of
        for key, entry in self.map.items():
            if entry.fixed is not None:
                yield ("map", key, "fixed"), entry.fixed

    @model_validator(mode="after")
    def _consistent(self) -> StreamTable:
        wrong = ""
        if (self.get is None) == (self.post is None):
            wrong = "write either get or post"
        elif (self.body or self.graphql) and self.post is None:
            wrong = "a body goes with post"
        elif self.body is not None and self.graphql is not None:
            wrong = "write either body or graphql"
        elif self.records == "@" and (
            self.page.next or self.page.more or self.page.total or self.page.pages
        ):
            wrong = "an answer that is a bare array has no paths"
        elif self.post is not None and self.cursor is not None and self.cursor.get is not None:
            wrong = "an address for changes goes with get"
        elif self.cursor is not None and self.version is not None:
            wrong = "changes are asked for by cursor or by version, not by both"
        elif self.repeats == "on_roll" and (self.cursor or self.version):
            wrong = (
                "changes alone do not say which of a pupil's records counts: read the whole list"
            )
        elif self.page.type in _TURNING and not self._turns_pages():
            wrong = (
                f'type "{self.page.type}" needs {{{_TURNING[self.page.type]}}} in page.query, in '
                "the address or in the body"
            )
        if wrong:
            raise PydanticCustomError("stream", "{why}", {"why": wrong})
        return self

    def _turns_pages(self) -> bool:
        wanted = _TURNING[self.page.type]
        return any(wanted in placeholders(text) for _, text in self.templates())
