"""The measures of absence as polars and DuckDB work them out, for ``detection.py``."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

os.environ["POLARS_MAX_THREADS"] = "2"  # read when polars is imported

import duckdb
import polars as pl
from benchmarks.authority_year import DAYS, WEEKS

from mis_bridge.registers import codes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["THREADS", "Answer", "DuckDB", "Polars", "TunedPolars", "columns_of"]

THREADS: Final = 2

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
    penalty_day: int | None


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
        penalty = self.penalty_days(counted).collect()
        self._result = counted.join(tenth, on="pupil", how="left").join(
            penalty, on="pupil", how="left"
        )

    def penalty_days(self, counted: pl.DataFrame) -> pl.LazyFrame:
        """First day on which ten unauthorised sessions lie within ten school weeks."""
        candidates = counted.lazy().filter(pl.col("unauthorised") >= 10).select("pupil")
        am, pm = pl.col("am").is_in(UNAUTHORISED), pl.col("pm").is_in(UNAUTHORISED)
        sessions = (
            self._marks.join(candidates, on="pupil", how="semi", maintain_order="left")
            .filter(am | pm)
            .select("pupil", "day", times=am.cast(pl.UInt8) + pm.cast(pl.UInt8))
        )
        return _within_ten_weeks(sessions)

    def answers(self) -> list[Answer]:
        """The answers of the last run."""
        rows = self._result.sort("pupil").select(Answer._fields).rows()
        return [Answer(*row) for row in rows]


def _within_ten_weeks(sessions: pl.LazyFrame) -> pl.LazyFrame:
    """Find the tenth of ten sessions within ten weeks; a row a day, ``times`` sessions on it."""
    week, pupil = pl.col("week"), pl.col("pupil")
    return (
        sessions.select(
            pl.col("pupil").repeat_by("times").explode(),
            pl.col("day").repeat_by("times").explode(),
        )
        .with_columns(week=pl.lit(pl.Series(WEEKS, dtype=pl.Int32)).gather(pl.col("day")))
        .filter((week - week.shift(9) < 10) & (pupil == pupil.shift(9)))
        .group_by("pupil")
        .agg(pl.col("day").min().alias("penalty_day"))
    )


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

    def penalty_days(self, counted: pl.DataFrame) -> pl.LazyFrame:
        """One lookup a session."""
        table = pl.lit(self._bits == 1)
        candidate = pl.lit(counted["unauthorised"] >= 10)
        return _within_ten_weeks(
            self._marks.filter(candidate.gather(pl.col("pupil")))
            .select(
                "pupil",
                "day",
                times=table.gather(pl.col("am")).cast(pl.UInt8)
                + table.gather(pl.col("pm")).cast(pl.UInt8),
            )
            .filter(pl.col("times") > 0)
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
        self._connection.execute("CREATE TABLE weeks (day UTINYINT, week INTEGER)")
        self._connection.executemany("INSERT INTO weeks VALUES (?, ?)", list(enumerate(WEEKS)))

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
            ),
            sessions AS (
                SELECT pupil, day, week,
                       lag(week, 9) OVER (PARTITION BY pupil ORDER BY day, half) AS ninth_before
                FROM (
                    SELECT pupil, day, 0 AS half FROM marks JOIN codes ON am = code
                    WHERE unauthorised = 1
                    UNION ALL
                    SELECT pupil, day, 1 FROM marks JOIN codes ON pm = code
                    WHERE unauthorised = 1
                )
                JOIN weeks USING (day)
                WHERE pupil IN (SELECT pupil FROM counted WHERE unauthorised >= 10)
            ),
            penalty AS (
                SELECT pupil, min(day) AS penalty_day FROM sessions
                WHERE week - ninth_before < 10 GROUP BY pupil
            )
            SELECT pupil, possible, absent,
                   CASE WHEN possible > 0 THEN absent * 10 >= possible END AS persistent,
                   CASE WHEN possible > 0 THEN absent * 2 >= possible END AS severe,
                   CASE WHEN possible > 0
                        THEN absent * 100 >= 8 * possible AND absent * 10 < possible END
                       AS approaching,
                   tenth_day, penalty_day
            FROM counted LEFT JOIN tenth USING (pupil) LEFT JOIN penalty USING (pupil)
            """
        )

    def answers(self) -> list[Answer]:
        """The answers of the last run."""
        rows = self._connection.execute(
            "SELECT * EXCLUDE (pupil) FROM answers ORDER BY pupil"
        ).fetchall()
        return [Answer(*row) for row in rows]
