"""``mis-bridge doctor``: is everything well, and if not, what to do."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.output import config_option, emit_json, format_option

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime
    from pathlib import Path

    from mis_bridge.io.clock import Clock
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.service.doctor.model import Line
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store

__all__ = ["command"]

_COLOURS = {"ok": "green", "look": "yellow", "broken": "red"}
_WIDTH = 6


@click.command("doctor", epilog="Example: mis-bridge doctor --offline --format json")
@config_option
@format_option
@click.option("--offline", is_flag=True, help="Ask nobody over the network.")
@click.option(
    "--send", is_flag=True, help="Send a message that says it is a test, by each channel."
)
def command(config_path: Path | None, output_format: str, offline: bool, send: bool) -> None:
    """Look at everything that has to work, and say what to do about what does not.

    Clock, time zones, disk, service, database, key, history, every feed and the end of its
    credential, every channel with its certificates, the outbox, the auditor's last look, the
    outside monitor. One line each: ok, look or broken. It only reads, and may run while the daemon
    runs; nobody is sent anything without --send.

    Exit status 1 if something is broken.
    """
    import asyncio

    if offline and send:
        raise click.UsageError("--offline sends nothing: leave out --send.")
    from mis_bridge.io.logs import set_up_logs
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import find_config, load

    configuration = load(find_config(config_path))
    service = configuration.settings.service
    secrets = Secrets(service.credentials_dir, os.environ)
    set_up_logs(
        service.log_format, known_values=secrets.known_values, stream=sys.stderr, level="CRITICAL"
    )
    counts = dict.fromkeys(_COLOURS, 0)

    async def look() -> None:
        async for line in _everything(configuration, secrets, offline=offline, send=send):
            counts[line.standing] += 1
            _print(line, output_format)

    asyncio.run(look())
    if output_format != "json":
        click.echo(", ".join(f"{count} {standing}" for standing, count in counts.items()) + ".")
    if counts["broken"]:
        sys.exit(1)


def _print(line: Line, output_format: str) -> None:
    if output_format == "json":
        emit_json(asdict(line))
        return
    standing = click.style(f"{line.standing:<{_WIDTH}}", fg=_COLOURS[line.standing], bold=True)
    click.echo(f"{standing}  {line.what}: {' '.join(line.seen.split())}")
    if line.then:
        click.echo(f"{'':{_WIDTH}}  to do: {line.then}")


async def _everything(
    configuration: Configuration, secrets: Secrets, *, offline: bool, send: bool
) -> AsyncIterator[Line]:
    from mis_bridge.io.clock import clock_from
    from mis_bridge.service.doctor import machine, ways_out

    service = configuration.settings.service
    clock = clock_from(os.environ)
    for line in _inside(configuration, secrets, clock):
        yield line
    for line in machine.unit():
        yield line
    yield machine.metrics(service.metrics_listen)
    yield await ways_out.monitor(service.heartbeat_url, secrets, offline=offline)
    async for line in _channels(configuration, secrets, clock, offline=offline, send=send):
        yield line


def _inside(configuration: Configuration, secrets: Secrets, clock: Clock) -> Iterator[Line]:
    """Machine, database and work: what can be seen without the network."""
    from mis_bridge.errors import StoreError
    from mis_bridge.io.clock import SystemClock
    from mis_bridge.service.doctor import database, machine
    from mis_bridge.service.doctor.model import Line, Standing
    from mis_bridge.store import meta
    from mis_bridge.store.engine import schema_of
    from mis_bridge.store.schema import HEAD

    settings = configuration.settings
    now = clock.now()
    is_set = machine.kernel_clock_is_set() if isinstance(clock, SystemClock) else None
    with _database(configuration, secrets) as store:
        if isinstance(store, Line):
            yield from machine.clock(now, None, is_set=is_set)
            yield from machine.time_zones(now)
            yield from machine.disk(settings.service.data_dir)
            yield store
            return
        try:
            with store.reading() as tx:
                usable = schema_of(tx) == HEAD
                last = meta.last_look(tx) if usable else None
                yield from machine.clock(now, last, is_set=is_set)
                yield from machine.time_zones(now)
                yield from machine.disk(settings.service.data_dir)
                yield from database.key(
                    settings.service.data_dir, settings.store.key, embedded=store.embedded
                )
                yield from database.opened(store, tx)
                yield from database.whole(store, tx)
                if usable:
                    yield from database.chain(tx)
            if usable:
                yield from _work(configuration, store, now)
        except StoreError as error:
            yield Line(Standing.BROKEN, "database", str(error))


def _work(configuration: Configuration, store: Store, now: datetime) -> Iterator[Line]:
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.service.doctor import work
    from mis_bridge.service.doctor.model import Line, Standing
    from mis_bridge.service.reach import addressed
    from mis_bridge.service.schools import schools_of
    from mis_bridge.service.weekly import flow_life
    from mis_bridge.store import channels, dead_letters, feeds, owed, quarantine, self_check

    today, _ = local_minute(now)
    try:
        schools = schools_of(configuration, today=today)
    except MisBridgeError as error:
        yield Line(Standing.BROKEN, "schools", str(error), "mis-bridge check names the place.")
        schools = {}
    with store.reading() as tx:
        yield from work.auditor(self_check.last_run(tx), now)
        if schools:
            yield from work.feeds(feeds.all_feeds(tx), schools, now)
            ends = {name: one.mis_ends for name, one in schools.items() if one.mis_ends}
            yield from work.credentials(ends, now)
        yield from work.quarantined(
            {name: count for name, count in quarantine.counts(tx).items() if name in schools}
        )
        yield from work.outbox(*owed.waiting(tx, now))
        letters = dead_letters.of_schools(tx, list(schools), now)
        yield from work.dead_letters(
            [(school, addressed(one, schools[school], today)) for school, one in letters], now
        )
        yield from work.channels(channels.load(tx), now)
        hooks = [
            name for name, one in configuration.settings.channels.items() if one.kind == "teams"
        ]
        yield from work.flows({name: flow_life(tx, name, now) for name in hooks})


@contextmanager
def _database(configuration: Configuration, secrets: Secrets) -> Iterator[Store | Line]:
    """The open database whatever its schema, or the line that says why it can not be opened."""
    from mis_bridge.errors import SecretMissing, StoreError
    from mis_bridge.service.doctor.model import Line, Standing
    from mis_bridge.store.engine import open_any
    from mis_bridge.store.opening import embedded_file, location

    file = embedded_file(configuration)
    if not configuration.settings.store.url and not file.exists():
        yield Line(
            Standing.LOOK,
            "database",
            f"there is none yet: {file}",
            "Start the daemon: systemctl start mis-bridge, or mis-bridge run.",
        )
        return
    try:
        store = open_any(*location(configuration, secrets))
    except (SecretMissing, StoreError) as error:
        yield Line(Standing.BROKEN, "database", str(error))
        return
    try:
        yield store
    finally:
        store.close()


async def _channels(
    configuration: Configuration, secrets: Secrets, clock: Clock, *, offline: bool, send: bool
) -> AsyncIterator[Line]:
    from mis_bridge.channels.build import build_channels
    from mis_bridge.cli.channels import test_message
    from mis_bridge.errors import MisBridgeError
    from mis_bridge.io.http import Transport
    from mis_bridge.service.doctor import ways_out
    from mis_bridge.service.doctor.model import Line, Standing

    settings = configuration.settings
    mistakes: dict[str, MisBridgeError] = {}
    try:
        async with Transport(ca_bundle=settings.service.ca_bundle or None) as transport:
            built = build_channels(
                settings.channels,
                transport,
                secrets,
                disclosure=settings.disclosure,
                ca_bundle=settings.service.ca_bundle or None,
                clock=clock,
                on_mistake=mistakes.__setitem__,
            )
            try:
                test = partial(test_message, now=clock.now()) if send else None
                async for line in ways_out.channels(
                    {**built, **mistakes}, clock.now(), offline=offline, test=test
                ):
                    yield line
            finally:
                for channel in built.values():
                    await channel.close()
    except MisBridgeError as error:
        yield Line(Standing.BROKEN, "channels", str(error))
