"""Faults that a stand-in shows on demand: what real peers do on bad days.

A fault is on for a span of the clock, or for a number of requests, or until it is taken away. The
kinds are those that the adapters' driver has to tell apart.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.io.clock import Clock

__all__ = ["Fault", "FaultKind", "Faults", "RateLimit"]


class FaultKind(StrEnum):
    """What goes wrong."""

    STATUS = "status"
    """An error status with an error body."""
    HANG = "hang"
    """No answer for ``seconds`` real seconds, then the connection closes."""
    TRUNCATED = "truncated"
    """Status 200 and the first half of the JSON, with a length that fits the half."""
    CUT = "cut"
    """Status 200 and a body that ends before its announced length."""
    HTML = "html"
    """Status 200 and a sign-in page, as a school's filter answers."""
    RESET = "reset"
    """The connection is reset instead of an answer."""
    SLOW = "slow"
    """Taken as always, and answered after ``seconds`` real seconds."""
    EMPTY = "empty"
    """Status 200 and an empty list, as the wrong regional host answers."""


@dataclass(slots=True)
class Fault:
    """One fault.

    Args:
        kind: what goes wrong.
        path: only requests whose path holds this text; all by default.
        first, last: span of the clock in which it is on, aware; open ends by default.
        times: how many requests it takes, None for all.
        status: for ``STATUS``.
        retry_after: seconds for the ``Retry-After`` header, with ``STATUS``.
        seconds: for ``HANG`` and ``SLOW``, real seconds.
    """

    kind: FaultKind
    path: str = ""
    first: datetime | None = None
    last: datetime | None = None
    times: int | None = None
    status: int = 503
    retry_after: float | None = None
    seconds: float = 30.0

    def on(self, path: str, now: datetime) -> bool:
        """Say whether the fault hits a request."""
        return (
            self.path in path
            and self.times != 0
            and (self.first is None or self.first <= now)
            and (self.last is None or now < self.last)
        )


@dataclass
class Faults:
    """The faults of one stand-in, looked at in the order in which they were added."""

    clock: Clock
    _faults: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> Fault:
        """Add a fault, and give it back so that it can be removed."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Take a fault away."""
        with self._lock:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults.clear()

    def hit(self, path: str) -> Fault | None:
        """Give the fault that a request meets, counting it, or None."""
        now = self.clock.now()
        with self._lock:
            for fault in self._faults:
                if fault.on(path, now):
                    if fault.times is not None:
                        fault.times -= 1
                    return fault
        return None


@dataclass
class RateLimit:
    """So many requests in so many seconds, counted in windows.

    Args:
        requests: how many are allowed.
        seconds: length of the window, in seconds of ``clock.monotonic``.
        clock: the clock.
    """

    requests: int
    seconds: float
    clock: Clock
    _taken: int = 0
    _since: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> float | None:
        """Count a request; give the seconds to wait where it is one too many, or None."""
        with self._lock:
            now = self.clock.monotonic()
            if now - self._since >= self.seconds:
                self._since, self._taken = now, 0
            if self._taken < self.requests:
                self._taken += 1
                return None
            return self._since + self.seconds - now
