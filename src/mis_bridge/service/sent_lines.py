"""What the history says of messages: each that reached its end, sent or not, has a line there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.model import DAEMON, Act, AuditEntry
from mis_bridge.incidents.reasons import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.store.outbox import OutboxRow

__all__ = ["not_sent_line", "outcome_line"]

_ENDS: Final = {"sent": Act.SENT, "accepted": Act.ACCEPTED, "failed": Act.FAILED}
_ABOUT_NONE: Final = {Reason.DAILY: "The day's message", Reason.WEEKLY_CHECK: "The weekly check"}


def outcome_line(row: OutboxRow, state: str, now: datetime) -> list[AuditEntry]:
    """Say that a message was sent, accepted or refused; one that is tried again has no line.

    What the channel said in so many words stays with the message: it may name people.
    """
    act = _ENDS.get(state)
    return [] if act is None else _line(row, act, row.reason, "", now)


def not_sent_line(row: OutboxRow, why: Reason, now: datetime) -> list[AuditEntry]:
    """Say that a message was not sent after all, and why."""
    return _line(row, Act.NOT_SENT, why, f" ({row.reason})", now)


def _line(row: OutboxRow, act: Act, reason: str, about: str, now: datetime) -> list[AuditEntry]:
    if row.reason == Reason.SHOWN_ANEW:
        return []  # a card that is changed tells nobody anything new
    to = f"To {row.audience} by {row.channel}" if row.audience else f"By {row.channel}"
    what = _ABOUT_NONE.get(Reason(row.reason))
    body = f"{what}: {to[:1].lower()}{to[1:]}{about}." if what else f"{to}{about}."
    return [AuditEntry(now, DAEMON, row.incident, act, reason, body)]
