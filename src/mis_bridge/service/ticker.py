"""The one clockwork: APScheduler calls one tick; what is due stands in rows, not in jobs.

The only module that imports APScheduler. Its defaults would drop work after one late second and
report nothing, so the three that matter are set, and a tick that was missed or that failed is
logged (APScheduler 3 user guide, "Missed job executions and coalescing").
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from apscheduler.events import JobExecutionEvent
    from structlog.typing import FilteringBoundLogger

__all__ = ["Ticker"]

# Its only warning left is that a tick still runs when the next is due, which is as it should be:
# then the next one waits. A tick that hangs is seen by the watchdog.
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


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
        self._ticking = asyncio.Lock()
        self._log = log
        self._scheduler = AsyncIOScheduler(
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_listener(self._say, EVENT_JOB_ERROR | EVENT_JOB_MISSED)
        self._scheduler.add_job(self._once, IntervalTrigger(seconds=seconds), id="tick")

    def start(self) -> None:
        """Begin; the first tick is one interval away."""
        self._scheduler.start()

    async def stop(self) -> None:
        """Stop calling, and wait for the tick under way: shutting down would cut it off."""
        self._scheduler.pause()
        async with self._ticking:
            self._scheduler.shutdown(wait=False)

    async def _once(self) -> None:
        async with self._ticking:
            await self._tick()

    def _say(self, event: JobExecutionEvent) -> None:
        error = type(event.exception).__name__ if event.exception else ""
        self._log.error("tick_failed", error=error, missed=event.code == EVENT_JOB_MISSED)
