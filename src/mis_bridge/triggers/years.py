"""Look at pupils' years: run the strip triggers over everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mis_bridge.triggers import (
    approaching_persistent_absence,
    persistent_absence,
    severe_absence,
    ten_day_absence,
)
from mis_bridge.triggers.day import HELD_OFF, in_order
from mis_bridge.triggers.model import Assessment
from mis_bridge.triggers.year_walk import YearSoFar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from types import ModuleType

    from mis_bridge.triggers.model import Finding, PupilYear

__all__ = ["LEVELS", "look_at_years"]

LEVELS = (approaching_persistent_absence, persistent_absence, severe_absence)
"""The triggers that compare missed sessions with possible ones, the least serious first."""


def look_at_years(
    pupil_years: Iterable[PupilYear],
    as_of: date,
    settings: Mapping[str, Mapping[str, Any]],
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
    for pupil_year in pupil_years:
        for finding in _look_at_pupil(pupil_year, as_of, settings, LEVELS if rates else ()):
            if settings[finding.trigger]["enabled"]:
                findings.append(finding)
            else:
                held.append((finding, HELD_OFF))
    return Assessment(in_order(findings), None, tuple(held))


def _look_at_pupil(
    pupil_year: PupilYear,
    as_of: date,
    settings: Mapping[str, Mapping[str, Any]],
    levels: Iterable[ModuleType],
) -> Iterator[Finding]:
    year = YearSoFar.up_to(pupil_year, as_of)
    possible, absent = year.counts.possible, year.counts.absent
    if not absent:
        return
    group = pupil_year.year_group
    for trigger in levels:
        parameters = settings[trigger.INFO.id]
        if group is not None and group > parameters["last_year_group"]:
            continue
        if trigger.holds(possible, absent, parameters):
            finding = trigger.evaluate(year, parameters)
            if finding is not None:
                yield finding
    finding = ten_day_absence.evaluate(pupil_year, as_of, settings[ten_day_absence.INFO.id])
    if finding is not None:
        yield finding
