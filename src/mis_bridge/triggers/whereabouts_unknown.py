"""School days in a row without a reason: what the authority wants done on which day is due."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.codes import to_byte
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
from mis_bridge.triggers.year_runs import in_a_row, open_run, uncertain
from mis_bridge.triggers.year_walk import LAST_YEAR_GROUP_OF_SCHOOL_AGE, closed_at, day_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mis_bridge.triggers.year_look import YearLook

__all__ = ["CODES", "INFO", "evaluate"]

CODES: Final = bytes(map(to_byte, "NO"))
"""No reason is known. With G the family has said where the child is, with U the child was seen."""

_DUE: Final = {
    "enquiries_day": "enquiries are due",
    "home_visit_day": "a home visit is due",
    "refer_day": "the authority is to be told",
}

INFO: Final = TriggerInfo(
    id="whereabouts_unknown",
    title="Whereabouts unknown",
    meaning="School days in a row with every possible session marked N or O, as many as the "
    "authority sets for enquiries, a home visit or its being told. Where it sets no day, nothing "
    "is raised. True until any other mark.",
    source="The authority's own rules for children missing education, which differ from 3 to 20 "
    "school days; what continuous means where a session is not possible or a mark is missing is "
    "our choice.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE, Audience.DSL),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
        *(
            Parameter(
                name,
                default=0,
                unit="school days",
                meaning=f"School day of the absence on which {what}; 0: the authority sets none.",
                minimum=0,
            )
            for name, what in _DUE.items()
        ),
    ),
    never_for="Not where the absence has any other code than N and O; not for days before or after "
    "compulsory school age, and not for the sixth form; never across a session without a mark.",
)


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil whose run of days without a reason has reached a day that is set.

    Level 2 from the day on which the authority is to be told.
    """
    days = sorted((parameters[name], name) for name in _DUE if parameters[name])
    reached: list[tuple[int, str, date]] = []
    for needed, name in days:
        run = open_run(look, CODES, needed)
        if run is None or run.completed is None:
            break
        reached.append((needed, name, run.completed))
    if not reached:
        return None
    run = open_run(look, CODES, reached[0][0])
    if run is None:
        return None
    closes = look.pupil_year.calendar.pm.closes
    (_, _, began), (number, name, day) = reached[0], reached[-1]
    on_this_day = [_DUE[other] for needed, other, _ in reached if needed == number]
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=began,
        slot="",
        level=2 if "refer_day" in {other for _, other, _ in reached} else 1,
        fired_at=closed_at(began, closes),
        raised_at=closed_at(day, closes),
        evidence=(
            Evidence(None, "", f"first day without a reason: {day_words(run.first)}"),
            *(
                Evidence(closed_at(on, closes), "", f"day {needed}: {day_words(on)}, {_DUE[other]}")
                for needed, other, on in reached
            ),
            Evidence(None, "", in_a_row(run)),
        ),
        sentence=f"Day {number} of an absence without a reason was reached on {day_words(day)}, "
        f"with every possible session since {day_words(run.first)} marked N or O: by the "
        f"authority's rules {listed(on_this_day)}.",
        facts={
            "first_day": run.first.isoformat(),
            "last_day": run.last.isoformat(),
            "days": run.days,
            "reached": number,
        },
        episode=run.first.isoformat(),
        uncertain=uncertain(run, str(number)),
    )
