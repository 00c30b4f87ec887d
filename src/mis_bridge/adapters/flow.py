"""What an adapter and its driver say to each other.

An adapter never does I/O. It is a generator that yields a ``Request`` and is sent the ``Response``,
or yields a ``Page`` of records; the driver makes the requests. Retries, rates, ``Retry-After``, TLS
and redaction therefore live in one place, and a fixture, a simulator and a live school run the
same adapter.

A ``Page`` is yielded *before* its records are decoded, so that the driver can have the next request
under way in the meantime.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

__all__ = ["Page", "Pull", "Request", "Response"]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, without the credentials that the driver adds.

    Args:
        method: ``GET`` or ``POST``.
        url: whole address with its query.
        headers: besides authentication.
        content: body, or None.
        stream: for whom: named in errors.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    stream: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """A successful answer, as bytes.

    Args:
        status: 2xx; everything else has become a ``MisError`` before it gets here.
        headers: names in lower case.
        body: after content decoding.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """The records of one answer, still as they came.

    Args:
        stream: name of the stream.
        number: from 1 within the list, or within this part of it.
        raw: JSON array of the records.
        digest: of ``raw``.
        resume: where to go on after this page, or empty after the last one.
        last: the stream ends here.
        part: the day or word of the part that the page belongs to, or empty.
        kept: what is kept beside the records for the next read, such as a version.
        deleted: ids of records that the MIS says are gone.
        passed_over: how many parts of the list were not there, so that it is not the whole.
    """

    stream: str
    number: int
    raw: bytes
    digest: str
    resume: str = ""
    last: bool = False
    part: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)
    deleted: tuple[str, ...] = ()
    passed_over: int = 0


Pull = Generator[Request | Page, Response | None, None]
"""Yield a request and be sent its response, or yield a page and be sent None.

That the MIS does not have what was asked for is thrown in where the request was yielded: the pull
knows whether it can do without. Every other failure ends it.
"""
