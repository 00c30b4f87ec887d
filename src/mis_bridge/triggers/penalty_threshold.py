"""Ten unauthorised sessions within ten school weeks: the school considers a penalty notice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.codes import UNAUTHORISED_BYTES, to_byte
from mis_bridge.registers.rolling_weeks import (
    CONFIRMED_BYTES,
    PENALTY_SESSIONS,
    PENALTY_WEEKS,
    SESSIONS_A_WEEK,
    present_stretch,
    school_weeks,
)
from mis_bridge.registers.runs import joined
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
from mis_bridge.triggers.year_walk import LAST_YEAR_GROUP_OF_SCHOOL_AGE, closed_at, day_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.registers.rolling_weeks import Stretch
    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="penalty_threshold",
    title="Unauthorised absence at the national threshold",
    meaning="Ten sessions of unauthorised absence lie within ten school weeks, in a row or not, "
    "over terms and school years. Level 1 is provisional: an N among them may still become "
    "another code. Level 2 is confirmed by G, O and U alone. True as long as the last ten school "
    "weeks hold ten.",
    source="National framework for penalty notices, since 19 August 2024: at this threshold a "
    "school considers a notice, and support comes first. That N is told apart is our choice.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    parameters=(
        ENABLED,
        Parameter(
            "sessions",
            default=PENALTY_SESSIONS,
            unit="sessions",
            meaning="So many unauthorised sessions.",
            minimum=1,
        ),
        Parameter(
            "school_weeks",
            default=PENALTY_WEEKS,
            unit="school weeks",
            meaning="Within so many weeks with at least one school session.",
            minimum=1,
        ),
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    ),
    never_for="Not for authorised absence; not outside compulsory school age, and not for the "
    "sixth form; not for sessions at another school. It counts, and decides nothing.",
)

_N: Final = to_byte("N")


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil at the threshold; one that was met last year is last year's."""
    sessions, weeks = parameters["sessions"], parameters["school_weeks"]
    if look.unauthorised < sessions:
        return None
    # No ten school weeks have more possible sessions than these.
    latest = look.latest(weeks * SESSIONS_A_WEEK)
    if len(latest) - len(latest.translate(None, UNAUTHORISED_BYTES)) < sessions:
        return None
    start, marks = joined(*look.strips)
    numbers = school_weeks(start, marks)
    provisional = present_stretch(start, marks, UNAUTHORISED_BYTES, sessions, weeks, numbers)
    if provisional is None:
        return None
    day = start + timedelta(days=provisional.slot // 2)
    if day not in look.pupil_year.strip.year:
        return None
    confirmed: Stretch | None = provisional
    if _N in look.missed or look.before is not None:
        confirmed = present_stretch(start, marks, CONFIRMED_BYTES, sessions, weeks, numbers)
    closes = look.pupil_year.calendar.pm.closes
    at = raised = closed_at(day, closes)
    open_marks = sum(marks[slot] == _N for slot in provisional.sessions)
    many = len(provisional.sessions)
    if confirmed is None:
        words = (
            f"{open_marks} of them {'is' if open_marks == 1 else 'are'} still N: provisional "
            "until these are another code."
        )
    else:
        raised = max(at, closed_at(start + timedelta(days=confirmed.slot // 2), closes))
        words = "Confirmed by G, O and U alone. Support first; the school considers what follows."
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=day,
        slot="",
        level=1 if confirmed is None else 2,
        fired_at=at,
        raised_at=raised,
        evidence=(
            Evidence(
                None,
                "",
                "first of the sessions: "
                f"{day_words(start + timedelta(days=provisional.sessions[0] // 2))}",
            ),
            Evidence(at, "", f"session {sessions} within {weeks} school weeks: {day_words(day)}"),
        ),
        sentence=f"{many} unauthorised sessions within {weeks} school weeks; the threshold of "
        f"{sessions} was met on {day_words(day)}. {words}",
        facts={
            "provisional": many,
            "confirmed": many - open_marks,
            "reached": day.isoformat(),
        },
    )
