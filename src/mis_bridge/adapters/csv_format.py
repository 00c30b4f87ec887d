"""The four CSV files that mis-bridge reads, parsed into records.

UTF-8 with or without a byte order mark, a header row, ISO dates. Times are ``HH:MM`` or a whole ISO
date and time, local to Europe/London unless they carry an offset. A row that can not be used
becomes a ``BadRow`` with its line number and the other rows go in; a header that lacks a column is
an error, since then no row means what it says.

One row of a year's file costs about two microseconds: dates, times and codes repeat, so each
distinct text is understood once.
"""

from __future__ import annotations

import csv
import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from mis_bridge.adapters.records import DayEventRecord, LessonMark, PupilRecord, SessionMark
from mis_bridge.errors import BadRow, UnknownCode
from mis_bridge.registers.calendar import LONDON
from mis_bridge.registers.codes import to_byte

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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

PUPIL_FLAGS = frozenset(
    {"lac", "cp", "cin", "ehcp", "sen", "send_risk", "yot", "missing_before"},
)
_NO_TIME = "this is not a time (09:00 or 2026-09-07T09:00:00)"
EVENT_KINDS = frozenset({"sign_in", "sign_out", "message"})
_YEAR_WORDS = {"n1": -2, "n2": -1, "n": -1, "nursery": -1, "r": 0, "reception": 0}
_YEARS = range(-2, 15)
_CACHED_TIMES = 65_536

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
    texts = _Texts(codes)
    days, marks, moment = texts.days, texts.codes, texts.moment
    append = parsed.records.append
    with _open(source, name, "sessions") as table:
        pupil_at, day_at, session_at, code_at, recorded_at = table.places
        width = table.width
        for row in table.rows:
            try:
                if len(row) < width:
                    row = table.widen(row)  # noqa: PLW2901 - the same row, told apart no further
                    if not row:
                        continue
                day = days[row[day_at]]
                recorded = row[recorded_at] if recorded_at >= 0 else ""
                append(
                    SessionMark(
                        row[pupil_at].strip() or _refuse("pupil_id is empty"),
                        day,
                        _PM[row[session_at]],
                        marks[row[code_at]],
                        moment(day, recorded) if recorded else None,
                    )
                )
            except _Refused as refused:
                parsed.problems.append(table.problem(refused))
    return parsed


def read_lessons(
    source: Path | str, name: str = "", *, codes: Mapping[str, str] | None = None
) -> Parsed[LessonMark]:
    """Read a lessons file; arguments and errors as ``read_sessions``."""
    parsed: Parsed[LessonMark] = Parsed()
    texts = _Texts(codes)
    days, marks, minutes, moment = texts.days, texts.codes, texts.minutes, texts.moment
    append = parsed.records.append
    with _open(source, name, "lessons") as table:
        pupil_at, day_at, period_at, starts_at, ends_at, code_at, recorded_at = table.places
        width = table.width
        for row in table.rows:
            try:
                if len(row) < width:
                    row = table.widen(row)  # noqa: PLW2901 - as above
                    if not row:
                        continue
                day = days[row[day_at]]
                starts, ends = minutes[row[starts_at]], minutes[row[ends_at]]
                if ends <= starts:
                    _refuse(f"ends_at {row[ends_at]!r} is not after starts_at {row[starts_at]!r}")
                recorded = row[recorded_at] if recorded_at >= 0 else ""
                append(
                    LessonMark(
                        row[pupil_at].strip() or _refuse("pupil_id is empty"),
                        day,
                        row[period_at].strip() or _refuse("period is empty"),
                        starts,
                        ends,
                        marks[row[code_at]],
                        moment(day, recorded) if recorded else None,
                    )
                )
            except _Refused as refused:
                parsed.problems.append(table.problem(refused))
    return parsed


