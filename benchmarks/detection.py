"""A local authority's year, measured in one go: ours against polars and DuckDB.

100,000 pupils with 380 sessions each: possible and absent sessions, persistent, severe and
approaching absence, and the day that completes ten school days of unauthorised absence (G N O U in
every possible session; see ``docs/reference/absence-measures.md``). All three give the same answers
or the benchmark fails.

Everybody has the data in memory before the clock starts, in the shape that suits them, and the
same two cores: ours one ``bytes`` of 380 marks a pupil, half of the pupils in each of two
processes; the peers one row a pupil and day with morning and afternoon as two columns of one byte,
sorted by pupil and day, dictionary-coded like ours, which is half the rows of the usual one row a
mark, and two threads. The peers look for runs only among pupils who have ten unauthorised
sessions, as ours does. Rounds take turns, so that a busy machine slows all of them down, and the
fastest round of each counts.

::

    python benchmarks/detection.py             100,000 pupils
    python benchmarks/detection.py --tuned     also a polars query tuned by hand, for comparison
    python benchmarks/detection.py --pupils N --rounds N

Two more lines show ours in one process, on these marks and on whole strips as the daemon keeps
them, with 730 slots for weekends and holidays too.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import operator
import os
import random
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

os.environ["POLARS_MAX_THREADS"] = "2"

import duckdb
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.table import Target, finish, print_table, seconds

from mis_bridge.registers import codes
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar
from mis_bridge.registers.measures import Table, measure_all

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED: Final = 20260901
PUPILS_A_SCHOOL: Final = 1000
THREADS: Final = 2
RATIO: Final = 0.5

CALENDAR: Final = SchoolCalendar(
    AcademicYear(2025),
    date(2025, 9, 3),
    date(2026, 7, 20),
    (
        Closure(date(2025, 10, 27), date(2025, 11, 3), "autumn half term"),
        Closure(date(2025, 12, 22), date(2026, 1, 5), "Christmas"),
        Closure(date(2026, 2, 16), date(2026, 2, 20), "spring half term"),
        Closure(date(2026, 3, 30), date(2026, 4, 10), "Easter"),
        Closure(date(2026, 5, 4), date(2026, 5, 4), "bank holiday"),
        Closure(date(2026, 5, 25), date(2026, 5, 29), "summer half term"),
        Closure(date(2026, 6, 29), date(2026, 6, 29), "training day"),
    ),
)
SLOTS: Final = tuple(
    CALENDAR.year.slot(day, pm) for day in CALENDAR.school_days() for pm in (False, True)
)
DAYS: Final = len(SLOTS) // 2

# Reason -> (how often it begins, days that it lasts on average, 0: one session only). With these,
# absence is near the national figures: 7 % of sessions, two thirds of it authorised, one pupil in
# five persistently absent and one in a hundred severely.
REASONS: Final[dict[str, tuple[float, float]]] = {
    "I": (40, 1.6),
    "O": (14, 2),
    "L": (10, 0),
    "M": (9, 0),
    "U": (7, 0),
    "N": (4, 0),
    "V": (4, 1),
    "B": (2, 1),
    "C": (2, 2),
    "G": (1.5, 5),
    "E": (1, 3),
    "-": (1, 0),
    "C2": (0.4, 15),
    "D": (0.3, 10),
    "J1": (0.3, 0),
    "X": (0.3, 0),
    "Y7": (0.3, 2),
    "Y1": (0.3, 1),
    "K": (0.2, 20),
    "C1": (0.2, 1),
}

POSSIBLE: Final = list(codes.POSSIBLE_BYTES)
ABSENT: Final = list(codes.ABSENCE_BYTES)
UNAUTHORISED: Final = list(codes.UNAUTHORISED_BYTES)
OUTSIDE: Final = list(codes.OUTSIDE_BYTES)


class Answer(NamedTuple):
    """What everybody gives for one pupil; None where no session was possible."""

    possible: int
    absent: int
    persistent: bool | None
    severe: bool | None
    approaching: bool | None
    tenth_day: int | None


def invent_school_year(pupils: int) -> list[bytes]:
    """Invent the 380 marks of each pupil, the same ones at every run."""
    rng = random.Random(SEED)  # noqa: S311 - invented registers, not a secret
    present = bytearray(b"/\\" * DAYS)
    reasons = list(REASONS)
    weights = [share for share, _ in REASONS.values()]
    all_marks: list[bytes] = []
    for number in range(pupils):
        if number % PUPILS_A_SCHOOL == 0:
            # Each school is closed on a day of its own; all its pupils have # on it.
            closed = 2 * rng.randrange(DAYS)
        marks = bytearray(present)
        # Most pupils miss little and a few miss much.
        spells = int(min(rng.lognormvariate(-3.95, 1.38), 3) * DAYS) + 1
        for reason in rng.choices(reasons, weights, k=spells):
            byte = codes.to_byte(reason)
            first, length = rng.randrange(DAYS), REASONS[reason][1]
            if not length:
                marks[2 * first + rng.randrange(2)] = byte
                continue
            last = min(first + int(rng.expovariate(1 / length)) + 1, DAYS)
            marks[2 * first : 2 * last] = bytes((byte,)) * (2 * (last - first))
        marks[closed : closed + 2] = b"##"
        all_marks.append(bytes(marks))
    return all_marks


def whole_strips(all_marks: Sequence[bytes]) -> list[bytes]:
    """Lay the marks into strips of the whole year."""
    strips = []
    for marks in all_marks:
        strip = bytearray((codes.NO_SESSION,)) * CALENDAR.year.slots
        for slot, mark in zip(SLOTS, marks, strict=True):
            strip[slot] = mark
        strips.append(bytes(strip))
    return strips


class Ours:
    """mis-bridge: ``measure_all``."""

    def __init__(self, name: str, strips: list[bytes], days: Sequence[int]) -> None:
        self.name = name
        self._strips = strips
        # Where each day of the strips stands among the school days.
        self._number = {day: number for number, day in enumerate(days)}
        self._tables: list[Table] = []

    def run(self) -> None:
        """Measure everybody."""
        self._tables = [measure_all(self._strips)]

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
            ProcessPoolExecutor(1, context, _hold, (strips[start : start + part],))
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


def _hold(strips: list[bytes]) -> None:
    """Keep a worker's part in its memory."""
    _held[:] = strips


