"""From "this audience has to be told" to rows in the outbox: which channel, by when, then which.

A route is copied into the row when it is made: an edit of the configuration does not touch what is
already under way. A channel that is known to be broken is passed over, and so is a person who has
left. Accepted is not seen: a person's further channels have rows of their own from the start, which
are due later, and are dropped with a reason where somebody has acknowledged meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.climbing import has_to_be_answered
from mis_bridge.incidents.ids import outbox_id
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import ASKS, CLIMBS, ENDINGS, Reason
from mis_bridge.service.lookups import Lookups
from mis_bridge.service.turns import day_of, in_turn
from mis_bridge.service.ways import later
from mis_bridge.store import arrivals, channels, outbox, suppressed
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident, MessagePlan
    from mis_bridge.service.schools import School
    from mis_bridge.settings import Settings

__all__ = ["Deadlines", "deadlines_of", "expand", "following", "following_note", "row_for"]

_MAY_YET: Final = frozenset({"pending", "sending", "sent", "accepted"})
"""States of messages that have arrived, or may do so yet."""

Deadlines = Mapping[Severity, timedelta]
"""How long one channel may take before the next is used, by severity."""


def deadlines_of(settings: Settings) -> Deadlines:
    """The configured deadlines."""
    return {
        Severity(severity): timedelta(minutes=minutes)
        for severity, minutes in settings.incidents.deadline_minutes.items()
    }


def expand(
    tx: Connection,
    plan: MessagePlan,
    school: School,
    now: datetime,
    deadlines: Deadlines,
    *,
    notification: str = "",
    avoid: frozenset[str] = frozenset(),
    lookups: Lookups | None = None,
) -> list[OutboxRow]:
    """Rows for one planned message; none where nobody can be reached, which is noted.

    An ending goes to every channel that carries a message about this incident to that audience;
    one that climbs to the next channel of the route, and round again from its start; all others to
    the first that works. Where that is a person's, who has to answer, their further channels follow
    after the minutes that they have set. What is held over somebody's last day goes to whoever is
    there when it goes out. Where everybody who has a duty has left, IT is told.

    Args:
        tx: the transaction.
        plan: who is told of what.
        school: whose routes are used.
        now: aware.
        deadlines: how long one channel may take, by severity.
        notification: id of the package that the message is about, or empty.
        avoid: channels that are used only where there is no other.
        lookups: shared by all that this transaction plans for the school.
    """
    lookups = lookups or Lookups(tx, school.id, now)
    day = day_of(plan, school, now, lookups)
    ways = school.ways_to(plan.audience, day)
    if plan.reason not in ENDINGS and len(ways) < len(school.ways.get(plan.audience, ())):
        suppressed.note(tx, plan.incident, Reason.HAS_LEFT, now)
        # Who is told of an alert is chosen among those who are there; a package names its duty.
        ways = ways or school.ways_to(Audience.IT, day)
    route = tuple(dict.fromkeys(way.channel for way in ways))
    # Of what has just been opened nothing was said yet.
    is_new = plan.reason is Reason.OPENED and plan.revision == 1
    used = [
        row
        for row in ([] if is_new else outbox.of_incident(tx, school.id, plan.incident.id))
        if row.audience == plan.audience and row.reason != Reason.SHOWN_ANEW
    ]
    if plan.reason in ENDINGS:
        chosen = _who_heard(tx, used, route)
        unheard = Reason.CLEARED_BEFORE_SENDING if used else Reason.NO_ROUTE
    else:
        by = now + deadlines[plan.incident.severity]
        working = _working(route, lookups.broken(by), avoid)
        if plan.reason in CLIMBS and used and working:
            place = _place_after(used, working, now)
            working = working[place:] + working[:place]
        chosen = [(working[0], tuple(working[1:]))] if working else []
        unheard = Reason.NO_ROUTE
    if not chosen:
        suppressed.note(tx, plan.incident, unheard, now)
    rows = [
        row_for(
            plan.incident,
            plan.reason,
            plan.audience,
            channel,
            rest,
            now,
            deadlines,
            revision=plan.revision,
            notification=notification,
        )
        for channel, rest in chosen
    ]
    asks = plan.reason in ASKS and plan.incident.state is State.OPEN
    if asks and chosen and has_to_be_answered(plan.incident, school.rules):
        channel, rest = chosen[0]
        rows += [
            row_for(
                plan.incident,
                Reason.UNSEEN,
                plan.audience,
                way.channel,
                rest[rest.index(way.channel) + 1 :],
                now,
                deadlines,
                revision=plan.revision,
                after=timedelta(minutes=minutes),
            )
            for way, minutes in later(ways, channel)
            if way.channel in rest
        ]
    return in_turn(tx, rows, plan, school, now, lookups)


def _place_after(used: list[OutboxRow], working: list[str], now: datetime) -> int:
    """The place in a route after the channels that were used last; 0 where none of them is in it.

    What was put in the outbox at one moment is one message, by one channel and those that follow.
    A reminder goes by the first channel whatever was used, and moves nothing.
    """
    told = [
        row
        for row in used
        if row.reason in ASKS and (row.due_at is None or row.due_at <= now or row.attempts)
    ]
    if not told:
        return 0
    last = {row.channel for row in told if row.created_at == told[-1].created_at}
    return max((working.index(channel) + 1 for channel in last if channel in working), default=0)


def _who_heard(
    tx: Connection, used: list[OutboxRow], route: tuple[str, ...]
) -> list[tuple[str, tuple[str, ...]]]:
    """The channels by which an audience may have heard of an incident, each with what follows it.

    Those who are waiting for the end must not depend on the one channel that brought the beginning.
    One that failed, or was only to follow, has told nobody: it stands in where another one fails.
    """
    arrived = dict.fromkeys(
        row.channel
        for row in used
        if row.detail == Reason.SAME_CHANNEL or arrivals.may_have_arrived(tx, row)
    )
    # A channel that only has it waiting brought it to nobody. It may bring the end to those who
    # heard by another one; where nobody heard, what becomes of its row says so.
    heard = arrived or dict.fromkeys(
        row.channel
        for row in used
        if row.state in _MAY_YET and (row.attempts or row.reason != Reason.UNSEEN)
    )
    rest = tuple(channel for channel in route if channel not in heard)
    return [(channel, rest) for channel in heard]


def row_for(
    incident: Incident,
    reason: Reason,
    audience: str,
    channel: str,
    rest: tuple[str, ...],
    now: datetime,
    deadlines: Deadlines,
    *,
    revision: int,
    notification: str = "",
    after: timedelta = timedelta(),
) -> OutboxRow:
    """One row of the outbox; its id follows from what it says, to whom, and where it goes.

    It is due at once, or ``after`` a while; its deadline counts from then.
    """
    return OutboxRow(
        school=incident.school,
        id=outbox_id(notification or incident.id, reason, audience, channel, revision),
        incident=incident.id,
        notification=notification,
        reason=reason,
        channel=channel,
        route=rest,
        audience=audience,
        severity=incident.severity,
        revision=revision,
        created_at=now,
        due_at=now + after,
        deadline_at=now + after + deadlines[incident.severity],
    )


def following(
    tx: Connection, row: OutboxRow, incident: Incident, now: datetime, deadlines: Deadlines
) -> OutboxRow | None:
    """The row that takes over where a channel failed or was too slow; None at the route's end."""
    by = now + deadlines[incident.severity]
    working = _working(row.route, channels.broken(tx, now, by))
    if not working:
        return None
    heir = row_for(
        incident,
        Reason(row.reason),
        row.audience,
        working[0],
        tuple(working[1:]),
        now,
        deadlines,
        revision=row.revision,
        notification=row.notification,
    )
    # It is late already and waits for nothing, but what came together goes on together.
    return replace(heir, bundle=row.bundle)


def following_note(
    tx: Connection, row: OutboxRow, now: datetime, deadlines: Deadlines
) -> OutboxRow | None:
    """As ``following``, for a message that is about the installation and no incident."""
    by = now + deadlines[Severity(row.severity)]
    working = _working(row.route, channels.broken(tx, now, by))
    if not working:
        return None
    return OutboxRow(
        school=row.school,
        id=outbox_id(row.id, row.reason, row.audience, working[0], row.revision),
        incident="",
        reason=row.reason,
        channel=working[0],
        route=tuple(working[1:]),
        audience=row.audience,
        severity=row.severity,
        revision=row.revision,
        due_at=now,
        created_at=now,
        deadline_at=by,
    )


def _working(
    route: tuple[str, ...], broken: frozenset[str], avoid: frozenset[str] = frozenset()
) -> list[str]:
    """The channels of a route that are not known to be broken; all of them if every one is."""
    good = [channel for channel in route if channel not in broken | avoid]
    return good or [channel for channel in route if channel not in avoid] or list(route)
