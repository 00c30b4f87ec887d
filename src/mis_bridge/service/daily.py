"""The day's one message: to the DSL and to IT, each school day at a set time.

Level-triggered: its id follows from the day and the route, so that a restart sends none twice and
loses none. Schools whose people are reached by the same route share one message. Where no school of
a route had registers today nothing is sent. It is written when it is sent, from what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, select

from mis_bridge.incidents.families import MISSING, family_of_incident
from mis_bridge.incidents.ids import outbox_id
from mis_bridge.incidents.model import DAEMON, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.build import build_note
from mis_bridge.messages.daily import Gap, WatchedDay, compose_daily
from mis_bridge.registers.calendar import Session, local_datetime, local_minute
from mis_bridge.registers.codes import NOT_TAKEN
from mis_bridge.service.open_after_all import sessions_of
from mis_bridge.service.untaken import with_untaken_sessions
from mis_bridge.store import dead_letters, feeds, incidents, meta, outbox, quarantine, sheets
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.store.schema import silences
from mis_bridge.triggers.model import Kind, Severity
from mis_bridge.triggers.self_check_failed import HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import Message
    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.feeds import Feed
    from mis_bridge.triggers.model import PupilDay

__all__ = ["Daily", "plan", "write"]

_BLIND: Final = {
    "feed_blind": "the registers could not be read",
    "not_watched": "the school was not watched",
    "self_check_failed": "mis-bridge was behind with its own work",
}
"""Families whose incidents are times in which a school was not watched, in words."""


@dataclass(frozen=True, slots=True)
class Daily:
    """What is configured of it.

    Args:
        at: minutes after local midnight.
        to: duties that get it; none: it is switched off.
    """

    at: int
    to: tuple[str, ...]

    def due(self, day: date) -> datetime:
        """When it is sent on a day, aware."""
        return local_datetime(day, self.at)


def plan(
    tx: Connection,
    now: datetime,
    daily: Daily,
    schools: Mapping[str, School],
    deadlines: Deadlines,
) -> int:
    """Put today's message in the outbox for every route that has one to get; returns how many.

    Args:
        tx: the transaction.
        now: aware, after the time at which it is due.
        daily: what is configured.
        schools: by id.
        deadlines: how long one channel may take, by severity.
    """
    today, _ = local_minute(now)
    open_today = {name for name, school in schools.items() if _is_open(tx, school, today)}
    rows = []
    seen: set[tuple[str, ...]] = set()
    for duty in daily.to:
        for route, readers in _by_route(duty, schools, today).items():
            # One person is told once, whatever duties they have.
            if route in seen or not open_today & {school.id for school in readers}:
                continue
            seen.add(route)
            rows.append(
                OutboxRow(
                    # Rows are kept by school; one that several share is kept with the first.
                    school=readers[0].id,
                    id=outbox_id(f"daily/{today:%Y-%m-%d}", Reason.DAILY, duty, " ".join(route), 0),
                    incident="",
                    reason=Reason.DAILY,
                    channel=route[0],
                    route=route[1:],
                    audience=duty,
                    severity=Severity.LOW,
                    revision=0,
                    due_at=now,
                    created_at=now,
                    deadline_at=now + deadlines[Severity.LOW],
                )
            )
    outbox.insert(tx, rows)
    return len(rows)


def _is_open(tx: Connection, school: School, today: date) -> bool:
    planned = any(school.calendar.has_session(today, session) for session in Session)
    return planned or bool(sessions_of(school, today, _day(tx, school, today)))


def _by_route(
    duty: str, schools: Mapping[str, School], day: date
) -> dict[tuple[str, ...], list[School]]:
    found: dict[tuple[str, ...], list[School]] = {}
    for _, school in sorted(schools.items()):
        if route := school.route_to(duty, day):
            found.setdefault(route, []).append(school)
    return found


def write(
    tx: Connection,
    row: OutboxRow,
    now: datetime,
    schools: Mapping[str, School],
) -> Message | Reason:
    """Write the message of the day on which it was planned; or say why it is not sent any more.

    Args:
        tx: the transaction.
        row: as ``plan`` made it, or one that took over from it.
        now: aware.
        schools: by id.
    """
    today, _ = local_minute(now)
    if local_minute(row.created_at)[0] != today:
        return Reason.SUPERSEDED  # it waited for a day: the next one says more
    own = schools.get(row.school)
    if own is None:
        return Reason.NOT_CONFIGURED
    route = own.route_to(row.audience, today)
    readers = _by_route(row.audience, schools, today).get(route, [own])
    known = {feed.school: feed for feed in feeds.all_feeds(tx)}
    days = [
        day
        for school in readers
        if (day := _watched(tx, school, known.get(school.id), today, now)) is not None
    ]
    if not days:
        return Reason.SUPERSEDED
    return build_note(row.id, compose_daily(days, now))


def _day(tx: Connection, school: School, day: date) -> list[PupilDay]:
    return sheets.load_day(tx, school.id, day, school.calendar)


def _watched(
    tx: Connection, school: School, feed: Feed | None, today: date, now: datetime
) -> WatchedDay | None:
    """One school's day in numbers; None where it had no registers today."""
    stored = _day(tx, school, today)
    held = sessions_of(school, today, stored)
    if not held:
        return None
    read_at = feed.last_good_at if feed else None
    pupils: Sequence[PupilDay] = stored
    if school.presence:
        pupils, _ = with_untaken_sessions(stored, today, read_at, now)
    taken, due = _registers(pupils, local_minute(now)[1])
    known = incidents.known(tx, school.id, today, today)
    alerts = [one for one in known if one.pupil and one.day == today and one.told]
    return WatchedDay(
        name=school.name,
        roll=len(pupils),
        registers_due=len(due),
        registers_taken=len(taken),
        marks=sum(entry.code != NOT_TAKEN for one in pupils for _, entry in one.sheet.entries),
        read_at=read_at,
        raised=len(alerts),
        answered=sum(_is_answered(one) for one in alerts),
        ended=sum(not one.active for one in alerts),
        open_before=sum(
            one.active and one.day < today and family_of_incident(one).kind is Kind.DAY
            for one in known
            if one.pupil and one.told
        ),
        missing_before=sum(
            one.active and one.day < today and one.family == MISSING.id for one in known if one.told
        ),
        gaps=tuple(_gaps(tx, school, feed, known, held, taken, due, now)),
    )


