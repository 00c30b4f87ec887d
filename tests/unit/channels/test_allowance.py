"""How many messages one owner's flows may be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.channels.allowance import Allowance

if TYPE_CHECKING:
    from random import Random


def test_four_in_a_second_and_then_a_wait() -> None:
    """The fifth waits until the first is a second old."""
    allowance = Allowance()

    waits = [allowance.take(at) for at in (0.0, 0.1, 0.2, 0.3, 0.4)]

    assert waits == [0.0, 0.0, 0.0, 0.0, 0.6]
    assert allowance.take(1.0) == 0.0


def test_twenty_in_five_minutes_and_then_a_wait() -> None:
    """The twenty-first waits until the first is 300 seconds old."""
    allowance = Allowance()

    assert all(allowance.take(10.0 * n) == 0.0 for n in range(20))
    assert allowance.take(200.0) == 100.0
    assert allowance.take(299.0) == 1.0
    assert allowance.take(300.0) == 0.0


def test_closing_holds_everything_back_and_never_less_than_before() -> None:
    """A second, shorter wish does not open what a longer one closed."""
    allowance = Allowance()

    allowance.close(0.0, 60.0)
    allowance.close(10.0, 5.0)

    assert allowance.take(20.0) == 40.0
    assert allowance.take(60.0) == 0.0


@given(st.lists(st.floats(min_value=0, max_value=30), max_size=120))
def test_the_limits_hold_for_every_rhythm(pauses: list[float]) -> None:
    """In no window of 300 seconds more than 20, in no window of a second more than 4."""
    allowance, now, sent = Allowance(), 0.0, []
    for pause in pauses:
        now += pause
        if allowance.take(now) == 0.0:
            sent.append(now)

    # One window begins at each message that was sent.
    for start in sent:
        assert sum(start <= at < start + 300.0 for at in sent) <= 20
        assert sum(start <= at < start + 1.0 for at in sent) <= 4


@given(st.lists(st.floats(min_value=0, max_value=30), min_size=1, max_size=120))
def test_the_wait_that_is_told_is_enough(pauses: list[float]) -> None:
    """Whoever waits as long as was said may send (give or take the rounding of floats)."""
    allowance, now = Allowance(), 0.0
    for pause in pauses:
        now += pause
        wait = allowance.take(now)
        if wait > 0.0:
            now += wait + 1e-6
            assert allowance.take(now) == 0.0


@given(
    st.lists(st.floats(min_value=0, max_value=30), max_size=120), st.integers(0, 120), st.randoms()
)
def test_the_limits_hold_across_a_restart(
    pauses: list[float], restart: int, shuffled: Random
) -> None:
    """Whoever begins anew and recalls what was sent sends no more than before."""
    allowance, now, sent = Allowance(), 0.0, list[float]()
    for number, pause in enumerate(pauses):
        now += pause
        if number == restart:
            allowance = Allowance()
            lately = [at for at in sent if at > now - allowance.memory]
            shuffled.shuffle(lately)
            allowance.recall(lately)
        if allowance.take(now) == 0.0:
            sent.append(now)

    for start in sent:
        assert sum(start <= at < start + 300.0 for at in sent) <= 20
        assert sum(start <= at < start + 1.0 for at in sent) <= 4
