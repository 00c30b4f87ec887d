"""The four CSV files that mis-bridge reads, parsed into records.

UTF-8 with or without a byte order mark, a header row, ISO dates. Times are ``HH:MM`` or a whole ISO
date and time, local to Europe/London unless they carry an offset. A row that can not be used
becomes a ``BadRow`` with its line number and the other rows go in; a header that lacks a column is
an error, since then no row means what it says.

One row of a year's file costs about three microseconds: dates, times and codes repeat, so each
distinct text is understood once.
"""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from mis_bridge.adapters.csv_texts import (
    PM,
    PUPIL_FLAGS,
    Refused,
    Texts,
    event_moment,
    flags,
    refuse,
    year_group,
)
from mis_bridge.adapters.records import DayEventRecord, LessonMark, PupilRecord, SessionMark
from mis_bridge.errors import BadRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

__all__ = [
    "COLUMNS",
    "PUPIL_FLAGS",
    "Parsed",
    "read_events",
    "read_lessons",
    "read_pupils",
    "read_sessions",
]

COLUMNS = {
    "sessions": (("pupil_id", "date", "session", "code"), ("recorded_at",)),
    "lessons": (
        ("pupil_id", "date", "period", "starts_at", "ends_at", "code"),
        ("recorded_at",),
    ),
    "pupils": (
        ("pupil_id", "upn", "surname", "forename", "dob", "year_group", "form"),
        ("sex", "admission_date", "leaving_date", "destination", "flags", "care_began"),
    ),
    "events": (("pupil_id", "at", "kind", "reason"), ()),
}
"""File -> (columns that must be there, columns that may be)."""

EVENT_KINDS = frozenset({"sign_in", "sign_out", "message"})

R = TypeVar("R")


@dataclass(slots=True)
class Parsed(Generic[R]):
    """What a file held.

    Args:
        records: in the order of the file.
        problems: the rows that can not be used, each with its line number.
    """

    records: list[R] = field(default_factory=list)
    problems: list[BadRow] = field(default_factory=list)

    @property
    def unknown_codes(self) -> frozenset[str]:
        """The codes that nothing maps to a register code."""
        return frozenset(row.value for row in self.problems if row.value)


def read_sessions(
    source: Path | str, name: str = "", *, codes: Mapping[str, str] | None = None
) -> Parsed[SessionMark]:
    r"""Read a sessions file.

    Args:
        source: a path, or the text of the file itself.
        name: what problems call the file; by default the path's own name.
        codes: the school's own codes -> register codes.

    Raises:
        BadRow: the header lacks a column, or the file is not UTF-8 text.
        OSError: the file can not be read.

    >>> parsed = read_sessions("pupil_id,date,session,code\nP1,2026-09-07,AM,/\n")
    >>> parsed.records[0].pupil
    'P1'
    """
    parsed: Parsed[SessionMark] = Parsed()
    texts = Texts(codes)
    pupils, days, marks, moment = texts.pupils, texts.days, texts.codes, texts.moment
    append = parsed.records.append
    with _open(source, name, "sessions") as table:
        pupil_at, day_at, session_at, code_at, recorded_at = table.places
        width = table.width
        for row in table.rows:
            try:
                if len(row) != width:
                    row = table.fitted(row)  # noqa: PLW2901 - the same row, told apart no further
                    if not row:
                        continue
                day = days[row[day_at]]
                recorded = row[recorded_at] if recorded_at >= 0 else ""
                append(
                    SessionMark(
                        pupils[row[pupil_at]],
                        day,
                        PM[row[session_at]],
                        marks[row[code_at]],
                        moment(day, recorded) if recorded else None,
                    )
                )
            except Refused as refused:
                if any(row):  # spreadsheets end in lines of commas
                    parsed.problems.append(table.problem(refused))
    return parsed


