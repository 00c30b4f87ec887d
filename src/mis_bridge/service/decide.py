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

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.errors import StoreError
from mis_bridge.incidents.model import Scope as Looked
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import LONDON, AcademicYear, local_datetime
from mis_bridge.service import packages, routing
from mis_bridge.service.schedule import reading_hours
from mis_bridge.service.settling import settle
from mis_bridge.service.untaken import with_untaken_sessions
from mis_bridge.store import (
    audit,
    channels,
    dirty,
    feeds,
    incidents,
    meta,
    outbox,
    pupils,
    sheets,
    strips,
    suppressed,
)
from mis_bridge.store.dirty import Scope
from mis_bridge.triggers.catalogue import assess_day, assess_feed, assess_years
from mis_bridge.triggers.channel_failing import BrokenChannel, assess_channels
from mis_bridge.triggers.model import Kind, PupilYear, SchoolDay

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
    from mis_bridge.triggers.model import Assessment

__all__ = ["Decided", "Decider", "decide"]

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
                await self._store.call(dirty.settle, item, now + PUT_OFF)
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

    async def _open_days(self, now: datetime) -> None:
        """Have every school's day looked at although nothing was read: silence is input too."""
        today = now.astimezone(LONDON).date()
        for school in self._schools.values():
            if self._opened.get(school.id) == today:
                continue
            hours = reading_hours(school.calendar, school.polling, today)
            if hours and now >= hours[0]:
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
    look = _decide_day if item.scope is Scope.DAY else _decide_year
    decisions, ask_again = look(tx, taken, school, feed, now)
    decided = Decided(
        incidents=sum(len(decision.incidents) for decision in decisions),
        messages=sum(_store(tx, school, decision, now, deadlines) for decision in decisions),
    )
    dirty.settle(tx, taken, ask_again)
    return decided


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
    hours = reading_hours(school.calendar, school.polling, item.day)
    # What nobody was there to read is no failure of the MIS.
    watching = meta.watching_from(tx)
    stored = sheets.load_day(tx, school.id, item.day, school.calendar)
    pupil_days, settling = settle(with_untaken_sessions(stored), item.day, feed.last_good_at, now)
    school_day = SchoolDay(
        day=item.day,
        pupils=pupil_days,
        last_good_read=feed.last_good_at,
        expected_reading_from=max(hours[0], watching or hours[0]) if hours else None,
        expected_reading_until=hours[1] if hours else None,
        is_school_day=hours is not None,
    )
    by_day = assess_day(school_day, now, school.triggers)
    known = incidents.known(tx, school.id, item.day, item.day)
    decisions = [
        reconcile(
            school.id,
            known,
            by_day,
            now,
            rules=school.rules,
            data_as_of=feed.last_good_at,
            scope=Looked(Kind.DAY, item.day),
            pupils={pupil.pupil: pupil for pupil in school_day.pupils},
            quiet_before=meta.watched_since(tx, school.id),
        )
    ]
    looks = [by_day.look_again, settling]
    if item.day == today:
        by_feed = _with_channels(tx, school, assess_feed(school_day, now, school.triggers), today)
        looks.append(by_feed.look_again)
        decisions.append(
            reconcile(
                school.id,
                _after(known, decisions[0]),
                by_feed,
                now,
                rules=school.rules,
                data_as_of=feed.last_good_at,
                scope=Looked(Kind.FEED, item.day),
            )
        )
    return decisions, _earliest(*looks, *(decision.ask_again for decision in decisions))


def _with_channels(tx: Connection, school: School, by_feed: Assessment, today: date) -> Assessment:
    """Add the channels of this school's routes that do not deliver."""
    used = {name for route in school.routes.values() for name in route}
    owed = outbox.counts(tx)
    broken = [
        BrokenChannel(name, state.last_at, state.last_detail, owed.get((name, "pending"), 0))
        for name, state in channels.load(tx).items()
        if name in used
        and state.last_at
        and (state.config_alarm or state.failures >= FAILURES_IN_A_ROW)
    ]
    by_channel = assess_channels(broken, today)
    return replace(by_feed, findings=(*by_feed.findings, *by_channel.findings))


def _decide_year(
    tx: Connection, item: Dirty, school: School, feed: Feed, now: datetime
) -> tuple[list[Decision], datetime | None]:
    local = now.astimezone(LONDON)
    # A session counts once its register has closed: until then its N may become an L.
    closes = local_datetime(local.date(), school.calendar.pm.closes)
    as_of = local.date() if now >= closes else local.date() - timedelta(days=1)
    year = AcademicYear(item.day.year)
    assessment = assess_years(_pupil_years(tx, school, year), as_of=as_of, settings=school.triggers)
    decision = reconcile(
        school.id,
        incidents.known(tx, school.id, year.first, year.last),
        assessment,
        now,
        rules=school.rules,
        data_as_of=feed.last_good_at,
        scope=Looked(Kind.STRIP, local.date()),
        quiet_before=meta.watched_since(tx, school.id),
    )
    waits = now < closes and school.calendar.is_school_day(local.date())
    return [decision], _earliest(
        assessment.look_again, decision.ask_again, closes if waits else None
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


def _pupil_years(tx: Connection, school: School, year: AcademicYear) -> list[PupilYear]:
    """Every pupil's marks of a year, for the time on roll only (absence is per enrolment)."""
    roll = pupils.load(tx, school.id)
    years = []
    for pupil, strip in strips.load(tx, school.id, year).items():
        record = roll.get(pupil, PupilRecord(pupil))
        of_age = compulsory_school_age(record.dob) if record.dob else (None, None)
        years.append(
            PupilYear(
                pupil=pupil,
                strip=strip.between(record.admission, record.leaving),
                calendar=school.calendar,
                compulsory_age_from=of_age[0],
                compulsory_age_to=of_age[1],
                year_group=record.year_group,
                flags=record.flags,
            )
        )
    return years


def _after(known: list[Incident], decision: Decision) -> list[Incident]:
    """The known incidents as a decision leaves them."""
    changed = {incident.id: incident for incident in decision.incidents}
    kept = [incident for incident in known if incident.id not in changed]
    return [*kept, *changed.values()]


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
