"""Look at pupils' years: run the strip triggers over everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from mis_bridge.triggers import (
    absence_pattern,
    approaching_persistent_absence,
    fifteen_day_sickness,
    lateness_pattern,
    not_returned_from_leave,
    penalty_threshold,
    persistent_absence,
    reason_overdue,
    severe_absence,
    ten_day_absence,
    ten_day_sickness,
    twenty_day_absence,
    twenty_sessions,
)
from mis_bridge.triggers.day import HELD_OFF, in_order
from mis_bridge.triggers.model import Assessment
from mis_bridge.triggers.year_look import YearLook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from mis_bridge.triggers.model import Finding, PupilYear, TriggerInfo
    from mis_bridge.triggers.year_walk import Band

    Settings = Mapping[str, Mapping[str, Any]]

__all__ = [
    "LEVELS",
    "OF_POSSIBLE",
    "OF_YEARS",
    "LevelTrigger",
    "StripTrigger",
    "asked_of",
    "look_at_years",
]


class StripTrigger(Protocol):
    """A trigger that reads a pupil's year."""

    @property
    def INFO(self) -> TriggerInfo:  # noqa: N802 - a constant of a module
        """What the trigger says of itself."""

    def evaluate(self, look: YearLook, parameters: Mapping[str, Any], /) -> Finding | None:
        """Give the finding that is true at the end of the day, or None."""


class LevelTrigger(StripTrigger, Protocol):
    """A trigger that is true of a share of missed sessions."""

    def band(self, parameters: Mapping[str, Any], /) -> Band:
        """Give the shares at which it is true."""


LEVELS: Final[tuple[LevelTrigger, ...]] = (
    approaching_persistent_absence,
    persistent_absence,
    severe_absence,
)
"""The triggers that compare missed sessions with possible ones, the least serious first."""

OF_POSSIBLE: Final[tuple[StripTrigger, ...]] = (
    *LEVELS,
    twenty_sessions,
    absence_pattern,
    lateness_pattern,
)
"""Those that compare with sessions that were attended: a MIS that sends absences only has none."""

OF_YEARS: Final[tuple[StripTrigger, ...]] = (
    *OF_POSSIBLE,
    ten_day_absence,
    twenty_day_absence,
    ten_day_sickness,
    fifteen_day_sickness,
    penalty_threshold,
    reason_overdue,
    not_returned_from_leave,
)
"""All triggers that read strips."""


def look_at_years(
    pupil_years: Iterable[PupilYear],
    as_of: date,
    settings: Settings,
    *,
    rates: bool = True,
) -> Assessment:
    """Say what is true of pupils' years at the end of a day.

    Args:
        pupil_years: one a pupil.
        as_of: the day, its registers closed.
        settings: trigger id -> all parameters.
        rates: False leaves out what compares missed sessions with possible ones.
    """
    findings: list[Finding] = []
    held: list[tuple[Finding, str]] = []
    triggers: Sequence[StripTrigger] = OF_YEARS
    if not rates:
        triggers = [one for one in OF_YEARS if one not in OF_POSSIBLE]
    by_group: dict[int | None, list[tuple[StripTrigger, Mapping[str, Any]]]] = {}
    for pupil_year in pupil_years:
        group = pupil_year.year_group
        asked = by_group.get(group)
        if asked is None:
            asked = by_group[group] = asked_of(triggers, group, settings)
        for finding in _look_at_pupil(pupil_year, as_of, asked):
            if settings[finding.trigger]["enabled"]:
                findings.append(finding)
            else:
                held.append((finding, HELD_OFF))
    return Assessment(in_order(findings), None, tuple(held))


def asked_of(
    triggers: Iterable[StripTrigger], year_group: int | None, settings: Settings
) -> list[tuple[StripTrigger, Mapping[str, Any]]]:
    """Give the triggers that are about pupils of a year group, each with its parameters."""
    asked = []
    for trigger in triggers:
        parameters = settings[trigger.INFO.id]
        if year_group is None or year_group <= parameters["last_year_group"]:
            asked.append((trigger, parameters))
    return asked


def _look_at_pupil(
    pupil_year: PupilYear,
    as_of: date,
    asked: Iterable[tuple[StripTrigger, Mapping[str, Any]]],
) -> Iterator[Finding]:
    look = YearLook(pupil_year, as_of)
    for trigger, parameters in asked:
        finding = trigger.evaluate(look, parameters)
        if finding is not None:
            yield finding
