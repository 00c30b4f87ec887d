"""Short absences that lie on the same days of the week more often than chance explains."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.chance import one_in
from mis_bridge.registers.short_absences import (
    COUNTED_BYTES,
    EDGE,
    MIDWEEK,
    ShortAbsences,
    day_letters,
    may_have_pattern,
)
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

    from mis_bridge.registers.short_absences import WeekPattern
    from mis_bridge.triggers.year_look import YearLook

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="absence_pattern",
    title="Pattern of absence",
    meaning="Absences of one or two days lie on one weekday, beside weekends and holidays, or "
    "singly in the middle of the week, more often than chance explains. The chance is stated, and "
    "that all looks of the year together err is kept below the limit.",
    source="Our choice: an exact test (hypergeometric), shared out over seven patterns and all "
    "looks of the year.",
    kind=Kind.STRIP,
    audience=(Audience.ATTENDANCE,),
    severity=Severity.LOW,
    parameters=(
        ENABLED,
        Parameter(
            "minimum",
            default=6,
            unit="absences",
            meaning="Fewer short absences on a weekday give no alert; beside weekends and in the "
            "middle of the week twice as many are needed.",
            minimum=2,
        ),
        Parameter(
            "chance_per_cent",
            default=1.0,
            unit="per cent",
            meaning="Of pupils without any pattern at most so many are reported in a year.",
            minimum=0.0001,
        ),
        LAST_YEAR_GROUP_OF_SCHOOL_AGE,
    ),
    never_for="Not for absences with a reason that the school knows (M, C, C2, E, R, S, T, J1), "
    "nor for longer ones; not for sessions at another school (D); not outside compulsory school "
    "age, and not for the sixth form; not where the MIS sends absences only.",
)

_IS_COUNTED: Final = bytes(b".a"[byte in COUNTED_BYTES] for byte in range(256))


def evaluate(look: YearLook, parameters: Mapping[str, Any]) -> Finding | None:
    """Give the finding of a pupil whose short absences have a pattern, the least likely one."""
    minimum = parameters["minimum"]
    # Each short absence begins after a session that was none, but for the first of all.
    if (
        len(look.missed) < minimum
        or look.possible.translate(_IS_COUNTED).count(b".a") + 1 < minimum
    ):
        return None
    year = look.pupil_year.strip.year
    first = year.first + timedelta(days=counted_slots(look.pupil_year)[0] // 2)
    days = day_letters(look.counted)
    if not may_have_pattern(days, first.weekday(), minimum):
        return None
    chance = Fraction(str(parameters["chance_per_cent"])) / 100
    found = ShortAbsences(days, first.weekday()).pattern(minimum, chance)
    if found is None:
        return None
    day = first + timedelta(days=found.since)
    at = closed_at(day, look.pupil_year.calendar.pm.closes)
    share = f"{found.hits} of {found.short} short absences {_words(found)}"
    return Finding(
        trigger=INFO.id,
        pupil=look.pupil_year.pupil,
        day=day,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(
                None,
                "",
                f"{found.marked} of the {found.days} days on which they might have begun are such "
                "days",
            ),
            Evidence(at, "", f"beyond chance since {day_words(day)}"),
        ),
        sentence=f"{share}; by chance alone, with all looks of the year taken together, that comes "
        f"about in fewer than 1 of {one_in(found.of_all_looks):,} pupils.",
        facts={
            "pattern": found.pattern,
            "fitting": found.hits,
            "short_absences": found.short,
            "fitting_days": found.marked,
            "days": found.days,
            "chance": f"{float(found.chance):.2g}",
            "chance_of_all_looks": f"{float(found.of_all_looks):.2g}",
        },
        episode=str(year.start),
    )


def _words(found: WeekPattern) -> str:
    if found.pattern == EDGE:
        return "began beside a weekend or a holiday"
    if found.pattern == MIDWEEK:
        return "were single days in the middle of a week"
    return f"began on a {found.pattern}"