def _measure_held() -> Table:
    return measure_all(_held)


def columns_of(all_marks: Sequence[bytes]) -> pl.DataFrame:
    """Lay the marks out for the peers: pupil, day, morning, afternoon."""
    return (
        pl.DataFrame({"marks": pl.Series(all_marks, dtype=pl.Binary)})
        .with_row_index("pupil")
        .select(
            "pupil",
            pl.col("marks").bin.reinterpret(dtype=pl.Array(pl.UInt8, 2 * DAYS)).alias("mark"),
        )
        .explode("mark")
        .select(
            pl.col("pupil").gather_every(2),
            pl.col("mark").gather_every(2).alias("am"),
            pl.col("mark").gather_every(2, 1).alias("pm"),
        )
        .with_columns(day=(pl.int_range(pl.len()) % DAYS).cast(pl.UInt8))
        .with_columns(pl.col("pupil").set_sorted())
        .rechunk()
    )


class Polars:
    """polars, eager columns and lazy queries."""

    name = f"polars, {THREADS} threads"

    def __init__(self, marks: pl.DataFrame) -> None:
        self._marks = marks.lazy()
        self._result = pl.DataFrame()

    def counts(self) -> pl.LazyFrame:
        """Possible, absent and unauthorised sessions of each pupil."""
        am, pm = pl.col("am"), pl.col("pm")
        return self._marks.group_by("pupil").agg(
            (am.is_in(which).sum() + pm.is_in(which).sum()).cast(pl.Int32).alias(name)
            for name, which in (
                ("possible", POSSIBLE),
                ("absent", ABSENT),
                ("unauthorised", UNAUTHORISED),
            )
        )

    def candidate_days(self, counted: pl.DataFrame) -> pl.LazyFrame:
        """Days with a session, of pupils who can have a run: pupil, day, does it count?"""
        candidates = counted.lazy().filter(pl.col("unauthorised") >= 10).select("pupil")
        am, pm = pl.col("am"), pl.col("pm")
        return (
            self._marks.join(candidates, on="pupil", how="semi", maintain_order="left")
            .with_columns(am_out=am.is_in(OUTSIDE), pm_out=pm.is_in(OUTSIDE))
            .filter(~(pl.col("am_out") & pl.col("pm_out")))
            .select(
                "pupil",
                "day",
                counts=(pl.col("am_out") | am.is_in(UNAUTHORISED))
                & (pl.col("pm_out") | pm.is_in(UNAUTHORISED)),
            )
        )

    def run(self) -> None:
        """Measure everybody."""
        possible, absent = pl.col("possible"), pl.col("absent")
        some = possible > 0
        counted = (
            self.counts()
            .with_columns(
                persistent=pl.when(some).then(absent * 10 >= possible),
                severe=pl.when(some).then(absent * 2 >= possible),
                approaching=pl.when(some).then(
                    (absent * 100 >= 8 * possible) & (absent * 10 < possible)
                ),
            )
            .collect()
        )
        # A counted day completes ten where the ninth counted day before it is nine rows away.
        place, pupil = pl.col("place"), pl.col("pupil")
        tenth = (
            self.candidate_days(counted)
            .with_row_index("place")
            .filter("counts")
            .filter((place - place.shift(9) == 9) & (pupil == pupil.shift(9)))
            .group_by("pupil")
            .agg(pl.col("day").min().alias("tenth_day"))
            .collect()
        )
        self._result = counted.join(tenth, on="pupil", how="left")

    def answers(self) -> list[Answer]:
        """The answers of the last run."""
        rows = self._result.sort("pupil").select(Answer._fields).rows()
        return [Answer(*row) for row in rows]


