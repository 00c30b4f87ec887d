"""A person asks for a package that no trigger asks for, or that needs a person's own words.

Each request is an incident of its own family: so it has a reference, a history and a place in the
lists. It is closed with the decision on its package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.errors import PackageRefused
from mis_bridge.incidents import ids
from mis_bridge.incidents.families import ASKED_FOR
from mis_bridge.incidents.model import AuditEntry, Event, Incident, PackagePlan, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.said import named
from mis_bridge.messages.package_kinds import KINDS
from mis_bridge.registers.calendar import LONDON, AcademicYear
from mis_bridge.service import packages
from mis_bridge.store import audit, incidents, notifications, outbox, pupils
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import Connection

    from mis_bridge.service.package_facts import Given
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.notifications import Notification

__all__ = ["prepare_about_incident", "prepare_about_pupil", "prepare_about_school"]

_ONCE_AN_EPISODE = {"attendance_return": "ten_day_absence"}
"""Kinds that the registers ask for themselves: the family of the incident that has the package."""


def prepare_about_incident(
    tx: Connection,
    kind: str,
    incident: Incident,
    school: School,
    who: str,
    now: datetime,
    deadlines: Deadlines,
    given: Given,
) -> Notification:
    """Prepare a package about an incident; one that waits is replaced by the new version.

    Raises:
        PackageRefused: the form is the wrong one here, or the last version was approved or sent.
    """
    who = named(who, "say who asks for it: the history needs a person")
    _, last = packages.latest(tx, incident, kind)
    if last and last.state == "pending":
        notifications.decide(
            tx, last, approve=False, by=who, why="Replaced by a new version.", now=now
        )
    plan = PackagePlan(incident, kind)
    rows = packages.prepare(tx, plan, school, now, deadlines, again=last is not None, given=given)
    outbox.insert(tx, rows)
    version, made = packages.latest(tx, incident, kind)
    if made is None:
        raise PackageRefused("the package was not made: try again")
    body = f"Prepared: {KINDS[kind].title}, version {version}."
    line = AuditEntry(now, who, incident.id, Event.NOTED, Reason.PACKAGE_READY, body)
    audit.append(tx, school.id, [line])
    return made


def prepare_about_pupil(
    tx: Connection,
    kind: str,
    pupil: str,
    school: School,
    who: str,
    now: datetime,
    deadlines: Deadlines,
    given: Given,
) -> Notification:
    """Prepare a package about a pupil, called by the MIS's id or by UPN.

    Raises:
        PackageRefused: no such pupil, or two of them; a kind about the whole school or about an
            incident; and as ``prepare_about_incident``.
    """
    if KINDS[kind].whole_school:
        raise PackageRefused(f"{kind} is about the whole school: leave the pupil out")
    found = pupils.called(tx, school.id, pupil)
    if not found:
        raise PackageRefused(f"{school.id} has no pupil of this id or UPN")
    if len(found) > 1:
        raise PackageRefused(
            f"{len(found)} pupils of {school.id} have this UPN: have it corrected in the MIS, and "
            "name the pupil by the MIS's id"
        )
    incident = _episode(tx, kind, found[0], school, now) or _request(
        tx, kind, found[0], school, who, now, str(now.astimezone(LONDON).date()), {}
    )
    return prepare_about_incident(tx, kind, incident, school, who, now, deadlines, given)


def prepare_about_school(
    tx: Connection,
    kind: str,
    first: date | None,
    last: date | None,
    school: School,
    who: str,
    now: datetime,
    deadlines: Deadlines,
    given: Given,
) -> Notification:
    """Prepare a report about many pupils, for a span of one academic year.

    Args:
        tx: the transaction.
        kind: of ``KINDS``, about the whole school.
        first: first day, None for the beginning of the school year.
        last: last day, None for today.
        school: whose.
        who: who asks for it.
        now: aware.
        deadlines: how long one channel may take, by severity.
        given: what a person adds.

    Raises:
        PackageRefused: a kind about one pupil, a span that makes no sense; and as
            ``prepare_about_incident``.
    """
    if not KINDS[kind].whole_school:
        raise PackageRefused(f"{kind} is about one pupil: name an incident, or --pupil")
    last = last or now.astimezone(LONDON).date()
    year = AcademicYear.of(last)
    begins = school.calendar.first_day
    first = first or (begins if begins in year and begins <= last else year.first)
    if first > last or first not in year:
        raise PackageRefused(
            "the span begins after it ends, or goes over two academic years (1 August to 31 July)"
        )
    facts: dict[str, int | str] = {"from": first.isoformat(), "to": last.isoformat()}
    key = f"{first.isoformat()}/{last.isoformat()}"
    incident = _request(tx, kind, "", school, who, now, key, facts)
    return prepare_about_incident(tx, kind, incident, school, who, now, deadlines, given)


def _episode(
    tx: Connection, kind: str, pupil: str, school: School, now: datetime
) -> Incident | None:
    """The incident that the registers raised and that this package belongs to, if there is one."""
    family = _ONCE_AN_EPISODE.get(kind)
    today = now.astimezone(LONDON).date()
    return next(
        (
            incident
            for incident in incidents.known(tx, school.id, today, today)
            if incident.active and incident.family == family and incident.pupil == pupil
        ),
        None,
    )


def _request(
    tx: Connection,
    kind: str,
    pupil: str,
    school: School,
    who: str,
    now: datetime,
    what: str,
    facts: dict[str, int | str],
) -> Incident:
    """The incident of a request; the same request has the same one."""
    key = f"{kind}/{what}"
    identity = ids.incident_id(school.id, ASKED_FOR.id, pupil, key)
    if known := incidents.one(tx, school.id, identity):
        return known
    title = KINDS[kind].title
    incident = Incident(
        id=identity,
        reference=ids.reference(identity),
        school=school.id,
        pupil=pupil,
        family=ASKED_FOR.id,
        key=key,
        state=State.OPEN,
        level=1,
        trigger=ASKED_FOR.id,
        severity=Severity.NORMAL,
        audience=(Audience.ATTENDANCE,),
        told=(),
        opened_at=now,
        updated_at=now,
        revision=1,
        day=now.astimezone(LONDON).date(),
        slot="",
        sentence=f"A person asked for a package: {title}.",
        facts={"package": kind, **facts},
    )
    incidents.save(tx, [incident])
    line = AuditEntry(now, who, identity, Event.RAISED, "", incident.sentence)
    audit.append(tx, school.id, [line])
    return incident
