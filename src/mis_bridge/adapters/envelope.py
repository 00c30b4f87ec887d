"""The answer around the records: where they are, whether more follows, which version they have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from mis_bridge.adapters.mapping import Columns, Scalar, walk
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.errors import MisAnswerInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.adapters.flow import Response
    from mis_bridge.adapters.vocabulary import StreamTable

__all__ = ["Answer", "Envelope", "decoded", "what_came"]

_NONE = b"[]"
_IS_EMPTY = re.compile(rb"\[\s*\]")
_WHOLE = "@"
_LEFT_OUT = b"null"
"""What is decoded of an array that is not there."""

_TOLD = ("next", "more", "total", "pages")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one answer said.

    Args:
        raw: array of the records; that all of it is JSON shows when they are decoded.
        told: ``next``, ``more``, ``total``, ``pages`` as far as the scheme has them.
        version: that the answer names, or empty.
        deleted: keys of records that are gone.
    """

    raw: bytes
    told: dict[str, Any]
    version: str = ""
    deleted: tuple[str, ...] = ()


class Envelope:
    """Reads the answers of one stream.

    Args:
        stream: named in errors.
        table: its part of the manifest.
    """

    def __init__(self, stream: str, table: StreamTable) -> None:
        self._stream = stream
        self._table = table
        self._places = [text for text in table.records_paths if text != _WHOLE]
        self._may_be_bare = _WHOLE in table.records_paths
        fields: dict[str, tuple[Any, Any]] = {
            f"records {text}": (parse_path(text), msgspec.Raw) for text in self._places
        }
        for name in _TOLD:
            text = getattr(table.page, name)
            if text is not None:
                fields[name] = (parse_path(text), Scalar)
        version = table.version
        if version is not None and version.get is None:
            fields["version"] = (parse_path(version.next), Scalar)
        if version is not None and version.deleted is not None:
            fields["deleted"] = (parse_path(version.deleted), msgspec.Raw)
        self._columns = Columns(fields)
        self._within = parse_path(table.within).steps if table.within is not None else None
        self._head, self._seam = self._around([where.steps for where, _ in fields.values()])

    def read(self, response: Response) -> Answer:
        """Find the array of records, still as JSON, and what is said about it.

        Raises:
            MisAnswerInvalid: the answer is no JSON, or has no such array.
        """
        body = response.body
        if self._may_be_bare and body.lstrip()[:1] == b"[":
            raw, values = body.strip(), dict[str, Any]()
        else:
            raw, values = self._unpacked(body)
        if not raw.startswith(b"["):
            places = " or ".join(self._table.records_paths)
            raise MisAnswerInvalid(f"{self._stream}: the answer has no list at {places!r}")
        if _IS_EMPTY.fullmatch(raw):
            raw = _NONE
        elif self._within is not None or self._may_be_bare:
            raw = self._inner(raw)
        page = self._table.page
        if page.next_header is not None:
            values["next"] = response.headers.get(page.next_header.lower())
        if page.total_header is not None:
            values["total"] = response.headers.get(page.total_header.lower())
        version = values.pop("version", None)
        return Answer(
            raw,
            values,
            "" if version is None else str(version),
            self._deleted(values.pop("deleted", None)),
        )

    def _around(self, paths: Sequence[tuple[str | int, ...]]) -> tuple[bytes, bytes]:
        """Give how an answer begins before its array, and goes on after it, if it is so simple.

        Empty where the array is not at the top, or what is said about it not all under one name.
        """
        if len(self._places) != 1 or self._may_be_bare or not all(paths):
            return b"", b""
        (array, *deeper), *others = paths
        tops = {steps[0] for steps in others}
        if deeper or array in tops or len(tops) != 1 or any(type(top) is int for top in tops):
            return b"", b""
        name, other = (msgspec.json.encode(top) for top in (array, *tops))
        return b"{" + name + b":[", b"]," + other + b":"

    def _split(self, body: bytes) -> tuple[bytes, dict[str, Any]] | None:
        """Cut the array out of an answer without parsing it; None where that is not sure.

        An array whose first closing bracket is the one before what is said about it can end
        nowhere else. Whether all of it is JSON shows when its records are decoded.
        """
        if not self._head or not body.startswith(self._head):
            return None
        end = body.find(b"]", len(self._head))
        if not body.startswith(self._seam, end):
            return None
        rest = b"{" + body[end + 2 :]
        try:
            values = dict(zip(self._columns.names, self._columns.decode(rest), strict=True))
        except msgspec.DecodeError:
            return None
        again = values.pop(f"records {self._places[0]}")
        return (body[len(self._head) - 1 : end + 1], values) if bytes(again) == _LEFT_OUT else None

    def _unpacked(self, body: bytes) -> tuple[bytes, dict[str, Any]]:
        split = self._split(body)
        if split is not None:
            return split
        try:
            values = dict(zip(self._columns.names, self._columns.decode(body), strict=True))
        except msgspec.DecodeError as error:
            raise MisAnswerInvalid(f"{self._stream}: {what_came(body, error)}") from None
        found = b""
        for text in self._places:
            value = values.pop(f"records {text}")
            # Where an object on the way is null, nothing was there to be left as it came.
            raw = b"" if value is None else bytes(value).strip()
            if not found.startswith(b"["):
                found = raw
        return found, values

    def _inner(self, raw: bytes) -> bytes:
        """Check a bare array, and take the arrays inside its records together where asked to."""
        try:
            if self._within is None:
                msgspec.json.decode(raw, type=list[msgspec.Raw])
                return raw
            inner = [walk(record, self._within) for record in msgspec.json.decode(raw, type=list)]
        except msgspec.DecodeError as error:
            raise MisAnswerInvalid(f"{self._stream}: {what_came(raw, error)}") from None
        return msgspec.json.encode(
            [one for some in inner if isinstance(some, list) for one in some]
        )

    def _deleted(self, raw: Any) -> tuple[str, ...]:
        version = self._table.version
        if raw is None or version is None or version.deleted_key is None:
            return ()
        steps = parse_path(version.deleted_key).steps
        records = msgspec.json.decode(bytes(raw))
        keys = (walk(record, steps) for record in records or () if isinstance(records, list))
        return tuple(str(key) for key in keys if key is not None)


def decoded(body: bytes, shape: Any, stream: str) -> Any:
    """Decode a whole answer of a documented shape, for adapters with code of their own.

    Args:
        body: JSON.
        shape: type that it has; fields that a struct does not name are passed over.
        stream: named in errors.

    Raises:
        MisAnswerInvalid: it is something else; the text repeats no word of it.
    """
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        # Its text names the place and the types, never a value.
        raise MisAnswerInvalid(f"{stream}: not the documented answer: {error}") from None
    except msgspec.DecodeError as error:
        raise MisAnswerInvalid(f"{stream}: {what_came(body, error)}") from None
    except UnicodeDecodeError:
        raise MisAnswerInvalid(f"{stream}: the answer is not UTF-8 text") from None


def what_came(body: bytes, error: Exception) -> str:
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
