"""Trying again, and the only module that imports ``tenacity``.

Only errors that the caller names are tried again. A peer that says how long to wait is believed;
where that is longer than what is left of the budget, the error goes up at once with its
``retry_after``, so that the wait becomes a row with a due time and not a sleeping worker.
"""

from __future__ import annotations

import asyncio
import random
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

import tenacity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

__all__ = ["RetryRules", "retried", "retry_after_seconds"]

T = TypeVar("T")

_JITTER = 0.1
_SECONDS = re.compile(r"\d+(\.\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class RetryRules:
    """How often and how long.

    Args:
        attempts: tries in all.
        budget: seconds in all, waits included; a wait that would go beyond is not begun.
        first: seconds of the first wait; each further one may be twice as long.
        longest: seconds of the longest wait that we choose ourselves.
    """

    attempts: int = 5
    budget: float = 45.0
    first: float = 0.5
    longest: float = 10.0


async def retried(
    call: Callable[[], Awaitable[T]],
    on: tuple[type[Exception], ...],
    rules: RetryRules | None = None,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Call until it succeeds, within the rules.

    Args:
        call: makes one attempt.
        on: the errors after which another attempt makes sense. One with a ``retry_after`` (seconds)
            is waited for that long.
        rules: by default five attempts in 45 seconds.
        sleep: replaced in tests.

    Raises:
        Exception: the last attempt's, as it was.
    """
    rules = rules or RetryRules()

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = getattr(error, "retry_after", None)
        if isinstance(asked, int | float):
            return float(asked) + random.uniform(0, _JITTER)  # noqa: S311 - no secret
        ceiling = min(rules.longest, rules.first * 2 ** (state.attempt_number - 1))
        # At least half, so that a peer in trouble is really left alone for a while.
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - no secret

    controller = tenacity.AsyncRetrying(
        retry=tenacity.retry_if_exception_type(on),
        stop=tenacity.stop_after_attempt(rules.attempts) | tenacity.stop_before_delay(rules.budget),
        wait=wait,
        sleep=sleep,
        reraise=True,
    )
    return await controller(call)


def retry_after_seconds(header: str, now: datetime) -> float | None:
    """Understand a ``Retry-After`` header.

    Args:
        header: seconds, also parts of one, or an HTTP date (UTC without a zone), as it came;
            anything else counts as none.
        now: the present, aware.

    Returns:
        Seconds from now, 0 for a date that has passed, None without a usable header.

    >>> from datetime import datetime
    >>> retry_after_seconds("120", datetime(2026, 9, 7, tzinfo=UTC))
    120.0
    """
    text = header.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
