"""Put the daemon's parts together from the configuration."""

from __future__ import annotations

import asyncio
import os
import platform
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from mis_bridge.adapters import registry
from mis_bridge.channels.build import build_channels
from mis_bridge.errors import MisBridgeError
from mis_bridge.io.http import Transport
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import local_minute
from mis_bridge.service.auditor import Auditor
from mis_bridge.service.calendars import CalendarWatch, Which, read_terms, say, terms_of_schools
from mis_bridge.service.daemon import Daemon
from mis_bridge.service.daily import Daily
from mis_bridge.service.decide import Decider
from mis_bridge.service.deliver import Limits
from mis_bridge.service.health import Monitor
from mis_bridge.service.reading import Reader
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.service.sending import Deliverer
from mis_bridge.service.sources import open_schools
from mis_bridge.service.sync import Syncer
from mis_bridge.service.watch import ClockWatch
from mis_bridge.service.word_to_it import WordToIt
from mis_bridge.service.writing import Sender

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mis_bridge.channels.base import Channel
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.notify import Notifier
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store

__all__ = ["assembled", "holder_name"]


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
    renew: Callable[[], None] | None = None,
) -> AsyncIterator[Daemon]:
    """A daemon made of the configuration; its connections are closed at the end.

    Nothing is stored in the database and no MIS is asked before its first tick.

    Args:
        configuration: what it is made of.
        store: the database.
        clock: the time.
        secrets: where the configuration's references lead.
        notifier: the line to the supervisor.
        renew: called when other calendars hold: it is to be made anew.

    Raises:
        MisBridgeError: an adapter or channel can not be built as configured.
    """
    settings = configuration.settings
    adapters = registry.load(settings.service.adapter_dirs, settings.service.adapter_pins)
    deadlines = deadlines_of(settings)
    async with Transport(ca_bundle=settings.service.ca_bundle or None) as transport:
        say(await read_terms(configuration, transport, secrets, clock.now(), which=Which.NEW))
        today, _ = local_minute(clock.now())
        terms = await asyncio.to_thread(terms_of_schools, configuration)
        schools = schools_of(configuration, adapters, today=today, terms=terms)
        sources = open_schools(configuration, adapters, transport, clock, secrets)
        channels = _channels(configuration, transport, clock, secrets)
        holder = holder_name()
        reader = Reader(store, clock, settings.retention.day_sheets_school_days)
        heartbeat = settings.service.heartbeat_url
        try:
            yield Daemon(
                store,
                clock,
                schools.values(),
                ClockWatch(store, clock),
                CalendarWatch(configuration, terms, transport, secrets, clock, renew),
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
                    Sender(settings.service.console_url),
                    deadlines,
                    holder=holder,
                    daily=Daily(settings.daily.at, tuple(settings.daily.to)),
                    limits=Limits(
                        settings.telling.messages_an_hour,
                        timedelta(minutes=settings.telling.summary_minutes),
                    ),
                ),
                Auditor(
                    store,
                    clock,
                    schools,
                    notifier,
                    Monitor(
                        clock, transport, partial(secrets.resolve, heartbeat) if heartbeat else None
                    ),
                    WordToIt(
                        clock, schools, channels, settings.service.data_dir / "stood-still.stamp"
                    ),
                    settings.service.tick_seconds,
                ),
                settings.retention,
            )
        finally:
            await _close(channels)


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
