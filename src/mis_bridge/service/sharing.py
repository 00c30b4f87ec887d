"""Channels that a peer counts together: flows of one owner, what sends from one mailbox.

What they have sent is counted across restarts and reloads, since the peer counts on; and a pause
that one of them was asked for is a pause of all.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.channels.base import Sharing
from mis_bridge.io.clock import running_at
from mis_bridge.service import installation_lines
from mis_bridge.store import channels as channel_rows
from mis_bridge.store import pacing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.channels.base import Counting
    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.io.clock import Clock
    from mis_bridge.store.engine import Store

__all__ = ["SharedLimits"]


class SharedLimits:
    """What the channels of one configuration share.

    Args:
        store, clock: as everywhere.
        channels: by name.
    """

    def __init__(self, store: Store, clock: Clock, channels: Mapping[str, object]) -> None:
        self._store = store
        self._clock = clock
        self._sharers: dict[Counting, list[str]] = {}
        for name, channel in channels.items():
            if isinstance(channel, Sharing):
                self._sharers.setdefault(channel.allowance, []).append(name)
        self._recalled = False

    async def recall(self) -> None:
        """Count, once and before anything is sent, what went out before this daemon took over.

        Not sooner: until its first tick the one before it may still be sending.
        """
        if self._recalled:
            return
        began = await self._store.call(_began, self._sharers.items(), self._clock.now())
        for (allowance, _), moments in zip(self._sharers.items(), began, strict=True):
            allowance.recall([running_at(self._clock, moment) for moment in moments])
        self._recalled = True

    async def heed(self, name: str, outcome: Outcome, now: datetime) -> None:
        """Store a pause that a peer asked for, for all that it counts together with a channel.

        Args:
            name: the channel's.
            outcome: what it said.
            now: aware.
        """
        together = next((names for names in self._sharers.values() if name in names), [name])
        if outcome.shared and outcome.retry_after is not None and len(together) > 1:
            until = now + timedelta(seconds=outcome.retry_after)
            await self._store.call(_leave_alone, together, now, until)


def _began(
    tx: Connection, sharers: Iterable[tuple[Counting, list[str]]], now: datetime
) -> list[list[datetime]]:
    return [
        pacing.begun_since(tx, names, now - timedelta(seconds=allowance.memory))
        for allowance, names in sharers
    ]


def _leave_alone(tx: Connection, names: Collection[str], now: datetime, until: datetime) -> None:
    for name in names:
        before = channel_rows.one(tx, name)
        after = channel_rows.leave_alone(tx, name, until)
        installation_lines.channel_changed(tx, before, after, now)
        channel_rows.hurry(tx, name, now, until)