Register = tuple[str, str]
"""A slot's name, and the register or form within it."""


def _registers(pupils: Iterable[PupilDay], minute: int) -> tuple[set[Register], set[Register]]:
    """The registers that were taken, and those that have been due by a minute of today.

    Where the MIS does not say which register a mark belongs to, a form is taken for one.
    """
    taken: set[Register] = set()
    due: set[Register] = set()
    for pupil in pupils:
        for slot, entry in pupil.sheet.entries:
            if _closes(slot) > minute:
                continue
            name = (slot.name, entry.register or pupil.form)
            due.add(name)
            if entry.code != NOT_TAKEN:
                taken.add(name)
    return taken, due


def _closes(slot: Slot) -> int:
    return slot.ends if slot.closes is None else slot.closes


def _is_answered(incident: Incident) -> bool:
    return incident.state is State.ACKNOWLEDGED or incident.closed_by not in {"", DAEMON}


def _gaps(
    tx: Connection,
    school: School,
    feed: Feed | None,
    known: Iterable[Incident],
    held: frozenset[Session],
    taken: set[Register],
    due: set[Register],
    now: datetime,
) -> Iterable[Gap]:
    today, minute = local_minute(now)
    begun = meta.watching_from(tx)
    first = school.calendar.am
    if begun is not None and begun > local_datetime(today, first.closes):
        yield Gap("mis-bridge did not run", local_datetime(today, first.opens), begun)
    if feed is None or feed.last_good_at is None:
        yield Gap("the registers were never read")
    for incident in sorted(known, key=lambda one: one.opened_at):
        if _was_not_watched(incident, today):
            yield Gap(_BLIND[incident.family], incident.opened_at, incident.closed_at)
    unmarked = [
        session
        for session in Session
        if session in held
        and school.calendar.times(session).closes <= minute
        and not any(slot == session for slot, _ in due)
    ]
    for session in unmarked:
        yield Gap(f"nobody has a mark of {session}")
    if untaken := len(due - taken):
        yield Gap(_count(untaken, "register was", "registers were") + " not taken")
    if letters := len(dead_letters.of_school(tx, school.id, now)):
        yield Gap(_count(letters, "message has", "messages have") + " reached nobody")
    if rows := quarantine.counts(tx).get(school.id, 0):
        yield Gap(_count(rows, "row", "rows") + " of the MIS could not be used")
    in_force = select(func.count()).where(
        silences.c.school == school.id,
        silences.c.begins_at <= now,
        silences.c.ends_at > now,
        silences.c.ended_by == "",
    )
    if silent := tx.execute(in_force).scalar_one():
        yield Gap(_count(silent, "silence is", "silences are") + " in force")


def _was_not_watched(incident: Incident, today: date) -> bool:
    """Whether an incident is a time of today in which the school's registers were not watched."""
    if incident.family not in _BLIND or incident.facts.get("about") == HISTORY:
        return False
    return incident.active or incident.day == today


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
