"""After the clock was set back nothing waits for the old time to come again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.store import channels, clock, dirty, feeds, leases, meta, outbox, owed
from mis_bridge.store.outbox import OutboxRow

if TYPE_CHECKING:
    from mis_bridge.store.engine import Store

MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
LEASE = 3 * MINUTE


@pytest.fixture
def ahead(now: datetime) -> datetime:
    """What the clock showed before somebody put it right: an hour too much."""
    return now + HOUR


def feed_of(store: Store) -> feeds.Feed:
    """The school's feed."""
    feed = store.run(feeds.get, "oakfield")
    assert feed is not None
    return feed


def test_a_feed_that_was_read_by_the_old_clock_is_read_again_and_swept(
    store: Store, now: datetime, ahead: datetime
) -> None:
    """It is due now and not in an hour, and its last good reading is none of the future."""
    (feed,) = store.run(feeds.claim_due, ahead, 1, 60.0, "one")
    store.run(feeds.finish_good, feed, ahead, ahead + 2 * MINUTE, next_sweep=ahead + 20 * HOUR)
    assert store.run(feeds.claim_due, now, 1, 60.0, "one") == []

    store.run(clock.set_back, now, LEASE)
    (again,) = store.run(feeds.claim_due, now, 1, 60.0, "one")
    assert again.last_good_at == again.sweep_at == again.state_since == now


def test_a_plan_that_the_right_clock_made_stays(store: Store, now: datetime) -> None:
    """A feed that was read before the clock went wrong keeps its place and its good reading."""
    feed = store.run(feeds.hold, "oakfield", now - 5 * MINUTE, 60.0, "one")
    assert feed is not None
    store.run(feeds.finish_good, feed, now - 5 * MINUTE, now + 2 * MINUTE)
    before = feed_of(store)
    store.run(clock.set_back, now, LEASE)
    assert feed_of(store) == before


def test_a_lease_of_the_old_clock_ends_when_any_lease_would(
    store: Store, now: datetime, ahead: datetime
) -> None:
    """Whoever reads or sends keeps what it has for a lease's time, and no hour more."""
    store.run(feeds.claim_due, ahead, 1, 60.0, "one")
    row = OutboxRow("oakfield", "m1", "i", "opened", "teams", "dsl", "high", 1, ahead, ahead)
    store.run(outbox.insert, [row])
    store.run(leases.claim, ahead, 1, 60.0, "one")

    store.run(clock.set_back, now, LEASE)
    assert store.run(feeds.claim_due, now + LEASE - MINUTE, 1, 60.0, "two") == []
    assert store.run(leases.claim, now + LEASE - MINUTE, 1, 60.0, "two") == []
    assert len(store.run(feeds.claim_due, now + LEASE, 1, 60.0, "two")) == 1
    assert len(store.run(leases.claim, now + LEASE, 1, 60.0, "two")) == 1


def test_what_has_to_be_decided_is_decided_now(
    store: Store, now: datetime, ahead: datetime, day: date
) -> None:
    """A key that changed by the old clock does not wait for it."""
    store.run(dirty.mark, "oakfield", [day], ahead)
    (item,) = store.run(dirty.due, ahead, 9)
    store.run(dirty.put_off, item, ahead + MINUTE, ahead)

    store.run(clock.set_back, now, LEASE)
    assert [found.day for found in store.run(dirty.due, now, 9)] == [day]
    assert store.run(dirty.failing_since, "oakfield") == now


def test_a_message_goes_out_now_and_its_channel_has_the_time_it_was_given(
    store: Store, now: datetime, ahead: datetime
) -> None:
    """Decided by the old clock, due and overtaken by the new one; a rest of the channel is over."""
    row = OutboxRow(
        "oakfield", "m1", "i", "opened", "teams", "dsl", "high", 1, ahead, ahead,
        deadline_at=ahead + 15 * MINUTE,
    )  # fmt: skip
    store.run(outbox.insert, [row])
    store.run(channels.rest, "teams", Outcome(Result.RETRY, "429"), ahead, ahead + 5 * MINUTE)

    store.run(clock.set_back, now, LEASE)
    assert store.run(channels.paused, now) == frozenset()
    assert store.run(owed.due_deadlines, now + 14 * MINUTE) == []
    assert len(store.run(owed.due_deadlines, now + 15 * MINUTE)) == 1
    assert len(store.run(leases.claim, now, 9, 60.0, "one")) == 1


def test_what_is_held_for_a_time_of_day_waits_on(
    store: Store, now: datetime, ahead: datetime
) -> None:
    """Set back while a digest waits: nobody gets it at night. What was held ahead goes now."""
    morning, soon = now + 600 * MINUTE, now + 5 * MINUTE
    rows = [
        OutboxRow(
            "oakfield", name, "i", "opened", name, "dsl", "low", 1, until, decided,
            deadline_at=until + 15 * MINUTE, held=held, held_until=until,
        )
        for name, until, decided, held in (
            ("digest", morning, now, "digest"),
            ("limited", soon, now, "limited"),
            ("wrong", ahead + 600 * MINUTE, ahead, "digest"),
        )
    ]  # fmt: skip
    store.run(outbox.insert, rows)

    store.run(clock.set_back, now, LEASE)

    assert sorted(row.id for row in store.run(leases.claim, now, 9, 60.0, "one")) == [
        "limited",
        "wrong",
    ]
    assert [row.id for row in store.run(owed.due_deadlines, now + 15 * MINUTE)] == ["wrong"]
    assert "digest" in {row.id for row in store.run(leases.claim, morning, 9, 60.0, "one")}


def test_a_school_that_was_first_read_in_the_future_is_told_of_from_today(
    store: Store, now: datetime, day: date
) -> None:
    """Otherwise everything until then would count as known before the watch began, and be quiet."""
    store.run(meta.begin_watching, "oakfield", day + timedelta(days=365))
    store.run(meta.begin_watching, "elm", day - timedelta(days=9))
    store.run(clock.set_back, now, LEASE)
    assert store.run(meta.watched_since, "oakfield") == day
    assert store.run(meta.watched_since, "elm") == day - timedelta(days=9)
