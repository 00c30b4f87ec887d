"""Packages for the Local Authority: made once, frozen, and sent only after a person approved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, select, update
from sqlalchemy import insert as sql_insert

from mis_bridge.store.schema import incidents, notification_files, notifications
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

__all__ = [
    "NOTIFICATION_STATES",
    "ON_ITS_WAY",
    "File",
    "Notification",
    "about_pupil",
    "decide",
    "done",
    "expire",
    "files",
    "freeze",
    "get",
    "in_state",
    "insert",
    "laid_out",
    "of_incident",
    "put_off",
    "refused",
    "retell",
    "sent",
    "to_remind",
]

NOTIFICATION_STATES = frozenset(
    {"pending", "approved", "to_upload", "sent", "done", "refused", "rejected", "expired"}
)
"""``to_upload``: approved, its files are laid out, and a person has to take them to the portal.
``done``: a person has. ``refused``: approved, and the authority's end does not take it."""


ON_ITS_WAY = frozenset({"approved", "to_upload", "refused"})
"""States of a package that a person approved and that has not reached the authority yet."""


APPROVED = ON_ITS_WAY | {"sent", "done"}
"""States of a package that a person approved."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a package.

    Args:
        name: file name.
        content_type: media type.
        content: the bytes, as approved and as sent.
    """

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """One package.

    Args:
        school, id: key; the id follows from the incident and the kind.
        incident: the incident's id.
        kind: of ``messages.package_kinds.KINDS``.
        data: the data model that the files are made from, JSON.
        created_at: when it was made, aware.
        expires_at: until when a decision makes sense, or None.
        state: of ``NOTIFICATION_STATES``.
        decided_at, decided_by, why: who approved or rejected it, when, why.
        sent_at, proof: when it went out and what can be looked up (a portal's reference).
        remind_at: when somebody is next reminded that it waits to be uploaded, aware, or None.
        given: what a person added to it, JSON, for the next version; empty where nobody did.
    """

    school: str
    id: str
    incident: str
    kind: str
    data: str
    created_at: datetime
    expires_at: datetime | None = None
    state: str = "pending"
    decided_at: datetime | None = None
    decided_by: str = ""
    why: str = ""
    sent_at: datetime | None = None
    proof: str = ""
    remind_at: datetime | None = None
    given: str = ""


def insert(tx: Connection, notification: Notification, content: Iterable[File] = ()) -> bool:
    """Store a package; False where it is there already and stays as it is.

    Args:
        tx: the transaction.
        notification: the package.
        content: its files, where they are there already; else see ``freeze``.
    """
    if get(tx, notification.school, notification.id) is not None:
        return False
    insert_new(
        tx,
        notifications,
        [{name: getattr(notification, name) for name in notifications.c.keys()}],  # noqa: SIM118
    )
    _put(tx, notification, content)
    return True


def freeze(tx: Connection, notification: Notification, content: Iterable[File]) -> None:
    """Keep the files as they are approved; what is kept already stays as it is."""
    if not files(tx, notification.school, notification.id):
        _put(tx, notification, content)


def retell(tx: Connection, notification: Notification, data: str) -> None:
    """Keep other data of a package that is over; files that were frozen go, and are drawn anew.

    What a person added goes too, and is in no later version: it may say what is not in the data any
    more.
    """
    of = notification_files.c
    tx.execute(
        delete(notification_files).where(
            of.school == notification.school, of.notification == notification.id
        )
    )
    key = _key(notification.school, notification.id)
    tx.execute(update(notifications).where(key).values(data=data, given=""))


def _put(tx: Connection, notification: Notification, content: Iterable[File]) -> None:
    rows = [
        {
            "school": notification.school,
            "notification": notification.id,
            "name": file.name,
            "content_type": file.content_type,
            "content": file.content,
        }
        for file in content
    ]
    if rows:
        tx.execute(sql_insert(notification_files), rows)


def get(tx: Connection, school: str, identity: str) -> Notification | None:
    """One package, or None."""
    row = tx.execute(select(notifications).where(_key(school, identity))).one_or_none()
    return _notification(row) if row else None


def in_state(
    tx: Connection, state: str | Collection[str], school: str | None = None
) -> list[Notification]:
    """The packages in a state, or in one of several, the oldest first."""
    states = [state] if isinstance(state, str) else sorted(state)
    wanted = select(notifications).where(notifications.c.state.in_(states))
    if school is not None:
        wanted = wanted.where(notifications.c.school == school)
    rows = tx.execute(wanted.order_by(notifications.c.created_at, notifications.c.id))
    return [_notification(row) for row in rows]


