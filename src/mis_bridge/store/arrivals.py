"""What may have reached people, and by which channel.

An end goes to whoever may know the beginning. Nobody can say for certain that a message arrived;
what counts is whether it may have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select

from mis_bridge.channels.outcome import Result
from mis_bridge.store import outbox
from mis_bridge.store.schema import attempts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from mis_bridge.store.outbox import OutboxRow

__all__ = ["is_told", "may_have_arrived", "may_have_reached", "stands_in", "takes_over"]

_MAYBE: Final = (Result.SENT, Result.ACCEPTED, Result.UNKNOWN)


def may_have_arrived(tx: Connection, row: OutboxRow) -> bool:
    """Whether an attempt to send a message may have reached somebody, or one under way may yet.

    A later refusal does not take back what an earlier attempt may have delivered.
    """
    return bool(
        tx.execute(
            select(func.count()).where(
                attempts.c.school == row.school,
                attempts.c.outbox == row.id,
                or_(attempts.c.result.in_(_MAYBE), attempts.c.finished_at.is_(None)),
            )
        ).scalar()
    )


def may_have_reached(tx: Connection, row: OutboxRow) -> bool:
    """Whether the people behind a message's channel may have had an earlier one of the incident.

    Where the message took over from another channel, those behind that one are asked for.
    """
    others = [one for one in outbox.of_incident(tx, row.school, row.incident) if one.id != row.id]
    stands_in = {one.channel for one in others if takes_over(row, one)}
    return any(
        one.channel in {row.channel, *stands_in} and may_have_arrived(tx, one)
        for one in others
        if one.reason != row.reason or one.revision != row.revision
    )


def stands_in(tx: Connection, row: OutboxRow) -> bool:
    """Whether an ending has to go by a channel that brought no beginning, for one that did.

    The people of an audience heard of the incident by another channel, and that one does not take
    the end: it refuses it, or is too late. Once one channel has stood in, no other does.
    """
    siblings = [
        one
        for one in outbox.of_incident(tx, row.school, row.incident)
        if one.id != row.id
        and (one.reason, one.revision, one.audience) == (row.reason, row.revision, row.audience)
    ]
    over = [one for one in siblings if one.state in {"sent", "accepted"}]
    if any(not may_have_reached(tx, one) for one in over):
        return False
    stuck = (
        one
        for one in siblings
        if one.state in {"pending", "sending", "failed"}
        and (one.result == Result.PERMANENT or one.deadline_at is None)
    )
    return any(may_have_reached(tx, one) for one in stuck)


def is_told(row: OutboxRow, all_of_incident: Iterable[OutboxRow]) -> bool:
    """Whether this very message has gone out by the same channel, for another audience."""
    return any(
        one.channel == row.channel
        and one.audience != row.audience
        and (one.reason, one.revision, one.notification)
        == (row.reason, row.revision, row.notification)
        and one.state in {"sent", "accepted"}
        for one in all_of_incident
    )


def takes_over(row: OutboxRow, other: OutboxRow) -> bool:
    """Whether a row carries the message of another one by a channel that comes after that one's."""
    return row.channel in other.route and (row.reason, row.revision, row.audience) == (
        other.reason,
        other.revision,
        other.audience,
    )
