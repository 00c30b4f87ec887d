"""Look at a school's roll and at what happened before: run the triggers that read no marks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mis_bridge.triggers import left_without_destination, newly_in_care, repeat_missing
from mis_bridge.triggers.day import HELD_OFF, in_order
from mis_bridge.triggers.model import Assessment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from mis_bridge.triggers.model import Finding
    from mis_bridge.triggers.roll_model import Episode, SchoolRoll

    Settings = Mapping[str, Mapping[str, Any]]

__all__ = ["look_at_flags", "look_at_history", "look_at_roll"]


def look_at_roll(roll: SchoolRoll, today: date, settings: Settings) -> Assessment:
    """Say who has left without anybody knowing where to.

    Args:
        roll: everybody, those who have left included.
        today: the day that is looked at.
        settings: trigger id -> all parameters.
    """
    parameters = settings[left_without_destination.INFO.id]
    found = (
        left_without_destination.evaluate(one, roll, today, parameters) for one in roll.enrolments
    )
    return _assessed((one for one in found if one is not None), settings)


def look_at_flags(roll: SchoolRoll, today: date, settings: Settings) -> Assessment:
    """Say who is newly in care; arguments as ``look_at_roll``."""
    parameters = settings[newly_in_care.INFO.id]
    found = (newly_in_care.evaluate(one, today, parameters) for one in roll.enrolments)
    return _assessed((one for one in found if one is not None), settings)


def look_at_history(episodes: Iterable[Episode], today: date, settings: Settings) -> Assessment:
    """Say who is missing again and again.

    Args:
        episodes: of all pupils, in any order.
        today: the day that is looked at.
        settings: trigger id -> all parameters.
    """
    by_pupil: dict[str, list[Episode]] = {}
    for episode in episodes:
        by_pupil.setdefault(episode.pupil, []).append(episode)
    parameters = settings[repeat_missing.INFO.id]
    found = (
        finding
        for pupil, its_own in by_pupil.items()
        for finding in repeat_missing.evaluate(pupil, its_own, today, parameters)
    )
    return _assessed(found, settings)


def _assessed(findings: Iterable[Finding], settings: Settings) -> Assessment:
    told: list[Finding] = []
    held: list[tuple[Finding, str]] = []
    for finding in findings:
        if settings[finding.trigger]["enabled"]:
            told.append(finding)
        else:
            held.append((finding, HELD_OFF))
    return Assessment(in_order(told), None, tuple(held))
