"""A year of one school into the encrypted database, and three hundred schools' morning.

Peers read the very same pages from the same stand-in in the same run: a bare loop of ``httpx`` and
``orjson`` that only reads and throws away, which any client at least has to pay, and the REST API
source of ``dlt`` into DuckDB. Ours reads with the shipped adapter, decodes and checks every mark,
and stores strips, changes and cursor. The stand-in is a process of its own with every page ready,
so that it costs all the same. What is compared are the fastest rounds: other work on the machine
only adds.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.morning import MARKS, SCHOOLS, measured_morning
from benchmarks.sync_peers import (
    AS_OF,
    PER_PAGE,
    bare_loop,
    dlt_into_duckdb,
    standin,
    transfer_alone,
)
from benchmarks.table import Target, finish, print_table, seconds

from mis_bridge.adapters import registry
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.logs import set_up_logs
from mis_bridge.io.secrets import Secrets
from mis_bridge.service.reading import Reader
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.simulator.demo_setup import SCHOOL, Peers, write_configuration
from mis_bridge.simulator.school import calendar_2026
from mis_bridge.store import digests, feeds
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from mis_bridge.settings import Configuration

RUNS = 5
YEAR = (date(2026, 8, 1), date(2027, 7, 31))


def configured(place: dict[str, str], folder: Path) -> Configuration:
    """Write and read a configuration with one school on the stand-in."""
    peers = Peers(place["host"], place["school"], place["token"], "http://127.0.0.1:9/?sig=none", 9)
    config = write_configuration(folder, "Samplewood Academy", calendar_2026(), peers)
    own = folder / "conf.d" / f"{SCHOOL}.toml"
    text = own.read_text(encoding="utf-8")
    own.write_text(
        text.replace('scheme = "http"', f'scheme = "http"\nper_page = "{PER_PAGE}"'),
        encoding="utf-8",
    )
    return load(config)


async def sync_once(
    place: dict[str, str], folder: Path
) -> tuple[float, float, float, float, int, int]:
    """Read and store the year, then read it again unchanged.

    Returns:
        Seconds and processor seconds of the load and of the second reading, records, and bytes of
        the database.
    """
    configuration = configured(place, folder)
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    clock = ManualClock(AS_OF)
    school = schools_of(configuration)[SCHOOL]
    store = open_configured(configuration, secrets, create=True)
    try:
        store.run(feeds.sync_schools, [(school.id, school.adapter, school.name)], AS_OF)
        (feed,) = store.run(feeds.claim_due, AS_OF, 1, 900.0, "benchmark")
        async with Transport() as transport:
            source = registry.load()[school.adapter].open(
                configuration.schools[SCHOOL].mis.connection,
                secrets=secrets,
                transport=transport,
                clock=clock,
            )
            reader = Reader(store, clock, configuration.settings.retention.day_sheets_school_days)
            streams = frozenset({"pupils", "sessions"})
            plan = ReadPlan(window=YEAR, sweep=True, streams=streams)
            gc.collect()
            began, worked = time.perf_counter(), time.process_time()
            done = await reader.read(feed, school, source, plan)
            load_time, load_work = time.perf_counter() - began, time.process_time() - worked
            again = ReadPlan(
                window=YEAR, streams=streams, known_digests=store.run(digests.known, SCHOOL)
            )
            (feed,) = store.run(feeds.all_feeds)
            held = store.run(feeds.hold, SCHOOL, AS_OF, 900.0, "benchmark")
            gc.collect()
            began, worked = time.perf_counter(), time.process_time()
            second = await reader.read(held or feed, school, source, again)
            poll_time, poll_work = time.perf_counter() - began, time.process_time() - worked
        if done.problem or second.problem or second.changed:
            raise RuntimeError(done.problem or second.problem or "the second reading changed rows")
    finally:
        store.close()
    size = sum(path.stat().st_size for path in (folder / "data").iterdir())
    return load_time, load_work, poll_time, poll_work, done.records, size


def main() -> None:
    """Measure all, one after the other, and print."""
    set_up_logs("json", level="ERROR")
    loop, loop_work, transfer, transfer_work = [], [], [], []
    ours, our_work, poll, poll_work = [], [], [], []
    records = size = marks = 0
    with standin() as place:
        bare_loop(place)
        for _ in range(RUNS):
            spent, work, marks = bare_loop(place)
            loop.append(spent)
            loop_work.append(work)
            spent, work = transfer_alone(place)
            transfer.append(spent)
            transfer_work.append(work)
            with tempfile.TemporaryDirectory(prefix="mis-bridge-bench-") as name:
                once = asyncio.run(sync_once(place, Path(name)))
            ours.append(once[0])
            our_work.append(once[1])
            poll.append(once[2])
            poll_work.append(once[3])
            records, size = once[4:]
        with tempfile.TemporaryDirectory(prefix="mis-bridge-bench-") as name:
            dlt_time, dlt_marks = dlt_into_duckdb(place, Path(name))
    if dlt_marks != marks:
        raise RuntimeError(f"dlt loaded {dlt_marks} marks, the loop read {marks}")
    morning = measured_morning()
    print_table(
        f"A year of one school: {marks:,} session marks, {PER_PAGE} a page",
        ("what", "time", "of it processor"),
        [
            ("bare httpx + orjson loop, reading only", seconds(loop), seconds(loop_work)),
            (f"mis-bridge, {records:,} records stored", seconds(ours), seconds(our_work)),
            ("dlt REST API source into DuckDB", f"{dlt_time:.2f} s", ""),
            ("mis-bridge, nothing changed", seconds(poll), seconds(poll_work)),
            ("the transfer of these pages alone", seconds(transfer), seconds(transfer_work)),
            ("encrypted database afterwards", f"{size / 1e6:.1f} MB", ""),
        ],
    )
    print_table(
        f"{SCHOOLS} schools' morning registers: {MARKS:,} marks, one process",
        ("what", "measured"),
        [
            ("read and stored", f"{morning.seconds:.1f} s, {morning.marks:,} marks"),
            ("processor", f"{morning.processor:.1f} s"),
            ("resident at its greatest", f"{morning.megabytes:.0f} MB"),
        ],
    )
    beyond = (min(poll_work) - min(transfer_work)) / marks * 1e6
    finish(
        [
            Target("first load / bare loop", min(ours) / min(loop), 1.0),
            Target("first load / dlt", min(ours) / dlt_time, 1 / 30),
            Target("unchanged, beyond the transfer, a mark", max(beyond, 0.0), 1.0, "us"),
            Target(f"{SCHOOLS} schools' morning", morning.seconds, 60, "s"),
            Target(f"{SCHOOLS} schools' morning, resident", morning.megabytes, 200, "MB"),
        ]
    )


if __name__ == "__main__":
    main()