def read_lessons(
    source: Path | str, name: str = "", *, codes: Mapping[str, str] | None = None
) -> Parsed[LessonMark]:
    """Read a lessons file; arguments and errors as ``read_sessions``."""
    parsed: Parsed[LessonMark] = Parsed()
    texts = Texts(codes)
    pupils, periods = texts.pupils, texts.periods
    days, marks, minutes, moment = texts.days, texts.codes, texts.minutes, texts.moment
    append = parsed.records.append
    with _open(source, name, "lessons") as table:
        pupil_at, day_at, period_at, starts_at, ends_at, code_at, recorded_at = table.places
        width = table.width
        for row in table.rows:
            try:
                if len(row) != width:
                    row = table.fitted(row)  # noqa: PLW2901 - as above
                    if not row:
                        continue
                day = days[row[day_at]]
                starts, ends = minutes[row[starts_at]], minutes[row[ends_at]]
                if ends <= starts:
                    refuse(f"ends_at {row[ends_at]!r} is not after starts_at {row[starts_at]!r}")
                recorded = row[recorded_at] if recorded_at >= 0 else ""
                append(
                    LessonMark(
                        pupils[row[pupil_at]],
                        day,
                        periods[row[period_at]],
                        starts,
                        ends,
                        marks[row[code_at]],
                        moment(day, recorded) if recorded else None,
                    )
                )
            except Refused as refused:
                if any(row):  # spreadsheets end in lines of commas
                    parsed.problems.append(table.problem(refused))
    return parsed


def read_pupils(source: Path | str, name: str = "") -> Parsed[PupilRecord]:
    """Read a pupils file; arguments and errors as ``read_sessions``."""
    parsed: Parsed[PupilRecord] = Parsed()
    texts = Texts()
    pupils, days = texts.pupils, texts.days
    with _open(source, name, "pupils") as table:
        columns = [column for part in COLUMNS["pupils"] for column in part]
        for row in table.rows:
            try:
                row = table.fitted(row)  # noqa: PLW2901 - as above
                if not row:
                    continue
                cell = {
                    column: row[at].strip() if at >= 0 else ""
                    for column, at in zip(columns, table.places, strict=True)
                }

                def optional_day(column: str, cell: dict[str, str] = cell) -> date | None:
                    try:
                        return days[cell[column]] if cell[column] else None
                    except Refused as refused:
                        # Cells of this file hold names, also where columns have slipped.
                        raise Refused(f"{column}: {refused.problem}") from None

                parsed.records.append(
                    PupilRecord(
                        pupil=pupils[cell["pupil_id"]],
                        upn=cell["upn"],
                        surname=cell["surname"],
                        forename=cell["forename"],
                        dob=optional_day("dob"),
                        sex=cell["sex"],
                        year_group=year_group(cell["year_group"]),
                        form=cell["form"],
                        admission=optional_day("admission_date"),
                        leaving=optional_day("leaving_date"),
                        destination=cell["destination"],
                        flags=flags(cell["flags"]),
                        care_began=optional_day("care_began"),
                    )
                )
            except Refused as refused:
                if any(row):  # spreadsheets end in lines of commas
                    parsed.problems.append(table.problem(refused))
    return parsed


def read_events(source: Path | str, name: str = "") -> Parsed[DayEventRecord]:
    """Read an events file; arguments and errors as ``read_sessions``."""
    parsed: Parsed[DayEventRecord] = Parsed()
    pupils = Texts().pupils
    with _open(source, name, "events") as table:
        pupil_at, moment_at, kind_at, reason_at = table.places
        for row in table.rows:
            try:
                row = table.fitted(row)  # noqa: PLW2901 - as above
                if not row:
                    continue
                kind = row[kind_at].strip().lower()
                if kind not in EVENT_KINDS:
                    refuse(f"kind is none of {', '.join(sorted(EVENT_KINDS))}")
                parsed.records.append(
                    DayEventRecord(
                        pupils[row[pupil_at]],
                        event_moment(row[moment_at]),
                        kind,
                        row[reason_at].strip(),
                    )
                )
            except Refused as refused:
                if any(row):  # spreadsheets end in lines of commas
                    parsed.problems.append(table.problem(refused))
    return parsed


