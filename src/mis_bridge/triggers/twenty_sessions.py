"""Twenty sessions missed: time for an early word with education welfare."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.codes import ABSENCE_BYTES, NOT_TAKEN, OUTSIDE_BYTES
from mis_bridge.registers.places import slots_of
from mis_bridge.registers.thresholds import NEARING_PER_CENT
from mis_bridge.triggers.model import (
    Audience,
    Evidence,
    Finding,
    Kind,
    Parameter,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED, ratio
from mis_bridge.triggers.year_walk import (
    LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    closed_at,
    counted_slots,
    day_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "evaluate", "reached_at"]

INFO: Final = TriggerInfo(
    id="twenty_sessions",
    title="Twenty sessions missed",
    meaning="Twenty sessions of the school year were missed, authorised or not, at a share above "
    "what most pupils miss: time for an early word with education welfare, before the absence is "
    "persistent. Sooner, and with the DSL, for a pupil who was missing before.",
    source="Proposed by The Children's Society, 'Lessons to Learn' (20 half days); the smallest "
    "share and the lower number for pupils who were missing before are our choice.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    raised_audience=(Audience.DSL,),
    parameters=(
        ENABLED,
        Parameter(
            "sessions",
            default=20,
            unit="sessions",
            meaning="So many sessions missed since 1 September or admission.",
            minimum=1,
        ),
        Parameter(
            "from_per_cent",
            default=float(NEARING_PER_CENT),
            unit="per cent",
            meaning="So large a share of the possible sessions so far, or it waits: late in the "
            "year twenty sessions are what an average pupil misses.",
            minimum=0,
        ),
        Parameter(
            "after_missing_episode",
            default=10,
            unit="sessions",
            meaning="So many for a pupil with the flag missing_before, whatever their share; level "
            "2.",
            minimum=1,
        ),
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    ),
    never_for="Not for sessions that were not possible, nor for Year 11 after the spring bank "
    "holiday; not outside compulsory school age, and not for the sixth form; not where the MIS "
    "sends absences only.",
)

_MISSING_BEFORE: Final = "missing_before"
_NOT_POSSIBLE: Final = OUTSIDE_BYTES + bytes((NOT_TAKEN,))
_IS_ABSENT: Final = bytes(b"pa"[byte in ABSENCE_BYTES] for byte in range(256))


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil who has missed so many sessions of the school year."""
    known = _MISSING_BEFORE in look.pupil_year.flags
    least = parameters["sessions"]
    parts, of = ratio(parameters["from_per_cent"])
    if known:
        least, parts = min(least, parameters["after_missing_episode"]), 0
    if len(look.missed) < least:
        return None
    sessions = look.counted.translate(_IS_ABSENT, _NOT_POSSIBLE)
    reached = reached_at(sessions, least, parts, of)
    if reached is None:
        return None
    absent, possible = reached
    year = look.pupil_year.strip.year
    first, _ = counted_slots(look.pupil_year)
    slots = slots_of(look.counted, ABSENCE_BYTES, absent)
    day = year.first + timedelta(days=(first + slots[-1]) // 2)
    at = closed_at(day, look.pupil_year.calendar.pm.closes)
    before = " The pupil has been missing before." if known else ""
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=day,
        slot="",
        level=2 if known else 1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(
                at,
                "",
                f"{absent} of {possible} possible sessions missed up to {day_words(day)}",
            ),
        ),
        sentence=f"{absent} of {possible} possible sessions missed up to {day_words(day)}: time "
        f"for an early word with education welfare.{before}",
        facts={"absent": absent, "possible": possible, "reached": day.isoformat()},
        episode=str(year.start),
    )


def reached_at(sessions: bytes, least: int, parts: int, of: int) -> tuple[int, int] | None:
    """Give (absent, possible) at the first missed session with so many, and so large a share.

    Once it was reached it stays: later attendance does not undo it.

    Args:
        sessions: the possible ones in order, ``a`` where it was missed.
        least: sessions missed, at least 1.
        parts: the share, inclusive, as parts of a whole.
        of: how many parts the whole has.
    """
    pieces = sessions.split(b"a", least)
    if len(pieces) <= least:
        return None
    absent, possible = least, len(sessions) - len(pieces[-1])
    while absent * of < parts * possible:
        following = sessions.find(b"a", possible)
        if following < 0:
            return None
        absent, possible = absent + 1, following + 1
    return absent, possible
