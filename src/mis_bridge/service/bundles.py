"""Rows of the outbox that go out as one message: what it says, and which of them it is not about.

Each row keeps its own outcome. One that is not said any more is left out, two that say the same of
one incident are one line, and where a single incident is left it is an ordinary message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mis_bridge.errors import LeaseLost
from mis_bridge.incidents.reasons import CLIMBS, ENDINGS, Reason
from mis_bridge.messages.build import build, build_bundle
from mis_bridge.service.background import background_of
from mis_bridge.service.writing import LEASE_SECONDS, item_of
from mis_bridge.store import leases, outbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.messages.bundle import Item
    from mis_bridge.messages.model import Disclosure, Message
    from mis_bridge.service.schools import School
    from mis_bridge.service.writing import Sender
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Written", "compose_together"]

_ALERTS = frozenset({Reason.OPENED, Reason.LEVEL_RAISED, Reason.REOPENED}) | CLIMBS


@dataclass
class Written:
    """One message of several rows.

    Args:
        message: what is sent; None where nothing of it is said any more.
        unsaid: rows that are not said any more, and why, by id.
        covered: rows that say the same as another one in the message, for other people, by id.
        lost: ids of rows that another sender has taken over.
    """

    message: Message | None = None
    unsaid: dict[str, Reason] = field(default_factory=dict)
    covered: dict[str, Reason] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)


def compose_together(
    tx: Connection,
    rows: Sequence[OutboxRow],
    school: School,
    disclosure: Disclosure,
    sender: Sender,
    now: datetime,
) -> Written:
    """Write one message from rows that were leased together, as their incidents stand now.

    Raises:
        LeaseLost: another sender has taken over all of them.
    """
    written = Written(lost=leases.renew(tx, rows, now, LEASE_SECONDS))
    ours = [row for row in rows if row.id not in written.lost]
    if not ours:
        raise LeaseLost("another sender has taken over all of these messages")
    behind = background_of(tx, school.id, ours)
    said: dict[tuple[str, str], tuple[OutboxRow, Item]] = {}
    # The later word on an incident is the one that counts.
    for row in sorted(ours, key=outbox.in_order_of_telling):
        item = item_of(tx, row, behind, school, disclosure, sender, now)
        if isinstance(item, Reason):
            written.unsaid[row.id] = item
            continue
        about = (row.incident, _news(row))
        if about in said:
            earlier = said[about][0]
            if (earlier.reason, earlier.revision) == (row.reason, row.revision):
                written.covered[earlier.id] = Reason.SAME_CHANNEL
        said[about] = row, item
    items = [item for _, item in said.values()]
    identity = leases.message_of(rows)
    if len(items) == 1:
        written.message = build(items[0].incident, items[0].reason, identity, items[0].context)
    elif items:
        written.message = build_bundle(identity, items, _why(rows))
    return written


def _news(row: OutboxRow) -> str:
    if row.reason in _ALERTS:
        return "alert"
    return "over" if row.reason in ENDINGS else f"{row.reason}/{row.notification}"


def _why(rows: Sequence[OutboxRow]) -> Reason | None:
    """Why they come together: what holds for most of them."""
    held = [row.held for row in rows if row.held]
    return Reason(max(sorted(set(held)), key=held.count)) if held else None
