"""A local authority's year, measured in one go: ours against polars and DuckDB.

100,000 pupils with 380 sessions each: possible and absent sessions, persistent, severe and
approaching absence, the day that completes ten school days of unauthorised absence (G N O U in
every possible session), and the day on which ten unauthorised sessions lie within ten school weeks
(see ``docs/reference/absence-measures.md``). All three give the same answers or the benchmark
fails.

Everybody has the data in memory before the clock starts, in the shape that suits them, and the
same two cores: ours one ``bytes`` of 380 marks a pupil, half of the pupils in each of two
processes; the peers one row a pupil and day with morning and afternoon as two columns of one byte,
sorted by pupil and day, dictionary-coded like ours, which is half the rows of the usual one row a
mark, and two threads. The peers look for runs only among pupils who have ten unauthorised
sessions, as ours does. Rounds take turns, so that a busy machine slows all of them down, and the
fastest round of each counts. What is compared is processor time, of ours in one process and of all
threads of a peer: other work on the machine adds to none of them.

::

    python benchmarks/detection.py             100,000 pupils
    python benchmarks/detection.py --tuned     also a polars query tuned by hand, for comparison
    python benchmarks/detection.py --pupils N --rounds N

Two more lines show ours in one process, on these marks and on whole strips as the daemon keeps
them, with 730 slots for weekends and holidays too.

Then the complete catalogue of strip triggers looks at the same pupils at the end of the year, in
seconds of one core: all findings with their sentences and evidence, as the daemon decides on them.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import operator
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.authority_year import (
    CALENDAR,
    DAYS,
    SLOTS,
    WEEKS,
    invent_school_year,
    whole_strips,
)
from benchmarks.detection_peers import (
    THREADS,
    Answer,
    DuckDB,
    Polars,
    TunedPolars,
    columns_of,
)
from benchmarks.table import Target, finish, print_table, seconds

from mis_bridge.registers.measures import Table, measure_all
from mis_bridge.registers.strip import Strip
from mis_bridge.registers.thresholds import NEARING_PER_CENT
from mis_bridge.triggers.catalogue import assess_years
from mis_bridge.triggers.model import PupilYear
from mis_bridge.triggers.years import OF_YEARS

if TYPE_CHECKING:
    from collections.abc import Sequence

RATIO: Final = 0.5
CATALOGUE_SECONDS: Final = 4


class Ours:
    """mis-bridge: ``measure_all``."""

    def __init__(self, name: str, strips: list[bytes], days: Sequence[int]) -> None:
        self.name = name
        self._strips = strips
        self._weeks = weeks_of(days)
        # Where each day of the strips stands among the school days.
        self._number = {day: number for number, day in enumerate(days)}
        self._tables: list[Table] = []

    def run(self) -> None:
        """Measure everybody."""
        self._tables = [measure_all(self._strips, NEARING_PER_CENT, self._weeks)]

    def answers(self) -> list[Answer]:
        """The answers of the last run."""
        return [
            Answer(
                possible=one.possible,
                absent=one.absent,
                persistent=one.persistent,
                severe=one.severe,
                approaching=one.approaching,
                tenth_day=self._number[one.return_days[0]] if one.return_days else None,
                penalty_day=None if one.penalty_day is None else self._number[one.penalty_day],
            )
            for table in self._tables
            for one in table
        ]


class OursInProcesses(Ours):
    """The same in as many processes as the peers have threads, each with its part in memory."""

    def __init__(self, name: str, strips: list[bytes], days: Sequence[int]) -> None:
        super().__init__(name, strips, days)
        part = -(-len(strips) // THREADS)
        context = multiprocessing.get_context("spawn")
        self._workers = [
            ProcessPoolExecutor(1, context, _hold, (strips[start : start + part], self._weeks))
            for start in range(0, len(strips), part)
        ]
        self.run()

    def run(self) -> None:
        """Measure everybody; the tables come back whole."""
        waiting = [worker.submit(_measure_held) for worker in self._workers]
        self._tables = [answer.result() for answer in waiting]

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.shutdown()


_held: list[bytes] = []
_weeks_held: list[int] = []


def _hold(strips: list[bytes], weeks: list[int]) -> None:
    """Keep a worker's part in its memory."""
    _held[:] = strips
    _weeks_held[:] = weeks


def _measure_held() -> Table:
    return measure_all(_held, NEARING_PER_CENT, _weeks_held)


def weeks_of(days: Sequence[int]) -> list[int]:
    """Give the school week of each day of some marks, of which these are the school days."""
    weeks = [-1] * (max(days) + 1)
    for day, week in zip(days, WEEKS, strict=True):
        weeks[day] = week
    return weeks


class Catalogue:
    """All strip triggers over everybody, as at the end of the last day."""

    def __init__(self, strips: Sequence[bytes]) -> None:
        self._years = [
            PupilYear(f"P-{number:06d}", Strip(CALENDAR.year, marks), CALENDAR)
            for number, marks in enumerate(strips)
        ]
        self.found: dict[str, int] = {}

    def run(self) -> None:
        """Look at everybody."""
        assessment = assess_years(self._years, CALENDAR.last_day, {})
        self.found = dict(Counter(one.trigger for one in assessment.findings))


