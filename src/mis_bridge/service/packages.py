"""A package for the Local Authority is prepared, and a person is asked to look at it.

Nothing leaves for the authority here: a named person approves the package first
(``mis-bridge notify approve``), then it goes out by the route of its kind's audiences.

What is stored when it is prepared is its data alone. The files are drawn from that whenever
somebody looks at them, and kept as they are when it is approved: drawing takes long, and the
transaction that raises alarms must not wait for it.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.documents.json_file import read_json, render_json
from mis_bridge.errors import DateOutsideYear, PackageRefused
from mis_bridge.incidents import actions
from mis_bridge.incidents.families import ASKED_FOR
from mis_bridge.incidents.model import DAEMON, AuditEntry, Event, MessagePlan
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.times import day_name
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import routing
from mis_bridge.service.kept_answers import Kept, kept_text, merged, of_package, what_was_kept
from mis_bridge.service.package_facts import Given, earlier_package, package_data
from mis_bridge.store import audit, incidents, notifications, outbox, pupils, suppressed
from mis_bridge.store.notifications import File, Notification
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident, PackagePlan
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.outbox import OutboxRow

__all__ = [
    "drawn",
    "expire",
    "files_of",
    "kept",
    "latest",
    "notification_id",
    "prepare",
    "prepare_planned",
    "refuse_on_roll",
    "refused_without",
    "remind",
]

DECIDE_WITHIN: Final = timedelta(days=10)
"""A package that nobody decided on for so long is out of date: it is made anew when asked for."""

REMIND_WITHIN: Final = timedelta(days=7)
"""In holidays too somebody is reminded, once a week: the authority waits for the package."""

_OVER = frozenset({"rejected", "expired", "refused"})
_ONCE_AN_EPISODE = frozenset({"attendance_return", "sickness_return"})
_NEVER_ON_ROLL = frozenset({"cme", "ctf_data"})


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


def kept(tx: Connection, incident: Incident, kind: str, given: Given) -> Kept:
    """What the last version of a package has of what a person added to the one before it.

    Args:
        tx: the transaction.
        incident: whose package.
        kind: of ``KINDS``.
        given: what was given anew.
    """
    version, last = latest(tx, incident, kind)
    before = notification_id(incident.id, kind, version - 1)
    earlier = notifications.get(tx, incident.school, before) if version > 1 else None
    return what_was_kept(earlier, last, given) if earlier and last else Kept()


def drawn(package: Notification) -> list[File]:
    """Draw the files of a package from its data; the same data gives the same bytes."""
    # The PDF library is heavy, and most days ask for no package.
    from mis_bridge.documents.render import render

    return [
        File(file.name, file.content_type, file.content) for file in render(read_json(package.data))
    ]


def refused_without(package: Notification) -> list[str]:
    """The missing fields without which the authority refuses the form."""
    return [f.key for f in read_json(package.data).missing if f.refused_without]


def files_of(tx: Connection, package: Notification) -> list[File]:
    """The files as they were approved, or none yet: then see ``drawn``."""
    return notifications.files(tx, package.school, package.id)


def prepare(
    tx: Connection,
    plan: PackagePlan,
    school: School,
    now: datetime,
    deadlines: Deadlines,
    *,
    again: bool = False,
    given: Given | None = None,
) -> list[OutboxRow]:
    """Make a package once and ask the attendance officer to look at it.

    Args:
        tx: the transaction.
        plan: for which incident, of which kind.
        school: whose.
        now: aware.
        deadlines: how long one channel may take, by severity.
        again: a person asks for another version after the last was rejected or has expired.
        given: what a person adds; what was added to the last version stays where it is not given
            anew.

    Returns:
        Rows of the outbox that say that it is ready; none where it was made before.

    Raises:
        PackageRefused: the form is the wrong one for this pupil, or the last version still counts.
    """
    incident = plan.incident
    version, last = latest(tx, incident, plan.kind)
    if last and not again:
        return []
    if last and last.state not in _OVER:
        raise PackageRefused(
            f"the package of {incident.reference} is {last.state}: only one that was rejected or "
            "refused, or has expired, is made anew"
        )
    identity = notification_id(incident.id, plan.kind, version + 1)
    given = given or Given()
    if last:
        given = merged(of_package(last), given)
    data = package_data(tx, incident, plan.kind, school, now, version=version + 1, given=given)
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
            given=kept_text(given, data, about_many=not incident.pupil),
        ),
    )
    ready = MessagePlan(
        incident, Reason.PACKAGE_READY, Audience.ATTENDANCE, incident.severity, incident.revision
    )
    return routing.expand(tx, ready, school, now, deadlines, notification=identity)


def prepare_planned(
    tx: Connection, plan: PackagePlan, school: School, now: datetime, deadlines: Deadlines
) -> list[OutboxRow]:
    """Make a package that a trigger asks for; why there is none stands in the incident's history.

    Arguments and result as ``prepare``. A form that does not fit the pupil stops no alarm. Of an
    episode of which a person has sent a return already there is no second one.
    """
    try:
        if plan.kind in _ONCE_AN_EPISODE:
            _refuse_second(tx, plan)
        return prepare(tx, plan, school, now, deadlines)
    except PackageRefused as refused:
        body = f"No package was prepared: {refused}."
        line = AuditEntry(now, DAEMON, plan.incident.id, Event.NOTED, "", body)
        audit.append(tx, plan.incident.school, [line])
        return []


def _refuse_second(tx: Connection, plan: PackagePlan) -> None:
    first = plan.incident.facts.get("first_day")
    day = earlier_package(
        tx, plan.incident, plan.kind, date.fromisoformat(str(first)) if first else None
    )
    if day:
        raise PackageRefused(f"a return on this absence was made on {day_name(day, year=True)}")


def refuse_on_roll(tx: Connection, incident: Incident, kind: str, now: datetime) -> None:
    """Stop what is only for a child on no roll, where the child is on one by now.

    Raises:
        PackageRefused: CME means on no school's roll, and the MIS says that the child is on one.
    """
    if kind not in _NEVER_ON_ROLL:
        return
    record = pupils.one(tx, incident.school, incident.pupil)
    if record and (record.leaving is None or record.leaving >= now.astimezone(LONDON).date()):
        raise PackageRefused(
            "the child is on roll again, and children on roll are not CME: reject this package"
        )


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
        incident = _over(tx, incident, now)
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


def _over(tx: Connection, incident: Incident, now: datetime) -> Incident:
    """A person's own request is over with its package; another version opens nothing again."""
    if incident.family != ASKED_FOR.id or not incident.active:
        return incident
    changed, line = actions.close_unanswered(incident, now)
    incidents.save(tx, [changed])
    audit.append(tx, incident.school, [line])
    return changed


