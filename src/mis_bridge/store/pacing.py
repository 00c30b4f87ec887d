"""How many messages a channel has had lately, and what waits for its next one.

A message is what a person's telephone rings for: the rows that went out together are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import and_, bindparam, case, func, select, update

from mis_bridge.channels.outcome import Result
from mis_bridge.incidents.families import MISSING
from mis_bridge.incidents.reasons import CLIMBS, Reason
from mis_bridge.store.leases import is_due
from mis_bridge.store.schema import attempts, incidents, outbox
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

__all__ = [
    "begun_since",
    "bring_together",
    "busy_since",
    "channels_due",
    "last_message",
    "last_of_cause",
    "put_off",
    "schools_due",
]

_OF_ROW: Final = and_(outbox.c.school == attempts.c.school, outbox.c.id == attempts.c.outbox)
_NOT_A_MESSAGE: Final = (Result.RETRY, Result.PERMANENT)
# Asked for every message of a busy morning, and therefore built once.
_CHANNELS_DUE: Final = (
    select(outbox.c.channel)
    .where(is_due(bindparam("now")), outbox.c.channel.not_in(bindparam("without", expanding=True)))
    .distinct()
    .order_by(outbox.c.channel)
)
_LAST_OF_CAUSE: Final = (
    select(func.max(attempts.c.started_at))
    .select_from(attempts.join(outbox, _OF_ROW))
    .where(
        attempts.c.channel == bindparam("of_channel"),
        attempts.c.started_at > bindparam("since"),
        attempts.c.school == bindparam("of_school"),
        attempts.c.result.not_in(_NOT_A_MESSAGE),
        outbox.c.bundle == bindparam("of_bundle"),
    )
)


def busy_since(
    tx: Connection, channels: Collection[str], since: datetime, messages: int
) -> list[str]:
    """Those of some channels that may have delivered so many messages or more since a moment."""
    rows = tx.execute(
        select(attempts.c.channel)
        .select_from(attempts.join(outbox, _OF_ROW))
        .where(
            attempts.c.channel.in_(sorted(channels)),
            attempts.c.started_at > since,
            attempts.c.result.not_in(_NOT_A_MESSAGE),
            _is_for_people(),
        )
        .group_by(attempts.c.channel)
        .having(func.count(attempts.c.message.distinct()) >= messages)
        .order_by(attempts.c.channel)
    )
    return list(rows.scalars())


def begun_since(tx: Connection, channels: Collection[str], since: datetime) -> list[datetime]:
    """When each attempt of these channels began that may have delivered, cards changed included.

    What went out as one message is one; a copy of it is another.
    """
    one = (attempts.c.channel, attempts.c.message, attempts.c.started_at)
    wanted = (
        select(*one)
        .where(
            attempts.c.channel.in_(sorted(channels)),
            attempts.c.started_at > since,
            attempts.c.result.not_in(_NOT_A_MESSAGE),
        )
        .distinct()
    )
    return [row.started_at for row in tx.execute(wanted)]


def last_message(tx: Connection, school: str, channel: str, since: datetime) -> datetime | None:
    """When a school's last message by a channel was begun, None if that is longer ago."""
    wanted = (
        select(func.max(attempts.c.started_at))
        .select_from(attempts.join(outbox, _OF_ROW))
        .where(
            attempts.c.channel == channel,
            attempts.c.started_at > since,
            attempts.c.school == school,
            attempts.c.result.not_in(_NOT_A_MESSAGE),
            _is_for_people(),
        )
    )
    found: datetime | None = tx.execute(wanted).scalar()
    return found


def last_of_cause(
    tx: Connection, school: str, channel: str, bundle: str, since: datetime
) -> datetime | None:
    """When a channel was last told of a cause, None if that is longer ago."""
    of = {"of_school": school, "of_channel": channel, "of_bundle": bundle, "since": since}
    found: datetime | None = tx.execute(_LAST_OF_CAUSE, of).scalar()
    return found


def channels_due(tx: Connection, now: datetime, without: Collection[str]) -> list[str]:
    """The channels that something is due for."""
    return list(tx.execute(_CHANNELS_DUE, {"now": now, "without": sorted(without)}).scalars())


def schools_due(tx: Connection, channel: str, now: datetime) -> dict[str, bool]:
    """The schools that have something due for a channel; True where some of it is urgent."""
    about = and_(incidents.c.school == outbox.c.school, incidents.c.id == outbox.c.incident)
    urgent = case(
        (outbox.c.severity == Severity.CRITICAL, 1),
        (outbox.c.reason.in_([*sorted(CLIMBS), Reason.CHANNEL_FAILED]), 1),
        (incidents.c.family == MISSING.id, 1),
        else_=0,
    )
    rows = tx.execute(
        select(outbox.c.school, func.max(urgent))
        .select_from(outbox.outerjoin(incidents, about))
        .where(is_due(now), outbox.c.channel == channel, _is_for_people())
        .group_by(outbox.c.school)
        .order_by(outbox.c.school)
    )
    return {school: bool(some) for school, some in rows}


def bring_together(tx: Connection, school: str, channel: str, bundle: str, now: datetime) -> int:
    """Make one message of all that a school has due for a channel; returns how many rows."""
    done = tx.execute(
        update(outbox)
        .where(
            is_due(now), outbox.c.channel == channel, outbox.c.school == school, _is_for_people()
        )
        .values(bundle=bundle, held=Reason.LIMITED)
    )
    return done.rowcount


def put_off(tx: Connection, school: str, channel: str, until: datetime, now: datetime) -> None:
    """Let all that a school has due for a channel wait for its next summary."""
    tx.execute(
        update(outbox)
        .where(
            is_due(now), outbox.c.channel == channel, outbox.c.school == school, _is_for_people()
        )
        .values(due_at=until, held=Reason.LIMITED)
    )


def _is_for_people() -> ColumnElement[bool]:
    """Whether it rings, and may come in a summary.

    A package carries files to somebody outside, and a card that is changed rings nobody.
    """
    alone = (Reason.PACKAGE_APPROVED, Reason.SHOWN_ANEW)
    return and_(outbox.c.reason.not_in(alone), outbox.c.incident != "")
