"""The closed vocabulary of ``adapter.toml``, as pydantic models.

A key that is not here is refused with its file, its line and the nearest key. Where the vocabulary
ends, an ``adapter.py`` takes over; the vocabulary itself grows only by a field here and its use.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.errors import UnknownCode
from mis_bridge.registers.codes import to_byte

__all__ = [
    "FIELDS",
    "LOOKUPS",
    "REQUIRED",
    "STREAMS",
    "AuthTable",
    "CapabilityTable",
    "CursorTable",
    "HttpTable",
    "IdentityTable",
    "ManifestModel",
    "MapEntry",
    "PageTable",
    "ParameterTable",
    "StreamTable",
    "placeholders",
]

FIELDS: Final[dict[str, dict[str, str]]] = {
    "pupils": {
        "pupil": "text", "upn": "text", "surname": "text", "forename": "text", "dob": "date",
        "sex": "text", "year_group": "year", "form": "text", "admission": "date",
        "leaving": "date", "destination": "text", "lac": "flag", "cp": "flag", "cin": "flag",
        "ehcp": "flag", "sen": "flag", "send_risk": "flag", "yot": "flag",
        "missing_before": "flag", "care_began": "date",
    },
    "codes": {"id": "text", "code": "text", "meaning": "text"},
    "periods": {"id": "text", "name": "text", "starts": "clock", "ends": "clock"},
    "timetable": {
        "id": "text", "day": "date", "starts": "clock", "ends": "clock", "period": "text",
        "register": "text",
    },
    "sessions": {
        "pupil": "text", "day": "date", "session": "session", "code": "text",
        "recorded": "datetime",
    },
    "lessons": {
        "pupil": "text", "code": "text", "lesson": "text", "day": "date", "starts": "clock",
        "ends": "clock", "period": "text", "recorded": "datetime", "register": "text",
    },
    "events": {"pupil": "text", "at": "datetime", "kind": "text", "reason": "text"},
    "deletions": {"stream": "text", "key": "text", "restored": "datetime"},
}  # fmt: skip
"""Stream -> field -> type of its values. The streams stand in the order in which they are read."""

LOOKUPS: Final = ("codes", "periods", "timetable")
"""Streams that are read for the joins of others and give out no records."""

STREAMS: Final = ("pupils", "sessions", "lessons", "events", "deletions")
"""Streams that give out records, in the order in which they are read."""

REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "pupils": ("pupil",),
    "codes": ("id", "code"),
    "periods": ("id",),
    "timetable": ("id",),
    "sessions": ("pupil", "day", "session", "code"),
    "lessons": ("pupil", "code"),
    "events": ("pupil", "at", "kind"),
    "deletions": ("stream", "key"),
}
"""Stream -> fields without which a record is nothing."""
_NAMES: Final = {
    "connection": None,
    "window": frozenset({"first", "last"}),
    "cursor": None,
    "page": frozenset({"number", "token", "size"}),
    "parent": frozenset(),
}
_TOKEN_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*")


def placeholders(text: str) -> list[str]:
    """List what stands in braces: ``connection.school``, ``cursor`` ...

    Raises:
        ValueError: a brace is not closed, or a placeholder has a format or conversion.
    """
    found = []
    for _, name, form, conversion in Formatter().parse(text):
        if name is None:
            continue
        if form or conversion:
            raise ValueError(f"write {{{name}}} without a format")
        found.append(name)
    return found


def _template(text: str) -> str:
    try:
        names = placeholders(text)
    except ValueError as error:
        raise PydanticCustomError("template", "{why}", {"why": str(error)}) from None
    for name in names:
        table, dot, key = name.partition(".")
        known = _NAMES.get(table, frozenset())
        fits = table in _NAMES and (
            (table == "cursor" and not dot)
            or (table == "connection" and _TOKEN_FIELD.fullmatch(key))
            or (known is not None and key in known)
        )
        if not fits:
            why = (
                f"{{{name}}} can not be put in: only {{connection.NAME}}, {{window.first}}, "
                "{window.last}, {cursor}, {page.number}, {page.size} and {page.token} can"
            )
            raise PydanticCustomError("placeholder", "{why}", {"why": why})
    return text


def _path(text: str) -> str:
    try:
        parse_path(text)
    except ValueError as error:
        raise PydanticCustomError("path", "{why}", {"why": str(error)}) from None
    return text


def _entry(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise PydanticCustomError("regex", "{why}", {"why": f"no pattern: {error}"}) from None
    return text


def _code(text: str) -> str:
    try:
        to_byte(text)
    except UnknownCode:
        raise PydanticCustomError("code", "this is no code of the register") from None
    return text


Template = Annotated[str, AfterValidator(_template)]
PathText = Annotated[str, AfterValidator(_path)]
Pattern = Annotated[str, AfterValidator(_regex)]
RegisterCode = Annotated[str, AfterValidator(_code)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class _Table(BaseModel):
    """A table of the manifest: closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class IdentityTable(_Table):
    """``[adapter]``: what this is, and how far it can be trusted."""

    id: str = Field(pattern=r"^[a-z][a-z0-9-]*$", description="Name of the adapter, its folder's.")
    name: str = Field(min_length=1, description="What people call the MIS.")
    vendor: str = Field(min_length=1, description="Who makes it.")
    version: str = Field(min_length=1, description="Version of this adapter.")
    evidence: str = Field(min_length=1, description="What the adapter was built from and run with.")


