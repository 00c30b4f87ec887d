"""Missing again and again: what single alerts do not show."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.triggers.evidence import listed
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
from mis_bridge.triggers.roll_model import EpisodeKind
from mis_bridge.triggers.year_walk import day_words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from mis_bridge.triggers.roll_model import Episode

__all__ = ["INFO", "evaluate"]

INFO: Final = TriggerInfo(
    id="repeat_missing",
    title="Missing again and again",
    meaning="Several days within a window on which the pupil was missing from school or from a "
    "lesson, or several on which the pupil was absent all day and nobody knew why. At level 2 once "
    "there are twice as many.",
    source="'Keeping children safe in education' (repeat occasions are a warning sign) and the "
    "Cheshire East guidance for schools on missing children (every missing incident is recorded). "
    "How many, and within what time, is our choice.",
    kind=Kind.HISTORY,
    audience=(Audience.DSL, Audience.ATTENDANCE),
    severity=Severity.NORMAL,
    parameters=(
        ENABLED,
        Parameter(
            "episodes",
            default=3,
            unit="days",
            meaning="So many days missing during the day within the window.",
            minimum=2,
        ),
        Parameter(
            "absences",
            default=5,
            unit="days",
            meaning="So many days absent without explanation within the window.",
            minimum=2,
        ),
        Parameter(
            "window_days",
            default=90,
            unit="days",
            meaning="Days that the window covers, its first and its last included.",
            minimum=7,
        ),
    ),
    never_for="Not for what was a mistake or was explained (a mark that was corrected, a sign-out, "
    "a reason that was given, a false alarm), nor for a day on which the pupil came in after all; "
    "several lessons of one day are one.",
)

_DAY: Final = timedelta(days=1)

_ENOUGH: Final = {EpisodeKind.MISSING: "episodes", EpisodeKind.ABSENT: "absences"}
"""Kind -> the parameter that says how many."""

_WORDS: Final = {
    EpisodeKind.MISSING: "missing during the day",
    EpisodeKind.ABSENT: "absent all day without explanation",
}


def evaluate(
    pupil: str, episodes: Collection[Episode], today: date, parameters: Mapping[str, Any]
) -> Iterator[Finding]:
    """Give a finding for each kind of episode of which there are enough.

    It stands from the day on which there were enough within the window until there are no longer
    enough; that day names it, so that one episode more is no second matter.

    Args:
        pupil: the MIS's pupil id.
        episodes: of that pupil, in any order, of the last two windows at least: when it began is
            found by going through them.
        today: the day that is looked at; later ones do not count.
        parameters: all of this trigger's.
    """
    window = timedelta(days=parameters["window_days"])
    for kind, name in _ENOUGH.items():
        enough = parameters[name]
        days = sorted({one.day for one in episodes if one.kind is kind and one.day <= today})
        began = _since(days, enough, window, today)
        if began is not None:
            counted = [day for day in days if today - day < window]
            yield _finding(pupil, kind, began, counted, enough)


def _since(days: Sequence[date], enough: int, window: timedelta, today: date) -> date | None:
    """Give the day since which there have been enough within the window, None where there are not.

    Args:
        days: in order, each once.
        enough: how many make it.
        window: how long a time they have to lie in.
        today: the day that is looked at.
    """
    began: date | None = None
    for place, day in enumerate(days):
        the_day_before = sum(day - _DAY - other < window for other in days[:place])
        if the_day_before < enough:
            began = None
        within = sum(day - other < window for other in days[: place + 1])
        if began is None and within >= enough:
            began = day
    return began if sum(today - day < window for day in days) >= enough else None


def _finding(
    pupil: str, kind: EpisodeKind, began: date, days: Sequence[date], enough: int
) -> Finding:
    at, words = local_datetime(began, 0), _WORDS[kind]
    twice = len(days) >= 2 * enough
    return Finding(
        trigger=INFO.id,
        pupil=pupil,
        day=began,
        slot="",
        level=2 if twice else 1,
        fired_at=at,
        raised_at=local_datetime(days[2 * enough - 1], 0) if twice else at,
        evidence=tuple(Evidence(None, "", f"{words} on {day_words(day)}") for day in days),
        sentence=f"{words[:1].upper()}{words[1:]} on {len(days)} days since {day_words(days[0])}: "
        f"{listed([day_words(day) for day in days[-enough:]])}"
        f"{' were the last' if len(days) > enough else ''}.",
        facts={"days": len(days), "kind": str(kind)},
        episode=f"{kind}/{began.isoformat()}",
    )
