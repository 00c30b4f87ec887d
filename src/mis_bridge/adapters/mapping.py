r"""Paths into JSON documents, and a typed decoder compiled from them.

A path is a strict subset of JMESPath: names (``date.timezone``), quoted names (``"x-y"``), places
in arrays (``[0]``), and ``@`` alone for the whole document. What a path finds is what JMESPath
finds: a missing name, a null or a value of the wrong kind on the way gives null.

All paths of a record are compiled into one ``msgspec`` struct, so that the fields nobody asked for
are skipped by the parser and never become Python objects. A record that the struct does not fit (a
text where an object was expected) is decoded on its own and walked, with the same answers: one odd
record costs time, not the page.

>>> path("education_details.data.upn").steps
('education_details', 'data', 'upn')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["Columns", "Moment", "Path", "Scalar", "leads", "path", "walk"]

_TOKEN: Final = re.compile(
    r"""
    (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | \[(?P<place>0|[1-9][0-9]*)\]
    """,
    re.VERBOSE,
)

_NOT_A_FIELD: Final = re.compile(r'[\\"\x00-\x1f]')
"""What the name of a struct's field must not hold; such names are walked."""

Scalar = str | int | float | bool | None
"""What a leaf may be, unless it is a moment or raw."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """A date as an object, the way PHP writes one.

    Args:
        date: ``2026-09-07 08:41:00.000000``, with or without the fraction.
        timezone: name of the zone that ``date`` is local to.
    """

    date: str | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path.

    Args:
        text: as written.
        steps: names and places; none for ``@``.
    """

    text: str
    steps: tuple[str | int, ...]


def path(text: str) -> Path:
    """Parse a path.

    Raises:
        ValueError: not of the subset; says where.
    """
    if text == "@":
        return Path(text, ())
    steps: list[str | int] = []
    at = 0
    while at < len(text) or not steps:
        if steps and text[at] == ".":
            at += 1
            if text[at : at + 1] == "[":
                raise ValueError(f"{text!r}: write a[0], not a.[0] (character {at + 1})")
        elif steps and text[at] != "[":
            raise ValueError(f"{text!r}: a dot or a place is missing at character {at + 1}")
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(
                f'{text!r}: only names, "quoted names", places [0] and dots can be used '
                f"(character {at + 1})"
            )
        if found["place"] is not None:
            steps.append(int(found["place"]))
        elif found["quoted"] is not None:
            steps.append(msgspec.json.decode(found["quoted"], type=str))
        else:
            steps.append(found["name"])
        at = found.end()
    return Path(text, tuple(steps))


def walk(document: Any, steps: Sequence[str | int]) -> Any:
    """Follow a path in a decoded document; None where it does not lead anywhere."""
    for step in steps:
        if isinstance(step, str):
            document = document.get(step) if isinstance(document, dict) else None
        elif isinstance(document, list) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def leads(document: Any, steps: Sequence[str | int]) -> bool:
    """Whether the names of a path are there; null, or an empty array, ends it like a value."""
    for step in steps:
        if document is None or (document == [] and isinstance(step, int)):
            return True
        if isinstance(step, str):
            if not isinstance(document, dict) or step not in document:
                return False
        elif not isinstance(document, list) or step >= len(document):
            return False
        document = document[step]
    return True


@dataclass(slots=True)
class _Node:
    """A place in the tree of all paths of one record."""

    leaf: Any = None
    wanted: bool = False
    children: dict[str | int, _Node] = field(default_factory=dict)


class Columns:
    """The paths of one kind of record, compiled.

    Args:
        fields: name -> (path, type of the leaf: ``Scalar``, ``Moment | Scalar`` or
            ``msgspec.Raw``). A leaf under which another path goes on is walked, not typed.

    Records come out as tuples in the order of ``fields``.
    """

    def __init__(self, fields: Mapping[str, tuple[Path, Any]]) -> None:
        self.names = tuple(fields)
        self._paths = tuple(where.steps for where, _ in fields.values())
        self._leaves = tuple(leaf for _, leaf in fields.values())
        root = _Node()
        for where, leaf in fields.values():
            node = root
            for step in where.steps:
                node = node.children.setdefault(step, _Node())
            node.wanted, node.leaf = True, leaf
        self._attributes: dict[tuple[str | int, ...], str] = {}
        self._row = _compile(root)
        self._one = msgspec.json.Decoder(self._row)
        self._many = msgspec.json.Decoder(list[self._row])  # type: ignore[name-defined]
        self._fields = [_field(self._row, steps) for steps in self._paths]
        self._values = _values(self._row, self._paths, self._fields)

    def decode(self, document: bytes) -> tuple[Any, ...]:
        """Decode one document.

        Raises:
            msgspec.DecodeError: it is not JSON.
        """
        try:
            return self._values(self._one.decode(document))
        except msgspec.ValidationError:
            return self._walked(document)
        except UnicodeDecodeError:
            raise _not_text() from None

    def decode_all(self, documents: bytes) -> Iterable[tuple[Any, ...]]:
        """Decode a JSON array of records.

        Raises:
            msgspec.ValidationError: it is not an array.
            msgspec.DecodeError: it is not JSON.
        """
        try:
            rows = self._many.decode(documents)
        except msgspec.ValidationError:
            return self._one_by_one(msgspec.json.decode(documents, type=list[msgspec.Raw]))
        except UnicodeDecodeError:
            raise _not_text() from None
        return map(self._values, rows)

    def decode_columns(self, documents: bytes) -> Sequence[Iterable[Any]]:
        """Decode a JSON array of records, and give the values of each path by themselves.

        Raises:
            msgspec.ValidationError: it is not an array.
            msgspec.DecodeError: it is not JSON.
        """
        try:
            rows = self._many.decode(documents)
        except msgspec.ValidationError:
            found = tuple(zip(*self.decode_all(documents), strict=True))
            return found or ((),) * len(self.names)
        except UnicodeDecodeError:
            raise _not_text() from None
        return [map(field, rows) for field in self._fields]

    def _one_by_one(self, documents: list[msgspec.Raw]) -> Iterator[tuple[Any, ...]]:
        for document in documents:
            yield self.decode(bytes(document))

    def _walked(self, document: bytes) -> tuple[Any, ...]:
        try:
            whole = msgspec.json.decode(document)
        except UnicodeDecodeError:
            raise _not_text() from None
        found = (walk(whole, steps) for steps in self._paths)
        return tuple(_leaf(value, leaf) for value, leaf in zip(found, self._leaves, strict=True))


def _not_text() -> msgspec.DecodeError:
    return msgspec.DecodeError("JSON is UTF-8 text, and this is not")


def _leaf(value: Any, leaf: Any) -> Any:
    """Give a walked value the type that a decoded one has."""
    if leaf is msgspec.Raw:
        return msgspec.Raw(msgspec.json.encode(value))
    if isinstance(value, dict) and leaf is not Scalar:
        try:
            return msgspec.convert(value, Moment)
        except msgspec.ValidationError:
            return value
    return value


def _compile(node: _Node) -> Any:
    """Make the type of a node: a struct for names, a list for places, the leaf's own type."""
    if node.wanted:
        if not node.children:
            return node.leaf
        return Any
    if any(isinstance(step, int) for step in node.children):
        if len(node.children) == 1:
            (child,) = node.children.values()
            return list[_compile(child)] | None  # type: ignore[misc]
        # Several places, or a place and a name at one point: no struct says that.
        return Any
    if any(_NOT_A_FIELD.search(str(name)) for name in node.children):
        return Any
    fields = [
        (
            f"f{number}",
            _optional(_compile(child)),
            msgspec.field(name=str(name), default=msgspec.Raw(b"null") if _is_raw(child) else None),
        )
        for number, (name, child) in enumerate(node.children.items())
    ]
    struct = msgspec.defstruct("Row", fields, gc=False)
    struct.__path_names__ = {  # type: ignore[attr-defined]
        name: f"f{number}" for number, name in enumerate(node.children)
    }
    return struct


def _is_raw(node: _Node) -> bool:
    return node.leaf is msgspec.Raw and not node.children


def _optional(kind: Any) -> Any:
    return kind if kind is msgspec.Raw or kind is Any else kind | None


def _field(row: Any, steps: tuple[str | int, ...]) -> Callable[[Any], Any]:
    """Make the function that takes the value of one path out of a decoded row."""
    names = getattr(row, "__path_names__", {})
    if len(steps) == 1 and steps[0] in names:
        return attrgetter(names[steps[0]])
    return _getter(steps)


def _values(
    row: Any, paths: Sequence[tuple[str | int, ...]], fields: Sequence[Callable[[Any], Any]]
) -> Callable[[Any], tuple[Any, ...]]:
    """Make the function that takes the values of all paths out of a decoded row."""
    names = getattr(row, "__path_names__", {})
    if len(paths) > 1 and all(len(steps) == 1 and steps[0] in names for steps in paths):
        return attrgetter(*(names[steps[0]] for steps in paths))
    return lambda value: tuple(get(value) for get in fields)


def _getter(steps: tuple[str | int, ...]) -> Callable[[Any], Any]:
    def get(value: Any) -> Any:
        for at, step in enumerate(steps):
            if value is None:
                return None
            names = getattr(type(value), "__path_names__", None)
            if names is not None:
                value = getattr(value, names[step])
            elif isinstance(step, int) and isinstance(value, list):
                value = value[step] if step < len(value) else None
            else:
                return walk(value, steps[at:])
        return value

    return get
