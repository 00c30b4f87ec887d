"""Transaction 2 of 3: from what is stored to what is true, and from that to who has to be told.

One call decides one key, a (school, day) or a (school, academic year), in one transaction: load
it, run the triggers, step the incidents, insert what has to be sent, settle the key. Only the
stored state counts, never which event came: deciding twice stores nothing new, and a crash before
the commit is as if it had not begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import StoreError, StoreRefused
from mis_bridge.io import metrics
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.service import packages, routing, showing, turns
from mis_bridge.service.judge import Judged, judge_day, judge_feed, judge_year
from mis_bridge.service.lookups import Lookups
from mis_bridge.service.schedule import reading_hours
from mis_bridge.store import audit, dirty, feeds, incidents, outbox, suppressed
from mis_bridge.store.dirty import Scope
from mis_bridge.triggers import calendar_wrong, not_watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Decision
    from mis_bridge.io.clock import Clock
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.dirty import Dirty
    from mis_bridge.store.engine import Store
    from mis_bridge.store.feeds import Feed

__all__ = ["Decided", "Decider", "decide", "decide_feed", "store_decisions"]

AT_ONCE: Final = 50
"""Keys a tick; the rest wait for the next one, so that sending is never held up for long."""

PUT_OFF: Final = timedelta(minutes=1)
"""A key whose decision failed is tried again after this, and the others go on meanwhile."""

_BY_MARKS: Final = frozenset({not_watched.INFO.id, calendar_wrong.INFO.id})
"""Said of a session's marks where they have a slot; the rest of them is said of the school."""

LONGEST_WAIT_FOR_READING: Final = timedelta(seconds=60)

SOON: Final = timedelta(seconds=5)
"""A reading that a wait needs is asked for, and the key decided on when it is done."""


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
        self._openings: list[tuple[datetime, str]] = []
        self._openings_of: date | None = None
        self._log = get_logger(__name__)

    async def decide_due(self) -> int:
        """Decide what is due now; returns how many keys of it could be."""
        now = self._clock.now()
        await self._open_days(now)
        done = 0
        for item in await self._store.call(dirty.due, now, AT_ONCE):
            school = self._schools.get(item.school)
            if school is None:
                # Nobody watches it any more; whoever watches it again has all of it decided anew.
                await self._store.call(dirty.settle, item, None)
                continue
            began = self._clock.monotonic()
            try:
                decided = await self._store.call(decide, item, school, now, self._deadlines)
            except Exception as error:  # noqa: BLE001 - one school's fault silences no other
                _raise_if_nothing_can_be_stored(error)
                metrics.count("mis_bridge_decisions_total", scope=item.scope, result="failed")
                self._log.exception("decision_failed", school=item.school, scope=item.scope)
                await self._put_off(item, school, now)
                continue
            done += 1
            seconds = self._clock.monotonic() - began
            metrics.count("mis_bridge_decisions_total", scope=item.scope, result="done")
            metrics.observe("mis_bridge_decision_seconds", seconds, scope=item.scope)
            if decided.incidents or decided.messages:
                self._log.info(
                    "decided",
                    school=item.school,
                    scope=item.scope,
                    day=item.day.isoformat(),
                    incidents=decided.incidents,
                    messages=decided.messages,
                    seconds=round(seconds, 3),
                )
        return done

    async def expire_packages(self) -> None:
        """Let packages expire that nobody decided on in time; remind of those nobody uploaded."""
        now = self._clock.now()
        await self._store.call(packages.expire, now, self._schools, self._deadlines)
        await self._store.call(packages.remind, now, self._schools, self._deadlines)

    async def _put_off(self, item: Dirty, school: School, now: datetime) -> None:
        """Try a failed decision again later, and tell people once it has failed for too long."""
        await self._store.call(dirty.put_off, item, now + PUT_OFF, now)
        try:
            await self._store.call(decide_feed, school, now, self._deadlines)
        except Exception as error:  # noqa: BLE001 - as above; the heartbeat stays out: that is heard
            _raise_if_nothing_can_be_stored(error)
            self._log.exception("decision_failed", school=item.school, scope="feed")

    async def _open_days(self, now: datetime) -> None:
        """Have every school's day looked at although nothing was read: silence is input too."""
        today = now.astimezone(LONDON).date()
        if today != self._openings_of:
            self._openings = sorted(_openings(self._schools.values(), today), reverse=True)
            self._openings_of = today
        begun = 0
        while begun < len(self._openings) and self._openings[-1 - begun][0] <= now:
            begun += 1
        if begun:
            opened = [school for _, school in self._openings[-begun:]]
            await self._store.call(_mark_all, opened, today, now)
            del self._openings[-begun:]