class TunedPolars(Polars):
    """polars, codes looked up by position instead of asked for: faster, and harder to read."""

    name = "polars, tuned by hand"
    _SHIFT = 10

    def __init__(self, marks: pl.DataFrame) -> None:
        super().__init__(marks)
        shift = self._SHIFT
        self._sums = pl.Series(
            [
                (byte in POSSIBLE)
                + ((byte in ABSENT) << shift)
                + ((byte in UNAUTHORISED) << 2 * shift)
                for byte in range(256)
            ],
            dtype=pl.UInt32,
        )
        self._bits = pl.Series(
            [0 if byte in OUTSIDE else 1 if byte in UNAUTHORISED else 2 for byte in range(256)],
            dtype=pl.UInt8,
        )

    def counts(self) -> pl.LazyFrame:
        """Three sums in one number."""
        table = pl.lit(self._sums)
        sums, one = pl.col("sums"), 1 << self._SHIFT
        return (
            self._marks.select(
                "pupil", sums=table.gather(pl.col("am")) + table.gather(pl.col("pm"))
            )
            .group_by("pupil", maintain_order=True)
            .agg(sums.sum())
            .select(
                "pupil",
                possible=(sums % one).cast(pl.Int32),
                absent=(sums // one % one).cast(pl.Int32),
                unauthorised=(sums // one**2).cast(pl.Int32),
            )
        )

    def candidate_days(self, counted: pl.DataFrame) -> pl.LazyFrame:
        """One lookup for both sessions."""
        table = pl.lit(self._bits)
        candidate = pl.lit(counted["unauthorised"] >= 10)
        return (
            self._marks.filter(candidate.gather(pl.col("pupil")))
            .select(
                "pupil",
                "day",
                bits=table.gather(pl.col("am")) | table.gather(pl.col("pm")),
            )
            .filter(pl.col("bits") != 0)
            .select("pupil", "day", counts=pl.col("bits") == 1)
        )


class DuckDB:
    """DuckDB, a table in memory and a table of codes beside it."""

    name = f"DuckDB, {THREADS} threads"

    def __init__(self, marks: pl.DataFrame) -> None:
        self._connection = duckdb.connect()
        self._connection.execute(f"SET threads = {THREADS}")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "marks.parquet"
            marks.write_parquet(file)
            self._connection.execute(
                "CREATE TABLE marks AS SELECT * FROM read_parquet($file) ORDER BY pupil, day",
                {"file": str(file)},
            )
        self._connection.execute(
            "CREATE TABLE codes (code UTINYINT, possible UTINYINT, absent UTINYINT, "
            "unauthorised UTINYINT, outside BOOLEAN)"
        )
        self._connection.executemany(
            "INSERT INTO codes VALUES (?, ?, ?, ?, ?)",
            [
                (byte, byte in POSSIBLE, byte in ABSENT, byte in UNAUTHORISED, byte in OUTSIDE)
                for byte in (*POSSIBLE, *OUTSIDE, codes.NOT_TAKEN)
            ],
        )

    def run(self) -> None:
        """Measure everybody."""
        self._connection.execute(
            """
            CREATE OR REPLACE TEMP TABLE counted AS
            SELECT pupil,
                   sum(a.possible + p.possible)::INTEGER AS possible,
                   sum(a.absent + p.absent)::INTEGER AS absent,
                   sum(a.unauthorised + p.unauthorised)::INTEGER AS unauthorised
            FROM marks JOIN codes a ON am = a.code JOIN codes p ON pm = p.code
            GROUP BY pupil
            """
        )
        self._connection.execute(
            """
            CREATE OR REPLACE TEMP TABLE answers AS
            WITH days AS (
                SELECT pupil, day,
                       (a.outside OR a.unauthorised = 1) AND (p.outside OR p.unauthorised = 1)
                           AS counts
                FROM marks JOIN codes a ON am = a.code JOIN codes p ON pm = p.code
                WHERE pupil IN (SELECT pupil FROM counted WHERE unauthorised >= 10)
                  AND NOT (a.outside AND p.outside)
            ),
            placed AS (
                SELECT pupil, day, counts, row_number() OVER (PARTITION BY pupil ORDER BY day)
                           AS place
                FROM days
            ),
            back AS (
                SELECT pupil, day, place - lag(place, 9) OVER (PARTITION BY pupil ORDER BY day)
                           AS distance
                FROM placed WHERE counts
            ),
            tenth AS (
                SELECT pupil, min(day) AS tenth_day FROM back WHERE distance = 9 GROUP BY pupil
            )
            SELECT pupil, possible, absent,
                   CASE WHEN possible > 0 THEN absent * 10 >= possible END AS persistent,
                   CASE WHEN possible > 0 THEN absent * 2 >= possible END AS severe,
                   CASE WHEN possible > 0
                        THEN absent * 100 >= 8 * possible AND absent * 10 < possible END
                       AS approaching,
                   tenth_day
            FROM counted LEFT JOIN tenth USING (pupil)
            """
        )

    def answers(self) -> list[Answer]:
        """The answers of the last run."""
        rows = self._connection.execute(
            "SELECT * EXCLUDE (pupil) FROM answers ORDER BY pupil"
        ).fetchall()
        return [Answer(*row) for row in rows]


Runner = Ours | Polars | DuckDB


def take_turns(runners: Sequence[Runner], rounds: int) -> dict[str, list[float]]:
    """Time every runner in every round, one after the other; the first round does not count."""
    times: dict[str, list[float]] = {runner.name: [] for runner in runners}
    for number in range(rounds + 1):
        for runner in runners:
            gc.collect()
            # As timeit does: the collector's pauses depend on what else is in this process.
            gc.disable()
            started = time.perf_counter()
            runner.run()
            taken = time.perf_counter() - started
            gc.enable()
            if number:
                times[runner.name].append(taken)
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
    strips = Ours("mis-bridge, 1 process, whole strips", whole_strips(all_marks), days_of_strips)
    peers: list[Runner] = [Polars(table), DuckDB(table)]
    runners: list[Runner] = [ours, alone, strips, *peers]
    if arguments.tuned:
        runners.append(TunedPolars(table))
    times = take_turns(runners, arguments.rounds)
    answers = check_equal(runners)
    ours.close()

    # The fastest round is the work itself; whatever else the machine does only adds to it.
    best = {name: min(taken) for name, taken in times.items()}
    peer = min((peer.name for peer in peers), key=best.__getitem__)
    mine = min((ours.name, alone.name), key=best.__getitem__)
    print_table(
        f"{arguments.pupils} pupils x {2 * DAYS} sessions, all measures",
        ("", "median", "fastest round to the faster peer's"),
        [(name, seconds(taken), f"{best[name] / best[peer]:.2f}") for name, taken in times.items()],
    )
    possible, absent = sum(a.possible for a in answers), sum(a.absent for a in answers)
    print(
        f"\nequal answers for all pupils: {100 * absent / possible:.1f} % absent, "
        f"{sum(bool(a.persistent) for a in answers)} persistently, "
        f"{sum(bool(a.severe) for a in answers)} severely, "
        f"{sum(bool(a.approaching) for a in answers)} approaching, "
        f"{sum(a.tenth_day is not None for a in answers)} with ten days"
    )
    finish([Target(f"{mine} to {peer}", best[mine] / best[peer], RATIO)])


if __name__ == "__main__":
    main()
