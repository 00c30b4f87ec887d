"""Conduct the week: start the daemon, let people act, kill it at a random moment, start it again.

The daemon is ``mis-bridge run``, a process with a database of its own; nothing of it is replaced.
Each of its lives has the rehearsal's clock, which stands still between two lives but for the time
that the machine is down.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import IncidentError, StoreError
from mis_bridge.incidents.model import State
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service import people
from mis_bridge.settings import load
from mis_bridge.simulator.chaos.arrivals import of_card, of_line, of_mail, of_post
from mis_bridge.simulator.chaos.daemons import Nursery
from mis_bridge.simulator.chaos.ways_out import APP, configure
from mis_bridge.simulator.chaos.week import BEGINS, ENDS, Breakable, break_things, build_week
from mis_bridge.simulator.demo_setup import ADDRESSES, Peers
from mis_bridge.simulator.loopback_tls import make_identity
from mis_bridge.simulator.microsoft import Microsoft
from mis_bridge.simulator.pacing import StageClock
from mis_bridge.simulator.sinks import MailSink, WebhookSink
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.store import dirty, feeds, incidents, owed
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mis_bridge.simulator.chaos.arrivals import Arrival
    from mis_bridge.simulator.chaos.week import Week
    from mis_bridge.simulator.microsoft import Card
    from mis_bridge.store.engine import Store

__all__ = ["Aftermath", "play"]

_FASTEST: Final = 200.0
"""Rehearsed seconds a real second, at most: at more a lease ends while its message is sent."""

_STARTING: Final = 0.4
_AT_WORK: Final = 0.4
"""Real seconds that a life lasts on average at least, once the daemon has started."""

_IN_THE_BEGINNING: Final = 0.15
"""The share of lives that end while the daemon still starts."""

_FLOW_BOT: Final = (25, 300.0)
"""What Teams shows of one owner's cards, and in how many seconds; what is more is lost unseen."""

_LONGEST_DOWN: Final = 60
_NEXT_MORNING: Final = 8 * 60 + 2
"""When what is not urgent comes together: a week is over when that of its last day is out."""

_MORNINGS: Final = 3
_SOON: Final = timedelta(minutes=20)
"""Until then the further channels follow to somebody who has not answered by the first."""

_ACKNOWLEDGED_FOR: Final = 8 * 60
_ACTS: Final = 0.3
_PATIENCE: Final = 90.0
_LOOK_EVERY: Final = 0.05
_DSL: Final = "Dana Testleader"


@dataclass(slots=True)
class Aftermath:
    """What is left when the week is over.

    Args:
        week: what happened.
        store: the daemon's database, open.
        kills: when it was killed, by the rehearsal's clock.
        arrivals: all that reached people, in order.
        acknowledged: references of what a person acknowledged.
        cards: what stands in the bot's conversation.
        refused: what Microsoft's services found wrong with what they were asked.
        throttled: how many requests were more than they take at a time.
        swallowed: cards that Teams took and did not show, as there were too many at a time.
        seconds: how long it took, real time.
        quiet: every message was out, at the end.
        log: all that the daemons have logged.
    """

    week: Week
    store: Store
    kills: list[datetime] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    cards: list[Card] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    throttled: int = 0
    swallowed: int = 0
    seconds: float = 0.0
    quiet: bool = False
    log: Path = Path()


@contextmanager
def play(
    folder: Path,
    *,
    kills: int,
    days: int = 5,
    seed: int = 1,
    begins: int = BEGINS,
    ends: int = ENDS,
) -> Iterator[Aftermath]:
    """Play the week and give what is left of it; the database is closed at the end.

    Args:
        folder: an empty one, for the configuration and the database.
        kills: how often the daemon is killed.
        days: of the week, 1 to 5.
        seed: of everything that is drawn.
        begins: minute of each day from which it runs.
        ends: until which.
    """
    week = build_week(days, seed, ends)
    clock = StageClock(local_datetime(week.days[0], begins), _FASTEST)
    with ExitStack() as stack:
        tls, trusted = make_identity(folder)
        standin = stack.enter_context(WondeStandin(week.state, clock))
        webhook = stack.enter_context(WebhookSink(clock, limit=_FLOW_BOT))
        mails = stack.enter_context(MailSink(clock))
        microsoft = stack.enter_context(Microsoft(clock, APP, tls))
        addresses = sorted(ADDRESSES.values())
        breakable = Breakable(
            standin.faults, webhook.faults, mails.faults, microsoft.faults, addresses
        )
        break_things(week, seed, breakable)
        peers = Peers(standin.host, week.school.id, TOKEN, webhook.url, mails.port)
        school = week.school
        config = configure(folder, school.name, school.calendar, peers, microsoft.url, trusted)
        configuration = load(config)
        secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
        store = open_configured(configuration, secrets, create=True)
        stack.callback(store.close)
        log = folder / "daemon.log"
        nursery = Nursery(folder, log)
        stack.callback(nursery.close)
        left = Aftermath(week, store, log=log)
        sinks = _Sinks(webhook, mails, microsoft)
        conductor = _Conductor(left, clock, nursery, config, sinks, seed)
        began = time.monotonic()
        for number, day in enumerate(week.days, start=1):
            conductor.live_through(
                local_datetime(day, begins), local_datetime(day, ends), kills * number // days
            )
        breakable.mend()
        after = [day for day in week.school.days if day > week.days[-1]][:_MORNINGS]
        conductor.end_in_peace([local_datetime(day, _NEXT_MORNING) for day in after])
        conductor.left.seconds = time.monotonic() - began
        yield conductor.left


