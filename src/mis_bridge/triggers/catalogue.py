"""All triggers, their parameters, and the questions: about a day, a feed, years, the roll."""

from __future__ import annotations

from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from mis_bridge.triggers import (
    absence_pattern,
    approaching_persistent_absence,
    calendar_wrong,
    certificate_expiring,
    channel_failing,
    feed_blind,
    fifteen_day_sickness,
    internal_truancy,
    lateness_pattern,
    left_without_destination,
    marks_disagree,
    missing_during_day,
    newly_in_care,
    not_returned_from_leave,
    not_watched,
    penalty_threshold,
    persistent_absence,
    reason_overdue,
    register_anomaly,
    register_not_taken,
    repeat_missing,
    roll,
    self_check_failed,
    severe_absence,
    ten_day_absence,
    ten_day_sickness,
    twenty_day_absence,
    twenty_sessions,
    undelivered,
    unexplained_absence,
    whereabouts_unknown,
    years,
)
from mis_bridge.triggers.day import HELD_OFF, look_at_day
from mis_bridge.triggers.model import Assessment
from mis_bridge.triggers.parameters import resolve

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date, datetime

    from mis_bridge.registers.calendar import SchoolCalendar, Session
    from mis_bridge.registers.school_years import SchoolYears
    from mis_bridge.triggers.certificate_expiring import Ending
    from mis_bridge.triggers.model import PupilYear, SchoolDay, TriggerInfo
    from mis_bridge.triggers.roll_model import Episode, SchoolRoll
    from mis_bridge.triggers.self_check_failed import Behind
    from mis_bridge.triggers.undelivered import DeadLetter

    Settings = Mapping[str, Mapping[str, Any]]

__all__ = [
    "TRIGGERS",
    "Trigger",
    "all_parameters",
    "assess_calendar",
    "assess_certificates",
    "assess_day",
    "assess_feed",
    "assess_flags",
    "assess_history",
    "assess_roll",
    "assess_service",
    "assess_watch",
    "assess_years",
    "nearer_ends",
    "parameters",
]


class Trigger(Protocol):
    """A trigger is a module that says of itself what it is; how it is asked is ours."""

    @property
    def INFO(self) -> TriggerInfo:  # noqa: N802 - a constant of a module
        """What the trigger says of itself."""


_ALL: tuple[Trigger, ...] = (
    unexplained_absence,
    missing_during_day,
    internal_truancy,
    register_not_taken,
    marks_disagree,
    register_anomaly,
    feed_blind,
    channel_failing,
    undelivered,
    certificate_expiring,
    not_watched,
    self_check_failed,
    calendar_wrong,
    persistent_absence,
    severe_absence,
    approaching_persistent_absence,
    whereabouts_unknown,
    ten_day_absence,
    twenty_day_absence,
    not_returned_from_leave,
    twenty_sessions,
    ten_day_sickness,
    fifteen_day_sickness,
    penalty_threshold,
    reason_overdue,
    absence_pattern,
    lateness_pattern,
    left_without_destination,
    newly_in_care,
    repeat_missing,
)

TRIGGERS: Mapping[str, Trigger] = MappingProxyType({trigger.INFO.id: trigger for trigger in _ALL})
"""Trigger id -> trigger, in the order in which people read of them."""


