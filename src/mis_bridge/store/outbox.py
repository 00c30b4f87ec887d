"""What has to be said, to whom, by which channel: one row a message and channel.

A row's id follows from its content, so that inserting it twice inserts it once. Its life::

    pending -> sending (leased) -> sent | accepted | failed
       ^            |
       +-- retry ---+        pending -> dropped (over before it was sent)

``sending`` with a lease that ran out is pending again: the attempt may have arrived.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, case, delete, func, or_, select, update

from mis_bridge.channels.outcome import Result
from mis_bridge.errors import LeaseLost
from mis_bridge.store.schema import attempts, channel_state, outbox, suppressed
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Row

    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.incidents.model import Incident
    from mis_bridge.incidents.reasons import Reason

__all__ = [
    "OutboxRow",
    "claim",
    "drop",
    "finish",
    "handed_on",
    "insert",
    "may_have_reached",
    "note_suppressed",
    "of_incident",
    "past_deadline",
    "waiting",
]

_URGENCY: Final = case({"critical": 0, "high": 1, "normal": 2}, value=outbox.c.severity, else_=3)


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One message to one channel.

    Args:
        school, id: the key; the id is ``incidents.ids.outbox_id``.
        incident: what it is about.
        notification: the package that it carries, or empty.
        reason: why it is sent, a value of ``Reason``.
        channel: name of the channel.
        route: channels that take over in turn if this one fails.
        audience: who is told by it.
        severity: decides the order of sending.
        revision: of the incident when it was planned.
        created_at, due_at: aware.
        deadline_at: when the next channel takes over; None once it has.
        attempts: how often it was begun to be sent, the present one included.
        fence: number of the present lease.
        state: see the module.
        result: of the last attempt, or empty.
        detail, proof: as in ``Outcome``.
    """

    school: str
    id: str
    incident: str
    notification: str
    reason: str
    channel: str
    route: tuple[str, ...]
    audience: str
    severity: str
    revision: int
    created_at: datetime
    due_at: datetime | None
    deadline_at: datetime | None
    attempts: int = 0
    fence: int = 0
    state: str = "pending"
    result: str = ""
    detail: str = ""
    proof: str = ""

    @property
    def was_dropped(self) -> bool:
        """Whether it was over before it was sent."""
        return self.state == "dropped"

    @property
    def may_have_arrived(self) -> bool:
        """Whether an earlier attempt may have reached somebody.

        Before the present attempt's outcome is known, an earlier one that was never finished (a
        crash in between) counts as well.
        """
        unfinished = self.attempts > 1 and not self.result
        return unfinished or self.result in {Result.SENT, Result.ACCEPTED, Result.UNKNOWN}


_COLUMNS = tuple(outbox.c[name] for name in OutboxRow.__dataclass_fields__)


def _row(row: Row[tuple[object, ...]]) -> OutboxRow:
    values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
    values["route"] = tuple(json.loads(values["route"]))
    return OutboxRow(**values)


def insert(tx: Connection, rows: Iterable[OutboxRow]) -> int:
    """Put messages in the outbox; those that are there already stay as they are.

    Returns:
        How many were new.
    """
    new = {(row.school, row.id): row for row in rows}
    if not new:
        return 0
    ids = [row.id for row in new.values()]
    there = set(
        tx.execute(select(outbox.c.school, outbox.c.id).where(outbox.c.id.in_(ids))).tuples()
    )
    values = [
        {
            **{name: getattr(row, name) for name in OutboxRow.__dataclass_fields__},
            "route": json.dumps(row.route),
            "holder": "",
            "lease_until": None,
            "finished_at": None,
        }
        for key, row in new.items()
        if key not in there
    ]
    if values:
        insert_new(tx, outbox, values)
    return len(values)


