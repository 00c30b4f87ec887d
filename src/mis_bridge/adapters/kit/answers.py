"""The silver cases of answers: what a MIS sends, or fails to send, in the place of its data."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.kit.bench import tried
from mis_bridge.adapters.kit.faults import FOREIGN, cut_file, foreign_file, to_lists, with_bom
from mis_bridge.adapters.kit.findings import DoesNotApply, Failed
from mis_bridge.adapters.kit.line import broken
from mis_bridge.adapters.kit.model import Case, Tier
from mis_bridge.adapters.kit.reading import as_json, difference
from mis_bridge.errors import (
    MisAnswerInvalid,
    MisAuthFailed,
    MisError,
    MisNotThere,
    MisPermissionMissing,
    MisRequestRefused,
    MisThrottled,
    MisUnavailable,
    MisUnreachable,
)
from mis_bridge.io.http import HttpFailure, HttpResponse
from mis_bridge.io.retry import RetryRules

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.adapters.kit.bench import Bench, School
    from mis_bridge.adapters.kit.line import Asked, Fault

__all__ = ["CASES"]

_VENDORS: Final = (520, 521, 522, 523, 524, 525, 526, 599)
"""Statuses that no standard has and that content networks and proxies send."""

_STATUSES: Final = (
    *(204, 205),
    *(status.value for status in HTTPStatus if status >= HTTPStatus.MULTIPLE_CHOICES),
    *_VENDORS,
)
_NAMES: Final[dict[int, type[MisError]]] = {
    401: MisAuthFailed,
    403: MisPermissionMissing,
    404: MisNotThere,
    407: MisUnreachable,
    408: MisUnavailable,
    410: MisNotThere,
    425: MisUnavailable,
    429: MisThrottled,
}
_BY_HUNDRED: Final[dict[int, type[MisError]]] = {
    2: MisAnswerInvalid,
    3: MisAnswerInvalid,
    4: MisRequestRefused,
    5: MisUnavailable,
}
_PASSING: Final = (MisThrottled, MisUnavailable, MisUnreachable)
"""What may pass by itself, so that it is tried again within the reading."""

_SHORT, _LONG = 7, 700
"""Seconds that a MIS asks to be left alone: within what a reading waits, and far beyond."""

_SHAPES: Final = (b"null", b'"text"', b"7", b"{}")
"""JSON that is no answer of any list."""


async def _statuses(bench: Bench) -> None:
    _needs_requests(bench)
    for status in _STATUSES:
        expected = _NAMES.get(status) or _BY_HUNDRED[status // 100]
        school = bench.school()
        school.line.fault = to_lists(school, HttpResponse(status, {}, b""))
        error = (await tried(school, patient=True))[1]
        if type(error) is not expected:
            raise Failed(f"a {status} is taken for {_named(error)}, not for {expected.state}")
        asked = [one for one in school.line.asked if not school.is_token(one)]
        times = sum(one.what == asked[0].what for one in asked)
        renewed = expected is MisAuthFailed and bool(school.asks_token_at)
        wanted = range(2, RetryRules().attempts + 1) if expected in _PASSING else (1 + renewed,)
        if times not in wanted:
            raise Failed(f"after a {status} the same was asked for {times} times")
    await _token_statuses(bench)


async def _token_statuses(bench: Bench) -> None:
    """Where a token is got first, a refusal is a refusal of the credentials."""
    if not bench.school().asks_token_at:
        return
    refused = [(status, MisAuthFailed) for status in (400, 401, 404)]
    for status, expected in (*refused, (503, MisUnavailable)):
        school = bench.school()
        school.line.fault = _to_token(school, HttpResponse(status, {}, b""))
        error = (await tried(school))[1]
        if type(error) is not expected:
            raise Failed(f"a {status} to the token is taken for {_named(error)}")


async def _timeouts(bench: Bench) -> None:
    _needs_requests(bench)
    school = bench.school()
    school.line.fault = lambda _asked, _good: None
    error = (await tried(school, patient=True))[1]
    if type(error) is not MisUnreachable:
        raise Failed(f"a MIS that never answers is taken for {_named(error)}")
    await _survives(bench, lambda _asked, _good: None)


async def _resets(bench: Bench) -> None:
    _needs_requests(bench)
    for kind in (HttpFailure.RESET, HttpFailure.NOT_SENT):

        def breaks(asked: Asked, _: HttpResponse, kind: HttpFailure = kind) -> HttpResponse | None:
            raise broken(asked.url, kind)

        school = bench.school()
        school.line.fault = breaks
        error = (await tried(school, patient=True))[1]
        if type(error) is not MisUnreachable:
            raise Failed(f"a connection that breaks is taken for {_named(error)}")
        await _survives(bench, breaks)


async def _survives(bench: Bench, fault: Fault) -> None:
    """One failure of one request costs a wait, and no record."""
    http = bench.adapter.manifest.http
    for target in await bench.asked_for():
        school = bench.school()
        school.line.fault = _once(target, fault)
        batches, error = await tried(school, patient=True)
        if error is None:
            _same(bench, as_json(batches), f"after one failure of {target.path}")
        elif http is None or http.timeout < RetryRules().budget:
            raise Failed(f"one failure of {target.path} ends the reading: {error.state}")


async def _cut(bench: Bench) -> None:
    if bench.fixtures.is_dropped:
        await _spoilt(bench, cut_file, "is cut off")
        return
    for target in await bench.asked_for():
        for spoil in (_half, _all_but_one):
            await _refused(bench, target, spoil, "that is cut off")


async def _foreign(bench: Bench) -> None:
    if bench.fixtures.is_dropped:
        await _spoilt(bench, foreign_file, "is no data")
        return
    for target in await bench.asked_for():
        for body in FOREIGN:
            await _refused(bench, target, partial(_instead, body), "that is no data")
        if bench.school().is_check(target):
            continue
        for body in _SHAPES:
            await _refused(bench, target, partial(_instead, body), "of another shape")


def _half(good: bytes) -> bytes:
    return good[: len(good) // 2]


def _all_but_one(good: bytes) -> bytes:
    return good.rstrip()[:-1]


def _instead(body: bytes, good: bytes) -> bytes:
    del good
    return body


async def _refused(bench: Bench, target: Asked, spoil: Callable[[bytes], bytes], what: str) -> None:
    school = bench.school()
    school.line.fault = _changed(target, spoil)
    error = (await tried(school))[1]
    if not isinstance(error, MisAnswerInvalid | MisAuthFailed):
        raise Failed(f"an answer to {target.path} {what} is taken for {_named(error)}")


async def _spoilt(bench: Bench, spoil: Callable[[bytes, int], bytes | None], what: str) -> None:
    """Spoil each file that is read, in each way: it is named, or its rows are set aside."""
    for name in await bench.files():
        for way in range(len(FOREIGN)):
            school = bench.school()
            file = school.folder / name
            content = spoil(file.read_bytes(), way)
            if content is None:
                continue
            file.write_bytes(content)
            batches, error = await tried(school)
            if error is None and not any(batch.quarantined for batch in batches):
                raise Failed(f"nothing tells that {name} {what}")


async def _bom(bench: Bench) -> None:
    school = bench.school()
    if bench.fixtures.is_dropped:
        for name in await bench.files():
            file = school.folder / name
            file.write_bytes(with_bom(file.read_bytes()))
    else:
        school.line.fault = lambda _, good: dataclasses.replace(good, body=with_bom(good.body))
    _same(bench, as_json(await school.read()), "with a byte order mark")


async def _retry_after_seconds(bench: Bench) -> None:
    await _throttled(bench, lambda _, seconds: str(seconds))


async def _retry_after_date(bench: Bench) -> None:
    await _throttled(
        bench,
        lambda school, seconds: format_datetime(
            school.clock.now() + timedelta(seconds=seconds), usegmt=True
        ),
    )


async def _throttled(bench: Bench, header: Callable[[School, int], str]) -> None:
    _needs_requests(bench)
    school = bench.school()

    def busy(_: Asked, __: HttpResponse) -> HttpResponse:
        return HttpResponse(429, {"retry-after": header(school, _SHORT)}, b"")

    (target, *_) = await bench.asked_for()
    school.line.fault = _once(target, busy)
    batches, error = await tried(school, patient=True)
    if error is not None:
        raise Failed(f"a 429 that asks for {_SHORT} s ends the reading")
    _same(bench, as_json(batches), "after a 429")
    times = [one.at for one in school.line.asked if one.what == target.what][:2]
    # A date has no fractions of a second.
    if times[1] - times[0] < _SHORT - 1:
        raise Failed(f"a 429 that asks for {_SHORT} s is waited for {times[1] - times[0]:.1f} s")
    school = bench.school()
    school.line.fault = lambda _, __: HttpResponse(429, {"retry-after": header(school, _LONG)}, b"")
    error = (await tried(school, patient=True))[1]
    if not isinstance(error, MisThrottled) or not (
        _LONG - 1 <= (error.retry_after or 0) <= _LONG + 1
    ):
        raise Failed(f"a 429 that asks for {_LONG} s does not become the feed's next due time")
    if len(school.line.asked) > 1:
        raise Failed("a MIS that asks to be left alone for long is asked again in the same reading")


def _to_token(school: School, answer: HttpResponse) -> Fault:
    """Answer what gets a token, and nothing else."""
    return lambda asked, good: answer if school.is_token(asked) else good


def _once(target: Asked, fault: Fault) -> Fault:
    """Let a fault happen to the first request for one thing."""
    left = [target.what]

    def change(asked: Asked, good: HttpResponse) -> HttpResponse | None:
        if asked.what not in left:
            return good
        left.clear()
        return fault(asked, good)

    return change


def _changed(target: Asked, spoil: Callable[[bytes], bytes]) -> Fault:
    """Change the body of the answers to one request."""

    def change(asked: Asked, good: HttpResponse) -> HttpResponse:
        if asked.what != target.what:
            return good
        return dataclasses.replace(good, body=spoil(good.body))

    return change


def _same(bench: Bench, found: object, when: str) -> None:
    if told := difference(found, bench.fixtures.expect):
        raise Failed(f"{when}: {told}")


def _named(error: MisError | None) -> str:
    return "a good answer" if error is None else error.state


def _needs_requests(bench: Bench) -> None:
    if bench.fixtures.is_dropped:
        raise DoesNotApply("files are dropped into a folder; nothing is asked for")


CASES: Final = tuple(
    Case(name, Tier.SILVER, sentence, check)
    for name, sentence, check in (
        (
            "statuses",
            "every HTTP status is tried again, a refused credential or final, as the table has it",
            _statuses,
        ),
        (
            "timeouts",
            "a MIS that hangs is unreachable; one hanging request costs no record",
            _timeouts,
        ),
        ("resets", "a connection that breaks once costs a wait and no record", _resets),
        ("cut-answers", "an answer that is cut off is named, wherever it is cut", _cut),
        (
            "foreign-answers",
            "a web page, text, bytes, nothing or JSON of another shape is never taken for data",
            _foreign,
        ),
        ("byte-order-mark", "a byte order mark before the data changes nothing", _bom),
        (
            "retry-after-seconds",
            "a 429 with seconds is waited for if they are few, and is the next due time if not",
            _retry_after_seconds,
        ),
        ("retry-after-date", "a 429 with a date likewise", _retry_after_date),
    )
)
