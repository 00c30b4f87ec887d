"""What the history says of messages: each that reached its end, sent or not, has a line there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.model import DAEMON, Act, AuditEntry
from mis_bridge.incidents.reasons import Reason
from mis_bridge.store import audit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.store.outbox import OutboxRow

__all__ = ["write_not_sent", "write_outcome"]

_ENDS: Final = {"sent": Act.SENT, "accepted": Act.ACCEPTED, "failed": Act.FAILED}


def write_outcome(tx: Connection, row: OutboxRow, state: str, now: datetime) -> None:
    """Write down that a message was sent, accepted or refused; one that is tried again has no line.

    What the channel said in so many words stays with the message: it may name people.
    """
    act = _ENDS.get(state)
    if act is not None:
        _write(tx, row, act, row.reason, "", now)


def write_not_sent(tx: Connection, row: OutboxRow, why: Reason, now: datetime) -> None:
    """Write down that a message was not sent after all, and why."""
    _write(tx, row, Act.NOT_SENT, why, f" ({row.reason})", now)


def _write(
    tx: Connection, row: OutboxRow, act: Act, reason: str, about: str, now: datetime
) -> None:
    # The weekly card is about no incident; a card that is changed tells nobody anything new.
    if row.incident and row.reason != Reason.SHOWN_ANEW:
        body = f"To {row.audience} by {row.channel}{about}."
        audit.append(tx, row.school, [AuditEntry(now, DAEMON, row.incident, act, reason, body)])
