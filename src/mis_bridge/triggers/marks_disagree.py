"""The session register says absent, a lesson register says present."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.registers.codes import to_code
from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.triggers.day_walk import closing, known_minute
from mis_bridge.triggers.evidence import day_evidence, listed
from mis_bridge.triggers.model import (
    Audience,
    Finding,
    Kind,
    Parameter,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.triggers.day_look import DayLook
    from mis_bridge.triggers.day_walk import DayWalk

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="marks_disagree",
    title="Marks disagree",
    meaning="The session is marked absent without a reason, but a lesson of that half day has the "
    "pupil present. The pupil is taken to be in school and the office is asked to correct the "
    "session mark.",
    source="Our choice: presence wins for safety. Regulation 10 of SI 2024/208: N of a pupil who "
    "arrives becomes L before the register closes, U after.",
    kind=Kind.DAY,
    audience=(Audience.OFFICE,),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "session_codes",
            default=("N", "O"),
            unit="codes",
            meaning="Session marks that a present lesson contradicts; a school may add I or G.",
        ),
    ),
    never_for="Not before the register closes, and not where the desk signed the pupil in before "
    "the lesson.",
)


def evaluate(walk: DayWalk, look: DayLook) -> Iterator[Finding]:
    """Give a finding for each session whose mark a lesson contradicts.

    It becomes true at the latest of three minutes: the register's close, and the times at which
    the session mark and the first contradicting lesson mark were saved.
    """
    codes = look.settings[INFO.id]["session_codes"]
    entries = walk.pupil.sheet.entries
    for slot, entry in entries:
        if not slot.is_session or not entry.settled or to_code(entry.code) not in codes:
            continue
        afternoon = slot.starts >= walk.afternoon
        arrived = min(
            (
                event.minute
                for event in walk.events
                if event.kind == EventKind.SIGN_IN and (event.minute >= walk.afternoon) == afternoon
            ),
            default=None,
        )
        lessons = [
            sight
            for sight in walk.sightings
            if sight.slot is not None
            and not sight.slot.is_session
            and (sight.slot.starts >= walk.afternoon) == afternoon
            and (arrived is None or sight.slot.starts < arrived)
        ]
        if not lessons:
            continue
        earliest = min(sight.known for sight in lessons)
        fired = max(closing(slot), known_minute(slot, entry), earliest)
        if not look.due(fired):
            continue
        code = to_code(entry.code)
        names = [sight.slot.name for sight in lessons if sight.slot]
        at = look.time(fired)
        yield Finding(
            trigger=INFO.id,
            pupil=walk.pupil.pupil,
            day=look.day,
            slot=slot.name,
            level=1,
            fired_at=at,
            raised_at=at,
            evidence=day_evidence(walk, {slot.name, *names}),
            sentence=f"The {slot.name} register says {code}, but the pupil is marked present in "
            f"{listed(names)}. The pupil is taken to be in school; the {slot.name} mark needs "
            "to be corrected.",
            facts={"code": code, "lessons": len(names)},
        )
