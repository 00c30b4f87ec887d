"""Replay exported registers: what the triggers would have raised, and when it would have cleared.

The same triggers look at the same days as in the running daemon. A day is looked at whenever
something about it became known and whenever a wait ends; a year after each day on which something
of it became known. Nothing is known before it was saved, so that a correction clears what was
raised before it.

An export says nothing of when the MIS could be read, so ``feed_blind`` is never among the answers,
and every register counts as settled.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from mis_bridge.registers.calendar import local_datetime, local_minute
from mis_bridge.triggers.catalogue import all_parameters
from mis_bridge.triggers.day_walk import ON_SITE, SAYS
from mis_bridge.triggers.replay_days import replay_days
from mis_bridge.triggers.replay_model import Replayed
from mis_bridge.triggers.replay_roll import replay_history, replay_roll
from mis_bridge.triggers.replay_years import replay_years

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from mis_bridge.triggers.replay_model import EventRow, LessonRow, PupilRow, SessionRow

__all__ = ["Replayed", "end_of_data", "replay"]

_DAY = timedelta(days=1)


def replay(
    sessions: Sequence[SessionRow],
    lessons: Sequence[LessonRow] = (),
    pupils: Iterable[PupilRow] = (),
    events: Sequence[EventRow] = (),
    *,
    as_of: datetime | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Replayed]:
    """Run all triggers over exported registers.

    Args:
        sessions: what was recorded. A mark without a time of saving is known when its register
            closes; several marks of one slot are corrections, the one that became known last
            stands.
        lessons: likewise; without a time of saving a mark is known when the lesson ends.
        events: sign-ins, sign-outs and messages.
        pupils: one row a pupil, or one an enrolment. Marks outside a pupil's enrolments are not
            counted, and a day of such marks is only looked at if somebody saw the pupil.
        as_of: look no further than this moment, aware; None: the last minute of the last day.
        settings: trigger id -> what is set of it.

    Returns:
        One a finding, in order of fired_at, pupil, trigger, slot.

    Raises:
        ValueError: a setting that the triggers refuse.
    """
    values = all_parameters(settings or {})
    until = as_of or end_of_data(sessions, lessons, events)
    if until is None:
        return []
    pupils = list(pupils)
    known, spans = _enrolments(pupils)
    whole = sessions
    if spans:
        outside = [
            row
            for rows in (sessions, lessons)
            for row in rows
            if not _enrolled(spans.get(row.pupil), row.day)
        ]
        # Who was seen is looked for, whatever the roll says; what counts is the time on roll.
        seen = {(row.pupil, row.day) for row in outside if SAYS[row.code] == ON_SITE}
        left_out = {(row.pupil, row.day) for row in outside} - seen
        by_day_sessions = [row for row in sessions if (row.pupil, row.day) not in left_out]
        lessons = [row for row in lessons if (row.pupil, row.day) not in left_out]
        sessions = [row for row in sessions if _enrolled(spans.get(row.pupil), row.day)]
    else:
        by_day_sessions = list(sessions)
    by_day = list(replay_days(by_day_sessions, lessons, events, known, until, values))
    found = [
        *by_day,
        *replay_years(sessions, known, until, values),
        *replay_roll(whole, pupils, until, values),
        *replay_history(by_day, until, values),
    ]
    found.sort(
        key=lambda one: (
            one.fired_at,
            one.finding.pupil,
            one.finding.trigger,
            one.finding.slot,
            one.finding.episode,
        )
    )
    return found


def end_of_data(
    sessions: Sequence[SessionRow], lessons: Sequence[LessonRow], events: Sequence[EventRow]
) -> datetime | None:
    """Give the last minute of the last day of which anything is recorded, None without data."""
    days = {row.day for rows in (sessions, lessons) for row in rows}
    moments = [event.at for event in events]
    moments += [
        row.recorded for rows in (sessions, lessons) for row in rows if row.recorded is not None
    ]
    if moments:
        days.add(local_minute(max(moments))[0])
    return local_datetime(max(days) + _DAY, 0) - timedelta(minutes=1) if days else None


Spans = list[tuple[date | None, date | None]]


def _enrolments(pupils: Iterable[PupilRow]) -> tuple[dict[str, PupilRow], dict[str, Spans]]:
    """Give each pupil's last row, and the spans on roll of pupils who have a limited one."""
    known: dict[str, PupilRow] = {}
    spans: dict[str, Spans] = {}
    for row in pupils:
        known[row.pupil] = row
        spans.setdefault(row.pupil, []).append((row.admission, row.leaving))
    limited = {
        pupil: of_pupil
        for pupil, of_pupil in spans.items()
        if not any(first is None and last is None for first, last in of_pupil)
    }
    return known, limited


def _enrolled(spans: Spans | None, day: date) -> bool:
    return spans is None or any(
        (first is None or first <= day) and (last is None or day <= last) for first, last in spans
    )
