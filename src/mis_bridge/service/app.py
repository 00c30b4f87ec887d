"""Put the daemon together from the configuration, and run it until it is asked to stop."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from mis_bridge.adapters import registry
from mis_bridge.channels.build import build_channels
from mis_bridge.errors import MisBridgeError
from mis_bridge.io.http import Transport
from mis_bridge.io.logs import get_logger
from mis_bridge.service.daemon import Daemon
from mis_bridge.service.decide import Decider
from mis_bridge.service.deliver import Deliverer
from mis_bridge.service.health import Health
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.service.sync import Reader, Syncer
from mis_bridge.service.ticker import Ticker
from mis_bridge.service.writing import Sender
from mis_bridge.store import feeds, meta, outbox
from mis_bridge.store.holder import claim_process_lock
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.source import Source
    from mis_bridge.channels.base import Channel
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.notify import Notifier
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store

__all__ = ["assembled", "holder_name", "run"]


def holder_name() -> str:
    """Who leases feeds and messages, for people who look."""
    return f"{platform.node()}:{os.getpid()}"


@asynccontextmanager
async def assembled(
    configuration: Configuration,
    store: Store,
    *,
    clock: Clock,
    secrets: Secrets,
    notifier: Notifier,
) -> AsyncIterator[Daemon]:
    """A daemon made of the configuration; its connections are closed at the end.

    Raises:
        MisBridgeError: an adapter or channel can not be built as configured.
    """
    settings = configuration.settings
    adapters = registry.load(settings.service.adapter_dirs, settings.service.adapter_pins)
    schools = schools_of(configuration, adapters)
    deadlines = deadlines_of(settings)
    async with Transport(ca_bundle=settings.service.ca_bundle or None) as transport:
        sources = _sources(configuration, adapters, transport, clock, secrets)
        channels = _channels(configuration, transport, clock, secrets)
        await store.call(
            feeds.sync_schools,
            [(school.id, school.adapter, school.name) for school in schools.values()],
            clock.now(),
        )
        holder = holder_name()
        reader = Reader(store, clock, settings.retention.day_sheets_school_days)
        heartbeat = settings.service.heartbeat_url
        try:
            yield Daemon(
                store,
                clock,
                Syncer(
                    store,
                    clock,
                    reader,
                    schools,
                    sources,
                    workers=settings.polling.workers,
                    holder=holder,
                ),
                Decider(store, clock, schools, deadlines),
                Deliverer(
                    store,
                    clock,
                    schools,
                    channels,
                    Sender(settings.service.console_url, settings.authority.name),
                    deadlines,
                    holder=holder,
                ),
                Health(
                    store,
                    clock,
                    notifier,
                    transport,
                    partial(secrets.resolve, heartbeat) if heartbeat else None,
                ),
                settings.retention,
            )
        finally:
            await _close(channels)


def _sources(
    configuration: Configuration,
    adapters: registry.Registry,
    transport: Transport,
    clock: Clock,
    secrets: Secrets,
) -> dict[str, Source | MisBridgeError]:
    """Every school's source, or why it has none: one school's mistake stops no other."""
    settings = configuration.settings
    sources: dict[str, Source | MisBridgeError] = {}
    for school, own in configuration.schools.items():
        try:
            sources[school] = adapters.find(own.mis.adapter).open(
                own.mis.connection,
                secrets=secrets,
                transport=transport,
                clock=clock,
                codes=own.codes,
                periods=own.calendar.periods,
                timeout=settings.polling.timeout_seconds,
            )
        except MisBridgeError as error:
            get_logger(__name__).error("school_not_opened", school=school, problem=str(error))
            sources[school] = error
    return sources


def _channels(
    configuration: Configuration, transport: Transport, clock: Clock, secrets: Secrets
) -> dict[str, Channel | MisBridgeError]:
    """Every channel, or why it can not be built; what goes there falls over to the next."""
    log = get_logger(__name__)
    settings = configuration.settings
    mistakes: dict[str, MisBridgeError] = {}

    def on_mistake(name: str, error: MisBridgeError) -> None:
        log.error("channel_not_built", channel=name, problem=str(error))
        mistakes[name] = error

    # All in one call: channels whose flows have one owner share an allowance.
    built = build_channels(
        settings.channels,
        transport,
        secrets,
        disclosure=settings.disclosure,
        ca_bundle=settings.service.ca_bundle or None,
        clock=clock,
        on_mistake=on_mistake,
    )
    return {**built, **mistakes}


async def _close(channels: dict[str, Channel | MisBridgeError]) -> None:
    for channel in channels.values():
        if not isinstance(channel, MisBridgeError):
            await channel.close()


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

    A configuration with a mistake in it is refused as a whole: the daemon goes on as it was and
    says so in its log.

    Args:
        configuration: to begin with.
        clock: the time.
        secrets: where the configuration's references lead.
        notifier: the line to the supervisor.
        reload: reads the configuration again, or None where there is nothing to read.
        stop: set from outside, for rehearsals.
    """
    log = get_logger(__name__)
    stopping = stop or asyncio.Event()
    reloading = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if reload:
        loop.add_signal_handler(signal.SIGHUP, reloading.set)
    store = open_configured(configuration, secrets, create=True)
    lock = claim_process_lock(store)
    try:
        if store.embedded:
            await store.call(_free_leases, clock.now())
        await store.call(meta.begin_watch, clock.now())
        while not stopping.is_set():
            reloading.clear()
            async with assembled(
                configuration, store, clock=clock, secrets=secrets, notifier=notifier
            ) as daemon:
                await _tick_until(daemon, configuration, notifier, stopping, reloading)
            if reloading.is_set() and reload and not stopping.is_set():
                configuration = _reloaded(configuration, reload)
        log.info("stopped")
    finally:
        notifier.stopping()
        store.close()
        lock.release()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


async def _tick_until(
    daemon: Daemon,
    configuration: Configuration,
    notifier: Notifier,
    stopping: asyncio.Event,
    reloading: asyncio.Event,
) -> None:
    log = get_logger(__name__)
    ticker = Ticker(daemon.tick, configuration.settings.service.tick_seconds, log)
    await daemon.tick()
    ticker.start()
    notifier.ready(f"watching {len(configuration.schools)} schools")
    log.info("started", schools=len(configuration.schools))
    waits = [asyncio.create_task(event.wait()) for event in (stopping, reloading)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        if reloading.is_set():
            notifier.reloading()
        await ticker.stop()
        await daemon.stop()


def _free_leases(tx: Connection, now: datetime) -> None:
    """What an earlier process of this database held when it ended is free."""
    feeds.free_all(tx)
    outbox.free_all(tx, now)


def _reloaded(before: Configuration, reload: Callable[[], Configuration]) -> Configuration:
    log = get_logger(__name__)
    try:
        after = reload()
    except MisBridgeError as error:
        log.error("reload_refused", problem=str(error))  # noqa: TRY400 - a person's mistake
        return before
    if after.settings.store != before.settings.store:
        log.warning("reload_needs_restart", table="store")
    log.info("reloaded", schools=len(after.schools))
    return after
