"""How fast the program starts, and how much memory the idle daemon keeps.

The daemon runs as an operator would run it, watching one invented school; what counts is its
resident set as the kernel gives it, once after it has read a whole term and once after a restart,
with nothing to read, for a dozen ticks each.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.table import Target, finish, print_table, seconds

from mis_bridge.io.clock import SystemClock
from mis_bridge.simulator.demo_setup import Peers, write_configuration
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_state import WondeState

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = 9
SETTLE_SECONDS = 12.0
PUPILS = 150


def time_of_help() -> float:
    """Start ``mis-bridge --help`` once; give its time in seconds."""
    command = [str(Path(sys.executable).with_name("mis-bridge")), "--help"]
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def resident_megabytes(process: int) -> tuple[float, float]:
    """Give present and greatest resident set of a process, in MB of 1,000,000 bytes."""
    fields = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    )
    now, peak = (int(fields[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM"))
    return now, peak


@contextmanager
def watched_school() -> Iterator[Path]:
    """Serve one school with the term so far; give the configuration that watches it."""
    school = build_school(7, PUPILS)
    past = [day for day in school.days if day < datetime.now(UTC).date()]
    state = WondeState(school, marked=past, lesson_days=past[-5:])
    with (
        tempfile.TemporaryDirectory(prefix="mis-bridge-bench-") as name,
        WondeStandin(state, SystemClock()) as standin,
    ):
        peers = Peers(standin.host, school.id, TOKEN, "http://127.0.0.1:9/?sig=none", 9)
        config = write_configuration(Path(name), school.name, school.calendar, peers)
        text = config.read_text(encoding="utf-8")
        config.write_text(text.replace("tick_seconds = 0.1", "tick_seconds = 1"), encoding="utf-8")
        yield config


def resident_after(config: Path, event: str) -> tuple[float, float]:
    """Run the daemon until it logs an event and has come to rest; give its resident set in MB."""
    daemon = subprocess.Popen(
        [str(Path(sys.executable).with_name("mis-bridge")), "run", "--config", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "MIS_BRIDGE_SERVICE__LOG_FORMAT": "json"},
        text=True,
    )
    assert daemon.stderr is not None
    try:
        for line in daemon.stderr:
            if f'"{event}"' in line:
                break
        else:
            raise RuntimeError(f"the daemon ended with status {daemon.wait()}")
        time.sleep(SETTLE_SECONDS)
        return resident_megabytes(daemon.pid)
    finally:
        daemon.terminate()
        daemon.communicate(timeout=60)


def main() -> None:
    """Measure and print."""
    time_of_help()
    starts = [time_of_help() for _ in range(STARTS)]
    with watched_school() as config:
        loaded, peak = resident_after(config, "feed_read")
        idle, _ = resident_after(config, "started")
    print_table(
        "Start and rest",
        ("what", "measured"),
        [
            ("mis-bridge --help", seconds(starts)),
            ("idle daemon, resident", f"{idle:.1f} MB"),
            ("after the first reading of a term, resident", f"{loaded:.1f} MB"),
            ("the same at its greatest", f"{peak:.1f} MB"),
        ],
    )
    finish(
        [
            Target("mis-bridge --help, median", statistics.median(starts), 0.4, "s"),
            Target("idle daemon, resident", idle, 90, "MB"),
        ]
    )


if __name__ == "__main__":
    main()
