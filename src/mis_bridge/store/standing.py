"""How things stand in the whole installation: read by the auditor, the metrics and the doctor.

Nothing is written here, and nothing but counts, moments and names of schools, channels and
triggers comes out of it: what is told of an installation names no pupil.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, case, exists, func, or_, select

from mis_bridge.incidents.families import ASKED_FOR
from mis_bridge.incidents.model import ACTIVE, State
from mis_bridge.store import channels, dirty, feeds, owed
from mis_bridge.store import incidents as incident_rows
from mis_bridge.store.columns import is_set
from mis_bridge.store.schema import channel_state
from mis_bridge.store.schema import dirty as dirty_table
from mis_bridge.store.schema import feeds as feed_table
from mis_bridge.store.schema import incidents as incident_table
from mis_bridge.store.schema import outbox as outbox_table
from mis_bridge.store.schema import schools as school_table
from mis_bridge.store.schema import suppressed as suppressed_table

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.store.channels import ChannelState
    from mis_bridge.store.feeds import Feed

__all__ = [
    "Late",
    "Standing",
    "feeds_unread",
    "incidents_untold",
    "incidents_without_step",
    "keys_overdue",
    "leases_past",
    "messages_not_picked_up",
    "messages_untold",
    "nobody_reached",
    "open_incidents",
    "read",
    "told_of_blindness",
]

_ACTIVE = sorted(ACTIVE)
_WAITING = ("pending", "sending")


class Late(NamedTuple):
    """Something of one school that is late, and since when; ``what``: a channel, or empty."""

    school: str
    what: str
    number: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How the installation stands at one moment.

    Args:
        feeds: of all watched schools.
        channels: by name, every one that was ever used.
        messages: (channel, state) -> how many are not out yet.
        failing_keys: days and years that could not be decided.
        waiting, oldest_wait: messages that are not out yet; seconds that the oldest has waited.
    """

    feeds: tuple[Feed, ...]
    channels: dict[str, ChannelState]
    messages: dict[tuple[str, str], int]
    failing_keys: int
    waiting: int
    oldest_wait: float


def read(tx: Connection, now: datetime) -> Standing:
    """Look at the whole."""
    waiting, oldest = owed.waiting(tx, now)
    return Standing(
        feeds=tuple(feeds.all_feeds(tx)),
        channels=channels.load(tx),
        messages=_waiting(tx),
        failing_keys=dirty.failing(tx),
        waiting=waiting,
        oldest_wait=oldest,
    )


def _waiting(tx: Connection) -> dict[tuple[str, str], int]:
    rows = tx.execute(
        select(outbox_table.c.channel, outbox_table.c.state, func.count())
        # What has reached its last state is not due any more, and is the most of the table.
        .where(is_set(outbox_table.c.due_at), outbox_table.c.state.in_(_WAITING))
        .group_by(outbox_table.c.channel, outbox_table.c.state)
    )
    return {(channel, state): number for channel, state, number in rows}


def open_incidents(tx: Connection) -> dict[tuple[str, str], int]:
    """(Trigger, state) -> number of active incidents."""
    rows = tx.execute(
        select(incident_table.c.trigger, incident_table.c.state, func.count())
        .where(incident_table.c.state.in_(_ACTIVE))
        .group_by(incident_table.c.trigger, incident_table.c.state)
    )
    return {(trigger, state): number for trigger, state, number in rows}


def feeds_unread(tx: Connection, due_before: datetime, new_before: datetime) -> list[Late]:
    """Give the watched feeds that nobody has finished reading long after their time.

    Args:
        tx: the transaction.
        due_before: what was due before this is late.
        new_before: a school that was never read is late where it is known since before this.
    """
    old = or_(feed_table.c.state != "new", feed_table.c.state_since < new_before)
    rows = tx.execute(
        select(feed_table.c.school, feed_table.c.due_at)
        .join(school_table)
        .where(school_table.c.watched, feed_table.c.due_at < due_before, old)
        .order_by(feed_table.c.school)
    )
    return [Late(school, "", 1, due_at) for school, due_at in rows]


def keys_overdue(tx: Connection, scope: str, before: datetime) -> list[Late]:
    """Give the days (or years) that should have been decided before a moment, by school.

    What a first load is still being read for waits on purpose, and is left out.
    """
    rows = tx.execute(
        select(dirty_table.c.school, func.count(), func.min(dirty_table.c.due_at))
        .join(feed_table, feed_table.c.school == dirty_table.c.school)
        .join(school_table, school_table.c.school == dirty_table.c.school)
        .where(
            school_table.c.watched,
            feed_table.c.last_good_at.is_not(None),
            dirty_table.c.scope == scope,
            dirty_table.c.due_at < before,
        )
        .group_by(dirty_table.c.school)
        .order_by(dirty_table.c.school)
    )
    return [Late(school, "", number, since) for school, number, since in rows]


def leases_past(tx: Connection, before: datetime) -> list[Late]:
    """Give the messages whose sender has had its time long ago, by school and channel."""
    rows = tx.execute(
        select(
            outbox_table.c.school,
            outbox_table.c.channel,
            func.count(),
            func.min(outbox_table.c.lease_until),
        )
        .where(
            is_set(outbox_table.c.due_at),
            outbox_table.c.state == "sending",
            outbox_table.c.lease_until < before,
        )
        .group_by(outbox_table.c.school, outbox_table.c.channel)
    )
    return [Late(*row) for row in rows]


