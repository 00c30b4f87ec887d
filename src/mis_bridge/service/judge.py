"""What is true of a school's day, feed or year, and what has to change so that its incidents agree.

The loading half of transaction 2 of 3 (``decide``): each function reads what is stored, asks the
triggers, and steps the incidents by their rules. Nothing is written here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from mis_bridge.incidents.model import Scope as Looked
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.registers.calendar import (
    LONDON,
    AcademicYear,
    Session,
    local_datetime,
    local_minute,
)
from mis_bridge.service.absence_only import shown_sessions
from mis_bridge.service.judge_roll import judge_roll
from mis_bridge.service.open_after_all import sessions_of
from mis_bridge.service.pupil_years import pupil_years
from mis_bridge.service.reach import addressed, without
from mis_bridge.service.schedule import usual_hours
from mis_bridge.service.settling import settle
from mis_bridge.service.untaken import marked_sessions, with_untaken_sessions
from mis_bridge.store import (
    channels,
    dead_letters,
    dirty,
    incidents,
    meta,
    owed,
    self_check,
    sheets,
)
from mis_bridge.triggers import feed_blind
from mis_bridge.triggers.calendar_wrong import registered
from mis_bridge.triggers.catalogue import (
    assess_calendar,
    assess_certificates,
    assess_day,
    assess_feed,
    assess_service,
    assess_watch,
    assess_years,
    parameters,
)
from mis_bridge.triggers.certificate_expiring import Ending
from mis_bridge.triggers.channel_failing import BrokenChannel, assess_channels
from mis_bridge.triggers.closed_sessions import with_closed_sessions
from mis_bridge.triggers.day_walk import walk
from mis_bridge.triggers.model import Kind, SchoolDay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Decision, Incident
    from mis_bridge.service.schools import School
    from mis_bridge.store.feeds import Feed

__all__ = ["Judged", "Shown", "blind_since", "judge_day", "judge_feed", "judge_year"]


class Judged(NamedTuple):
    """What a judgement comes to.

    Args:
        decisions: what changes.
        ask_again: when time alone could change the answer, aware, or None.
        read_from: from when on a reading of the MIS would end a wait, aware, or None.
    """

    decisions: list[Decision]
    ask_again: datetime | None
    read_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What the registers of today show of the school.

    Args:
        held: the sessions that the school has.
        sessions: that show that somebody takes registers, or that the school was closed.
        registered: pupils with a register's mark, by session.
        roll: how many are on roll.
    """

    held: frozenset[Session]
    sessions: frozenset[Session]
    registered: Mapping[Session, int]
    roll: int


def judge_day(tx: Connection, day: date, school: School, feed: Feed, now: datetime) -> Judged:
    """What changes about a school day, and today about the feed too; when to ask again."""
    today = now.astimezone(LONDON).date()
    stored = sheets.load_day(tx, school.id, day, school.calendar)
    pupil_days, settling = settle(stored, day, feed.last_good_at, now)
    pupil_days, closed = with_closed_sessions(pupil_days, school.calendar.pm.opens)
    untaken = None
    if school.presence:
        pupil_days, untaken = with_untaken_sessions(pupil_days, day, feed.last_good_at, now)
    held = sessions_of(school, day, stored)
    school_day = replace(_day_of(tx, school, feed, day, held), pupils=pupil_days)
    by_day = assess_day(school_day, now, school.triggers)
    known = incidents.known(tx, school.id, day, day) + incidents.back_since(tx, school.id, day)
    pupils = {pupil.pupil: pupil for pupil in school_day.pupils}
    decisions = [
        reconcile(
            school.id,
            known,
            by_day,
            now,
            rules=school.rules,
            data_as_of=school.known_until(feed.last_good_at),
            scope=Looked(Kind.DAY, day),
            pupils=pupils,
            traits=pupils,
            quiet_before=meta.watched_since(tx, school.id),
            seen_later=_seen_today(tx, school, feed, now) if day < today else frozenset(),
        )
    ]
    looks = [by_day.look_again, settling, untaken]
    if day == today:
        marked = (
            marked_sessions(stored, school.calendar) if school.presence else shown_sessions(stored)
        )
        afternoon = school.calendar.pm.opens
        shown = Shown(held, marked | closed, registered(stored, afternoon), len(stored))
        by_feed, look_again = judge_feed(tx, school, feed, _after(known, decisions[0]), shown, now)
        decisions.append(by_feed)
        looks.append(look_again)
        decisions += judge_roll(tx, school, feed, now, decisions)
    again = _earliest(*looks, *(decision.ask_again for decision in decisions))
    return Judged(decisions, again, by_day.read_from if day == today else None)


def _seen_today(tx: Connection, school: School, feed: Feed, now: datetime) -> frozenset[str]:
    """The pupils who are in school today, as far as anybody has seen them."""
    today, minute = local_minute(now)
    stored = sheets.load_day(tx, school.id, today, school.calendar)
    settled, _ = settle(stored, today, feed.last_good_at, now)
    return frozenset(pupil.pupil for pupil in settled if walk(pupil, minute).sightings)


