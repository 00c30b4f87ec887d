"""Ten continuous school days of unauthorised absence: an attendance return is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.absence import (
    RETURN_DAYS,
    Run,
    attendance_return_dates,
    unauthorised_runs,
)
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.codes import NO_SESSION, POSSIBLE_BYTES, UNAUTHORISED_BYTES
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.evidence import listed
from mis_bridge.triggers.model import (
    Audience,
    Evidence,
    Finding,
    Kind,
    Parameter,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED
from mis_bridge.triggers.year_walk import day_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mis_bridge.triggers.model import PupilYear

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="ten_day_absence",
    title="Ten days of unauthorised absence",
    meaning="Ten school days in a row with every possible session marked G, N, O or U: an "
    "attendance return to the local authority is due. True until the pupil attends again or an "
    "absence is authorised.",
    source="Regulation 13 of SI 2024/208 and 'Working together to improve school attendance'; what "
    "continuous means where a session is not possible or a mark is missing is our choice.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE, Audience.DSL),
    severity=Severity.HIGH,
    parameters=(
        ENABLED,
        Parameter(
            "last_year_group",
            default=11,
            unit="year group",
            meaning="Pupils above it are left out: no return is made of a sixth former.",
            minimum=0,
        ),
    ),
    never_for="Not for days before or after compulsory school age, and not for the sixth form; "
    "never across a session without a mark.",
)

_BREAKS: Final = bytes(byte for byte in POSSIBLE_BYTES if byte not in UNAUTHORISED_BYTES)


def evaluate(pupil_year: PupilYear, as_of: date, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil whose run of ten or more days goes on at the end of the day.

    The run may have begun before the summer; one that was complete by then is last year's.
    """
    group = pupil_year.year_group
    if group is not None and group > parameters["last_year_group"]:
        return None
    strip = _within(pupil_year.strip, pupil_year, as_of)
    before = pupil_year.before
    strips = (strip,) if before is None else (_within(before, pupil_year, as_of), strip)
    if not attendance_return_dates(*strips):
        return None
    run = unauthorised_runs(*strips)[-1]
    if run.completed_tenth is None or run.completed_tenth not in strip.year:
        return None
    after = strip.marks[strip.year.slot(run.last, pm=True) + 1 :]
    if any(byte in after for byte in _BREAKS):
        return None
    return _finding(pupil_year, run, run.completed_tenth)


def _within(strip: Strip, pupil_year: PupilYear, as_of: date) -> Strip:
    """Give a strip up to the day, without the days outside compulsory school age."""
    year, marks = strip.year, strip.marks
    first, last = pupil_year.compulsory_age_from, pupil_year.compulsory_age_to
    end = min(as_of, year.last, *(() if last is None else (last,)))
    start = year.first if first is None else min(max(first, year.first), year.last)
    empty = bytes((NO_SESSION,))
    if end < start or (first is not None and first > year.last):
        return Strip.empty(year)
    begins, ends = year.slot(start, pm=False), year.slot(end, pm=True) + 1
    kept = empty * begins + marks[begins:ends]
    return Strip(year, kept.ljust(year.slots, empty))


def _finding(pupil_year: PupilYear, run: Run, tenth: date) -> Finding:
    at = local_datetime(tenth, pupil_year.calendar.pm.closes)
    days = f"{run.days} school days" if not run.missing else f"{run.certain_days} school days"
    return Finding(
        trigger=INFO.id,
        pupil=pupil_year.pupil,
        day=tenth,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(None, "", f"first day of the run: {day_words(run.first)}"),
            Evidence(at, "", f"tenth school day complete: {day_words(tenth)}"),
            Evidence(None, "", f"{days} in a row up to {day_words(run.last)}"),
        ),
        sentence=f"{RETURN_DAYS} school days in a row without an authorised or attended session "
        f"since {day_words(run.first)}, complete on {day_words(tenth)}: an attendance return to "
        "the local authority is due.",
        facts={
            "first_day": run.first.isoformat(),
            "tenth_day": tenth.isoformat(),
            "last_day": run.last.isoformat(),
            "days": run.days,
        },
        episode=run.first.isoformat(),
        uncertain=_uncertain(run),
    )


def _uncertain(run: Run) -> str:
    if not run.missing:
        return ""
    days = listed([day_words(day) for day in run.missing])
    return (
        f"A mark is missing on {days}: these days are not counted, and ten days in a row are only "
        "claimed without one between them."
    )
