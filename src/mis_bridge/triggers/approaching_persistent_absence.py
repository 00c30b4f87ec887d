"""Not persistently absent yet, but near it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.absence import NEARING_PER_CENT, is_persistent
from mis_bridge.triggers.model import Audience, Kind, Parameter, Severity, TriggerInfo
from mis_bridge.triggers.parameters import ENABLED, ratio
from mis_bridge.triggers.year_walk import LAST_YEAR_GROUP, level_finding, rate_words, since

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.model import Finding
    from mis_bridge.triggers.year_walk import YearSoFar

__all__ = ["INFO", "evaluate", "holds", "until_persistent"]

INFO: Final = TriggerInfo(
    id="approaching_persistent_absence",
    title="Approaching persistent absence",
    meaning="Fewer than 10 % of the pupil's own possible sessions were missed, but so many that a "
    "few more make the absence persistent.",
    source="Our choice; the line that is approached is the Department for Education's 10 %.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    parameters=(
        ENABLED,
        Parameter(
            "from_per_cent",
            default=float(NEARING_PER_CENT),
            unit="per cent",
            meaning="Where the band begins; it ends below 10.",
            minimum=0,
        ),
        Parameter(
            "minimum_possible",
            default=21,
            unit="sessions",
            meaning="Fewer possible sessions give no alert: one absence would be enough.",
            minimum=1,
        ),
        LAST_YEAR_GROUP,
    ),
    never_for="Not for a pupil who is persistently absent, nor with fewer possible sessions than "
    "the minimum; not where the MIS sends absences only.",
)


def holds(possible: int, absent: int, parameters: Mapping[str, Any]) -> bool:
    """Whether the counts make the trigger true."""
    if possible < parameters["minimum_possible"] or is_persistent(possible, absent):
        return False
    parts, of = ratio(parameters["from_per_cent"])
    return absent * of >= parts * possible


def until_persistent(possible: int, absent: int) -> int:
    """Give how many more sessions, all of them missed, make the absence persistent.

    The smallest k with (absent + k) * 10 >= possible + k; 0 where it is persistent already.
    """
    return max(0, -((10 * absent - possible) // 9))


def evaluate(year: YearSoFar, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil who is in the band at the end of the marks."""
    reached = since(year.marks, lambda possible, absent: holds(possible, absent, parameters))
    if reached is None:
        return None
    more = until_persistent(year.counts.possible, year.counts.absent)
    sessions = "1 more session missed makes" if more == 1 else f"{more} more sessions missed make"
    return level_finding(
        year,
        INFO.id,
        reached,
        f"{rate_words(year.counts)}; {sessions} it 10 %, persistent absence.",
        {"until_persistent": more},
    )
