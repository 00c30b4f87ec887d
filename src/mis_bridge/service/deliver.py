"""Transaction 3 of 3: send what waits in the outbox, and write down what became of it.

Two short transactions with the network between them: ``claim`` leases rows and writes the attempt
before anything is sent; ``record`` writes the outcome and, where the channel failed or was too
slow, puts the next channel of the route in the outbox. A crash between the two leaves a lease that
runs out: the message is sent again, with the same id and reference (at least once, never lost).

Each channel has a task of its own, so that one that hangs holds up no other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.errors import LeaseLost, MisBridgeError
from mis_bridge.incidents.model import MessagePlan
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import routing
from mis_bridge.service.writing import compose
from mis_bridge.store import channels as channel_rows
from mis_bridge.store import dirty, incidents, notifications, outbox
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.channels.base import Channel
    from mis_bridge.io.clock import Clock
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.service.writing import Sender
    from mis_bridge.store.engine import Store
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Deliverer", "claim", "record", "take_over"]

AT_ONCE: Final = 20
"""Messages leased in one go for all channels together."""

LEASE_SECONDS: Final = 120.0
"""Longer than any channel's own limit of time for one attempt."""

FIRST_WAIT: Final = timedelta(seconds=15)
LONGEST_WAIT: Final = timedelta(minutes=10)
UNKNOWN_WAIT: Final = timedelta(minutes=2)
"""After an unknown outcome: it may have arrived, so a copy is less urgent than after a refusal."""


class Deliverer:
    """Sends what is due, channel by channel.

    Args:
        store, clock: as everywhere.
        schools: by id.
        channels: by name; in place of one that could not be set up, why.
        sender: what messages say of their sender.
        deadlines: how long one channel may take, by severity.
        holder: who leases, for people who look.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        schools: Mapping[str, School],
        channels: Mapping[str, Channel | MisBridgeError],
        sender: Sender,
        deadlines: Deadlines,
        *,
        holder: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._schools = schools
        self._channels = channels
        self._sender = sender
        self._deadlines = deadlines
        self._holder = holder
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._log = get_logger(__name__)

    async def start_due(self) -> int:
        """Take over what is too late, lease what is due and begin to send it; returns how many."""
        now = self._clock.now()
        await self._store.call(take_over, now, self._deadlines, self._schools)
        rows = await self._store.call(claim, now, self._holder, busy=frozenset(self._tasks))
        by_channel: dict[str, list[OutboxRow]] = {}
        for row in rows:
            by_channel.setdefault(row.channel, []).append(row)
        for name, waiting in by_channel.items():
            task = asyncio.create_task(self._send_all(name, waiting), name=f"send {name}")
            self._tasks[name] = task
            task.add_done_callback(partial(self._done, name))
        return len(rows)

    async def wait(self) -> None:
        """Wait for what is being sent."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def stop(self, seconds: float) -> None:
        """Let attempts end, then break them off; they are repeated after the next start."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _done(self, name: str, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(name, None)

    async def _send_all(self, name: str, rows: list[OutboxRow]) -> None:
        """Send one channel's messages one after another, in the order in which they were leased."""
        for row in rows:
            try:
                outcome = await self._send(name, row)
                now = self._clock.now()
                await self._store.call(record, row, outcome, now, self._deadlines, self._schools)
            except LeaseLost:
                self._log.warning("message_lease_lost", channel=name, message=row.id[:12])
            except Exception:  # noqa: BLE001 - the others of this channel still have to go out
                self._log.exception("message_not_recorded", channel=name, message=row.id[:12])

    async def _send(self, name: str, row: OutboxRow) -> Outcome | Reason:
        channel = self._channels.get(name)
        school = self._schools.get(row.school)
        if school is None:
            return self._dropped(name, row, Reason.NOT_CONFIGURED)
        if channel is None or isinstance(channel, MisBridgeError):
            why = f"it can not be set up: {channel}" if channel else "it is not configured any more"
            return Outcome(Result.PERMANENT, why, config_alarm=True)
        message = await self._store.call(
            compose, row, school, channel.disclosure, self._sender, self._clock.now()
        )
        if isinstance(message, Reason):
            return self._dropped(name, row, message)
        outcome = await channel.send(message)
        self._log.info(
            "message_sent",
            channel=name,
            result=outcome.result,
            reference=message.reference,
            reason=row.reason,
            detail=outcome.detail,
        )
        return outcome

    def _dropped(self, name: str, row: OutboxRow, why: Reason) -> Reason:
        self._log.info("message_dropped", channel=name, reason=why, message=row.id[:12])
        return why


def claim(
    tx: Connection, now: datetime, holder: str, *, busy: frozenset[str] = frozenset()
) -> list[OutboxRow]:
    """Lease what is due for the channels that are free, and write down that attempts begin."""
    resting = channel_rows.paused(tx, now) | busy
    return outbox.claim(tx, now, AT_ONCE, LEASE_SECONDS, holder, channels_paused=resting)


