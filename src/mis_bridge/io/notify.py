"""Tell systemd how the service is: one datagram a message, no dependency.

Protocol: sd_notify(3). Where ``NOTIFY_SOCKET`` is not set, nothing is sent and nothing fails.
"""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["Notifier"]


class Notifier:
    """The service's line to its supervisor.

    Args:
        address: the socket's path, ``@name`` for an abstract one, or empty for no supervisor.
        watchdog_seconds: how long the supervisor waits for a sign of life, or None.
    """

    def __init__(self, address: str = "", watchdog_seconds: float | None = None) -> None:
        self.watchdog_seconds = watchdog_seconds
        self._socket: socket.socket | None = None
        if address:
            # A leading @ stands for the zero byte of Linux's abstract names.
            self._address = "\0" + address[1:] if address.startswith("@") else address
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
            # A supervisor that reads no more must not hold up a tick.
            self._socket.setblocking(False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """The line that systemd left in the environment.

        ``WATCHDOG_USEC`` counts only if ``WATCHDOG_PID`` is absent or this process.
        """
        env = os.environ if environment is None else environment
        seconds = None
        if env.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid()):
            text = env.get("WATCHDOG_USEC", "")
            seconds = int(text) / 1e6 if text.isdigit() and int(text) > 0 else None
        return cls(env.get("NOTIFY_SOCKET", ""), seconds)

    @property
    def is_supervised(self) -> bool:
        """Whether somebody listens."""
        return self._socket is not None

    def ready(self, status: str = "") -> None:
        """Start-up, or a reload, is complete."""
        self._send("READY=1", status)

    def reloading(self) -> None:
        """A reload has begun; ``ready`` ends it."""
        self._send("RELOADING=1", "", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The service is shutting down."""
        self._send("STOPPING=1", "")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``; holds numbers, no names."""
        self._send("", text)

    def watchdog(self, status: str = "") -> None:
        """A sign of life: call it only after a tick that finished."""
        self._send("WATCHDOG=1", status)

    def close(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, state: str, status: str, *more: str) -> None:
        if self._socket is None:
            return
        lines = [line for line in (state, *more) if line]
        if status:
            lines.append("STATUS=" + " ".join(status.split()))
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            # The supervisor's socket is gone or full: the service itself is not the worse for it,
            # and a watchdog that is missed says it louder than a log line could.
            return
