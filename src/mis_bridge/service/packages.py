"""A package for the Local Authority is prepared, and a person is asked to look at it.

Nothing leaves for the authority here: a named person approves the package first
(``mis-bridge notify approve``), then it goes out by the route of the audience ``authority``.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.model import MessagePlan
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.service import routing
from mis_bridge.store import notifications, pupils, strips
from mis_bridge.store.notifications import File, Notification
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import PackagePlan
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["notification_id", "prepare"]

DECIDE_WITHIN: Final = timedelta(days=10)
"""A package that nobody decided on for so long is out of date: it is made anew when asked for."""


def notification_id(incident: str, kind: str) -> str:
    """The same incident and kind always give the same package: 64 hexadecimal digits."""
    return hashlib.sha256(f"notification/{incident}/{kind}".encode()).hexdigest()


def prepare(
    tx: Connection, plan: PackagePlan, school: School, now: datetime, deadlines: Deadlines
) -> list[OutboxRow]:
    """Make a package once and ask the attendance officer to look at it.

    Returns:
        Rows of the outbox that say that it is ready; none where it was made before.
    """
    from mis_bridge.documents import render
    from mis_bridge.messages.package import package_for

    incident = plan.incident
    identity = notification_id(incident.id, plan.kind)
    if notifications.get(tx, school.id, identity):
        return []
    record = pupils.load(tx, school.id).get(incident.pupil)
    year = AcademicYear.of(incident.day)
    strip = strips.load(tx, school.id, year).get(incident.pupil)
    data = package_for(plan.kind, incident, record, strip, school_name=school.name, now=now)
    notifications.insert(
        tx,
        Notification(
            school=school.id,
            id=identity,
            incident=incident.id,
            kind=plan.kind,
            data=data.to_json(),
            created_at=now,
            expires_at=now + DECIDE_WITHIN,
        ),
        [File(file.name, file.content_type, file.content) for file in render(data)],
    )
    ready = MessagePlan(
        incident, Reason.PACKAGE_READY, Audience.ATTENDANCE, incident.severity, incident.revision
    )
    return routing.expand(tx, ready, school, now, deadlines)