def parameters(trigger: str, overrides: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    """Give all parameters of a trigger: what is set, else the default.

    Raises:
        ValueError: an unknown trigger or parameter (with the nearest one), or a value that the
            parameter can not have.
    """
    try:
        info = TRIGGERS[trigger].INFO
    except KeyError:
        close = get_close_matches(trigger, TRIGGERS, n=1, cutoff=0.5)
        hint = f"the nearest is {close[0]!r}" if close else f"there are {', '.join(TRIGGERS)}"
        raise ValueError(f"there is no trigger {trigger!r}: {hint}") from None
    return resolve(info, overrides or {})


def all_parameters(settings: Settings) -> Settings:
    """Give all parameters of all triggers.

    Args:
        settings: trigger id -> what is set of it.

    Raises:
        ValueError: as ``parameters``.
    """
    for trigger in settings:
        if trigger not in TRIGGERS:
            parameters(trigger)  # raises, with the nearest one
    return MappingProxyType(
        {trigger: parameters(trigger, settings.get(trigger)) for trigger in TRIGGERS}
    )


def assess_day(school_day: SchoolDay, now: datetime, settings: Settings) -> Assessment:
    """Say what is true of a school day at a moment, and when to look again.

    Pure and level-triggered: the same day at the same moment gives the same answer. Between now
    and ``look_again`` nothing changes unless something new is read.

    Args:
        school_day: every pupil on roll with the marks as they are known now. ``Entry.recorded``
            is never later than now: whoever stores a mark from a clock that is ahead takes the
            minute at which it was read.
        now: aware.
        settings: trigger id -> what the school or authority has set of it.

    Raises:
        ValueError: a setting that ``parameters`` refuses.
    """
    return look_at_day(school_day, now, all_parameters(settings))


def assess_feed(school_day: SchoolDay, now: datetime, settings: Settings) -> Assessment:
    """Say whether the school's registers can be read; arguments and errors as ``assess_day``.

    Looks at the reading times of the day only; ``pupils`` may be empty.
    """
    values = parameters(feed_blind.INFO.id, settings.get(feed_blind.INFO.id))
    finding, again = feed_blind.evaluate(school_day, now, values)
    if finding is None:
        return Assessment((), again)
    if not values["enabled"]:
        return Assessment((), None, ((finding, HELD_OFF),))
    return Assessment((finding,))


def assess_certificates(endings: Iterable[Ending], now: datetime, settings: Settings) -> Assessment:
    """Say which certificates and secrets run out; errors as ``assess_day``.

    Args:
        endings: of each channel that has any the first, and that of the MIS.
        now: aware.
        settings: as ``assess_day``.
    """
    values = parameters(certificate_expiring.INFO.id, settings.get(certificate_expiring.INFO.id))
    findings = certificate_expiring.evaluate(endings, now, values)
    if not values["enabled"]:
        return Assessment((), None, tuple((finding, HELD_OFF) for finding in findings))
    return Assessment(tuple(findings))


def assess_service(
    letters: Iterable[DeadLetter], behind: Iterable[Behind], day: date, settings: Settings
) -> Assessment:
    """Say which messages reached nobody and what mis-bridge is behind with; errors as before.

    Args:
        letters: messages that were lost, or that nobody has got in time.
        behind: as the auditor found it.
        day: today, local date.
        settings: as ``assess_day``.
    """
    findings, held = [], []
    for info, found in (
        (undelivered.INFO, undelivered.evaluate(letters, day)),
        (self_check_failed.INFO, self_check_failed.evaluate(behind, day)),
    ):
        if parameters(info.id, settings.get(info.id))["enabled"]:
            findings += found
        else:
            held += [(finding, HELD_OFF) for finding in found]
    return Assessment(tuple(findings), None, tuple(held))


def nearer_ends(
    ends: Iterable[datetime], before: datetime | None, now: datetime, settings: Settings
) -> bool:
    """Say whether time alone has brought one of these ends nearer, so that people hear of it.

    Args:
        ends: of certificates and secrets, aware.
        before: the last look, aware, or None where there was none.
        now: aware.
        settings: as ``assess_day``.
    """
    values = parameters(certificate_expiring.INFO.id, settings.get(certificate_expiring.INFO.id))

    def level(end: datetime, at: datetime | None) -> int:
        return certificate_expiring.level_at(end, at, values) if at else 0

    return any(level(end, now) > level(end, before) for end in ends)


def assess_watch(
    calendar: SchoolCalendar,
    failing_since: datetime | None,
    now: datetime,
    settings: Settings,
    *,
    marked: Collection[Session],
    last_good_read: datetime | None,
    years: SchoolYears | None = None,
) -> Assessment:
    """Say whether a school is watched at all; errors as ``assess_day``.

    Args:
        calendar: as configured.
        failing_since: since when something of the school could not be decided, aware, or None.
        now: aware.
        settings: as ``assess_day``.
        marked: sessions of today of which anybody has a mark from a register that was taken.
        last_good_read: when the feed was last read well, aware, or None.
        years: all calendars that are known, or None where it is the only one.
    """
    values = parameters(not_watched.INFO.id, settings.get(not_watched.INFO.id))
    findings, again = not_watched.evaluate(
        calendar,
        failing_since,
        now,
        values,
        marked=marked,
        last_good_read=last_good_read,
        years=years,
    )
    if not values["enabled"]:
        return Assessment((), None, tuple((finding, HELD_OFF) for finding in findings))
    return Assessment(tuple(findings), again)


def assess_calendar(
    calendar: SchoolCalendar,
    now: datetime,
    settings: Settings,
    *,
    marked: Mapping[Session, int],
    roll: int,
    failing_since: datetime | None,
    years: SchoolYears | None = None,
) -> Assessment:
    """Say whether a school's calendar agrees with its registers; errors as ``assess_day``.

    Args:
        calendar: in force.
        now: aware.
        settings: as ``assess_day``.
        marked: pupils with a register's mark today, by session.
        roll: how many are on roll.
        failing_since: since when its term dates can not be read, aware, or None.
        years: all calendars that are known, or None where it is the only one.
    """
    values = parameters(calendar_wrong.INFO.id, settings.get(calendar_wrong.INFO.id))
    findings, again = calendar_wrong.evaluate(
        calendar,
        now,
        values,
        marked=marked,
        roll=roll,
        failing_since=failing_since,
        years=years,
    )
    if not values["enabled"]:
        return Assessment((), None, tuple((finding, HELD_OFF) for finding in findings))
    return Assessment(tuple(findings), again)


def assess_years(
    pupil_years: Iterable[PupilYear], as_of: date, settings: Settings, *, rates: bool = True
) -> Assessment:
    """Say what is true of pupils' years of session marks, up to and including a finished day.

    Args:
        pupil_years: one a pupil; marks after ``as_of`` are not looked at.
        as_of: a day whose registers are closed.
        settings: as ``assess_day``.
        rates: False where the registers hold absences only: missed sessions are then compared
            with nothing.

    Raises:
        ValueError: a setting that ``parameters`` refuses.
    """
    return years.look_at_years(pupil_years, as_of, all_parameters(settings), rates=rates)


def assess_roll(school_roll: SchoolRoll, today: date, settings: Settings) -> Assessment:
    """Say who has left a school without a destination; settings and errors as ``assess_day``."""
    return roll.look_at_roll(school_roll, today, all_parameters(settings))


def assess_flags(school_roll: SchoolRoll, today: date, settings: Settings) -> Assessment:
    """Say who on a roll is newly in care; settings and errors as ``assess_day``."""
    return roll.look_at_flags(school_roll, today, all_parameters(settings))


def assess_history(episodes: Iterable[Episode], today: date, settings: Settings) -> Assessment:
    """Say who is missing again and again; settings and errors as ``assess_day``.

    Args:
        episodes: of all pupils, of the last two windows at least.
        today: the day that is looked at.
        settings: as ``assess_day``.
    """
    return roll.look_at_history(episodes, today, all_parameters(settings))
