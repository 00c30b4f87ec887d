"""Send the messages that are due, channel by channel, each channel in a task of its own.

A channel that hangs holds up no other, and sends one message after another. What is leased, what an
attempt came to and who takes over is written down by ``deliver``, transaction 3 of 3: before a
message goes out and after it, never meanwhile.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.base import CheckedWeekly, Editing, Ending
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.errors import LeaseLost, MisBridgeError, StoreError
from mis_bridge.incidents.reasons import ENDINGS, Reason
from mis_bridge.io import metrics
from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import local_minute
from mis_bridge.service import weekly
from mis_bridge.service.bundles import Written, compose_together
from mis_bridge.service.daily import plan as plan_daily
from mis_bridge.service.daily import write as write_daily
from mis_bridge.service.deliver import claim, note_ends, record, record_together, take_over
from mis_bridge.service.sharing import SharedLimits
from mis_bridge.service.writing import compose
from mis_bridge.store import channels as channel_rows
from mis_bridge.store import leases

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from mis_bridge.channels.base import Channel
    from mis_bridge.io.clock import Clock
    from mis_bridge.messages.model import Message
    from mis_bridge.service.daily import Daily
    from mis_bridge.service.deliver import Limits
    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.service.writing import Sender
    from mis_bridge.store.engine import Store
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Deliverer"]

LOOK_SECONDS: Final = 3600.0
"""Between two looks at what ends: certificates are files, and may be replaced."""


class Deliverer:
    """Sends what is due, channel by channel.

    Args:
        store, clock: as everywhere.
        schools: by id.
        channels: by name; in place of one that could not be set up, why.
        sender: what messages say of their sender.
        deadlines: how long one channel may take, by severity.
        holder: who leases, for people who look.
        daily: when the day's message goes out, and to whom; None for never.
        limits: how many messages a channel carries before they come as summaries; None: any.
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
        daily: Daily | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._schools = schools
        self._channels = channels
        self._sender = sender
        self._deadlines = deadlines
        self._holder = holder
        self._limits = limits
        self._shared = SharedLimits(store, clock, channels)
        self._busy: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self._start_wanted = False
        # One message is written at a time: what became of one that is out is written down after it
        # at most, and not after those of two hundred channels. Until then a kill sends it again.
        self._writing = asyncio.Lock()
        self._stopping = False
        self._looked: float | None = None
        self._looked_at: datetime | None = None
        self._week: datetime | None = None
        self._daily = daily
        self._day: date | None = None
        self._log = get_logger(__name__)

    async def start_due(self) -> int:
        """Take over what is too late, lease what is due and begin to send it; returns how many."""
        await self._shared.recall()
        await self._look_at_certificates()
        await self._plan_weekly()
        await self._plan_daily()
        await self._store.call(take_over, self._clock.now(), self._deadlines, self._schools)
        return await self._start_free()

    async def _start_free(self) -> int:
        """Give every channel that is free what it has to send; returns how many messages."""
        started = 0
        if self._start_wanted:
            return 0  # who waits for the turn to look will see what is due by then
        self._start_wanted = True
        try:
            await self._starting.acquire()
        finally:
            self._start_wanted = False
        try:
            while rows := await self._store.call(
                claim,
                self._clock.now(),
                self._holder,
                busy=frozenset(self._busy),
                limits=self._limits,
            ):
                started += len(rows)
                for name, waiting in _by_channel(leases.lots(rows)).items():
                    self._busy.add(name)
                    task = asyncio.create_task(self._send_all(name, waiting), name=f"send {name}")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        finally:
            self._starting.release()
        return started

    async def _look_at_certificates(self) -> None:
        """Once an hour: when does each channel's first certificate or secret run out?"""
        running = self._clock.monotonic()
        if self._looked is not None and running - self._looked < LOOK_SECONDS:
            return
        self._looked = running
        ends = {}
        for name, channel in self._channels.items():
            expiries = (
                await asyncio.to_thread(channel.expiries) if isinstance(channel, Ending) else ()
            )
            ends[name] = expiries[0] if expiries else None
        before, self._looked_at = self._looked_at, self._clock.now()
        await self._store.call(note_ends, ends, self._schools, self._looked_at, before)

    async def _plan_weekly(self) -> None:
        """Once a week: have every channel that needs it show that it works."""
        now = self._clock.now()
        week = weekly.due_since(now)
        if week == self._week:
            return
        checked = [
            name
            for name, channel in self._channels.items()
            if isinstance(channel, CheckedWeekly) and channel.checked_weekly
        ]
        await self._store.call(weekly.plan, now, checked, self._schools, self._deadlines)
        self._week = week

    async def _plan_daily(self) -> None:
        """Once a day, at its time: have everybody told who is to hear how the day was."""
        now, daily = self._clock.now(), self._daily
        today, _ = local_minute(now)
        if daily is None or not daily.to or today == self._day or now < daily.due(today):
            return
        args = (now, daily, self._schools, self._deadlines)
        await self._store.call(plan_daily, *args)
        self._day = today

    async def wait(self) -> None:
        """Wait for what is being sent."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self, seconds: float) -> None:
        """Let attempts end, then break them off; they are repeated after the next start."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_all(self, name: str, rows: list[list[OutboxRow]]) -> None:
        """Send one channel's messages, and then what has come due for it meanwhile."""
        try:
            await self._send_each(name, rows)
        finally:
            self._busy.discard(name)
        if not self._stopping:
            with suppress(StoreError):  # the next tick tries the same, and says why
                await self._start_free()

    async def _send_each(self, name: str, lots: list[list[OutboxRow]]) -> None:
        """Send messages one after another, in the order in which they were leased."""
        waiting = list(lots)
        while waiting and not self._stopping:
            rows = waiting.pop(0)
            row = rows[0]
            try:
                await self._send_one(name, rows)
                now = self._clock.now()
                if waiting and name in await self._store.call(channel_rows.paused, now):
                    break  # it asked for patience, or failed too often: the others wait, or go on
            except LeaseLost:
                self._log.warning("message_lease_lost", channel=name, message=row.id[:12])
            except asyncio.CancelledError:
                await asyncio.shield(self._give_back([one for lot in waiting for one in lot]))
                raise
            except Exception:  # noqa: BLE001 - the others of this channel still have to go out
                self._log.exception("message_not_recorded", channel=name, message=row.id[:12])
        await self._give_back([one for lot in waiting for one in lot])

    async def _send_one(self, name: str, rows: list[OutboxRow]) -> None:
        """Send one message, of one row or of several, and write down what became of it."""
        if len(rows) == 1:
            outcome = await self._send(name, rows[0])
            now = self._clock.now()
            _count(name, rows[0], outcome, now)
            if isinstance(outcome, Outcome):
                await self._shared.heed(name, outcome, now)
            await self._store.call(record, rows[0], outcome, now, self._deadlines, self._schools)
            return
        written, came_to = await self._send_together(name, rows)
        now = self._clock.now()
        for why in written.unsaid.values():
            _count(name, rows[0], why, now)
        if came_to is not None:
            _count(name, rows[0], came_to, now)
            await self._shared.heed(name, came_to, now)
        lost = await self._store.call(
            record_together, rows, written, came_to, now, self._deadlines, self._schools
        )
        if lost:
            self._log.warning("message_lease_lost", channel=name, message=rows[0].id[:12])

    async def _send_together(
        self, name: str, rows: list[OutboxRow]
    ) -> tuple[Written, Outcome | None]:
        channel, school = self._channels.get(name), self._schools.get(rows[0].school)
        if school is None:
            why = self._dropped(name, rows[0], Reason.NOT_CONFIGURED)
            return Written(unsaid={row.id: why for row in rows}), None
        if channel is None or isinstance(channel, MisBridgeError):
            return Written(), self._said(rows[0], _not_usable(channel), "", 0, len(rows))
        async with self._writing:
            written = await self._store.call(
                compose_together, rows, school, channel.disclosure, self._sender, self._clock.now()
            )
        if written.message is None:
            return written, None
        began = self._clock.monotonic()
        outcome = await channel.send(written.message)
        seconds = self._clock.monotonic() - began
        metrics.observe("mis_bridge_message_attempt_seconds", seconds, channel=name)
        together = len(written.message.references) or 1
        reference = written.message.reference
        return written, self._said(rows[0], outcome, reference, seconds, together)

    async def _give_back(self, rows: list[OutboxRow]) -> None:
        """What was leased and is not sent is free again; at the latest when its lease ends."""
        if rows:
            with suppress(StoreError):
                await self._store.call(leases.give_back, rows)

    async def _send(self, name: str, row: OutboxRow) -> Outcome | Reason:
        channel = self._channels.get(name)
        school = self._schools.get(row.school)
        if school is None:
            return self._dropped(name, row, Reason.NOT_CONFIGURED)
        if channel is None or isinstance(channel, MisBridgeError):
            return self._said(row, _not_usable(channel), "", 0)
        message = await self._write(row, school, channel)
        if isinstance(message, Reason):
            return self._dropped(name, row, message)
        began = self._clock.monotonic()
        outcome = await _post(channel, message)
        seconds = self._clock.monotonic() - began
        metrics.observe("mis_bridge_message_attempt_seconds", seconds, channel=name)
        return self._said(row, outcome, message.reference, seconds)

    def _said(
        self, row: OutboxRow, outcome: Outcome, reference: str, seconds: float, together: int = 1
    ) -> Outcome:
        """Write the one line of an attempt."""
        self._log.info(
            "message_sent",
            school=row.school,
            channel=row.channel,
            audience=row.audience,
            result=outcome.result,
            reference=reference,
            message=row.id[:12],
            reason=row.reason,
            attempt=row.attempts,
            refused=len(outcome.refused),
            seconds=round(seconds, 3),
            detail=outcome.detail,
            incidents=together,
        )
        return outcome

    async def _write(self, row: OutboxRow, school: School, channel: Channel) -> Message | Reason:
        now, sender = self._clock.now(), self._sender
        if row.reason == Reason.WEEKLY_CHECK:
            return await self._store.call(weekly.write, row, now, self._schools, sender.link_base)
        if row.reason == Reason.DAILY:
            # It reads the day of many schools: over a snapshot, which holds up no decision.
            return await asyncio.to_thread(self._write_daily, row, now)
        async with self._writing:
            now = self._clock.now()
            return await self._store.call(compose, row, school, channel.disclosure, sender, now)

    def _write_daily(self, row: OutboxRow, now: datetime) -> Message | Reason:
        with self._store.reading() as tx:
            return write_daily(tx, row, now, self._schools)

    def _dropped(self, name: str, row: OutboxRow, why: Reason) -> Reason:
        self._log.info(
            "message_dropped", school=row.school, channel=name, reason=why, message=row.id[:12]
        )
        return why


