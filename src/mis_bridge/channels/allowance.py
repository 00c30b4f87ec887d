"""How many messages Teams takes from one person's flows before it starts to drop them.

Microsoft's limits are the flow owner's, not the flow's: the Flow bot posts 25 times in 300 seconds
for one connection, and more than four requests in a second throttle the client. What is over the
limit fails inside the flow, after the 202. So the line is drawn here, where it can be seen, and a
little below theirs: 20 in 300 seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

__all__ = ["LIMITS", "Allowance"]

LIMITS = ((4, 1.0), (20, 300.0))
"""Pairs of a count and the seconds in which it may not be exceeded."""


@dataclass(slots=True)
class Allowance:
    """What one owner's flows have been sent lately.

    Times are seconds of any clock that never goes back.
    """

    _sent: deque[float] = field(default_factory=lambda: deque(maxlen=max(n for n, _ in LIMITS)))
    _closed_until: float = float("-inf")

    def take(self, now: float) -> float:
        """Use one message of the allowance.

        Returns:
            0.0 when it may be sent now; else the seconds to wait, and nothing is used.
        """
        wait = max(self._closed_until - now, 0.0)
        for count, seconds in LIMITS:
            if len(self._sent) >= count:
                wait = max(wait, self._sent[-count] + seconds - now)
        if wait > 0:
            return wait
        self._sent.append(now)
        return 0.0

    def close(self, now: float, seconds: float) -> None:
        """Take no more for a while: the peer asked for it, of all the owner's flows."""
        self._closed_until = max(self._closed_until, now + seconds)
