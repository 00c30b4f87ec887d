"""A process that is killed while it stores leaves a whole database, its cursor not ahead of it."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from datetime import date
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.store import backup, dirty, feeds, strips
from mis_bridge.store.opening import open_store
from mis_bridge.store.schema import HEAD

if TYPE_CHECKING:
    from datetime import datetime

YEAR = AcademicYear(2025)
PUPILS = 40

# Batch n holds every pupil's mark in slot n and moves the cursor to n + 1.
LOAD = """
import sys
from datetime import datetime, timedelta
from mis_bridge.adapters.records import SessionMark
from mis_bridge.adapters.source import Batch
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.service.ingest import ingest
from mis_bridge.store.opening import open_store
store = open_store(sys.argv[1], sys.argv[2])
now = datetime.fromisoformat(sys.argv[3])
year = AcademicYear(2025)
for n in range(int(sys.argv[4]), year.slots):
    day, pm = year.day_of(n)
    marks = [SessionMark(f"p{p}", day, pm, ord("N")) for p in range(40)]
    batch = Batch("sessions", marks, resume={"sessions": str(n + 1)})
    store.run(ingest, "oakfield", batch, now, keep_from=now.date() - timedelta(days=30))
    print(n, flush=True)
"""


@pytest.mark.parametrize("seed", range(2))
def test_after_a_kill_the_cursor_stands_where_the_rows_end(
    embedded_url: str, key: str, now: datetime, seed: int
) -> None:
    """Killed at a random moment, three times over: rows and cursor agree, and nothing is torn."""
    random_moment = random.Random(seed)  # noqa: S311 - no secret
    store = open_store(embedded_url, key)
    store.run(feeds.sync_schools, [("oakfield", "wonde", "Oakfield")], now)
    store.close()
    done = 0
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", LOAD, embedded_url, key, now.isoformat(), str(done)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == f"{done}\n"
        time.sleep(random_moment.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        store = open_store(embedded_url, key)
        try:
            assert all(check.good for check in backup.verify(store)), HEAD
            feed = store.run(feeds.get, "oakfield")
            assert feed is not None
            done = int(feed.resume["sessions"])
            stored = store.run(strips.load, "oakfield", YEAR)
            assert len(stored) == PUPILS
            assert {strip.last_marked_slot for strip in stored.values()} == {done - 1}
            keys = {item.day for item in store.run(dirty.due, now, 999)}
            assert date(2025, 8, 1) in keys
        finally:
            store.close()