def messages_not_picked_up(tx: Connection, before: datetime, now: datetime) -> list[Late]:
    """Give the messages that were due before a moment and that no sender has taken.

    A channel that has asked for patience, or that rests after failures, is left alone until then.
    """
    resting = select(channel_state.c.channel).where(channel_state.c.paused_until > now)
    rows = tx.execute(
        select(
            outbox_table.c.school,
            outbox_table.c.channel,
            func.count(),
            func.min(outbox_table.c.due_at),
        )
        .where(
            outbox_table.c.due_at < before,
            outbox_table.c.state == "pending",
            outbox_table.c.channel.not_in(resting),
        )
        .group_by(outbox_table.c.school, outbox_table.c.channel)
        .order_by(outbox_table.c.school, outbox_table.c.channel)
    )
    return [Late(*row) for row in rows]


def messages_untold(
    tx: Connection, decided_before: datetime, due_before: datetime, now: datetime
) -> list[Late]:
    """Give the messages that are not out, by their deadline or at all, and of which nobody knows.

    Of a channel with an open incident of its own (``channel_failing``) somebody knows.

    Args:
        tx: the transaction.
        decided_before: younger messages have time.
        due_before: what was never tried counts where it was due before this.
        now: aware.
    """
    known = exists().where(
        incident_table.c.school == outbox_table.c.school,
        incident_table.c.state.in_(_ACTIVE),
        incident_table.c.family == "channel_failing",
        incident_table.c.key.startswith(outbox_table.c.channel.concat("@")),
    )
    late = or_(outbox_table.c.deadline_at.is_(None), outbox_table.c.deadline_at < now)
    tried = or_(outbox_table.c.attempts > 0, outbox_table.c.due_at < due_before)
    rows = tx.execute(
        select(
            outbox_table.c.school,
            outbox_table.c.channel,
            func.count(),
            func.min(outbox_table.c.created_at),
        )
        .where(
            is_set(outbox_table.c.due_at),
            outbox_table.c.state.in_(_WAITING),
            outbox_table.c.created_at < decided_before,
            late,
            tried,
            ~known,
        )
        .group_by(outbox_table.c.school, outbox_table.c.channel)
        .order_by(outbox_table.c.school, outbox_table.c.channel)
    )
    return [Late(*row) for row in rows]


def incidents_without_step(tx: Connection, before: datetime) -> list[Incident]:
    """Give the open incidents whose next step should have been taken before a moment.

    Whether one is due at all is for the incident's own rules to say.
    """
    table = incident_table.c
    wanted = and_(
        table.state.in_(_ACTIVE),
        or_(
            table.escalate_at < before,
            table.ack_expires_at < before,
            and_(table.state == State.ACKNOWLEDGED, table.ack_expires_at.is_(None)),
        ),
    )
    return incident_rows.where(tx, wanted)


def incidents_untold(tx: Connection, before: datetime, since: datetime) -> list[Late]:
    """Give the open incidents of which there is neither a message nor a reason for none.

    What a person opened to ask for a package needs neither.

    Args:
        tx: the transaction.
        before: only what was last changed before this.
        since: only what began after this.
    """
    told = exists().where(
        outbox_table.c.school == incident_table.c.school,
        outbox_table.c.incident == incident_table.c.id,
    )
    unsaid = exists().where(
        suppressed_table.c.school == incident_table.c.school,
        suppressed_table.c.incident == incident_table.c.id,
    )
    rows = tx.execute(
        select(incident_table.c.school, func.count(), func.min(incident_table.c.updated_at))
        .where(
            incident_table.c.state.in_(_ACTIVE),
            incident_table.c.updated_at < before,
            incident_table.c.opened_at >= since,
            incident_table.c.family != ASKED_FOR.id,
            ~told,
            ~unsaid,
        )
        .group_by(incident_table.c.school)
        .order_by(incident_table.c.school)
    )
    return [Late(school, "", number, oldest) for school, number, oldest in rows]


def nobody_reached(tx: Connection, families: Collection[str], before: datetime) -> list[Late]:
    """Give the open incidents of some families of which no message has been taken by any channel.

    Args:
        tx: the transaction.
        families: which incidents.
        before: whose first message was decided before this.
    """
    taken = func.sum(case((outbox_table.c.state.in_(("sent", "accepted")), 1), else_=0))
    first = func.min(outbox_table.c.created_at)
    rows = tx.execute(
        select(incident_table.c.school, first)
        .join(
            outbox_table,
            and_(
                outbox_table.c.school == incident_table.c.school,
                outbox_table.c.incident == incident_table.c.id,
            ),
        )
        .where(incident_table.c.state.in_(_ACTIVE), incident_table.c.family.in_(sorted(families)))
        .group_by(incident_table.c.school, incident_table.c.id)
        .having(taken == 0)
        .having(first < before)
    )
    late: dict[str, list[datetime]] = {}
    for school, since in rows:
        late.setdefault(school, []).append(since)
    return [Late(school, "", len(all_of_it), min(all_of_it)) for school, all_of_it in late.items()]


def told_of_blindness(tx: Connection, today: date) -> frozenset[str]:
    """Give the schools for which it is told, or was today, that they can not be read."""
    table = incident_table.c
    now_or_today = or_(table.state.in_(_ACTIVE), table.day == today)
    rows = tx.execute(select(table.school).where(now_or_today, table.family == "feed_blind"))
    return frozenset(rows.scalars())
