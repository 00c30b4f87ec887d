"""Our half of the delivery benchmark: store ten thousand findings, then send until nothing waits.

A process of its own, so that it can be killed and started again::

    python benchmarks/delivery_ours.py CONFIG PUPILS

It decides about every school's findings in one transaction, as the daemon does, and runs the
daemon's deliverer. Started again on the same database it decides the same, which stores nothing
new, and sends what is left. It says ``ready`` once it has read its configuration.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.build import build_channels
from mis_bridge.incidents.model import Scope
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.io.clock import clock_from
from mis_bridge.io.http import Transport
from mis_bridge.io.logs import set_up_logs
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import local_datetime, local_minute
from mis_bridge.service.decide import store_decisions
from mis_bridge.service.deliver import Limits
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.service.sending import Deliverer
from mis_bridge.service.writing import Sender
from mis_bridge.settings import load
from mis_bridge.store import feeds, incidents, leases, owed
from mis_bridge.store.opening import open_configured
from mis_bridge.triggers import unexplained_absence
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Assessment, Audience, Finding, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mis_bridge.service.routing import Deadlines
    from mis_bridge.service.schools import School
    from mis_bridge.store.engine import Store

_TICK: Final = 0.2
_CLOSES: Final = 9 * 60 + 15


def findings(pupils: int, now: datetime) -> Iterator[Finding]:
    """So many pupils of a school are away, and nobody knows why."""
    day, _ = local_minute(now)
    fired = local_datetime(day, _CLOSES)
    for number in range(pupils):
        yield Finding(
            trigger="unexplained_absence",
            pupil=f"pupil-{number:03}",
            day=day,
            slot="AM",
            level=1,
            fired_at=fired,
            raised_at=fired,
            evidence=(),
            facts={},
            sentence="The AM register says N, and no message has come.",
        )


def told_to_the_dsl(school: School) -> School:
    """Have one audience told, as the peer has one receiver."""
    only = replace(unexplained_absence.INFO, audience=(Audience.DSL,))
    triggers = {name: trigger.INFO for name, trigger in TRIGGERS.items()} | {only.id: only}
    return replace(school, rules=replace(school.rules, triggers=triggers))


def decide(store: Store, school: School, pupils: int, now: datetime, deadlines: Deadlines) -> None:
    """Decide about one school, as transaction 2 of the daemon does."""
    day, _ = local_minute(now)
    with store.reading() as tx:
        known = incidents.known(tx, school.id, day, day)
    decision = reconcile(
        school.id,
        known,
        Assessment(tuple(findings(pupils, now))),
        now,
        rules=school.rules,
        data_as_of=now,
        scope=Scope(Kind.DAY, day, frozenset()),
    )
    store.run(store_decisions, school, [decision], now, deadlines)


async def send(store: Store, deliverer: Deliverer) -> None:
    """Send until nothing waits."""
    while True:
        await deliverer.start_due()
        with store.reading() as tx:
            states = {state for _, state in owed.counts(tx)}
        if not states & {"pending", "sending"}:
            return
        await asyncio.sleep(_TICK)


async def main(config: Path, pupils: int) -> None:
    """Decide, and send."""
    clock = clock_from(os.environ)
    configuration = load(config)
    settings = configuration.settings
    deadlines = deadlines_of(settings)
    secrets = Secrets(settings.service.credentials_dir, os.environ)
    store = open_configured(configuration, secrets, create=True)
    schools = {name: told_to_the_dsl(one) for name, one in schools_of(configuration).items()}
    known = [(one.id, one.adapter, one.name) for one in schools.values()]
    store.run(feeds.sync_schools, known, clock.now())
    # The embedded database has one process: what another had leased is free when this one starts.
    store.run(leases.free_all, clock.now())
    print("ready", flush=True)
    for school in schools.values():
        decide(store, school, pupils, clock.now(), deadlines)
    async with Transport() as transport:
        channels = build_channels(settings.channels, transport, secrets, clock=clock)
        deliverer = Deliverer(
            store,
            clock,
            schools,
            channels,
            Sender(settings.service.console_url),
            deadlines,
            holder=f"benchmark {time.time()}",
            limits=Limits(
                settings.telling.messages_an_hour,
                timedelta(minutes=settings.telling.summary_minutes),
            ),
        )
        await send(store, deliverer)
        await deliverer.stop(10)
    store.close()


if __name__ == "__main__":
    set_up_logs("json", level="ERROR")
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
