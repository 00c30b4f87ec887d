"""Ten school days after a leave ended the pupil has not come back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.leave import RETURN_WITHIN_DAYS, not_returned
from mis_bridge.registers.runs import GROUND_I_BYTES, joined
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
    from datetime import date

    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="not_returned_from_leave",
    title="Not returned from leave",
    meaning="A leave that the school had granted is over for ten school days, and every possible "
    "session since is marked G, N or O. True until any other mark.",
    source="Regulation 9(1)(h) of SI 2024/208 (ten school days, as local authorities' guidance "
    "gives them); which codes are such a leave and how the days are counted is our choice.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE, Audience.DSL),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "codes",
            default=("C", "C1"),
            unit="codes",
            meaning="Codes of a leave after which the pupil is expected back.",
        ),
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    ),
    never_for="Not after appointments, study leave and part-time timetables (M, S, C2), nor where "
    "a session since is marked U, ill or anything but G, N and O; not outside compulsory school "
    "age, and not for the sixth form; never across a session without a mark.",
)


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil who has not returned from the latest leave."""
    if look.unauthorised < RETURN_WITHIN_DAYS:
        return None
    if look.latest(RETURN_WITHIN_DAYS).strip(GROUND_I_BYTES):
        return None
    first, marks = joined(*look.strips)
    leave = bytes(map(to_byte, parameters["codes"]))
    found = not_returned(marks, leave)
    if found is None:
        return None
    ended, tenth = _on(first, found.leave_last), _on(first, found.tenth)
    if tenth not in look.pupil_year.strip.year:
        return None
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
            Evidence(
                None, "", f"first day of the leave: {day_words(_on(first, found.leave_first))}"
            ),
            Evidence(None, "", f"last day of the leave: {day_words(ended)}"),
            Evidence(at, "", f"tenth school day after it: {day_words(tenth)}"),
            Evidence(
                None, "", f"{found.days} school days up to {day_words(_on(first, found.last))}"
            ),
        ),
        sentence=f"The leave ended on {day_words(ended)}. {RETURN_WITHIN_DAYS} school days after "
        f"it, on {day_words(tenth)}, the pupil had not come back: every possible session since is "
        "marked G, N or O.",
        facts={
            "first_day": _on(first, found.leave_first).isoformat(),
            "leave_ended": ended.isoformat(),
            "tenth_day": tenth.isoformat(),
            "last_day": _on(first, found.last).isoformat(),
            "days": found.days,
        },
        episode=ended.isoformat(),
    )


def _on(first: date, day: int) -> date:
    return first + timedelta(days=day)
