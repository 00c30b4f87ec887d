"""A lesson missed by a pupil who was seen in school before it and after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.triggers.evidence import clock, day_evidence, saved
from mis_bridge.triggers.model import Audience, Finding, Kind, Severity, TriggerInfo
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.triggers.day_look import DayLook
    from mis_bridge.triggers.day_walk import DayWalk, Signal

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="internal_truancy",
    title="Missed a lesson",
    meaning="Marked absent from a lesson that the pupil was expected in, seen in school before it "
    "and again after it.",
    source="Our choice: in school but not in class does not show in the statutory marks and is a "
    "safeguarding issue.",
    kind=Kind.DAY,
    audience=(Audience.DSL, Audience.ATTENDANCE),
    severity=Severity.NORMAL,
    parameters=(ENABLED,),
    never_for="Not for a session mark, for a lesson before the pupil's arrival, during a sign-out, "
    "or under a mark that says where the pupil is.",
)


def evaluate(walk: DayWalk, look: DayLook) -> Iterator[tuple[Finding, bool]]:
    """Give a finding for each missed lesson, and whether its register is an anomaly.

    It becomes true at the minute at which the last of three things was saved: the absence, a
    sighting before it, a sighting after it.
    """
    for signal in walk.missed:
        if signal.slot.is_session or not look.due(signal.known):
            continue
        yield _finding(walk, signal, look), look.doubts(walk.pupil, signal, seen=True)


def _finding(walk: DayWalk, signal: Signal, look: DayLook) -> Finding:
    again = walk.seen_after_known(signal)
    known = max(signal.known, walk.seen_before_known(signal), again or 0)
    fired = look.time(min(look.minute, known))
    before = [sight for sight in walk.sightings if sight.order < signal.order][-1]
    after = next(sight for sight in walk.sightings if sight.order > signal.order)
    seen_before, seen_after = (
        f"in {sight.slot.name}" if sight.slot else f"at the desk at {clock(sight.order[0])}"
        for sight in (before, after)
    )
    return Finding(
        trigger=INFO.id,
        pupil=walk.pupil.pupil,
        day=look.day,
        slot=signal.slot.name,
        level=1,
        fired_at=fired,
        raised_at=fired,
        evidence=day_evidence(walk),
        sentence=f"Marked absent in {saved(signal)}, but seen before it {seen_before} and again "
        f"{seen_after}.",
        facts={
            "seen_before": before.slot.name if before.slot else "",
            "seen_after": after.slot.name if after.slot else "",
        },
        supersedes=("missing_during_day",),
    )
