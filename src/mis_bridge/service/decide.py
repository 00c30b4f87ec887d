"""Transaction 2 of 3: from what is stored to what is true, and from that to who has to be told.

One call decides one key, a (school, day) or a (school, academic year), in one transaction: load
it, run the triggers, step the incidents, insert what has to be sent, settle the key. Only the
stored state counts, never which event came: deciding twice stores nothing new, and a crash before
the commit is as if it had not begun.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import StoreError
from mis_bridge.incidents.model import Scope as Looked
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import (
    LONDON,
    AcademicYear,
    Session,
    local_datetime,
    local_minute,
)
from mis_bridge.service import packages, routing
from mis_bridge.service.absence_only import shown_sessions
from mis_bridge.service.pupil_years import pupil_years
from mis_bridge.service.schedule import reading_hours
from mis_bridge.service.settling import settle
from mis_bridge.service.untaken import marked_sessions, with_untaken_sessions
from mis_bridge.store import (
    audit,
    channels,
    dirty,
    feeds,
    incidents,
    meta,
    outbox,
    sheets,
    suppressed,
)
from mis_bridge.store.dirty import Scope
from mis_bridge.triggers import not_watched
from mis_bridge.triggers.catalogue import assess_day, assess_feed, assess_watch, assess_years
from mis_bridge.triggers.channel_failing import BrokenChannel, assess_channels
from mis_bridge.triggers.day_walk import walk
from mis_bridge.triggers.model import Kind, SchoolDay

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Decision, Incident
    from mis_bridge.io.clock import Clock
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.dirty import Dirty
    from mis_bridge.store.engine import Store
    from mis_bridge.store.feeds import Feed

__all__ = ["Decided", "Decider", "decide", "decide_feed"]

AT_ONCE: Final = 50
"""Keys a tick; the rest wait for the next one, so that sending is never held up for long."""

PUT_OFF: Final = timedelta(minutes=1)
"""A key whose decision failed is tried again after this, and the others go on meanwhile."""

FAILURES_IN_A_ROW: Final = 3
"""After so many failed attempts IT is told of a channel that may yet come back by itself."""

LONGEST_WAIT_FOR_READING: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Decided:
    """What one decision came to.

    Args:
        incidents: how many changed.
        messages: how many outbox rows were inserted.
    """

    incidents: int = 0
    messages: int = 0


class Decider:
    """Decides every key that is due.

    Args:
        store, clock: as everywhere.
        schools: by id.
        deadlines: how long one channel may take, by severity.
    """

    def __init__(
        self, store: Store, clock: Clock, schools: Mapping[str, School], deadlines: Deadlines
    ) -> None:
        self._store = store
        self._clock = clock
        self._schools = schools
        self._deadlines = deadlines
        self._opened: dict[str, date] = {}
        self._log = get_logger(__name__)

    async def decide_due(self) -> bool:
        """Decide what is due now; False if one of the decisions failed."""
        now = self._clock.now()
        await self._open_days(now)
        await self._store.call(packages.expire, now, self._schools, self._deadlines)
        clean = True
        for item in await self._store.call(dirty.due, now, AT_ONCE):
            school = self._schools.get(item.school)
            if school is None:
                await self._store.call(dirty.settle, item, None)
                continue
            try:
                decided = await self._store.call(decide, item, school, now, self._deadlines)
            except StoreError:
                raise
            except Exception:  # noqa: BLE001 - one school's fault must not silence the others
                clean = False
                self._log.exception("decision_failed", school=item.school, scope=item.scope)
                await self._put_off(item, school, now)
                continue
            if decided.incidents or decided.messages:
                self._log.info(
                    "decided",
                    school=item.school,
                    scope=item.scope,
                    day=item.day.isoformat(),
                    incidents=decided.incidents,
                    messages=decided.messages,
                )
        return clean

    async def _put_off(self, item: Dirty, school: School, now: datetime) -> None:
        """Try a failed decision again later, and tell people once it has failed for too long."""
        await self._store.call(dirty.put_off, item, now + PUT_OFF, now)
        try:
            await self._store.call(decide_feed, school, now, self._deadlines)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - as above; the heartbeat stays out, which is told outside
            self._log.exception("decision_failed", school=item.school, scope="feed")

    async def _open_days(self, now: datetime) -> None:
        """Have every school's day looked at although nothing was read: silence is input too."""
        today = now.astimezone(LONDON).date()
        for school in self._schools.values():
            if self._opened.get(school.id) == today:
                continue
            hours = reading_hours(school.calendar, school.polling, today)
            starts = local_datetime(today, school.polling.day_starts)
            if now >= starts and (hours or not_watched.calendar_over(school.calendar, today)):
                await self._store.call(dirty.mark, school.id, [today], now)
                self._opened[school.id] = today