def judge_feed(
    tx: Connection,
    school: School,
    feed: Feed,
    known: list[Incident],
    shown: Shown | None,
    now: datetime,
) -> tuple[Decision, datetime | None]:
    """What changes about reading the school, its channels and its watch today; when to ask again.

    ``known`` are the school's incidents as they stand, ``shown`` is what today's registers show
    or None where they can not be judged.
    """
    today = now.astimezone(LONDON).date()
    shown = shown or Shown(sessions_of(school, today, ()), frozenset(Session), {}, 0)
    day = _day_of(tx, school, feed, today, shown.held)
    assessment = assess_feed(day, now, school.triggers)
    watch = assess_watch(
        school.calendar,
        dirty.failing_since(tx, school.id),
        now,
        school.triggers,
        marked=shown.sessions,
        last_good_read=feed.last_good_at,
        years=school.years,
    )
    calendar = assess_calendar(
        school.calendar,
        now,
        school.triggers,
        marked=shown.registered,
        roll=shown.roll,
        failing_since=school.term_dates_failing_since,
        years=school.years,
    )
    broken = assess_channels(_broken_channels(tx, school, today), today)
    ending = assess_certificates(_endings(tx, school), now, school.triggers)
    service = assess_service(
        [addressed(one, school, today) for one in dead_letters.of_school(tx, school.id, now)],
        self_check.behind(tx, school.id),
        today,
        school.triggers,
    )
    others = (broken, ending, service, watch, calendar)
    assessment = replace(
        assessment,
        findings=(*assessment.findings, *(found for one in others for found in one.findings)),
        held=(*assessment.held, *(held for one in others for held in one.held)),
    )
    decision = reconcile(
        school.id,
        known,
        assessment,
        now,
        rules=school.rules,
        data_as_of=school.known_until(feed.last_good_at),
        scope=Looked(Kind.FEED, today),
    )
    return decision, _earliest(assessment.look_again, watch.look_again, calendar.look_again)


def _day_of(
    tx: Connection, school: School, feed: Feed, day: date, held: frozenset[Session]
) -> SchoolDay:
    """When readings of a day are expected and when there was one; without its pupils."""
    hours = usual_hours(school.polling, day) if held else None
    # What nobody was there to read is no failure of the MIS, nor is a feed that is yet to be tried.
    watching = meta.watching_from(tx)
    began = feed.state_since if feed.state == "new" else None
    return SchoolDay(
        day=day,
        pupils=(),
        last_good_read=feed.last_good_at,
        expected_reading_from=max(hours[0], watching or hours[0], began or hours[0])
        if hours
        else None,
        expected_reading_until=hours[1] if hours else None,
        sessions=held,
        reading_problem=_problem_of(feed),
    )


def blind_since(tx: Connection, school: School, feed: Feed, now: datetime) -> datetime | None:
    """Since when people have to know that a school can not be read today, aware; None for not."""
    values = parameters(feed_blind.INFO.id, school.triggers.get(feed_blind.INFO.id))
    today = now.astimezone(LONDON).date()
    day = _day_of(tx, school, feed, today, sessions_of(school, today, ()))
    since = feed_blind.blind_from(day, values) if values["enabled"] else None
    return since if since is not None and since <= now else None


def _problem_of(feed: Feed) -> str:
    """Why a feed can not be read and what a person does about it, or empty."""
    if feed.state in {"new", "good"}:
        return ""
    parts = (part.strip().rstrip(".") for part in (feed.problem, feed.advice))
    return " ".join(f"{part}." for part in parts if part)


def _broken_channels(tx: Connection, school: School, today: date) -> list[BrokenChannel]:
    """The channels of this school's routes that do not deliver, and whom that leaves unreached."""
    used = school.channels
    # One that only asks for patience is no failure, until it has made a message late.
    late = owed.overdue(tx)
    broken = {
        name: state
        for name, state in channels.load(tx).items()
        if name in used
        and state.last_at
        and (state.config_alarm or state.is_failing or name in late)
    }
    return [
        BrokenChannel(
            name,
            state.last_at,
            state.last_detail,
            owed.waiting_for(tx, name),
            *without(school, name, broken, today),
        )
        for name, state in broken.items()
        if state.last_at
    ]


def _endings(tx: Connection, school: School) -> list[Ending]:
    """When what the MIS and the channels of this school's routes need runs out."""
    used = school.channels
    found = [
        Ending(name, state.expires_at, state.expires_what or "", state.expires_then or "")
        for name, state in channels.load(tx).items()
        if name in used and state.expires_at
    ]
    return [*found, *([school.mis_ends] if school.mis_ends else [])]


def judge_year(tx: Connection, day: date, school: School, feed: Feed, now: datetime) -> Judged:
    """What changes about the academic year that begins on a day; when to ask again."""
    local = now.astimezone(LONDON)
    # A session counts once its register has closed: until then its N may become an L.
    closes = local_datetime(local.date(), school.calendar.pm.closes)
    as_of = local.date() if now >= closes else local.date() - timedelta(days=1)
    year = AcademicYear(day.year)
    looked_at = pupil_years(tx, school, year)
    assessment = assess_years(
        looked_at, as_of=as_of, settings=school.triggers, rates=school.presence
    )
    decision = reconcile(
        school.id,
        incidents.known(tx, school.id, year.first, year.last),
        assessment,
        now,
        rules=school.rules,
        data_as_of=school.known_until(feed.last_good_at),
        # Of this academic year only: what is true of another one is not over.
        scope=Looked(Kind.STRIP, year.first, frozenset(one.pupil for one in looked_at)),
        quiet_before=meta.watched_since(tx, school.id),
        traits={one.pupil: one for one in looked_at},
    )
    waits = now < closes and school.calendar.is_school_day(local.date())
    again = _earliest(assessment.look_again, decision.ask_again, closes if waits else None)
    return Judged([decision], again)


def _after(known: list[Incident], decision: Decision) -> list[Incident]:
    """The known incidents as a decision leaves them."""
    changed = {incident.id: incident for incident in decision.incidents}
    kept = [incident for incident in known if incident.id not in changed]
    return [*kept, *changed.values()]


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
