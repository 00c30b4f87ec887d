"""The outbox: every message that has to reach a channel.

A row is inserted in the transaction of the decision, under an id that follows from the decision,
so that deciding twice inserts once. How it is sent is in ``leases``, what is late in ``owed``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, select

from mis_bridge.store.schema import outbox
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

__all__ = [
    "FIELDS",
    "OUTBOX_STATES",
    "OutboxRow",
    "carried_with",
    "get",
    "in_order_of_telling",
    "insert",
    "key_of",
    "of_incident",
    "of_incidents",
    "row_of",
]

OUTBOX_STATES = frozenset({"pending", "sending", "sent", "accepted", "failed", "cancelled"})
"""``accepted`` is not delivered: the peer has taken it, nobody knows that a person saw it."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message to one channel.

    Args:
        school, id: key; the id is ``incidents.ids.outbox_id``.
        incident: the incident's id; empty for messages about the installation.
        reason: why it is sent, a value of ``incidents.reasons.Reason``.
        channel: name of the channel in the settings.
        audience, severity: as planned.
        revision: the incident's revision that it tells of.
        due_at: when it is to be sent, aware.
        created_at: when it was decided, aware.
        route: the channels to turn to if this one fails, in order.
        deadline_at: when the next channel is told although this one is still being tried, or None.
        notification: id of the package for the Local Authority that it is about, or empty.
        bundle: rows of one channel with the same one are sent together; empty: alone.
        held: why it waited, or came with others: of ``incidents.reasons.WAITS``, or empty.
        held_until: until when it was to wait, aware, or None.
        state: of ``OUTBOX_STATES``.
        attempts: how often sending was begun.
        fence: number of the present lease.
        finished_at: when it reached its last state, or None.
        result, detail, proof: of the last attempt that ended; of a change of a card the proof is
            that of the message that it changes, from the beginning.
        broken: the last attempt was refused because of the channel, not of the message.
    """

    school: str
    id: str
    incident: str
    reason: str
    channel: str
    audience: str
    severity: str
    revision: int
    due_at: datetime | None
    created_at: datetime
    route: tuple[str, ...] = ()
    deadline_at: datetime | None = None
    notification: str = ""
    bundle: str = ""
    held: str = ""
    held_until: datetime | None = None
    state: str = "pending"
    attempts: int = 0
    fence: int = 0
    finished_at: datetime | None = None
    result: str = ""
    detail: str = ""
    proof: str = ""
    broken: bool = False


FIELDS = tuple(column for column in outbox.c if column.name not in {"holder", "lease_until"})
# What is asked for every row of a busy morning is built once: building it costs more than asking.
_OF_INCIDENTS = (
    select(*FIELDS)
    .where(
        outbox.c.school == bindparam("of_school"),
        outbox.c.incident.in_(bindparam("incidents", expanding=True)),
    )
    .order_by(outbox.c.created_at, outbox.c.revision, outbox.c.channel)
)


def insert(tx: Connection, rows: Iterable[OutboxRow]) -> None:
    """Put messages in; one that is there already stays as it is."""
    insert_new(
        tx,
        outbox,
        [
            {name: getattr(row, name) for name in OutboxRow.__slots__}
            | {"route": json.dumps(row.route), "holder": "", "lease_until": None}
            for row in rows
        ],
    )


def in_order_of_telling(row: OutboxRow) -> tuple[int, datetime, str]:
    """Sort rows so that the later word on an incident comes after the earlier one."""
    return row.revision, row.created_at, row.id


def get(tx: Connection, school: str, identity: str) -> OutboxRow | None:
    """One message, or None."""
    wanted = select(*FIELDS).where(outbox.c.school == school, outbox.c.id == identity)
    row = tx.execute(wanted).one_or_none()
    return row_of(row) if row else None


def of_incident(tx: Connection, school: str, incident: str) -> list[OutboxRow]:
    """All messages about an incident, in the order in which they were decided."""
    return of_incidents(tx, school, {incident}).get(incident, [])


def of_incidents(
    tx: Connection, school: str, wanted: Collection[str]
) -> dict[str, list[OutboxRow]]:
    """All messages about some incidents, as they were decided, by incident."""
    found: dict[str, list[OutboxRow]] = {}
    for row in tx.execute(_OF_INCIDENTS, {"of_school": school, "incidents": sorted(wanted)}):
        found.setdefault(row.incident, []).append(row_of(row))
    return found


def carried_with(tx: Connection, row: OutboxRow) -> list[OutboxRow]:
    """All messages that went out as one with this one, itself among them, as they were decided.

    They have one bundle and, as it was one, the same proof.
    """
    if not row.bundle:
        return [row]
    wanted = (
        select(*FIELDS)
        .where(
            outbox.c.school == row.school,
            outbox.c.channel == row.channel,
            outbox.c.bundle == row.bundle,
            outbox.c.proof == row.proof,
        )
        .order_by(outbox.c.created_at, outbox.c.revision, outbox.c.id)
    )
    return [row_of(found) for found in tx.execute(wanted)]


def key_of(row: OutboxRow) -> ColumnElement[bool]:
    """Whether it is this message."""
    return and_(outbox.c.school == row.school, outbox.c.id == row.id)


def row_of(row: Row[Any]) -> OutboxRow:
    """A message from a row of ``FIELDS``."""
    values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
    values["route"] = tuple(json.loads(values["route"]))
    return OutboxRow(**values)