async def _post(channel: Channel, message: Message) -> Outcome:
    """Send a message, or put it in the place of one that stands there."""
    if not message.edits:
        return await channel.send(message)
    if isinstance(channel, Editing):
        return await channel.edit(message)
    return Outcome(Result.PERMANENT, "a channel of this kind can not change what it has sent")


def _not_usable(problem: MisBridgeError | None) -> Outcome:
    why = f"it can not be set up: {problem}" if problem else "it is not configured any more"
    return Outcome(Result.PERMANENT, why, config_alarm=True)


def _by_channel(lots: list[list[OutboxRow]]) -> dict[str, list[list[OutboxRow]]]:
    found: dict[str, list[list[OutboxRow]]] = {}
    for rows in lots:
        found.setdefault(rows[0].channel, []).append(rows)
    # An end that is leased beside its beginning waits for what becomes of that.
    return {
        name: sorted(of, key=lambda rows: rows[0].reason in ENDINGS) for name, of in found.items()
    }


def _count(name: str, row: OutboxRow, outcome: Outcome | Reason, now: datetime) -> None:
    if isinstance(outcome, Reason):
        metrics.count("mis_bridge_messages_dropped_total", reason=outcome)
        return
    metrics.count(
        "mis_bridge_message_attempts_total",
        channel=name,
        reason=row.reason,
        result=outcome.result,
    )
    if outcome.result in {Result.SENT, Result.ACCEPTED}:
        waited = (now - row.created_at).total_seconds()
        metrics.observe("mis_bridge_message_delay_seconds", waited, severity=row.severity)
