"""How many messages Teams takes before it starts to drop or refuse them.

For flows Microsoft's limits are the owner's, not the flow's: the Flow bot posts 25 times in 300
seconds for one connection, and more than four requests in a second throttle the client. What is
over the limit fails inside the flow, after the 202. So the line is drawn here, where it can be
seen, and a little below theirs: 20 in 300 seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ACTIVITY_LIMITS", "BOT_LIMITS", "LIMITS", "Allowance"]

LIMITS = ((4, 1.0), (20, 300.0))
"""Pairs of a count and the seconds in which it may not be exceeded; for the flows of one owner."""

BOT_LIMITS = ((4, 1.0), (8, 2.0), (60, 30.0), (1800, 3600.0))
"""For one bot in one conversation: Microsoft's for a thread, and four a second in a team."""

ACTIVITY_LIMITS = ((4, 1.0),)
"""For the activity notifications of one app; Microsoft's limit is five in a second."""


@dataclass(slots=True, eq=False)
class Allowance:
    """What one owner's flows, or one bot in one conversation, have been sent lately.

    Times are seconds of any clock that never goes back.

    Args:
        limits: pairs of a count and the seconds in which it may not be exceeded.
    """

    limits: tuple[tuple[int, float], ...] = LIMITS
    _sent: deque[float] = field(init=False)
    _closed_until: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        self._sent = deque(maxlen=max(count for count, _ in self.limits))

    @property
    def memory(self) -> float:
        """Seconds after which what was sent does not count any more."""
        return max(seconds for _, seconds in self.limits)

    def recall(self, moments: Iterable[float]) -> None:
        """Count what was sent before this was made; in any order."""
        self._sent = deque(sorted([*self._sent, *moments]), self._sent.maxlen)

    def take(self, now: float) -> float:
        """Use one message of the allowance.

        Returns:
            0.0 when it may be sent now; else the seconds to wait, and nothing is used.
        """
        wait = max(self._closed_until - now, 0.0)
        for count, seconds in self.limits:
            if len(self._sent) >= count:
                wait = max(wait, self._sent[-count] + seconds - now)
        if wait > 0:
            return wait
        self._sent.append(now)
        return 0.0

    def close(self, now: float, seconds: float) -> None:
        """Take no more for a while: the peer asked for it."""
        self._closed_until = max(self._closed_until, now + seconds)
