"""mis-bridge is behind with its own work, or its history is not as it was written."""

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
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

__all__ = ["HISTORY", "INFO", "Behind", "evaluate"]

INFO: Final = TriggerInfo(
    id="self_check_failed",
    title="mis-bridge is behind with its own work",
    meaning="The auditor, which runs beside the main loop and looks at what is stored, finds work "
    "of this school that should have been done minutes ago: registers that nobody has read, a "
    "decision, a next step or a message that is overdue, or something that nobody was told of. Or "
    "its walk along the history, once a night, finds a line that is not as it was written.",
    source="DESIGN: no missing child goes unnoticed, also not by a fault of the program.",
    kind=Kind.FEED,
    audience=(Audience.IT,),
    severity=Severity.HIGH,
    parameters=(ENABLED,),
)


HISTORY: Final = "history"
"""What ``Behind.about`` says of a break in the history, and the facts of its finding."""

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Behind:
    """One thing that should have been done, or that is not as it should be.

    Args:
        since: since when, aware.
        what: plain words, without a name of a pupil.
        about: ``HISTORY``, or empty for work that is not done.
    """

    since: datetime
    what: str
    about: str = ""


def evaluate(behind: Iterable[Behind], day: date) -> list[Finding]:
    """Give one finding for all that a school's work is behind with, one a break of its history.

    What one walk along the history has found is one matter: it has one cause more often than not,
    and what a later walk finds is told although people know of the other.

    Args:
        behind: as the auditor found it.
        day: today, local date.
    """
    all_of_it = sorted(behind, key=lambda one: (one.since, one.what))
    work = [one for one in all_of_it if one.about != HISTORY]
    history = [one for one in all_of_it if one.about == HISTORY]
    found = []
    if work:
        sentence = (
            f"mis-bridge has not done all of its work for this school: {_said(work)}. Until it "
            "has, do not rely on it alone: look at the registers yourself."
        )
        found.append(_finding(work, day, sentence, "self-check", {"behind": len(work)}))
    for since in sorted({one.since for one in history}):
        broken = [one for one in history if one.since == since]
        sentence = (
            f"The history of this school is not as it was written: {_said(broken)}. Somebody "
            "changed the database by hand, or it is damaged. Registers are watched and alerts are "
            "sent as before. To do: run mis-bridge audit verify; ask everybody who can write to "
            "the database what was changed and why; tell the headteacher and whoever answers for "
            "data protection; restore the last backup that holds, if they say so. What is "
            "explained a person accepts: mis-bridge audit accept."
        )
        episode = f"{HISTORY} {since.astimezone(LONDON):%Y-%m-%dT%H:%M:%S}"
        found.append(_finding(broken, day, sentence, episode, {"about": HISTORY}))
    return found


def _said(behind: Sequence[Behind]) -> str:
    more = len(behind) - _NAMED
    named = "; ".join(one.what for one in behind[:_NAMED])
    return f"{named}; and {more} more" if more > 0 else named


def _finding(
    behind: Sequence[Behind], day: date, sentence: str, episode: str, facts: dict[str, int | str]
) -> Finding:
    since = behind[0].since.astimezone(LONDON)
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=day,
        slot="",
        level=1,
        fired_at=since,
        raised_at=since,
        evidence=tuple(Evidence(one.since.astimezone(LONDON), "", one.what) for one in behind),
        sentence=sentence,
        facts=facts,
        episode=episode,
    )
