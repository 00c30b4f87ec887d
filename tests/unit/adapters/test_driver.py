"""The limits of a host, reading ahead, and giving up."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.adapters.answers import Judge
from mis_bridge.adapters.auth import Credentials
from mis_bridge.adapters.driver import Driver, Gates
from mis_bridge.adapters.flow import Page, Request
from mis_bridge.adapters.vocabulary import AuthTable, HttpTable
from mis_bridge.errors import MisThrottled, MisUnreachable
from mis_bridge.io.http import HttpError, HttpFailure, HttpResponse
from mis_bridge.io.retry import RetryRules

if TYPE_CHECKING:
    from collections.abc import Generator

    from mis_bridge.adapters.flow import Pull

NOW = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)
URL = "https://tiny.example.test/x"


@pytest.fixture
def waits() -> list[float]:
    """The waits that nobody waited."""
    return []


class Host:
    """Answers when it is let; counts who asks at once."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.now = self.most = self.asked = 0
        self.answers: list[HttpResponse | HttpError] = []

    async def request(self, method: str, url: str, **_: Any) -> HttpResponse:
        """Answer once the gate is open."""
        self.asked += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.open.wait()
        finally:
            self.now -= 1
        answer = self.answers.pop(0) if self.answers else HttpResponse(200, {}, b"{}")
        if isinstance(answer, HttpError):
            raise answer
        return answer


def driver(host: Host, gates: Gates, waits: list[float], **http: Any) -> Driver:
    """A driver of one school on the host."""
    table = HttpTable(base="https://tiny.example.test/", **http)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    nobody = Credentials(AuthTable(type="none"), {}, table.base, lambda: NOW)
    return Driver(
        host, table, nobody, Judge(table, [], lambda: NOW), gates,
        rules=RetryRules(attempts=2, budget=20), sleep=sleep,
    )  # fmt: skip


async def until_quiet() -> None:
    """Let every task run as far as it can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_requests_at_once_are_limited_for_all_schools_of_a_host(waits: list[float]) -> None:
    """Two schools, six requests, two at a time."""
    host, gates = Host(), Gates()
    schools = [driver(host, gates, waits, concurrency=2) for _ in range(2)]
    host.open.clear()
    asking = [
        asyncio.create_task(school.send(Request("GET", URL))) for school in schools for _ in "abc"
    ]
    await until_quiet()
    assert host.now == 2

    host.open.set()
    await asyncio.gather(*asking)
    assert (host.most, host.asked) == (2, 6)


async def test_requests_keep_their_distance(waits: list[float]) -> None:
    """Four a second: each starts a quarter of a second after the one before."""
    host, gates = Host(), Gates()
    school = driver(host, gates, waits, rate=4, minimum_interval=0.1)

    for _ in range(4):
        await school.send(Request("GET", URL))

    assert len(waits) == 3
    for number, wait in enumerate(waits, 1):
        assert wait == pytest.approx(0.25 * number, abs=0.1)


async def test_a_429_for_one_school_pauses_the_others_on_that_host(waits: list[float]) -> None:
    """It is meant for the application, not for the school."""
    host, gates = Host(), Gates()
    one, other = driver(host, gates, waits), driver(host, gates, waits)
    host.answers = [HttpResponse(429, {"retry-after": "30"}, b"")]

    with pytest.raises(MisThrottled):
        await one.send(Request("GET", URL))
    assert waits == []

    await asyncio.gather(*(other.send(Request("GET", URL)) for _ in "abc"))
    assert len(waits) == 3
    assert 19 < min(waits) <= max(waits) <= 20  # no longer than the budget of a reading


async def test_a_connection_that_breaks_is_tried_again(waits: list[float]) -> None:
    """Reading twice does no harm."""
    host = Host()
    host.answers = [HttpError(HttpFailure.RESET, "tiny.example.test", "the connection broke")]

    answer = await driver(host, Gates(), waits).send(Request("GET", URL))

    assert answer.status == 200
    assert len(waits) == 1


def endless() -> Pull:
    """A pull without end."""
    number = 0
    while True:
        number += 1
        yield Request("GET", URL)
        yield Page("sessions", number, b"[]", str(number))


async def test_pages_are_read_ahead_but_not_without_bound(waits: list[float]) -> None:
    """A slow store does not fill the memory."""
    host = Host()
    pages = driver(host, Gates(), waits).pages(endless())

    first = await anext(pages)
    await until_quiet()

    assert first.number == 1
    assert 5 <= host.asked <= 12
    await pages.aclose()


async def test_a_reader_that_stops_leaves_nothing_running(waits: list[float]) -> None:
    """The request under way is cancelled, the pull is closed."""
    host = Host()
    closed: list[bool] = []

    def pull() -> Generator[Any, Any, None]:
        try:
            yield from endless()
        finally:
            closed.append(True)

    pages = driver(host, Gates(), waits).pages(pull())
    await anext(pages)
    host.open.clear()
    await until_quiet()
    await pages.aclose()

    assert closed == [True]
    assert host.now == 0
    assert len(asyncio.all_tasks()) == 1


async def test_an_error_comes_after_the_pages_before_it(waits: list[float]) -> None:
    """What was read is given out first."""
    host = Host()
    broken = HttpError(HttpFailure.NOT_SENT, "tiny.example.test", "no connection")
    host.answers = [HttpResponse(200, {}, b"{}"), HttpResponse(200, {}, b"{}"), broken, broken]
    got = []

    async def take() -> None:
        got.extend([page async for page in one_by_one()])

    async def one_by_one() -> Any:
        async for page in driver(host, Gates(), waits).pages(endless()):
            got.append(page.number)
            yield page

    with pytest.raises(MisUnreachable):
        await take()
    assert got == [1, 2]
