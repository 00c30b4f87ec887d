"""Messages that nobody got: refused for good on their whole route, or late on all of it.

A message is the rows of the outbox that say one thing to one duty: the first channel's, and those
that took over. While one of them may still be in time, or one has been taken, it is no dead letter.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, or_, select

from mis_bridge.incidents.model import ACTIVE
from mis_bridge.incidents.reasons import REMINDERS, Reason
from mis_bridge.registers.calendar import LONDON
from mis_bridge.store.schema import incidents, outbox
from mis_bridge.triggers.undelivered import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["of_school", "of_schools"]

_DAY: Final = timedelta(days=1)
_TAKEN: Final = frozenset({"sent", "accepted"})

_OWN: Final = "undelivered"
"""Of a message that says that a message was lost nobody is told by a message again."""


class _Told(NamedTuple):
    """What one message is about, and for whom; its rows are the channels that were tried."""

    school: str
    incident: str
    notification: str
    audience: str
    reason: str
    revision: int


def of_school(tx: Connection, school: str, now: datetime) -> list[DeadLetter]:
    """Give a school's dead letters of what is open, or began today or yesterday."""
    return [letter for _, letter in _letters(_rows(tx, now, [school]))]


def of_schools(
    tx: Connection, schools: Sequence[str], now: datetime
) -> list[tuple[str, DeadLetter]]:
    """Give the dead letters of several schools, as ``of_school``, each with its school."""
    return _letters(_rows(tx, now, schools))


def _rows(tx: Connection, now: datetime, schools: Sequence[str]) -> Sequence[Any]:
    yesterday = (now - _DAY).astimezone(LONDON).date()
    return tx.execute(
        select(
            *(outbox.c[name] for name in _Told._fields),
            outbox.c.channel,
            outbox.c.state,
            outbox.c.created_at,
            outbox.c.due_at,
            outbox.c.deadline_at,
            outbox.c.finished_at,
            outbox.c.attempts,
            outbox.c.detail,
            incidents.c.reference,
        )
        .join(
            incidents,
            and_(incidents.c.school == outbox.c.school, incidents.c.id == outbox.c.incident),
        )
        .where(
            incidents.c.school.in_(list(schools)),
            or_(incidents.c.state.in_(sorted(ACTIVE)), incidents.c.day >= yesterday),
            incidents.c.family != _OWN,
            # A card that could not be changed has told everybody what it had to tell; who is not
            # reminded has the alarm, or is missed by that.
            outbox.c.reason.not_in([Reason.SHOWN_ANEW, *sorted(REMINDERS)]),
        )
        .order_by(outbox.c.school, outbox.c.created_at, outbox.c.id)
    ).all()


def _letters(rows: Iterable[Any]) -> list[tuple[str, DeadLetter]]:
    messages: dict[_Told, list[Any]] = {}
    reached: dict[tuple[str, str, str], datetime] = {}
    for row in rows:
        told = _Told(*(getattr(row, name) for name in _Told._fields))
        messages.setdefault(told, []).append(row)
        if row.state in _TAKEN:
            # Whoever has heard of it since has been reached.
            reached[told.school, told.incident, told.audience] = row.created_at
    found = []
    for told, tried in messages.items():
        heard = reached.get((told.school, told.incident, told.audience))
        if _is_dead(tried) and (heard is None or heard < tried[0].created_at):
            found.append((told.school, _letter(told, tried)))
    return found


def _is_dead(tried: Sequence[Any]) -> bool:
    """Whether no channel has taken it, none may still take it in time, and nobody called it off."""
    return not any(
        row.state in _TAKEN
        or row.state == "cancelled"
        or (row.due_at is not None and (row.deadline_at is not None or not row.attempts))
        for row in tried
    )


def _letter(told: _Told, tried: Sequence[Any]) -> DeadLetter:
    last = tried[-1]
    return DeadLetter(
        reference=last.reference,
        audience=told.audience,
        channel=last.channel,
        since=last.finished_at or last.created_at,
        detail=last.detail,
        still_tried=any(row.due_at is not None for row in tried),
    )
