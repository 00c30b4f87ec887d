"""One school day from end to end: an invented school, its MIS, the real daemon, and real peers.

Nothing of the daemon is replaced. It reads the stand-in over HTTP with the shipped adapter, keeps
an encrypted database, posts to a webhook and talks SMTP; only the clock runs faster. Beside it two
invented people do what people do: one acknowledges alerts, one approves the return to the
authority.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.simulator.demo_files import make_room, write_files
from mis_bridge.simulator.demo_setup import ADDRESSES, SCHOOL, Peers, write_configuration
from mis_bridge.simulator.demo_staff import Staff
from mis_bridge.simulator.demo_stage import Stage
from mis_bridge.simulator.history import write_history
from mis_bridge.simulator.pacing import PacedClock, is_behind
from mis_bridge.simulator.scenarios import rehearse
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.sinks import MailSink, WebhookSink
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.watching import Watcher
from mis_bridge.simulator.wonde_state import WondeState
from mis_bridge.store import owed
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TextIO

    from mis_bridge.simulator.demo_stage import Line
    from mis_bridge.simulator.scenarios import Rehearsal
    from mis_bridge.simulator.truth import Verdict
    from mis_bridge.store.engine import Store
    from mis_bridge.store.notifications import File

__all__ = ["DAY", "Outcome", "play"]

DAY = date(2026, 11, 17)
"""A Tuesday of the autumn term, two weeks after the half term."""

PUPILS = 120
BEGINS = 8 * 60 + 15
ENDS = 15 * 60 + 30
_SLACK = 12
_LOOK_EVERY = 0.05
_PATIENCE = 25.0
_LAST_WAIT = 5.0


@dataclass
class Outcome:
    """What a rehearsal came to.

    Args:
        verdicts: scenario by scenario, with the truth.
        titles: of the scenarios, by id.
        files: what was written.
        returned: a mail with the return reached the authority's mailbox.
        seconds: how long the day took, real time.
    """

    verdicts: tuple[Verdict, ...]
    titles: dict[str, str]
    files: list[Path] = field(default_factory=list)
    returned: bool = False
    seconds: float = 0.0

    @property
    def met(self) -> bool:
        """Whether the truth was met in every scenario, and the return came where it belongs."""
        return self.returned and all(verdict.met for verdict in self.verdicts)


def play(out: Path, *, seed: int, seconds: float, say: Callable[[Line], None]) -> Outcome:
    """Play a school day.

    Args:
        out: folder for what the daemon produced; made if it is not there.
        seed: of the school and of its day.
        seconds: real time that the day is to take.
        say: is called with each line, in the order of time, from several threads.

    Raises:
        OperatorError: the folder holds something else, or a part is not installed.
    """
    make_room(out)
    rehearsal = rehearse(build_school(seed, PUPILS), DAY, slack=_SLACK)
    state = _school_database(rehearsal)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mis-bridge-demo-")))
        log = stack.enter_context((out / "daemon.log").open("w", encoding="utf-8"))
        speed = (ENDS - BEGINS) * 60 / seconds
        clock = PacedClock(local_datetime(DAY, BEGINS), speed, _PATIENCE)
        stage = Stage(rehearsal, clock, say)
        standin = stack.enter_context(WondeStandin(state, clock))
        for fault in rehearsal.faults():
            standin.faults.add(fault)
        webhook = stack.enter_context(WebhookSink(clock, on_post=stage.posted))
        mails = stack.enter_context(MailSink(clock, on_mail=stage.mailed))
        config = write_configuration(
            folder,
            rehearsal.school.name,
            rehearsal.school.calendar,
            Peers(standin.host, rehearsal.school.id, TOKEN, webhook.url, mails.port),
        )
        began = time.monotonic()
        verdicts, packages = asyncio.run(_run(config, stage, log))
        outcome = Outcome(
            verdicts,
            {one.id: one.title for one in rehearsal.scenarios},
            seconds=time.monotonic() - began,
        )
        outcome.returned = any(
            ADDRESSES["authority"] in mail.recipients
            and any(part.get_content_type() == "application/pdf" for part in mail.message.walk())
            for mail in mails.mails
        )
        outcome.files = write_files(out, webhook.posted, mails.mails, packages)
    return outcome


def _school_database(rehearsal: Rehearsal) -> WondeState:
    """Fill the MIS: the term so far, and the day to come."""
    history = write_history(rehearsal.school)
    rehearsal.write_before(history)
    past = [day for day in rehearsal.school.days if day < DAY]
    state = WondeState(
        rehearsal.school,
        history,
        marked=past,
        lesson_days=past[-5:],
        settled_by=local_datetime(past[-1], 16 * 60),
    )
    state.play(DAY, rehearsal.marks.events)
    return state


async def _run(config: Path, stage: Stage, log: TextIO) -> tuple[tuple[Verdict, ...], list[File]]:
    """Run the daemon until the school day is over, and score what it did."""
    from mis_bridge.io.logs import set_up_logs
    from mis_bridge.io.notify import Notifier
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.service.app import run
    from mis_bridge.settings import load

    configuration = load(config)
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    set_up_logs("json", known_values=secrets.known_values, stream=log)
    stop = asyncio.Event()
    # Made before the daemon starts, so that there is something to look into from the beginning.
    store = open_configured(configuration, secrets, create=True)
    try:
        with Notifier() as notifier:
            daemon = asyncio.create_task(
                run(configuration, clock=stage.clock, secrets=secrets, notifier=notifier, stop=stop)
            )
            watcher, staff = Watcher(store, DAY), Staff(store, configuration, stage)
            await _until_the_end(stage, watcher, staff, daemon, store)
            stop.set()
            await daemon
        watcher.look()
        return stage.rehearsal.truth.score(watcher.seen(stage.told)), staff.packages()
    finally:
        store.close()


async def _until_the_end(
    stage: Stage, watcher: Watcher, staff: Staff, daemon: asyncio.Task[None], store: Store
) -> None:
    ends = local_datetime(DAY, ENDS)
    stop = float("inf")
    while not daemon.done():
        now = stage.clock.now()
        stage.tell_story(now)
        staff.act(watcher.look(), now)
        if now >= ends:
            stop = min(stop, time.monotonic() + _LAST_WAIT)
            if _all_sent(store, now) or time.monotonic() > stop:
                return
        stage.clock.move(wait=not stage.is_outage(now) and is_behind(store, SCHOOL, now))
        await asyncio.sleep(_LOOK_EVERY)
    daemon.result()


def _all_sent(store: Store, now: datetime) -> bool:
    with store.reading() as tx:
        return owed.waiting(tx, now)[0] == 0