def claim(
    tx: Connection,
    now: datetime,
    limit: int,
    lease_seconds: float,
    holder: str,
    *,
    busy: frozenset[str] = frozenset(),
) -> list[OutboxRow]:
    """Lease what is due, the most urgent first, and write down that each attempt begins.

    Args:
        tx: the transaction; commit it before anything is sent.
        now: the present moment.
        limit: how many at most.
        lease_seconds: for how long nobody else may send them.
        holder: who sends.
        busy: channels that still send what was leased before.
    """
    free = or_(
        outbox.c.state == "pending",
        and_(outbox.c.state == "sending", outbox.c.lease_until <= now),
    )
    paused = select(channel_state.c.channel).where(channel_state.c.paused_until > now)
    due = (
        select(*_COLUMNS)
        .where(
            outbox.c.due_at <= now,
            free,
            outbox.c.channel.not_in(busy),
            outbox.c.channel.not_in(paused),
        )
        .order_by(_URGENCY, outbox.c.created_at, outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [
        _leased(tx, _row(row), now, now + timedelta(seconds=lease_seconds), holder)
        for row in tx.execute(due).all()
    ]


def _leased(
    tx: Connection, row: OutboxRow, now: datetime, until: datetime, holder: str
) -> OutboxRow:
    tx.execute(
        update(outbox)
        .where(outbox.c.school == row.school, outbox.c.id == row.id)
        .values(
            state="sending",
            attempts=row.attempts + 1,
            fence=row.fence + 1,
            holder=holder,
            lease_until=until,
        )
    )
    insert_new(
        tx,
        attempts,
        [
            {
                "school": row.school,
                "outbox": row.id,
                "number": row.attempts + 1,
                "channel": row.channel,
                "holder": holder,
                "started_at": now,
                "finished_at": None,
                "result": "",
                "detail": "",
                "proof": "",
            }
        ],
    )
    found = tx.execute(
        select(*_COLUMNS).where(outbox.c.school == row.school, outbox.c.id == row.id)
    ).one()
    return _row(found)


_STATE_OF = {
    Result.SENT: "sent",
    Result.ACCEPTED: "accepted",
    Result.PERMANENT: "failed",
    Result.RETRY: "failed",
    Result.UNKNOWN: "failed",
}


def finish(
    tx: Connection, row: OutboxRow, outcome: Outcome, now: datetime, retry_at: datetime | None
) -> None:
    """Write down what became of an attempt.

    Args:
        tx: the transaction.
        row: as it was leased.
        outcome: what became of it.
        now: the present moment.
        retry_at: when the same channel is tried again, or None for not at all.

    Raises:
        LeaseLost: somebody else has leased the row since.
    """
    said = {"result": outcome.result, "detail": outcome.detail, "proof": outcome.proof}
    if retry_at is None:
        state = {"state": _STATE_OF[outcome.result], "due_at": None, "finished_at": now}
        if outcome.result in {Result.SENT, Result.ACCEPTED}:
            state["deadline_at"] = None
    else:
        state = {"state": "pending", "due_at": retry_at}
    _settle(tx, row, {**said, **state})
    tx.execute(
        update(attempts)
        .where(
            attempts.c.school == row.school,
            attempts.c.outbox == row.id,
            attempts.c.number == row.attempts,
        )
        .values(finished_at=now, **said)
    )


def drop(tx: Connection, row: OutboxRow, reason: Reason, now: datetime) -> None:
    """A leased message is not sent any more; the attempt that did not take place is taken back.

    Raises:
        LeaseLost: somebody else has leased the row since.
    """
    values = {"state": "dropped", "detail": reason, "due_at": None, "deadline_at": None}
    _settle(tx, row, {**values, "finished_at": now, "attempts": row.attempts - 1})
    tx.execute(
        delete(attempts).where(
            attempts.c.school == row.school,
            attempts.c.outbox == row.id,
            attempts.c.number == row.attempts,
        )
    )


def _settle(tx: Connection, row: OutboxRow, values: dict[str, object]) -> None:
    done = tx.execute(
        update(outbox)
        .where(outbox.c.school == row.school, outbox.c.id == row.id, outbox.c.fence == row.fence)
        .values(holder="", lease_until=None, **values)
    )
    if done.rowcount != 1:
        raise LeaseLost("the message was taken over by another sender")


def past_deadline(tx: Connection, now: datetime) -> list[OutboxRow]:
    """Messages that their channel has not taken in time and that nobody has taken over yet."""
    late = select(*_COLUMNS).where(
        outbox.c.deadline_at <= now, outbox.c.state.in_(("pending", "sending"))
    )
    return [_row(row) for row in tx.execute(late.order_by(outbox.c.deadline_at)).all()]


def handed_on(tx: Connection, row: OutboxRow) -> None:
    """The next channel has taken over; this one goes on trying, but is not handed on again."""
    tx.execute(
        update(outbox)
        .where(outbox.c.school == row.school, outbox.c.id == row.id)
        .values(deadline_at=None)
    )


def of_incident(tx: Connection, school: str, incident: str) -> list[OutboxRow]:
    """All messages about an incident, in the order in which they were planned."""
    found = (
        select(*_COLUMNS)
        .where(outbox.c.school == school, outbox.c.incident == incident)
        .order_by(outbox.c.created_at, outbox.c.revision, outbox.c.id)
    )
    return [_row(row) for row in tx.execute(found)]


def may_have_reached(tx: Connection, row: OutboxRow) -> bool:
    """Whether this row's channel carries an earlier message about the same incident."""
    return any(
        other.channel == row.channel
        and other.id != row.id
        and (other.state in {"sent", "accepted"} or other.may_have_arrived)
        for other in of_incident(tx, row.school, row.incident)
    )


def waiting(tx: Connection, now: datetime) -> tuple[int, float]:
    """How many messages wait, and for how many seconds the oldest is overdue."""
    count, oldest = tx.execute(
        select(func.count(), func.min(outbox.c.created_at)).where(
            outbox.c.state.in_(("pending", "sending"))
        )
    ).one()
    return count, max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def note_suppressed(tx: Connection, incident: Incident, reason: Reason, now: datetime) -> None:
    """Keep that nobody was told of an incident as it stands, and why; again is the same."""
    insert_new(
        tx,
        suppressed,
        [
            {
                "school": incident.school,
                "incident": incident.id,
                "reference": incident.reference,
                "revision": incident.revision,
                "reason": reason,
                "seen_at": now,
            }
        ],
    )
