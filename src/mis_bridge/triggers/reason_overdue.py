"""An N that should have become another code by now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.absence import N_SCHOOL_DAYS
from mis_bridge.registers.codes import NO_SESSION, to_byte
from mis_bridge.registers.places import slots_of
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
from mis_bridge.triggers.year_walk import LAST_YEAR_GROUP_OF_SCHOOL_AGE, closed_at, day_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="reason_overdue",
    title="Reason overdue",
    meaning="A session is still marked N, no reason established yet, more than 5 school days "
    "later. By then it has to be another code: O where no reason was found.",
    source="Regulation 10(7) to (9) of SI 2024/208 (five school days after the session); that day "
    "1 is the next school day is our reading.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    parameters=(
        ENABLED,
        Parameter(
            "school_days",
            default=N_SCHOOL_DAYS,
            unit="school days",
            meaning="So long an N may stand; an authority may ask for less.",
            minimum=1,
        ),
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    ),
    never_for="Not on the fifth school day itself; not outside compulsory school age, and not for "
    "the sixth form; not of the last days of a school year, after which no school day comes, nor "
    "of a pupil without a later session.",
)

_N: Final = bytes((to_byte("N"),))
_CLOSED: Final = bytes((NO_SESSION, to_byte("#")))
_SHOWN: Final = 5


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give one finding for all sessions of a pupil that are overdue, dated from the newest."""
    marks = look.marks
    if _N not in marks:
        return None
    overdue = _overdue(marks, parameters["school_days"])
    if overdue is None:
        return None
    newest, since = overdue
    first = look.pupil_year.strip.year.first
    # Mornings and afternoons of one day are two sessions and one line.
    slots = slots_of(marks[: newest + 1], _N)
    days = sorted({first + timedelta(days=slot // 2) for slot in slots})
    day = first + timedelta(days=since)
    at = closed_at(day, look.pupil_year.calendar.pm.closes)
    count = len(slots)
    many = "1 session is" if count == 1 else f"{count} sessions are"
    last = listed([day_words(one) for one in days[-_SHOWN:]])
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=day,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(None, "", f"still N: {last}{'' if len(days) <= _SHOWN else ', and before'}"),
            Evidence(at, "", f"overdue from {day_words(day)}"),
        ),
        sentence=f"{many} still marked N more than {parameters['school_days']} school days later, "
        f"the oldest of {day_words(days[0])}. By now each has to be another code, O where no "
        "reason was found.",
        facts={"sessions": count, "oldest": days[0].isoformat(), "newest": days[-1].isoformat()},
    )


def _overdue(marks: bytes, school_days: int) -> tuple[int, int] | None:
    """Give the slot of the newest N that is overdue, and the day from which on it is."""
    # Overdue is what lies before so many school days and the one on which it is late.
    late = _school_day(marks, reversed(range(len(marks) // 2)), school_days + 1)
    newest = -1 if late is None else marks.rfind(_N, 0, 2 * late)
    if newest < 0:
        return None
    since = _school_day(marks, range(newest // 2 + 1, len(marks) // 2), school_days + 1)
    return None if since is None else (newest, since)


def _school_day(marks: bytes, days: Iterable[int], number: int) -> int | None:
    """Give the school day of that number, from 1, among some days."""
    for day in days:
        if marks[2 * day : 2 * day + 2].strip(_CLOSED):
            number -= 1
            if number == 0:
                return day
    return None
