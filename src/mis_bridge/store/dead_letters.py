"""Messages that nobody got: refused for good on their whole route, or late on all of it.

A message is the rows of the outbox that say one thing to one duty: the first channel's, and those
that took over. While one of them may still be in time, or one has been taken, it is no dead letter.
The day's message and a channel's weekly check, which are about no incident, are looked at beside.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, literal, or_, select

from mis_bridge.incidents.model import ACTIVE
from mis_bridge.incidents.reasons import REMINDERS, Reason
from mis_bridge.messages.times import day_name
from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.store.schema import incidents, outbox
from mis_bridge.triggers.undelivered import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

__all__ = ["of_school", "of_schools"]

_DAY: Final = timedelta(days=1)
_TAKEN: Final = frozenset({"sent", "accepted"})

_COLUMNS: Final = tuple(
    outbox.c[name]
    for name in (
        *("school", "incident", "notification", "audience", "reason", "revision", "channel"),
        *("state", "created_at", "due_at", "deadline_at", "finished_at", "attempts", "detail"),
    )
)

_OWN: Final = "undelivered"
"""Of a message that says that a message was lost nobody is told by a message again."""


_NOTES: Final = {
    str(Reason.DAILY): "the day's message of {day}",
    str(Reason.WEEKLY_CHECK): "the weekly check of the channel {channel}",
}
"""Messages about no incident: by reason, what a person calls them."""


class _Told(NamedTuple):
    """What one message is about, and for whom; its rows are the channels that were tried.

    Of a message about no incident ``note`` says which it is; its reason is all that it is about.
    """

    school: str
    incident: str
    notification: str
    audience: str
    reason: str
    revision: int
    note: str

    @property
    def matter(self) -> tuple[str, str, str]:
        """Whoever has heard of this later has been reached: of an incident, of another day."""
        if self.incident:
            return self.school, self.incident, self.audience
        # A weekly check has no audience but the channel's readers.
        return self.school, self.reason, self.audience or self.note


def of_school(tx: Connection, school: str, now: datetime) -> list[DeadLetter]:
    """Give a school's dead letters of what is open, or began today or yesterday."""
    return [letter for _, letter in _letters(_rows(tx, now, [school]))]


def of_schools(
    tx: Connection, schools: Sequence[str], now: datetime
) -> list[tuple[str, DeadLetter]]:
    """Give the dead letters of several schools, as ``of_school``, each with its school."""
    return _letters(_rows(tx, now, schools))


def _rows(tx: Connection, now: datetime, schools: Sequence[str]) -> Iterable[Any]:
    yesterday = (now - _DAY).astimezone(LONDON).date()
    of_schools = outbox.c.school.in_(list(schools))
    in_order = (outbox.c.school, outbox.c.created_at, outbox.c.id)
    about_incidents = tx.execute(
        select(*_COLUMNS, incidents.c.reference)
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
        .order_by(*in_order)
    )
    about_none = tx.execute(
        select(*_COLUMNS, literal("").label("reference"))
        .where(
            of_schools,
            outbox.c.incident == "",
            outbox.c.reason.in_(sorted(_NOTES)),
            outbox.c.created_at >= local_datetime(yesterday, 0),
        )
        .order_by(*in_order)
    )
    return chain(about_incidents, about_none)


def _told(row: Any) -> _Told:
    day = day_name(row.created_at.astimezone(LONDON).date())
    note = "" if row.incident else _NOTES[row.reason].format(day=day, channel=row.channel)
    return _Told(
        row.school,
        row.incident,
        row.notification,
        row.audience,
        row.reason,
        row.revision,
        note,
    )


def _letters(rows: Iterable[Any]) -> list[tuple[str, DeadLetter]]:
    messages: dict[_Told, list[Any]] = {}
    reached: dict[tuple[str, str, str], datetime] = {}
    for row in rows:
        told = _told(row)
        messages.setdefault(told, []).append(row)
        if row.state in _TAKEN:
            # Whoever has heard of it since has been reached.
            reached[told.matter] = row.created_at
    found = []
    for told, tried in messages.items():
        heard = reached.get(told.matter)
        if _is_dead(tried) and (heard is None or heard < tried[0].created_at):
            found.append((told.school, _letter(told, tried)))
    return found


def _is_dead(tried: Sequence[Any]) -> bool:
    """Whether no channel has taken it, none may still take it in time, and nobody called it off.

    A message about no incident that is still tried is late by a broken channel, of which an
    incident of its own tells all that there is to tell.
    """
    return not any(
        row.state in _TAKEN
        or row.state == "cancelled"
        or (
            row.due_at is not None
            and (not row.incident or row.deadline_at is not None or not row.attempts)
        )
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
        note=told.note,
    )
