"""A year of one school from the stand-in into the encrypted database, against a bare reading loop.

The peer reads the very same pages, one after the other, with ``httpx`` and ``orjson``, and throws
them away: it is what any client at least has to pay. Ours reads them with the shipped adapter,
decodes and checks every mark, and stores strips, changes and cursor. The stand-in is a process of
its own with every page ready, so that it costs both the same.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.table import Target, finish, print_table, seconds

from mis_bridge.adapters import registry
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.logs import set_up_logs
from mis_bridge.io.secrets import Secrets
from mis_bridge.service.schools import schools_of
from mis_bridge.service.sync import Reader
from mis_bridge.settings import load
from mis_bridge.simulator.demo_setup import SCHOOL, Peers, write_configuration
from mis_bridge.simulator.school import calendar_2026
from mis_bridge.store import feeds
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import Iterator

PUPILS = 1000
RUNS = 5
PER_PAGE = 1000
AS_OF = datetime(2027, 7, 31, 12, tzinfo=UTC)
YEAR = (date(2026, 8, 1), date(2027, 7, 31))
LISTS = (
    "students/?include=education_details,extended_details,year,registration&",
    "attendance-codes/?",
    "attendance/session/?updated_after=2026-07-18 00:00:00&",
)


@contextmanager
def standin() -> Iterator[dict[str, str]]:
    """Run the stand-in in a process of its own; give where it is."""
    command = ["-m", "mis_bridge.simulator.standin_wonde", "--pupils", str(PUPILS)]
    process = subprocess.Popen(
        [sys.executable, *command, "--as-of", AS_OF.isoformat()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.communicate()


def bare_loop(place: dict[str, str]) -> tuple[float, float, int]:
    """Read every page and throw it away; give seconds, processor seconds and session marks."""
    marks = 0
    gc.collect()
    began, worked = time.perf_counter(), time.process_time()
    headers = {"Authorization": f"Bearer {place['token']}", "Accept": "application/json"}
    with httpx.Client(headers=headers, timeout=30) as client:
        for query in LISTS:
            address = f"{place['url']}/schools/{place['school']}/{query}cursor=true"
            following = f"{address}&per_page={PER_PAGE}"
            while following:
                page = orjson.loads(client.get(following).raise_for_status().content)
                if query.startswith("attendance/session"):
                    marks += len(page["data"])
                following = page["meta"]["pagination"]["next"]
    return time.perf_counter() - began, time.process_time() - worked, marks


async def sync_once(place: dict[str, str], folder: Path) -> tuple[float, float, int, int]:
    """Read and store the year; give seconds, processor seconds, records, bytes of the database."""
    peers = Peers(place["host"], place["school"], place["token"], "http://127.0.0.1:9/?sig=none", 9)
    config = write_configuration(folder, "Samplewood Academy", calendar_2026(), peers)
    own = folder / "conf.d" / f"{SCHOOL}.toml"
    text = own.read_text(encoding="utf-8")
    own.write_text(
        text.replace('scheme = "http"', f'scheme = "http"\nper_page = "{PER_PAGE}"'),
        encoding="utf-8",
    )
    configuration = load(config)
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
            plan = ReadPlan(window=YEAR, sweep=True, streams=frozenset({"pupils", "sessions"}))
            gc.collect()
            began, worked = time.perf_counter(), time.process_time()
            done = await reader.read(feed, school, source, plan)
            spent, work = time.perf_counter() - began, time.process_time() - worked
        if done.problem:
            raise RuntimeError(done.problem)
    finally:
        store.close()
    size = sum(path.stat().st_size for path in (folder / "data").iterdir())
    return spent, work, done.records, size


def main() -> None:
    """Measure both, one after the other, and print."""
    set_up_logs("json", level="ERROR")
    loop, ours, loop_work, our_work = [], [], [], []
    records = size = marks = 0
    with standin() as place:
        bare_loop(place)
        for _ in range(RUNS):
            spent, work, marks = bare_loop(place)
            loop.append(spent)
            loop_work.append(work)
            with tempfile.TemporaryDirectory(prefix="mis-bridge-bench-") as name:
                spent, work, records, size = asyncio.run(sync_once(place, Path(name)))
            ours.append(spent)
            our_work.append(work)
    ratio = statistics.median(ours) / statistics.median(loop)
    print_table(
        f"A year of one school: {marks:,} session marks, {PER_PAGE} a page",
        ("what", "time", "of it processor"),
        [
            ("bare httpx + orjson loop, reading only", seconds(loop), seconds(loop_work)),
            (
                f"mis-bridge, {records:,} records read and stored",
                seconds(ours),
                seconds(our_work),
            ),
            ("encrypted database afterwards", f"{size / 1e6:.1f} MB", ""),
        ],
    )
    finish([Target("mis-bridge / bare loop", ratio, 1.5)])


if __name__ == "__main__":
    main()
