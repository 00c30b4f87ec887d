"""How each channel is: paused until when, how it did last."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, or_, select, update

from mis_bridge.channels.outcome import Result
from mis_bridge.store.columns import is_set
from mis_bridge.store.schema import channel_state, outbox
from mis_bridge.store.upsert import upsert

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.channels.base import Expiry
    from mis_bridge.channels.outcome import Outcome

__all__ = [
    "FAILURES_IN_A_ROW",
    "ChannelState",
    "broken",
    "ends",
    "hurry",
    "leave_alone",
    "load",
    "note",
    "one",
    "paused",
    "rest",
]

FAILURES_IN_A_ROW: Final = 3
"""After so many failed attempts a channel is left alone for a while, and IT is told of it."""

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(minutes=10)

TRY_BROKEN_AGAIN: Final = timedelta(hours=1)

_GOOD = frozenset({Result.SENT, Result.ACCEPTED})
_ONE = select(channel_state).where(channel_state.c.channel == bindparam("of_channel"))


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

    @property
    def is_failing(self) -> bool:
        """Whether it has failed so often in a row that it is left alone for a while."""
        return self.failures >= FAILURES_IN_A_ROW

    def is_resting(self, now: datetime) -> bool:
        """Whether it is left alone at this moment because it failed again and again."""
        return self.is_failing and self.paused_until is not None and self.paused_until > now


def note(tx: Connection, channel: str, outcome: Outcome, now: datetime) -> ChannelState:
    """Record an outcome; a good one ends the failures, the pause for them, and the alarm.

    A pause that was asked for lasts until its end: what was under way when it began says nothing.

    With the third failure in a row the channel is left alone for a minute, with each further one
    for twice as long: what waits goes to the next channel at once, and what comes after a pause is
    tried first with one message.
    """
    before = one(tx, channel)
    good = outcome.result in _GOOD
    failures = 0 if good else before.failures + 1
    asked = None if before.is_failing else before.paused_until
    own = now + _pause(failures) if failures >= FAILURES_IN_A_ROW else None
    state = replace(
        before,
        paused_until=max((at for at in (asked, own) if at and at > now), default=None),
        failures=failures,
        last_at=now,
        last_result=outcome.result,
        last_detail=outcome.detail,
        config_alarm=not good and (outcome.config_alarm or before.config_alarm),
    )
    _keep(tx, state)
    return state


def _pause(failures: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(failures - FAILURES_IN_A_ROW, 10)), LONGEST_PAUSE)


def hurry(tx: Connection, channel: str, now: datetime, until: datetime | None = None) -> None:
    """Let the next channel of each route take over what waits for this one, without delay.

    What is held for later on purpose, and was never tried, goes on waiting.

    Args:
        tx: the transaction.
        channel: the one that is left alone for a while.
        now: aware.
        until: only what has to be out before this; None: all of it.
    """
    row = outbox.c
    tried = or_(row.attempts > 0, row.due_at <= now)
    # Also what was leased with the one that failed, and is given back now.
    waits = row.state.in_(["pending", "sending"])
    wanted = [row.deadline_at > now, row.route != "[]"]
    if until is not None:
        wanted.append(row.deadline_at <= until)
    tx.execute(
        update(outbox)
        .where(is_set(row.due_at), waits, row.channel == channel, tried, *wanted)
        .values(deadline_at=now)
    )


def rest(
    tx: Connection, channel: str, outcome: Outcome, now: datetime, until: datetime
) -> ChannelState:
    """The channel asked for a pause, which is not a failure of it."""
    state = replace(
        one(tx, channel),
        paused_until=until,
        last_at=now,
        last_result=outcome.result,
        last_detail=outcome.detail,
    )
    _keep(tx, state)
    return state


def leave_alone(tx: Connection, channel: str, until: datetime) -> ChannelState:
    """Do not use a channel before then: another that is counted with it was asked for a pause."""
    state = one(tx, channel)
    if state.paused_until is None or state.paused_until < until:
        state = replace(state, paused_until=until)
        _keep(tx, state)
    return state


def ends(tx: Connection, channel: str, expiry: Expiry | None) -> bool:
    """Record when the first certificate of a channel runs out; False where that was known."""
    before = one(tx, channel)
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


def one(tx: Connection, channel: str) -> ChannelState:
    """One channel as it was left; one that was never used has no failures."""
    row = tx.execute(_ONE, {"of_channel": channel}).one_or_none()
    return ChannelState(**row._mapping) if row else ChannelState(channel)  # noqa: SLF001


def _keep(tx: Connection, state: ChannelState) -> None:
    upsert(tx, channel_state, [{name: getattr(state, name) for name in ChannelState.__slots__}])


def load(tx: Connection) -> dict[str, ChannelState]:
    """Every channel that was ever used, by name."""
    rows = tx.execute(select(channel_state).order_by(channel_state.c.channel))
    return {row.channel: ChannelState(**row._mapping) for row in rows}  # noqa: SLF001


def broken(tx: Connection, now: datetime, by: datetime) -> frozenset[str]:
    """The channels that are passed over where there is another one.

    One that is broken is tried again after a while: a person may have mended it and told nobody.
    One that failed again and again is passed over while it rests, and so is one that has asked for
    a pause beyond the moment by which the message has to be out.

    Args:
        tx: the transaction.
        now: aware.
        by: when the message has to be out, aware.
    """
    return frozenset(
        name
        for name, state in load(tx).items()
        if (state.config_alarm and state.last_at and now - state.last_at < TRY_BROKEN_AGAIN)
        or state.is_resting(now)
        or (state.paused_until is not None and state.paused_until >= by)
    )


def paused(tx: Connection, now: datetime) -> frozenset[str]:
    """The channels that are not to be used at this moment."""
    rows = tx.execute(select(channel_state.c.channel).where(channel_state.c.paused_until > now))
    return frozenset(rows.scalars())
