"""How each channel does: what its last attempt came to, and whether it is broken for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.channels.outcome import Result
from mis_bridge.store.schema import channel_state
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mis_bridge.channels.outcome import Outcome

__all__ = ["ChannelState", "alarmed", "all_states", "note"]

_GOOD = frozenset({Result.SENT, Result.ACCEPTED})


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel does.

    Args:
        channel: its name.
        paused_until: nothing is sent by it before, or None.
        failures: failed attempts since the last good one.
        last_at: when it was last tried, or None.
        last_result, last_detail: what came of it.
        config_alarm: it is broken until a person mends it.
    """

    channel: str
    paused_until: datetime | None
    failures: int
    last_at: datetime | None
    last_result: str
    last_detail: str
    config_alarm: bool


def all_states(tx: Connection) -> list[ChannelState]:
    """Every channel that was ever tried, by name."""
    rows = tx.execute(
        select(*(channel_state.c[name] for name in ChannelState.__dataclass_fields__)).order_by(
            channel_state.c.channel
        )
    )
    return [ChannelState(**row._mapping) for row in rows]  # noqa: SLF001 - a Row's public name


def alarmed(tx: Connection) -> frozenset[str]:
    """Names of the channels that are broken until a person mends them."""
    found = select(channel_state.c.channel).where(channel_state.c.config_alarm)
    return frozenset(tx.execute(found).scalars())


def note(tx: Connection, channel: str, outcome: Outcome, now: datetime) -> bool:
    """Keep what an attempt came to; a throttled channel rests for as long as it asked.

    Returns:
        Whether the channel broke or was mended by this attempt.
    """
    before = next((state for state in all_states(tx) if state.channel == channel), None)
    good = outcome.result in _GOOD
    rest = outcome.retry_after if outcome.result is Result.RETRY else None
    alarm = outcome.config_alarm or (bool(before and before.config_alarm) and not good)
    upsert(
        tx,
        channel_state,
        [
            {
                "channel": channel,
                "paused_until": now + timedelta(seconds=rest) if rest else None,
                "failures": 0 if good else (before.failures if before else 0) + 1,
                "last_at": now,
                "last_result": outcome.result,
                "last_detail": outcome.detail,
                "config_alarm": alarm,
            }
        ],
    )
    return alarm != bool(before and before.config_alarm)
