"""What the outbox still owes: messages that wait or are late, and what is done about them.

It is asked by whoever gives a message another time, another channel or another try.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, or_, select, update

from mis_bridge.store.columns import is_set
from mis_bridge.store.outbox import FIELDS, key_of, row_of
from mis_bridge.store.schema import outbox

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from mis_bridge.store.outbox import OutboxRow

__all__ = [
    "counts",
    "deadline_noted",
    "due_deadlines",
    "is_waiting",
    "overdue",
    "reroute",
    "retime",
    "revive",
    "try_again",
    "untried",
    "waiting",
    "waiting_for",
]


def due_deadlines(tx: Connection, now: datetime, limit: int = 100) -> list[OutboxRow]:
    """Messages that are still not out although their deadline has passed, the oldest first."""
    wanted = (
        select(*FIELDS)
        .where(outbox.c.deadline_at <= now, outbox.c.state.in_(["pending", "sending"]))
        .order_by(outbox.c.deadline_at, outbox.c.id)
        .limit(limit)
    )
    return [row_of(row) for row in tx.execute(wanted)]


def deadline_noted(tx: Connection, row: OutboxRow) -> None:
    """The next channel was told; this one goes on trying without a deadline."""
    tx.execute(update(outbox).where(key_of(row)).values(deadline_at=None))


def reroute(tx: Connection, row: OutboxRow, route: tuple[str, ...]) -> OutboxRow:
    """Give a message another route to turn to; returns the row as it is then."""
    tx.execute(update(outbox).where(key_of(row)).values(route=json.dumps(route)))
    return replace(row, route=route)


def untried(tx: Connection, school: str) -> list[OutboxRow]:
    """The messages of a school that wait and were never tried, the oldest first."""
    wanted = (
        select(*FIELDS)
        .where(
            outbox.c.school == school,
            is_set(outbox.c.due_at),
            outbox.c.state == "pending",
            outbox.c.attempts == 0,
        )
        .order_by(outbox.c.created_at, outbox.c.id)
    )
    return [row_of(row) for row in tx.execute(wanted)]


def retime(tx: Connection, row: OutboxRow) -> None:
    """Give a message that was never tried the times, bundle and reason that it is passed with."""
    tx.execute(
        update(outbox)
        .where(key_of(row), outbox.c.state == "pending", outbox.c.attempts == 0)
        .values(
            due_at=row.due_at,
            deadline_at=row.deadline_at,
            bundle=row.bundle,
            held=row.held,
            held_until=row.held_until,
        )
    )


def revive(tx: Connection, row: OutboxRow, why: str, now: datetime) -> None:
    """What other channels were not to say to an audience is to be said by them after all.

    Args:
        tx: the transaction.
        row: the message that does not arrive; those like it (reason, revision, audience) count.
        why: with which reason they were withdrawn.
        now: aware.
    """
    tx.execute(
        update(outbox)
        .where(_says_the_same(row), outbox.c.state == "cancelled", outbox.c.detail == why)
        .values(state="pending", detail="", due_at=now, finished_at=None)
    )


def try_again(tx: Connection, row: OutboxRow, at: datetime) -> None:
    """What other channels were too broken to say to an audience is tried by them once more.

    Args:
        tx: the transaction.
        row: the message that no channel is left for; those like it (reason, revision, audience,
            package) count, but not one that a working channel refused for itself.
        at: when, aware.
    """
    tx.execute(
        update(outbox)
        .where(
            _says_the_same(row),
            outbox.c.notification == row.notification,
            outbox.c.state == "failed",
            outbox.c.broken,
        )
        .values(state="pending", due_at=at, finished_at=None)
    )


def overdue(tx: Connection) -> frozenset[str]:
    """The channels that owe a message whose deadline has passed."""
    rows = tx.execute(
        select(outbox.c.channel)
        .where(is_set(outbox.c.due_at), outbox.c.state == "pending", outbox.c.deadline_at.is_(None))
        .distinct()
    )
    return frozenset(rows.scalars())


def waiting(tx: Connection, now: datetime) -> tuple[int, float]:
    """How many messages are not out yet, and since how many seconds the oldest one waits.

    One that is only due later, or held on purpose, does not wait yet.
    """
    begun = func.coalesce(outbox.c.held_until, outbox.c.created_at)
    since = case((outbox.c.attempts == 0, outbox.c.due_at), else_=begun)
    count, oldest = tx.execute(
        select(func.count(), func.min(since)).where(
            # What has reached its last state is not due any more, and is the most of the table.
            is_set(outbox.c.due_at),
            outbox.c.state.in_(["pending", "sending"]),
            or_(outbox.c.attempts > 0, outbox.c.due_at <= now),
        )
    ).one()
    return count, max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def waiting_for(tx: Connection, channel: str) -> int:
    """How many messages wait for a channel; what is held on purpose waits for its time."""
    tried = or_(outbox.c.held == "", outbox.c.attempts > 0)
    waits = and_(is_set(outbox.c.due_at), outbox.c.state == "pending", tried)
    wanted = select(func.count()).where(waits, outbox.c.channel == channel)
    return tx.execute(wanted).scalar_one()


def is_waiting(tx: Connection, school: str, channel: str, reason: str, proof: str) -> bool:
    """Whether a message of that reason and proof waits for a channel, and nobody sends it yet."""
    wanted = select(func.count()).where(
        is_set(outbox.c.due_at),
        outbox.c.state == "pending",
        outbox.c.school == school,
        outbox.c.channel == channel,
        outbox.c.reason == reason,
        outbox.c.proof == proof,
    )
    return bool(tx.execute(wanted).scalar())


def counts(tx: Connection) -> dict[tuple[str, str], int]:
    """(channel, state) -> number of messages."""
    rows = tx.execute(
        select(outbox.c.channel, outbox.c.state, func.count()).group_by(
            outbox.c.channel, outbox.c.state
        )
    )
    return {(channel, state): number for channel, state, number in rows}


def _says_the_same(row: OutboxRow) -> ColumnElement[bool]:
    return and_(
        outbox.c.school == row.school,
        outbox.c.incident == row.incident,
        outbox.c.reason == row.reason,
        outbox.c.revision == row.revision,
        outbox.c.audience == row.audience,
    )
