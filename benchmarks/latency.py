"""From a mark being saved in the MIS to the card at the webhook: three hundred schools, one daemon.

Every school has its own address at the stand-in and a webhook of its own. At a quarter past eleven
the third lesson begins; its registers are saved within some minutes, and each shows a few pupils
absent who were in the lesson before. The daemon is ``mis-bridge run`` with the shipped adapter; it
goes by a clock that shows that morning and runs at the usual speed. What counts is the time from
the moment at which the mark was saved to the moment at which the card arrived.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.table import Target, finish, print_table

from mis_bridge.adapters.records import PupilRecord
from mis_bridge.adapters.source import Batch
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.service.ingest import ingest
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.simulator.day import PupilDayPlan, ordinary_day
from mis_bridge.simulator.demo_setup import SCHOOL, Peers, write_configuration
from mis_bridge.simulator.history import write_history
from mis_bridge.simulator.pacing import StageClock
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.sinks import WebhookSink
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_state import WondeState
from mis_bridge.store import feeds, incidents
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from mis_bridge.simulator.school import SyntheticSchool
    from mis_bridge.simulator.sinks import Posted
    from mis_bridge.store.engine import Store

SCHOOLS: Final = 300
PUPILS: Final = 300
MISSING: Final = 8
"""Pupils of each school who are not in their third lesson."""

DAY: Final = date(2026, 11, 17)
BEGINS: Final = 11 * 60 + 14
ENDS: Final = 11 * 60 + 27
CORES: Final = 2
INTERVAL: Final = 60
GRACE_MINUTES: Final = 2
_REFERENCE: Final = re.compile(r"MB-[0-9A-Z]{4}-[0-9A-Z]{4}")


def school_day(school: SyntheticSchool) -> tuple[WondeState, dict[str, int]]:
    """Give the MIS, and for each missing pupil the second of the day at which that was saved."""
    ordinary = [
        pupil
        for pupil in school.pupils
        if not pupil.flags and pupil.on_roll(DAY) and (pupil.year_group or 0) > 6
    ]
    gone = ordinary[:: len(ordinary) // MISSING][:MISSING]
    away = dict.fromkeys(("P3", "PM", "P4", "P5"), "N")
    marks = ordinary_day(school, DAY, plans=[PupilDayPlan(one.number, away) for one in gone])
    history = write_history(school)
    past = [day for day in school.days if day < DAY][-5:]
    state = WondeState(school, history, marked=past, settled_by=local_datetime(past[-1], 960))
    state.play(DAY, marks.events)
    ids = {one.number: one.id for one in gone}
    saved = {
        ids[event.pupil]: event.minute * 60 + event.second
        for event in marks.events
        if event.slot == "P3" and event.pupil in ids
    }
    return state, saved


def configure(folder: Path, standin: WondeStandin, webhook: WebhookSink) -> Path:
    """Write a configuration in which each school is read and told by itself."""
    school = standin.state.school
    peers = Peers(standin.host, school.id, TOKEN, webhook.url, 9)
    config = write_configuration(folder, school.name, school.calendar, peers)
    own = folder / "conf.d" / f"{SCHOOL}.toml"
    text = own.read_text("utf-8")
    own.unlink()
    channels = []
    for number in range(SCHOOLS):
        name = f"school-{number:03}"
        path = folder / "conf.d" / f"{name}.toml"
        path.write_text(
            text.replace(f'id = "{SCHOOL}"', f'id = "{name}"')
            + f'\n[routes]\ndsl = ["teams-{number:03}"]\n',
            "utf-8",
        )
        secret = folder / "credentials" / f"webhook-{number:03}"
        secret.touch(mode=0o600)
        secret.write_text(webhook.url.replace("/invented/", f"/{name}/"), "utf-8")
        channels.append(
            f'[channels.teams-{number:03}]\nkind = "teams"\nowner = "{name}"\n'
            f'url = "credential:webhook-{number:03}"\nallow_insecure_loopback = true\n'
        )
    settings = config.read_text("utf-8").replace(
        "interval_seconds = 120", f"interval_seconds = {INTERVAL}"
    )
    grace = f"[triggers.missing_during_day]\ngrace_minutes = {GRACE_MINUTES}\n"
    config.write_text("\n".join([settings, grace, *channels]), "utf-8")
    return config


def prepare(config: Path, school: SyntheticSchool) -> Store:
    """Have every school's roll known, and the school read well before lessons began."""
    configuration = load(config)
    secrets = Secrets(configuration.settings.service.credentials_dir, os.environ)
    store = open_configured(configuration, secrets, create=True)
    before = local_datetime(DAY, 8 * 60)
    schools = schools_of(configuration)
    known = [(one.id, one.adapter, one.name) for one in schools.values()]
    store.run(feeds.sync_schools, known, before)
    roll = [
        PupilRecord(pupil.id, form=pupil.form, year_group=pupil.year_group)
        for pupil in school.pupils
    ]
    for name in schools:
        store.run(ingest, name, Batch("pupils", roll), before)
    for feed in store.run(feeds.claim_due, before, SCHOOLS, 900.0, "benchmark"):
        store.run(feeds.finish_good, feed, before, before, next_sweep=before + timedelta(days=1))
    return store


