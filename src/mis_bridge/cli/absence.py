"""``mis-bridge absence``: measure each pupil's absence from exported session marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from mis_bridge.cli.output import FILE, emit, format_option

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime
    from pathlib import Path

    from mis_bridge.adapters.records import PupilRecord, SessionMark
    from mis_bridge.cli.absence_levels import Levels
    from mis_bridge.registers.definitions import Definition

__all__ = ["command"]

COLUMNS: Final = (
    "pupil_id",
    "possible",
    "attended",
    "authorised",
    "unauthorised",
    "absent",
    "missing_marks",
    "rate",
    "persistent",
    "severe",
)

_NOBODY: Final = "no pupils in the file"

# Pupil -> session (day, is it the afternoon) -> byte of its mark.
_Marks = dict[str, dict[tuple["date", bool], int]]


def _definition(ctx: click.Context, param: click.Parameter, value: str | None) -> Definition | None:
    """Understand whose definition of persistent absence counts."""
    if value is None:
        return None
    from mis_bridge.errors import DataError
    from mis_bridge.registers.definitions import definition_named

    try:
        return definition_named(value)
    except DataError as error:
        raise click.BadParameter(str(error), ctx=ctx, param=param) from None


@click.command(
    epilog="Example: mis-bridge absence --sessions sessions.csv --pupils pupils.csv --format json",
)
@click.option(
    "--sessions",
    "sessions_path",
    type=FILE,
    required=True,
    help="CSV: pupil_id,date,session,code[,recorded_at].",
)
@click.option(
    "--pupils",
    "pupils_path",
    type=FILE,
    help="CSV with admission_date and leaving_date: marks outside them are not counted.",
)
@click.option(
    "--rules-of",
    "definition",
    metavar="DATE|DEFINITION",
    callback=_definition,
    help="Whose definition of persistent absence counts: of a day, or national-2024, -2015, -2010, "
    "-2005.  [default: that of the days in the file]",
)
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    sessions_path: Path,
    pupils_path: Path | None,
    definition: Definition | None,
    output_format: str,
) -> None:
    """Measure absence from a file of session marks.

    Counts the sessions of each pupil over all days in the file, in whole numbers. Exactly 10 % is
    persistent, exactly 50 % is severe; without a possible session rate, persistent and severe are
    empty (null). Registers from before September 2015 are read by the definition of their day: a
    fixed number of sessions, and no severe absence. A row that can not be used is named on
    standard error and the exit status is 1; the other rows are counted.
    """
    from mis_bridge.adapters.csv_format import read_pupils, read_sessions
    from mis_bridge.cli.absence_levels import Levels

    sessions = read_sessions(sessions_path, name=str(sessions_path))
    problems = list(sessions.problems)
    marks, contradictions = _latest(sessions.records)
    notes = list(_doubts(sessions.records, contradictions))
    born: dict[str, date] = {}
    if pupils_path is not None:
        pupils = read_pupils(pupils_path, name=str(pupils_path))
        problems += pupils.problems
        notes += _keep_enrolled(marks, pupils.records, str(pupils_path))
        born = {pupil.pupil: pupil.dob for pupil in pupils.records if pupil.dob}
    levels = Levels.of(marks, born, definition)
    notes += levels.notes
    if not marks and output_format == "json":
        notes.append(_NOBODY)
    for note in notes:
        click.echo(note, err=True)
    emit(_rows(marks, levels), COLUMNS, output_format, empty=_NOBODY)
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        rows = "1 row" if len(problems) == 1 else f"{len(problems)} rows"
        click.echo(f"{rows} could not be used; the counts leave them out", err=True)
        ctx.exit(1)


def _latest(records: Iterable[SessionMark]) -> tuple[_Marks, int]:
    """Keep the mark of each session that became known last; of two at one moment, the lower row.

    Returns:
        The marks, and how often two different ones of one moment stood in the file.
    """
    marks: _Marks = {}
    contradictions = 0
    known: dict[tuple[str, date, bool], datetime | None] = {}
    for record in records:
        of_pupil = marks.setdefault(record.pupil, {})
        session = (record.day, record.pm)
        if session in of_pupil:
            earlier = known.get((record.pupil, *session))
            now = _known_at(record.day, record.recorded, pm=record.pm)
            before = _known_at(record.day, earlier, pm=record.pm)
            if now < before:
                continue
            contradictions += now == before and of_pupil[session] != record.code
            known[record.pupil, record.day, record.pm] = record.recorded
        elif record.recorded is not None:
            known[record.pupil, record.day, record.pm] = record.recorded
        of_pupil[session] = record.code
    return marks, contradictions


def _doubts(records: Iterable[SessionMark], contradictions: int) -> Iterator[str]:
    """Say what makes the counts less than certain, although every row could be used."""
    if contradictions:
        rows = "1 row contradicts" if contradictions == 1 else f"{contradictions} rows contradict"
        yield (
            f"{rows} an earlier one of the same session, and no recorded_at says which is later: "
            "the lower one counts"
        )
    from mis_bridge.registers.calendar import AcademicYear

    years = sorted({AcademicYear.of(day).start for day in {record.day for record in records}})
    if len(years) > 1:
        named = ", ".join(f"{start}/{(start + 1) % 100:02}" for start in years)
        yield (
            f"the marks are of several school years ({named}) and counted together: persistent "
            "absence is a measure of one"
        )


def _known_at(day: date, recorded: datetime | None, *, pm: bool) -> datetime:
    """Say when a mark was known: as recorded, else when its register closes."""
    from mis_bridge.registers.calendar import AFTERNOON, MORNING, local_datetime

    return recorded or local_datetime(day, (AFTERNOON if pm else MORNING).closes)


def _keep_enrolled(marks: _Marks, pupils: Iterable[PupilRecord], file: str) -> Iterator[str]:
    """Leave out marks from before admission and after leaving; say what was left out.

    A pupil may have several rows, one an enrolment. A pupil without marks gets an empty entry, so
    that the answer shows that nothing is known.
    """
    enrolments: dict[str, list[PupilRecord]] = {}
    for pupil in pupils:
        enrolments.setdefault(pupil.pupil, []).append(pupil)
    left_out = 0
    for pupil_id, spans in enrolments.items():
        before = marks.get(pupil_id, {})
        after = {
            (day, pm): code
            for (day, pm), code in before.items()
            if any(
                (span.admission is None or span.admission <= day)
                and (span.leaving is None or day <= span.leaving)
                for span in spans
            )
        }
        left_out += len(before) - len(after)
        marks[pupil_id] = after
    if left_out:
        noun = "1 mark" if left_out == 1 else f"{left_out} marks"
        yield f"{noun} before admission or after leaving left out"
    if unknown := len(marks.keys() - enrolments.keys()):
        noun = "1 pupil is" if unknown == 1 else f"{unknown} pupils are"
        yield f"{noun} not in {file}: all marks counted"


def _rows(marks: _Marks, levels: Levels) -> Iterator[dict[str, Any]]:
    """Give one row a pupil, in order of the pupil's id."""
    from mis_bridge.registers import absence

    for pupil_id in sorted(marks):
        counts = absence.count(bytes(marks[pupil_id].values()))
        yield {
            "pupil_id": pupil_id,
            "possible": counts.possible,
            "attended": counts.attended,
            "authorised": counts.authorised,
            "unauthorised": counts.unauthorised,
            "absent": counts.absent,
            "missing_marks": counts.missing_marks,
            "rate": counts.rate,
            "persistent": levels.persistent(pupil_id, counts),
            "severe": levels.severe(counts),
        }
