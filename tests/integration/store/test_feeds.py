"""Feeds: the schedule in rows, leases, fences."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.errors import LeaseLost, MisBridgeError, MisError
from mis_bridge.store import feeds
from mis_bridge.store.feeds import FEED_STATES, Feed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.store.engine import Store

MINUTE = timedelta(minutes=1)


def claim(store: Store, now: datetime, limit: int = 10, holder: str = "one") -> list[Feed]:
    """Lease what is due for a minute."""
    return store.run(feeds.claim_due, now, limit, 60.0, holder)


def the_feed(store: Store, school: str = "oakfield") -> Feed:
    """The feed as it is stored."""
    feed = store.run(feeds.get, school)
    assert feed is not None
    return feed


def test_a_new_school_is_due_at_once(store: Store, now: datetime) -> None:
    """A feed that was never read is ``new``, due, and has no good reading."""
    (feed,) = claim(store, now)
    assert (feed.school, feed.adapter, feed.state) == ("oakfield", "wonde", "new")
    assert feed.last_good_at is None
    assert feed.last_attempt_at == now


def test_a_leased_feed_is_given_to_nobody_else(store: Store, now: datetime) -> None:
    """Until its lease runs out a feed is claimed once."""
    assert len(claim(store, now)) == 1
    assert claim(store, now + 0.5 * MINUTE, holder="two") == []
    assert len(claim(store, now + MINUTE, holder="two")) == 1


def test_a_stale_reader_is_refused_by_the_fence(store: Store, now: datetime) -> None:
    """Who lost the lease can neither finish the feed nor move its cursor."""
    (stale,) = claim(store, now)
    (fresh,) = claim(store, now + 2 * MINUTE, holder="two")
    for attempt in (
        lambda: store.run(feeds.finish_good, stale, now, now + MINUTE),
        lambda: store.run(feeds.finish_failed, stale, now, "failing", "x", "y", now + MINUTE),
        lambda: store.run(feeds.move_resume, "oakfield", {"sessions": "9"}, fence=stale.fence),
    ):
        with pytest.raises(LeaseLost, match="taken over"):
            attempt()
    store.run(feeds.finish_good, fresh, now + 2 * MINUTE, now + 4 * MINUTE)
    assert the_feed(store).state == "good"
    assert the_feed(store).resume == {}


def test_the_longest_overdue_comes_first(store: Store, now: datetime) -> None:
    """With fewer readers than due feeds, the order is that of the due times."""
    wanted = [(name, "wonde", name) for name in ("oakfield", "elm", "ash", "birch")]
    store.run(feeds.sync_schools, wanted, now)
    for minutes, name in enumerate(("ash", "oakfield", "birch", "elm")):
        store.run(feeds.make_due, name, now - (10 - minutes) * MINUTE)
    assert [feed.school for feed in claim(store, now, limit=3)] == ["ash", "oakfield", "birch"]
    assert [feed.school for feed in claim(store, now, limit=3)] == ["elm"]


def test_twenty_four_thousand_feeds_due_at_once_are_all_given_out_once(
    embedded: Store, now: datetime
) -> None:
    """However many are due, claims in batches give out each exactly once."""
    wanted = [(f"s{number:05d}", "wonde", "A school") for number in range(24_000)]
    embedded.run(feeds.sync_schools, wanted, now)
    given: list[str] = []
    while batch := embedded.run(feeds.claim_due, now, 4_000, 3600.0, "one"):
        given += [feed.school for feed in batch]
    assert sorted(given) == [school for school, _, _ in wanted]


def test_failures_are_counted_and_forgotten_after_a_good_reading(
    store: Store, now: datetime
) -> None:
    """A state keeps the time since when it holds; a good reading clears problem and count."""
    later = now
    for _ in range(2):
        (feed,) = claim(store, later)
        store.run(feeds.finish_failed, feed, later, "throttled", "429", "Wait.", later + MINUTE)
        later += MINUTE
    failing = the_feed(store)
    assert (failing.state, failing.failures, failing.problem) == ("throttled", 2, "429")
    assert failing.state_since == now
    (feed,) = claim(store, later)
    store.run(feeds.finish_good, feed, later, later + MINUTE)
    good = the_feed(store)
    assert (good.state, good.failures, good.problem, good.advice) == ("good", 0, "", "")
    assert good.state_since == good.last_good_at == later


def test_only_named_states_are_stored(store: Store, now: datetime) -> None:
    """A state that is not in ``FEED_STATES`` is a mistake of the caller."""
    (feed,) = claim(store, now)
    with pytest.raises(ValueError, match="odd"):
        store.run(feeds.finish_failed, feed, now, "odd", "", "", now)


def every_error(of: type[MisBridgeError]) -> Iterator[type[MisBridgeError]]:
    """A class of errors and all below it."""
    yield of
    for more in of.__subclasses__():
        yield from every_error(more)


def test_every_failure_of_a_mis_has_a_feed_state() -> None:
    """Each error about a MIS names a state that a feed can be in."""
    for error in every_error(MisError):
        assert getattr(error, "state") in FEED_STATES  # noqa: B009 - of the subclass


def test_a_school_that_is_no_longer_configured_is_not_read(store: Store, now: datetime) -> None:
    """Its rows stay, its feed is not due; configured again it goes on where it was."""
    store.run(feeds.move_resume, "oakfield", {"sessions": "7"})
    assert store.run(feeds.sync_schools, [("elm", "csv", "Elm")], now) == ["oakfield"]
    assert store.run(feeds.name_of, "oakfield") == "Oakfield"
    assert [feed.school for feed in claim(store, now)] == ["elm"]
    assert store.run(feeds.get, "oakfield") is None
    store.run(feeds.sync_schools, [("oakfield", "wonde", "Oakfield")], now)
    assert the_feed(store).resume == {"sessions": "7"}


def test_another_mis_starts_afresh(store: Store, now: datetime) -> None:
    """What one MIS gave as a place to go on means nothing to another; the year is read anew."""
    (feed,) = claim(store, now)
    store.run(feeds.finish_good, feed, now, now, next_sweep=now + MINUTE)
    (feed,) = claim(store, now)
    store.run(feeds.move_resume, "oakfield", {"sessions": "7"})
    store.run(feeds.sync_schools, [("oakfield", "csv", "Oakfield")], now)
    moved = the_feed(store)
    assert (moved.adapter, moved.state, moved.resume) == ("csv", "new", {})
    assert (moved.last_good_at, moved.sweep_at) == (None, None)
    with pytest.raises(LeaseLost):
        store.run(feeds.finish_good, feed, now, now)


def test_an_empty_place_forgets_a_stream(store: Store) -> None:
    """A stream at its end has no place to go on from; the other streams keep theirs."""
    store.run(feeds.move_resume, "oakfield", {"sessions": "7", "lessons": "3"})
    before = store.run(feeds.move_resume, "oakfield", {"sessions": ""})
    assert before == {"sessions": "7", "lessons": "3"}
    assert the_feed(store).resume == {"lessons": "3"}


def test_a_sweep_is_asked_for_at_the_earliest_time(store: Store, now: datetime) -> None:
    """Asking for a later sweep does not put an earlier one off; a good reading plans the next."""
    store.run(feeds.ask_sweep, "oakfield", now + MINUTE)
    store.run(feeds.ask_sweep, "oakfield", now + 2 * MINUTE)
    assert the_feed(store).sweep_at == now + MINUTE
    (feed,) = claim(store, now)
    store.run(feeds.finish_good, feed, now, now + MINUTE, next_sweep=now + 9 * MINUTE)
    assert the_feed(store).sweep_at == now + 9 * MINUTE


def test_a_reading_is_asked_for_at_the_latest(store: Store, now: datetime) -> None:
    """It is brought forward and never put off."""
    (feed,) = claim(store, now)
    store.run(feeds.finish_good, feed, now, now + 9 * MINUTE)
    store.run(feeds.ask_reading, "oakfield", now + 2 * MINUTE)
    store.run(feeds.ask_reading, "oakfield", now + 5 * MINUTE)

    assert the_feed(store).due_at == now + 2 * MINUTE


def test_a_feed_that_fails_is_not_asked_for_a_reading(store: Store, now: datetime) -> None:
    """The MIS may have asked for patience; whoever waits for a reading does not wait for long."""
    (feed,) = claim(store, now)
    store.run(feeds.finish_failed, feed, now, "throttled", "429", "Wait.", now + 9 * MINUTE)
    store.run(feeds.ask_reading, "oakfield", now + 2 * MINUTE)

    assert the_feed(store).due_at == now + 9 * MINUTE


def test_a_lease_can_be_given_back(store: Store, now: datetime) -> None:
    """After a graceful stop the feed is due for the next reader at once."""
    (feed,) = claim(store, now)
    store.run(feeds.release, feed)
    assert len(claim(store, now, holder="two")) == 1


def test_one_feed_can_be_held_whether_or_not_it_is_due(store: Store, now: datetime) -> None:
    """A person may read a school now, unless somebody is reading it."""
    store.run(feeds.make_due, "oakfield", now + 60 * MINUTE)
    held = store.run(feeds.hold, "oakfield", now, 60.0, "person")
    assert held is not None
    assert store.run(feeds.hold, "oakfield", now, 60.0, "other") is None
