"""What is stored as a moment ahead, put right after the clock was set back.

A schedule in rows knows only moments. After the clock was set back by an hour, what is due "in two
minutes" is due in an hour and two minutes, and until then nobody is read, decided on or told of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, select, update

from mis_bridge.incidents.model import ACTIVE
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import LONDON
from mis_bridge.store import meta
from mis_bridge.store.columns import is_set
from mis_bridge.store.schema import channel_state, dirty, feeds, incidents, outbox

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import Connection

__all__ = ["set_back"]

_FOR_ITS_TIME: Final = (
    Reason.DIGEST,
    Reason.QUIET_HOURS,
    Reason.SCHOOL_CLOSED,
    Reason.SILENCED,
)


def set_back(tx: Connection, now: datetime, lease: timedelta) -> None:
    """Make due what waits for a moment that was near by the old clock.

    What was wrong about the world while the clock was wrong is found by reading it again: every
    feed that was read ahead of now is read and swept at once, and every key is decided anew.

    Args:
        tx: the transaction.
        now: by the clock as it stands now.
        lease: how long anything is leased at most; a longer lease was given by the old clock.
    """
    _feeds(tx, now, lease)
    for column in (dirty.c.due_at, dirty.c.failing_since):
        tx.execute(update(dirty).where(column > now).values({column: now}))
    _outbox(tx, now, lease)
    _incidents(tx, now)
    tx.execute(
        update(channel_state).where(channel_state.c.paused_until > now).values(paused_until=None)
    )
    today = now.astimezone(LONDON).date()
    for name, day in meta.first_days(tx).items():
        if day > today:
            meta.put(tx, name, today.isoformat())


def _feeds(tx: Connection, now: datetime, lease: timedelta) -> None:
    read_ahead = update(feeds).where(feeds.c.last_attempt_at > now)
    tx.execute(read_ahead.values(due_at=now, sweep_at=now))
    for column in (feeds.c.last_attempt_at, feeds.c.last_good_at, feeds.c.state_since):
        tx.execute(update(feeds).where(column > now).values({column: now}))
    tx.execute(
        update(feeds).where(feeds.c.lease_until > now + lease).values(lease_until=now + lease)
    )


def _outbox(tx: Connection, now: datetime, lease: timedelta) -> None:
    decided_ahead = select(
        outbox.c.school, outbox.c.id, outbox.c.created_at, outbox.c.deadline_at, outbox.c.held_until
    ).where(outbox.c.created_at > now, outbox.c.due_at.is_not(None))
    for row in tx.execute(decided_ahead).all():
        # Each channel has the time that it was given, counted from now; what was held by the old
        # clock was held until a time of day that it had wrong.
        begun = row.held_until or row.created_at
        deadline = row.deadline_at and row.deadline_at - (begun - now)
        tx.execute(
            update(outbox)
            .where(outbox.c.school == row.school, outbox.c.id == row.id)
            .values(created_at=now, deadline_at=deadline, due_at=now, held_until=None)
        )
    # What waits for a time of day waits on; what waits for some minutes has waited long enough.
    for_its_time = and_(
        outbox.c.held.in_(_FOR_ITS_TIME), outbox.c.attempts == 0, is_set(outbox.c.held_until)
    )
    tx.execute(update(outbox).where(outbox.c.due_at > now, ~for_its_time).values(due_at=now))
    tx.execute(
        update(outbox)
        .where(outbox.c.state == "sending", outbox.c.lease_until > now + lease)
        .values(lease_until=now + lease)
    )


def _incidents(tx: Connection, now: datetime) -> None:
    """Let open incidents climb and lapse after the time that they were given, counted from now."""
    changed_ahead = select(
        incidents.c.school,
        incidents.c.id,
        incidents.c.updated_at,
        incidents.c.escalate_at,
        incidents.c.ack_expires_at,
    ).where(incidents.c.state.in_(sorted(ACTIVE)), incidents.c.updated_at > now)
    for row in tx.execute(changed_ahead).all():
        ahead = row.updated_at - now
        tx.execute(
            update(incidents)
            .where(incidents.c.school == row.school, incidents.c.id == row.id)
            .values(
                updated_at=now,
                escalate_at=row.escalate_at and row.escalate_at - ahead,
                ack_expires_at=row.ack_expires_at and row.ack_expires_at - ahead,
            )
        )
