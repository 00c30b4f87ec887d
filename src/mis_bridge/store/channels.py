"""How each channel is: paused until when, how it did last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.channels.outcome import Result
from mis_bridge.store.schema import channel_state
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.channels.base import Expiry
    from mis_bridge.channels.outcome import Outcome

__all__ = ["ChannelState", "ends", "load", "note", "paused", "rest"]

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
        expires_at, expires_what, expires_then: when its first certificate runs out, which that is
            and what to do about it; None where it has none.
    """

    channel: str
    paused_until: datetime | None = None
    failures: int = 0
    last_at: datetime | None = None
    last_result: str = ""
    last_detail: str = ""
    config_alarm: bool = False
    expires_at: datetime | None = None
    expires_what: str | None = None
    expires_then: str | None = None


def note(
    tx: Connection,
    channel: str,
    outcome: Outcome,
    now: datetime,
    paused_until: datetime | None = None,
) -> ChannelState:
    """Record an outcome; a good one ends a pause, the failures and the alarm."""
    before = _before(tx, channel)
    good = outcome.result in _GOOD
    state = replace(
        before,
        paused_until=None if good else paused_until,
        failures=0 if good else before.failures + 1,
        last_at=now,
        last_result=outcome.result,
        last_detail=outcome.detail,
        config_alarm=not good and (outcome.config_alarm or before.config_alarm),
    )
    _keep(tx, state)
    return state


def rest(tx: Connection, channel: str, outcome: Outcome, now: datetime, until: datetime) -> None:
    """The channel asked for a pause, which is not a failure of it."""
    state = replace(
        _before(tx, channel),
        paused_until=until,
        last_at=now,
        last_result=outcome.result,
        last_detail=outcome.detail,
    )
    _keep(tx, state)


def ends(tx: Connection, channel: str, expiry: Expiry | None) -> bool:
    """Record when the first certificate of a channel runs out; False where that was known."""
    before = _before(tx, channel)
    state = replace(
        before,
        expires_at=expiry.at if expiry else None,
        expires_what=expiry.what if expiry else None,
        expires_then=expiry.then if expiry else None,
    )
    if state == before:
        return False
    _keep(tx, state)
    return True


def _before(tx: Connection, channel: str) -> ChannelState:
    return load(tx).get(channel) or ChannelState(channel)


def _keep(tx: Connection, state: ChannelState) -> None:
    upsert(tx, channel_state, [{name: getattr(state, name) for name in ChannelState.__slots__}])


def load(tx: Connection) -> dict[str, ChannelState]:
    """Every channel that was ever used, by name."""
    rows = tx.execute(select(channel_state).order_by(channel_state.c.channel))
    return {row.channel: ChannelState(**row._mapping) for row in rows}  # noqa: SLF001


def paused(tx: Connection, now: datetime) -> frozenset[str]:
    """The channels that are not to be used at this moment."""
    rows = tx.execute(select(channel_state.c.channel).where(channel_state.c.paused_until > now))
    return frozenset(rows.scalars())
