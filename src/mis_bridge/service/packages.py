"""A package for the Local Authority is prepared, and a person is asked to look at it.

Nothing leaves for the authority here: a named person approves the package first
(``mis-bridge notify approve``), then it goes out by the route of the audience ``authority``.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.documents.json_file import render_json
from mis_bridge.errors import PackageRefused
from mis_bridge.incidents.model import MessagePlan
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.absence_period import absence_period
from mis_bridge.messages.package import (
    Enquiry,
    PackagePupil,
    PackageSchool,
    attendance_return,
    cme_notification,
)
from mis_bridge.registers.calendar import LONDON, AcademicYear
from mis_bridge.service import routing
from mis_bridge.store import incidents, notifications, outbox, pupils, strips, suppressed
from mis_bridge.store.notifications import File, Notification
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident, PackagePlan
    from mis_bridge.messages.package import PackageData
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["expire", "latest", "notification_id", "package_data", "prepare", "refuse_on_roll"]

DECIDE_WITHIN: Final = timedelta(days=10)
"""A package that nobody decided on for so long is out of date: it is made anew when asked for."""

_FORMS = {"attendance_return": attendance_return, "cme": cme_notification}
_OVER = frozenset({"rejected", "expired"})


def notification_id(incident: str, kind: str, version: int = 1) -> str:
    """The same incident, kind and version always give the same package: 64 hexadecimal digits."""
    number = f"/{version}" if version > 1 else ""
    return hashlib.sha256(f"notification/{incident}/{kind}{number}".encode()).hexdigest()


def latest(tx: Connection, incident: Incident, kind: str) -> tuple[int, Notification | None]:
    """The last version of a package and the package; 0 and None where none was made."""
    version, found = 0, None
    while package := notifications.get(
        tx, incident.school, notification_id(incident.id, kind, version + 1)
    ):
        version, found = version + 1, package
    return version, found


def prepare(
    tx: Connection,
    plan: PackagePlan,
    school: School,
    now: datetime,
    deadlines: Deadlines,
    *,
    again: bool = False,
) -> list[OutboxRow]:
    """Make a package once and ask the attendance officer to look at it.

    Args:
        tx: the transaction.
        plan: for which incident, of which kind.
        school: whose.
        now: aware.
        deadlines: how long one channel may take, by severity.
        again: a person asks for another version after the last was rejected or has expired.

    Returns:
        Rows of the outbox that say that it is ready; none where it was made before.

    Raises:
        PackageRefused: the form is the wrong one for this pupil, or the last version still counts.
    """
    # The PDF library is heavy, and most days ask for no package.
    from mis_bridge.documents.render import render

    incident = plan.incident
    version, last = latest(tx, incident, plan.kind)
    if last and not again:
        return []
    if last and last.state not in _OVER:
        raise PackageRefused(
            f"the package of {incident.reference} is {last.state}: only one that was rejected or "
            "has expired is made anew"
        )
    identity = notification_id(incident.id, plan.kind, version + 1)
    data = package_data(tx, incident, plan.kind, school, now, version=version + 1)
    notifications.insert(
        tx,
        Notification(
            school=school.id,
            id=identity,
            incident=incident.id,
            kind=plan.kind,
            data=render_json(data).decode(),
            created_at=now,
            expires_at=now + DECIDE_WITHIN,
        ),
        [File(file.name, file.content_type, file.content) for file in render(data)],
    )
    ready = MessagePlan(
        incident, Reason.PACKAGE_READY, Audience.ATTENDANCE, incident.severity, incident.revision
    )
    return routing.expand(tx, ready, school, now, deadlines, notification=identity)


def refuse_on_roll(tx: Connection, incident: Incident, kind: str, now: datetime) -> None:
    """Stop a CME notification of a child who is on roll by now.

    Raises:
        PackageRefused: CME means on no school's roll, and the MIS says that the child is on one.
    """
    if kind != "cme":
        return
    record = pupils.one(tx, incident.school, incident.pupil)
    if record and (record.leaving is None or record.leaving >= now.astimezone(LONDON).date()):
        raise PackageRefused(
            "the child is on roll again, and children on roll are not CME: reject this package"
        )


def package_data(
    tx: Connection,
    incident: Incident,
    kind: str,
    school: School,
    now: datetime,
    *,
    version: int = 1,
) -> PackageData:
    """Gather what the registers and the history of the incident say for a form.

    Raises:
        PackageRefused: the form is the wrong one for this pupil.
    """
    record = pupils.one(tx, school.id, incident.pupil)
    year = AcademicYear.of(incident.day)
    strip = strips.one(tx, school.id, year, incident.pupil)
    facts = incident.facts
    days = facts.get("days")
    absence = absence_period(
        strip,
        _day(facts.get("first_day")),
        _day(facts.get("last_day")),
        int(days) if days is not None else None,
    )
    if not school.presence:
        # Of a year without the sessions that were attended there is nothing to count.
        absence = replace(absence, counts=None)
    return _FORMS[kind](
        reference=incident.reference,
        pupil=PackagePupil(
            upn=record.upn,
            surname=record.surname,
            forename=record.forename,
            dob=record.dob,
            sex=record.sex,
            year_group=record.year_group,
            form=record.form,
            admission=record.admission,
            leaving=record.leaving,
            destination=record.destination,
            flags=record.flags,
        )
        if record
        else PackagePupil(),
        school=PackageSchool(name=school.name, urn=school.urn),
        absence=absence,
        prepared_at=now,
        authority_name=school.authority_name,
        enquiries=[
            Enquiry(step.done_at, step.done_by, f"{step.text} {step.note}".strip())
            for step in incident.steps
            if step.done_at
        ],
        version=version,
    )


def _day(value: int | str | None) -> date | None:
    return date.fromisoformat(str(value)) if value else None


def expire(
    tx: Connection, now: datetime, schools: Mapping[str, School], deadlines: Deadlines
) -> int:
    """Packages that nobody decided on in time expire, and the attendance officer is told.

    Returns:
        How many expired now.
    """
    late = notifications.expire(tx, now)
    for package in late:
        incident = incidents.one(tx, package.school, package.incident)
        school = schools.get(package.school)
        if incident is None:
            continue
        if school is None:
            suppressed.note(tx, incident, Reason.NOT_CONFIGURED, now)
            continue
        plan = MessagePlan(
            incident,
            Reason.PACKAGE_EXPIRED,
            Audience.ATTENDANCE,
            incident.severity,
            incident.revision,
        )
        rows = routing.expand(tx, plan, school, now, deadlines, notification=package.id)
        outbox.insert(tx, rows)
    return len(late)
