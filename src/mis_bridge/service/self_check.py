"""Whether the daemon has done what it should have done by now: a look at what is stored.

It believes nothing that the main loop says of itself. Each rule asks the rows: a feed that is due
and was not read, an incident that climbs and did not, a message without an outcome. What is late by
the MIS's or a channel's fault counts only where nobody was told of it: that is our fault.

``look`` reads, ``judge`` is pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.model import State
from mis_bridge.incidents.waiting import next_look
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service.judge import blind_since
from mis_bridge.store import dirty, standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.service.schools import School
    from mis_bridge.store.feeds import Feed
    from mis_bridge.store.standing import Late, Standing

__all__ = ["STUCK", "Fault", "Look", "Undone", "judge", "look"]

LATE: Final = timedelta(minutes=5)
"""So long after its time a step that nobody has taken is a fault."""

FEED_LATE: Final = timedelta(minutes=15)
"""A reading may take this long, and the next one waits for it."""

FIRST_LOAD_LATE: Final = timedelta(hours=1)
"""Hundreds of schools that are read for the first time wait for each other."""

YEAR_LATE: Final = timedelta(minutes=30)
"""Years are decided after days: a start with many schools has them all to decide."""

MESSAGE_LATE: Final = timedelta(minutes=15)
"""A message that is not out by then, of whatever severity, is one of which somebody is told."""

_DAY: Final = timedelta(days=1)


class Fault(StrEnum):
    """The closed set of what the auditor can find."""

    TICK_LATE = "tick_late"
    STORE_UNREADABLE = "store_unreadable"
    NOTHING_WATCHED = "nothing_watched"
    FEED_NOT_READ = "feed_not_read"
    FEED_NOT_TOLD = "feed_not_told"
    DECISION_LATE = "decision_late"
    DECISION_FAILING = "decision_failing"
    INCIDENT_STUCK = "incident_stuck"
    INCIDENT_UNTOLD = "incident_untold"
    MESSAGE_STUCK = "message_stuck"
    MESSAGE_NOT_TOLD = "message_not_told"
    LEASE_PAST = "lease_past"


STUCK: Final = frozenset({Fault.TICK_LATE, Fault.STORE_UNREADABLE})
"""The daemon as a whole does no work: a restart may mend it, and an incident can not be stored."""

TOLD_ELSEWHERE: Final = frozenset({Fault.DECISION_FAILING, Fault.NOTHING_WATCHED})
"""Has an incident of its own (``not_watched``), or no school whose people could be told."""

WORDS: Final[Mapping[Fault, str]] = {
    Fault.TICK_LATE: "the main loop has not finished its work since {since}",
    Fault.STORE_UNREADABLE: "the database does not answer",
    Fault.NOTHING_WATCHED: "no school is watched",
    Fault.FEED_NOT_READ: "the registers were due to be read at {since} and nobody has read them",
    Fault.FEED_NOT_TOLD: "the registers can not be read since {since} and nobody was told",
    Fault.DECISION_LATE: "what was read has not been judged since {since}",
    Fault.DECISION_FAILING: "the registers can not be judged since {since}",
    Fault.INCIDENT_STUCK: "{number} open incidents should have gone on at {since} and did not",
    Fault.INCIDENT_UNTOLD: "{number} incidents have neither a message nor a reason for none, the "
    "first since {since}",
    Fault.MESSAGE_STUCK: "{number} messages for {what} were due at {since} and were not sent",
    Fault.MESSAGE_NOT_TOLD: "{number} messages for {what} are not out since {since}, and nobody "
    "was told",
    Fault.LEASE_PAST: "{number} messages for {what} have been under way since {since}",
}


@dataclass(frozen=True, slots=True)
class Undone:
    """One thing that should have been done by now.

    Args:
        fault: which.
        school: whose, or empty for the whole installation.
        what: which channel, or empty.
        number: how many.
        since: since when, aware.
    """

    fault: Fault
    school: str
    what: str
    number: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What is stored, as far as it may be late.

    Args:
        standing: the whole.
        blind: schools whose failing feed should have been told of, with since when it is.
        told_blind: schools of which it is told.
        unread, days, years, untold_incidents, stuck_messages, untold_messages, leases: as
            ``store.standing`` gives them.
        failing: schools with something that can not be judged, and since when.
        incidents: whose next step may be late.
    """

    standing: Standing
    blind: Mapping[str, datetime]
    told_blind: frozenset[str]
    unread: Iterable[Late] = ()
    days: Iterable[Late] = ()
    years: Iterable[Late] = ()
    failing: Mapping[str, datetime] | None = None
    incidents: Iterable[Incident] = ()
    untold_incidents: Iterable[Late] = ()
    stuck_messages: Iterable[Late] = ()
    untold_messages: Iterable[Late] = ()
    leases: Iterable[Late] = ()