def read_pupils(source: Path | str, name: str = "") -> Parsed[PupilRecord]:
    """Read a pupils file; arguments and errors as ``read_sessions``."""
    parsed: Parsed[PupilRecord] = Parsed()
    days = _Texts().days
    with _open(source, name, "pupils") as table:
        columns = [column for part in COLUMNS["pupils"] for column in part]
        for row in table.rows:
            try:
                row = table.widen(row)  # noqa: PLW2901 - as above
                if not row:
                    continue
                cell = {
                    column: row[at].strip() if at >= 0 else ""
                    for column, at in zip(columns, table.places, strict=True)
                }

                def optional_day(column: str, cell: dict[str, str] = cell) -> date | None:
                    try:
                        return days[cell[column]] if cell[column] else None
                    except _Refused as refused:
                        # Cells of this file hold names, also where columns have slipped.
                        raise _Refused(f"{column}: {refused.problem}") from None

                parsed.records.append(
                    PupilRecord(
                        pupil=cell["pupil_id"] or _refuse("pupil_id is empty"),
                        upn=cell["upn"],
                        surname=cell["surname"],
                        forename=cell["forename"],
                        dob=optional_day("dob"),
                        sex=cell["sex"],
                        year_group=_year_group(cell["year_group"]),
                        form=cell["form"],
                        admission=optional_day("admission_date"),
                        leaving=optional_day("leaving_date"),
                        destination=cell["destination"],
                        flags=_flags(cell["flags"]),
                        care_began=optional_day("care_began"),
                    )
                )
            except _Refused as refused:
                parsed.problems.append(table.problem(refused))
    return parsed


def read_events(source: Path | str, name: str = "") -> Parsed[DayEventRecord]:
    """Read an events file; arguments and errors as ``read_sessions``."""
    parsed: Parsed[DayEventRecord] = Parsed()
    with _open(source, name, "events") as table:
        pupil_at, moment_at, kind_at, reason_at = table.places
        for row in table.rows:
            try:
                row = table.widen(row)  # noqa: PLW2901 - as above
                if not row:
                    continue
                kind = row[kind_at].strip().lower()
                if kind not in EVENT_KINDS:
                    _refuse(f"kind is none of {', '.join(sorted(EVENT_KINDS))}")
                parsed.records.append(
                    DayEventRecord(
                        row[pupil_at].strip() or _refuse("pupil_id is empty"),
                        _event_moment(row[moment_at]),
                        kind,
                        row[reason_at].strip(),
                    )
                )
            except _Refused as refused:
                parsed.problems.append(table.problem(refused))
    return parsed


class _Refused(Exception):
    """A row can not be used.

    Args:
        problem: what was expected.
        shown: what came; not told where a cell may hold a person's name.
        code: the code that nobody knows, where that is the problem.
    """

    def __init__(self, problem: str, shown: str | None = None, *, code: str = "") -> None:
        self.problem = problem
        self.code = code
        super().__init__(problem if shown is None else f"{shown!r}: {problem}")


def _refuse(problem: str) -> NoReturn:
    """Refuse the row where an expression is wanted, as the second half of an ``or``."""
    raise _Refused(problem)


class _Table:
    """One open file: its rows and where its columns stand."""

    def __init__(self, rows: Iterator[list[str]], file: str, kind: str) -> None:
        self._file = file
        self._reader = rows
        header = next(rows, [])
        # The byte order mark of a text that was given, not read.
        names = [name.strip().lstrip("\ufeff").lower() for name in header]
        must, may = COLUMNS[kind]
        for column in must:
            if column not in names:
                raise BadRow(
                    f"column {column!r} is missing{_nearest(column, names, (*must, *may))}; "
                    f"a {kind} file needs the columns {','.join(must)}",
                    file=file,
                    line=1,
                )
        for column in names:
            if column not in (*must, *may):
                absent = [known for known in may if known not in names]
                if close := get_close_matches(column, absent, n=1, cutoff=0.75):
                    raise BadRow(
                        f"column {column!r} is not known; the nearest is {close[0]!r}",
                        file=file,
                        line=1,
                    )
        self.places = [names.index(column) if column in names else -1 for column in (*must, *may)]
        self.width = max(self.places) + 1
        self._needed = max(names.index(column) for column in must) + 1

    @property
    def rows(self) -> Iterator[list[str]]:
        return self._reader

    @property
    def line(self) -> int:
        return int(getattr(self._reader, "line_num", 0))

    def widen(self, row: Sequence[str]) -> list[str]:
        """Fill up optional cells that the row leaves out; an empty line gives an empty list."""
        if not row or (len(row) == 1 and not row[0].strip()):
            return []
        if len(row) < self._needed:
            _refuse(f"the row has {len(row)} cells, the header asks for {self._needed}")
        return [*row, *("" for _ in range(self.width - len(row)))]

    def problem(self, refused: _Refused) -> BadRow:
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
                "the file is not UTF-8 text: save it as 'CSV UTF-8'",
                file=file,
                line=rows.line_num + 1,
            ) from None
        except csv.Error as error:
            raise BadRow(f"not a CSV file: {error}", file=file, line=rows.line_num) from None


