# ruff: noqa: INP001 - an adapter's folder is no package
"""Reports of SIMS 7 CommandReporter, dropped into a folder as XML or CSV.

The captions of a report are the school's own, so that its file maps them. A column without a value
has no element in the XML at all: whether a report has a column is seen from all of its records
together. How the folder is watched is in ``mis_bridge.adapters.drops``.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn
from xml.parsers import expat

from mis_bridge.adapters.csv_format import Parsed
from mis_bridge.adapters.csv_texts import PM, Refused, Texts
from mis_bridge.adapters.drops import DropFolder, Dropped
from mis_bridge.adapters.enrolments import who_counts
from mis_bridge.adapters.records import LessonMark, PupilRecord, SessionMark
from mis_bridge.adapters.values import Flags, Unusable, Years
from mis_bridge.errors import BadRow
from mis_bridge.registers.calendar import local_minute
from mis_bridge.registers.codes import NOT_TAKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mis_bridge.adapters.drops import Drop
    from mis_bridge.adapters.registry import OpenContext

    Cells = Mapping[str, str]

__all__ = ["open_source"]

_NEEDED: Final = {
    "pupils": ("pupil", "surname", "forename"),
    "sessions": ("pupil", "date", "session", "mark"),
    "lessons": ("pupil", "date", "period", "mark"),
}
"""Report -> columns that it can not do without, in the order in which the streams are read."""

_OPTIONAL: Final = {
    "pupils": ("upn", "year", "form", "dob", "sex", "admission", "leaving", "in_care"),
    "sessions": (),
    "lessons": ("starts", "ends"),
}

_ERROR: Final = b"<CommandReporterError"
_ROOT: Final = "SuperStarReport"
_RECORD: Final = "Record"
_RECORD_DEPTH: Final = 2
_CELL_DEPTH: Final = 3
_ESCAPED: Final = re.compile("_[xX]([0-9A-Fa-f]{4})_?")
_BRITISH_DAY: Final = re.compile(r"(\d\d?)/(\d\d?)/(\d{4})(?: \d\d?:\d\d(?::\d\d)?)?")
_SEXES: Final = {"m": "M", "male": "M", "f": "F", "female": "F"}
_ID_HINT: Final = (
    "; SIMS leaves columns of ids out unless the user that runs the report is in the group 'Third "
    "Party Reporter'"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The captions of a school's reports.

    Args:
        captions: column -> caption as ``_caption`` writes it, those that the school has.
        named: columns that the school's own file names: they must be there.
    """

    captions: Mapping[str, str]
    named: frozenset[str]


def open_source(context: OpenContext) -> DropFolder:
    """Open the folder of a school.

    Args:
        context: with the connection's ``folder``, its settings and the captions of its columns.
    """
    given = {name: str(value) for name, value in context.connection.items()}
    usual = {name: table.default for name, table in context.manifest.connection.items()}
    of = {name.removesuffix("_column"): name for name in given if name.endswith("_column")}
    columns = Columns(
        {column: _caption(given[name]) for column, name in of.items() if given[name].strip()},
        frozenset(c for c, name in of.items() if given[name] and given[name] != usual[name]),
    )
    meaning = (
        context.manifest.adapter.version,
        given["encoding"],
        sorted(columns.captions.items()),
        sorted(context.codes.items()),
        sorted(context.periods.items()),
    )
    reader = _Reader(columns, given["encoding"], context)
    return DropFolder(
        Path(given["folder"]),
        Dropped(tuple(_NEEDED), (".xml", ".csv"), reader.parse, repr(meaning).encode()),
        settle_seconds=float(given["settle_seconds"]),
        stale_after=timedelta(hours=float(given["stale_after_hours"])),
        now=context.clock.now,
    )


