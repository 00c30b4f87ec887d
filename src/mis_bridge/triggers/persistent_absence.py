"""Ten per cent or more of the own possible sessions missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.triggers.model import Audience, Kind, Severity, TriggerInfo
from mis_bridge.triggers.parameters import ENABLED
from mis_bridge.triggers.year_walk import (
    LAST_YEAR_GROUP,
    Band,
    enough_sessions,
    level_finding,
    rate_words,
    since,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.model import Finding
    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "band", "evaluate"]

INFO: Final = TriggerInfo(
    id="persistent_absence",
    title="Persistent absence",
    meaning="10 % or more of the pupil's own possible sessions since 1 September (or admission) "
    "were missed, authorised or not; compared in whole numbers, exactly 10 % included. Of Year 11 "
    "nothing is counted from the spring bank holiday on.",
    source="Department for Education, 'Pupil absence statistics: methodology', since 2015/16; the "
    "smallest number of sessions is our choice: its statistics ask for one, its live data for 11.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    parameters=(
        ENABLED,
        enough_sessions(4),
        LAST_YEAR_GROUP,
    ),
    never_for="Not for a pupil without a possible session, nor with fewer than the minimum; not "
    "where the MIS sends absences only.",
)


def band(parameters: Mapping[str, Any]) -> Band:
    """Give the shares of missed sessions at which the trigger is true."""
    return Band(parameters["minimum_possible"], 1, 10)


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil who is persistently absent at the end of the marks."""
    year = look.so_far
    reached = since(year, band(parameters))
    if reached is None:
        return None
    return level_finding(
        year,
        INFO.id,
        reached,
        f"{rate_words(year.counts)}; from 10 % on an absence is persistent.",
        {},
    )
