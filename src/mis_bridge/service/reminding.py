"""Whether a reminder that waits in the outbox is still worth sending."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.incidents.reasons import REMINDERS, Reason
from mis_bridge.incidents.reminders import moot
from mis_bridge.store import arrivals, outbox

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["not_reminded"]


def not_reminded(
    tx: Connection, row: OutboxRow, incident: Incident, now: datetime
) -> Reason | None:
    """Say why a reminder is not sent, or None where it is.

    Who has not heard of the alarm is not reminded of it: the alarm itself, which still waits,
    lists what is to be done. Of two reminders that wait the later one says it all.
    """
    if (why := moot(incident, Reason(row.reason), now)) is not None:
        return why
    others = [
        one
        for one in outbox.of_incident(tx, row.school, row.incident)
        if one.audience == row.audience and one.id != row.id
    ]
    if any(one.reason == row.reason and one.revision > row.revision for one in others):
        return Reason.SUPERSEDED
    alarms = (one for one in others if one.reason not in REMINDERS)
    if any(arrivals.may_have_arrived(tx, one) for one in alarms):
        return None
    return Reason.SUPERSEDED if incident.active else Reason.CLEARED_BEFORE_SENDING