class CapabilityTable(_Table):
    """``[capabilities]``: what the MIS can tell us."""

    session: bool = Field(default=False, description="AM and PM marks.")
    lesson: bool = Field(default=False, description="Lesson marks.")
    register_taken: bool = Field(
        default=False, description="Says outright that a register was taken, or was not."
    )
    corrections: bool = Field(default=False, description="Marks carry when they were last saved.")


class ParameterTable(_Table):
    """``[connection.NAME]``: one thing that a school has to give."""

    required: bool = Field(default=False, description="Reading is not possible without it.")
    secret: bool = Field(default=False, description="Named as a credential, never written.")
    default: str | None = Field(default=None, description="Taken where the school gives none.")
    pattern: Pattern | None = Field(default=None, description="What the whole value must match.")
    help: str = Field(min_length=1, description="One sentence for the person who fills it in.")

    @model_validator(mode="after")
    def _consistent(self) -> ParameterTable:
        if self.required and self.default is not None:
            raise PydanticCustomError("default", "a required parameter has no default")
        if self.secret and self.default is not None:
            raise PydanticCustomError("default", "a secret has no default")
        if (
            self.default is not None
            and self.pattern is not None
            and not re.fullmatch(self.pattern, self.default)
        ):
            raise PydanticCustomError("default", "the default does not match the pattern")
        return self


class AuthTable(_Table):
    """``[auth]``: how requests show who asks."""

    type: Literal["none", "bearer", "basic", "header"] = Field(description="The scheme.")
    token: Template = Field(default="", description="bearer: the token.")
    user: Template = Field(default="", description="basic: the user name.")
    password: Template = Field(default="", description="basic: the password, may be empty.")
    headers: dict[str, Template] = Field(default_factory=dict, description="header: name = value.")

    @model_validator(mode="after")
    def _consistent(self) -> AuthTable:
        needed = {"bearer": "token", "basic": "user", "header": "headers"}.get(self.type)
        if needed and not getattr(self, needed):
            raise PydanticCustomError(
                "auth", "{why}", {"why": f'type "{self.type}" needs {needed}'}
            )
        return self


class HttpTable(_Table):
    """``[http]``: where the API is, and how gently it is asked."""

    base: Template = Field(description="Address that the streams' addresses continue.")
    headers: dict[str, Template] = Field(
        default_factory=dict, description="Sent with all requests."
    )
    timeout: float = Field(default=30, gt=0, le=300, description="Seconds for one request.")
    concurrency: int = Field(default=4, ge=1, le=64, description="Requests at once to one host.")
    rate: float = Field(default=0, ge=0, description="Requests a second to one host; 0 no limit.")
    minimum_interval: float = Field(
        default=0, ge=0, le=60, description="Seconds between the starts of two requests."
    )
    page_budget: int = Field(
        default=20_000, ge=1, description="Pages of all streams in one read; more is an error."
    )
    error_code: PathText = Field(default="error", description="Path to the error's name.")
    error_text: PathText = Field(default="error_description", description="Path to its text.")


