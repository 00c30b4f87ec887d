"""What a person does: acknowledge, note, tick a step, close; approve or reject a package.

Each is one transaction of its own, beside the daemon's three: a person changes an incident, its
history gets a line with the person's name, and those who were told of a missing child hear that
somebody has closed it. The school's day is marked, so that the daemon looks at what has changed:
an acknowledgement has an end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.errors import IncidentError, PackageRefused
from mis_bridge.incidents import actions
from mis_bridge.incidents.model import AuditEntry, Event, MessagePlan
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import packages, routing
from mis_bridge.store import audit, dirty, incidents, notifications, outbox, suppressed
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident, Outcome
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.notifications import Notification

__all__ = [
    "AUTHORITY",
    "acknowledge",
    "approve",
    "close",
    "find",
    "note",
    "package_of",
    "reject",
    "step_done",
]

AUTHORITY = "authority"
"""The audience whose route leads to the Local Authority; nothing takes it without an approval."""


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
    changed = _keep(tx, *actions.acknowledge(before, who, now, minutes=minutes))
    if before.escalate_at is not None:
        suppressed.note(tx, changed, Reason.ACKNOWLEDGED, now)
    return changed


def note(tx: Connection, name: str, who: str, now: datetime, text: str) -> Incident:
    """Add a line to an incident's history; see ``incidents.actions.note``."""
    return _keep(tx, *actions.note(find(tx, name, to_change=True), who, now, text))


def step_done(
    tx: Connection, name: str, who: str, now: datetime, step_id: str, text: str
) -> Incident:
    """Tick a step of an incident's protocol; see ``incidents.actions.step_done``."""
    return _keep(tx, *actions.step_done(find(tx, name, to_change=True), step_id, who, now, text))


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
    changed = _keep(tx, *actions.close(before, who, now, outcome, text))
    reason = actions.closing_reason(before, outcome)
    school = schools.get(changed.school)
    if reason is None:
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


def _keep(tx: Connection, changed: Incident, line: AuditEntry) -> Incident:
    incidents.save(tx, [changed])
    audit.append(tx, changed.school, [line])
    dirty.mark(tx, changed.school, [line.at.astimezone(LONDON).date()], line.at)
    return changed


def package_of(tx: Connection, name: str, kind: str) -> tuple[Incident, Notification]:
    """The incident of that name and the last version of its package.

    Raises:
        IncidentError: there is no such incident.
        PackageRefused: it has no such package.
    """
    incident = find(tx, name)
    _, package = packages.latest(tx, incident, kind)
    if package is None:
        raise PackageRefused(
            f"{incident.reference} has no {kind} package: prepare it with mis-bridge notify package"
        )
    return incident, package


def approve(
    tx: Connection,
    name: str,
    kind: str,
    who: str,
    why: str,
    now: datetime,
    *,
    schools: Mapping[str, School],
    deadlines: Deadlines,
) -> Notification:
    """A named person approves a package; it is put in the outbox by the authority's route.

    Raises:
        IncidentError, PackageRefused: no such package, it was decided already, the child is on
            roll and the package says otherwise, the school is not configured, or no route leads to
            the authority.
    """
    incident, package = package_of(tx, name, kind)
    school = schools.get(incident.school)
    if school is None:
        raise PackageRefused(f"school {incident.school} is not configured any more")
    route = school.routes.get(AUTHORITY, ())
    if not route:
        raise PackageRefused(
            "no route leads to the Local Authority: name a channel in [routes] authority"
        )
    packages.refuse_on_roll(tx, incident, kind, now)
    _decide(tx, incident, package, approved=True, who=who, why=why, now=now)
    first, *rest = route
    row = routing.row_for(
        incident,
        Reason.PACKAGE_APPROVED,
        AUTHORITY,
        first,
        tuple(rest),
        now,
        deadlines,
        revision=incident.revision,
        notification=package.id,
    )
    outbox.insert(tx, [row])
    return package


def reject(
    tx: Connection,
    name: str,
    kind: str,
    who: str,
    why: str,
    now: datetime,
    *,
    schools: Mapping[str, School],
    deadlines: Deadlines,
) -> Notification:
    """A named person rejects a package, and says why; nothing is sent to the authority.

    Whoever was asked to look at it is told that it is rejected. Why stays in the history: what a
    person writes may hold a name.

    Raises:
        IncidentError, PackageRefused: no such package, or it was decided already.
    """
    incident, package = package_of(tx, name, kind)
    if not why.strip():
        raise PackageRefused("say why it is rejected: the next person will ask")
    _decide(tx, incident, package, approved=False, who=who, why=why, now=now)
    school = schools.get(incident.school)
    if school is None:
        suppressed.note(tx, incident, Reason.NOT_CONFIGURED, now)
        return package
    plan = MessagePlan(
        incident, Reason.PACKAGE_REJECTED, Audience.ATTENDANCE, incident.severity, incident.revision
    )
    rows = routing.expand(tx, plan, school, now, deadlines, notification=package.id)
    outbox.insert(tx, rows)
    return package


def _decide(
    tx: Connection,
    incident: Incident,
    package: Notification,
    *,
    approved: bool,
    who: str,
    why: str,
    now: datetime,
) -> None:
    try:
        done = notifications.decide(tx, package, approve=approved, by=who, why=why, now=now)
    except ValueError as error:
        raise PackageRefused(str(error)) from error
    if not done:
        raise PackageRefused(f"this package is {package.state} already")
    verdict = "Approved" if approved else "Rejected"
    reason = Reason.PACKAGE_APPROVED if approved else Reason.PACKAGE_REJECTED
    body = f"{verdict}: {package.kind.replace('_', ' ')}. {why}".strip()
    audit.append(
        tx, incident.school, [AuditEntry(now, who, incident.id, Event.NOTED, reason, body)]
    )
