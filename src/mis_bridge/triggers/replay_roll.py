"""Replay the roll: who left without a destination, was newly in care, was missing again and again.

An export of the roll is of one day: a destination that was recorded later stands there as if it
had always been known. Who left before the first day of the registers is not looked at.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import AcademicYear, local_datetime, local_minute
from mis_bridge.triggers import left_without_destination, newly_in_care, repeat_missing
from mis_bridge.triggers.replay_model import Replayed
from mis_bridge.triggers.replay_years import calendar_of, open_days_of
from mis_bridge.triggers.roll_model import Enrolment, Episode, EpisodeKind, SchoolRoll

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from mis_bridge.triggers.model import Finding
    from mis_bridge.triggers.replay_model import PupilRow, SessionRow

    Settings = Mapping[str, Mapping[str, Any]]

__all__ = ["replay_history", "replay_roll"]

_DAY: Final = timedelta(days=1)


def replay_roll(
    sessions: Sequence[SessionRow], pupils: Iterable[PupilRow], as_of: datetime, settings: Settings
) -> Iterator[Replayed]:
    """Replay the triggers that read the roll.

    Args:
        sessions: give the school days, and the first day that is looked at.
        pupils: one row a pupil, or one an enrolment.
        as_of: no later day is looked at.
        settings: trigger id -> all parameters.
    """
    open_days = sorted(open_days_of(sessions))
    if not open_days:
        return
    until = local_minute(as_of)[0]
    rows = [_enrolment(row) for row in pupils]
    care = settings[newly_in_care.INFO.id]
    if care["enabled"]:
        for row in rows:
            yield from _in_care(row, open_days[0], until, care)
    left = settings[left_without_destination.INFO.id]
    if left["enabled"]:
        rolls = {
            year: SchoolRoll.of(rows, calendar_of(year, set(open_days), of_year))
            for year, of_year in _by_year(open_days).items()
        }
        admissions: dict[str, list[date]] = {}
        for row in rows:
            if row.admission is not None:
                admissions.setdefault(row.pupil, []).append(row.admission)
        for row in rows:
            later = admissions.get(row.pupil, ())
            yield from _left(row, later, rolls, open_days, until, left)


def _enrolment(row: PupilRow) -> Enrolment:
    ages = compulsory_school_age(row.dob) if row.dob else (None, None)
    return Enrolment(
        row.pupil,
        row.admission,
        row.leaving,
        destination=row.destination,
        year_group=row.year_group,
        flags=row.flags,
        care_began=row.care_began,
        compulsory_age_from=ages[0],
        compulsory_age_to=ages[1],
    )


def _by_year(days: Iterable[date]) -> dict[AcademicYear, list[date]]:
    years: dict[AcademicYear, list[date]] = {}
    for day in days:
        years.setdefault(AcademicYear.of(day), []).append(day)
    return years


def _in_care(
    row: Enrolment, first: date, until: date, parameters: Mapping[str, Any]
) -> Iterator[Replayed]:
    if row.care_began is None:
        return
    day = max(row.care_began, first)
    finding = newly_in_care.evaluate(row, day, parameters) if day <= until else None
    if finding is not None:
        over = row.care_began + timedelta(days=parameters["days"] + 1)
        yield Replayed(
            finding,
            local_datetime(day, 0),
            local_datetime(over, 0) if over <= until else None,
            finding.level,
        )


def _left(
    row: Enrolment,
    admissions: Iterable[date],
    rolls: Mapping[AcademicYear, SchoolRoll],
    open_days: Sequence[date],
    until: date,
    parameters: Mapping[str, Any],
) -> Iterator[Replayed]:
    if row.last_day is None or not open_days[0] <= row.last_day < until:
        return
    began = row.last_day + _DAY
    back = min((day for day in admissions if day > row.last_day), default=None)
    if back is not None and back <= began:
        return
    found: Finding | None = None
    for day in (began, *(day for day in open_days if began < day <= until)):
        if back is not None and day >= back:
            break
        roll = rolls.get(AcademicYear.of(day)) or rolls[AcademicYear.of(open_days[-1])]
        finding = left_without_destination.evaluate(row, roll, day, parameters)
        if finding is None:
            break
        found = finding
        if finding.level > 1:
            break
    if found is not None:
        cleared = local_datetime(back, 0) if back is not None and back <= until else None
        yield Replayed(found, found.fired_at, cleared, found.level)


def replay_history(
    found: Iterable[Replayed], as_of: datetime, settings: Settings
) -> Iterator[Replayed]:
    """Replay who is missing again and again, from what was found day by day.

    A day counts as missing where a lesson was missed and the marks still say so at the end, as an
    absence without explanation where nothing has ended it.

    Args:
        found: of the triggers that read a day.
        as_of: no later day is looked at.
        settings: trigger id -> all parameters.
    """
    parameters = settings[repeat_missing.INFO.id]
    if not parameters["enabled"]:
        return
    until = local_minute(as_of)[0]
    by_pupil: dict[str, dict[Episode, datetime]] = {}
    for one in found:
        kind = _KINDS.get(one.finding.trigger)
        if kind is None or (one.cleared_at is not None and one.finding.trigger != _TRUANCY):
            continue
        episode = Episode(one.finding.pupil, one.finding.day, kind)
        known = by_pupil.setdefault(episode.pupil, {})
        known[episode] = min(known.get(episode, one.fired_at), one.fired_at)
    for pupil in sorted(by_pupil):
        yield from _again(pupil, by_pupil[pupil], until, parameters)


_TRUANCY: Final = "internal_truancy"
_KINDS: Final = {
    "missing_during_day": EpisodeKind.MISSING,
    _TRUANCY: EpisodeKind.MISSING,
    "unexplained_absence": EpisodeKind.ABSENT,
}


def _again(
    pupil: str, known: Mapping[Episode, datetime], until: date, parameters: Mapping[str, Any]
) -> Iterator[Replayed]:
    window = timedelta(days=parameters["window_days"])
    days = {one.day for one in known}
    looks = sorted(day for day in days | {day + window for day in days} if day <= until)
    fired = {(one.kind, one.day): at for one, at in known.items()}
    opened: dict[str, Finding] = {}
    for day in looks:
        findings = repeat_missing.evaluate(pupil, list(known), day, parameters)
        true_now = {finding.episode: finding for finding in findings}
        for episode in [episode for episode in opened if episode not in true_now]:
            yield _replayed(opened.pop(episode), fired, day)
        for episode, finding in true_now.items():
            if episode not in opened or finding.level > opened[episode].level:
                opened[episode] = finding
    for finding in opened.values():
        yield _replayed(finding, fired, None)


def _replayed(
    finding: Finding, fired: Mapping[tuple[EpisodeKind, date], datetime], cleared: date | None
) -> Replayed:
    return Replayed(
        finding,
        fired[EpisodeKind(str(finding.facts["kind"])), finding.day],
        None if cleared is None else local_datetime(cleared, 0),
        finding.level,
    )
