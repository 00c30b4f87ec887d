"""Packages for the Local Authority: made once, frozen, and sent only after a person approved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, update
from sqlalchemy import insert as sql_insert

from mis_bridge.store.schema import notification_files, notifications
from mis_bridge.store.upsert import insert_new

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row

__all__ = [
    "NOTIFICATION_STATES",
    "File",
    "Notification",
    "decide",
    "expire",
    "files",
    "freeze",
    "get",
    "in_state",
    "insert",
    "of_incident",
    "sent",
]

NOTIFICATION_STATES = frozenset({"pending", "approved", "rejected", "sent", "expired"})


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


def in_state(tx: Connection, state: str, school: str | None = None) -> list[Notification]:
    """The packages in a state, the oldest first."""
    wanted = select(notifications).where(notifications.c.state == state)
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
    """An approved package went out; False where it was not approved or went out before."""
    return _move(tx, notification, "approved", state="sent", sent_at=now, proof=proof)


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