class PageTable(_Table):
    """``[stream.X.page]``: how a list goes on, and when it ends."""

    type: Literal["none", "page", "cursor", "next_link"] = Field(description="The scheme.")
    max_pages: int = Field(ge=1, description="More pages than this is an error, not a long list.")
    query: dict[str, Template] = Field(
        default_factory=dict,
        description="page: added to every request; cursor: from the second page on.",
    )
    next: PathText | None = Field(default=None, description="Path to the next token or address.")
    more: PathText | None = Field(default=None, description="Path to a flag that more follows.")
    total: PathText | None = Field(default=None, description="Path to the stated total of records.")
    start: int = Field(default=1, ge=0, description="page: number of the first page.")
    size: int | None = Field(
        default=None, ge=1, description="page: records of a full page; a shorter one is the last."
    )

    @model_validator(mode="after")
    def _consistent(self) -> PageTable:
        wrong = ""
        if self.type in {"cursor", "next_link"} and self.next is None:
            wrong = f'type "{self.type}" needs next'
        elif self.type in {"page", "cursor"} and not self.query:
            wrong = f'type "{self.type}" needs query, with {{page.number}} or {{page.token}}'
        elif self.type == "page" and self.size is None and self.more is None:
            wrong = 'type "page" needs size or more: when does the list end?'
        elif self.type == "next_link" and self.query:
            wrong = 'type "next_link" has no query: the address that is sent has it all'
        elif self.type == "none" and (self.next or self.more or self.query):
            wrong = 'type "none" has neither next, more nor query'
        if wrong:
            raise PydanticCustomError("page", "{why}", {"why": wrong})
        return self


class CursorTable(_Table):
    """``[stream.X.cursor]``: how to ask for what has changed."""

    order: Literal["changed", "position", "none"] = Field(
        description="changed: oldest change first; position: pages do not shift when rows change; "
        "none: they may, so that an interrupted read starts anew."
    )
    query: dict[str, Template] = Field(min_length=1, description="Added where there is a since.")
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


class MapEntry(_Table):
    """``field = "path"`` or ``field = {path = ..., ...}``."""

    path: PathText = Field(description="Where the value is in a record.")
    type: Literal["utc_datetime"] | None = Field(
        default=None, description="utc_datetime: texts without a time zone are UTC, not London."
    )
    values: dict[str, str | bool] | None = Field(
        default=None, description="Upstream value = meaning; others are quarantined."
    )
    via: Literal["codes", "periods", "timetable"] | None = Field(
        default=None, description="The value is an id of this stream."
    )
    others: Literal["refuse", "skip", "empty"] = Field(
        default="refuse",
        description="A value that is not in values: refuse the record; skip it, because it is not "
        "for us; or take the field as empty.",
    )


class StreamTable(_Table):
    """``[stream.X]``: one list."""

    get: Template | None = Field(default=None, description="Address, after [http].base.")
    post: Template | None = Field(default=None, description="Address of a POST.")
    body: Template | None = Field(default=None, description="Body of a POST, JSON.")
    query: dict[str, Template] = Field(default_factory=dict, description="Query parameters.")
    records: PathText = Field(description="Path to the array of records.")
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
    cursor: CursorTable | None = Field(default=None, description="How to ask for changes.")
    map: dict[str, Annotated[MapEntry, BeforeValidator(_entry)]] = Field(
        description="Field = path."
    )

    @model_validator(mode="after")
    def _consistent(self) -> StreamTable:
        if (self.get is None) == (self.post is None):
            raise PydanticCustomError("method", "write either get or post")
        if self.body is not None and self.post is None:
            raise PydanticCustomError("method", "a body goes with post")
        if self.records == "@" and (self.page.next or self.page.more or self.page.total):
            raise PydanticCustomError("records", "an answer that is a bare array has no paths")
        return self


class ManifestModel(_Table):
    """``adapter.toml``."""

    adapter: IdentityTable = Field(description="What this is.")
    capabilities: CapabilityTable = Field(description="What the MIS can tell us.")
    connection: dict[Word, ParameterTable] = Field(
        default_factory=dict, description="What a school has to give."
    )
    auth: AuthTable | None = Field(default=None, description="How requests show who asks.")
    http: HttpTable | None = Field(default=None, description="Where the API is.")
    stream: dict[
        Literal["pupils", "codes", "periods", "timetable", "sessions", "lessons", "events",
                "deletions"],
        StreamTable,
    ] = Field(default_factory=dict, description="The lists.")  # fmt: skip
    codes: dict[str, RegisterCode] = Field(
        default_factory=dict, description="Marks of this MIS that are no register codes = code."
    )
