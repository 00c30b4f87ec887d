"""The outbox: every message that has to reach a channel, and every attempt to send it.

A row is inserted in the transaction of the decision, under an id that follows from the decision,
so that deciding twice inserts once. A sender leases rows and writes the attempt before it sends; a
lease that runs out leaves an attempt whose outcome is unknown, and the row is sent again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, case, delete, func, literal_column, or_, select, update
from sqlalchemy import insert as sql_insert

from mis_bridge.channels.outcome import Result
from mis_bridge.errors import LeaseLost
from mis_bridge.store.columns import is_set
from mis_bridge.store.schema import attempts, outbox
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import BindParameter, ColumnElement, Connection, Row

    from mis_bridge.channels.outcome import Outcome

__all__ = [
    "OUTBOX_STATES",
    "Attempt",
    "OutboxRow",
    "attempts_of",
    "carried_with",
    "claim",
    "counts",
    "deadline_noted",
    "due_deadlines",
    "finish",
    "finish_together",
    "free_all",
    "get",
    "give_back",
    "in_order_of_telling",
    "insert",
    "is_due",
    "is_waiting",
    "lots",
    "message_of",
    "of_incident",
    "of_incidents",
    "overdue",
    "owed",
    "renew",
    "reroute",
    "retime",
    "revive",
    "state_after",
    "try_again",
    "untried",
    "waiting",
    "withdraw",
]

OUTBOX_STATES = frozenset({"pending", "sending", "sent", "accepted", "failed", "cancelled"})
"""``accepted`` is not delivered: the peer has taken it, nobody knows that a person saw it."""

MOST_TOGETHER: Final = 500
"""Rows that go out as one message at most; what is over that is the next one."""

_SEVERITIES = ("critical", "high", "normal", "low")
_RANK = case({name: place for place, name in enumerate(_SEVERITIES)}, value=outbox.c.severity)
_CANDIDATES: Final = 5


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


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to send.

    Args:
        number: from 1.
        channel: where to.
        holder: who sent.
        started_at: when it was leased, then when its message was written; before it was sent.
        finished_at: None while it is under way.
        result: a value of ``channels.outcome.Result``, empty while it is under way.
        detail, proof: as the channel said.
    """

    number: int
    channel: str
    holder: str
    started_at: datetime
    finished_at: datetime | None
    result: str
    detail: str
    proof: str


_FIELDS = tuple(column for column in outbox.c if column.name not in {"holder", "lease_until"})


def _to(*names: str) -> dict[str, Any]:
    return {name: bindparam(f"to_{name}") for name in names}


