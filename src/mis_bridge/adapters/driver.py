"""The one place where an adapter's requests are made.

It adds the credentials, keeps to the limits of a host, tries again what is worth it, and names
every failure. Pages are read ahead: while one is decoded and stored, the next is on its way, so
that reading costs the slower of the two and not their sum.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from mis_bridge.adapters.answers import failure
from mis_bridge.adapters.flow import Page, Response
from mis_bridge.errors import MisPagingBroken, MisThrottled, MisUnavailable, MisUnreachable
from mis_bridge.io.http import HttpError
from mis_bridge.io.retry import RetryRules, retried

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping

    from mis_bridge.adapters.answers import Judge
    from mis_bridge.adapters.flow import Pull, Request
    from mis_bridge.adapters.vocabulary import HttpTable
    from mis_bridge.io.http import HttpResponse

__all__ = ["Driver", "Gates", "Sends"]

_AHEAD: Final = 8
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
        authentication: headers that hold the credentials.
        judge: tells good answers from bad ones.
        gates: shared with the other schools of the adapter.
        rules: how often to try again.
        sleep: replaced in tests.
    """

    def __init__(
        self,
        transport: Sends,
        http: HttpTable,
        authentication: Mapping[str, str],
        judge: Judge,
        gates: Gates,
        *,
        rules: RetryRules | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._http = http
        self._authentication = dict(authentication)
        self._judge = judge
        self._gates = gates
        self._rules = rules or RetryRules()
        self._sleep = sleep
        self._pages = 0

    def begin(self) -> None:
        """Begin a read: its page budget is full again."""
        self._pages = 0

    async def send(self, request: Request) -> Response:
        """Send one request, with retries.

        Raises:
            MisError: what the feed's state becomes.
        """
        gate = self._gates.of(request.url, self._http)

        async def attempt() -> Response:
            async with gate.turn(self._sleep):
                try:
                    answer = await self._transport.request(
                        request.method,
                        request.url,
                        headers={**request.headers, **self._authentication},
                        content=request.content,
                        timeout=self._http.timeout,
                    )
                except HttpError as error:
                    problem = failure(error, request.stream)
                else:
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
                    step = pull.send(await self.send(step))
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
