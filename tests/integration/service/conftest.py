"""The daemon's parts around a real store, with a real MIS, webhook and mail server on loopback."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from mis_bridge.adapters import driver
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.notify import Notifier
from mis_bridge.io.retry import retried
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service.assembly import assembled
from mis_bridge.settings import load
from mis_bridge.simulator.day import RegisterEvent
from mis_bridge.simulator.demo_setup import SCHOOL, Peers, write_configuration
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.sinks import MailSink, WebhookSink
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_state import WondeState
from mis_bridge.store import incidents
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    from mis_bridge.incidents.model import Incident
    from mis_bridge.service.daemon import Daemon
    from mis_bridge.simulator.sinks import Mail
    from mis_bridge.store.engine import Store

DAY = date(2026, 11, 17)


def minutes(text: str) -> int:
    """``"10:05"`` as minutes after midnight."""
    hours, _, rest = text.partition(":")
    return int(hours) * 60 + int(rest)


@dataclass
class Bench:
    """One small school and everything around its daemon; time stands still until it is moved.

    Args:
        folder: of configuration and database.
        clock: shared by all.
        state: the MIS's database; registers are saved by the methods here.
        standin, webhook, mails: the peers.
    """

    folder: Path
    clock: ManualClock
    state: WondeState
    standin: WondeStandin
    webhook: WebhookSink
    mails: MailSink
    config: Path
    extra: list[tuple[str, str]] = field(default_factory=list)

    @property
    def pupils(self) -> list[str]:
        """The MIS's ids of everybody on roll."""
        return [pupil.id for pupil in self.state.school.pupils]

    def session(self, slot: str, at: str, code: str = "", **different: str) -> None:
        """Save everybody's mark of ``AM`` or ``PM``; keyword arguments differ, by pupil id."""
        self._save(slot, at, code or ("\\" if slot == "PM" else "/"), different)

    def lesson(self, period: str, at: str, code: str = "/", **different: str) -> None:
        """Save everybody's mark of a lesson."""
        self._save(period, at, code, different)

    def _save(self, slot: str, at: str, usual: str, different: Mapping[str, str]) -> None:
        self.state.play(
            DAY,
            [
                RegisterEvent(minutes(at), 0, slot, one.number, different.get(one.id, usual))
                for one in self.state.school.pupils
            ],
        )

    def edit(self, before: str, after: str) -> None:
        """Change the configuration file."""
        text = self.config.read_text("utf-8")
        assert before in text
        self.config.write_text(text.replace(before, after), "utf-8")

    @asynccontextmanager
    async def daemon(self, supervisor: str = "") -> AsyncIterator[Watched]:
        """The daemon's parts on this configuration; they run only when asked to.

        Args:
            supervisor: address of its socket, or empty.
        """
        configuration = load(self.config)
        secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
        async with AsyncExitStack() as stack:
            store = open_configured(configuration, secrets, create=True)
            stack.callback(store.close)
            daemon = await stack.enter_async_context(
                assembled(
                    configuration,
                    store,
                    clock=self.clock,
                    secrets=secrets,
                    notifier=stack.enter_context(Notifier(supervisor)),
                )
            )
            stack.push_async_callback(daemon.stop)
            yield Watched(daemon, store, self.clock)

    def mails_to(self, who: str) -> list[Mail]:
        """Mails to ``dsl``, ``office``, ``attendance``, ``it`` or ``authority``."""
        return [mail for mail in self.mails.mails if str(mail.message["To"]).startswith(f"{who}@")]


@dataclass
class Watched:
    """A daemon and its database."""

    daemon: Daemon
    store: Store
    clock: ManualClock

    async def at(self, time: str) -> None:
        """Let it be this time of the day, and the daemon do what is due."""
        self.clock.advance(
            seconds=(local_datetime(DAY, minutes(time)) - self.clock.now()).total_seconds()
        )
        await self.daemon.settle()

    async def until(self, time: str, *, every: int = 5) -> None:
        """Let time pass in steps of some minutes up to this time of the day."""
        last = local_datetime(DAY, minutes(time))
        while self.clock.now() < last:
            left = (last - self.clock.now()).total_seconds() / 60
            self.clock.advance(minutes=min(every, left))
            await self.daemon.settle()

    def incidents(self, trigger: str = "") -> list[Incident]:
        """All incidents, or those of one trigger."""
        with self.store.reading() as tx:
            return [one for one in incidents.recent(tx) if trigger in ("", one.trigger)]


@pytest.fixture(autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """By default structlog draws every local variable of every frame, for seconds each time."""
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, plain])
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def retries_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be read is asked for again as often as ever, without the seconds in between."""

    async def at_once(_: float) -> None:
        return

    async def hurried(call: Any, on: Any, rules: Any = None, **_: Any) -> Any:
        return await retried(call, on, rules, sleep=at_once)

    monkeypatch.setattr(driver, "retried", hurried)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A school of 24 pupils on a Tuesday at half past eight; no register is taken yet."""
    with bench_of(tmp_path, 24) as made:
        # What waits for others of its cause is shown by the tests of that.
        at_once = "\n[telling]\ngroup_seconds = 0\nagain_seconds = 0\n"
        made.config.write_text(made.config.read_text("utf-8") + at_once, "utf-8")
        yield made


@contextmanager
def bench_of(folder: Path, pupils: int) -> Iterator[Bench]:
    """A school of so many pupils, on the same morning; alerts come together as they do by default.

    Args:
        folder: an empty one.
        pupils: size of the roll.
    """
    school = build_school(7, pupils)
    state = WondeState(school, marked=[])
    clock = ManualClock(local_datetime(DAY, minutes("08:30")))
    with (
        WondeStandin(state, clock) as standin,
        WebhookSink(clock) as webhook,
        MailSink(clock) as mails,
    ):
        config = write_configuration(
            folder,
            school.name,
            school.calendar,
            Peers(standin.host, school.id, TOKEN, webhook.url, mails.port),
        )
        yield Bench(folder, clock, state, standin, webhook, mails, config)


__all__ = ["DAY", "SCHOOL", "Bench", "Watched", "bench_of", "minutes"]
