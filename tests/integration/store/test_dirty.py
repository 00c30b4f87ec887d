"""What has to be decided anew."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from mis_bridge.store import dirty
from mis_bridge.store.dirty import Dirty, Scope

if TYPE_CHECKING:
    from mis_bridge.store.engine import Store

MINUTE = timedelta(minutes=1)


def due(store: Store, now: datetime) -> list[Dirty]:
    """All keys that are due."""
    return store.run(dirty.due, now, 100)


def test_a_settled_day_is_not_due(store: Store, now: datetime, day: date) -> None:
    """A day is due from when it is marked until it is decided on."""
    store.run(dirty.mark, "oakfield", [day], now)
    (item,) = due(store, now)
    assert (item.school, item.scope, item.day) == ("oakfield", Scope.DAY, day)
    assert store.run(dirty.settle, item, None)
    assert due(store, now + 1000 * MINUTE) == []


def test_a_day_that_changed_meanwhile_stays_due(store: Store, now: datetime, day: date) -> None:
    """Settling what was decided on before a change leaves the change to be decided."""
    store.run(dirty.mark, "oakfield", [day], now)
    (item,) = due(store, now)
    store.run(dirty.mark, "oakfield", [day], now)
    assert not store.run(dirty.settle, item, None)
    (again,) = due(store, now)
    assert again.revision > item.revision


def test_time_alone_makes_a_day_due_again(store: Store, now: datetime, day: date) -> None:
    """Asked to be asked again, it is due from that moment and not before."""
    store.run(dirty.mark, "oakfield", [day], now)
    (item,) = due(store, now)
    store.run(dirty.settle, item, now + 10 * MINUTE)
    assert due(store, now + 9 * MINUTE) == []
    assert [found.day for found in due(store, now + 10 * MINUTE)] == [day]


def test_today_comes_before_the_past_and_days_before_years(
    store: Store, now: datetime, day: date
) -> None:
    """A child missing now is looked at before yesterday and before the year's totals."""
    store.run(dirty.mark_years, "ash", [2025], now - 9 * MINUTE)
    store.run(dirty.mark, "ash", [day - timedelta(days=1)], now - 8 * MINUTE)
    store.run(dirty.mark, "ash", [day], now - MINUTE)
    store.run(dirty.mark, "elm", [day], now - 2 * MINUTE)
    assert [(item.school, item.scope, item.day) for item in due(store, now)] == [
        ("elm", Scope.DAY, day),
        ("ash", Scope.DAY, day),
        ("ash", Scope.DAY, day - timedelta(days=1)),
        ("ash", Scope.YEAR, date(2025, 8, 1)),
    ]


def test_taking_gives_the_present_revision(store: Store, now: datetime, day: date) -> None:
    """A decision is made on what is stored when it begins, not when it was listed."""
    store.run(dirty.mark, "oakfield", [day], now)
    (item,) = due(store, now)
    store.run(dirty.mark, "oakfield", [day], now)
    taken = store.run(dirty.take, item)
    assert taken is not None
    assert taken.revision == item.revision + 1


def test_a_day_that_another_worker_decides_on_is_left_to_it(
    store: Store, now: datetime, day: date
) -> None:
    """On PostgreSQL two workers never decide on one key at a time; SQLite has one writer."""
    store.run(dirty.mark, "oakfield", [day], now)
    (item,) = due(store, now)
    if store.embedded:
        assert store.run(dirty.take, item) is not None
        return
    with store.transaction() as one:
        assert dirty.take(one, item) is not None
        with store.transaction() as two:
            assert dirty.take(two, item) is None


def test_a_failed_decision_is_tried_again_and_its_first_failure_is_kept(
    store: Store, day: date, now: datetime
) -> None:
    """Put off twice, it has failed since the first time; decided, nothing fails any more."""
    store.run(dirty.mark, "oakfield", [day], now)
    (item,) = store.run(dirty.due, now, 10)
    assert store.run(dirty.failing_since, "oakfield") is None

    store.run(dirty.put_off, item, now + MINUTE, now)
    assert store.run(dirty.due, now, 10) == []
    store.run(dirty.put_off, item, now + 3 * MINUTE, now + 2 * MINUTE)
    assert store.run(dirty.failing_since, "oakfield") == now
    assert store.run(dirty.failing_since, "elm") is None

    store.run(dirty.settle, item, None)
    assert store.run(dirty.failing_since, "oakfield") is None
