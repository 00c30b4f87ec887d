"""Whether the daemon has done what it should have done by now: a look at what is stored.

It believes nothing that the main loop says of itself. Each rule asks the rows: a feed that is due
and was not read, an incident that climbs and did not, a message without an outcome. What is late by
the MIS's or a channel's fault counts only where nobody was told of it: that is our fault.

``look`` reads, ``judge`` is pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.model import State
from mis_bridge.incidents.waiting import next_look
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service.judge import blind_since
from mis_bridge.store import dirty, meta, standing
from mis_bridge.store import self_check as kept
from mis_bridge.store.audit import INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from mis_bridge.service.schools import School
    from mis_bridge.store.feeds import Feed
    from mis_bridge.store.self_check import Broken
    from mis_bridge.store.standing import Late, Standing

__all__ = ["LASTING", "STUCK", "UNTOLD", "WORDS", "Fault", "Look", "Undone", "judge", "look"]

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

HISTORY_LATE: Final = timedelta(days=2)
"""The history is walked each night; one may fail."""

_DAY: Final = timedelta(days=1)
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


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
    NOBODY_REACHED = "nobody_reached"
    HISTORY_BROKEN = "history_broken"
    HISTORY_NOT_WALKED = "history_not_walked"


STUCK: Final = frozenset({Fault.TICK_LATE, Fault.STORE_UNREADABLE})
"""The daemon as a whole does no work: a restart may mend it, and an incident can not be stored."""

UNTOLD: Final = frozenset({Fault.DECISION_FAILING, Fault.NOTHING_WATCHED, Fault.NOBODY_REACHED})
"""Of these no incident tells: they have one (``not_watched``), or it would reach nobody either."""

LASTING: Final = frozenset({Fault.HISTORY_BROKEN})
"""What stays until a person has restored a backup, and keeps nobody from being told of a child: for
this alone the outside monitor, which says that nobody watches, is not left without a call."""

SAYS_SO: Final = frozenset(
    {"channel_failing", "undelivered", "self_check_failed", "not_watched", "feed_blind"}
)
"""Families of incidents by which people hear that they can not rely on being told."""

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
    Fault.NOBODY_REACHED: "{number} incidents of IT have reached nobody, the first since {since}",
    Fault.LEASE_PAST: "{number} messages for {what} have been under way since {since}",
    Fault.HISTORY_BROKEN: "{what}",
    Fault.HISTORY_NOT_WALKED: "nobody has looked since {since} whether the history holds",
}


@dataclass(frozen=True, slots=True)
class Undone:
    """One thing that should have been done by now.

    Args:
        fault: which.
        school: whose, or empty for the whole installation.
        what: which channel, which line of the history, or empty.
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
        blind: schools that can not be read, and since when people have to know.
        told_blind: schools of which it is told.
        unread, days, years, untold_incidents, stuck_messages, untold_messages, leases,
            unreached: as
            ``store.standing`` gives them.
        failing: schools with something that can not be judged, and since when.
        incidents: by school, when each should have gone on that did not.
        broken: where the history did not hold when it was walked last.
        not_walked: since when it should have been walked again, or None.
    """

    standing: Standing
    blind: Mapping[str, datetime]
    told_blind: frozenset[str]
    unread: Iterable[Late] = ()
    days: Iterable[Late] = ()
    years: Iterable[Late] = ()
    failing: Mapping[str, datetime] = field(default_factory=dict)
    incidents: Mapping[str, Sequence[datetime]] = field(default_factory=dict)
    untold_incidents: Iterable[Late] = ()
    stuck_messages: Iterable[Late] = ()
    untold_messages: Iterable[Late] = ()
    leases: Iterable[Late] = ()
    unreached: Iterable[Late] = ()
    broken: Iterable[Broken] = ()
    not_walked: datetime | None = None


def look(
    tx: Connection,
    schools: Mapping[str, School],
    now: datetime,
    *,
    since: datetime,
    speed: float = 1.0,
) -> Look:
    """Read what ``judge`` needs; writes nothing.

    Args:
        tx: a snapshot.
        schools: the configured ones.
        now: aware.
        since: when whoever should have done the work came to it, aware: what was late before that
            is being made up for.
        speed: of the clock, in a rehearsal.
    """
    whole = standing.read(tx, now)
    walk = kept.last_walk(tx)
    began = max(since, meta.watching_from(tx) or since)

    def late(limit: timedelta) -> datetime:
        """What was due before this is late; nothing is, while nobody has watched for so long."""
        return now - limit * speed if now - began >= limit * speed else _NEVER

    return Look(
        standing=whole,
        blind=_blind(tx, whole.feeds, schools, late(LATE)),
        told_blind=standing.told_of_blindness(tx, now.astimezone(LONDON).date()),
        unread=standing.feeds_unread(tx, late(FEED_LATE), late(FIRST_LOAD_LATE)),
        days=standing.keys_overdue(tx, dirty.Scope.DAY, late(LATE)),
        years=standing.keys_overdue(tx, dirty.Scope.YEAR, late(YEAR_LATE)),
        failing=dirty.failing_schools(tx),
        incidents=_without_step(tx, schools, late(LATE)),
        untold_incidents=standing.incidents_untold(tx, late(LATE), now - _DAY),
        stuck_messages=standing.messages_not_picked_up(tx, late(LATE), now),
        untold_messages=standing.messages_untold(tx, late(MESSAGE_LATE), late(LATE), now),
        leases=standing.leases_past(tx, late(LATE)),
        unreached=standing.nobody_reached(tx, SAYS_SO, late(MESSAGE_LATE)),
        broken=walk.broken if walk else (),
        not_walked=walked if (walked := walk.at if walk else began) < late(HISTORY_LATE) else None,
    )


def _without_step(
    tx: Connection, schools: Mapping[str, School], before: datetime
) -> dict[str, list[datetime]]:
    """By school: when each incident should have gone on that waits for a time that is past.

    Also where it waits for nothing: somebody sees to it, and nothing would ask if they still do.
    """
    late: dict[str, list[datetime]] = {}
    for incident in standing.incidents_without_step(tx, before):
        school = schools.get(incident.school)
        if school is None:
            continue
        due = next_look(incident, school.rules)
        if due is None and incident.state is State.ACKNOWLEDGED:
            due = incident.updated_at
        if due is not None and due < before:
            late.setdefault(incident.school, []).append(due)
    return late


def _blind(
    tx: Connection, feeds: Iterable[Feed], schools: Mapping[str, School], before: datetime
) -> dict[str, datetime]:
    """The schools of which people had to know before a moment that they can not be read."""
    found = {}
    for feed in feeds:
        if feed.state in {"good", "new"} or feed.school not in schools:
            continue
        since = blind_since(tx, schools[feed.school], feed, before)
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
        (Fault.NOBODY_REACHED, seen.unreached),
    ):
        found += [Undone(fault, *one) for one in late]
    found += [
        Undone(Fault.DECISION_FAILING, school, "", 1, since)
        for school, since in seen.failing.items()
    ]
    found += [
        Undone(Fault.INCIDENT_STUCK, school, "", len(dues), min(dues))
        for school, dues in seen.incidents.items()
    ]
    found += [
        Undone(Fault.HISTORY_BROKEN, school, f"{chain} line {number}: {what}", 1, since)
        for chain, number, what, _, since in seen.broken
        # What is wrong with the installation's own chain is told to everybody's IT.
        for school in (schools if chain == INSTALLATION else (chain,))
    ]
    if seen.not_walked is not None:
        found.append(Undone(Fault.HISTORY_NOT_WALKED, "", "", 1, seen.not_walked))
    return [one for one in found if not one.school or one.school in schools]


def _of_feeds(seen: Look, now: datetime) -> list[Undone]:
    found = [Undone(Fault.FEED_NOT_READ, *one) for one in seen.unread]
    found += [
        Undone(Fault.FEED_NOT_TOLD, school, "", 1, since)
        for school, since in seen.blind.items()
        if school not in seen.told_blind
    ]
    if not seen.standing.feeds:
        found.append(Undone(Fault.NOTHING_WATCHED, "", "", 1, now))
    return found
