"""``mis-bridge sync``: read one school's registers now."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from mis_bridge.cli.output import config_option, emit, format_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from mis_bridge.adapters.source import Batch
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.service.reading import ReadingDone
    from mis_bridge.settings import Configuration
    from mis_bridge.store.engine import Store
    from mis_bridge.store.feeds import Feed

__all__ = ["command"]


def _day(ctx: click.Context, param: click.Parameter, value: str | None) -> date | None:
    from datetime import date

    try:
        return date.fromisoformat(value) if value else None
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a date (2026-09-01)", ctx, param) from None


@click.command("sync", epilog="Example: mis-bridge sync --school example-high --from 2026-09-01")
@click.option("--school", "school", metavar="ID", required=True, help="Whose registers.")
@click.option(
    "--from",
    "first",
    callback=_day,
    metavar="D",
    help="First day.  [default: of the academic year]",
)
@click.option(
    "--to",
    "last",
    callback=_day,
    metavar="D",
    help="Last day.  [default: today]",
)
@config_option
@format_option
def command(
    school: str,
    first: date | None,
    last: date | None,
    config_path: Path | None,
    output_format: str,
) -> None:
    """Read one school's registers now, and store them.

    What is read is stored batch by batch: stopped half-way, the same command goes on where it was.
    The daemon may run meanwhile; it decides about what has come in. A school that was never read
    before is read from the start of its academic year, whatever --from says. Reading old days does
    not make a feed good: the daemon still reads what --from and --to leave out.

    Exit status 1 where the MIS could not be read to the end, or holds rows that can not be used.
    """
    from mis_bridge.errors import OperatorError
    from mis_bridge.io.clock import clock_from
    from mis_bridge.io.logs import set_up_logs
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.settings import find_config, load
    from mis_bridge.store import quarantine
    from mis_bridge.store.opening import open_configured

    configuration = load(find_config(config_path))
    configuration.find_school(school)
    if school in configuration.resting:
        raise OperatorError(
            f"{school} rests: set enabled = true under [school] in its file, then read it"
        )
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    set_up_logs(configuration.settings.service.log_format, known_values=secrets.known_values)
    clock = clock_from(os.environ)
    window = _window(first, last, clock)
    store = open_configured(configuration, secrets, create=True)
    try:
        with _shown(school, quiet=output_format == "json") as told:
            done = asyncio.run(_sync(configuration, store, school, window, clock, secrets, told))
        with store.reading() as tx:
            set_aside = quarantine.counts(tx).get(school, 0)
    except KeyboardInterrupt:
        click.echo("What was read so far is stored; the same command goes on from there.", err=True)
        raise
    finally:
        store.close()
    emit(
        [
            {
                "school": school,
                "records": done.records,
                "changed": done.changed,
                "quarantined": set_aside,
                "problem": done.problem,
            }
        ],
        ("school", "records", "changed", "quarantined", "problem"),
        output_format,
    )
    if set_aside:
        rows = "1 row" if set_aside == 1 else f"{set_aside} rows"
        click.echo(f"{rows} could not be used: mis-bridge check says which and why", err=True)
    if done.problem or set_aside:
        sys.exit(1)


def _window(
    first: date | None,
    last: date | None,
    clock: Clock,
) -> tuple[date, date]:
    from mis_bridge.registers.calendar import AcademicYear, local_minute

    today, _ = local_minute(clock.now())
    start = first or AcademicYear.of(today).first
    end = last or today
    if end < start:
        raise click.UsageError(f"--to {end} is before --from {start}")
    return start, end


async def _sync(
    configuration: Configuration,
    store: Store,
    school: str,
    window: tuple[date, date],
    clock: Clock,
    secrets: Secrets,
    told: Callable[[Batch, ReadingDone], None],
) -> ReadingDone:
    from mis_bridge.adapters import registry
    from mis_bridge.adapters.source import ReadPlan
    from mis_bridge.errors import OperatorError
    from mis_bridge.io.http import Transport
    from mis_bridge.registers.calendar import local_minute
    from mis_bridge.service.ingest import LEASE_SECONDS
    from mis_bridge.service.reading import Reader
    from mis_bridge.service.schools import schools_of
    from mis_bridge.service.sources import open_school
    from mis_bridge.store import feeds

    settings = configuration.settings
    adapters = registry.load(settings.service.adapter_dirs, settings.service.adapter_pins)
    schools = schools_of(configuration, adapters, today=local_minute(clock.now())[0])
    async with Transport(ca_bundle=settings.service.ca_bundle or None) as transport:
        source = open_school(configuration, school, adapters, transport, clock, secrets)
        known = [(own.id, own.adapter, own.name) for own in schools.values()]
        await store.call(feeds.sync_schools, known, clock.now())
        holder = f"{platform.node()}:{os.getpid()}"
        feed: Feed | None = await store.call(feeds.hold, school, clock.now(), LEASE_SECONDS, holder)
        if feed is None:
            raise OperatorError(
                f"{school} is being read already, by the daemon or another sync: wait and try again"
            )
        if feed.last_good_at is None:
            # The daemon takes a school that was read once for one whose year is known.
            window = (min(window[0], schools[school].calendar.year.first), window[1])
        reader = Reader(store, clock, settings.retention.day_sheets_school_days, on_batch=told)
        plan = ReadPlan(window=window, streams=schools[school].streams, resume=feed.resume)
        try:
            return await reader.read(feed, schools[school], source, plan)
        except BaseException:
            await store.call(feeds.release, feed)
            raise


@contextmanager
def _shown(school: str, *, quiet: bool) -> Iterator[Callable[[Batch, ReadingDone], None]]:
    """Show a bar on a terminal; what comes out otherwise is the result alone."""
    if quiet or not sys.stderr.isatty():
        yield lambda _batch, _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[records]:,} records, {task.fields[changed]:,} new or changed"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        # No MIS says beforehand how much there is: the bar shows life, the numbers progress.
        task = progress.add_task(school, total=None, records=0, changed=0)

        def told(batch: Batch, done: ReadingDone) -> None:
            progress.update(
                task,
                description=f"{school}: {batch.stream}",
                records=done.records,
                changed=done.changed,
            )

        yield told