def record(
    tx: Connection,
    row: OutboxRow,
    outcome: Outcome | Reason,
    now: datetime,
    deadlines: Deadlines,
    schools: Mapping[str, School],
) -> None:
    """Write down what became of one attempt; where the channel failed, the next takes over.

    Raises:
        LeaseLost: another sender holds the row by now; its outcome counts.
    """
    if isinstance(outcome, Reason):
        outbox.withdraw(tx, row, outcome, now)
        return
    retry_at = _retry_at(row, outcome, now)
    refused = outcome.result is Result.PERMANENT
    too_late = bool(retry_at and row.deadline_at and retry_at >= row.deadline_at)
    handed_on = refused or too_late or bool(outcome.refused)
    heir = _heir(tx, row, now, deadlines, schools) if handed_on else None
    if refused and outcome.config_alarm and heir is None:
        # Nobody else is left to be asked, and a person may mend the channel.
        retry_at = now + LONGEST_WAIT
    outbox.finish(tx, row, outcome, now, retry_at)
    _note(tx, row, outcome, now)
    if handed_on:
        _hand_on(tx, row, heir, now)
    if refused:
        _tell_of_refusal(tx, row, outcome, heir, now, deadlines, schools)
    if row.reason == Reason.PACKAGE_APPROVED and outcome.result in {Result.SENT, Result.ACCEPTED}:
        package = notifications.get(tx, row.school, row.notification)
        if package:
            notifications.sent(tx, package, outcome.proof, now)


def take_over(
    tx: Connection, now: datetime, deadlines: Deadlines, schools: Mapping[str, School]
) -> int:
    """Put the next channel in the outbox for every message that is past its deadline."""
    late = outbox.due_deadlines(tx, now)
    for row in late:
        _hand_on(tx, row, _heir(tx, row, now, deadlines, schools), now)
    return len(late)


def _note(tx: Connection, row: OutboxRow, outcome: Outcome, now: datetime) -> None:
    """Write down what an attempt says of its channel."""
    if outcome.refused:
        # Some of the people behind this channel got nothing, although the others did.
        outcome = replace(outcome, result=Result.PERMANENT, config_alarm=True)
    if outcome.result is Result.RETRY and outcome.retry_after is not None:
        until = now + timedelta(seconds=outcome.retry_after)
        channel_rows.rest(tx, row.channel, outcome, now, until)
    else:
        channel_rows.note(tx, row.channel, outcome, now)


def _heir(
    tx: Connection,
    row: OutboxRow,
    now: datetime,
    deadlines: Deadlines,
    schools: Mapping[str, School],
) -> OutboxRow | None:
    """The message by the next channel of the route; None where there is none.

    A channel that was taken out of the route since leaves its messages to the present one.
    """
    incident, school = incidents.get(tx, row.incident), schools.get(row.school)
    if incident is None:
        return None
    heir = routing.following(tx, row, incident, now, deadlines)
    present = school.routes.get(row.audience, ()) if school else ()
    if heir is None and row.channel not in present:
        rerouted = outbox.reroute(tx, row, present)
        heir = routing.following(tx, rerouted, incident, now, deadlines)
    return heir


def _hand_on(tx: Connection, row: OutboxRow, heir: OutboxRow | None, now: datetime) -> None:
    """Let the next channel take over, and have the school's day looked at: IT is told there."""
    outbox.deadline_noted(tx, row)
    if heir:
        outbox.insert(tx, [heir])
    dirty.mark(tx, row.school, [now.astimezone(LONDON).date()], now)


def _tell_of_refusal(
    tx: Connection,
    row: OutboxRow,
    outcome: Outcome,
    heir: OutboxRow | None,
    now: datetime,
    deadlines: Deadlines,
    schools: Mapping[str, School],
) -> None:
    """Tell IT of a message that a working channel refuses; of a broken one an incident tells.

    Whoever had a package approved hears that it did not go out.
    """
    who = [] if outcome.config_alarm else [Audience.IT]
    if row.reason == Reason.PACKAGE_APPROVED and heir is None:
        who.append(Audience.ATTENDANCE)
    incident, school = incidents.get(tx, row.incident), schools.get(row.school)
    if incident is None or school is None or row.reason == Reason.CHANNEL_FAILED:
        return
    for audience in who:
        plan = MessagePlan(
            incident, Reason.CHANNEL_FAILED, audience, incident.severity, incident.revision
        )
        avoid = frozenset({row.channel})
        outbox.insert(tx, routing.expand(tx, plan, school, now, deadlines, avoid=avoid))


def _retry_at(row: OutboxRow, outcome: Outcome, now: datetime) -> datetime | None:
    """When the same channel is tried again; None where that makes no sense."""
    if outcome.result not in {Result.RETRY, Result.UNKNOWN}:
        return None
    first = UNKNOWN_WAIT if outcome.result is Result.UNKNOWN else FIRST_WAIT
    wait = min(first * (1 << min(row.attempts - 1, 10)), LONGEST_WAIT)
    if outcome.retry_after is not None:
        wait = max(wait, timedelta(seconds=outcome.retry_after))
    return now + wait
