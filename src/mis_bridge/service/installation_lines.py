"""What the history says of the installation itself, in a chain of its own beside the schools'.

When it began to watch, when a channel was left alone and when it was taken up again, what had had
its time and was deleted, when IT was told past the outbox. No line names a person or a pupil.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.model import DAEMON, Act, AuditEntry
from mis_bridge.messages.times import moment
from mis_bridge.store import audit, meta
from mis_bridge.store.audit import INSTALLATION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.store.channels import ChannelState

__all__ = ["began", "channel_changed", "dropped", "told_directly"]

_TOLD: Final = "told_directly"
"""The fact of the installation that says of which word to IT the history has a line."""


def began(tx: Connection, version: str, schools: int, now: datetime) -> None:
    """Say that the daemon watches from now on: it was started, or its configuration read again."""
    watched = "1 school is" if schools == 1 else f"{schools} schools are"
    _append(tx, Act.STARTED, f"{watched} watched from here on (mis-bridge {version}).", now)


def channel_changed(
    tx: Connection, before: ChannelState, after: ChannelState, now: datetime
) -> None:
    """Say what an attempt has changed about the use of its channel; nothing where it changed none.

    Args:
        tx: the transaction.
        before: the channel as it was.
        after: as it is stored now.
        now: aware.
    """
    if after.config_alarm and not before.config_alarm:
        body = f"{after.channel} is broken: a person has to mend it."
        _append(tx, Act.CHANNEL_BROKEN, body, now)
    until = after.paused_until
    was_resting = before.paused_until is not None and before.paused_until > now
    if until is not None and until > now and not was_resting:
        why = (
            f"{after.failures} attempts in a row failed"
            if after.is_failing
            else "it asked for a pause"
        )
        body = f"{after.channel} is left alone until {moment(until, now)}: {why}."
        _append(tx, Act.CHANNEL_PAUSED, body, now)
    was_bad = before.is_failing or before.config_alarm
    if was_bad and not after.failures and not after.config_alarm:
        _append(tx, Act.CHANNEL_BACK, f"{after.channel} takes messages again.", now)


def dropped(tx: Connection, gone: Mapping[str, int], now: datetime) -> None:
    """Say what was deleted because it had had its time.

    Args:
        tx: the transaction.
        gone: table -> rows.
        now: aware.
    """
    if gone:
        rows = ", ".join(f"{count} of {table}" for table, count in sorted(gone.items()))
        _append(tx, Act.DROPPED, f"Rows that had had their time were deleted: {rows}.", now)


def told_directly(tx: Connection, at: datetime, now: datetime) -> None:
    """Say that IT was told past the outbox; once of each time, and not before it can be stored.

    Args:
        tx: the transaction.
        at: when that was, aware.
        now: aware.
    """
    if meta.get(tx, _TOLD) == at.isoformat():
        return
    meta.put(tx, _TOLD, at.isoformat())
    body = f"IT was told at {moment(at, now)}, past the outbox, that the daemon stood still."
    _append(tx, Act.TOLD_DIRECTLY, body, now)


def _append(tx: Connection, act: Act, body: str, now: datetime) -> None:
    audit.append(tx, INSTALLATION, [AuditEntry(now, DAEMON, "", act, "", body)])
