"""Who watches the watchman: a look at everything, beside the main loop and independent of it.

It has its own schedule, its own thread and its own connection to the database, and believes nothing
that the main loop says: it asks the rows (``self_check``). What it finds::

    clean            the supervisor and the outside monitor hear of it, the gauge is 1
    something late   no outside monitor; the gauge is 0; the school's people in IT are told by an
                     incident (self_check_failed), which the main loop raises
    the main loop    no sign of life for the supervisor either, which ends the daemon and starts it
    stands still     again; IT is told past the outbox, because nothing goes through it any more

Once a night it has the history walked as well (``history_walk``).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import MisBridgeError, StoreError
from mis_bridge.io import metrics
from mis_bridge.io.logs import get_logger
from mis_bridge.messages.times import moment
from mis_bridge.service import self_check
from mis_bridge.service.health import HEARTBEAT_SECONDS, pulse_of
from mis_bridge.service.history_walk import HistoryWalk
from mis_bridge.service.installation_lines import told_directly
from mis_bridge.service.self_check import LASTING, STUCK, UNTOLD, WORDS, Fault, Undone
from mis_bridge.store import self_check as kept
from mis_bridge.store import standing
from mis_bridge.store.self_check import Run
from mis_bridge.triggers.self_check_failed import HISTORY, Behind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.io.clock import Clock
    from mis_bridge.io.notify import Notifier
    from mis_bridge.service.health import Monitor
    from mis_bridge.service.schools import School
    from mis_bridge.service.self_check import Look
    from mis_bridge.service.word_to_it import WordToIt
    from mis_bridge.store.engine import Store

__all__ = ["AUDIT_SECONDS", "Auditor", "problem_of", "said"]

AUDIT_SECONDS: Final = 20.0
"""Between two looks: the supervisor waits for a sign of life."""

WHOLE_SECONDS: Final = 50.0
"""A look at every incident and message of hundreds of schools takes a second: once a minute."""

STILL_SECONDS: Final = 120.0
"""A round of the main loop that takes longer stands still; two of its intervals come on top."""

LOOK_SECONDS: Final = 30.0
"""A database that does not answer a look within this time does not answer."""

KEEP_SECONDS: Final = 60.0
"""A run that found the same as the one before is written down this often."""

CLOCK_SET: Final = timedelta(minutes=2)
"""After a step of the clock longer than this the main loop has its time to put things right."""


class Auditor:
    """Looks, and tells the supervisor, the outside monitor and people what it found.

    Args:
        store, clock: as everywhere.
        schools: the configured ones, by id.
        notifier: the line to the supervisor.
        monitor: the outside monitor.
        word: the way to IT that does not go through the outbox.
        tick_seconds: how often the main loop begins its work.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        schools: Mapping[str, School],
        notifier: Notifier,
        monitor: Monitor,
        word: WordToIt,
        tick_seconds: float,
    ) -> None:
        self._store = store
        self._clock = clock
        self._schools = schools
        self._notifier = notifier
        self.monitor = monitor
        self._word = word
        self._still = STILL_SECONDS + 2 * tick_seconds
        self._began = (clock.monotonic(), clock.now())
        self._tick_at, self._tick_seen = self._began
        self._ticked = False
        self._problem = ""
        self._looked: tuple[float, datetime] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="auditor")
        self._history = HistoryWalk(store, clock)
        self._reading: asyncio.Future[Look] | None = None
        self._whole: tuple[float, Look] | None = None
        self._run = Run(clock.now(), None, {})
        self._first = True
        self._kept: tuple[float, Run] | None = None
        self._status = ""
        self._written_down: datetime | None = None
        self._log = get_logger(__name__)

    @property
    def last(self) -> Run:
        """What the last run found; before the first one it has never been clean."""
        return self._run

    def tick_done(self) -> None:
        """The main loop has done a round of its work, all of it."""
        running, now = self._clock.monotonic(), self._clock.now()
        if running - self._tick_at > self._still:
            self._began = (self._began[0], now)
        self._tick_at, self._tick_seen = running, now
        self._ticked = True
        self._problem = ""

    def tick_failed(self, problem: str) -> None:
        """A round of the main loop ended with an error; ``problem`` holds no name and no secret."""
        self._problem = problem
        metrics.count("mis_bridge_ticks_failed_total")

    async def audit(self) -> None:
        """One run; it never raises."""
        began, now = self._clock.monotonic(), self._clock.now()
        found = self._of_the_loop(began)
        if self._ticked and not found and await self._history.look(now):
            self._whole = None
        look = await self._look(now)
        if look is None:
            found.append(Undone(Fault.STORE_UNREADABLE, "", "", 1, now))
        elif not (self._clock_was_set(began, now) or found) and self._ticked:
            # While the loop stands still, and until it had its time again, all else follows.
            found += self_check.judge(look, self._schools, now)
        self._tell_supervisor(look, found, now)
        if not self._ticked and not found:
            return  # it has just begun: nothing is undone yet, and nothing is proven
        faults = dict(sorted(Counter(str(one.fault) for one in found).items()))
        before, first = self._run, self._first
        self._run = Run(now, before.clean_at if faults else now, faults)
        self._first = False
        if first or before.faults != faults:
            self._say(found, began)
        # A daemon that is started again and again would look well from outside.
        settled = self._ticked and began - self._began[0] >= HEARTBEAT_SECONDS
        if settled and not set(faults) - LASTING:
            self.monitor.call()
        if look is not None:
            await self._keep(found, now)
        await self._tell_it(found, now)

    async def stop(self) -> None:
        """Break off what is under way."""
        await self.monitor.stop()
        self._history.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _of_the_loop(self, running: float) -> list[Undone]:
        if running - self._tick_at <= self._still:
            return []
        return [Undone(Fault.TICK_LATE, "", "", 1, self._tick_seen)]

    def _clock_was_set(self, running: float, now: datetime) -> bool:
        """Whether the clock went another way than time did since the last look.

        What is stored as late was late by another clock; the main loop puts it right first.
        """
        before, self._looked = self._looked, (running, now)
        if before is None:
            return False
        passed = timedelta(seconds=(running - before[0]) * self._clock.speed)
        if abs(now - before[1] - passed) <= CLOCK_SET * self._clock.speed:
            return False
        self._began = (self._began[0], now)
        self._whole = None
        return True

    async def _look(self, now: datetime) -> Look | None:
        """Read the database over a connection of its own; None where it does not answer."""
        if self._reading is not None and not self._reading.done():
            return None  # the look before still waits for an answer
        loop = asyncio.get_running_loop()
        self._reading = loop.run_in_executor(self._thread, self._read, now)
        await asyncio.wait([self._reading], timeout=LOOK_SECONDS)
        if not self._reading.done():
            return None
        try:
            return self._reading.result()
        except StoreError as error:
            self._problem = self._problem or problem_of(error)
        except Exception as error:  # noqa: BLE001 - whoever watches has to go on
            self._problem = self._problem or problem_of(error)
            self._log.exception("audit_failed", problem=problem_of(error))
        return None

    def _read(self, now: datetime) -> Look:
        """Look at all of it once a minute, in between only how the whole stands."""
        running = self._clock.monotonic()
        with self._store.reading() as tx:
            if self._whole is not None and running - self._whole[0] < WHOLE_SECONDS:
                return replace(self._whole[1], standing=standing.read(tx, now))
            look = self_check.look(
                tx, self._schools, now, since=self._began[1], speed=self._clock.speed
            )
        self._whole = running, look
        return look

    def _tell_supervisor(self, look: Look | None, found: Sequence[Undone], now: datetime) -> None:
        if not any(one.fault in STUCK for one in found):
            self._notifier.watchdog()
        status = str(pulse_of(look.standing, now)) if look else "the database does not answer"
        if found:
            kinds = ", ".join(sorted({str(one.fault) for one in found}))
            status = f"NOT ALL IS WELL ({kinds}); {status}"
        if status != self._status and (self._ticked or found):
            self._status = status
            self._notifier.status(status)
            self._log.info("pulse", status=status)

    def _say(self, found: Sequence[Undone], began: float) -> None:
        seconds = round(self._clock.monotonic() - began, 3)
        if not found:
            self._log.info("audited", clean=True, faults="", schools=0, seconds=seconds)
            return
        self._log.error(
            "audited",
            clean=False,
            faults=", ".join(f"{name} {count}" for name, count in self._run.faults.items()),
            schools=len({one.school for one in found if one.school}),
            seconds=seconds,
        )

    async def _keep(self, found: Sequence[Undone], now: datetime) -> None:
        """Write down what was found, where it is news; the main loop raises the incidents."""
        run = self._run
        running = self._clock.monotonic()
        if self._kept is not None:
            at, last = self._kept
            if running - at < KEEP_SECONDS and last.faults == run.faults:
                return
        behind: dict[str, list[Behind]] = {}
        for one in found:
            if one.school and one.fault not in UNTOLD:
                about = HISTORY if one.fault is Fault.HISTORY_BROKEN else ""
                behind.setdefault(one.school, []).append(Behind(one.since, said(one, now), about))
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: self._store.run(_store_run, run, behind, now)
            )
        except StoreError as error:
            self._problem = self._problem or problem_of(error)
        else:
            self._kept = running, run

    async def _tell_it(self, found: Sequence[Undone], now: datetime) -> None:
        stuck = [one for one in found if one.fault in STUCK]
        if stuck:
            said_of_it = "; ".join(said(one, now) for one in stuck)
            await self._word.send(f"{said_of_it[:1].upper()}{said_of_it[1:]}", self._problem)
            return
        told = self._word.over()
        if told is None or told == self._written_down:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, lambda: self._store.run(told_directly, told, now)
            )
        except StoreError as error:
            self._problem = self._problem or problem_of(error)
        else:
            self._written_down = told


def problem_of(error: Exception) -> str:
    """What a person may read of an error: our own texts, of others only their kind."""
    if isinstance(error, MisBridgeError):
        return str(error)
    if isinstance(error, ExceptionGroup):
        return "; ".join(dict.fromkeys(problem_of(one) for one in error.exceptions))
    return f"a fault of the program ({type(error).__name__}); its log has the details"


def said(one: Undone, now: datetime) -> str:
    """What was not done, in plain words."""
    words = WORDS[one.fault].format(number=one.number, what=one.what, since=moment(one.since, now))
    return words.replace("1 messages", "1 message").replace("1 open incidents", "1 open incident")


def _store_run(tx: Connection, run: Run, behind: Mapping[str, list[Behind]], now: datetime) -> None:
    kept.keep_run(tx, run)
    kept.note_behind(tx, behind, now)
