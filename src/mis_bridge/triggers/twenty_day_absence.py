"""Twenty continuous school days of G, N or O: joint enquiries with the authority are due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.runs import GROUND_I_BYTES, GROUND_I_DAYS
from mis_bridge.triggers.model import Audience, Evidence, Finding, Kind, Severity, TriggerInfo
from mis_bridge.triggers.parameters import ENABLED
from mis_bridge.triggers.year_runs import in_a_row, open_run, uncertain
from mis_bridge.triggers.year_walk import LAST_YEAR_GROUP_OF_SCHOOL_AGE, closed_at, day_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="twenty_day_absence",
    title="Twenty days of absence without a reason",
    meaning="Twenty school days in a row with every possible session marked G, N or O: day 20 is "
    "reached, and enquiries that school and local authority make together are due. What follows "
    "from them is for people. True until any other mark.",
    source="Regulation 9(1)(i) of SI 2024/208; what continuous means where a session is not "
    "possible or a mark is missing is our choice.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE, Audience.DSL),
    severity=Severity.NORMAL,
    parameters=(ENABLED, LAST_YEAR_GROUP_OF_SCHOOL_AGE),
    never_for="Not where a session of these days is marked U, ill or anything but G, N and O; not "
    "for days before or after compulsory school age, and not for the sixth form; never across a "
    "session without a mark.",
)


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:  # noqa: ARG001
    """Give the finding of a pupil whose run of twenty or more days goes on."""
    run = open_run(look, GROUND_I_BYTES, GROUND_I_DAYS)
    if run is None or run.completed is None:
        return None
    reached = run.completed
    at = closed_at(reached, look.pupil_year.calendar.pm.closes)
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=reached,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(None, "", f"first day of the run: {day_words(run.first)}"),
            Evidence(at, "", f"day {GROUND_I_DAYS} reached: {day_words(reached)}"),
            Evidence(None, "", in_a_row(run)),
        ),
        sentence=f"Day {GROUND_I_DAYS} reached on {day_words(reached)}: every possible session "
        f"since {day_words(run.first)} is marked G, N or O. Joint enquiries with the local "
        "authority are due.",
        facts={
            "first_day": run.first.isoformat(),
            "twentieth_day": reached.isoformat(),
            "last_day": run.last.isoformat(),
            "days": run.days,
        },
        episode=run.first.isoformat(),
        uncertain=uncertain(run, "twenty"),
    )
