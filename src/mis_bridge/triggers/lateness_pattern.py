"""A pupil who comes late more often than before, beyond chance."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.chance import one_in
from mis_bridge.registers.lateness import LATE_BYTES, RECENT_WEEKS, rising_lateness
from mis_bridge.registers.rolling_weeks import SESSIONS_A_WEEK
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
from mis_bridge.triggers.year_walk import (
    LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    closed_at,
    counted_slots,
    day_words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="lateness_pattern",
    title="Rising lateness",
    meaning="Of the sessions for which the pupil came, more were late (L or U) in the last four "
    "school weeks than before, by more than chance explains. Looked at when a week is over, from "
    "the eighth on; the chance is stated, and that all looks of the year together err is kept "
    "below the limit.",
    source="Our choice: an exact test (hypergeometric), shared out over the looks of a year.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    parameters=(
        ENABLED,
        Parameter(
            "minimum",
            default=6,
            unit="sessions",
            meaning="Fewer late arrivals in the last four school weeks give no alert.",
            minimum=1,
        ),
        Parameter(
            "chance_per_cent",
            default=1.0,
            unit="per cent",
            meaning="Of pupils whose lateness did not change at most so many are reported in a "
            "year.",
            minimum=0.0001,
        ),
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    ),
    never_for="Not before the end of the eighth school week, and not for a pupil who has always "
    "been late as often; not outside compulsory school age, and not for the sixth form; not where "
    "the MIS sends absences only.",
)


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil whose lateness is rising at the end of the latest week."""
    minimum = parameters["minimum"]
    # The last four weeks that are over, and the one that is not.
    latest = look.possible[-(RECENT_WEEKS + 1) * SESSIONS_A_WEEK :]
    if len(latest) - len(latest.translate(None, LATE_BYTES)) < minimum:
        return None
    year = look.pupil_year.strip.year
    first = year.first + timedelta(days=counted_slots(look.pupil_year)[0] // 2)
    chance = Fraction(str(parameters["chance_per_cent"])) / 100
    found = rising_lateness(first, look.counted, minimum, chance)
    if found is None:
        return None
    day = first + timedelta(days=found.since)
    at = closed_at(day, look.pupil_year.calendar.pm.closes)
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=day,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(None, "", f"before: late for {found.late_before} of {found.arrived_before}"),
            Evidence(at, "", f"rising since the week of {day_words(day)}"),
        ),
        sentence=f"Late for {found.late} of {found.arrived} sessions attended in the last "
        f"{RECENT_WEEKS} school weeks, before that for {found.late_before} of "
        f"{found.arrived_before}; by chance alone, with all looks of the year taken together, that "
        f"comes about in fewer than 1 of {one_in(found.of_all_looks):,} pupils.",
        facts={
            "late": found.late,
            "arrived": found.arrived,
            "late_before": found.late_before,
            "arrived_before": found.arrived_before,
            "chance": f"{float(found.chance):.2g}",
            "chance_of_all_looks": f"{float(found.of_all_looks):.2g}",
        },
        episode=str(year.start),
    )
