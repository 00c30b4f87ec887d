"""How much Microsoft's services take, as documented: what is more gets 429 and a Retry-After.

For Outlook's mailboxes (Graph, "throttling limits"): of one app and one mailbox four requests at a
time, 10,000 in ten minutes, and 150 MB uploaded in five. A request that is refused counts as well:
whoever asks again too soon waits the longer.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.io.clock import Clock

__all__ = ["ACTIVITY", "AT_ONCE", "BOT", "BYTES", "REQUESTS", "MailboxLimits", "Windows"]

AT_ONCE: Final = 4
REQUESTS: Final = (10_000, 600.0)
BYTES: Final = (150_000_000, 300.0)
BOT: Final = ((4, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""Messages of one bot in one conversation, each pair a count and its seconds."""
ACTIVITY: Final = ((5, 1.0),)
"""Activity notifications of one app."""

_CROWDED: Final = 1.0
"""Seconds to wait where too many are there at a time; no page says what Microsoft names then."""


@dataclass(slots=True)
class _Window:
    most: int
    seconds: float
    taken: deque[tuple[float, int]] = field(default_factory=deque)
    total: int = 0

    def take(self, now: float, much: int) -> float | None:
        self.taken.append((now, much))
        self.total += much
        while self.taken[0][0] <= now - self.seconds:
            self.total -= self.taken.popleft()[1]
        over = self.total - self.most
        if over <= 0:
            return None
        for at, held in self.taken:
            over -= held
            if over <= 0:
                return at + self.seconds - now
        return self.seconds


class Windows:
    """What may come in the last so many seconds, of several spans at once.

    Args:
        clock: its moments count: a rehearsal's seconds are its own.
        limits: pairs of a most and its seconds.
    """

    def __init__(self, clock: Clock, *limits: tuple[int, float]) -> None:
        self._clock = clock
        self._windows = [_Window(*limit) for limit in limits]

    def take(self, much: int = 1) -> float | None:
        """Count what has come; give the seconds to wait where it is too much, or None."""
        now = self._clock.now().timestamp()
        waits = [window.take(now, much) for window in self._windows]
        return max((wait for wait in waits if wait is not None), default=None)


class MailboxLimits:
    """Those of one app and one mailbox.

    Args:
        clock: by which the windows are counted.

    Attributes:
        most_at_once: how many requests were there at a time, at most.
        refused: how many got a 429.
    """

    def __init__(self, clock: Clock) -> None:
        self.most_at_once = 0
        self.refused = 0
        self._requests = Windows(clock, REQUESTS)
        self._bytes = Windows(clock, BYTES)
        self._under_way = 0
        self._lock = threading.Lock()

    @contextmanager
    def request(self, size: int) -> Iterator[float | None]:
        """Take a request of so many bytes for as long as it is served.

        Gives the seconds that it has to be told to wait, or None where it is let in.
        """
        with self._lock:
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
            waits = [self._requests.take(), self._bytes.take(size)]
            waits += [_CROWDED] if self._under_way > AT_ONCE else []
            wait = max((one for one in waits if one is not None), default=None)
            self.refused += wait is not None
        try:
            yield wait
        finally:
            with self._lock:
                self._under_way -= 1
