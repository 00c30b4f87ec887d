"""How each channel is: paused until when, how it did last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.channels.outcome import Result
from mis_bridge.store.schema import channel_state
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.channels.outcome import Outcome

__all__ = ["ChannelState", "load", "note", "paused", "rest"]

_GOOD = frozenset({Result.SENT, Result.ACCEPTED})


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One channel.

    Args:
        channel: its name in the settings.
        paused_until: not used before, or None.
        failures: outcomes since the last good one.
        last_at, last_result, last_detail: the last outcome.
        config_alarm: the channel itself is broken; IT has to mend it.
    """

    channel: str
    paused_until: datetime | None
    failures: int
    last_at: datetime | None
    last_result: str
    last_detail: str
    config_alarm: bool


def note(
    tx: Connection,
    channel: str,
    outcome: Outcome,
    now: datetime,
    paused_until: datetime | None = None,
) -> ChannelState:
    """Record an outcome; a good one ends a pause, the failures and the alarm."""
    before = load(tx).get(channel)
    good = outcome.result in _GOOD
    state = ChannelState(
        channel,
        None if good else paused_until,
        0 if good else (before.failures if before else 0) + 1,
        now,
        outcome.result,
        outcome.detail,
        not good and (outcome.config_alarm or (before is not None and before.config_alarm)),
    )
    upsert(tx, channel_state, [{name: getattr(state, name) for name in ChannelState.__slots__}])
    return state


def rest(tx: Connection, channel: str, outcome: Outcome, now: datetime, until: datetime) -> None:
    """The channel asked for a pause, which is not a failure of it."""
    before = load(tx).get(channel)
    state = ChannelState(
        channel,
        until,
        before.failures if before else 0,
        now,
        outcome.result,
        outcome.detail,
        before.config_alarm if before else False,
    )
    upsert(tx, channel_state, [{name: getattr(state, name) for name in ChannelState.__slots__}])


def load(tx: Connection) -> dict[str, ChannelState]:
    """Every channel that was ever used, by name."""
    rows = tx.execute(select(channel_state).order_by(channel_state.c.channel))
    return {row.channel: ChannelState(**row._mapping) for row in rows}  # noqa: SLF001


def paused(tx: Connection, now: datetime) -> frozenset[str]:
    """The channels that are not to be used at this moment."""
    rows = tx.execute(select(channel_state.c.channel).where(channel_state.c.paused_until > now))
    return frozenset(rows.scalars())
