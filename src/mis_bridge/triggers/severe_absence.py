"""Half or more of the own possible sessions missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.absence import LIVE_MINIMUM
from mis_bridge.triggers.model import Audience, Kind, Parameter, Severity, TriggerInfo
from mis_bridge.triggers.parameters import ENABLED
from mis_bridge.triggers.year_walk import LAST_YEAR_GROUP, Band, level_finding, rate_words, since

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.model import Finding
    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "band", "evaluate"]

INFO: Final = TriggerInfo(
    id="severe_absence",
    title="Severe absence",
    meaning="50 % or more of the pupil's own possible sessions since 1 September (or admission) "
    "were missed, authorised or not; exactly 50 % included. The pupil is persistently absent too.",
    source="Department for Education, 'Pupil absence statistics: methodology'.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE, Audience.DSL),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "minimum_possible",
            default=LIVE_MINIMUM + 1,
            unit="sessions",
            meaning="Fewer possible sessions give no alert.",
            minimum=1,
        ),
        LAST_YEAR_GROUP,
    ),
    never_for="Not for a pupil without a possible session, nor with fewer than the minimum; not "
    "where the MIS sends absences only.",
)


def band(parameters: Mapping[str, Any]) -> Band:
    """Give the shares of missed sessions at which the trigger is true."""
    return Band(parameters["minimum_possible"], 1, 2)


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil who is severely absent at the end of the marks."""
    year = look.so_far
    reached = since(year, band(parameters))
    if reached is None:
        return None
    return level_finding(
        year,
        INFO.id,
        reached,
        f"{rate_words(year.counts)}; from 50 % on an absence is severe.",
        {},
    )
