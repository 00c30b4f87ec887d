"""What holds of every wait that ends with a reading."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.triggers.day_look import PATIENCE, DayLook

TUESDAY = date(2026, 9, 15)
MINUTES = st.integers(0, 24 * 60)


@given(ends=MINUTES, read=MINUTES | st.none(), now=MINUTES, later=st.integers(0, 60))
def test_a_wait_that_is_over_stays_over(ends: int, read: int | None, now: int, later: int) -> None:
    """Whatever is read or not read afterwards."""
    look_now = DayLook(TUESDAY, now, {}, read=read)
    look_later = DayLook(TUESDAY, now + later, {}, read=read)

    if look_now.waited(ends):
        assert look_later.waited(ends)


@given(ends=MINUTES, read=MINUTES | st.none(), now=MINUTES)
def test_no_wait_ends_early_and_none_lasts(ends: int, read: int | None, now: int) -> None:
    """Never before its time, always two minutes after it; until then somebody looks again."""
    look_now = DayLook(TUESDAY, now, {}, read=read)

    over = look_now.waited(ends)

    assert not over or now >= ends
    assert over or now < ends + PATIENCE
    if not over:
        assert look_now.wake is not None
        assert now < look_now.wake <= ends + PATIENCE
