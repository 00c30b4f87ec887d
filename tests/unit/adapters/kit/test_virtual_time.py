"""Virtual time: waits take none, and come out exactly."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from mis_bridge.adapters.kit.findings import Failed
from mis_bridge.adapters.kit.virtual_time import LoopClock, run

START = datetime(2026, 9, 7, 12, tzinfo=UTC)


def test_an_hour_is_over_at_once_and_the_clock_shows_it() -> None:
    """Waits of tasks at once overlap, as they would."""

    async def wait() -> datetime:
        clock = LoopClock(START)
        await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(1800))
        return clock.now()

    began = time.monotonic()
    shown = run(wait())

    assert shown == START + timedelta(hours=1)
    assert time.monotonic() - began < 60


def test_a_limit_of_time_holds() -> None:
    """What waits longer is broken off when its time has passed, not sooner."""

    async def slow() -> float:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(31)
        return loop.time()

    assert run(slow()) == pytest.approx(30)


def test_work_for_a_thread_is_done_and_its_error_raised() -> None:
    """In place: the order of things is the same in every run."""

    async def work() -> int:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return await asyncio.to_thread(lambda: 7)

    assert run(work()) == 7


def test_waiting_for_nothing_is_told_and_does_not_hang() -> None:
    """A deadlock in an adapter is a case that fails."""

    async def forever() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Failed, match="never comes"):
        run(forever())
