"""Ticks come whatever happens to the clock, and whatever a tick does."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from apscheduler.schedulers import base
from structlog.testing import capture_logs

from mis_bridge.errors import StoreBusy, StoreFull
from mis_bridge.io.logs import get_logger
from mis_bridge.service import ticker
from mis_bridge.service.ticker import Ticker

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 0.02
PATIENCE = 10.0


@pytest.fixture
def shift(monkeypatch: pytest.MonkeyPatch) -> Callable[[dt.timedelta], None]:
    """Call it to set the machine's clock, as the scheduler sees it, forward or back."""
    by = dt.timedelta(0)

    class Shifted(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return dt.datetime.now(tz) + by

    def set_clock(span: dt.timedelta) -> None:
        nonlocal by
        by = span

    for module in (base, ticker):
        monkeypatch.setattr(module, "datetime", Shifted)
    return set_clock


class Ticks:
    """Counts."""

    def __init__(self) -> None:
        self.count = 0
        self.errors: list[Exception] = []
        self._came = asyncio.Event()

    async def tick(self) -> None:
        """One tick."""
        self.count += 1
        self._came.set()
        if self.errors:
            raise self.errors.pop()

    async def more(self, count: int) -> None:
        """Wait for so many more."""
        wanted = self.count + count
        async with asyncio.timeout(PATIENCE):
            while self.count < wanted:
                self._came.clear()
                await self._came.wait()


@pytest.mark.parametrize(
    "span",
    [
        dt.timedelta(hours=-1),
        dt.timedelta(days=-400),
        dt.timedelta(hours=1),
        dt.timedelta(days=365 * 26),
    ],
    ids=["an hour back", "a year back", "an hour forward", "decades forward"],
)
async def test_ticks_go_on_when_the_clock_is_set(
    shift: Callable[[dt.timedelta], None], span: dt.timedelta
) -> None:
    """No tick waits for the old time to come again, and none is made good a million times."""
    ticks = Ticks()
    clockwork = Ticker(ticks.tick, SECONDS, get_logger("test"))
    clockwork.start()
    try:
        await ticks.more(2)
        shift(span)
        before = ticks.count
        began = asyncio.get_running_loop().time()
        await ticks.more(3)
        took = asyncio.get_running_loop().time() - began
        assert ticks.count - before <= 3 + took / SECONDS
    finally:
        await clockwork.stop()


@pytest.mark.parametrize(
    ("error", "problem"),
    [(StoreBusy("look for a second mis-bridge"), "look for"), (KeyError("x"), "KeyError")],
)
async def test_a_tick_that_fails_is_said_and_the_next_one_comes(
    error: Exception, problem: str
) -> None:
    """What a person can mend is said in its own words, once a tick and without a traceback."""
    ticks = Ticks()
    ticks.errors = [error]
    clockwork = Ticker(ticks.tick, SECONDS, get_logger("test"))
    with capture_logs() as logged:
        clockwork.start()
        await ticks.more(3)
        await clockwork.stop()
    (said,) = logged
    assert said["event"] == "tick_failed"
    assert problem in str(said["problem"])
    assert ("exc_info" in said) == (not isinstance(error, StoreBusy))


async def test_an_error_that_goes_on_is_said_once_until_it_changes() -> None:
    """A disk that is full for days fills no log; what ended and comes again is said again."""
    ticks = Ticks()
    full, held = StoreFull("free space"), StoreBusy("held")
    ticks.errors = [full, full, held, held, held]
    clockwork = Ticker(ticks.tick, SECONDS, get_logger("test"))
    with capture_logs() as logged:
        clockwork.start()
        await ticks.more(7)
        ticks.errors = [full]
        await ticks.more(2)
        await clockwork.stop()
    assert [said["problem"] for said in logged] == ["held", "free space", "free space"]


async def test_stopping_waits_for_the_tick_under_way() -> None:
    """A transaction that is begun is finished; no tick comes afterwards."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    ended: list[Any] = []

    async def slow() -> None:
        begun.set()
        await go_on.wait()
        ended.append(True)

    clockwork = Ticker(slow, SECONDS, get_logger("test"))
    clockwork.start()
    await begun.wait()
    stopping = asyncio.create_task(clockwork.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go_on.set()
    await stopping
    assert ended == [True]
