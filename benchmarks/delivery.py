"""Ten thousand alerts through grouping to a webhook, beside Prometheus Alertmanager in one run.

Both get two hundred groups of fifty alerts. Three times: with a webhook that takes everything; with
one that answers the first hundred requests 429 and asks for three seconds; and with the sender
killed (SIGKILL) when half of the messages are out and started again at once. Counted is what the
webhook was given: alerts that were never told, alerts that were told twice, messages, and the time
to the last of them.

How long a group waits for more of it is a setting of both. The targets are for both as they are
shipped (30 seconds there, 15 here), which is what people wait for; only what was refused is tried
again by Alertmanager after six seconds and not after five minutes. The same with one second each
shows what the work itself costs: theirs keeps alerts in memory, ours writes every one with its
history and every attempt to an encrypted database before it is sent.

Alertmanager relies on its client to send an alert again until it is over. Here it gets each one
once, as a daemon that decides once would give it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.table import Target, finish, print_table

from mis_bridge.io.clock import RehearsalClock, SystemClock
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.simulator.demo_setup import SCHOOL, Peers, write_configuration
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.school import calendar_2026
from mis_bridge.simulator.sinks import WebhookSink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mis_bridge.simulator.sinks import Posted

GROUPS: Final = 200
IN_A_GROUP: Final = 50
ALERTS: Final = GROUPS * IN_A_GROUP
REFUSED: Final = 100
RETRY_AFTER: Final = 3.0
IN_FLIGHT: Final = 2
"""Messages that may be out and not written down yet when a kill comes."""

SHIPPED: Final = 0
"""Leave the time that a group waits as each of the two ships it."""

THEIR_WAIT: Final = 30
"""Seconds that a group waits where Alertmanager's configuration says nothing of it."""

QUIET_FOR: Final = 15.0
"""Seconds without a message, beyond a group's wait, after which nothing more is expected of a
sender that never ends."""

LONGEST: Final = 300.0

WAYS: Final[dict[str, dict[str, bool]]] = {
    "as it comes": {},
    f"{REFUSED} times 429": {"refuse": True},
    "killed half-way": {"kill": True},
}

_REFERENCE: Final = re.compile(r"MB-[0-9A-Z]{4}-[0-9A-Z]{4}")
_OURS: Final = Path(__file__).with_name("delivery_ours.py")
_ALERTMANAGER: Final = "/usr/bin/prometheus-alertmanager"
_DAY: Final = date(2026, 11, 17)


@dataclass(frozen=True, slots=True)
class Peer:
    """A sender under test.

    Args:
        start: starts it; it takes alerts when this returns.
        give: gives it the alerts.
        quiet_for: seconds without a message after which none is expected any more; None where it
            ends by itself.
    """

    start: Callable[[], subprocess.Popen[bytes]]
    give: Callable[[], None]
    quiet_for: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the webhook was given.

    Args:
        seconds: from the first alert to the last message.
        messages: how many it took.
        lost: alerts that no message named.
        twice: alerts that were named again, each time after the first.
    """

    seconds: float
    messages: int
    lost: int
    twice: int

    def row(self, name: str) -> tuple[str, ...]:
        """Write it for the table."""
        return (
            name,
            f"{self.seconds:.1f} s",
            str(self.messages),
            str(self.lost),
            str(self.twice),
        )


def alertmanager_names(posted: Posted) -> list[str]:
    """The alerts that one of Alertmanager's messages names."""
    return [
        f"{one['labels']['school']}/{one['labels']['pupil']}" for one in posted.content["alerts"]
    ]


def our_names(posted: Posted) -> list[str]:
    """The incidents that one of our cards names."""
    return sorted(set(_REFERENCE.findall(" ".join(posted.texts))))


