"""Not persistently absent yet, but near it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.errors import DateOutsideYear
from mis_bridge.registers.absence import NEARING_PER_CENT, count
from mis_bridge.registers.codes import NOT_TAKEN, OUTSIDE_BYTES
from mis_bridge.triggers.model import Audience, Kind, Parameter, Severity, TriggerInfo
from mis_bridge.triggers.parameters import ENABLED, ratio
from mis_bridge.triggers.year_walk import (
    LAST_YEAR_GROUP,
    Band,
    counted_slots,
    day_words,
    enough_sessions,
    level_finding,
    rate_words,
    since,
    slots_up_to,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mis_bridge.triggers.model import Finding
    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "band", "evaluate", "projected_sessions", "until_persistent"]

_PRESENT_DAYS: Final = 20
"""School days that tell the present rate: four weeks."""

_NOT_POSSIBLE: Final = OUTSIDE_BYTES + bytes((NOT_TAKEN,))

INFO: Final = TriggerInfo(
    id="approaching_persistent_absence",
    title="Approaching persistent absence",
    meaning="Fewer than 10 % of the pupil's own possible sessions were missed, but so many that a "
    "few more make the absence persistent. Says on which day that would be if the pupil went on "
    "missing as much as in the last 20 school days.",
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
        enough_sessions(4),
        LAST_YEAR_GROUP,
    ),
    never_for="Not for a pupil who is persistently absent, nor with fewer possible sessions than "
    "the minimum; not where the MIS sends absences only.",
)


def band(parameters: Mapping[str, Any]) -> Band:
    """Give the shares of missed sessions at which the trigger is true."""
    return Band(parameters["minimum_possible"], *ratio(parameters["from_per_cent"]), (1, 10))


def until_persistent(possible: int, absent: int) -> int:
    """Give how many more sessions, all of them missed, make the absence persistent.

    The smallest k with (absent + k) * 10 >= possible + k; 0 where it is persistent already.
    """
    return max(0, -((10 * absent - possible) // 9))


def projected_sessions(possible: int, absent: int, lately: tuple[int, int]) -> int | None:
    """Give after how many more possible sessions 10 % is reached at the rate of late.

    The smallest t with absent + t * a / p >= (possible + t) / 10, where a of p sessions were missed
    lately; 0 where it is reached already, None where a rate of 10 % or less never gets there.

    Args:
        possible: sessions so far.
        absent: of these, missed.
        lately: possible and missed sessions of the last weeks.
    """
    p, a = lately
    short = possible - 10 * absent
    if short <= 0:
        return 0
    return -(-short * p // (10 * a - p)) if 10 * a > p else None


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil who is in the band at the end of the marks."""
    year = look.so_far
    reached = since(year, band(parameters))
    if reached is None:
        return None
    more = until_persistent(year.counts.possible, year.counts.absent)
    sessions = "1 more session missed makes" if more == 1 else f"{more} more sessions missed make"
    on, words = _projected(look)
    return level_finding(
        year,
        INFO.id,
        reached,
        f"{rate_words(year.counts)}; {sessions} it 10 %, persistent absence. {words}",
        {"until_persistent": more, "projected": "" if on is None else on.isoformat()},
    )


def _projected(look: YearLook) -> tuple[date | None, str]:
    """Give the day on which 10 % would be reached at the present rate, and say so."""
    year = look.pupil_year.strip.year
    if slots_up_to(year.start, look.as_of) >= counted_slots(look.pupil_year)[1]:
        return None, "No more sessions of this school year are counted."
    counts = look.so_far.counts
    recent = count(_latest_days(look.so_far.marks))
    sessions = projected_sessions(counts.possible, counts.absent, (recent.possible, recent.absent))
    lately = f"At the rate of the last {_PRESENT_DAYS} school days"
    if sessions is None:
        return None, f"{lately} it is not reached."
    try:
        on = look.pupil_year.calendar.add_school_days(look.as_of, -(-sessions // 2))
    except DateOutsideYear:
        return None, f"{lately} it is not reached before the calendar ends."
    return on, f"{lately} it is reached on {day_words(on)}."


def _latest_days(marks: bytes) -> bytes:
    """Give the marks of the last days on which a session was possible."""
    latest, days = b"", 0
    for slot in range(len(marks) - 2, -1, -2):
        day = marks[slot : slot + 2].translate(None, _NOT_POSSIBLE)
        if day:
            latest, days = latest + day, days + 1
            if days == _PRESENT_DAYS:
                break
    return latest