def decide(
    tx: Connection, item: Dirty, school: School, now: datetime, deadlines: Deadlines
) -> Decided:
    """Decide one key, all of it or nothing.

    Args:
        tx: the transaction.
        item: the key as ``dirty.due`` gave it.
        school: what is configured.
        now: the present moment, aware.
        deadlines: how long one channel may take, by severity.
    """
    taken = dirty.take(tx, item)
    feed = feeds.get(tx, school.id)
    if taken is None or feed is None or _half_read(feed, now):
        return Decided()
    # Before the feed is looked at: what could be decided now does not count as failing any more.
    failed_before = dirty.failing_since(tx, school.id)
    dirty.settle(tx, taken, None)
    look = _decide_day if item.scope is Scope.DAY else _decide_year
    decisions, ask_again = look(tx, taken, school, feed, now)
    decided = _store_all(tx, school, decisions, now, deadlines)
    dirty.settle(tx, taken, ask_again)
    today = now.astimezone(LONDON).date()
    if failed_before and (item.scope, item.day) != (Scope.DAY, today):
        dirty.mark(tx, school.id, [today], now)
    return decided


def decide_feed(tx: Connection, school: School, now: datetime, deadlines: Deadlines) -> Decided:
    """Decide about a school's feed, channels and watch alone, where its marks can not be judged.

    Args:
        tx: the transaction.
        school: what is configured.
        now: the present moment, aware.
        deadlines: how long one channel may take, by severity.
    """
    feed = feeds.get(tx, school.id)
    if feed is None:
        return Decided()
    today = now.astimezone(LONDON).date()
    known = incidents.known(tx, school.id, today, today)
    # What was said of the day's marks stands: perhaps they are what can not be judged.
    known = [one for one in known if not (one.trigger == not_watched.INFO.id and one.slot)]
    decision, _ = _decide_feed(tx, school, feed, known, frozenset(Session), now)
    return _store_all(tx, school, [decision], now, deadlines)


def _half_read(feed: Feed, now: datetime) -> bool:
    """Whether a reading is under way whose pages belong together: the key stays due meanwhile.

    Between two pages a child can look absent whose other mark comes with the next. A first load
    is waited for; any other reading only briefly, so that a slow MIS does not hold up an alarm.
    """
    if not feed.being_read(now):
        return False
    began = feed.last_attempt_at or now
    return feed.last_good_at is None or now - began < LONGEST_WAIT_FOR_READING


def _decide_day(
    tx: Connection, item: Dirty, school: School, feed: Feed, now: datetime
) -> tuple[list[Decision], datetime | None]:
    today = now.astimezone(LONDON).date()
    stored = sheets.load_day(tx, school.id, item.day, school.calendar)
    pupil_days, settling = settle(stored, item.day, feed.last_good_at, now)
    untaken = None
    if school.presence:
        pupil_days, untaken = with_untaken_sessions(pupil_days, item.day, feed.last_good_at, now)
    school_day = replace(_day_of(tx, school, feed, item.day), pupils=pupil_days)
    by_day = assess_day(school_day, now, school.triggers)
    known = incidents.known(tx, school.id, item.day, item.day)
    decisions = [
        reconcile(
            school.id,
            known,
            by_day,
            now,
            rules=school.rules,
            data_as_of=school.known_until(feed.last_good_at),
            scope=Looked(Kind.DAY, item.day),
            pupils={pupil.pupil: pupil for pupil in school_day.pupils},
            quiet_before=meta.watched_since(tx, school.id),
            seen_later=_seen_today(tx, school, feed, now) if item.day < today else frozenset(),
        )
    ]
    looks = [by_day.look_again, settling, untaken]
    if item.day == today:
        marked = (
            marked_sessions(stored, school.calendar) if school.presence else shown_sessions(stored)
        )
        by_feed, look_again = _decide_feed(
            tx, school, feed, _after(known, decisions[0]), marked, now
        )
        decisions.append(by_feed)
        looks.append(look_again)
    return decisions, _earliest(*looks, *(decision.ask_again for decision in decisions))


def _seen_today(tx: Connection, school: School, feed: Feed, now: datetime) -> frozenset[str]:
    """The pupils who are in school today, as far as anybody has seen them."""
    today, minute = local_minute(now)
    stored = sheets.load_day(tx, school.id, today, school.calendar)
    settled, _ = settle(stored, today, feed.last_good_at, now)
    return frozenset(pupil.pupil for pupil in settled if walk(pupil, minute).sightings)


