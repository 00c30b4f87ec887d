"""The outbox: inserted once, leased to one sender, recorded before and after every attempt."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.errors import LeaseLost
from mis_bridge.store import arrivals, leases, outbox, owed
from mis_bridge.store.outbox import OutboxRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.store.engine import Store

MINUTE = timedelta(minutes=1)
SENT = Outcome(Result.SENT, "250 queued", proof="<id@example.test>")


@pytest.fixture
def message(now: datetime) -> Callable[..., OutboxRow]:
    """``message(id, field=...)``: one row that is due now."""

    def make(identity: str = "m1", **rest: object) -> OutboxRow:
        values: dict[str, object] = {
            "school": "oakfield",
            "id": identity,
            "incident": "i1",
            "reason": "opened",
            "channel": "teams",
            "audience": "dsl",
            "severity": "critical",
            "revision": 1,
            "due_at": now,
            "created_at": now,
            "route": ("mail",),
            "deadline_at": now + 5 * MINUTE,
            **rest,
        }
        return OutboxRow(**values)  # type: ignore[arg-type]

    return make


def claim(store: Store, now: datetime, limit: int = 50, holder: str = "one") -> list[OutboxRow]:
    """Lease what is due for a minute."""
    return store.run(leases.claim, now, limit, 60.0, holder)


def test_a_message_decided_twice_is_there_once(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """The id follows from the decision: inserting it again changes nothing, sent or not."""
    store.run(outbox.insert, [message()])
    (row,) = claim(store, now)
    store.run(leases.finish, row, SENT, now, None)
    store.run(outbox.insert, [message()])
    assert claim(store, now) == []
    stored = store.run(outbox.get, "oakfield", "m1")
    assert stored is not None
    assert (stored.state, stored.proof, stored.route) == ("sent", "<id@example.test>", ("mail",))


def test_the_attempt_is_written_before_anything_is_sent(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """A leased message has an open attempt that says who sends; its outcome closes it."""
    store.run(outbox.insert, [message()])
    (row,) = claim(store, now)
    (attempt,) = store.run(leases.attempts_of, row)
    assert (attempt.holder, attempt.finished_at, attempt.result) == ("one", None, "")
    store.run(leases.finish, row, SENT, now + MINUTE, None)
    (attempt,) = store.run(leases.attempts_of, row)
    assert (attempt.finished_at, attempt.result) == (now + MINUTE, "sent")


def test_a_sender_that_died_leaves_an_unknown_outcome_and_the_message_goes_again(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """When the lease has run out the row is given to another; the stale outcome is refused."""
    store.run(outbox.insert, [message()])
    (stale,) = claim(store, now)
    assert claim(store, now + 0.5 * MINUTE) == []
    (fresh,) = claim(store, now + 2 * MINUTE, holder="two")
    assert fresh.attempts == 2
    assert store.run(arrivals.may_have_arrived, fresh)
    with pytest.raises(LeaseLost, match="twice"):
        store.run(leases.finish, stale, SENT, now + 2 * MINUTE, None)
    assert [a.result for a in store.run(leases.attempts_of, fresh)] == ["unknown", ""]


@pytest.mark.parametrize(
    ("result", "retry", "state"),
    [
        (Result.SENT, False, "sent"),
        (Result.ACCEPTED, False, "accepted"),
        (Result.PERMANENT, False, "failed"),
        (Result.PERMANENT, True, "pending"),
        (Result.RETRY, True, "pending"),
        (Result.UNKNOWN, True, "pending"),
        (Result.RETRY, False, "failed"),
        (Result.UNKNOWN, False, "failed"),
    ],
)
def test_each_outcome_leads_to_its_state(
    store: Store,
    message: Callable[..., OutboxRow],
    now: datetime,
    result: Result,
    retry: bool,
    state: str,
) -> None:
    """What was not taken is tried again from the time that is given, and without one given up."""
    store.run(outbox.insert, [message()])
    (row,) = claim(store, now)
    later = now + 3 * MINUTE
    reached = store.run(leases.finish, row, Outcome(result, ""), now, later if retry else None)
    assert reached == state
    assert claim(store, later - MINUTE) == []
    assert len(claim(store, later)) == (state == "pending")


def test_a_later_refusal_does_not_take_back_what_may_have_arrived(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """No answer, then "not now": somebody may have read the first, so the end is told as well."""
    store.run(outbox.insert, [message()])
    for number, (result, maybe) in enumerate(
        ((Result.RETRY, False), (Result.UNKNOWN, True), (Result.RETRY, True))
    ):
        at = now + number * MINUTE
        (row,) = claim(store, at)
        assert store.run(arrivals.may_have_arrived, row)  # the one under way
        store.run(leases.finish, row, Outcome(result, ""), at, at + MINUTE)
        assert store.run(arrivals.may_have_arrived, row) is maybe
    end = message("m2", reason="found", revision=2)
    elsewhere = message("m3", reason="found", revision=2, channel="mail", route=())
    assert store.run(arrivals.may_have_reached, end)
    assert not store.run(arrivals.may_have_reached, elsewhere)


def test_the_most_severe_goes_first(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """With fewer places than messages a missing child is told of before a low matter."""
    store.run(
        outbox.insert,
        [
            message("low", severity="low", due_at=now - 9 * MINUTE),
            message("high", severity="high", due_at=now - 2 * MINUTE),
            message("old", severity="critical", due_at=now - 2 * MINUTE),
            message("new", severity="critical", due_at=now - MINUTE),
            message("later", severity="critical", due_at=now + MINUTE),
        ],
    )
    assert [row.id for row in claim(store, now, limit=3)] == ["old", "new", "high"]
    assert [row.id for row in claim(store, now)] == ["low"]


def test_a_paused_channel_is_left_alone(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """Messages of a channel that asked for rest wait; the others go."""
    store.run(outbox.insert, [message("a"), message("b", channel="mail")])
    rows = store.run(leases.claim, now, 9, 60.0, "one", channels_paused={"teams"})
    assert [row.id for row in rows] == ["b"]


def test_past_its_deadline_a_message_is_named_once(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """The next channel is told, and the first one still goes on trying."""
    store.run(outbox.insert, [message()])
    assert store.run(owed.due_deadlines, now + 4 * MINUTE) == []
    (late,) = store.run(owed.due_deadlines, now + 5 * MINUTE)
    store.run(owed.deadline_noted, late)
    assert store.run(owed.due_deadlines, now + 9 * MINUTE) == []
    assert len(claim(store, now + 9 * MINUTE)) == 1


def test_a_leased_message_can_be_withdrawn_without_an_attempt(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """Cleared before sending: no attempt took place, and none is kept."""
    store.run(outbox.insert, [message()])
    (row,) = claim(store, now)
    store.run(leases.withdraw, row, "cleared_before_sending", now)
    assert store.run(leases.attempts_of, row) == []
    assert claim(store, now + 60 * MINUTE) == []


def test_two_senders_never_get_the_same_message(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """Claims from two threads at once share the messages out, each to one."""
    wanted = [message(f"m{number:03d}") for number in range(60)]
    store.run(outbox.insert, wanted)
    given: dict[str, list[str]] = {"one": [], "two": []}
    start = threading.Barrier(2)

    def send(holder: str) -> None:
        start.wait()
        while rows := store.run(leases.claim, now, 7, 60.0, holder):
            given[holder] += [row.id for row in rows]

    threads = [threading.Thread(target=send, args=(holder,)) for holder in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(given["one"] + given["two"]) == [row.id for row in wanted]


def test_messages_about_an_incident_come_in_the_order_of_deciding(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """Who asks sees the story from its beginning."""
    rows = [
        message("b", created_at=now),
        message("a", created_at=now + MINUTE, reason="found"),
        message("c", incident="i2"),
    ]
    store.run(outbox.insert, rows)
    found = store.run(outbox.of_incident, "oakfield", "i1")
    assert found == [replace(row) for row in rows[:2]]
