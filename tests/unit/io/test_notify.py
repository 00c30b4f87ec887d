"""Datagrams to the service supervisor, against a real socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mis_bridge.io.notify import Notifier

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["path", "abstract"])
def supervisor(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[str, socket.socket]]:
    """A listening socket and what NOTIFY_SOCKET says of it."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if request.param == "path":
        name = address = str(tmp_path / "notify")
    else:
        name = f"@mis-bridge-test-{os.getpid()}-{id(listener)}"
        address = "\0" + name[1:]
    listener.bind(address)
    listener.settimeout(5)
    yield name, listener
    listener.close()


def test_each_message_is_one_datagram(supervisor: tuple[str, socket.socket]) -> None:
    """READY, STATUS, WATCHDOG and STOPPING arrive as sd_notify(3) has them."""
    name, listener = supervisor
    with Notifier.from_environment({"NOTIFY_SOCKET": name}) as notifier:
        assert notifier.is_supervised
        notifier.ready("3 feeds fresh")
        notifier.status("one line\nonly")
        notifier.watchdog()
        notifier.stopping()

    received = [listener.recv(4096).decode() for _ in range(4)]

    assert received == [
        "READY=1\nSTATUS=3 feeds fresh",
        "STATUS=one line only",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_a_reload_carries_its_moment(supervisor: tuple[str, socket.socket]) -> None:
    """RELOADING=1 goes with MONOTONIC_USEC, which newer systemd asks for."""
    name, listener = supervisor
    with Notifier(name) as notifier:
        notifier.reloading()

    first, second = listener.recv(4096).decode().splitlines()

    assert first == "RELOADING=1"
    key, _, value = second.partition("=")
    assert key == "MONOTONIC_USEC"
    assert value.isdigit()


def test_without_a_supervisor_nothing_happens() -> None:
    """Started by hand, every call is quiet."""
    with Notifier.from_environment({}) as notifier:
        notifier.ready()
        notifier.watchdog()

        assert not notifier.is_supervised
        assert notifier.watchdog_seconds is None


def test_a_supervisor_that_is_gone_does_not_stop_the_service(tmp_path: Path) -> None:
    """Nobody listens at the address: sending passes over it."""
    with Notifier(str(tmp_path / "gone")) as notifier:
        notifier.ready()

        assert notifier.is_supervised


def test_a_supervisor_that_reads_no_more_does_not_hold_up_the_service(
    supervisor: tuple[str, socket.socket],
) -> None:
    """However many signs of life nobody takes, giving the next one returns."""
    name, listener = supervisor
    limit = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text("ascii"))
    with Notifier(name) as notifier:
        for _ in range(limit + 10):
            notifier.watchdog()

        assert listener.recv(4096) == b"WATCHDOG=1"


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "120000000"}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": str(os.getpid())}, 120.0),
        ({"WATCHDOG_USEC": "120000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_this_processs_own(
    environment: dict[str, str], seconds: float | None
) -> None:
    """WATCHDOG_USEC counts in microseconds and only for the process it names."""
    assert Notifier.from_environment(environment).watchdog_seconds == seconds
