"""Messages on their way: leased to one sender, and every attempt written down.

A sender leases rows and writes the attempt before it sends; a lease that runs out leaves an attempt
whose outcome is unknown, and the row is sent again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, bindparam, case, delete, func, literal_column, or_, select, update
from sqlalchemy import insert as sql_insert

from mis_bridge.channels.outcome import Result
from mis_bridge.errors import LeaseLost
from mis_bridge.store.columns import is_set
from mis_bridge.store.outbox import FIELDS, in_order_of_telling, key_of, row_of
from mis_bridge.store.schema import attempts, outbox

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import BindParameter, ColumnElement, Connection

    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.store.outbox import OutboxRow

__all__ = [
    "Attempt",
    "attempts_of",
    "claim",
    "finish",
    "finish_together",
    "free_all",
    "give_back",
    "is_due",
    "lots",
    "message_of",
    "renew",
    "state_after",
    "withdraw",
]


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


MOST_TOGETHER: Final = 500
"""Rows that go out as one message at most; what is over that is the next one."""
_SEVERITIES = ("critical", "high", "normal", "low")
_RANK = case({name: place for place, name in enumerate(_SEVERITIES)}, value=outbox.c.severity)
_CANDIDATES: Final = 5


def _to(*names: str) -> dict[str, Any]:
    return {name: bindparam(f"to_{name}") for name in names}


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
        select(*FIELDS)
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
    return [row_of(row) for row in tx.execute(wanted).all()]


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


def give_back(tx: Connection, rows: Iterable[OutboxRow]) -> None:
    """Leased messages are not sent now after all: they wait as before, without an attempt.

    One that another sender has taken over meanwhile stays with that one.
    """
    for row in rows:
        done = tx.execute(
            update(outbox)
            .where(key_of(row), outbox.c.fence == row.fence, outbox.c.state == "sending")
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
        .where(key_of(row), outbox.c.fence == row.fence, outbox.c.state == "sending")
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


def _lost(row: OutboxRow) -> LeaseLost:
    return LeaseLost(
        f"message {row.id[:12]} was taken over by another sender; where it was sent here too, it "
        "arrives twice, with the same incident reference"
    )


def _of_rows(rows: Sequence[OutboxRow]) -> dict[str, Any]:
    """Name rows of one school for a statement that is built once."""
    return {"of_school": rows[0].school, "ids": [row.id for row in rows]}


def _attempt(row: OutboxRow) -> ColumnElement[bool]:
    return and_(attempts.c.school == row.school, attempts.c.outbox == row.id)
