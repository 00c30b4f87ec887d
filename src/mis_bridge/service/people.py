"""What a person does with an incident: acknowledge, note, tick a step, close.

Each is one transaction of its own, beside the daemon's three: a person changes an incident, its
history gets a line with the person's name, and those who were told of a missing child hear that
somebody has closed it. The school's day is marked, so that the daemon looks at what has changed:
an acknowledgement has an end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.errors import IncidentError
from mis_bridge.incidents import actions
from mis_bridge.incidents.model import AuditEntry, MessagePlan, Outcome
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.reminders import TOO_OLD, next_reminder
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import routing, showing
from mis_bridge.store import audit, dirty, incidents, outbox, suppressed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School

__all__ = ["acknowledge", "close", "find", "keep", "note", "step_done"]


def find(tx: Connection, name: str, *, to_change: bool = False) -> Incident:
    """The incident of that reference or id.

    Args:
        tx: the transaction.
        name: reference or id.
        to_change: nobody else changes it before this transaction ends.

    Raises:
        IncidentError: there is none, or the reference means two.
    """
    try:
        incident = incidents.get(tx, name, to_change=to_change)
    except ValueError as error:
        raise IncidentError(str(error)) from error
    if incident is None:
        raise IncidentError(f"there is no incident {name}: see mis-bridge incidents list --all")
    return incident


def acknowledge(tx: Connection, name: str, who: str, now: datetime, minutes: int) -> Incident:
    """Say that somebody sees to an incident; see ``incidents.actions.acknowledge``."""
    before = find(tx, name, to_change=True)
    changed = keep(tx, *actions.acknowledge(before, who, now, minutes=minutes))
    if before.escalate_at is not None:
        suppressed.note(tx, changed, Reason.ACKNOWLEDGED, now)
    return changed


def note(tx: Connection, name: str, who: str, now: datetime, text: str) -> Incident:
    """Add a line to an incident's history; see ``incidents.actions.note``."""
    return keep(tx, *actions.note(find(tx, name, to_change=True), who, now, text))


def step_done(
    tx: Connection,
    name: str,
    who: str,
    now: datetime,
    step_id: str,
    text: str = "",
    *,
    outcome: str = "",
    pushed: str = "",
    pulled: str = "",
) -> Incident:
    """Tick a step of an incident's protocol; see ``incidents.actions.step_done``."""
    before = find(tx, name, to_change=True)
    said = {"outcome": outcome, "pushed": pushed, "pulled": pulled}
    return keep(tx, *actions.step_done(before, step_id, who, now, text, **said))


def close(
    tx: Connection,
    name: str,
    who: str,
    now: datetime,
    outcome: Outcome,
    text: str,
    *,
    schools: Mapping[str, School],
    deadlines: Deadlines,
) -> Incident:
    """Close an incident and tell those who may still be looking; see ``incidents.actions.close``.

    Args:
        tx: the transaction.
        name: reference or id.
        who: who closes it.
        now: aware.
        outcome: how it ended.
        text: what happened; stays in the history and is in no message.
        schools: by id, for the routes.
        deadlines: how long one channel may take, by severity.
    """
    before = find(tx, name, to_change=True)
    school = schools.get(before.school)
    rules = {"rules": school.rules} if school else {}
    changed = keep(tx, *actions.close(before, who, now, outcome, text, **rules))
    reason = actions.closing_reason(before, outcome, now)
    if reason is None:
        if before.active and before.told:
            suppressed.note(tx, changed, Reason.ENDED_QUIETLY, now)
        return changed
    if school is None:
        suppressed.note(tx, changed, Reason.NOT_CONFIGURED, now)
    else:
        plans = [
            MessagePlan(changed, reason, audience, changed.severity, changed.revision)
            for audience in before.told
        ]
        rows = [row for plan in plans for row in routing.expand(tx, plan, school, now, deadlines)]
        outbox.insert(tx, rows)
    return changed


def keep(tx: Connection, changed: Incident, line: AuditEntry) -> Incident:
    """Store what a person has changed, with its line of the history, and have it looked at."""
    incidents.save(tx, [changed])
    audit.append(tx, changed.school, [line])
    showing.plan(tx, [changed], [line])
    today = line.at.astimezone(LONDON).date()
    days = [today]
    if not changed.active and next_reminder(changed, line.at, IncidentRules()):
        # Of what has ended only its own day is looked at; older sheets are gone, and say nothing.
        days += [changed.day] if today - changed.day < TOO_OLD else []
    dirty.mark(tx, changed.school, days, line.at)
    return changed
