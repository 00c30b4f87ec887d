"""Three hundred schools take their morning registers: one process reads and stores them all.

Each school has a thousand pupils and was read before; at 9:25 a thousand marks of the morning have
been saved in each. The polling process is started on its own, so that what counts is its own
memory; it runs the daemon's syncer on the embedded database, with the daemon's own number of
workers.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.sync_peers import PER_PAGE, PUPILS, standin

from mis_bridge.adapters import registry
from mis_bridge.adapters.records import PupilRecord
from mis_bridge.adapters.source import Batch
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.logs import set_up_logs
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION
from mis_bridge.service.ingest import ingest
from mis_bridge.service.reading import Reader
from mis_bridge.service.schools import School, schools_of
from mis_bridge.service.sync import Syncer
from mis_bridge.settings import Configuration, load
from mis_bridge.simulator.demo_setup import SCHOOL, Peers, write_configuration
from mis_bridge.simulator.school import build_school, calendar_2026
from mis_bridge.store import feeds, strips
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from mis_bridge.store.engine import Store

SCHOOLS = 300
MARKS = SCHOOLS * PUPILS
NOW = datetime(2026, 11, 17, 9, 25, tzinfo=UTC)
"""A Tuesday; Greenwich time is local time."""

LAST_READ = NOW - timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Morning:
    """What one morning cost.

    Args:
        seconds, processor: until every school was read and stored.
        marks: that stand in the strips afterwards.
        megabytes: greatest resident set of the process, of 1,000,000 bytes.
    """

    seconds: float
    processor: float
    marks: int
    megabytes: float


def configured(place: dict[str, str], folder: Path) -> Configuration:
    """Write a configuration with all schools on the stand-in, each under a name of its own."""
    peers = Peers(place["host"], place["school"], place["token"], "http://127.0.0.1:9/?sig=none", 9)
    config = write_configuration(folder, "Samplewood Academy", calendar_2026(), peers)
    own = folder / "conf.d" / f"{SCHOOL}.toml"
    text = own.read_text(encoding="utf-8")
    text = text.replace('scheme = "http"', f'scheme = "http"\nper_page = "{PER_PAGE}"')
    text = text.replace(
        'adapter = "wonde"', 'adapter = "wonde"\nleave_out = ["lessons", "deletions"]'
    )
    own.unlink()
    for number in range(SCHOOLS):
        name = f"school-{number:03}"
        (folder / "conf.d" / f"{name}.toml").write_text(
            text.replace(f'id = "{SCHOOL}"', f'id = "{name}"'), encoding="utf-8"
        )
    return load(config)


def prepare(store: Store, schools: dict[str, School]) -> None:
    """Have every school's roll known and the school read well some minutes ago."""
    roll = [PupilRecord(pupil.id) for pupil in build_school(2026, PUPILS).pupils]
    known = [(school.id, school.adapter, school.name) for school in schools.values()]
    store.run(feeds.sync_schools, known, LAST_READ)
    for school in schools:
        store.run(ingest, school, Batch("pupils", roll), LAST_READ)
    for feed in store.run(feeds.claim_due, LAST_READ, SCHOOLS, 900.0, "benchmark"):
        tomorrow = NOW + timedelta(days=1)
        store.run(feeds.finish_good, feed, LAST_READ, NOW, next_sweep=tomorrow)


async def poll(configuration: Configuration, store: Store, secrets: Secrets) -> tuple[float, float]:
    """Read every school that is due; give seconds and processor seconds."""
    schools = schools_of(configuration)
    settings = configuration.settings
    clock = ManualClock(NOW)
    async with Transport() as transport:
        adapters = registry.load()
        sources = {
            school: adapters.find(own.mis.adapter).open(
                own.mis.connection, secrets=secrets, transport=transport, clock=clock
            )
            for school, own in configuration.schools.items()
        }
        syncer = Syncer(
            store,
            clock,
            Reader(store, clock, settings.retention.day_sheets_school_days),
            schools,
            sources,
            workers=settings.polling.workers,
            holder="benchmark",
        )
        began, worked = time.perf_counter(), time.process_time()
        while await syncer.start_due():
            await syncer.wait()
        return time.perf_counter() - began, time.process_time() - worked


def main(place: dict[str, str]) -> None:
    """Prepare, poll, and print what it cost."""
    set_up_logs("json", level="ERROR")
    with tempfile.TemporaryDirectory(prefix="mis-bridge-bench-") as name:
        configuration = configured(place, Path(name))
        secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
        store = open_configured(configuration, secrets, create=True)
        prepare(store, schools_of(configuration))
        spent, work = asyncio.run(poll(configuration, store, secrets))
        failed = [feed for feed in store.run(feeds.all_feeds) if feed.state != "good"]
        if failed:
            raise RuntimeError(f"{len(failed)} schools were not read: {failed[0].problem}")
        year = AcademicYear.of(NOW.date())
        marks = sum(
            len(strip.marks) - strip.marks.count(NO_SESSION)
            for school in configuration.schools
            for strip in store.run(strips.load, school, year).values()
        )
        store.close()
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    megabytes = int(peak.split()[1]) * 1024 / 1e6
    print(json.dumps(asdict(Morning(spent, work, marks, megabytes))))


def measured_morning() -> Morning:
    """Run the polling process against a stand-in of its own."""
    with standin(NOW) as place:
        done = subprocess.run(
            [sys.executable, __file__, json.dumps(place)],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return Morning(**json.loads(done.stdout))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
