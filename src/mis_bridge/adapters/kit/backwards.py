"""Requests read backwards: which list a request asks for, and what was put into its placeholders.

A manifest says how to write a request. Read the other way, the same templates say what a request
means, so that a stand-in needs no description of its own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from string import Formatter
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from mis_bridge.adapters.template import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.adapters.vocabulary import ManifestModel, StreamTable

__all__ = ["Backwards", "Found", "signature"]

_MARK: Final = re.compile(r"kitmark(\d+)x")
_GROUP: Final = "(.*?)"

Signature = tuple[str, ...]
Asks = Literal["list", "changes", "version"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a request asks for.

    Args:
        stream: the list.
        values: what stands in the placeholders, by name; only of those that are in the request.
        asks: for the list; for its changes, at an address of their own; or for the newest version
            alone.
    """

    stream: str
    values: Mapping[str, str]
    asks: Asks = "list"


def signature(table: StreamTable) -> Signature:
    """Name what a stream asks for: streams that ask for the same are served the same rows."""
    query = json.dumps(sorted(table.query.items()))
    return (table.get or "", table.post or "", query, table.body or "", table.graphql or "")


@dataclass(slots=True)
class _Text:
    """A template as a pattern."""

    pattern: re.Pattern[str]
    names: tuple[str, ...]
    weight: int

    def values(self, text: str) -> dict[str, str] | None:
        """Give what stands in the placeholders, or None where the text is another one."""
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        values: dict[str, str] = {}
        for name, value in zip(self.names, found.groups(), strict=True):
            if values.setdefault(name, value) != value:
                return None
        return values


@dataclass(slots=True)
class _Shape:
    """The shape of the requests of one list."""

    stream: str
    method: str
    path: _Text
    query: dict[str, _Text]
    content: _Text | None = None
    is_graphql: bool = False
    asks: Asks = "list"
    needed: frozenset[str] = field(default_factory=frozenset)

    def read(self, method: str, url: str, content: bytes) -> tuple[int, dict[str, str]] | None:
        """Give (how particular the match is, values), or None where it is another request."""
        parts = urlsplit(url)
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        if method != self.method or not self.needed <= asked.keys() <= self.query.keys():
            return None
        pairs = [(self.path, parts.path), *((self.query[name], asked[name]) for name in asked)]
        if self.content is not None:
            text = _sent(content, is_graphql=self.is_graphql)
            if text is None:
                return None
            pairs.append((self.content, text))
        weight, values = 0, dict[str, str]()
        for place, (pattern, text) in enumerate(pairs):
            found = pattern.values(text)
            if found is None:
                return None
            weight += pattern.weight
            values |= {
                name: unquote(value) if place == 0 else value for name, value in found.items()
            }
        return weight, {name: _unescaped(value) for name, value in values.items()}


class Backwards:
    """Reads requests by the templates of a manifest.

    Args:
        manifest: with ``[http]``.
        connection: what the school gave, without secrets.
    """

    def __init__(self, manifest: ManifestModel, connection: Mapping[str, str]) -> None:
        if manifest.http is None:
            raise ValueError("a manifest with streams has [http]")
        self._given = {f"connection.{name}": value for name, value in connection.items()}
        self._base = fill(manifest.http.base, self._given)
        self._shapes: list[_Shape] = []
        self._read: dict[tuple[str, str, bytes], Found | None] = {}
        for name, table in manifest.stream.items():
            address = table.get or table.post or ""
            self._shapes.append(self._shape(name, table, address, table.query))
            if table.cursor is not None and table.cursor.get is not None:
                changes = self._shape(name, table, table.cursor.get, {})
                self._shapes.append(replace(changes, asks="changes"))
            if table.version is not None and table.version.get is not None:
                path, query = self._address(table.version.get)
                self._shapes.append(_Shape(name, "GET", path, query, asks="version"))

    def read(self, method: str, url: str, content: bytes) -> Found | None:
        """Say what a request asks for, or None where it is none of the manifest's lists."""
        asked = method, url, content
        if asked not in self._read:
            # The cases ask for the same a thousand times.
            self._read[asked] = self._found(method, url, content)
        return self._read[asked]

    def _found(self, method: str, url: str, content: bytes) -> Found | None:
        best: tuple[int, Found] | None = None
        for shape in self._shapes:
            found = shape.read(method, url, content)
            if found is not None and (best is None or found[0] > best[0]):
                best = found[0], Found(shape.stream, found[1], shape.asks)
        return None if best is None else best[1]

    def _shape(self, name: str, table: StreamTable, address: str, own: Mapping[str, str]) -> _Shape:
        path, query = self._address(address)
        query |= {key: self._text(text) for key, text in own.items()}
        needed = frozenset(
            key for key, text in query.items() if not text.names and text.pattern.pattern
        )
        for more in (table.cursor, table.version, table.page):
            if more is not None:
                query |= {key: self._text(text) for key, text in more.query.items()}
        content = table.graphql or table.body
        return _Shape(
            name,
            "GET" if table.get else "POST",
            path,
            query,
            self._text(content) if content else None,
            is_graphql=table.graphql is not None,
            needed=needed,
        )

    def _address(self, template: str) -> tuple[_Text, dict[str, _Text]]:
        marked, names = self._marked(template)
        parts = urlsplit(urljoin(self._base, marked))
        query = {
            key: _compiled(value, names)
            for key, value in parse_qsl(parts.query, keep_blank_values=True)
        }
        return _compiled(parts.path, names), query

    def _text(self, template: str) -> _Text:
        marked, names = self._marked(template)
        return _compiled(marked, names)

    def _marked(self, template: str) -> tuple[str, list[str]]:
        """Fill in what the school gave, and a mark for each other placeholder."""
        text, names = "", list[str]()
        for literal, name, _, _ in Formatter().parse(template):
            text += literal
            if name is None:
                continue
            if name in self._given or name.startswith("connection."):
                text += self._given.get(name, "")
            else:
                text += f"kitmark{len(names)}x"
                names.append(name)
        return text, names


def _compiled(marked: str, names: list[str]) -> _Text:
    pattern, at, here = "", 0, list[str]()
    for mark in _MARK.finditer(marked):
        pattern += re.escape(marked[at : mark.start()]) + _GROUP
        here.append(names[int(mark[1])])
        at = mark.end()
    pattern += re.escape(marked[at:])
    return _Text(re.compile(pattern, re.DOTALL), tuple(here), len(_MARK.sub("", marked)))


def _sent(content: bytes, *, is_graphql: bool) -> str | None:
    try:
        text = content.decode("utf-8")
        return str(json.loads(text)["query"]) if is_graphql else text
    except (ValueError, TypeError, KeyError):
        return None


def _unescaped(value: str) -> str:
    """Undo how a value was written between the quotes of a JSON or GraphQL text."""
    if "\\" not in value:
        return value
    try:
        return str(json.loads(f'"{value}"'))
    except ValueError:
        return value
