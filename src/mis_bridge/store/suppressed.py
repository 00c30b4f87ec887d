"""Why somebody was not told of an incident: kept, so that "why was I not told?" has an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from mis_bridge.incidents.reasons import Reason
from mis_bridge.store.schema import suppressed
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident

__all__ = ["SuppressedRow", "count", "note", "of_incident"]


@dataclass(frozen=True, slots=True)
class SuppressedRow:
    """One message that was not sent.

    Args:
        reference: of the incident.
        revision: of the incident at that time.
        reason: why not.
        seen_at: when that was first so, aware.
    """

    reference: str
    revision: int
    reason: Reason
    seen_at: datetime


def note(tx: Connection, incident: Incident, reason: Reason, now: datetime) -> None:
    """Keep that nobody was told of an incident as it stands; noting it again changes nothing."""
    row = {
        "school": incident.school,
        "incident": incident.id,
        "revision": incident.revision,
        "reason": reason,
        "reference": incident.reference,
        "seen_at": now,
    }
    insert_new(tx, suppressed, [row])


def count(tx: Connection, school: str, reason: Reason, since: datetime) -> int:
    """Count the incidents of a school that nobody was told of for a reason, since a moment."""
    wanted = select(func.count(suppressed.c.incident.distinct())).where(
        suppressed.c.school == school,
        suppressed.c.reason == reason,
        suppressed.c.seen_at >= since,
    )
    return tx.execute(wanted).scalar_one()


def of_incident(tx: Connection, school: str, incident: str) -> list[SuppressedRow]:
    """What was not said about one incident, in order."""
    rows = tx.execute(
        select(
            suppressed.c.reference,
            suppressed.c.revision,
            suppressed.c.reason,
            suppressed.c.seen_at,
        )
        .where(suppressed.c.school == school, suppressed.c.incident == incident)
        .order_by(suppressed.c.seen_at, suppressed.c.revision)
    )
    return [
        SuppressedRow(row.reference, row.revision, Reason(row.reason), row.seen_at) for row in rows
    ]
