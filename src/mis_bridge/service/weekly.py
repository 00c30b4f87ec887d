"""The weekly check of every Teams channel: one card each Monday, in the holidays too.

A flow that nothing starts for 90 days is turned off by Microsoft, and a webhook's 202 never says
that a card was shown. A bot may have been taken out of its team. So once a week a card shows that
the way is open, keeps the flow alive, and asks people to say when it is missing. Whether it is due
follows from the outbox alone: a restart loses none and sends none twice. It travels as every
message does, so that a channel that refuses it is told of by another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.ids import outbox_id
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.build import build_week
from mis_bridge.messages.times import day_name, span
from mis_bridge.messages.weekly import Week
from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.store import channel_use, feeds, meta, outbox
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.messages.model import Message
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School

__all__ = ["FLOW_DAYS", "FLOW_WARNING_DAYS", "FlowLife", "due_since", "flow_life", "plan", "write"]

FLOW_DAYS: Final = 90
"""A flow that nothing has started for so many days is turned off (Power Automate, limits)."""

FLOW_WARNING_DAYS: Final = 30
"""So many days before that, ``mis-bridge check`` says so."""

_AT: Final = 8 * 60
_WEEK: Final = timedelta(days=7)


def due_since(now: datetime) -> datetime:
    """When the present week's check became due, aware: the last Monday at eight that has been."""
    day = now.astimezone(LONDON).date()
    due = local_datetime(day - timedelta(days=day.weekday()), _AT)
    return due if due <= now else local_datetime(due.date() - _WEEK, _AT)


def plan(
    tx: Connection,
    now: datetime,
    channels: Collection[str],
    schools: Mapping[str, School],
    deadlines: Deadlines,
) -> int:
    """Put this week's check in the outbox for every channel that has not had it; returns how many.

    An installation gets its first one on the first Monday after it began to watch.

    Args:
        tx: the transaction.
        now: aware.
        channels: names of those that have to be kept alive.
        schools: by id.
        deadlines: how long one channel may take, by severity.
    """
    due = due_since(now)
    first = min(meta.first_days(tx).values(), default=None)
    if first is None or first >= due.astimezone(LONDON).date():
        return 0
    rows = []
    for channel in sorted(channels):
        readers = _readers(channel, schools)
        last = channel_use.last_weekly(tx, channel)
        if readers and (last is None or last < due):
            week = f"weekly/{due:%Y-%m-%d}"
            rows.append(
                OutboxRow(
                    # Rows are kept by school; one that several share is kept with the first.
                    school=readers[0].id,
                    id=outbox_id(week, Reason.WEEKLY_CHECK, "", channel, 0),
                    incident="",
                    reason=Reason.WEEKLY_CHECK,
                    channel=channel,
                    audience="",
                    severity=Severity.LOW,
                    revision=0,
                    due_at=now,
                    created_at=now,
                    deadline_at=now + deadlines[Severity.LOW],
                )
            )
    outbox.insert(tx, rows)
    return len(rows)


def write(
    tx: Connection,
    row: OutboxRow,
    now: datetime,
    schools: Mapping[str, School],
    link_base: str,
) -> Message | Reason:
    """Write the check as things stand now; or say why it is not sent any more.

    Args:
        tx: the transaction.
        row: as ``plan`` made it.
        now: aware.
        schools: by id.
        link_base: address of the web pages, or empty.
    """
    last = channel_use.last_weekly(tx, row.channel)
    if last is not None and last > row.created_at:
        return Reason.SUPERSEDED  # it waited for a week: the next one says more
    readers = _readers(row.channel, schools)
    known = {feed.school: feed for feed in feeds.all_feeds(tx)}
    read = [
        feed.last_good_at
        for one in readers
        if (feed := known.get(one.id)) and feed.last_good_at and feed.state == "good"
    ]
    since = now - _WEEK
    week = Week(
        now=now,
        since=since,
        alerts=channel_use.alerts_since(tx, row.channel, since),
        unanswered=channel_use.unanswered(tx, row.channel),
        schools=tuple(one.name for one in readers),
        unread=len(readers) - len(read),
        read_at=min(read, default=None),
        link=link_base,
    )
    return build_week(row.id, week)


def _readers(channel: str, schools: Mapping[str, School]) -> list[School]:
    """The schools that tell somebody by a channel, in the order of their ids."""
    return [school for _, school in sorted(schools.items()) if channel in school.channels]


@dataclass(frozen=True, slots=True)
class FlowLife:
    """How long a webhook's flow goes on without being started.

    Args:
        last: when it last took a message, aware; None where none is known of.
        days_left: whole days until it would be turned off; None where none is known of.
    """

    last: datetime | None
    days_left: int | None

    @property
    def is_short(self) -> bool:
        """Whether it would be turned off soon."""
        return self.days_left is not None and self.days_left <= FLOW_WARNING_DAYS

    def __str__(self) -> str:
        if self.last is None or self.days_left is None:
            return "it has not taken a card yet, as far as is known"
        day = day_name(self.last.astimezone(LONDON).date(), year=True)
        if self.days_left <= 0:
            return (
                f"it last took a card on {day}; Microsoft turns a flow off after {FLOW_DAYS} days "
                "without one: look whether it still runs"
            )
        left = span(timedelta(days=self.days_left)) if self.days_left > 1 else "1 day"
        return (
            f"it last took a card on {day}; without another one its flow would be turned off in "
            f"{left}"
        )


def flow_life(tx: Connection, channel: str, now: datetime) -> FlowLife:
    """Say when a webhook last took a card, and how long its flow lives on without another one."""
    last = channel_use.last_taken(tx, channel)
    if last is None:
        return FlowLife(None, None)
    return FlowLife(last, FLOW_DAYS - (now - last).days)
