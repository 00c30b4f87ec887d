"""What all tests share: how hypothesis searches, and what happens when a peer is not installed."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable

# No deadline: two busy cores say nothing about the code. Failures replay from a seed that is
# printed, not from a database that only one machine has.
settings.register_profile(
    "mis-bridge",
    deadline=None,
    max_examples=60,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough", settings.get_profile("mis-bridge"), max_examples=2000, deadline=timedelta(minutes=1)
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "mis-bridge"))


def is_strict() -> bool:
    """Whether a peer that is not there fails the test instead of skipping it."""
    return os.environ.get("MIS_BRIDGE_STRICT") == "1"


@pytest.fixture
def peer_or_skip() -> Callable[[str], NoReturn]:
    """Call it with a reason where a real peer is missing: skips, or fails under strict."""

    def give_up(reason: str) -> NoReturn:
        if is_strict():
            pytest.fail(f"a real peer is missing and MIS_BRIDGE_STRICT=1: {reason}")
        pytest.skip(reason)

    return give_up
