"""Data that are none: what a proxy, a broken export or a wrong folder puts in their place."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mis_bridge.adapters.kit.listing import put_at
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.io.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mis_bridge.adapters.kit.bench import School
    from mis_bridge.adapters.kit.line import Fault
    from mis_bridge.adapters.vocabulary import HttpTable

__all__ = ["FOREIGN", "always", "cut_file", "failures", "foreign_file", "to_lists", "with_bom"]

_STRUCTURED: Final = (b"<", b"{", b"[")

FOREIGN: Final[tuple[bytes, ...]] = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in</body></html>\n",
    b"The service is being maintained. Please come back later.\n",
    b"\x89PNG\r\n\x1a\n\x00\xff\xfe\x00\x00",
    b"",
)
"""Bodies that are no data of any MIS."""


_FAILURES: Final = (200, 302, 400, 401, 403, 404, 422, 429, 500, 503)


def failures(http: HttpTable, secrets: Sequence[str]) -> Iterator[HttpResponse]:
    """Give answers that are failures, with the secrets where the MIS puts its own words.

    Args:
        http: of the manifest; says where errors have their text.
        secrets: that the school gave.
    """
    words: dict[str, Any] = {}
    for text in (http.error_code, http.error_text):
        put_at(words, parse_path(text).steps, f"refused for {' '.join(secrets)}")
    told = msgspec.json.encode(words)
    for status in _FAILURES:
        for body in (told, *(body + b" ".join(s.encode() for s in secrets) for body in FOREIGN)):
            yield HttpResponse(status, {}, body)


def always(answer: HttpResponse) -> Fault:
    """Answer everything alike."""
    return lambda _asked, _good: answer


def to_lists(school: School, answer: HttpResponse) -> Fault:
    """Answer everything alike, but what gets a token."""
    return lambda asked, good: good if school.is_token(asked) else answer


def foreign_file(content: bytes, way: int) -> bytes | None:
    """Put something else in the place of a file."""
    del content
    return FOREIGN[way]


def cut_file(content: bytes, way: int) -> bytes | None:
    """Cut a file off; None where there are no more ways to do it.

    A table is cut in its first line: later on, a row fewer is nothing that anybody could notice.
    """
    start = content.removeprefix(BOM_UTF8).lstrip()
    whole = start.startswith(_STRUCTURED)
    length = len(content.rstrip()) if whole else len(content.split(b"\n", 1)[0])
    places = (length // 2, length - 1)
    return content[: places[way]] if way < len(places) else None


def with_bom(content: bytes) -> bytes:
    """Put a byte order mark before the data."""
    return BOM_UTF8 + content.removeprefix(BOM_UTF8)
