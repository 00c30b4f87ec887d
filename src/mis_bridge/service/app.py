"""Run the daemon until it is asked to stop; put another in its place when it is asked to reload."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from mis_bridge.errors import MisBridgeError
from mis_bridge.io.logs import get_logger
from mis_bridge.service.assembly import assembled
from mis_bridge.service.auditor import AUDIT_SECONDS, problem_of
from mis_bridge.service.metrics import Metrics
from mis_bridge.service.ticker import Ticker
from mis_bridge.store import feeds, leases
from mis_bridge.store.holder import claim_process_lock
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.io.clock import Clock
    from mis_bridge.io.notify import Notifier
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.service.daemon import Daemon
    from mis_bridge.settings import Configuration

__all__ = ["run"]


@dataclass(frozen=True, slots=True)
class _Standing:
    """A daemon that is put together.

    Args:
        configuration: what it was made of.
        daemon: not yet ticking.
        closing: closes its connections.
    """

    configuration: Configuration
    daemon: Daemon
    closing: AsyncExitStack


class _Runner:
    """Runs one daemon after another, each on the configuration of its time.

    Args:
        make: puts a daemon together.
        notifier: the line to the supervisor.
        metrics: told of every daemon that takes over.
        reload: reads the configuration again, or None where there is nothing to read.
        stopping, reloading: set from outside.
        renewing: set by the daemon when other calendars hold.
    """

    def __init__(
        self,
        make: Callable[[Configuration], AbstractAsyncContextManager[Daemon]],
        notifier: Notifier,
        metrics: Metrics,
        reload: Callable[[], Configuration] | None,
        stopping: asyncio.Event,
        reloading: asyncio.Event,
        renewing: asyncio.Event,
    ) -> None:
        self._make = make
        self._notifier = notifier
        self._metrics = metrics
        self._reload = reload
        self._stopping = stopping
        self._reloading = reloading
        self._renewing = renewing
        self._log = get_logger(__name__)

    async def run(self, configuration: Configuration) -> None:
        """Run until asked to stop."""
        standing: _Standing | None = await self._put_up(configuration)
        while standing is not None:
            async with standing.closing:
                standing = await self._tick_until_asked(standing)

    async def _put_up(self, configuration: Configuration) -> _Standing:
        async with AsyncExitStack() as closing:
            daemon = await closing.enter_async_context(self._make(configuration))
            return _Standing(configuration, daemon, closing.pop_all())

    async def _tick_until_asked(self, standing: _Standing) -> _Standing | None:
        """Let a daemon tick until it has to stop or another one takes over; gives the other one."""
        settings = standing.configuration.settings
        self._metrics.watch(
            standing.daemon.auditor,
            frozenset(standing.configuration.schools),
            frozenset(settings.channels),
        )
        ticker = Ticker(self._first_said(standing), settings.service.tick_seconds, self._log)
        audits = Ticker(standing.daemon.auditor.audit, AUDIT_SECONDS, self._log)
        ticker.start()
        audits.start()
        try:
            while not await self._asked_to_stop():
                following = await self._reloaded(standing)
                if following is not None:
                    self._notifier.reloading()
                    return following
            return None
        finally:
            await audits.stop()
            await ticker.stop()
            await standing.daemon.stop()

    def _first_said(self, standing: _Standing) -> Callable[[], Awaitable[None]]:
        """The daemon's tick; when the first has finished, everybody is told that it watches."""
        schools = len(standing.configuration.schools)
        said = False

        async def tick() -> None:
            nonlocal said
            try:
                await standing.daemon.tick()
            except Exception as error:
                standing.daemon.auditor.tick_failed(problem_of(error))
                raise
            if not said:
                said = True
                self._notifier.ready(f"watching {schools} schools")
                self._log.info("started", schools=schools)

        return tick

    async def _asked_to_stop(self) -> bool:
        """Wait until somebody asks for something; False where another daemon is to take over."""
        events = (self._stopping, self._reloading, self._renewing)
        waits = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        return self._stopping.is_set()

    async def _reloaded(self, standing: _Standing) -> _Standing | None:
        """Put the next daemon together beside the one that ticks; None where that is refused."""
        reload = self._reload if self._reloading.is_set() else None
        if reload is None and not self._renewing.is_set():
            self._reloading.clear()
            return None
        self._reloading.clear()
        self._renewing.clear()
        try:
            # Other calendars alone are no reason to read a file that somebody may be writing.
            following = await self._put_up(reload() if reload else standing.configuration)
        except MisBridgeError as error:
            self._log.error("reload_refused", problem=str(error))
            return None
        after = following.configuration
        if after.settings.store != standing.configuration.settings.store:
            self._log.warning("reload_needs_restart", table="store")
        listen = standing.configuration.settings.service.metrics_listen
        if after.settings.service.metrics_listen != listen:
            self._log.warning("reload_needs_restart", table="service.metrics_listen")
        self._log.info("reloaded", schools=len(after.schools))
        return following


async def run(
    configuration: Configuration,
    *,
    clock: Clock,
    secrets: Secrets,
    notifier: Notifier,
    reload: Callable[[], Configuration] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run until ``stop`` is set or SIGTERM or SIGINT comes; SIGHUP reads the configuration again.

    A configuration that can not be used as a whole is refused: the daemon that runs goes on, not a
    tick is left out, and its log says why.

    Args:
        configuration: to begin with.
        clock: the time.
        secrets: where the configuration's references lead.
        notifier: the line to the supervisor.
        reload: reads the configuration again, or None where there is nothing to read.
        stop: set from outside, for rehearsals.
    """
    stopping, reloading, renewing = stop or asyncio.Event(), asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_say_what_nobody_caught)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if reload:
        loop.add_signal_handler(signal.SIGHUP, reloading.set)
    store = open_configured(configuration, secrets, create=True)
    lock = claim_process_lock(store)
    try:
        if store.embedded:
            await store.call(_free_leases, clock.now())
        make = partial(
            assembled,
            store=store,
            clock=clock,
            secrets=secrets,
            notifier=notifier,
            renew=renewing.set,
        )
        listen = configuration.settings.service.metrics_listen
        with Metrics(store, clock, listen) as metrics:
            runner = _Runner(make, notifier, metrics, reload, stopping, reloading, renewing)
            await runner.run(configuration)
        get_logger(__name__).info("stopped")
    finally:
        notifier.stopping()
        store.close()
        lock.release()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


def _say_what_nobody_caught(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Asyncio's own line would quote the text of the exception, which may quote a pupil's data."""
    log = get_logger(__name__)
    problem = str(context["message"]).partition("(")[0].strip()
    log.error("task_failed", problem=problem, exc_info=context.get("exception"))


def _free_leases(tx: Connection, now: datetime) -> None:
    """What an earlier process of this database held when it ended is free."""
    feeds.free_all(tx)
    leases.free_all(tx, now)
