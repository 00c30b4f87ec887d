"""Daemons of the chaos run, one after another: the nursery starts them and says when they end."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Nursery"]

_ENDING: Final = 90.0


class Nursery:
    """The process that forks the daemons, and the supervisor's socket that they report to.

    Args:
        folder: for the socket.
        log: the file that every daemon writes to.
    """

    def __init__(self, folder: Path, log: Path) -> None:
        self._log = log
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = str(folder / "notify")
        self._socket.bind(self._address)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mis_bridge.simulator.chaos.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, arguments: list[str], environment: dict[str, str]) -> int:
        """Start ``mis-bridge`` with these arguments; returns its process id."""
        self._socket.settimeout(0.0)
        with suppress(BlockingIOError):
            while self._socket.recv(4096):
                pass  # the words of those who are dead
        env = {**environment, "NOTIFY_SOCKET": self._address}
        return self._ask({"run": arguments, "env": env, "log": str(self._log)})["pid"]

    def is_ready(self, seconds: float) -> bool:
        """Wait until the daemon says that it has started; False where it has not by then."""
        stop = time.monotonic() + seconds
        while (left := stop - time.monotonic()) > 0:
            self._socket.settimeout(left)
            with suppress(TimeoutError):
                if b"READY=1" in self._socket.recv(4096):
                    return True
        return False

    def wait(self, pid: int) -> int:
        """Wait until a daemon has ended; its exit code, negative for the signal that ended it."""
        return self._ask({"wait": pid})["status"]

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=_ENDING)
        self._socket.close()

    def _ask(self, order: dict[str, object]) -> dict[str, int]:
        assert self._process.stdin is not None  # noqa: S101
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, int] = json.loads(self._process.stdout.readline())
        return answer