def _nearest(column: str, names: Sequence[str], known: Sequence[str]) -> str:
    strangers = [name for name in names if name and name not in known]
    close = get_close_matches(column, strangers, n=1, cutoff=0.6)
    return f", the nearest is {close[0]!r}" if close else ""


class _Days(dict[str, date]):
    """ISO date texts, each understood once."""

    def __missing__(self, text: str) -> date:
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            raise _Refused("this is not an ISO date (2026-09-07)", text) from None
        self[text] = day
        return day


class _Minutes(dict[str, int]):
    """Texts of times of day -> minutes after local midnight, each understood once."""

    def __missing__(self, text: str) -> int:
        try:
            if "T" in text or " " in text.strip():
                moment = datetime.fromisoformat(text.strip())
                if moment.tzinfo is not None:
                    moment = moment.astimezone(LONDON)
                at = moment.time()
            else:
                at = time.fromisoformat(text.strip())
        except ValueError:
            raise _Refused(_NO_TIME, text) from None
        minute = at.hour * 60 + at.minute
        # Texts with a date in them are as many as there are lessons: bounded, not kept for ever.
        if len(self) < _CACHED_TIMES:
            self[text] = minute
        return minute


class _Codes(dict[str, int]):
    """Code texts -> bytes of ``registers.codes``, each understood once."""

    def __init__(self, own: Mapping[str, str] | None) -> None:
        super().__init__()
        self._own = own or {}

    def __missing__(self, text: str) -> int:
        try:
            byte = to_byte(self._own.get(text.strip(), text))
        except UnknownCode as error:
            raise _Refused(str(error), code=text.strip()) from None
        self[text] = byte
        return byte


class _Sessions(dict[str, bool]):
    """Session texts -> is it the afternoon."""

    def __missing__(self, text: str) -> bool:
        pm = {"AM": False, "PM": True}.get(text.strip().upper())
        if pm is None:
            raise _Refused("a session is AM or PM", text)
        return pm


_PM = _Sessions(AM=False, PM=True)


class _Texts:
    """The caches of one file."""

    def __init__(self, codes: Mapping[str, str] | None = None) -> None:
        self.days = _Days()
        self.minutes = _Minutes()
        self.codes = _Codes(codes)
        self._moments: dict[tuple[date, str], datetime] = {}

    def moment(self, day: date, text: str) -> datetime | None:
        """Understand ``recorded_at``: a time of that day, or a whole date and time."""
        key = (day, text)
        moment = self._moments.get(key)
        if moment is None:
            if not text.strip():
                return None
            moment = _moment(text, day)
            if len(self._moments) < _CACHED_TIMES:
                self._moments[key] = moment
        return moment


def _moment(text: str, day: date | None) -> datetime:
    text = text.strip()
    try:
        if day is not None and "T" not in text and " " not in text:
            moment = datetime.combine(day, time.fromisoformat(text))
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise _Refused(_NO_TIME, text) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=LONDON)
    return moment.astimezone(UTC)


def _event_moment(text: str) -> datetime:
    try:
        if ":" in text:
            return _moment(text, None)
    except _Refused:
        pass
    raise _Refused("at is not a date and time (2026-09-07T10:40:00)")


def _year_group(text: str) -> int | None:
    """Understand ``9``, ``Year 9``, ``Y9``, ``R``, ``Reception``, ``N2``; empty is unknown."""
    if not text:
        return None
    word = text.lower().removeprefix("year").strip()
    word = word.removeprefix("y").strip() if word[:1] == "y" else word
    if word in _YEAR_WORDS:
        return _YEAR_WORDS[word]
    if word.isascii() and word.isdigit() and int(word) in _YEARS:
        return int(word)
    raise _Refused("this is not a year group (9, Year 9 or R)")


def _flags(text: str) -> frozenset[str]:
    flags = frozenset(part.strip().lower() for part in text.split(";") if part.strip())
    if flags - PUPIL_FLAGS:
        raise _Refused(f"flags are {', '.join(sorted(PUPIL_FLAGS))}, joined by ;")
    return flags