class _Reader:
    """Reads the reports of one school.

    Args:
        columns: their captions.
        encoding: of CSV reports.
        context: the school's own codes and periods, and the present.
    """

    def __init__(self, columns: Columns, encoding: str, context: OpenContext) -> None:
        self._columns = columns
        self._encoding = encoding
        self._codes = dict(context.codes)
        self._periods = dict(context.periods)
        self._now = context.clock.now

    def parse(self, file: Drop, content: bytes) -> Parsed[Any]:
        """Read a report.

        Raises:
            BadRow: it is no report, is cut off, or lacks a column.
        """
        name = file.path.name
        plain = content.replace(b"\0", b"")
        if not plain.strip():
            _refuse_file(name, 1, "the file is empty: CommandReporter wrote no report into it")
        if _ERROR in plain:
            _refuse_file(
                name, 1, "CommandReporter wrote an error instead of a report: open the file to see"
            )
        report = _Report(name, file.kind, self._columns)
        parsed: Parsed[Any] = Parsed()
        takes: dict[str, Callable[[_Report, Parsed[Any]], Callable[[], None]]] = {
            "pupils": self._pupils,
            "sessions": self._sessions,
            "lessons": self._lessons,
        }
        end = takes[file.kind](report, parsed)
        # What a file is, is seen from its first character: its name is whatever the script says.
        if plain.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<"):
            _read_xml(content, report)
        else:
            _read_csv(content, self._encoding, report)
        report.finish()
        end()
        return parsed

    def _pupils(self, report: _Report, parsed: Parsed[PupilRecord]) -> Callable[[], None]:
        days, years, yes = _Days(), Years(), Flags()
        found: list[PupilRecord] = []

        def take(cells: Cells) -> None:
            def day(column: str) -> date | None:
                try:
                    return days[cells[column]] if cells[column] else None
                except Refused as refused:
                    # Without the value: where columns have slipped it may be a name.
                    raise Refused(f"{column}: {refused.problem}") from None

            try:
                in_care = yes.get_fast(cells["in_care"])
            except Unusable as unusable:
                raise Refused(f"in_care: {unusable.problem}") from None
            found.append(
                PupilRecord(
                    pupil=cells["pupil"] or _refuse("the pupil's id is empty"),
                    upn=cells["upn"],
                    surname=cells["surname"],
                    forename=cells["forename"],
                    dob=day("dob"),
                    sex=_SEXES.get(cells["sex"].lower(), ""),
                    year_group=years.get_fast(cells["year"]),
                    form=cells["form"],
                    admission=day("admission"),
                    leaving=day("leaving"),
                    flags=frozenset({"lac"} if in_care else ()),
                )
            )

        def end() -> None:
            today = local_minute(self._now())[0]
            parsed.records += who_counts(found, today)

        report.take = partial(_set_aside, take, report, parsed)
        return end

    def _sessions(self, report: _Report, parsed: Parsed[SessionMark]) -> Callable[[], None]:
        days, codes = _Days(), Texts(self._codes).codes
        found: dict[tuple[str, date, bool], SessionMark] = {}

        def take(cells: Cells) -> None:
            pupil, day = _pupil_and_day(cells, days)
            pm = PM[cells["session"].rpartition(" ")[2]]
            mark = SessionMark(pupil, day, pm, codes[cells["mark"]])
            _add(found, (pupil, day, pm), mark)

        report.take = partial(_set_aside, take, report, parsed)
        return lambda: parsed.records.extend(found.values())

    def _lessons(self, report: _Report, parsed: Parsed[LessonMark]) -> Callable[[], None]:
        days, texts = _Days(), Texts(self._codes)
        codes, minutes = texts.codes, texts.minutes
        timed = {"starts", "ends"} <= self._columns.captions.keys()
        found: dict[tuple[str, date, str, int], LessonMark] = {}

        def take(cells: Cells) -> None:
            pupil, day = _pupil_and_day(cells, days)
            period = cells["period"] or _refuse("the period is empty")
            if timed:
                starts, ends = minutes[cells["starts"]], minutes[cells["ends"]]
            elif period in self._periods:
                starts, ends = self._periods[period]
            else:
                raise Refused("[calendar.periods] of the school's file does not have this", period)
            if ends <= starts:
                _refuse("the lesson ends before it starts")
            mark = LessonMark(pupil, day, period, starts, ends, codes[cells["mark"]])
            _add(found, (pupil, day, period, starts), mark)

        report.take = partial(_set_aside, take, report, parsed)
        return lambda: parsed.records.extend(found.values())


@dataclass
class _Report:
    """One report while it is read.

    Args:
        name: of its file.
        kind: what it is on.
        columns: of the school.
        take: given the cells of each record, every column of the kind among them.
        is_table: it is CSV.
        line: of the record that is being taken.
        rows: records so far.
        seen: captions so far.
    """

    name: str
    kind: str
    columns: Columns
    take: Callable[[Cells], None] = lambda _: None
    is_table: bool = False
    line: int = 1
    rows: int = 0
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        wanted = (*_NEEDED[self.kind], *_OPTIONAL[self.kind])
        self._wanted = [(column, self.columns.captions.get(column)) for column in wanted]

    def row(self, cells: Cells, line: int) -> None:
        """Take the record that begins at a line."""
        self.line = line
        self.rows += 1
        self.seen.update(cells)
        self.take(
            {column: cells.get(caption, "") if caption else "" for column, caption in self._wanted}
        )

    def finish(self) -> None:
        """See that it was a report on what it says.

        Raises:
            BadRow: it has no record, or none of its records has a column that must be there.
        """
        if not self.rows:
            _refuse_file(self.name, 1, "the report has no record: is its filter right?")
        must = {*_NEEDED[self.kind], *self.columns.named}
        for column, caption in self._wanted:
            if column in must and caption not in self.seen:
                # In a table without captions the first row is a pupil: nothing of it is shown.
                close = [] if self.is_table else get_close_matches(str(caption), self.seen, n=1)
                near = f", the nearest is {close[0]!r}" if close else ""
                hint = _ID_HINT if column == "pupil" else ""
                text = f"no record has the column {caption!r} ({column}_column){near}{hint}"
                _refuse_file(self.name, 1, text)