def measure_catalogue(strips: Sequence[bytes], rounds: int) -> Target:
    """Time the catalogue, print what it found, and give its target."""
    catalogue = Catalogue(strips)
    times: list[float] = []
    for number in range(rounds + 1):
        gc.collect()
        gc.disable()
        # One core's own seconds: what else the machine does takes none of them.
        started = time.process_time()
        catalogue.run()
        taken = time.process_time() - started
        gc.enable()
        if number:
            times.append(taken)
    print_table(
        f"{len(strips)} pupils, all {len(OF_YEARS)} strip triggers, seconds of one core",
        ("", "pupils with a finding"),
        [
            ("median", seconds(times)),
            *((name, str(count)) for name, count in sorted(catalogue.found.items())),
        ],
    )
    # In proportion, so that a short run says something too.
    limit = CATALOGUE_SECONDS * len(strips) / 100_000
    return Target("the complete strip catalogue", min(times), limit, "s")


Runner = Ours | Polars | DuckDB


class Times(NamedTuple):
    """Seconds of each round.

    Args:
        wall: as a clock on the wall shows them.
        cores: of all cores that worked for it in this process.
    """

    wall: list[float]
    cores: list[float]


def take_turns(runners: Sequence[Runner], rounds: int) -> dict[str, Times]:
    """Time every runner in every round, one after the other; the first round does not count."""
    times = {runner.name: Times([], []) for runner in runners}
    for number in range(rounds + 1):
        for runner in runners:
            gc.collect()
            # As timeit does: the collector's pauses depend on what else is in this process.
            gc.disable()
            started, busy = time.perf_counter(), time.process_time()
            runner.run()
            busy, taken = time.process_time() - busy, time.perf_counter() - started
            gc.enable()
            if number:
                times[runner.name].wall.append(taken)
                times[runner.name].cores.append(busy)
    return times


def check_equal(runners: Sequence[Runner]) -> list[Answer]:
    """Compare all answers of all pupils; leave with status 1 where they differ."""
    expected = runners[0].answers()
    for runner in runners[1:]:
        given = runner.answers()
        if given != expected:
            pairs = enumerate(zip(expected, given, strict=False))
            at, (ours, theirs) = next(pair for pair in pairs if operator.ne(*pair[1]))
            sys.exit(f"{runners[0].name} and {runner.name} differ: pupil {at}, {ours} and {theirs}")
    return expected


def main() -> None:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description="Absence of a local authority's year.")
    parser.add_argument("--pupils", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tuned", action="store_true", help="add the polars query tuned by hand")
    arguments = parser.parse_args()

    all_marks = invent_school_year(arguments.pupils)
    table = columns_of(all_marks)
    ours = OursInProcesses(f"mis-bridge, {THREADS} processes", all_marks, range(DAYS))
    alone = Ours("mis-bridge, 1 process", all_marks, range(DAYS))
    days_of_strips = [slot // 2 for slot in SLOTS[::2]]
    whole = whole_strips(all_marks)
    strips = Ours("mis-bridge, 1 process, whole strips", whole, days_of_strips)
    peers: list[Runner] = [Polars(table), DuckDB(table)]
    runners: list[Runner] = [ours, alone, strips, *peers]
    if arguments.tuned:
        runners.append(TunedPolars(table))
    times = take_turns(runners, arguments.rounds)
    answers = check_equal(runners)
    ours.close()

    # The fastest round is the work itself; whatever else the machine does only adds to it.
    best = {name: min(taken.wall) for name, taken in times.items()}
    cores = {name: min(taken.cores) for name, taken in times.items()}
    peer = min((peer.name for peer in peers), key=best.__getitem__)
    a_mark = 1e9 / (arguments.pupils * 2 * DAYS)
    print_table(
        f"{arguments.pupils} pupils x {2 * DAYS} sessions, all measures",
        ("", "median", "fastest round to the faster peer's", "ns of processor time a mark"),
        [
            (
                name,
                seconds(taken.wall),
                f"{best[name] / best[peer]:.2f}",
                # What the processes beside this one did is not known to it.
                "" if name == ours.name else f"{cores[name] * a_mark:.1f}",
            )
            for name, taken in times.items()
        ],
    )
    possible, absent = sum(a.possible for a in answers), sum(a.absent for a in answers)
    print(
        f"\nequal answers for all pupils: {100 * absent / possible:.1f} % absent, "
        f"{sum(bool(a.persistent) for a in answers)} persistently, "
        f"{sum(bool(a.severe) for a in answers)} severely, "
        f"{sum(bool(a.approaching) for a in answers)} approaching, "
        f"{sum(a.tenth_day is not None for a in answers)} with ten days, "
        f"{sum(a.penalty_day is not None for a in answers)} at the penalty threshold"
    )
    catalogue = measure_catalogue(whole, arguments.rounds)
    finish(
        [
            catalogue,
            *(
                Target(
                    f"processor time a mark, {alone.name} to {one.name}",
                    cores[alone.name] / cores[one.name],
                    RATIO,
                )
                for one in peers
            ),
        ]
    )


if __name__ == "__main__":
    main()
