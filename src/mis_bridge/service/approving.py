"""What a person does with a package: approve it, reject it, say that it was brought by hand.

Each is one transaction of its own, beside the daemon's three. Nothing goes to the authority
without the first; each has a line with the person's name in the history of the package's incident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.errors import PackageRefused
from mis_bridge.incidents import actions
from mis_bridge.incidents.families import ASKED_FOR
from mis_bridge.incidents.model import AuditEntry, Event, MessagePlan, Outcome
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.said import named, worded
from mis_bridge.messages.package_kinds import KINDS
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import packages, routing
from mis_bridge.service.people import find, keep
from mis_bridge.store import audit, notifications, outbox, pupils, suppressed
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.notifications import File, Notification

__all__ = ["AUTHORITY", "LONGEST_REFERENCE", "approve", "done", "package_of", "reject"]

LONGEST_REFERENCE: Final = 100

AUTHORITY: Final = "authority"
"""The audience whose route leads to the Local Authority; nothing takes it without an approval."""

_BY_A_PERSON: Final = "a package is approved or rejected by a named person: say who"

_GET_A_COPY: Final = ("designated_teacher", "virtual_school")
"""Who gets a copy of what goes to the authority about a looked-after child."""

_TO: Final = {
    AUTHORITY: "the Local Authority",
    "designated_teacher": "the designated teacher or the virtual school",
}


def package_of(tx: Connection, name: str, kind: str = "") -> tuple[Incident, Notification]:
    """The incident of that name and the last version of its package.

    Args:
        tx: the transaction.
        name: reference or id.
        kind: which package; empty: the incident's only one, or the only one that waits.

    Raises:
        IncidentError: there is no such incident.
        PackageRefused: it has no such package, or several and none was named.
    """
    incident = find(tx, name)
    made = notifications.of_incident(tx, incident.school, incident.id)
    kinds = {one.kind for one in made if not kind or one.kind == kind}
    # Of each its last version: two may have been made at the same moment.
    last = {one: package for one in kinds if (package := packages.latest(tx, incident, one)[1])}
    if len(last) > 1:
        last = {key: one for key, one in last.items() if one.state == "pending"} or last
    if len(last) > 1:
        kinds_left = ", ".join(sorted(last))
        raise PackageRefused(
            f"{incident.reference} has several packages: name one with --kind, of {kinds_left}"
        )
    if not last:
        which = f" {kind}" if kind else ""
        raise PackageRefused(
            f"{incident.reference} has no{which} package: prepare it with mis-bridge notify prepare"
        )
    return incident, next(iter(last.values()))


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
    looked_at: Notification | None = None,
    files: Sequence[File] = (),
) -> Notification:
    """A named person approves a package; it is put in the outbox by its kind's routes.

    A kind that no route takes is for a person: its files are kept, and nothing is sent.

    Args:
        tx: the transaction.
        name: reference or id of the incident.
        kind: which package; empty: the incident's only one.
        who: who approves it.
        why: a remark, or empty.
        now: aware.
        schools: by id, for the routes.
        deadlines: how long one channel may take, by severity.
        looked_at: the version that the person has seen; another one is not approved for it.
        files: its files as ``packages.drawn`` gave them, so that nothing waits for them here.

    Raises:
        IncidentError, PackageRefused: no such package, it was decided already, a newer version was
            made, the child is on roll and the package says otherwise, the school is not
            configured, or no route leads to whom it is for.
    """
    who, why = named(who, _BY_A_PERSON), worded(why, "the reason")
    incident, package = package_of(tx, name, kind)
    if looked_at and looked_at.id != package.id:
        raise PackageRefused("a newer version was prepared meanwhile: look at that one first")
    school = schools.get(incident.school)
    if school is None:
        raise PackageRefused(f"school {incident.school} is not configured any more")
    audiences = KINDS[package.kind].audiences if package.kind in KINDS else (AUTHORITY,)
    today = now.astimezone(LONDON).date()
    routes = {audience: school.route_to(audience, today) for audience in audiences}
    routes = {audience: route for audience, route in routes.items() if route}
    if audiences and not routes:
        raise PackageRefused(
            f"no route leads to {_TO[audiences[0]]}: name a channel in [routes] {audiences[0]}"
        )
    packages.refuse_on_roll(tx, incident, package.kind, now)
    if lacking := packages.refused_without(package):
        raise PackageRefused(
            f"the authority refuses this form without {', '.join(lacking)}: prepare it again with "
            "the answers, mis-bridge notify prepare --answers"
        )
    incident = _decide(tx, incident, package, approved=True, who=who, why=why, now=now)
    notifications.freeze(tx, package, files or packages.drawn(package))
    copies = _copies(tx, incident, package, school, who, now)
    rows = [
        routing.row_for(
            incident,
            Reason.PACKAGE_APPROVED,
            audience,
            route[0],
            tuple(route[1:]),
            now,
            deadlines,
            revision=incident.revision,
            notification=package.id,
        )
        for audience, route in (*routes.items(), *copies)
    ]
    outbox.insert(tx, rows)
    return package


def _copies(
    tx: Connection,
    incident: Incident,
    package: Notification,
    school: School,
    who: str,
    now: datetime,
) -> list[tuple[str, tuple[str, ...]]]:
    """Who else gets what goes to the authority about a looked-after child, with their routes.

    Where none is configured, the history says that a person has to give them a copy.
    """
    known = pupils.remembered(tx, incident.school, incident.pupil) if incident.pupil else None
    if known is None or "lac" not in known[0].flags:
        return []
    if package.kind in KINDS and AUTHORITY not in KINDS[package.kind].audiences:
        return []
    today = now.astimezone(LONDON).date()
    found = [(audience, school.route_to(audience, today)) for audience in _GET_A_COPY]
    unreached = [audience.replace("_", " ") for audience, route in found if not route]
    if unreached:
        body = f"Looked-after child: no route leads to the {' or the '.join(unreached)}. Give them "
        line = AuditEntry(now, who, incident.id, Event.NOTED, Reason.NO_ROUTE, f"{body}a copy.")
        audit.append(tx, incident.school, [line])
    return [(audience, route) for audience, route in found if route]


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
    who, why = named(who, _BY_A_PERSON), worded(why, "the reason")
    incident, package = package_of(tx, name, kind)
    if not why:
        raise PackageRefused("say why it is rejected: the next person will ask")
    incident = _decide(tx, incident, package, approved=False, who=who, why=why, now=now)
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


def done(
    tx: Connection, name: str, kind: str, who: str, reference: str, now: datetime
) -> Notification:
    """A person has brought a package to the authority by hand, and says under which reference.

    Nobody is reminded any more, and no channel sends it. The reference is what the portal gave; it
    stays with the package and in the incident's history, with the person's name.

    Raises:
        IncidentError, PackageRefused: no such package, nobody has approved it, it has reached the
            authority already, or nobody or no reference is named.
    """
    incident, package = package_of(tx, name, kind)
    who = named(who, "say who has brought it to the authority")
    reference = " ".join(reference.split())
    if not reference or len(reference) > LONGEST_REFERENCE or not reference.isprintable():
        raise PackageRefused(
            "write down the reference that the portal gave, in one line of at most "
            f"{LONGEST_REFERENCE} characters; where it gave none, say so in words"
        )
    if package.state == "pending":
        raise PackageRefused("nobody has approved this package yet: mis-bridge notify approve")
    if not notifications.done(tx, package, f"reference {reference}, brought by {who}", now):
        proof = f": {package.proof}" if package.proof else ""
        raise PackageRefused(f"this package is {package.state} already{proof}")
    body = f"Brought to the authority: {package.kind.replace('_', ' ')}. Reference {reference}."
    line = AuditEntry(now, who, incident.id, Event.NOTED, Reason.PACKAGE_TO_UPLOAD, body)
    audit.append(tx, incident.school, [line])
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
) -> Incident:
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
    if incident.family != ASKED_FOR.id or not incident.active:
        return incident
    # What a person asked for is dealt with by the decision on it.
    return keep(tx, *actions.close(incident, who, now, Outcome.DEALT_WITH, f"{verdict}."))
