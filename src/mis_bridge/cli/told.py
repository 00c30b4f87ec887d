"""Who was told of an incident, by what and why; who will be, and when; who was not, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mis_bridge.cli.opened import in_local_time
from mis_bridge.cli.output import emit

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["messages_of", "print_messages", "unsent_of"]

_COLUMNS = ("at", "reason", "audience", "channel", "state", "attempts", "what")


def messages_of(tx: Connection, incident: Incident, now: datetime) -> list[dict[str, Any]]:
    """Every message about an incident: why it is sent, how far it has come, why it waits."""
    from mis_bridge.store import outbox

    return [
        {
            "at": row.created_at,
            "reason": row.reason,
            "audience": row.audience,
            "channel": row.channel,
            "state": row.state,
            "attempts": row.attempts,
            "held": row.held,
            "held_until": row.held_until,
            "due_at": row.due_at,
            "finished_at": row.finished_at,
            "detail": row.detail,
            "what": _what(row, now),
        }
        for row in outbox.of_incident(tx, incident.school, incident.id)
    ]


def unsent_of(tx: Connection, incident: Incident) -> list[dict[str, Any]]:
    """Every time that nobody was told of an incident as it stood, and why not."""
    from mis_bridge.incidents.reason_words import because
    from mis_bridge.store import suppressed

    return [
        {"at": row.seen_at, "reason": row.reason, "because": because(row.reason)}
        for row in suppressed.of_incident(tx, incident.school, incident.id)
    ]


def print_messages(messages: list[dict[str, Any]], not_sent: list[dict[str, Any]]) -> None:
    """Print both as tables."""
    emit(
        in_local_time(messages, "table"),
        _COLUMNS,
        "table",
        title="\nMessages",
        empty="\nNobody was told.",
    )
    if not_sent:
        columns = ("at", "reason", "because")
        emit(in_local_time(not_sent, "table"), columns, "table", title="\nNot sent")


def _what(row: OutboxRow, now: datetime) -> str:
    """Say in words how far a message has come."""
    from mis_bridge.incidents.reason_words import because
    from mis_bridge.messages.times import moment

    if row.state == "cancelled":
        return f"not sent: {because(row.detail)}"
    if row.finished_at is not None:
        ended = moment(row.finished_at, now)
        with_others = f", held or with others: {row.held}" if row.held else ""
        return f"{ended}{with_others}: {row.detail}" if row.detail else f"{ended}{with_others}"
    if row.due_at is None or row.state == "sending":
        return row.detail
    if row.held and not row.attempts and row.due_at > now:
        return f"waits until {moment(row.due_at, now)}: {row.held}"
    again = f"again at {moment(row.due_at, now)}" if row.attempts else ""
    return ": ".join(part for part in (again, row.detail) if part)
