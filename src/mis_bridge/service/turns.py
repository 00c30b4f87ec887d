"""When each message's turn is: rows of the outbox get their moment, their bundle and the reason.

``turn_of`` in ``incidents.timing`` decides; this module gives it what it has to know: silences, and
when a channel was last told of the same cause. A matter that is held does not climb before people
have been told of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mis_bridge.incidents.model import DAEMON, Act, AuditEntry
from mis_bridge.incidents.reasons import ASKS, DECIDED, ENDINGS, Reason
from mis_bridge.incidents.timing import Turn, cause_of, turn_of
from mis_bridge.messages.times import moment
from mis_bridge.registers.calendar import local_minute
from mis_bridge.store import audit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident, MessagePlan
    from mis_bridge.incidents.silences import Silence
    from mis_bridge.service.lookups import Lookups
    from mis_bridge.service.schools import School
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["day_of", "held_by", "hold", "in_turn", "may_be_silenced", "postponed"]

_NEVER_SILENCED = ENDINGS | DECIDED | {Reason.CHANNEL_FAILED}
"""How a matter ends, and what a person has asked for, comes whatever is silenced."""


def in_turn(
    tx: Connection,
    rows: list[OutboxRow],
    plan: MessagePlan,
    school: School,
    now: datetime,
    lookups: Lookups,
) -> list[OutboxRow]:
    """Give the rows of one planned message their turn.

    Args:
        tx: the transaction.
        rows: as they would go out at once.
        plan: what they say.
        school: what is configured.
        now: aware.
        lookups: of this transaction.
    """
    if not rows:
        return rows
    silence = _muting(plan, now, lookups)
    if silence is not None:
        _note(tx, plan.incident, silence, now)
        turn = Turn(silence.ends_at, held_by(silence), Reason.SILENCED)
        return [hold(row, turn, now) for row in rows]
    return [hold(row, _turn(row, plan, school, now, lookups), now) for row in rows]


def day_of(plan: MessagePlan, school: School, now: datetime, lookups: Lookups) -> date:
    """Give the local day on which a planned message goes out: who is there then is told.

    Args:
        plan: what it says.
        school: what is configured.
        now: aware.
        lookups: of this transaction.
    """
    silence = _muting(plan, now, lookups)
    if silence is not None:
        return local_minute(silence.ends_at)[0]
    turn = turn_of(plan.incident, plan.reason, now, school.timing, school.years)
    return local_minute(turn.at)[0]


def _muting(plan: MessagePlan, now: datetime, lookups: Lookups) -> Silence | None:
    """Return the silence that holds a message, the one that ends last, or None."""
    if not may_be_silenced(plan.reason):
        return None
    return next((one for one in lookups.silences if one.mutes(plan.incident, now)), None)


def may_be_silenced(reason: str) -> bool:
    """Whether a silence holds messages that are sent for this reason."""
    return reason not in _NEVER_SILENCED


def held_by(silence: Silence) -> str:
    """Name the bundle of what a silence holds."""
    return f"silenced/{silence.id}"


def _turn(
    row: OutboxRow, plan: MessagePlan, school: School, now: datetime, lookups: Lookups
) -> Turn:
    timing, last = school.timing, None
    if timing.group_again:
        cause = cause_of(plan.incident, plan.reason)
        last = lookups.last_of_cause(row.channel, cause, now - timing.group_again)
    return turn_of(plan.incident, plan.reason, now, timing, school.years, last=last)


def hold(row: OutboxRow, turn: Turn, now: datetime) -> OutboxRow:
    """Let a row wait for its turn; its deadline is counted from then.

    What is to go out some minutes after the others (a person's second channel) keeps its distance.
    """
    wait = turn.at - now
    due = (row.due_at or now) + wait
    bundle = turn.bundle if due == turn.at else f"{turn.bundle}/{due.isoformat()}"
    return replace(
        row,
        due_at=due,
        deadline_at=row.deadline_at and row.deadline_at + wait,
        bundle=bundle if turn.bundle else "",
        held=turn.why or "",
        held_until=due if turn.why else None,
    )


def postponed(
    incidents: Iterable[Incident], rows: Iterable[OutboxRow], now: datetime
) -> list[Incident]:
    """Return the incidents that climb later, because the first who is told is told later.

    Only what asks somebody to see to it counts: a reminder that waits gives nobody more time.

    Args:
        incidents: as they were decided.
        rows: what was decided to be sent of them.
        now: aware.
    """
    until: dict[str, datetime] = {}
    for row in rows:
        if row.due_at is not None and row.reason in ASKS:
            until[row.incident] = min(row.due_at, until.get(row.incident, row.due_at))
    return [
        replace(one, escalate_at=one.escalate_at + (until[one.id] - now))
        for one in incidents
        if one.escalate_at is not None and until.get(one.id, now) > now
    ]


def _note(tx: Connection, incident: Incident, silence: Silence, now: datetime) -> None:
    """Write into an incident's history that people are not told of it, by whom and why."""
    body = (
        f"Nobody is told until {moment(silence.ends_at, now)}: silenced by {silence.author} "
        f"({silence.id}): {silence.why}"
    )
    line = AuditEntry(now, DAEMON, incident.id, Act.SILENCED, Reason.SILENCED, body)
    audit.append(tx, incident.school, [line])
