"""Fifteen days of illness in the school year: is a sickness return due?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.places import slots_of
from mis_bridge.registers.thresholds import SICKNESS_IN_A_ROW, SICKNESS_SESSIONS
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
from mis_bridge.triggers.ten_day_sickness import ILL, ill_in_a_row
from mis_bridge.triggers.year_walk import LAST_YEAR_GROUP_OF_SCHOOL_AGE, closed_at, day_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="fifteen_day_sickness",
    title="Fifteen days of illness",
    meaning="Thirty sessions of the school year are marked I: 15 school days, in a row or in all. "
    "A person decides whether a sickness return to the local authority is due.",
    source="Regulation 13 of SI 2024/208 and 'Working together to improve school attendance' (15 "
    "days, consecutively or cumulatively); that half days add up to days is our choice.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    parameters=(
        ENABLED,
        Parameter(
            "sessions",
            default=SICKNESS_SESSIONS,
            unit="sessions",
            meaning="So many sessions of I in the school year, two a day.",
            minimum=1,
        ),
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    ),
    never_for="Never sends a return: a person decides, and a run of minor ailments may be none. "
    "Not for appointments (M) and illness in another school year; not outside compulsory school "
    "age, and not for the sixth form.",
)


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil with so many sessions of illness in the school year."""
    sessions = parameters["sessions"]
    if look.possible.count(ILL) < sessions:
        return None
    slots = slots_of(look.marks, ILL, sessions)
    year = look.pupil_year.strip.year
    reached = year.day_of(slots[-1])[0]
    at = closed_at(reached, look.pupil_year.calendar.pm.closes)
    # Where it lies in one long illness, it is the same matter as its first ten days.
    run = min(ill_in_a_row(look.marks[: slots[-1] + 1]), sessions)
    in_one = run >= SICKNESS_IN_A_ROW
    began = year.first + timedelta(days=slots[-run if in_one else 0] // 2)
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=reached,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(None, "", f"first of these sessions: {day_words(began)}"),
            Evidence(at, "", f"session {sessions} of I in the school year: {day_words(reached)}"),
        ),
        sentence=f"{sessions} sessions of this school year are marked I, the last "
        f"of them on {day_words(reached)}; {run} of them in a row. Decide whether a sickness "
        "return to the local authority is due.",
        facts={
            "first_day": began.isoformat(),
            "reached": reached.isoformat(),
            "sessions": sessions,
            "in_a_row": run,
        },
        episode=began.isoformat() if in_one else str(year.start),
    )
