"""Ten days of illness in a row: will it be fifteen?"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.codes import NOT_TAKEN, OUTSIDE_BYTES, to_byte
from mis_bridge.registers.places import slots_of
from mis_bridge.registers.thresholds import SICKNESS_IN_A_ROW
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

    from mis_bridge.triggers.year_look import YearLook

__all__ = ["ILL", "INFO", "evaluate", "ill_in_a_row"]

INFO: Final = TriggerInfo(
    id="ten_day_sickness",
    title="Ten days of illness in a row",
    meaning="Twenty possible sessions in a row are marked I. Ask whether 15 school days will be "
    "missed: from the moment that the school expects it, a sickness return is due. True until the "
    "pupil is back.",
    source="Regulation 13 of SI 2024/208 (as soon as 15 days are to be expected); that a person is "
    "asked after twenty sessions is our choice.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    parameters=(
        ENABLED,
        Parameter(
            "sessions",
            default=SICKNESS_IN_A_ROW,
            unit="sessions",
            meaning="So many possible sessions of I in a row.",
            minimum=2,
        ),
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    ),
    never_for="Never sends a return: a person decides. Not across a session without a mark; not "
    "outside compulsory school age, and not for the sixth form.",
)

ILL: Final = bytes((to_byte("I"),))
_MISSING: Final = bytes((NOT_TAKEN,))


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil whose illness goes on at the end of the day."""
    sessions = parameters["sessions"]
    if look.possible[-sessions:].strip(ILL) or look.possible.count(ILL) < sessions:
        return None
    run = ill_in_a_row(look.marks)
    if run < sessions:
        return None
    slots = slots_of(look.marks, ILL)[-run:]
    year = look.pupil_year.strip.year
    began, reached = _on(year.first, slots[0]), _on(year.first, slots[sessions - 1])
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
            Evidence(None, "", f"ill since {day_words(began)}"),
            Evidence(at, "", f"session {sessions} of I in a row: {day_words(reached)}"),
        ),
        sentence=f"{sessions} possible sessions in a row marked I since {day_words(began)}. Will "
        "15 school days be missed? If that is to be expected, a sickness return is due.",
        facts={"first_day": began.isoformat(), "sessions": sessions},
        episode=began.isoformat(),
    )


def ill_in_a_row(marks: bytes) -> int:
    """Count the sessions of illness in a row at the end; missing marks after them decide nothing.

    Args:
        marks: bytes of ``codes``.
    """
    sessions = marks.translate(None, OUTSIDE_BYTES).rstrip(_MISSING)
    return len(sessions) - len(sessions.rstrip(ILL))


def _on(first: date, slot: int) -> date:
    return first + timedelta(days=slot // 2)
