"""Cards that a bot has posted are changed when their incident moves on.

A card that says "missing" under a conversation in which somebody has long answered costs people
time, and at worst they search for a child who is back. So whenever an incident takes a turn that
people should see, each message that can be changed gets one row in the outbox that changes it. That
rings nobody: whoever has to be told is told by a message of its own, as before.

Such a row carries the proof of the message that it changes. A card that speaks of several incidents
is changed as a whole; while one change of a card waits, no second one is made.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import is_editable
from mis_bridge.channels.outcome import Result
from mis_bridge.incidents.ids import outbox_id
from mis_bridge.incidents.model import Event
from mis_bridge.incidents.reasons import ASKS, Reason
from mis_bridge.messages.anew import Turn
from mis_bridge.store import audit, incidents, leases, outbox, owed
from mis_bridge.store import channels as channel_rows
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.incidents.model import AuditEntry, Incident

__all__ = ["catch_up", "plan", "plan_for", "record", "shown_by", "turns_of"]

_SEEN: Final = frozenset(
    {
        Event.RAISED_AGAIN,
        Event.LEVEL_RAISED,
        Event.FOUND,
        Event.EXPLAINED,
        Event.CORRECTED,
        Event.CLEARED,
        Event.DAY_ENDED,
        Event.ESCALATED,
        Event.ACKNOWLEDGED,
        Event.ACK_EXPIRED,
        Event.STEP_DONE,
        Event.CLOSED_BY_PERSON,
    }
)
"""What people should see on a card; that a number in its evidence has changed is not among it."""

_CHANGED: Final = ASKS
"""Of what is said of an incident, what is no longer true when the incident moves on."""

_STANDS: Final = frozenset({"sent", "accepted"})
_PATIENCE: Final = timedelta(hours=12)
"""A card that could not be changed for so long: IT is told that the channel does not deliver."""

_LATE: Final = timedelta(minutes=2)
"""So long a decision, or a person's answer, may wait for the database at most: a round of work."""

_AGAIN: Final = timedelta(minutes=10)
"""A channel that is broken for every message may be mended: until then a card is tried again."""


def plan(tx: Connection, changed: Iterable[Incident], lines: Iterable[AuditEntry]) -> None:
    """Have the cards of incidents changed that have taken a turn.

    Args:
        tx: the transaction.
        changed: the incidents as they are now.
        lines: what happened to them.
    """
    turned = {line.incident: line.at for line in lines if line.act in _SEEN}
    for incident in changed:
        if incident.id in turned:
            plan_for(tx, incident, turned[incident.id])


def plan_for(tx: Connection, incident: Incident, now: datetime) -> None:
    """Have every card that speaks of an incident changed, where it can be."""
    for row in outbox.of_incident(tx, incident.school, incident.id):
        if _can_change(row):
            _change(tx, row, incident, now)


def catch_up(tx: Connection, row: OutboxRow, proof: str, now: datetime) -> None:
    """Have a card changed whose incident has moved on while it was being posted.

    Args:
        tx: the transaction.
        row: the message that was posted, as it was leased.
        proof: that it was.
        now: aware.
    """
    if not is_editable(proof):
        return
    incident = incidents.one(tx, row.school, row.incident)
    began = [one.started_at for one in leases.attempts_of(tx, row)]
    posted = outbox.get(tx, row.school, row.id)
    if incident is None or posted is None or not began:
        return
    # What was being decided while the card was written bears the earlier moment, and came after.
    unseen = incident.revision > row.revision and incident.updated_at > began[-1] - _LATE
    if _can_change(posted) and unseen:
        _change(tx, posted, incident, now)


def _can_change(row: OutboxRow) -> bool:
    return row.reason in _CHANGED and row.state in _STANDS and is_editable(row.proof)


def _change(tx: Connection, row: OutboxRow, incident: Incident, now: datetime) -> None:
    if owed.is_waiting(tx, row.school, row.channel, Reason.SHOWN_ANEW, row.proof):
        return  # it shows how things stand when it goes out, this turn as well
    change = OutboxRow(
        school=row.school,
        id=outbox_id(row.id, Reason.SHOWN_ANEW, row.audience, row.channel, incident.revision),
        incident=row.incident,
        reason=Reason.SHOWN_ANEW,
        channel=row.channel,
        audience=row.audience,
        severity=Severity.LOW,  # after everything that rings
        revision=incident.revision,
        due_at=now,
        created_at=now,
        deadline_at=now + _PATIENCE,
        proof=row.proof,
    )
    outbox.insert(tx, [change])


def shown_by(tx: Connection, row: OutboxRow) -> list[OutboxRow]:
    """Find the messages that stand on the card that a row changes, one an incident.

    Empty where it needs no change by this row: another one of the same card waits.
    """
    if owed.is_waiting(tx, row.school, row.channel, Reason.SHOWN_ANEW, row.proof):
        return []
    found: dict[str, OutboxRow] = {}
    for one in outbox.of_incident(tx, row.school, row.incident):
        if one.proof == row.proof and _can_change(one):
            standing = [mate for mate in outbox.carried_with(tx, one) if _can_change(mate)]
            found |= {mate.incident: mate for mate in standing}
    return list(found.values())


def turns_of(tx: Connection, incident: Incident) -> list[Turn]:
    """What has happened to an incident that people should see, in order."""
    lines = audit.history(tx, incident.school, incident.id)
    return [
        Turn(line.act, line.at, line.actor)
        for line in lines
        if isinstance(line.act, Event) and line.act in _SEEN
    ]


def record(
    tx: Connection, row: OutboxRow, outcome: Outcome, now: datetime, retry_at: datetime | None
) -> None:
    """Write down what became of a change; no other channel takes it over.

    A message that somebody has deleted is no fault of the channel. Where the channel is at fault,
    the card is tried again for as long as anybody may look at it: what it says would stay wrong.

    Raises:
        LeaseLost: another sender holds the row by now.
    """
    # Which card it is has to be known at the next attempt as well.
    outcome = replace(outcome, proof=row.proof)
    if outcome.config_alarm and now < row.created_at + _PATIENCE:
        retry_at = now + _AGAIN
    leases.finish(tx, row, outcome, now, retry_at)
    if outcome.result is Result.PERMANENT and not outcome.config_alarm:
        return
    if outcome.result is Result.RETRY and outcome.retry_after is not None:
        until = now + timedelta(seconds=outcome.retry_after)
        channel_rows.rest(tx, row.channel, outcome, now, until)
    else:
        channel_rows.note(tx, row.channel, outcome, now)
