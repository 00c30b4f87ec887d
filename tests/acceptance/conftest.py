"""A small invented school, its MIS and its people, around a daemon that is a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mis_bridge.io.clock import ManualClock, RehearsalClock
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.settings import load
from mis_bridge.simulator.demo_setup import Peers, write_configuration
from mis_bridge.simulator.history import write_history
from mis_bridge.simulator.scenarios import rehearse
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.sinks import MailSink, WebhookSink
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_state import WondeState
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mis_bridge.simulator.scenarios import Rehearsal
    from mis_bridge.store.engine import Store

DAY = date(2026, 11, 17)
NOW = 11 * 60 + 45
"""A quarter to twelve: a pupil has walked out after P2 and a looked-after child never came."""

PUPILS = 60
PATIENCE = 60.0
_DIE_AT = Path(__file__).with_name("die_at.py")


@dataclass
class World:
    """Everything around the daemon.

    Args:
        config: configuration file.
        rehearsal: what happens in school.
        clock: of the peers; the daemons have one of their own that starts at the same moment.
        state: the MIS's database.
        standin, webhook, mails: the real peers.
    """

    config: Path
    rehearsal: Rehearsal
    clock: ManualClock
    state: WondeState
    standin: WondeStandin
    webhook: WebhookSink
    mails: MailSink

    @contextmanager
    def daemon(
        self, *, minute: int = NOW, die_at: str = "", speed: float = 1.0
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A running ``mis-bridge run``; whatever is left of it at the end is killed.

        Args:
            minute: of the day that its clock shows at the start.
            die_at: step at which it is killed, ``FUNCTION:PLACE``.
            speed: of its clock.
        """
        clock = RehearsalClock(local_datetime(DAY, minute), time.time(), speed)
        command = [str(_DIE_AT), die_at] if die_at else ["-m", "mis_bridge"]
        log = self.config.with_name("daemon.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, *command, "run", "--config", str(self.config)],
            env={**os.environ, **clock.to_environment()},
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            log.close()
            if process.poll() is None:
                process.kill()
            process.wait()

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        """Ask a daemon to stop, and give its exit status."""
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The daemon's database, opened beside it."""
        configuration = load(self.config)
        secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
        store = open_configured(configuration, secrets, create=True)
        try:
            yield store
        finally:
            store.close()

    def log(self) -> str:
        """All that the daemons have logged."""
        return self.config.with_name("daemon.log").read_text("utf-8")


def wait_for(condition: Callable[[], object], what: str, world: World) -> None:
    """Wait until something is so, at the latest for ``PATIENCE`` seconds."""
    ends = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > ends:
            pytest.fail(f"{what} within {PATIENCE:.0f} s\n{world.log()[-3000:]}")
        time.sleep(0.05)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A school day at ``NOW``, with three weeks behind it."""
    rehearsal = rehearse(build_school(5, PUPILS), DAY, slack=20)
    history = write_history(rehearsal.school)
    rehearsal.write_before(history)
    past = [day for day in rehearsal.school.days if day < DAY][-15:]
    state = WondeState(
        rehearsal.school,
        history,
        marked=past,
        lesson_days=past[-2:],
        settled_by=local_datetime(past[-1], 16 * 60),
    )
    state.play(DAY, rehearsal.marks.events)
    clock = ManualClock(local_datetime(DAY, NOW))
    with (
        WondeStandin(state, clock) as standin,
        WebhookSink(clock) as webhook,
        MailSink(clock) as mails,
    ):
        config = write_configuration(
            tmp_path,
            rehearsal.school.name,
            rehearsal.school.calendar,
            Peers(standin.host, rehearsal.school.id, TOKEN, webhook.url, mails.port),
        )
        # Real minutes would pass while a message waits for others of its cause.
        at_once = "\n[telling]\ngroup_seconds = 0\nagain_seconds = 0\n"
        config.write_text(config.read_text("utf-8") + at_once, "utf-8")
        made = World(config, rehearsal, clock, state, standin, webhook, mails)
        with made.store():
            pass  # from here on there is a database to look into beside the daemon
        yield made
