"""The one clockwork: APScheduler calls one tick; what is due stands in rows, not in jobs.

The only module that imports APScheduler. Its defaults would drop work after one late second and
report nothing, so the three that matter are set, and a tick that was missed or that failed is
logged (APScheduler 3 user guide, "Missed job executions and coalescing"). It keeps time by the wall
clock; two things are added for a clock that is set: the next tick is counted from now and not from
the last one (a year forward is one tick, not six million), and a tick that the clock was set back
from is brought forward again.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from mis_bridge.errors import MisBridgeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from apscheduler.events import JobExecutionEvent
    from structlog.typing import FilteringBoundLogger

__all__ = ["Ticker"]

# Its only warning left is that a tick still runs when the next is due, which is as it should be:
# then the next one waits. A tick that hangs is seen by the watchdog.
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)

_JOB = "tick"

_SAY_AGAIN = 600.0
"""Seconds after which an error that goes on is said once more: a full disk is full for days."""


class _Every(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """At once, and then so long after each beginning."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """When the next tick begins."""
        return now if previous is None else now + self._interval


class Ticker:
    """Calls ``tick`` every ``seconds``, never twice at once.

    Args:
        tick: the work; its errors are logged and the next tick comes all the same.
        seconds: between the beginnings of two ticks.
        log: where a missed or failed tick is said.
    """

    def __init__(
        self, tick: Callable[[], Awaitable[None]], seconds: float, log: FilteringBoundLogger
    ) -> None:
        self._tick = tick
        self._interval = timedelta(seconds=seconds)
        self._ticking = asyncio.Lock()
        self._log = log
        self._guard: asyncio.TimerHandle | None = None
        self._said = ""
        self._said_at = 0.0
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._say, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        self._scheduler.add_job(self._once, _Every(self._interval), id=_JOB)

    def start(self) -> None:
        """Begin; the first tick comes at once."""
        self._scheduler.start()
        self._keep_guard()

    async def stop(self) -> None:
        """Stop calling, and wait for the tick under way: shutting down would cut it off."""
        if self._guard is not None:
            self._guard.cancel()
        self._scheduler.pause()
        async with self._ticking:
            self._scheduler.shutdown(wait=False)

    def _keep_guard(self) -> None:
        """Look at the clock by one that nobody sets: is the next tick still near?"""
        job = self._scheduler.get_job(_JOB)
        now = datetime.now(UTC)
        if job is not None and job.next_run_time - now > 2 * self._interval:
            self._scheduler.modify_job(_JOB, next_run_time=now)
        self._guard = asyncio.get_running_loop().call_later(
            self._interval.total_seconds(), self._keep_guard
        )

    async def _once(self) -> None:
        async with self._ticking:
            try:
                await self._tick()
            except MisBridgeError as error:
                if self._is_news(str(error)):
                    self._log.error("tick_failed", problem=str(error))
            except Exception as error:  # noqa: BLE001 - the next tick comes all the same
                if self._is_news(type(error).__name__):
                    self._log.exception("tick_failed", problem=type(error).__name__)
            else:
                self._said = ""

    def _is_news(self, problem: str) -> bool:
        """Whether a problem is another one than in the tick before, or was said long ago."""
        now = asyncio.get_running_loop().time()
        if problem == self._said and now - self._said_at < _SAY_AGAIN:
            return False
        self._said, self._said_at = problem, now
        return True

    def _say(self, event: JobExecutionEvent) -> None:
        self._log.error("tick_failed", problem="missed" if event.code == EVENT_JOB_MISSED else "")
