"""The register is closed, the pupil is not in, and nobody knows why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.registers.codes import to_code
from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.triggers.evidence import clock, day_evidence
from mis_bridge.triggers.model import Audience, Finding, Kind, Severity, TriggerInfo
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.triggers.day_look import DayLook
    from mis_bridge.triggers.day_walk import DayWalk

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="unexplained_absence",
    title="Unexplained absence",
    meaning="The session's register was taken and is closed, the mark is N or O, nobody has seen "
    "the pupil that day and no message says why.",
    source="'Working together to improve school attendance' (contact on the first day of an "
    "absence without a reason); regulation 10 of SI 2024/208 (meaning of N and O).",
    kind=Kind.DAY,
    audience=(Audience.ATTENDANCE, Audience.DSL),
    severity=Severity.HIGH,
    parameters=(ENABLED,),
    never_for="Not before the register closes, and not for a pupil who was seen that day (U "
    "included), who is signed out, or about whom a message came in.",
)


def evaluate(walk: DayWalk, look: DayLook) -> Iterator[Finding]:
    """Give a finding for each session that is marked N or O without any explanation."""
    if walk.sightings or any(event.kind == EventKind.MESSAGE for event in walk.events):
        return
    for signal in walk.signals:
        slot = signal.slot
        if not slot.is_session:
            continue
        closes = slot.ends if slot.closes is None else slot.closes
        fired = max(closes, signal.known)
        if not look.due(fired):
            continue
        code = to_code(signal.entry.code)
        at = look.time(fired)
        yield Finding(
            trigger=INFO.id,
            pupil=walk.pupil.pupil,
            day=look.day,
            slot=slot.name,
            level=1,
            fired_at=at,
            raised_at=at,
            evidence=day_evidence(walk),
            sentence=f"Marked {code} in the {slot.name} register, which closed at "
            f"{clock(closes)}; nobody has seen the pupil today and no reason or message is "
            "recorded.",
            facts={"code": code, "register_closed": clock(closes)},
        )
