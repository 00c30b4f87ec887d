"""Cards that a bot has posted are changed when their incident moves on.

A card that says "missing" under a conversation in which somebody has long answered costs people
time, and at worst they search for a child who is back. So whenever an incident takes a turn that
people should see, each message that can be changed gets one row in the outbox that changes it. That
rings nobody: whoever has to be told is told by a message of its own, as before.

Which message such a row changes follows from its id, as everything in the outbox does.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import is_editable
from mis_bridge.channels.outcome import Result
from mis_bridge.incidents.ids import outbox_id
from mis_bridge.incidents.model import Event
from mis_bridge.incidents.reasons import ASKS, Reason
from mis_bridge.messages.anew import Turn
from mis_bridge.store import audit, channel_use, incidents, outbox
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
    """Have every card of an incident changed that can be."""
    outbox.insert(
        tx,
        [
            _change_of(row, incident, now)
            for row in outbox.of_incident(tx, incident.school, incident.id)
            if _can_change(tx, row)
        ],
    )


def catch_up(tx: Connection, row: OutboxRow, proof: str, now: datetime) -> None:
    """Have a card changed whose incident has moved on while it was being posted.

    Args:
        tx: the transaction.
        row: the message that was posted, as it was leased.
        proof: that it was.
        now: aware.
    """
    incident = incidents.one(tx, row.school, row.incident)
    began = [one.started_at for one in outbox.attempts_of(tx, row)]
    posted = outbox.get(tx, row.school, row.id)
    if incident is None or posted is None or not is_editable(proof) or not began:
        return
    if _can_change(tx, posted) and incident.updated_at > began[-1]:
        outbox.insert(tx, [_change_of(posted, incident, now)])


def _can_change(tx: Connection, row: OutboxRow) -> bool:
    told = row.reason in _CHANGED and row.state in _STANDS and is_editable(row.proof)
    # A card that speaks of several incidents is not made one of a single one.
    return told and channel_use.speaks_of_one(tx, row)


def _change_of(row: OutboxRow, incident: Incident, now: datetime) -> OutboxRow:
    return OutboxRow(
        school=row.school,
        id=_id_of_change(row, incident.revision),
        incident=row.incident,
        reason=Reason.SHOWN_ANEW,
        channel=row.channel,
        audience=row.audience,
        severity=Severity.LOW,  # after everything that rings
        revision=incident.revision,
        due_at=now,
        created_at=now,
        deadline_at=now + _PATIENCE,
    )


def _id_of_change(row: OutboxRow, revision: int) -> str:
    return outbox_id(row.id, Reason.SHOWN_ANEW, row.audience, row.channel, revision)


def shown_by(tx: Connection, row: OutboxRow) -> OutboxRow | None:
    """Find the message that a row changes; None where it needs no change by this row any more.

    That is so where a later row changes the same message: each shows the incident as it stands.
    """
    others = outbox.of_incident(tx, row.school, row.incident)
    original = next(
        (
            one
            for one in others
            if _id_of_change(one, row.revision) == row.id and _can_change(tx, one)
        ),
        None,
    )
    if original is None:
        return None
    later = {_id_of_change(original, one.revision) for one in others if one.revision > row.revision}
    return None if any(one.id in later for one in others) else original


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

    A message that somebody has deleted is no fault of the channel.

    Raises:
        LeaseLost: another sender holds the row by now.
    """
    outbox.finish(tx, row, outcome, now, retry_at)
    if outcome.result is Result.PERMANENT and not outcome.config_alarm:
        return
    if outcome.result is Result.RETRY and outcome.retry_after is not None:
        until = now + timedelta(seconds=outcome.retry_after)
        channel_rows.rest(tx, row.channel, outcome, now, until)
    else:
        channel_rows.note(tx, row.channel, outcome, now)
