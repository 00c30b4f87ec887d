"""The one place where an adapter's requests are made.

It adds the credentials, keeps to the limits of a host, tries again what is worth it, and names
every failure. Pages are read ahead: while one is decoded and stored, the next is on its way, so
that reading costs the slower of the two and not their sum.
"""

from __future__ import annotations

import asyncio
import contextlib
from codecs import BOM_UTF8
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from mis_bridge.adapters.answers import Judge, failure
from mis_bridge.adapters.auth import Credentials
from mis_bridge.adapters.flow import Page, Response
from mis_bridge.adapters.template import fill
from mis_bridge.errors import (
    MisAnswerInvalid,
    MisAuthFailed,
    MisNotThere,
    MisPagingBroken,
    MisRequestRefused,
    MisThrottled,
    MisUnavailable,
    MisUnreachable,
)
from mis_bridge.io.http import HttpError
from mis_bridge.io.retry import RetryRules, retried
from mis_bridge.io.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from mis_bridge.adapters.flow import Pull, Request
    from mis_bridge.adapters.manifest import Connection
    from mis_bridge.adapters.vocabulary import ErrorRule, HttpTable, ManifestModel
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.http import HttpResponse

__all__ = ["Driver", "Gates", "Sends", "driver_of"]

_AHEAD: Final = 8
_STEPS_TO_SEND: Final = 12
"""So often others are let go first when a page is given out: by then the next request is written.

Decoding a page holds up everything else. With the request still unwritten meanwhile, the MIS would
rest while we work, and we while it does.
"""
_MOVED: Final = "Check the address that tokens come from; ask the vendor whether it has moved."
_RETRIED: Final = (MisThrottled, MisUnavailable, MisUnreachable)


class Sends(Protocol):
    """What the driver needs of ``io.http.Transport``; fixtures stand in for it."""

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as the transport
    ) -> HttpResponse:
        """Send one request and read its answer."""
        ...


class _Gate:
    """The limits of one host: how many at once, how soon after each other, not before when."""

    def __init__(self, http: HttpTable) -> None:
        self._room = asyncio.Semaphore(http.concurrency)
        self._apart = max(http.minimum_interval, 1 / http.rate if http.rate else 0)
        self._next = 0.0
        self._paused_until = 0.0

    @contextlib.asynccontextmanager
    async def turn(self, sleep: Callable[[float], Awaitable[None]]) -> AsyncGenerator[None]:
        """Wait for a turn and take it."""
        async with self._room:
            now = asyncio.get_running_loop().time()
            start = max(now, self._next, self._paused_until)
            if self._apart:
                self._next = start + self._apart
            if start > now:
                await sleep(start - now)
            yield

    def pause(self, seconds: float) -> None:
        """Let nobody start before then: one school's 429 is meant for all on this host."""
        until = asyncio.get_running_loop().time() + seconds
        self._paused_until = max(self._paused_until, until)


class Gates:
    """The gates of all hosts, shared by all schools of one adapter, one set an event loop."""

    def __init__(self) -> None:
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Gate]] = (
            WeakKeyDictionary()
        )

    def of(self, url: str, http: HttpTable) -> _Gate:
        """Find the gate of an address's host."""
        hosts = self._loops.setdefault(asyncio.get_running_loop(), {})
        host = urlsplit(url).netloc
        if host not in hosts:
            hosts[host] = _Gate(http)
        return hosts[host]