@dataclass(frozen=True, slots=True)
class _Sinks:
    """Where messages arrive."""

    webhook: WebhookSink
    mails: MailSink
    microsoft: Microsoft

    def collect(self, left: Aftermath) -> None:
        """Write down all that has come in so far."""
        left.cards = self.microsoft.cards
        left.refused = self.microsoft.problems
        left.throttled = self.microsoft.mailbox.refused + self.microsoft.throttled
        left.swallowed = self.webhook.swallowed
        arrived = [of_post(one) for one in self.webhook.posted]
        arrived += [of_card(one) for one in left.cards]
        arrived += [of_line(one) for one in self.microsoft.notified]
        for by_graph, mails in ((False, self.mails.mails), (True, self.microsoft.mails)):
            arrived += [one for mail in mails for one in of_mail(mail, by_graph=by_graph)]
        left.arrivals = sorted(arrived, key=lambda one: one.at)


class _Conductor:
    def __init__(
        self,
        left: Aftermath,
        clock: StageClock,
        nursery: Nursery,
        config: Path,
        sinks: _Sinks,
        seed: int,
    ) -> None:
        self.left = left
        self._clock = clock
        self._nursery = nursery
        self._config = config
        self._sinks = sinks
        self._rng = random.Random(f"kills {seed}")  # noqa: S311 - a simulation
        self._answered: set[str] = set()
        self._starting = _STARTING

    def live_through(self, begins: datetime, ends: datetime, kills: int) -> None:
        """Play one day, until it is over and so many kills have been made in all.

        Length and speed of each life are set anew, so that the kills are spread over the day
        however slow the machine is.
        """
        self._clock.jump(begins)
        while (due := kills - len(self.left.kills)) > 0:
            left = (ends - self._clock.now()).total_seconds()
            # Kills that are left when the day is over fall into its evening.
            share = max(left / due - _LONGEST_DOWN / 2, 30.0)
            at_work = max(share / _FASTEST - self._starting, _AT_WORK)
            self._clock.speed = min(share / (self._starting + at_work), _FASTEST)
            self._live_and_die(at_work)

    def _live_and_die(self, at_work: float) -> None:
        began = time.monotonic()
        pid = self._start()
        if self._rng.random() < _IN_THE_BEGINNING:
            time.sleep(self._rng.uniform(0.0, self._starting))
        elif self._nursery.is_ready(_PATIENCE):
            ready = time.monotonic()
            self._starting += (ready - began - self._starting) / 4
            stop = ready + self._rng.uniform(0.0, 2 * at_work)
            while (left := stop - time.monotonic()) > 0:
                time.sleep(min(_LOOK_EVERY, left))
                self._act()
        os.kill(pid, signal.SIGKILL)
        self.left.kills.append(self._clock.now())
        self._clock.pause(down=self._rng.uniform(1, _LONGEST_DOWN))
        status = self._nursery.wait(pid)
        if status != -signal.SIGKILL:
            tail = self.left.log.read_text("utf-8")[-2000:]
            raise AssertionError(f"the daemon ended by itself with {status}:\n{tail}")

    def end_in_peace(self, mornings: Sequence[datetime]) -> None:
        """Let it live on until all is said, and stop it as a supervisor does.

        What is not urgent and was found after a morning's digest comes with that of the next one.
        """
        # What was refused at the last waits for up to ten minutes of the rehearsal.
        self._clock.speed = _FASTEST
        for morning in mornings:
            self._clock.jump(morning)
            pid = self._start()
            stop = time.monotonic() + _PATIENCE
            while not self._nothing_waits(morning) and time.monotonic() < stop:
                time.sleep(_LOOK_EVERY)
            os.kill(pid, signal.SIGTERM)
            self._nursery.wait(pid)
            self._clock.pause()
            with self.left.store.reading() as tx:
                states = {state for _, state in owed.counts(tx)}
            self.left.quiet = not states & {"pending", "sending"}
            if self.left.quiet:
                break
        self._collect()

    def _start(self) -> int:
        environment = self._clock.begin().to_environment()
        return self._nursery.start(["run", "--config", str(self._config)], environment)

    def _nothing_waits(self, since: datetime) -> bool:
        """Whether the daemon has read and judged since then, and no message waits for its turn."""
        try:
            with self.left.store.reading() as tx:
                read = all(
                    one.last_good_at is not None and one.last_good_at >= since
                    for one in feeds.all_feeds(tx)
                )
                now = self._clock.now()
                follows, _ = owed.waiting(tx, now + _SOON)
                return read and not dirty.due(tx, now, 1) and not follows
        except StoreError:
            return False

    def _collect(self) -> None:
        self._sinks.collect(self.left)

    def _act(self) -> None:
        """One of the alerts that have arrived is acknowledged, or it is left to others."""
        self._collect()
        new = {
            reference
            for one in self.left.arrivals
            if one.channel.startswith("dsl-")
            for reference in one.references
        } - self._answered
        for reference in sorted(new):
            self._answered.add(reference)
            if self._rng.random() < _ACTS:
                self._acknowledge(reference)

    def _acknowledge(self, reference: str) -> None:
        now = self._clock.now()
        store = self.left.store
        try:
            with store.reading() as tx:
                known = incidents.get(tx, reference)
            if known is None or known.state is not State.OPEN:
                return
            store.run(people.acknowledge, reference, _DSL, now, _ACKNOWLEDGED_FOR)
        except (IncidentError, StoreError):
            self._answered.discard(reference)  # it is tried again, as a person would
        else:
            self.left.acknowledged.add(reference)
