"""How a channel has been used: when it last took something, and what its readers were told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from mis_bridge.channels.outcome import Result
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.store.schema import attempts, incidents, outbox

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

__all__ = ["alerts_since", "last_taken", "last_weekly", "unanswered"]

_TAKEN = (Result.SENT, Result.ACCEPTED)
_TOLD = ("sent", "accepted")


def last_taken(tx: Connection, channel: str) -> datetime | None:
    """When a channel last took a message, aware; None where it never has, as far as is kept."""
    wanted = select(func.max(attempts.c.finished_at)).where(
        attempts.c.channel == channel, attempts.c.result.in_(_TAKEN)
    )
    found: datetime | None = tx.execute(wanted).scalar()
    return found


def last_weekly(tx: Connection, channel: str) -> datetime | None:
    """When the last weekly check of a channel was put in the outbox, aware, or None."""
    wanted = select(func.max(outbox.c.created_at)).where(
        outbox.c.channel == channel, outbox.c.reason == Reason.WEEKLY_CHECK
    )
    found: datetime | None = tx.execute(wanted).scalar()
    return found


def alerts_since(tx: Connection, channel: str, since: datetime) -> int:
    """How many incidents a channel's readers were told of since then."""
    told = _told(channel) & (outbox.c.created_at >= since)
    pairs = select(outbox.c.school, outbox.c.incident).where(told).distinct().subquery()
    return tx.execute(select(func.count()).select_from(pairs)).scalar_one()


def unanswered(tx: Connection, channel: str) -> int:
    """How many incidents a channel told of are open, and nobody has said to see to them."""
    pairs = select(outbox.c.school, outbox.c.incident).where(_told(channel)).distinct().subquery()
    both = (incidents.c.school == pairs.c.school) & (incidents.c.id == pairs.c.incident)
    wanted = (
        select(func.count())
        .select_from(incidents)
        .join(pairs, both)
        .where(incidents.c.state == State.OPEN)
    )
    return tx.execute(wanted).scalar_one()


def _told(channel: str) -> ColumnElement[bool]:
    return (outbox.c.channel == channel) & (outbox.c.incident != "") & outbox.c.state.in_(_TOLD)