class Driver:
    """Runs pulls for one school.

    Args:
        transport: where requests go.
        http: limits of the manifest.
        credentials: of the school; added to every request.
        judge: tells good answers from bad ones.
        gates: shared with the other schools of the adapter.
        rules: how often to try again.
        sleep: replaced in tests.
    """

    def __init__(
        self,
        transport: Sends,
        http: HttpTable,
        credentials: Credentials,
        judge: Judge,
        gates: Gates,
        *,
        rules: RetryRules | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._http = http
        self._credentials = credentials
        self._renewing = asyncio.Lock()
        self._judge = judge
        self._gates = gates
        self._rules = rules or RetryRules()
        self._sleep = sleep
        self._pages = 0

    def begin(self) -> None:
        """Begin a read: its page budget is full again."""
        self._pages = 0

    async def send(self, request: Request) -> Response:
        """Send one request with the credentials, with retries.

        Raises:
            MisError: what the feed's state becomes.
        """
        await self._renew()
        try:
            return await self._sent(request, self._credentials.headers())
        except MisAuthFailed:
            # A token may have been withdrawn before its time: one new one is tried.
            if not self._credentials.refused():
                raise
        await self._renew()
        return await self._sent(request, self._credentials.headers())

    def judged(self, response: Response, stream: str, rules: Sequence[ErrorRule]) -> None:
        """Look at a good answer by further rules.

        Raises:
            MisError: one of them fits.
        """
        error = self._judge.check(response.body, stream, rules)
        if error is not None:
            raise error

    async def _renew(self) -> None:
        """Get a token where one is needed; streams that need it at once wait for one request."""
        async with self._renewing:
            if not self._credentials.needs_token:
                return
            flow = self._credentials.renew()
            with contextlib.suppress(StopIteration):
                request = next(flow)
                while True:
                    try:
                        answer = await self._sent(request, {})
                    except (MisRequestRefused, MisAnswerInvalid) as error:
                        # OAuth 2.0 refuses wrong credentials with 400 (RFC 6749, section 5.2),
                        # others with 200 and an error where the token should be.
                        raise MisAuthFailed(error.problem) from None
                    except MisNotThere as error:
                        # This is no list that a school may be without.
                        moved = MisAuthFailed(error.problem)
                        moved.advice = _MOVED
                        raise moved from None
                    request = flow.send(answer)

    async def _sent(self, request: Request, credentials: Mapping[str, str]) -> Response:
        gate = self._gates.of(request.url, self._http)

        async def attempt() -> Response:
            async with gate.turn(self._sleep):
                try:
                    answer = await self._transport.request(
                        request.method,
                        request.url,
                        headers={**request.headers, **credentials},
                        content=request.content,
                        timeout=self._http.timeout,
                    )
                except HttpError as error:
                    problem = failure(error, request.stream)
                else:
                    # Some servers put a byte order mark before their JSON (RFC 8259, section 8.1,
                    # lets a reader pass over it).
                    if answer.body.startswith(BOM_UTF8):
                        answer = replace(answer, body=answer.body.removeprefix(BOM_UTF8))
                    found = self._judge.error(answer, request.stream)
                    if found is None:
                        return Response(answer.status, answer.headers, answer.body)
                    problem = found
            if isinstance(problem, MisThrottled) and problem.retry_after:
                gate.pause(min(problem.retry_after, self._rules.budget))
            raise problem from None

        return await retried(attempt, _RETRIED, self._rules, sleep=self._sleep)

    async def pages(self, pull: Pull) -> AsyncGenerator[Page]:
        """Give the pages of a pull, read ahead.

        Raises:
            MisError: of a request or of the pull; the pages before it were given.
        """
        queue: asyncio.Queue[Page | BaseException | None] = asyncio.Queue(_AHEAD)
        reader = asyncio.create_task(self._read(pull, queue))
        try:
            while True:
                item = await queue.get()
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                if not item.last:
                    for _ in range(_STEPS_TO_SEND):
                        await asyncio.sleep(0)
                yield item
        finally:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
            pull.close()

    async def _read(self, pull: Pull, queue: asyncio.Queue[Page | BaseException | None]) -> None:
        try:
            step = next(pull)
            while True:
                if isinstance(step, Page):
                    self._spend()
                    await queue.put(step)
                    step = next(pull)
                else:
                    try:
                        answer = await self.send(step)
                    except MisNotThere as error:
                        step = pull.throw(error)
                    else:
                        step = pull.send(answer)
        except StopIteration:
            await queue.put(None)
        except Exception as error:  # noqa: BLE001 - raised again where the pages are taken
            await queue.put(error)

    def _spend(self) -> None:
        self._pages += 1
        if self._pages > self._http.page_budget:
            raise MisPagingBroken(
                f"more than {self._http.page_budget} pages in one read (http.page_budget)"
            )


def driver_of(
    manifest: ManifestModel,
    connection: Connection,
    transport: Sends,
    clock: Clock,
    gates: Gates,
    *,
    rules: RetryRules | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Driver:
    """Make the driver of one school from what its adapter declares.

    Args:
        manifest: of the adapter, with ``[http]`` and ``[auth]``.
        connection: what the school gave, checked.
        transport: where requests go.
        clock: the present.
        gates: shared with the other schools of the adapter.
        rules: how often to try again, if not as usual.
        sleep: replaced in tests.

    Raises:
        ValueError: the manifest has no ``[http]`` or no ``[auth]``.
    """
    if manifest.http is None or manifest.auth is None:
        raise ValueError("an adapter that asks over HTTP has [http] and [auth]")
    secrets = [value.reveal() for value in connection.values() if isinstance(value, Secret)]
    judge = Judge(manifest.http, secrets, clock.now)
    plain = {f"connection.{k}": v for k, v in connection.items() if isinstance(v, str)}
    base = fill(manifest.http.base, plain)
    credentials = Credentials(manifest.auth, connection, base, clock.now, judge.learn)
    return Driver(transport, manifest.http, credentials, judge, gates, rules=rules, sleep=sleep)
