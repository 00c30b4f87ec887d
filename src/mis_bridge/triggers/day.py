"""Look at one school day: run the day triggers over every pupil who could be concerned.

Most pupils need no look at all: without a mark that says absent and without an overdue blank no
day trigger can fire, and that is seen from the marks alone.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.calendar import minutes_after_midnight
from mis_bridge.registers.codes import to_byte
from mis_bridge.triggers import (
    feed_blind,
    internal_truancy,
    marks_disagree,
    missing_during_day,
    register_anomaly,
    register_not_taken,
    unexplained_absence,
)
from mis_bridge.triggers.day_look import DayLook, moment
from mis_bridge.triggers.day_walk import BLANK, MISSED, SAYS, walk
from mis_bridge.triggers.model import Assessment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.triggers.day_walk import DayWalk
    from mis_bridge.triggers.model import Finding, PupilDay, SchoolDay

__all__ = ["HELD_ANOMALY", "HELD_BLIND", "HELD_OFF", "in_order", "look_at_day", "look_at_minute"]

# Reasons of the closed set in ``incidents.reasons``, which stands above this package.
HELD_ANOMALY: Final = "register_anomaly"
HELD_BLIND: Final = "feed_blind"
HELD_OFF: Final = "trigger_off"

_ALWAYS: Final = 1
_WHEN_DUE: Final = 2


def look_at_day(
    school_day: SchoolDay, now: datetime, settings: Mapping[str, Mapping[str, Any]]
) -> Assessment:
    """Say what is true of a school day at a moment.

    Args:
        school_day: all pupils of the day; group sizes are read from them.
        now: aware; the day itself, or later.
        settings: trigger id -> all parameters, as ``catalogue.parameters`` gives them.
    """
    day, read = school_day.day, school_day.last_good_read
    look = DayLook(
        day,
        minutes_after_midnight(now, day),
        settings,
        read=None if read is None else minutes_after_midnight(read, day),
    )
    findings, held = look_at_minute(school_day, look)
    again, wanted = (
        None if minute is None else moment(day, minute) for minute in (look.wake, look.wanted)
    )
    return Assessment(in_order(findings), again, tuple(held), wanted)


def look_at_minute(
    school_day: SchoolDay, look: DayLook
) -> tuple[list[Finding], list[tuple[Finding, str]]]:
    """Give the findings of a school day, in any order, and those that are held, with the reason.

    Args:
        school_day: all pupils of the day.
        look: the minute and the settings; its ``wake`` is set.
    """
    look.sessions = school_day.sessions
    walks = _walks(school_day, look)
    if not walks:
        return [], []
    anomalies = register_anomaly.find(
        (walked for walked in walks if walked.signals), school_day.pupils, look
    )
    look.doubtful = frozenset((one.group, one.seen) for one in anomalies if one.holds)
    findings = register_anomaly.evaluate(anomalies, look)
    held: list[tuple[Finding, str]] = []
    for walked in walks:
        found, doubtful = _look_at_pupil(walked, look)
        findings += found
        held += ((finding, HELD_ANOMALY) for finding in doubtful)
    return _hold(findings, held, school_day, look.settings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by the time at which they became true, pupil, trigger, slot."""
    return tuple(sorted(findings, key=lambda one: (one.fired_at, one.pupil, one.trigger, one.slot)))


def _walks(school_day: SchoolDay, look: DayLook) -> list[DayWalk]:
    """Walk the days of the pupils of whom a day trigger could say something now."""
    screen = _Screen(look)
    walks = [walk(pupil, look.minute) for pupil in school_day.pupils if screen.is_worth(pupil)]
    for minute in screen.ahead:
        look.due(minute)
    return walks


class _Screen:
    """Sees every mark of the school's day, and tells the pupils who are worth a look.

    Args:
        look: the look at the day.

    Attributes:
        ahead: later minutes at which time alone may make a pupil worth a look.
    """

    def __init__(self, look: DayLook) -> None:
        self.ahead: set[int] = set()
        self._minute = look.minute
        self._says = _worth_a_look(look.settings[marks_disagree.INFO.id]["session_codes"])
        self._not_taken = look.settings[register_not_taken.INFO.id]
        # By the slot's id: the pupils of a school share its slots, and a look-up by value costs
        # more than all the rest.
        self._overdue_at: dict[int, int] = {}

    def is_worth(self, pupil: PupilDay) -> bool:
        worth = False
        says, overdue_at, minute, ahead = self._says, self._overdue_at, self._minute, self.ahead
        for slot, entry in pupil.sheet.entries:
            what = says[entry.code]
            if not what:
                continue
            if what == _ALWAYS:
                worth = True
                continue
            overdue = overdue_at.get(id(slot)) or self._overdue(slot)
            if overdue <= minute:
                worth = True
            else:
                ahead.add(overdue)
        for event in pupil.events:
            # Booked ahead: it changes what is expected from its minute on.
            if event.minute > self._minute:
                self.ahead.add(event.minute)
        return worth

    def _overdue(self, slot: Slot) -> int:
        overdue = register_not_taken.wait_for(slot, self._not_taken)
        self._overdue_at[id(slot)] = overdue
        return overdue


@cache
def _worth_a_look(session_codes: tuple[str, ...]) -> bytes:
    table = bytearray(256)
    for byte, what in enumerate(SAYS):
        if what in (MISSED, BLANK):
            table[byte] = _ALWAYS if what == MISSED else _WHEN_DUE
    for code in session_codes:
        table[to_byte(code)] = _ALWAYS
    return bytes(table)


def _look_at_pupil(walked: DayWalk, look: DayLook) -> tuple[list[Finding], list[Finding]]:
    """Give the findings about a pupil, and those that rest on odd registers alone."""
    findings: list[Finding] = []
    doubtful: list[Finding] = []
    for begins in walked.ahead:
        look.due(begins)
    if walked.signals:
        missing, held = missing_during_day.evaluate(walked, look)
        if missing is not None:
            (doubtful if held else findings).append(missing)
        for finding, held in internal_truancy.evaluate(walked, look):
            (doubtful if held else findings).append(finding)
        for finding, held in unexplained_absence.evaluate(walked, look):
            (doubtful if held else findings).append(finding)
    if walked.sightings:
        findings += marks_disagree.evaluate(walked, look)
    if walked.blanks:
        findings += register_not_taken.evaluate(walked, look)
    return findings, doubtful


def _hold(
    findings: list[Finding],
    held: list[tuple[Finding, str]],
    school_day: SchoolDay,
    settings: Mapping[str, Mapping[str, Any]],
) -> tuple[list[Finding], list[tuple[Finding, str]]]:
    """Hold back what is switched off, and what would first fire on data that is too old."""
    blind_settings = settings[feed_blind.INFO.id]
    blind = feed_blind.blind_from(school_day, blind_settings) if blind_settings["enabled"] else None
    off = {trigger for trigger, parameters in settings.items() if not parameters["enabled"]}
    if blind is None and not off:
        return findings, held
    told = []
    for finding in findings:
        if finding.trigger in off:
            held.append((finding, HELD_OFF))
        elif blind is not None and finding.fired_at > blind:
            held.append((finding, HELD_BLIND))
        else:
            told.append(finding)
    return told, held