def watch(
    webhook: WebhookSink,
    peer: Peer,
    names: Callable[[Posted], list[str]],
    *,
    refuse: bool = False,
    kill: bool = False,
) -> Told:
    """Start a sender, give it the alerts, and count what arrives."""
    before = len(webhook.posted)
    if refuse:
        webhook.faults.add(
            Fault(FaultKind.STATUS, status=429, retry_after=RETRY_AFTER, times=REFUSED)
        )
    process = peer.start()
    began = time.monotonic()
    peer.give()
    last, count = time.monotonic(), 0
    named: Counter[str] = Counter()
    while time.monotonic() - last < (peer.quiet_for or LONGEST):
        time.sleep(0.05)
        posted = webhook.posted[before:]
        if len(posted) > count:
            for one in posted[count:]:
                named.update(names(one))
            last, count = time.monotonic(), len(posted)
            if kill and len(named) >= ALERTS // 2:
                kill = False
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = peer.start()
        ended = peer.quiet_for is None and process.poll() is not None
        if ended and count == len(webhook.posted) - before:
            break
    process.kill()
    process.wait()
    webhook.faults.clear()
    told = sum(named.values())
    return Told(last - began, count, ALERTS - len(named), told - len(named))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def alertmanager(folder: Path, webhook: WebhookSink, wait: int) -> Iterator[Peer]:
    """Give how Alertmanager is started, and how it is given the alerts."""
    port = _free_port()
    folder.mkdir()
    config = folder / "am.yml"
    config.write_text(
        f"route: {{receiver: dsl, group_by: [school]{_waits(wait)}}}\n"
        f"receivers: [{{name: dsl, webhook_configs: [{{url: '{webhook.url}'}}]}}]\n",
        "utf-8",
    )
    url = f"http://127.0.0.1:{port}"

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [
                _ALERTMANAGER,
                f"--config.file={config}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
                "--log.level=error",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            try:
                if httpx.get(f"{url}/-/ready").is_success:
                    return process
            except httpx.TransportError:
                time.sleep(0.05)

    def give() -> None:
        with httpx.Client() as client:
            for group in range(GROUPS):
                labels = {"alertname": "unexplained_absence", "school": f"school-{group:03}"}
                alerts = [
                    {"labels": {**labels, "pupil": f"pupil-{number:03}"}}
                    for number in range(IN_A_GROUP)
                ]
                client.post(f"{url}/api/v2/alerts", json=alerts).raise_for_status()

    yield Peer(start, give, quiet_for=QUIET_FOR + (THEIR_WAIT if wait == SHIPPED else wait))


def _waits(seconds: int) -> str:
    wait = "" if seconds == SHIPPED else f", group_wait: {seconds}s"
    # It tries what was refused again after its interval only, which is shipped as five minutes.
    return f"{wait}, group_interval: 6s, repeat_interval: 1h"


@contextmanager
def ours(folder: Path, webhook: WebhookSink, wait: int) -> Iterator[Peer]:
    """Give how our deliverer is started; it brings the alerts itself."""
    folder.mkdir()
    peers = Peers("127.0.0.1:9", "A1", "none", webhook.url, 9)
    config = write_configuration(folder, "Samplewood Academy", calendar_2026(), peers)
    own = folder / "conf.d" / f"{SCHOOL}.toml"
    text = own.read_text("utf-8")
    own.unlink()
    channels = []
    for number in range(GROUPS):
        name = f"school-{number:03}"
        (folder / "conf.d" / f"{name}.toml").write_text(
            text.replace(f'id = "{SCHOOL}"', f'id = "{name}"')
            + f'\n[routes]\ndsl = ["teams-{number:03}"]\n',
            "utf-8",
        )
        channels.append(
            f'[channels.teams-{number:03}]\nkind = "teams"\nowner = "{name}"\n'
            'url = "credential:dsl-webhook"\nallow_insecure_loopback = true\n'
        )
    settings = config.read_text("utf-8")
    telling = "" if wait == SHIPPED else f"[telling]\ngroup_seconds = {wait}\n"
    config.write_text("\n".join([settings, telling, *channels]), "utf-8")
    clock = RehearsalClock(local_datetime(_DAY, 9 * 60 + 20), time.time(), 1.0)

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, str(_OURS), str(config), str(IN_A_GROUP)],
            env={**os.environ, **clock.to_environment()},
            stdout=subprocess.PIPE,
        )
        # As with the peer: it has read its configuration, and takes alerts from now on.
        if process.stdout is None or process.stdout.readline() != b"ready\n":
            sys.exit("our sender did not start")
        return process

    yield Peer(start, lambda: None)


def main() -> None:
    """Run both three times and print what arrived."""
    if not Path(_ALERTMANAGER).exists():
        sys.exit("the peer is not installed: apt install prometheus-alertmanager")
    targets: list[Target] = []
    for wait, title in ((SHIPPED, "waits as shipped"), (1, "both wait one second")):
        rows: list[tuple[str, ...]] = []
        for way, how in WAYS.items():
            peers, own = _both(wait, how)
            rows += [peers.row(f"{way}: Alertmanager"), own.row(f"{way}: mis-bridge")]
            targets.append(Target(f"{way}, {title}: alerts lost", own.lost, 0))
            again, most = own.twice / IN_A_GROUP, IN_FLIGHT if how.get("kill") else 0
            targets.append(Target(f"{way}, {title}: messages told again", again, most))
            if wait == SHIPPED:
                ratio = own.seconds / peers.seconds
                targets.append(Target(f"{way}, {title}: time of Alertmanager's", ratio, 1.0))
        print_table(
            f"{ALERTS:,} alerts in {GROUPS} groups, {title}",
            ("what", "time to the last", "messages", "never told", "told again"),
            rows,
        )
    finish(targets)


def _both(wait: int, how: dict[str, bool]) -> tuple[Told, Told]:
    """Measure Alertmanager, then mis-bridge, each with a webhook of its own."""
    with tempfile.TemporaryDirectory(prefix="mis-bridge-bench-") as name:
        folder = Path(name)
        with (
            WebhookSink(SystemClock()) as webhook,
            alertmanager(folder / "peer", webhook, wait) as sender,
        ):
            peers = watch(webhook, sender, alertmanager_names, **how)
        with WebhookSink(SystemClock()) as webhook, ours(folder / "ours", webhook, wait) as sender:
            return peers, watch(webhook, sender, our_names, **how)


if __name__ == "__main__":
    main()
