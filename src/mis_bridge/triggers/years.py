"""Look at pupils' years: run the strip triggers over everybody."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
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
    whereabouts_unknown,
)
from mis_bridge.triggers.day import HELD_OFF, in_order
from mis_bridge.triggers.model import Assessment
from mis_bridge.triggers.year_look import YearLook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from mis_bridge.triggers.model import Finding, PupilYear, TriggerInfo
    from mis_bridge.triggers.year_walk import Band

    Parameters = Mapping[str, Any]
    Settings = Mapping[str, Parameters]

__all__ = [
    "LEVELS",
    "OF_POSSIBLE",
    "OF_YEARS",
    "Asked",
    "LevelTrigger",
    "StripTrigger",
    "look_at_years",
]


# So many pupils that one trigger asks of in a row: its code stays at hand.
_AT_ONCE: Final = 500


class StripTrigger(Protocol):
    """A trigger that reads a pupil's year."""

    @property
    def INFO(self) -> TriggerInfo:  # noqa: N802 - a constant of a module
        """What the trigger says of itself."""

    def evaluate(self, look: YearLook, parameters: Parameters, /) -> Finding | None:
        """Give the finding that is true at the end of the day, or None."""


class LevelTrigger(StripTrigger, Protocol):
    """A trigger that is true of a share of missed sessions."""

    def band(self, parameters: Parameters, /) -> Band:
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
    whereabouts_unknown,
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
    of_group: dict[int | None, Asked] = {}
    waiting = iter(pupil_years)
    while several := list(islice(waiting, _AT_ONCE)):
        by_group: dict[int | None, list[YearLook]] = {}
        for pupil_year in several:
            look = YearLook(pupil_year, as_of)
            by_group.setdefault(pupil_year.year_group, []).append(look)
        for group, looks in by_group.items():
            if group not in of_group:
                of_group[group] = Asked.of(triggers, group, settings)
            for finding in of_group[group].look_at(looks):
                if settings[finding.trigger]["enabled"]:
                    findings.append(finding)
                else:
                    held.append((finding, HELD_OFF))
    return Assessment(in_order(findings), None, tuple(held))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the pupils of one year group.

    Args:
        levels: triggers that are true of a share of missed sessions, the shares, the parameters.
        others: all other triggers, with their parameters.
    """

    levels: tuple[tuple[LevelTrigger, Band, Parameters], ...]
    others: tuple[tuple[StripTrigger, Parameters], ...]

    @classmethod
    def of(
        cls, triggers: Iterable[StripTrigger], year_group: int | None, settings: Settings
    ) -> Asked:
        """Take the triggers that are about pupils of a year group."""
        levels: list[tuple[LevelTrigger, Band, Parameters]] = []
        others: list[tuple[StripTrigger, Parameters]] = []
        of_levels = {level.INFO.id: level for level in LEVELS}
        for trigger in triggers:
            parameters = settings[trigger.INFO.id]
            if year_group is not None and year_group > parameters["last_year_group"]:
                continue
            level = of_levels.get(trigger.INFO.id)
            if level is None:
                others.append((trigger, parameters))
            else:
                levels.append((level, level.band(parameters), parameters))
        return cls(tuple(levels), tuple(others))

    def look_at(self, looks: Sequence[YearLook]) -> Iterator[Finding]:
        """Give what is true of pupils' years, one trigger after the other."""
        shares = [look.share for look in looks] if self.levels else []
        for level, band, parameters in self.levels:
            for look, share in zip(looks, shares, strict=True):
                if band.holds(*share):
                    finding = level.evaluate(look, parameters)
                    if finding is not None:
                        yield finding
        for trigger, parameters in self.others:
            evaluate = trigger.evaluate
            for look in looks:
                finding = evaluate(look, parameters)
                if finding is not None:
                    yield finding
