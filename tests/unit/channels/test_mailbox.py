"""The limits of one app on one mailbox: what is over them is held back, and no sooner free."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.channels.mailbox import BYTES, REQUESTS, Mailbox

MEGABYTE = 1_000_000


def test_150_megabytes_may_be_sent_in_five_minutes() -> None:
    """The 51st mail of 3 MB waits until the first is five minutes old."""
    mailbox = Mailbox()
    waits = [mailbox.take(float(second), 3 * MEGABYTE) for second in range(50)]

    assert set(waits) == {0.0}
    assert mailbox.take(50.0, 3 * MEGABYTE) == 250.0
    assert mailbox.take(50.0, MEGABYTE) == 250.0
    assert mailbox.take(300.0, 3 * MEGABYTE) == 0.0


def test_10_000_requests_may_be_made_in_ten_minutes() -> None:
    """However small they are."""
    mailbox = Mailbox()
    assert {mailbox.take(0.0, 1) for _ in range(10_000)} == {0.0}

    assert mailbox.take(1.0, 1) == 599.0
    assert mailbox.take(600.0, 1) == 0.0


def test_what_was_asked_before_it_was_made_counts() -> None:
    """9,999 requests lately, most of them five minutes ago: there is room for one."""
    mailbox = Mailbox()
    mailbox.take(-1.0, 1)
    mailbox.recall([-120.0, *[-300.0] * 9_997])

    assert mailbox.take(0.0, 1) == 0.0
    assert mailbox.take(0.0, 1) == 300.0
    assert mailbox.take(300.0, 1) == 0.0


@pytest.mark.parametrize("again", [0.0, 20.0])
def test_what_graph_asked_for_is_obeyed_and_not_shortened(again: float) -> None:
    """A later, shorter wish does not open the mailbox earlier."""
    mailbox = Mailbox()
    mailbox.close(0.0, 40.0)
    mailbox.close(again, 5.0)

    assert mailbox.take(30.0, 1) == 10.0
    assert mailbox.take(40.0, 1) == 0.0


@given(
    st.lists(
        st.tuples(st.floats(0, 120), st.integers(MEGABYTE, 60 * MEGABYTE)), min_size=1, max_size=60
    )
)
def test_no_five_minutes_ever_hold_more_than_allowed(steps: list[tuple[float, int]]) -> None:
    """Whatever is asked for at whatever times; and after the named wait it is granted."""
    mailbox, now, granted = Mailbox(), 0.0, list[tuple[float, int]]()
    for pause, size in steps:
        now += pause
        wait = mailbox.take(now, size)
        if wait > 0:
            now += wait + 1e-6
            assert mailbox.take(now, size) == 0.0
        granted.append((now, size))

    for at, _ in granted:
        inside = [size for then, size in granted if at - BYTES[1] < then <= at]
        assert sum(inside) <= BYTES[0]
        assert len(inside) <= REQUESTS[0]