def remind(
    tx: Connection, now: datetime, schools: Mapping[str, School], deadlines: Deadlines
) -> int:
    """Tell the attendance officer of each package that waits to be uploaded, every school day.

    Returns:
        Of how many packages somebody was reminded now.
    """
    waiting = notifications.to_remind(tx, now)
    for package in waiting:
        school = schools.get(package.school)
        incident = incidents.one(tx, package.school, package.incident)
        notifications.put_off(tx, package, _next_school_day(school, now))
        if school is None or incident is None:
            continue
        plan = MessagePlan(
            incident,
            Reason.PACKAGE_TO_UPLOAD,
            Audience.ATTENDANCE,
            incident.severity,
            # Of the day and not of the incident: each day's reminder is a message of its own.
            now.astimezone(LONDON).toordinal(),
        )
        rows = routing.expand(tx, plan, school, now, deadlines, notification=package.id)
        outbox.insert(tx, rows)
    return len(waiting)


def _next_school_day(school: School | None, now: datetime) -> datetime:
    """The same time on the next school day; in a week where the calendar ends before."""
    today = now.astimezone(LONDON).date()
    day = today + REMIND_WITHIN
    if school:
        with suppress(DateOutsideYear):
            day = min(day, school.calendar.add_school_days(today, 1))
    return now + (day - today)
