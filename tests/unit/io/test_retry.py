"""Trying again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mis_bridge.errors import MisAuthFailed, MisError, MisThrottled, MisUnavailable
from mis_bridge.io.retry import RetryRules, retried, retry_after_seconds

NOW = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)


class Peer:
    """Raises its errors one after the other, then answers; notes the waits between."""

    def __init__(self, *errors: MisError) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.waits: list[float] = []

    async def call(self) -> str:
        """Answer or raise."""
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    async def sleep(self, seconds: float) -> None:
        """Note a wait instead of waiting."""
        self.waits.append(seconds)

    async def tried(self, rules: RetryRules | None = None) -> str:
        """Call it as the driver does."""
        return await retried(self.call, (MisThrottled, MisUnavailable), rules, sleep=self.sleep)


async def test_waits_grow_and_stay_under_the_longest() -> None:
    """Each is at least half of twice the one before, at most the longest."""
    peer = Peer(*(MisUnavailable("x") for _ in range(4)))

    assert await peer.tried(RetryRules(attempts=5, budget=100, first=1, longest=4)) == "answer"

    for wait, ceiling in zip(peer.waits, (1, 2, 4, 4), strict=True):
        assert ceiling / 2 <= wait <= ceiling


async def test_other_errors_are_not_tried_again() -> None:
    """A refused token is refused the second time as well."""
    peer = Peer(MisAuthFailed("x"))

    with pytest.raises(MisAuthFailed):
        await peer.tried()
    assert peer.calls == 1


async def test_attempts_are_counted_and_the_last_error_goes_up() -> None:
    """As it was, not wrapped."""
    last = MisUnavailable("the third")
    peer = Peer(MisUnavailable("1"), MisUnavailable("2"), last, MisUnavailable("4"))

    with pytest.raises(MisUnavailable) as caught:
        await peer.tried(RetryRules(attempts=3, budget=100))
    assert caught.value is last


async def test_a_wait_that_the_peer_asks_for_is_honoured() -> None:
    """With a little jitter, so that all schools do not come back at one instant."""
    peer = Peer(MisThrottled("x", retry_after=2))

    assert await peer.tried() == "answer"
    assert 2 <= peer.waits[0] <= 2.1


async def test_a_wait_beyond_the_budget_is_not_begun() -> None:
    """The error goes up at once with its wait."""
    peer = Peer(MisThrottled("x", retry_after=900))

    with pytest.raises(MisThrottled) as caught:
        await peer.tried(RetryRules(budget=45))
    assert caught.value.retry_after == 900
    assert peer.waits == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Mon, 07 Sep 2026 12:02:00 GMT", 120.0),
        ("Mon, 07 Sep 2026 13:02:00 +0100", 120.0),
        ("Mon, 07 Sep 2026 12:02:00", 120.0),
        ("Mon, 07 Sep 2026 11:00:00 GMT", 0.0),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("1.5", 1.5),
        ("inf", None),
        ("1e3", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    """A date without a zone is UTC, a past one is now, anything else is none."""
    assert retry_after_seconds(header, NOW) == seconds
