"""How a MIS is reached: who asks, where, how gently, and what its errors look like."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from mis_bridge.adapters.vocabulary.types import (
    Paths,
    PathText,
    Pattern,
    Table,
    Template,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AuthTable", "CheckTable", "ErrorRule", "HttpTable", "ParameterTable", "TokenTable"]

_NEEDED: Final = {"bearer": "token", "basic": "user", "header": "headers", "token": "request"}

State = Literal[
    "auth_failed", "permission_missing", "revoked", "offline", "not_there", "request_refused",
    "throttled", "unavailable", "answer_invalid", "stale",
]  # fmt: skip


class ParameterTable(Table):
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


class ErrorRule(Table):
    """``[[http.errors]]``, ``[[check.errors]]``: what in an answer means that it is an error.

    The first rule that fits decides, whatever the HTTP status: 200 is not success. That an answer
    is invalid is said of a good status only, because a bad one says more.
    """

    path: Paths = Field(
        description="Where to look in the answer. `@` with `having`: anywhere in the text of an "
        "answer that is not 2xx, whatever its shape."
    )
    equals: list[str] | None = Field(
        default=None, description="Fits where the value is one of these; `true`, `false` as texts."
    )
    having: list[str] | None = Field(
        default=None, description="Fits where the value has one of these in it, in any case."
    )
    lacks: list[str] | None = Field(
        default=None, description="Fits where the list there has not all of these; they are named."
    )
    state: State = Field(description="What the feed's state becomes.")
    text: PathText | None = Field(
        default=None, description="Path to words for a person; otherwise `path` itself is shown."
    )
    advice: str = Field(
        default="",
        description="What a person does about it, one sentence; otherwise what the state says.",
    )

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths that are looked at, in order."""
        return (self.path,) if isinstance(self.path, str) else tuple(self.path)

    @model_validator(mode="after")
    def _consistent(self) -> ErrorRule:
        if sum(one is not None for one in (self.equals, self.having, self.lacks)) > 1:
            raise PydanticCustomError("rule", "write one of equals, having and lacks")
        if "@" in self.paths and (not self.having or self.text or len(self.paths) > 1):
            raise PydanticCustomError("rule", "the path @ goes with having, and with nothing else")
        return self


class TokenTable(Table):
    """``[auth.request]``: how a token is got that serves for a while.

    Asked for before the first request, again shortly before it lapses, and once after a 401.
    """

    post: Template = Field(description="Address; continues `http.base` unless it is a whole one.")
    form: dict[str, Template] = Field(
        default_factory=dict, description="Fields of a form (OAuth 2.0 asks with one)."
    )
    body: dict[str, Template] = Field(
        default_factory=dict, description="Fields of a JSON object instead of a form."
    )
    user: Template = Field(default="", description="User name for Basic, where it is asked for.")
    password: Template = Field(default="", description="Password for Basic.")
    headers: dict[str, Template] = Field(default_factory=dict, description="Further headers.")
    token: PathText = Field(description="Path to the token.")
    expires_in: PathText | None = Field(
        default=None, description="Path to the seconds that it serves."
    )
    expires_at: PathText | None = Field(
        default=None, description="Path to the moment at which it lapses, UTC."
    )
    serves_seconds: int = Field(
        default=3600, ge=60, description="How long it serves where the answer does not say."
    )

    @model_validator(mode="after")
    def _consistent(self) -> TokenTable:
        if bool(self.form) == bool(self.body):
            raise PydanticCustomError("token", "write either form or body")
        return self


class AuthTable(Table):
    """``[auth]``: how requests show who asks."""

    type: Literal["none", "bearer", "basic", "header", "token"] = Field(description="The scheme.")
    token: Template = Field(default="", description="bearer: the token.")
    user: Template = Field(default="", description="basic: the user name.")
    password: Template = Field(default="", description="basic: the password, may be empty.")
    headers: dict[str, Template] = Field(
        default_factory=dict,
        description="header, token: name = value; `{token}` is the token that was got.",
    )
    request: TokenTable | None = Field(default=None, description="token: how it is got.")

    def templates(self) -> Iterator[tuple[tuple[str, ...], str, bool]]:
        """List every text with placeholders: (key below, text, whether secrets may be in it)."""
        for key in ("token", "user", "password"):
            yield (key,), getattr(self, key), True
        for key, text in self.headers.items():
            yield ("headers", key), text, True
        if self.request is None:
            return
        yield ("request", "post"), self.request.post, False
        for key in ("user", "password"):
            yield ("request", key), getattr(self.request, key), True
        for table in ("form", "body", "headers"):
            for key, text in getattr(self.request, table).items():
                yield ("request", table, key), text, True

    @model_validator(mode="after")
    def _consistent(self) -> AuthTable:
        needed = _NEEDED.get(self.type)
        if needed and not getattr(self, needed):
            raise PydanticCustomError(
                "auth", "{why}", {"why": f'type "{self.type}" needs {needed}'}
            )
        if self.request is not None and self.type != "token":
            raise PydanticCustomError("auth", 'request goes with type "token"')
        if self.type == "token" and not any("{token}" in text for text in self.headers.values()):
            raise PydanticCustomError("auth", 'type "token" needs headers that have {token}')
        return self


class HttpTable(Table):
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
    errors: list[ErrorRule] = Field(
        default_factory=list, description="What in an answer means an error, also with status 200."
    )

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """List every text with placeholders: (key below, text)."""
        yield ("base",), self.base
        for key, text in self.headers.items():
            yield ("headers", key), text


class CheckTable(Table):
    """``[check]``: one small answer that tells how the school stands with the vendor.

    Asked for by ``schools check`` and, each `keep_seconds`, by a reading: what is wrong here is
    told although the lists still answer.
    """

    get: Template = Field(description="Address, after [http].base.")
    query: dict[str, Template] = Field(default_factory=dict, description="Query parameters.")
    errors: list[ErrorRule] = Field(
        default_factory=list, description="What in the answer means that something is wrong."
    )
    missing: Literal["refuse", "skip"] = Field(
        default="refuse", description="skip: a 403 or 404 here tells nothing about the school."
    )
    keep_seconds: int = Field(
        default=300, ge=0, le=86_400, description="How long the answer serves."
    )

    def templates(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """List every text with placeholders: (key below, text)."""
        yield ("get",), self.get
        for key, text in self.query.items():
            yield ("query", key), text
