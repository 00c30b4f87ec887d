"""Ten continuous school days of unauthorised absence: an attendance return is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.codes import UNAUTHORISED_BYTES
from mis_bridge.registers.runs import RETURN_DAYS
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
from mis_bridge.triggers.year_runs import in_a_row, open_run, uncertain
from mis_bridge.triggers.year_walk import closed_at, day_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.year_look import YearLook

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


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:  # noqa: ARG001
    """Give the finding of a pupil whose run of ten or more days goes on at the end of the day."""
    run = open_run(look, UNAUTHORISED_BYTES, RETURN_DAYS)
    if run is None or run.completed is None:
        return None
    tenth = run.completed
    at = closed_at(tenth, look.pupil_year.calendar.pm.closes)
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=tenth,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(None, "", f"first day of the run: {day_words(run.first)}"),
            Evidence(at, "", f"tenth school day complete: {day_words(tenth)}"),
            Evidence(None, "", in_a_row(run)),
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
        uncertain=uncertain(run, "ten"),
    )