def latencies(store: Store, posted: list[Posted], saved: dict[str, int]) -> tuple[list[float], int]:
    """Give the seconds from mark to card, sorted, and how many cards never came."""
    arrived: dict[str, float] = {}
    midnight = local_datetime(DAY, 0)
    for one in posted:
        at = (one.at - midnight).total_seconds()
        for reference in set(_REFERENCE.findall(" ".join(one.texts))):
            arrived.setdefault(reference, at)
    found, lost = [], SCHOOLS * len(saved)
    with store.reading() as tx:
        for incident in incidents.recent(tx, 100_000):
            if incident.family == "missing_during_day" and incident.reference in arrived:
                found.append(arrived[incident.reference] - saved[incident.pupil])
                lost -= 1
    return sorted(found), lost


def main() -> None:
    """Run the morning and print how long it took for a mark to become a card."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)  # the daemon's too, the stand-in and the webhook beside it
    school = build_school(2026, PUPILS)
    state, saved = school_day(school)
    clock = StageClock(local_datetime(DAY, BEGINS), 1.0)
    with (
        tempfile.TemporaryDirectory(prefix="mis-bridge-bench-") as name,
        WondeStandin(state, clock) as standin,
        WebhookSink(clock) as webhook,
    ):
        config = configure(Path(name), standin, webhook)
        store = prepare(config, school)
        environment = clock.begin().to_environment()
        with (Path(name) / "daemon.log").open("wb") as log:
            daemon = subprocess.Popen(
                [str(Path(sys.executable).with_name("mis-bridge")), "run", "--config", str(config)],
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
            try:
                while clock.now() < local_datetime(DAY, ENDS) and daemon.poll() is None:
                    time.sleep(1)
            finally:
                daemon.terminate()
                daemon.wait(60)
        found, lost = latencies(store, webhook.posted, saved)
        store.close()
    at = {share: found[min(len(found) - 1, int(share * len(found)))] for share in (0.5, 0.99)}
    print_table(
        f"Mark to card, {SCHOOLS} schools of {PUPILS}, read every {INTERVAL} s, {len(cores)} cores",
        ("what", "figure"),
        [
            ("cards", f"{len(found)} (of {SCHOOLS * len(saved)})"),
            ("median", f"{at[0.5]:.1f} s"),
            ("99 %", f"{at[0.99]:.1f} s"),
            ("slowest", f"{found[-1]:.1f} s"),
        ],
    )
    limit = INTERVAL + GRACE_MINUTES * 60 + 5
    finish(
        [
            Target("cards that never came", lost, 0),
            Target("mark to card, 99 %", at[0.99], limit, "s"),
        ]
    )


if __name__ == "__main__":
    main()
