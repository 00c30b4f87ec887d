"""``mis-bridge doctor`` beside a daemon: what it says on a good day and on a bad one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from mis_bridge.io.clock import RehearsalClock
from mis_bridge.simulator.faults import Fault, FaultKind

from .conftest import SCHOOL
from .test_auditor import watch

if TYPE_CHECKING:
    from .conftest import Bench

STILL = 1e-6


def doctor(bench: Bench, *options: str) -> tuple[int, dict[str, tuple[str, str, str]]]:
    """Run it in a process of its own, at the bench's time; its status and what it says of each."""
    clock = RehearsalClock(bench.clock.now(), time.time(), STILL)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mis_bridge", "doctor", "--config", bench.config),
            *("--format", "json", *options),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **clock.to_environment()},
    )
    assert done.stderr == ""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    said = {line["what"]: (line["standing"], line["seen"], line["then"]) for line in lines}
    return done.returncode, said


async def test_on_a_good_day_nothing_is_broken_while_the_daemon_runs(bench: Bench) -> None:
    """It reads beside the daemon; what it does not know it says, and nobody is sent anything."""
    bench.session("AM", "08:20")
    async with bench.daemon() as watched:
        await watch(watched, 3)
        status, said = doctor(bench)

    assert [what for what, (standing, *_) in said.items() if standing == "broken"] == []
    assert status == 0
    assert said["auditor"][:2] == ("ok", "its last look found nothing undone, just now")
    assert said[f"feed {SCHOOL}"][0] == "ok"
    assert said["database pages"] == ("ok", "whole, by a quick look", "")
    assert said["history"][0] == "ok"
    assert said["dead letters"][0] == "ok"
    assert said["channel dsl-mail"][0] == "ok"
    assert bench.mails.mails == []


@pytest.mark.thorough
async def test_on_a_bad_day_each_broken_thing_says_what_to_do(bench: Bench) -> None:
    """The MIS refuses and its credential has ended, a message reached nobody, the daemon ended."""
    bench.session("AM", "08:50", **{bench.pupils[0]: "N"})
    bench.edit('attendance = ["attendance-mail"]', 'attendance = ["dsl-teams"]')
    bench.webhook.faults.add(Fault(FaultKind.STATUS, status=404))
    async with bench.daemon() as watched:
        await watched.at("09:16")
        bench.standin.faults.add(Fault(FaultKind.STATUS, status=401))
        await watched.until("09:50", every=1)
        await watched.daemon.auditor.audit()
        (absent,) = watched.incidents("unexplained_absence")
    bench.clock.advance(minutes=10)
    school = bench.folder / "conf.d" / f"{SCHOOL}.toml"
    ended = school.read_text("utf-8").replace("[mis]\n", "[mis]\nsecret_expires = 2026-11-16\n")
    school.write_text(ended, "utf-8")
    bench.config.write_text(re.sub(r"(?m)^port = \d+", "port = 9", bench.config.read_text()))
    status, said = doctor(bench)

    assert status == 1
    broken = {what for what, (standing, *_) in said.items() if standing == "broken"}
    assert broken >= {
        f"feed {SCHOOL}",
        f"MIS credential of {SCHOOL}",
        f"message about {absent.reference}",
        "channel dsl-mail, connection and login",
        "auditor",
    }
    assert all(then for standing, _, then in said.values() if standing != "ok")
    assert "Tell attendance by telephone" in said[f"message about {absent.reference}"][2]
    assert bench.pupils[0] not in json.dumps(said)


def test_before_the_first_start_it_says_how_to_start(bench: Bench) -> None:
    """There is no database yet, which is no fault."""
    _, said = doctor(bench, "--offline")
    assert said["database"][0] == "look"
    assert "systemctl start mis-bridge" in said["database"][2]


async def test_offline_nobody_is_asked(bench: Bench) -> None:
    """Peers that would fail are not heard of."""
    async with bench.daemon() as watched:
        await watch(watched, 2)
    bench.config.write_text(re.sub(r"(?m)^port = \d+", "port = 9", bench.config.read_text()))
    status, said = doctor(bench, "--offline")
    assert said["channel dsl-mail"][0] == "ok"
    assert "--offline" in said["channel dsl-mail"][1]
    assert status == 0