class _Table:
    """One open file: its rows and where its columns stand."""

    def __init__(self, rows: Iterator[list[str]], file: str, kind: str) -> None:
        self._file = file
        self._reader = rows
        header = next(rows, [])
        # The byte order mark of a text that was given, not read.
        names = [name.strip().lstrip("\ufeff").lower() for name in header]
        must, may = COLUMNS[kind]
        if problem := _header_problem(header, names, kind):
            raise BadRow(problem, file=file, line=1)
        self.places = [names.index(column) if column in names else -1 for column in (*must, *may)]
        self.width = len(names)
        self._needed = max(names.index(column) for column in must) + 1

    @property
    def rows(self) -> Iterator[list[str]]:
        return self._reader

    @property
    def line(self) -> int:
        return int(getattr(self._reader, "line_num", 0))

    def fitted(self, row: Sequence[str]) -> list[str]:
        """Fill up optional cells that the row leaves out; an empty line gives an empty list."""
        if not any(cell.strip() for cell in row):
            return []
        if any("\0" in cell for cell in row):
            refuse("the row holds a NUL character: export the file again")
        cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
        if len(row) < self._needed:
            refuse(f"the row has {cells}, the header asks for {self._needed}")
        if any(cell.strip() for cell in row[self.width :]):
            refuse(
                f"the row has {cells} under a header of {self.width}: put a cell with a comma "
                "in quotes"
            )
        return [*row[: self.width], *("" for _ in range(self.width - len(row)))]

    def problem(self, refused: Refused) -> BadRow:
        return BadRow(str(refused), file=self._file, line=self.line, value=refused.code)


@contextmanager
def _open(source: Path | str, name: str, kind: str) -> Iterator[_Table]:
    """Open a path or a text as a table of one of the four kinds."""
    if isinstance(source, Path):
        file = name or source.name
        stream: io.TextIOBase = source.open(encoding="utf-8-sig", newline="")
    else:
        file = name or f"{kind}.csv"
        stream = io.StringIO(source, newline="")
    with stream:
        rows = csv.reader(stream)
        try:
            yield _Table(rows, file, kind)
        except UnicodeDecodeError:
            raise BadRow(
                "this is not UTF-8 text: save the file as 'CSV UTF-8'",
                file=file,
                line=_first_foreign_line(source) if isinstance(source, Path) else rows.line_num + 1,
            ) from None
        except csv.Error as error:
            raise BadRow(f"not a CSV file: {error}", file=file, line=rows.line_num) from None


def _first_foreign_line(path: Path) -> int:
    """Find the first line that is not UTF-8; a stream is decoded many lines ahead of its reader."""
    line = 1
    with path.open("rb") as stream:
        for line, content in enumerate(stream, 1):  # noqa: B007 - what is wanted is where it stops
            try:
                content.decode()
            except UnicodeDecodeError:
                break
    return line


def _header_problem(header: Sequence[str], names: Sequence[str], kind: str) -> str:
    """Say what is wrong with a header, or nothing."""
    must, may = COLUMNS[kind]
    wanted = f"{'an' if kind == 'events' else 'a'} {kind} file needs the columns {','.join(must)}"
    if not any(names):
        return f"the file is empty; {wanted}"
    if len(header) == 1 and (separator := next((c for c in ";\t|" if c in header[0]), "")):
        return f"the columns are parted by {separator!r}: save the file with commas"
    for column in must:
        if column not in names:
            near = _nearest(column, names, (*must, *may))
            return f"column {column!r} is missing{near}; {wanted}"
    for column in names:
        if column in (*must, *may):
            if names.count(column) > 1:
                return f"column {column!r} stands there twice: nobody can say which one counts"
            continue
        absent = [known for known in may if known not in names]
        if close := get_close_matches(column, absent, n=1, cutoff=0.75):
            return f"column {column!r} is not known; the nearest is {close[0]!r}"
    return ""


def _nearest(column: str, names: Sequence[str], known: Sequence[str]) -> str:
    strangers = [name for name in names if name and name not in known]
    close = get_close_matches(column, strangers, n=1, cutoff=0.6)
    return f", the nearest is {close[0]!r}" if close else ""