# What is asked for every row of a busy morning is built once: building it costs more than asking.
_OF_INCIDENTS = (
    select(*_FIELDS)
    .where(
        outbox.c.school == bindparam("of_school"),
        outbox.c.incident.in_(bindparam("incidents", expanding=True)),
    )
    .order_by(outbox.c.created_at, outbox.c.revision, outbox.c.channel)
)
_LEASED = (
    select(outbox.c.id, outbox.c.fence)
    .where(
        outbox.c.school == bindparam("of_school"),
        outbox.c.id.in_(bindparam("ids", expanding=True)),
        outbox.c.state == "sending",
    )
    .with_for_update()
)
# One statement for all rows of a message, which are locked by then.
_THESE = update(outbox).where(
    outbox.c.school == bindparam("of_school"),
    outbox.c.id.in_(bindparam("ids", expanding=True)),
)
_LEASE = _THESE.values(
    _to("holder", "lease_until")
    | {"state": "sending", "attempts": outbox.c.attempts + 1, "fence": outbox.c.fence + 1}
)
_RENEW = _THESE.values(_to("lease_until"))
_TRY_AGAIN = _THESE.values(
    _to("state", "holder", "lease_until", "result", "detail", "proof", "broken", "due_at")
)
_FINISH = _TRY_AGAIN.values(_to("finished_at", "deadline_at"))
_UNDER_WAY = update(attempts).where(
    attempts.c.school == bindparam("of_school"),
    attempts.c.outbox.in_(bindparam("ids", expanding=True)),
    attempts.c.finished_at.is_(None),
)
_BEGIN_ATTEMPTS = _UNDER_WAY.values(_to("started_at"))
_FINISH_ATTEMPTS = _UNDER_WAY.values(_to("finished_at", "result", "detail", "proof"))
_LEFT_OPEN = _UNDER_WAY.values(
    _to("finished_at")
    | {
        "result": Result.UNKNOWN,
        "detail": "whoever sent it ended before the outcome was known",
    }
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


def is_due(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    """Whether a message is to be sent now, and nobody is sending it.

    Two lookups by an index each: on a busy morning most of what was due is being sent. Only what
    is being sent has a lease, so its state is not asked for: SQLite would look for that instead.
    """
    return or_(
        and_(outbox.c.state == "pending", is_set(outbox.c.due_at), outbox.c.due_at <= now),
        and_(is_set(outbox.c.lease_until), outbox.c.lease_until <= now),
    )


def claim(
    tx: Connection,
    now: datetime,
    limit: int,
    lease_seconds: float,
    holder: str,
    *,
    channels_paused: Collection[str] = (),
) -> list[OutboxRow]:
    """Lease messages that are due, the most severe first, and write their attempts.

    Rows that go out as one message are leased together, also those that have come in since and
    would be due later.

    Args:
        tx: the transaction; commit it before anything is sent.
        now: the present moment.
        limit: how many messages at most; one of a bundle may be of many rows.
        lease_seconds: for how long nobody else may send them.
        holder: who sends, for people who look.
        channels_paused: channels that are not to be used now.
    """
    # A parameter would not be the same expression twice, which grouping asks for.
    nothing: ColumnElement[str] = literal_column("''")
    alone = case((outbox.c.bundle == nothing, outbox.c.id), else_=nothing)
    lot = (outbox.c.school, outbox.c.channel, outbox.c.bundle, alone)
    wanted = (
        select(*lot)
        .where(is_due(now), outbox.c.channel.not_in(sorted(channels_paused)))
        .group_by(*lot)
        .order_by(func.min(_RANK), func.min(outbox.c.due_at), *lot)
        # Another daemon may be taking the first of them at this moment.
        .limit(limit * _CANDIDATES)
    )
    leased: list[OutboxRow] = []
    messages = 0
    for school, channel, bundle, identity in tx.execute(wanted).all():
        rows = _free_of_lot(tx, (school, channel, bundle or identity), now, bundled=bundle != "")
        if rows:
            leased += _lease(tx, rows, now, lease_seconds, holder)
            messages += 1
        if messages == limit:
            break
    return leased


Lot = tuple[str, str, str]
"""School, channel, and bundle or id: what goes out as one message."""


def lots(rows: Iterable[OutboxRow]) -> list[list[OutboxRow]]:
    """Bring rows together that go out as one message, in the order of the first of each."""
    found: dict[Lot, list[OutboxRow]] = {}
    for row in rows:
        found.setdefault(_lot(row), []).append(row)
    return list(found.values())


def message_of(rows: Sequence[OutboxRow]) -> str:
    """Return the id of the message that rows go out as: it follows from theirs.

    Where they are all about one incident it is the id of the row that says the latest of it.
    """
    if len({row.incident for row in rows}) == 1:
        return max(rows, key=in_order_of_telling).id
    return hashlib.sha256("+".join(sorted(row.id for row in rows)).encode("ascii")).hexdigest()


def in_order_of_telling(row: OutboxRow) -> tuple[int, datetime, str]:
    """Sort rows so that the later word on an incident comes after the earlier one."""
    return row.revision, row.created_at, row.id


def _lot(row: OutboxRow) -> Lot:
    return (row.school, row.channel, row.bundle or row.id)


def _free_of_lot(tx: Connection, lot: Lot, now: datetime, *, bundled: bool) -> list[OutboxRow]:
    """Lock the rows of a message that nobody else sends: also what has come in since."""
    school, channel, name = lot
    free = or_(
        and_(outbox.c.state == "pending", or_(outbox.c.due_at <= now, outbox.c.attempts == 0)),
        and_(outbox.c.state == "sending", outbox.c.lease_until <= now),
    )
    wanted = (
        select(*_FIELDS)
        .where(
            outbox.c.school == school,
            outbox.c.channel == channel,
            (outbox.c.bundle if bundled else outbox.c.id) == name,
            is_set(outbox.c.due_at),
            free,
        )
        .order_by(_RANK, outbox.c.created_at, outbox.c.id)
        .limit(MOST_TOGETHER)
        .with_for_update(skip_locked=True)
    )
    return [_row(row) for row in tx.execute(wanted).all()]


def _lease(
    tx: Connection, rows: list[OutboxRow], now: datetime, seconds: float, holder: str
) -> list[OutboxRow]:
    """Lease rows that go out as one message, and write down that an attempt of each begins."""
    taken_over = [row for row in rows if row.state == "sending"]
    if taken_over:
        tx.execute(_LEFT_OPEN, _of_rows(taken_over) | {"to_finished_at": now})
    leased = [
        replace(row, state="sending", attempts=row.attempts + 1, fence=row.fence + 1)
        for row in rows
    ]
    until = now + timedelta(seconds=seconds)
    tx.execute(_LEASE, _of_rows(rows) | {"to_holder": holder, "to_lease_until": until})
    message = message_of(rows)
    tx.execute(
        sql_insert(attempts),
        [
            {
                "school": row.school,
                "outbox": row.id,
                "number": row.attempts,
                "message": message,
                "channel": row.channel,
                "holder": holder,
                "started_at": now,
                "result": "",
                "detail": "",
                "proof": "",
            }
            for row in leased
        ],
    )
    return leased


def renew(
    tx: Connection, rows: Sequence[OutboxRow], now: datetime, lease_seconds: float
) -> set[str]:
    """Lengthen leases at the moment at which their message is sent, and let its attempts begin.

    Returns:
        Ids of those that another sender has by now; they are not sent a second time here.
    """
    until = now + timedelta(seconds=lease_seconds)
    held = _still_held(tx, rows)
    if held:
        tx.execute(_RENEW, _of_rows(held) | {"to_lease_until": until})
        # They waited for their turn: what the peer counts, it counts from now.
        tx.execute(_BEGIN_ATTEMPTS, _of_rows(held) | {"to_started_at": now})
    return {row.id for row in rows} - {row.id for row in held}


def _still_held(tx: Connection, rows: Sequence[OutboxRow]) -> list[OutboxRow]:
    """Those of some rows of one school that nobody else has leased since; they are locked."""
    fences = {row.id: row.fence for row in tx.execute(_LEASED, _of_rows(rows))}
    return [row for row in rows if fences.get(row.id) == row.fence]


def free_all(tx: Connection, now: datetime) -> None:
    """Let every lease run out; for the one process of an embedded database, when it starts."""
    tx.execute(update(outbox).where(outbox.c.state == "sending").values(lease_until=now))


def finish(
    tx: Connection,
    row: OutboxRow,
    outcome: Outcome,
    now: datetime,
    retry_at: datetime | None,
) -> str:
    """Record what became of an attempt.

    Args:
        tx: the transaction.
        row: as it was leased.
        outcome: what the channel said.
        now: the present moment.
        retry_at: when to try again where it was not taken; None gives up.

    Returns:
        The row's new state.

    Raises:
        LeaseLost: another sender has the row now; its outcome counts.
    """
    if finish_together(tx, [row], outcome, now, retry_at):
        raise _lost(row)
    return state_after(outcome.result, retry_at)


def finish_together(
    tx: Connection,
    rows: Sequence[OutboxRow],
    outcome: Outcome,
    now: datetime,
    retry_at: datetime | None = None,
) -> set[str]:
    """Record what became of an attempt to send rows of one school as one message, as ``finish``.

    Returns:
        Ids of those that another sender has by now: its outcome counts.
    """
    state = state_after(outcome.result, retry_at)
    said: dict[str, Any] = {
        "to_result": outcome.result,
        "to_detail": outcome.detail,
        "to_proof": outcome.proof,
    }
    values = {
        **said,
        "to_state": state,
        "to_holder": "",
        "to_lease_until": None,
        "to_broken": outcome.result is Result.PERMANENT and outcome.config_alarm,
    }
    if state == "pending":
        values["to_due_at"] = retry_at
    else:
        values |= {"to_finished_at": now, "to_due_at": None, "to_deadline_at": None}
    held = _still_held(tx, rows)
    if held:
        statement = _TRY_AGAIN if state == "pending" else _FINISH
        tx.execute(statement, _of_rows(held) | values)
        tx.execute(_FINISH_ATTEMPTS, _of_rows(held) | said | {"to_finished_at": now})
    return {row.id for row in rows} - {row.id for row in held}


def state_after(result: Result, retry_at: datetime | None) -> str:
    """The state of a message after an attempt that came to this; None: it is not tried again."""
    if result is Result.SENT:
        return "sent"
    if result is Result.ACCEPTED:
        return "accepted"
    return "failed" if retry_at is None else "pending"


def due_deadlines(tx: Connection, now: datetime, limit: int = 100) -> list[OutboxRow]:
    """Messages that are still not out although their deadline has passed, the oldest first."""
    wanted = (
        select(*_FIELDS)
        .where(outbox.c.deadline_at <= now, outbox.c.state.in_(["pending", "sending"]))
        .order_by(outbox.c.deadline_at, outbox.c.id)
        .limit(limit)
    )
    return [_row(row) for row in tx.execute(wanted)]


def deadline_noted(tx: Connection, row: OutboxRow) -> None:
    """The next channel was told; this one goes on trying without a deadline."""
    tx.execute(update(outbox).where(_key(row)).values(deadline_at=None))


def reroute(tx: Connection, row: OutboxRow, route: tuple[str, ...]) -> OutboxRow:
    """Give a message another route to turn to; returns the row as it is then."""
    tx.execute(update(outbox).where(_key(row)).values(route=json.dumps(route)))
    return replace(row, route=route)


def give_back(tx: Connection, rows: Iterable[OutboxRow]) -> None:
    """Leased messages are not sent now after all: they wait as before, without an attempt.

    One that another sender has taken over meanwhile stays with that one.
    """
    for row in rows:
        done = tx.execute(
            update(outbox)
            .where(_key(row), outbox.c.fence == row.fence, outbox.c.state == "sending")
            .values(state="pending", attempts=row.attempts - 1, holder="", lease_until=None)
        )
        if done.rowcount == 1:
            tx.execute(delete(attempts).where(_attempt(row), attempts.c.number == row.attempts))


def withdraw(tx: Connection, row: OutboxRow, why: str, now: datetime) -> None:
    """A leased message is not sent after all; the attempt that did not take place is taken back.

    Raises:
        LeaseLost: another sender has the row now.
    """
    done = tx.execute(
        update(outbox)
        .where(_key(row), outbox.c.fence == row.fence, outbox.c.state == "sending")
        .values(
            state="cancelled",
            detail=why,
            attempts=row.attempts - 1,
            finished_at=now,
            holder="",
            lease_until=None,
            due_at=None,
            deadline_at=None,
        )
    )
    if done.rowcount != 1:
        raise _lost(row)
    tx.execute(delete(attempts).where(_attempt(row), attempts.c.number == row.attempts))


def untried(tx: Connection, school: str) -> list[OutboxRow]:
    """The messages of a school that wait and were never tried, the oldest first."""
    wanted = (
        select(*_FIELDS)
        .where(
            outbox.c.school == school,
            is_set(outbox.c.due_at),
            outbox.c.state == "pending",
            outbox.c.attempts == 0,
        )
        .order_by(outbox.c.created_at, outbox.c.id)
    )
    return [_row(row) for row in tx.execute(wanted)]


def retime(tx: Connection, row: OutboxRow) -> None:
    """Give a message that was never tried the times, bundle and reason that it is passed with."""
    tx.execute(
        update(outbox)
        .where(_key(row), outbox.c.state == "pending", outbox.c.attempts == 0)
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


def get(tx: Connection, school: str, identity: str) -> OutboxRow | None:
    """One message, or None."""
    wanted = select(*_FIELDS).where(outbox.c.school == school, outbox.c.id == identity)
    row = tx.execute(wanted).one_or_none()
    return _row(row) if row else None


def of_incident(tx: Connection, school: str, incident: str) -> list[OutboxRow]:
    """All messages about an incident, in the order in which they were decided."""
    return of_incidents(tx, school, {incident}).get(incident, [])


def of_incidents(
    tx: Connection, school: str, wanted: Collection[str]
) -> dict[str, list[OutboxRow]]:
    """All messages about some incidents, as they were decided, by incident."""
    found: dict[str, list[OutboxRow]] = {}
    for row in tx.execute(_OF_INCIDENTS, {"of_school": school, "incidents": sorted(wanted)}):
        found.setdefault(row.incident, []).append(_row(row))
    return found


def carried_with(tx: Connection, row: OutboxRow) -> list[OutboxRow]:
    """All messages that went out as one with this one, itself among them, as they were decided.

    They have one bundle and, as it was one, the same proof.
    """
    if not row.bundle:
        return [row]
    wanted = (
        select(*_FIELDS)
        .where(
            outbox.c.school == row.school,
            outbox.c.channel == row.channel,
            outbox.c.bundle == row.bundle,
            outbox.c.proof == row.proof,
        )
        .order_by(outbox.c.created_at, outbox.c.revision, outbox.c.id)
    )
    return [_row(found) for found in tx.execute(wanted)]


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


def attempts_of(tx: Connection, row: OutboxRow) -> list[Attempt]:
    """The attempts to send a message, in order."""
    rows = tx.execute(select(attempts).where(_attempt(row)).order_by(attempts.c.number))
    return [
        Attempt(
            found.number,
            found.channel,
            found.holder,
            found.started_at,
            found.finished_at,
            found.result,
            found.detail,
            found.proof,
        )
        for found in rows
    ]


def owed(tx: Connection, channel: str) -> int:
    """How many messages wait for a channel; what is held on purpose waits for its time."""
    tried = or_(outbox.c.held == "", outbox.c.attempts > 0)
    waits = and_(is_set(outbox.c.due_at), outbox.c.state == "pending", tried)
    wanted = select(func.count()).where(waits, outbox.c.channel == channel)
    return tx.execute(wanted).scalar_one()


def counts(tx: Connection) -> dict[tuple[str, str], int]:
    """(channel, state) -> number of messages."""
    rows = tx.execute(
        select(outbox.c.channel, outbox.c.state, func.count()).group_by(
            outbox.c.channel, outbox.c.state
        )
    )
    return {(channel, state): number for channel, state, number in rows}


def _lost(row: OutboxRow) -> LeaseLost:
    return LeaseLost(
        f"message {row.id[:12]} was taken over by another sender; where it was sent here too, it "
        "arrives twice, with the same incident reference"
    )


def _of_rows(rows: Sequence[OutboxRow]) -> dict[str, Any]:
    """Name rows of one school for a statement that is built once."""
    return {"of_school": rows[0].school, "ids": [row.id for row in rows]}


def _says_the_same(row: OutboxRow) -> ColumnElement[bool]:
    return and_(
        outbox.c.school == row.school,
        outbox.c.incident == row.incident,
        outbox.c.reason == row.reason,
        outbox.c.revision == row.revision,
        outbox.c.audience == row.audience,
    )


def _key(row: OutboxRow) -> ColumnElement[bool]:
    return and_(outbox.c.school == row.school, outbox.c.id == row.id)


def _attempt(row: OutboxRow) -> ColumnElement[bool]:
    return and_(attempts.c.school == row.school, attempts.c.outbox == row.id)


def _row(row: Row[Any]) -> OutboxRow:
    values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
    values["route"] = tuple(json.loads(values["route"]))
    return OutboxRow(**values)