def of_incident(tx: Connection, school: str, incident: str) -> list[Notification]:
    """The packages of an incident, the oldest first."""
    table = notifications.c
    rows = tx.execute(
        select(notifications)
        .where(table.school == school, table.incident == incident)
        .order_by(table.created_at, table.id)
    )
    return [_notification(row) for row in rows]


def about_pupil(tx: Connection, school: str, pupil: str, kind: str) -> list[Notification]:
    """The packages of one kind about one pupil, whatever their incidents, the oldest first."""
    table = notifications.c
    of_pupil = select(incidents.c.id).where(
        incidents.c.school == school, incidents.c.pupil == pupil
    )
    rows = tx.execute(
        select(notifications)
        .where(table.school == school, table.kind == kind, table.incident.in_(of_pupil))
        .order_by(table.created_at, table.id)
    )
    return [_notification(row) for row in rows]


def files(tx: Connection, school: str, identity: str) -> list[File]:
    """The files of a package as they were approved, by name; none while it is pending."""
    table = notification_files.c
    rows = tx.execute(
        select(table.name, table.content_type, table.content)
        .where(table.school == school, table.notification == identity)
        .order_by(table.name)
    )
    return [File(*row) for row in rows]


def decide(
    tx: Connection,
    notification: Notification,
    *,
    approve: bool,
    by: str,
    why: str,
    now: datetime,
) -> bool:
    """A named person approves or rejects; False where it was decided already or has expired.

    Raises:
        ValueError: nobody is named.
    """
    if not by.strip():
        raise ValueError("a package is approved or rejected by a named person")
    return _move(
        tx,
        notification,
        "pending",
        state="approved" if approve else "rejected",
        decided_at=now,
        decided_by=by,
        why=why,
    )


def sent(tx: Connection, notification: Notification, proof: str, now: datetime) -> bool:
    """An approved package went out; False where it has before, or may not."""
    return _arrived(tx, notification, "sent", proof, now)


def done(tx: Connection, notification: Notification, proof: str, now: datetime) -> bool:
    """A person has brought an approved package to the authority; False as ``sent``."""
    return _arrived(tx, notification, "done", proof, now)


def _arrived(
    tx: Connection, notification: Notification, state: str, proof: str, now: datetime
) -> bool:
    values = {"state": state, "sent_at": now, "proof": proof, "remind_at": None}
    return any(_move(tx, notification, before, **values) for before in sorted(ON_ITS_WAY))


def laid_out(
    tx: Connection,
    notification: Notification,
    proof: str,
    now: datetime,
    *,
    beside: bool = False,
) -> bool:
    """An approved package's files are where a person takes them from; False where it went out.

    Args:
        tx: the transaction.
        notification: the package.
        proof: where they are.
        now: aware; somebody is reminded from here on.
        beside: it went out to others, and these files are for somebody else.
    """
    values = {"state": "to_upload", "proof": proof, "remind_at": now}
    states = ("approved", "sent") if beside else ("approved",)
    return any(_move(tx, notification, before, **values) for before in states)


def refused(tx: Connection, notification: Notification, proof: str) -> bool:
    """The authority's end does not take an approved package, and nobody else is left to ask."""
    return _move(tx, notification, "approved", state="refused", proof=proof)


def to_remind(tx: Connection, now: datetime) -> list[Notification]:
    """The packages that wait to be uploaded and of which it is time to remind somebody."""
    wanted = select(notifications).where(
        notifications.c.state == "to_upload", notifications.c.remind_at <= now
    )
    return [_notification(row) for row in tx.execute(wanted.order_by(notifications.c.id))]


def put_off(tx: Connection, notification: Notification, remind_at: datetime) -> None:
    """Somebody was reminded: not again before this moment."""
    _move(tx, notification, "to_upload", remind_at=remind_at)


def expire(tx: Connection, now: datetime) -> list[Notification]:
    """Packages that nobody decided on in time expire; returns them, so that somebody is told."""
    late = select(notifications).where(
        notifications.c.state == "pending", notifications.c.expires_at <= now
    )
    found = [_notification(row) for row in tx.execute(late.order_by(notifications.c.id))]
    return [one for one in found if _move(tx, one, "pending", state="expired")]


def _move(tx: Connection, notification: Notification, before: str, **values: object) -> bool:
    done = tx.execute(
        update(notifications)
        .where(_key(notification.school, notification.id), notifications.c.state == before)
        .values(**values)
    )
    return done.rowcount == 1


def _key(school: str, identity: str) -> ColumnElement[bool]:
    return and_(notifications.c.school == school, notifications.c.id == identity)


def _notification(row: Row[Any]) -> Notification:
    return Notification(**row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
