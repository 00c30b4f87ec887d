"""The sans-IO pull: one stream of one school as a generator of requests and pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec
import xxhash

from mis_bridge.adapters.envelope import Envelope
from mis_bridge.adapters.flow import Page
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.mapping import walk
from mis_bridge.adapters.paging import Pager
from mis_bridge.adapters.scope import Scope, version_key
from mis_bridge.adapters.template import fill
from mis_bridge.errors import MisAnswerInvalid, MisNotThere

if TYPE_CHECKING:
    from collections.abc import Generator

    from mis_bridge.adapters.flow import Pull, Request, Response

__all__ = ["Scope", "pull"]

_MISSING_AT_ONCE: Final = 40
"""So many days that are not there, one after the other and before any that is, are no holiday."""

_NONE: Final = b"[]"


@dataclass(slots=True)
class _Whole:
    """What is common to the parts of one read.

    Args:
        began: when the first of them was asked for.
        filled: a record came.
        there: a part was there.
        passed_over: parts that were not.
        why: the first of these, the newest, is not there.
        today: is not there.
    """

    began: str
    filled: bool = False
    there: bool = False
    passed_over: int = 0
    why: MisNotThere | None = None
    today: MisNotThere | None = None


def pull(scope: Scope) -> Pull:
    """Read a stream, part after part: yield requests and pages, be sent responses.

    Raises:
        MisAnswerInvalid: an answer is not the documented one.
        MisNotThere: none of the parts is there, or today's is not.
        MisPagingBroken: the list can not be believed.
    """
    parts, whole = _begun(scope)
    envelope = Envelope(scope.stream, scope.table)
    if not parts:
        # A window of nothing but weekend: there is nothing to ask for.
        yield _nothing(scope, whole)
    for place, part in enumerate(parts):
        following = parts[place + 1] if place + 1 < len(parts) else None
        missing = yield from _part(part, following, envelope, whole)
        if missing is None:
            whole.there = True
            continue
        whole.passed_over += 1
        whole.why = whole.why or missing
        whole.today = missing if part.is_today else whole.today
        if not whole.there and (following is None or whole.passed_over >= _MISSING_AT_ONCE):
            raise whole.why
        if following is None:
            if not whole.filled:
                _refuse_empty(scope)
            yield _nothing(part, whole)
    if whole.today is not None:
        # The other days are given out. But without today's registers nobody is watched, and an
        # empty day would look like a quiet one.
        raise whole.today


def _begun(scope: Scope) -> tuple[list[Scope], _Whole]:
    """Give the parts that are still to be read, and what is known of those before them."""
    parts = scope.parts()
    interrupted = scope.interrupted()
    if interrupted is None:
        return parts, _Whole(scope.now.isoformat())
    while parts[0].part != interrupted[0]:
        parts.pop(0)
    # What was passed over before the interruption is not known: then this is not the whole.
    skips = scope.table.parts is not None and scope.table.parts.missing == "skip"
    return parts, _Whole(interrupted[1], filled=True, there=True, passed_over=int(skips))


def _part(
    scope: Scope, following: Scope | None, envelope: Envelope, whole: _Whole
) -> Generator[Request | Page, Response | None, MisNotThere | None]:
    """Read one part to its end.

    Args:
        scope: of the part.
        following: the next one, or None.
        envelope: reads the answers.
        whole: what is common to the parts.

    Returns:
        None, or why the part is not there, where it may be passed over.
    """
    table = scope.table
    pager = Pager(table.page, scope.stream, fill(scope.http.base, scope.values))
    skips = table.parts is not None and table.parts.missing == "skip"
    position = scope.start(pager)
    version = scope.begun_at() or (yield from _newest(scope))
    # A list that is taken up where it was broken off goes on counting: a page keeps its name.
    number = position.number - table.page.start
    while True:
        request = scope.request(position)
        try:
            answer = envelope.read((yield from _answered(request)))
        except MisNotThere as error:
            if number or not skips:
                raise
            return error
        if number and answer.raw == _NONE and pager.is_counted and scope.since is None:
            # Its rows would be passed over, or the list taken to end here, and in a read of
            # everything what was not seen is gone: an empty answer can come by mistake.
            answer = envelope.read((yield from _answered(request)))
        number += 1
        raw = answer.raw
        # It tells whether a page has changed and guards nothing: the fastest of 128 bits will do.
        digest = xxhash.xxh3_128(scope.fingerprint)
        digest.update(raw)
        named = digest.hexdigest()
        filled = raw != _NONE
        whole.filled = whole.filled or filled
        # What changes behind a page that was read is told by the version that stood on it, and by
        # none that a later page names: an older version asks for more than is needed, never less.
        version = version or answer.version
        count = _counted(scope, raw) if pager.counts else None
        follows = pager.follow(position, request.url, named if filled else "", count, answer.told)
        last = follows is None and following is None
        if last and not whole.filled:
            _refuse_empty(scope)
        resume = ""
        if follows is not None:
            resume = scope.kept(follows, whole.began, version)
        elif following is not None:
            resume = following.kept(
                Pager(table.page, scope.stream, request.url).first(), whole.began
            )
        ended = follows is None and table.version is not None
        yield Page(
            scope.stream,
            number,
            raw,
            named,
            resume,
            last,
            part=scope.part,
            kept={version_key(scope.stream, scope.part): version} if ended else {},
            deleted=answer.deleted,
            passed_over=whole.passed_over,
        )
        if follows is None:
            return None
        position = follows


def _counted(scope: Scope, raw: bytes) -> int:
    try:
        return len(msgspec.json.decode(raw, type=list[msgspec.Raw]))
    except msgspec.DecodeError:
        raise MisAnswerInvalid(f"{scope.stream}: the answer is not valid JSON") from None


def _nothing(scope: Scope, whole: _Whole) -> Page:
    """End a list without a record."""
    return Page(
        scope.stream, 1, _NONE, "", last=True, part=scope.part, passed_over=whole.passed_over
    )


def _answered(request: Request) -> Generator[Request, Response | None, Response]:
    """Yield a request and give its answer."""
    response = yield request
    if response is None:
        raise RuntimeError("a request is answered by a response")
    return response


def _newest(scope: Scope) -> Generator[Request, Response | None, str]:
    """Ask for the newest version where the MIS tells it at an address of its own."""
    request, table = scope.asks_newest(), scope.table.version
    if request is None or table is None:
        return ""
    if request.url in scope.newest:
        return scope.newest[request.url]
    response = yield from _answered(request)
    try:
        found = walk(msgspec.json.decode(response.body), parse_path(table.next).steps)
    except msgspec.DecodeError:
        found = None
    if found is None or isinstance(found, dict | list):
        raise MisAnswerInvalid(f"{scope.stream}: the answer has no version at {table.next!r}")
    scope.newest[request.url] = str(found)
    return str(found)


def _refuse_empty(scope: Scope) -> None:
    """Take an empty list for a failure where the manifest says that it is one."""
    lead = scope.table.cursor is not None and bool(scope.values["cursor"])
    if scope.table.empty == "refuse" and not (scope.asks_changes or lead):
        raise MisAnswerInvalid(
            f"{scope.stream}: the MIS answered with an empty list. A wrong domain or region for "
            "this school, or access that was withdrawn, looks like this; it is not taken for "
            "'none'"
        )