def _decide_feed(
    tx: Connection,
    school: School,
    feed: Feed,
    known: list[Incident],
    marked: frozenset[Session],
    now: datetime,
) -> tuple[Decision, datetime | None]:
    """Whether the school can be read, its channels deliver, and somebody watches it, today."""
    today = now.astimezone(LONDON).date()
    assessment = assess_feed(_day_of(tx, school, feed, today), now, school.triggers)
    watch = assess_watch(
        school.calendar,
        dirty.failing_since(tx, school.id),
        now,
        school.triggers,
        marked=marked,
        last_good_read=feed.last_good_at,
    )
    broken = assess_channels(_broken_channels(tx, school), today)
    assessment = replace(
        assessment,
        findings=(*assessment.findings, *broken.findings, *watch.findings),
        held=(*assessment.held, *watch.held),
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
    return decision, _earliest(assessment.look_again, watch.look_again)


def _day_of(tx: Connection, school: School, feed: Feed, day: date) -> SchoolDay:
    """When readings of a day are expected and when there was one; without its pupils."""
    hours = reading_hours(school.calendar, school.polling, day)
    # What nobody was there to read is no failure of the MIS.
    watching = meta.watching_from(tx)
    return SchoolDay(
        day=day,
        pupils=(),
        last_good_read=feed.last_good_at,
        expected_reading_from=max(hours[0], watching or hours[0]) if hours else None,
        expected_reading_until=hours[1] if hours else None,
        sessions=frozenset(
            session for session in Session if school.calendar.has_session(day, session)
        ),
        reading_problem=_problem_of(feed),
    )


def _problem_of(feed: Feed) -> str:
    """Why a feed can not be read and what a person does about it, or empty."""
    if feed.state in {"new", "good"}:
        return ""
    parts = (part.strip().rstrip(".") for part in (feed.problem, feed.advice))
    return " ".join(f"{part}." for part in parts if part)


def _broken_channels(tx: Connection, school: School) -> list[BrokenChannel]:
    """The channels of this school's routes that do not deliver."""
    used = {name for route in school.routes.values() for name in route}
    owed = outbox.counts(tx)
    # One that only asks for patience is no failure, until it has made a message late.
    late = outbox.overdue(tx)
    return [
        BrokenChannel(name, state.last_at, state.last_detail, owed.get((name, "pending"), 0))
        for name, state in channels.load(tx).items()
        if name in used
        and state.last_at
        and (state.config_alarm or state.failures >= FAILURES_IN_A_ROW or name in late)
    ]


def _decide_year(
    tx: Connection, item: Dirty, school: School, feed: Feed, now: datetime
) -> tuple[list[Decision], datetime | None]:
    local = now.astimezone(LONDON)
    # A session counts once its register has closed: until then its N may become an L.
    closes = local_datetime(local.date(), school.calendar.pm.closes)
    as_of = local.date() if now >= closes else local.date() - timedelta(days=1)
    year = AcademicYear(item.day.year)
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
    )
    waits = now < closes and school.calendar.is_school_day(local.date())
    return [decision], _earliest(
        assessment.look_again, decision.ask_again, closes if waits else None
    )


def _store_all(
    tx: Connection, school: School, decisions: list[Decision], now: datetime, deadlines: Deadlines
) -> Decided:
    return Decided(
        incidents=sum(len(decision.incidents) for decision in decisions),
        messages=sum(_store(tx, school, decision, now, deadlines) for decision in decisions),
    )


def _store(
    tx: Connection, school: School, decision: Decision, now: datetime, deadlines: Deadlines
) -> int:
    """Store a decision; returns how many messages were put in the outbox."""
    incidents.save(tx, decision.incidents)
    audit.append(tx, school.id, decision.audit)
    rows = [
        row
        for plan in decision.messages
        for row in routing.expand(tx, plan, school, now, deadlines)
    ]
    rows += [
        row
        for plan in decision.packages
        for row in packages.prepare(tx, plan, school, now, deadlines)
    ]
    for suppression in decision.suppressed:
        suppressed.note(tx, suppression.incident, suppression.reason, now)
    outbox.insert(tx, rows)
    return len(rows)


def _after(known: list[Incident], decision: Decision) -> list[Incident]:
    """The known incidents as a decision leaves them."""
    changed = {incident.id: incident for incident in decision.incidents}
    kept = [incident for incident in known if incident.id not in changed]
    return [*kept, *changed.values()]


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