def _openings(schools: Iterable[School], day: date) -> Iterator[tuple[datetime, str]]:
    """When each school's day begins that has one, or that has no calendar for it."""
    for school in schools:
        hours = reading_hours(school.calendar, school.polling, day)
        if hours or not_watched.calendar_over(school.calendar, day, school.years):
            yield local_datetime(day, school.polling.day_starts), school.id


def _mark_all(tx: Connection, schools: list[str], day: date, now: datetime) -> None:
    for school in schools:
        dirty.mark(tx, school, [day], now)


def _raise_if_nothing_can_be_stored(error: Exception) -> None:
    """A store that is busy, full or gone fails every school alike: the tick ends, to come again."""
    if isinstance(error, StoreError) and not isinstance(error, StoreRefused):
        raise error


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
    incidents.hold(tx, school.id)
    taken = dirty.take(tx, item)
    feed = feeds.get(tx, school.id)
    if taken is None or feed is None or _half_read(feed, now):
        return Decided()
    # Before the feed is looked at: what could be decided now does not count as failing any more.
    failed_before = dirty.failing_since(tx, school.id)
    dirty.settle(tx, taken, None)
    judge = judge_day if item.scope is Scope.DAY else judge_year
    judged = judge(tx, taken.day, school, feed, now)
    decided = store_decisions(tx, school, judged.decisions, now, deadlines)
    dirty.settle(tx, taken, _have_read(tx, school, judged, now))
    today = now.astimezone(LONDON).date()
    if failed_before and (item.scope, item.day) != (Scope.DAY, today):
        dirty.mark(tx, school.id, [today], now)
    return decided


def _have_read(tx: Connection, school: School, judged: Judged, now: datetime) -> datetime | None:
    """Have the MIS read where a wait ends with a reading; give when to ask again."""
    if judged.read_from is None:
        return judged.ask_again
    feeds.ask_reading(tx, school.id, judged.read_from)
    if judged.read_from > now:
        return judged.ask_again
    return min(judged.ask_again or now + SOON, now + SOON)


def decide_feed(tx: Connection, school: School, now: datetime, deadlines: Deadlines) -> Decided:
    """Decide about a school's feed, channels and watch alone, where its marks can not be judged.

    Args:
        tx: the transaction.
        school: what is configured.
        now: the present moment, aware.
        deadlines: how long one channel may take, by severity.
    """
    incidents.hold(tx, school.id)
    feed = feeds.get(tx, school.id)
    if feed is None:
        return Decided()
    today = now.astimezone(LONDON).date()
    known = incidents.known(tx, school.id, today, today)
    # What was said of the day's marks stands: perhaps they are what can not be judged.
    known = [one for one in known if not (one.trigger in _BY_MARKS and one.slot)]
    decision, _ = judge_feed(tx, school, feed, known, None, now)
    return store_decisions(tx, school, [decision], now, deadlines)


def _half_read(feed: Feed, now: datetime) -> bool:
    """Whether a reading is under way whose pages belong together: the key stays due meanwhile.

    Between two pages a child can look absent whose other mark comes with the next. A first load
    is waited for; any other reading only briefly, so that a slow MIS does not hold up an alarm.
    """
    if not feed.being_read(now):
        return False
    began = feed.last_attempt_at or now
    return feed.last_good_at is None or now - began < LONGEST_WAIT_FOR_READING


def store_decisions(
    tx: Connection, school: School, decisions: list[Decision], now: datetime, deadlines: Deadlines
) -> Decided:
    """Store what was decided about a school, and put what has to be said in the outbox.

    Args:
        tx: the transaction.
        school: what is configured.
        decisions: as ``reconcile`` gave them.
        now: the present moment, aware.
        deadlines: how long one channel may take, by severity.
    """
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
    showing.plan(tx, decision.incidents, decision.audit)
    lookups = Lookups(tx, school.id, now)
    rows = [
        row
        for plan in decision.messages
        for row in routing.expand(tx, plan, school, now, deadlines, lookups=lookups)
    ]
    rows += [
        row
        for plan in decision.packages
        for row in packages.prepare_planned(tx, plan, school, now, deadlines)
    ]
    for suppression in decision.suppressed:
        suppressed.note(tx, suppression.incident, suppression.reason, now)
    outbox.insert(tx, rows)
    incidents.postpone(tx, turns.postponed(decision.incidents, rows, now))
    return len(rows)
