"""The machine: its clock, its time zones, its disk, the service that runs on it."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import urllib.request
from datetime import datetime, timedelta
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mis_bridge.service.doctor.model import Line, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["clock", "disk", "kernel_clock_is_set", "metrics", "time_zones", "unit"]

_TIME_ERROR: Final = 5
"""What adjtimex(2) returns where nothing keeps the clock right."""

_TIMEX_BYTES: Final = 1024
"""More than any Linux's ``struct timex``."""

BEHIND: Final = timedelta(minutes=1)
"""A clock that is behind the last moment of the database by more was set back."""

_SCARCE_BYTES: Final = 1 << 30
_FULL_BYTES: Final = 100 << 20
_SCARCE_SHARE: Final = 0.05
_MEGA: Final = 1e6

_OLD_RULES_YEARS: Final = 2

_UNIT: Final = "mis-bridge.service"
_SECONDS: Final = 5


def clock(now: datetime, last_noted: datetime | None, *, is_set: bool | None) -> Iterator[Line]:
    """Look at the clock.

    Args:
        now: aware.
        last_noted: the last moment that the database knows of, or None.
        is_set: whether something keeps the clock right, None where nobody can say.
    """
    if last_noted is not None and now < last_noted - BEHIND:
        behind = round((last_noted - now).total_seconds() / 60)
        yield Line(
            Standing.BROKEN,
            "clock",
            f"it is {behind} minutes behind the last moment that the database knows of",
            "Set the machine's clock; everything that is timed follows it.",
        )
    elif is_set is False:
        yield Line(
            Standing.LOOK,
            "clock",
            f"{now:%Y-%m-%d %H:%M:%S} UTC, and the kernel says that nothing keeps it right",
            "Turn NTP on (timedatectl set-ntp true), unless the host of this machine keeps it.",
        )
    else:
        kept = "kept right" if is_set else "nobody here can say whether it is kept right"
        yield Line(Standing.OK, "clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, {kept}")


def kernel_clock_is_set() -> bool | None:
    """Whether NTP or the like keeps this machine's clock right; None where that is not known."""
    try:
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))
    except (AttributeError, OSError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def time_zones(now: datetime) -> Iterator[Line]:
    """Look whether the rules of British summer time are there, and how old they are."""
    then = "Install mis-bridge again: it brings its own time zone data (tzdata)."
    try:
        london = ZoneInfo("Europe/London")
    except ZoneInfoNotFoundError:
        yield Line(Standing.BROKEN, "time zones", "Europe/London is not known", then)
        return
    summer = datetime(now.year, 7, 1, 12, tzinfo=london).utcoffset()
    winter = datetime(now.year, 1, 1, 12, tzinfo=london).utcoffset()
    if (summer, winter) != (timedelta(hours=1), timedelta(0)):
        yield Line(Standing.BROKEN, "time zones", "British summer time is not known", then)
        return
    version = metadata.version("tzdata")
    if now.year - int(version.partition(".")[0]) > _OLD_RULES_YEARS:
        yield Line(Standing.LOOK, "time zones", f"the rules are those of {version}", then)
    else:
        yield Line(Standing.OK, "time zones", f"Europe/London by the rules of {version}")


def disk(data_dir: Path) -> Iterator[Line]:
    """Look at the room on the disk of the data folder."""
    what = f"disk of {data_dir}"
    # Before the first start the folder is not there yet: its disk is that of the next one above.
    there = next((one for one in (data_dir, *data_dir.parents) if one.exists()), data_dir)
    try:
        room = shutil.disk_usage(there)
        nodes = os.statvfs(there)
    except OSError as error:
        yield Line(
            Standing.BROKEN,
            what,
            f"it can not be looked at: {error.strerror}",
            "Run doctor as the user that mis-bridge runs as; see service.data_dir.",
        )
        return
    seen = f"{room.free / _MEGA:,.0f} MB free of {room.total / _MEGA:,.0f} MB"
    few_nodes = nodes.f_files > 0 and nodes.f_favail < _SCARCE_SHARE * nodes.f_files
    if room.free < _FULL_BYTES:
        standing = Standing.BROKEN
    elif (room.free < _SCARCE_BYTES and room.free < _SCARCE_SHARE * room.total) or few_nodes:
        standing = Standing.LOOK
    else:
        yield Line(Standing.OK, what, seen)
        return
    few = ", and few files can still be made" if few_nodes else ""
    yield Line(standing, what, seen + few, "Make room: what can not be stored is told to nobody.")


def unit() -> Iterator[Line]:
    """Look at the systemd service, where systemd runs this machine."""
    if not Path("/run/systemd/system").is_dir():
        yield Line(Standing.OK, "service", "systemd does not run this machine: not looked at")
        return
    said = _systemctl()
    if said is None:
        then = "systemctl status mis-bridge"
        yield Line(Standing.LOOK, "service", "systemd does not answer", then)
        return
    yield _unit(said)


def _unit(said: Mapping[str, str]) -> Line:
    state, restarts = said.get("ActiveState") or "not known", said.get("NRestarts", "0")
    if said.get("LoadState") != "loaded":
        then = "Install the service: docs/how-to/install-as-a-service.md."
        return Line(Standing.LOOK, "service", f"systemd knows no {_UNIT}", then)
    if state != "active":
        then = "systemctl start mis-bridge, then journalctl -u mis-bridge."
        return Line(Standing.BROKEN, "service", f"{_UNIT} is {state}", then)
    if said.get("UnitFileState") != "enabled":
        seen = f"{_UNIT} runs, and would not after a restart of the machine"
        return Line(Standing.LOOK, "service", seen, "systemctl enable mis-bridge")
    if restarts not in {"", "0"}:
        seen = f"{_UNIT} runs; it ended or stood still, and was started again, {restarts} times"
        return Line(Standing.LOOK, "service", seen, "journalctl -u mis-bridge says when and why.")
    return Line(Standing.OK, "service", f"{_UNIT} runs, and starts with the machine")


def _systemctl() -> dict[str, str] | None:
    wanted = "LoadState,ActiveState,UnitFileState,NRestarts"
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["systemctl", "show", _UNIT, "--property", wanted],  # noqa: S607 - as on any machine
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines())


def metrics(listen: str) -> Line:
    """Ask the running daemon for its metrics, where it is to serve them.

    Args:
        listen: ``host:port``, or empty for none.
    """
    if not listen:
        return Line(Standing.OK, "metrics", "not served: service.metrics_listen is not set")
    host, _, port = listen.rpartition(":")
    here = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)  # noqa: S104 - asked, not bound
    address = f"http://{here}:{port}/metrics"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
            ours = b"mis_bridge_build_info" in answer.read()
    except (OSError, ValueError):
        ours = False
    if ours:
        return Line(Standing.OK, "metrics", f"{address} answers")
    then = "Does the daemon run? Is the port another program's? journalctl -u mis-bridge says so."
    return Line(Standing.BROKEN, "metrics", f"{address} does not answer as it should", then)
