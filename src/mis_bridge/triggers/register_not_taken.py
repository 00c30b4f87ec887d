"""A register that should have been taken by now is blank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import Session
from mis_bridge.triggers.evidence import clock
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

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mis_bridge.registers.day_sheet import Entry, Slot
    from mis_bridge.triggers.day_look import DayLook
    from mis_bridge.triggers.day_walk import DayWalk

__all__ = ["INFO", "evaluate", "overdue", "wait_for"]

INFO: Final = TriggerInfo(
    id="register_not_taken",
    title="Register not taken",
    meaning="A lesson or session of today has no mark for a pupil who is expected in it, although "
    "it began long enough ago. A blank is neither an absence nor a presence.",
    source="Regulation 10 of SI 2024/208 (the register is taken at the start of the morning and "
    "once in the afternoon); our choice for lessons and for the wait.",
    kind=Kind.DAY,
    audience=(Audience.OFFICE,),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "minutes",
            default=15,
            unit="minutes",
            meaning="Wait after the start of a lesson.",
            minimum=0,
        ),
        Parameter(
            "session_minutes",
            default=15,
            unit="minutes",
            meaning="Wait after the opening of a session's register.",
            minimum=0,
        ),
    ),
    never_for="Not for a slot that the day's plan does not have, not on a day or in a half day "
    "without school, and not for a pupil who is signed out or marked as elsewhere.",
)


def wait_for(slot: Slot, parameters: Mapping[str, Any]) -> int:
    """Give the minute from which a blank register of this slot is overdue."""
    return slot.starts + int(parameters["session_minutes" if slot.is_session else "minutes"])


def overdue(walk: DayWalk, look: DayLook) -> Iterator[tuple[Slot, Entry]]:
    """Give the blanks of sessions that the school has, once they are overdue."""
    parameters = look.settings[INFO.id]
    for slot, entry in walk.blanks:
        session = Session.PM if slot.starts >= walk.afternoon else Session.AM
        if session in look.sessions and look.due(wait_for(slot, parameters)):
            yield slot, entry


def evaluate(walk: DayWalk, look: DayLook) -> Iterator[Finding]:
    """Give a finding for each overdue blank; the incidents join those of one register."""
    for slot, entry in overdue(walk, look):
        minute = wait_for(slot, look.settings[INFO.id])
        at = look.time(minute)
        register = entry.register or walk.pupil.form
        yield Finding(
            trigger=INFO.id,
            pupil=walk.pupil.pupil,
            day=look.day,
            slot=slot.name,
            level=1,
            fired_at=at,
            raised_at=at,
            evidence=(Evidence(at, slot.name, "no mark by then"),),
            sentence=f"No mark for {slot.name} {minute - slot.starts} minutes after it began at "
            f"{clock(slot.starts)}: nobody can say who is in.",
            facts={"register": register, "minutes": minute - slot.starts},
        )