def _read_xml(content: bytes, report: _Report) -> None:
    """Read ``<SuperStarReport><Record>...``; a document type, and so any entity, is refused."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    path: list[str] = []
    cells: dict[str, str] = {}
    text: list[str] = []
    begins = 1

    def start(name: str, _: dict[str, str]) -> None:
        nonlocal begins
        path.append(name)
        text.clear()
        if len(path) == 1 and name != _ROOT:
            _refuse_file(report.name, 1, f"the file is XML, but no report: it has no {_ROOT}")
        if len(path) == _RECORD_DEPTH:
            cells.clear()
            begins = parser.CurrentLineNumber

    def end(name: str) -> None:
        if len(path) == _CELL_DEPTH and path[1] == _RECORD:
            cells[_caption(name)] = " ".join("".join(text).split())
        elif len(path) == _RECORD_DEPTH and name == _RECORD:
            report.row(cells, begins)
        path.pop()
        text.clear()

    def refuse(*_: object) -> NoReturn:
        _refuse_file(report.name, parser.CurrentLineNumber, "a report declares no document type")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text.append
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", 1)
        _refuse_file(report.name, line, "the XML is cut off or broken there")


def _read_csv(content: bytes, encoding: str, report: _Report) -> None:
    """Read a table whose first row has the captions."""
    report.is_table = True
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    try:
        text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        _refuse_file(report.name, 1, f"the file is not {encoding} text: set encoding to what it is")
    rows = csv.reader(io.StringIO(text, newline=""))
    try:
        captions = [_caption(cell) for cell in next(rows, [])]
        report.seen.update(captions)
        for row in rows:
            if any(cell.strip() for cell in row):
                cells = (" ".join(cell.split()) for cell in row)
                report.row(dict(zip(captions, cells, strict=False)), rows.line_num)
    except csv.Error as error:
        _refuse_file(report.name, rows.line_num, f"not a CSV file: {error}")


def _caption(text: str) -> str:
    """Write a caption, or the name of its element, so that the two can be compared."""
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return " ".join(plain.split()).casefold()


class _Days(dict[str, date]):
    """Days as SIMS writes them, ``07/09/2026`` or ISO, each understood once."""

    def __missing__(self, text: str) -> date:
        try:
            if british := _BRITISH_DAY.fullmatch(text):
                day = date(int(british[3]), int(british[2]), int(british[1]))
            else:
                day = datetime.fromisoformat(text).date()
        except ValueError:
            raise Refused("this is not a date (07/09/2026 or 2026-09-07)", text) from None
        self[text] = day
        return day


def _set_aside(
    take: Callable[[Cells], None], report: _Report, parsed: Parsed[Any], cells: Cells
) -> None:
    """Take a record; one that can not be used is set aside with its line."""
    try:
        take(cells)
    except Refused as refused:
        problem = BadRow(str(refused), file=report.name, line=report.line, value=refused.code)
        parsed.problems.append(problem)


def _pupil_and_day(cells: Cells, days: _Days) -> tuple[str, date]:
    return cells["pupil"] or _refuse("the pupil's id is empty"), days[cells["date"]]


def _add(found: dict[Any, Any], key: Any, mark: SessionMark | LessonMark) -> None:
    """Add a mark once: two multiple-record sets in a report give every pair of their rows."""
    known = found.get(key)
    if known is None or known.code == NOT_TAKEN:
        found[key] = mark
    elif mark.code not in (known.code, NOT_TAKEN):
        found[key] = mark
        raise Refused("another row has another mark of this register; the later one counts")


def _refuse(problem: str) -> NoReturn:
    raise Refused(problem)


def _refuse_file(name: str, line: int, problem: str) -> NoReturn:
    raise BadRow(problem, file=name, line=line)
