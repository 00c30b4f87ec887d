"""A child has come into care these days: whoever watches the child has to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import local_datetime
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

    from mis_bridge.triggers.roll_model import Enrolment

__all__ = ["INFO", "evaluate", "is_new"]

INFO: Final = TriggerInfo(
    id="newly_in_care",
    title="Newly in care",
    meaning="A pupil on roll came into care within the last days. Until they are over the pupil "
    "is acted on without any grace when missing during the day; for the first 48 hours it is at "
    "level 2.",
    source="Our choice, on 'Children who run away or go missing from home or care' (looked-after "
    "children: whatever the length of the absence). The days and hours are settings, no law.",
    kind=Kind.FLAG,
    audience=(Audience.DSL,),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "days",
            default=7,
            unit="days",
            meaning="So long after the first day in care it is new, the last of them included; "
            "this holds for the grace of missing_during_day even where this trigger is off.",
            minimum=0,
        ),
        Parameter(
            "highest_hours",
            default=48,
            unit="hours",
            meaning="So long it is at level 2. The MIS gives a day and no time: it is counted from "
            "the end of that day.",
            minimum=0,
        ),
    ),
    never_for="Not for a pupil who is not on roll, nor from a date that is not recorded or has not "
    "come yet.",
)

_HOURS_A_DAY: Final = 24


def is_new(care_began: date | None, day: date, parameters: Mapping[str, Any]) -> bool:
    """Whether a pupil is newly in care on a day.

    Args:
        care_began: first day in care, or None.
        day: the day that is looked at.
        parameters: all of this trigger's.
    """
    return care_began is not None and 0 <= (day - care_began).days <= parameters["days"]


def evaluate(enrolment: Enrolment, today: date, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding about a pupil on roll who is newly in care."""
    began = enrolment.care_began
    if began is None or not is_new(began, today, parameters) or not enrolment.on_roll(today):
        return None
    first = (today - began).days * _HOURS_A_DAY <= parameters["highest_hours"]
    at = local_datetime(began, 0)
    return Finding(
        trigger=INFO.id,
        pupil=enrolment.pupil,
        day=began,
        slot="",
        level=2 if first else 1,
        fired_at=at,
        raised_at=at,
        evidence=(Evidence(None, "", f"first day in care: {day_words(began)}"),),
        sentence=f"In care since {day_words(began)}. For {parameters['days']} days a missed lesson "
        "is acted on at once, without grace.",
        facts={"care_began": began.isoformat()},
        episode=began.isoformat(),
    )