def look(tx: Connection, schools: Mapping[str, School], now: datetime) -> Look:
    """Read what ``judge`` needs; writes nothing.

    Args:
        tx: a snapshot.
        schools: the configured ones.
        now: aware.
    """
    whole = standing.read(tx, now)
    return Look(
        standing=whole,
        blind=_blind(tx, whole.feeds, schools, now),
        told_blind=standing.told_of_blindness(tx, now.astimezone(LONDON).date()),
        unread=standing.feeds_unread(tx, now - FEED_LATE, now - FIRST_LOAD_LATE),
        days=standing.keys_overdue(tx, dirty.Scope.DAY, now - LATE),
        years=standing.keys_overdue(tx, dirty.Scope.YEAR, now - YEAR_LATE),
        failing=dirty.failing_schools(tx),
        incidents=standing.incidents_without_step(tx, now - LATE),
        untold_incidents=standing.incidents_untold(tx, now - LATE, now - _DAY),
        stuck_messages=standing.messages_not_picked_up(tx, now - LATE, now),
        untold_messages=standing.messages_untold(tx, now - MESSAGE_LATE, now - LATE, now),
        leases=standing.leases_past(tx, now - LATE),
    )


def _blind(
    tx: Connection, feeds: Iterable[Feed], schools: Mapping[str, School], now: datetime
) -> dict[str, datetime]:
    """The schools that can not be read, each with the moment from which people have to know."""
    found = {}
    for feed in feeds:
        if feed.state in {"good", "new"} or feed.school not in schools:
            continue
        since = blind_since(tx, schools[feed.school], feed, now)
        if since is not None:
            found[feed.school] = since
    return found


def judge(seen: Look, schools: Mapping[str, School], now: datetime) -> list[Undone]:
    """Say what should have been done by now and was not.

    Args:
        seen: what is stored.
        schools: the configured ones; what belongs to others is nobody's work any more.
        now: aware.
    """
    found = _of_feeds(seen, now)
    for fault, late in (
        (Fault.DECISION_LATE, (*seen.days, *seen.years)),
        (Fault.INCIDENT_UNTOLD, seen.untold_incidents),
        (Fault.MESSAGE_STUCK, seen.stuck_messages),
        (Fault.MESSAGE_NOT_TOLD, seen.untold_messages),
        (Fault.LEASE_PAST, seen.leases),
    ):
        found += [Undone(fault, *one) for one in late]
    found += [
        Undone(Fault.DECISION_FAILING, school, "", 1, since)
        for school, since in (seen.failing or {}).items()
    ]
    found += _of_incidents(seen.incidents, schools, now)
    return [one for one in found if not one.school or one.school in schools]


def _of_feeds(seen: Look, now: datetime) -> list[Undone]:
    found = [Undone(Fault.FEED_NOT_READ, *one) for one in seen.unread]
    found += [
        Undone(Fault.FEED_NOT_TOLD, school, "", 1, since)
        for school, since in seen.blind.items()
        if now - since > LATE and school not in seen.told_blind
    ]
    if not seen.standing.feeds:
        found.append(Undone(Fault.NOTHING_WATCHED, "", "", 1, now))
    return found


def _of_incidents(
    incidents: Iterable[Incident], schools: Mapping[str, School], now: datetime
) -> list[Undone]:
    """The incidents that wait for a step whose time is past, or that wait for nothing at all."""
    late: dict[str, list[datetime]] = {}
    for incident in incidents:
        school = schools.get(incident.school)
        if school is None:
            continue
        due = next_look(incident, school.rules)
        if due is None and incident.state is State.ACKNOWLEDGED:
            # Somebody sees to it, and nothing would ever ask whether they still do.
            due = incident.updated_at
        if due is not None and now - due > LATE:
            late.setdefault(incident.school, []).append(due)
    return [
        Undone(Fault.INCIDENT_STUCK, school, "", len(dues), min(dues))
        for school, dues in late.items()
    ]
