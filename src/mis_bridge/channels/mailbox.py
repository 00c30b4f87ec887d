"""What Microsoft Graph lets one app do with one mailbox, so that the line is drawn here.

Its limits count together whatever the app does with the mailbox, by however many channels: four
requests at a time, 150 MB sent in five minutes, 10,000 requests in ten. Whoever asks again before
the time that a 429 named is counted as asking, and waits the longer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AT_ONCE", "BYTES", "REQUESTS", "Mailbox"]

AT_ONCE: Final = 4
BYTES: Final = (150_000_000, 300.0)
"""How many may be sent in how many seconds."""
REQUESTS: Final = (10_000, 600.0)
"""How many may be made in how many seconds."""


@dataclass(slots=True)
class _Window:
    """How much of something was used in the last seconds."""

    most: int
    seconds: float
    used: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def wait(self, now: float, more: int) -> float:
        """Seconds until ``more`` has room beside what was used."""
        while self.used and self.used[0][0] + self.seconds <= now:
            self.total -= self.used.popleft()[1]
        left = self.total
        if left + more <= self.most:
            return 0.0
        for at, count in self.used:
            left -= count
            if left + more <= self.most:
                return at + self.seconds - now
        return 0.0  # more than the limit by itself: the service says what it thinks of it

    def use(self, now: float, count: int) -> None:
        self.used.append((now, count))
        self.total += count

    def recall(self, moments: Iterable[float], count: int) -> None:
        more = [(at, count) for at in moments]
        self.used = deque(sorted([*self.used, *more]))
        self.total += count * len(more)


@dataclass(slots=True, eq=False)
class Mailbox:
    """What one mailbox has been asked by this app lately.

    Times are seconds of any clock that never goes back.
    """

    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _bytes: _Window = field(default_factory=lambda: _Window(*BYTES))
    _requests: _Window = field(default_factory=lambda: _Window(*REQUESTS))
    _closed_until: float = float("-inf")

    @property
    def memory(self) -> float:
        """Seconds after which a request does not count any more."""
        return max(BYTES[1], REQUESTS[1])

    def recall(self, moments: Iterable[float]) -> None:
        """Count requests that were made before this was made, in any order.

        How big they were is not known: too many bytes Graph refuses aloud, with the time to wait.
        """
        self._requests.recall(moments, 1)

    def take(self, now: float, size: int) -> float:
        """Use the allowance for one request.

        Args:
            now: seconds.
            size: of the body, bytes.

        Returns:
            0.0 when it may be made now; else the seconds to wait, and nothing is used.
        """
        wait = max(
            self._closed_until - now,
            self._requests.wait(now, 1),
            self._bytes.wait(now, size),
            0.0,
        )
        if wait == 0.0:
            self._requests.use(now, 1)
            self._bytes.use(now, size)
        return wait

    def close(self, now: float, seconds: float) -> None:
        """Make no request for a while: Graph asked for it."""
        self._closed_until = max(self._closed_until, now + seconds)
