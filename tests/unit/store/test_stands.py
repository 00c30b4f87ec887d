"""Which of two marks of one slot stands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN
from mis_bridge.store.sheet_work import stands

EARLY = datetime(2026, 3, 11, 8, 50, tzinfo=UTC)
LATE = EARLY + timedelta(minutes=1)
N, L = ord("N"), ord("L")


@pytest.mark.parametrize(
    ("old", "saved", "new", "recorded", "expected"),
    [
        (NO_SESSION, None, N, None, True),
        (NO_SESSION, None, NOT_TAKEN, EARLY, True),
        (N, EARLY, L, LATE, True),
        (N, LATE, L, EARLY, False),
        (N, EARLY, L, EARLY, True),
        (N, None, L, EARLY, True),
        (N, LATE, L, None, True),
        (N, None, NOT_TAKEN, None, False),
        (N, None, NOT_TAKEN, LATE, False),
        (N, EARLY, NOT_TAKEN, None, False),
        (N, EARLY, NOT_TAKEN, EARLY, False),
        (N, EARLY, NOT_TAKEN, LATE, True),
        (NOT_TAKEN, None, N, None, True),
        (NOT_TAKEN, LATE, N, EARLY, False),
        (NOT_TAKEN, EARLY, NOT_TAKEN, LATE, True),
    ],
)
def test_the_later_mark_stands_and_an_empty_register_is_no_mark(
    old: int, saved: datetime | None, new: int, recorded: datetime | None, expected: bool
) -> None:
    """By time where both have one, else the last; ``-`` needs to be later to wipe out a mark."""
    assert stands(old, saved, new, recorded) is expected
