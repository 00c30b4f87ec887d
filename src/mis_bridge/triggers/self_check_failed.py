"""mis-bridge is behind with its own work: what it should have done by now, it has not done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import (
    Audience,
    Evidence,
    Finding,
    Kind,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

__all__ = ["INFO", "Behind", "evaluate"]

INFO: Final = TriggerInfo(
    id="self_check_failed",
    title="mis-bridge is behind with its own work",
    meaning="The auditor, which runs beside the main loop and looks at what is stored, finds work "
    "of this school that should have been done minutes ago: registers that nobody has read, a "
    "decision, a next step or a message that is overdue, or something that nobody was told of.",
    source="DESIGN: no missing child goes unnoticed, also not by a fault of the program.",
    kind=Kind.FEED,
    audience=(Audience.IT,),
    severity=Severity.HIGH,
    parameters=(ENABLED,),
)


@dataclass(frozen=True, slots=True)
class Behind:
    """One thing that should have been done.

    Args:
        since: since when, aware.
        what: plain words, without a name of a pupil.
    """

    since: datetime
    what: str


def evaluate(behind: Iterable[Behind], day: date) -> list[Finding]:
    """Give one finding for all that a school's work is behind with; none where it is not.

    Args:
        behind: as the auditor found it.
        day: today, local date.
    """
    all_of_it = sorted(behind, key=lambda one: (one.since, one.what))
    if not all_of_it:
        return []
    since = all_of_it[0].since.astimezone(LONDON)
    said = "; ".join(one.what for one in all_of_it)
    return [
        Finding(
            trigger=INFO.id,
            pupil="",
            day=day,
            slot="",
            level=1,
            fired_at=since,
            raised_at=since,
            evidence=tuple(
                Evidence(one.since.astimezone(LONDON), "", one.what) for one in all_of_it
            ),
            sentence=f"mis-bridge has not done all of its work for this school: {said}. Until it "
            "has, do not rely on it alone: look at the registers yourself.",
            facts={"behind": len(all_of_it)},
            episode="self-check",
        )
    ]
