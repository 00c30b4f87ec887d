"""What the auditor reads: the same answers on both databases, and only what is really late."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, update

from mis_bridge.incidents.reasons import Reason
from mis_bridge.service.metrics import gauges
from mis_bridge.store import (
    audit_proof,
    dead_letters,
    dirty,
    feeds,
    leases,
    outbox,
    self_check,
    standing,
    suppressed,
)
from mis_bridge.store import incidents as incident_rows
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.store.schema import channel_state
from mis_bridge.store.schema import dirty as dirty_table
from mis_bridge.store.schema import feeds as feed_table
from mis_bridge.store.schema import incidents as incident_table
from mis_bridge.store.schema import outbox as outbox_table
from mis_bridge.triggers.self_check_failed import Behind

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from mis_bridge.store.engine import Store

MINUTE = timedelta(minutes=1)
SCHOOL = "oakfield"


@pytest.fixture
def incident(store: Store, now: datetime, day: date) -> Callable[..., str]:
    """``incident(id, field=...)``: one open incident about a pupil, from ten minutes ago."""

    def make(identity: str = "i1", **rest: Any) -> str:
        values = {
            "school": SCHOOL,
            "id": identity,
            "reference": f"MB-0000-{identity.upper():0>4}",
            "pupil": "p1",
            "family": "missing_during_day",
            "key": "k",
            "state": "open",
            "level": 1,
            "trigger": "missing_during_day",
            "severity": "high",
            "audience": "dsl",
            "day": day,
            "slot": "P2",
            "opened_at": now - 10 * MINUTE,
            "updated_at": now - 10 * MINUTE,
            "closed_at": None,
            "revision": 1,
            "owner": "",
            "ack_expires_at": None,
            "escalate_at": now + 5 * MINUTE,
            "outcome": "",
            "body": _BODY,
            **rest,
        }
        with store.transaction() as tx:
            tx.execute(insert(incident_table).values(**values))
        return identity

    return make


_BODY = (
    '{"sentence": "", "facts": {}, "evidence": [], "uncertain": "", "told": ["dsl"], '
    '"escalations": 0, "closed_by": "", "ending": "", "steps": [], "data_as_of": null}'
)


@pytest.fixture
def message(store: Store, now: datetime) -> Callable[..., OutboxRow]:
    """``message(id, field=...)``: one stored message about ``i1``, decided ten minutes ago."""

    def make(identity: str = "m1", **rest: Any) -> OutboxRow:
        values: dict[str, Any] = {
            "school": SCHOOL,
            "id": identity,
            "incident": "i1",
            "reason": "opened",
            "channel": "teams",
            "audience": "dsl",
            "severity": "high",
            "revision": 1,
            "due_at": now - 10 * MINUTE,
            "created_at": now - 10 * MINUTE,
            "deadline_at": now + 5 * MINUTE,
            **rest,
        }
        row = OutboxRow(**values)
        store.run(outbox.insert, [row])
        return row

    return make


def test_a_feed_is_unread_once_its_time_is_long_past(store: Store, now: datetime) -> None:
    """A new one has an hour; one that is not watched has no time at all."""
    with store.transaction() as tx:
        tx.execute(update(feed_table).values(due_at=now - 20 * MINUTE, state="good"))
    read = standing.feeds_unread

    assert [one.school for one in store.run(read, now - 15 * MINUTE, now)] == [SCHOOL]
    assert store.run(read, now - 21 * MINUTE, now) == []
    with store.transaction() as tx:
        tx.execute(update(feed_table).values(state="new", state_since=now - 30 * MINUTE))
    assert store.run(read, now - 15 * MINUTE, now - 60 * MINUTE) == []
    store.run(feeds.sync_schools, [], now)
    assert store.run(read, now - 15 * MINUTE, now) == []


def test_a_key_is_overdue_from_when_it_first_waited(store: Store, now: datetime, day: date) -> None:
    """Marking it again does not make it look young; a first load is waited for."""
    store.run(dirty.mark, SCHOOL, [day], now - 10 * MINUTE)
    store.run(dirty.mark, SCHOOL, [day], now)
    assert store.run(standing.keys_overdue, "day", now - 5 * MINUTE) == []
    with store.transaction() as tx:
        tx.execute(update(feed_table).values(last_good_at=now))

    (late,) = store.run(standing.keys_overdue, "day", now - 5 * MINUTE)
    assert (late.school, late.number, late.since) == (SCHOOL, 1, now - 10 * MINUTE)
    assert store.run(standing.keys_overdue, "year", now - 5 * MINUTE) == []
    with store.transaction() as tx:
        tx.execute(update(dirty_table).values(failing_since=now - MINUTE))
    assert store.run(dirty.failing_schools) == {SCHOOL: now - MINUTE}


def test_a_message_is_not_picked_up_unless_its_channel_rests(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """A channel that asked for patience, or that failed again and again, is left alone."""
    message()
    message("m2", due_at=now - MINUTE)

    (late,) = store.run(standing.messages_not_picked_up, now - 5 * MINUTE, now)
    assert (late.what, late.number) == ("teams", 1)
    with store.transaction() as tx:
        tx.execute(
            insert(channel_state).values(
                channel="teams",
                paused_until=now + MINUTE,
                failures=3,
                last_at=now,
                last_result="retry",
                last_detail="",
                config_alarm=False,
            )
        )
    assert store.run(standing.messages_not_picked_up, now - 5 * MINUTE, now) == []


def test_a_late_message_counts_as_told_while_its_channel_has_an_incident(
    store: Store,
    message: Callable[..., OutboxRow],
    incident: Callable[..., str],
    now: datetime,
) -> None:
    """Somebody knows of the channel; of another channel's message nobody does."""
    late = {"created_at": now - 20 * MINUTE, "deadline_at": None, "attempts": 2}
    message(**late, due_at=now + MINUTE)
    message("m2", channel="teams-2", **late, due_at=now + MINUTE)
    message("m3", channel="young", created_at=now - MINUTE, deadline_at=None, attempts=1)
    message("m4", channel="in-time", created_at=now - 20 * MINUTE)
    args = (now - 15 * MINUTE, now - 5 * MINUTE, now)

    assert [one.what for one in store.run(standing.messages_untold, *args)] == ["teams", "teams-2"]
    incident("c1", family="channel_failing", key="teams@2026-03-11", pupil="")
    assert [one.what for one in store.run(standing.messages_untold, *args)] == ["teams-2"]


def test_a_lease_that_ended_long_ago_is_past(
    store: Store, message: Callable[..., OutboxRow], now: datetime
) -> None:
    """Whoever took the message has not said what became of it, and nobody took it over."""
    message()
    store.run(leases.claim, now - 8 * MINUTE, 5, 60.0, "one")

    assert [one.number for one in store.run(standing.leases_past, now - 5 * MINUTE)] == [1]
    assert store.run(standing.leases_past, now - 8 * MINUTE) == []


def test_an_incident_without_a_message_or_a_reason_is_untold(
    store: Store,
    message: Callable[..., OutboxRow],
    incident: Callable[..., str],
    now: datetime,
) -> None:
    """A message of it, or a word why there is none, is enough."""
    args = (now - 5 * MINUTE, now - timedelta(days=1))
    incident("i1")
    incident("i2")
    incident("asked", family="package_asked_for")
    (late,) = store.run(standing.incidents_untold, *args)
    assert late.number == 2

    message()
    with store.transaction() as tx:
        quiet = incident_rows.one(tx, SCHOOL, "i2")
        assert quiet is not None
        suppressed.note(tx, quiet, Reason.BACKFILL, now)
    assert store.run(standing.incidents_untold, *args) == []


def test_an_incident_whose_time_is_past_waits_for_its_next_step(
    store: Store, incident: Callable[..., str], now: datetime
) -> None:
    """It should have climbed; an acknowledgement without an end is asked about too."""
    incident("i1", escalate_at=now - 6 * MINUTE)
    incident("i2")
    incident("i3", state="acknowledged", escalate_at=None)
    incident("i4", state="closed", escalate_at=now - 6 * MINUTE)

    late = store.run(standing.incidents_without_step, now - 5 * MINUTE)
    assert sorted(one.id for one in late) == ["i1", "i3"]


def test_nobody_is_reached_while_no_message_of_an_incident_was_taken(
    store: Store,
    message: Callable[..., OutboxRow],
    incident: Callable[..., str],
    now: datetime,
) -> None:
    """One that any channel took is enough."""
    incident("i1", family="channel_failing", pupil="")
    message(created_at=now - 20 * MINUTE)
    message("m2", channel="mail", created_at=now - 20 * MINUTE)
    args = ({"channel_failing"}, now - 15 * MINUTE)

    assert [one.number for one in store.run(standing.nobody_reached, *args)] == [1]
    with store.transaction() as tx:
        tx.execute(update(outbox_table).where(outbox_table.c.id == "m2").values(state="accepted"))
    assert store.run(standing.nobody_reached, *args) == []


@pytest.mark.parametrize(
    ("rows", "dead"),
    [
        ([{"state": "failed", "due_at": None}], True),
        ([{"state": "pending", "deadline_at": None, "attempts": 2}], True),
        ([{"state": "failed", "due_at": None}, {"state": "sent", "due_at": None}], False),
        ([{"state": "failed", "due_at": None}, {"state": "accepted", "due_at": None}], False),
        ([{"state": "failed", "due_at": None}, {"state": "pending"}], False),
        ([{"state": "failed", "due_at": None}, {"state": "cancelled", "due_at": None}], False),
        ([{"state": "failed", "due_at": None}, {"state": "failed", "due_at": None}], True),
        ([{"state": "pending"}], False),
        (
            [
                {"state": "failed", "due_at": None},
                {"state": "sent", "due_at": None, "audience": "office"},
            ],
            True,
        ),
        (
            [
                {"state": "failed", "due_at": None},
                {"state": "sent", "due_at": None, "reason": "unacknowledged", "revision": 2},
            ],
            False,
        ),
    ],
)
def test_a_dead_letter_is_a_message_that_no_channel_took_and_none_may_take_in_time(
    store: Store,
    message: Callable[..., OutboxRow],
    incident: Callable[..., str],
    now: datetime,
    rows: list[dict[str, Any]],
    dead: bool,
) -> None:
    """Each duty counts for itself; whoever has heard of the matter since has been reached."""
    incident()
    for place, values in enumerate(rows):
        message(f"m{place}", channel=f"c{place}", detail="refused", **values)

    letters = store.run(dead_letters.of_school, SCHOOL, now)
    assert bool(letters) is dead
    if dead:
        assert (letters[0].audience, letters[0].detail) == ("dsl", "refused")
    assert store.run(dead_letters.of_schools, ["elsewhere"], now) == []


def test_of_a_lost_message_about_a_lost_message_nobody_is_told_again(
    store: Store,
    message: Callable[..., OutboxRow],
    incident: Callable[..., str],
    now: datetime,
) -> None:
    """It would never end; the outside monitor says it."""
    incident(family="undelivered", pupil="")
    message(state="failed", due_at=None)
    assert store.run(dead_letters.of_school, SCHOOL, now) == []


FAILED = {"state": "failed", "due_at": None}


@pytest.mark.parametrize(
    ("rows", "lost"),
    [
        ([FAILED], ["the day's message of Wed 11 Mar"]),
        ([FAILED, {**FAILED, "channel": "mail"}], ["the day's message of Wed 11 Mar"]),
        ([FAILED, {"state": "sent", "due_at": None, "channel": "mail"}], []),
        ([FAILED, {"channel": "mail"}], []),
        # Of a channel that is broken, and still tried, channel_failing tells.
        ([{"state": "pending", "deadline_at": None, "attempts": 2}], []),
        ([{"state": "cancelled", "due_at": None}], []),
        (
            [{**FAILED, "reason": Reason.WEEKLY_CHECK, "audience": "", "channel": "teams"}],
            ["the weekly check of the channel teams"],
        ),
        (
            [
                {**FAILED, "reason": Reason.WEEKLY_CHECK, "audience": "", "channel": "teams"},
                {"reason": Reason.WEEKLY_CHECK, "audience": "", "channel": "b", "state": "sent"},
            ],
            ["the weekly check of the channel teams"],
        ),
    ],
)
def test_a_note_about_no_incident_is_lost_once_nothing_tries_it_any_more(
    store: Store,
    message: Callable[..., OutboxRow],
    now: datetime,
    rows: list[dict[str, Any]],
    lost: list[str],
) -> None:
    """The day's message and a channel's weekly check, each for itself."""
    for place, values in enumerate(rows):
        message(f"m{place}", **{"incident": "", "reason": Reason.DAILY, "revision": 0, **values})

    letters = store.run(dead_letters.of_school, SCHOOL, now)
    assert [one.what for one in letters] == lost


def test_who_has_the_next_days_message_has_been_reached_and_two_days_are_enough(
    store: Store,
    message: Callable[..., OutboxRow],
    now: datetime,
) -> None:
    """What was lost yesterday stands until then; what was lost before that nobody asks for."""
    note = {"incident": "", "reason": Reason.DAILY, "revision": 0}
    for days in (1, 2):
        message(f"m{days}", **note, **FAILED, created_at=now - days * 24 * 60 * MINUTE)
    (yesterday,) = store.run(dead_letters.of_school, SCHOOL, now)
    assert (yesterday.what, yesterday.audience) == ("the day's message of Tue 10 Mar", "dsl")

    message("m0", **note, state="sent", due_at=None)
    assert store.run(dead_letters.of_school, SCHOOL, now) == []


def test_the_last_run_is_kept_and_what_is_new_is_decided_on(
    store: Store, now: datetime, day: date
) -> None:
    """Other programs read it; a school is marked when it falls behind and when it has caught up."""
    assert store.run(self_check.last_run) is None
    run = self_check.Run(now, now - MINUTE, {"message_stuck": 2})
    store.run(self_check.keep_run, run)
    assert store.run(self_check.last_run) == run

    behind = [Behind(now, "2 messages were not sent")]
    for found, marked in (({SCHOOL: behind}, 1), ({SCHOOL: behind}, 0), ({}, 1), ({}, 0)):
        with store.transaction() as tx:
            tx.execute(update(dirty_table).values(due_at=None))
        store.run(self_check.note_behind, found, now)
        assert len(store.run(dirty.due, now, 9)) == marked
        assert store.run(self_check.behind, SCHOOL) == (behind if found else [])


def test_a_break_in_the_history_keeps_the_moment_at_which_it_was_first_seen(
    store: Store, now: datetime
) -> None:
    """Another line is another break; one that is mended is forgotten."""
    assert store.run(self_check.last_walk) is None
    changed = audit_proof.Kind.CHANGED
    second, fifth = (
        audit_proof.Break(SCHOOL, number, changed, "changed", str(number) * 64) for number in (2, 5)
    )
    later = now + 24 * 60 * MINUTE

    store.run(self_check.keep_walk, now, [second])
    store.run(self_check.keep_walk, later, [second])
    known = self_check.Broken(SCHOOL, 2, "changed", second.seal, now)
    assert store.run(self_check.last_walk) == self_check.Walk(later, (known,))
    store.run(self_check.keep_walk, later, [fifth])
    other = self_check.Broken(SCHOOL, 5, "changed", fifth.seal, later)
    assert store.run(self_check.last_walk) == self_check.Walk(later, (other,))
    store.run(self_check.keep_walk, later, [])
    assert store.run(self_check.last_walk) == self_check.Walk(later, ())


def test_the_gauges_of_an_installation_are_read_from_either_database(
    store: Store,
    message: Callable[..., OutboxRow],
    incident: Callable[..., str],
    now: datetime,
) -> None:
    """A channel that is not configured any more counts as another."""
    incident()
    message()
    message("m2", channel="gone")
    found = store.run(gauges, now, {SCHOOL}, {"teams"})

    assert found["mis_bridge_outbox_messages"] == {
        ("teams", "pending"): 1,
        ("other", "pending"): 1,
    }
    assert found["mis_bridge_incidents_open"] == {("missing_during_day", "open"): 1}
    assert found["mis_bridge_feed_good"] == {(SCHOOL,): 0.0}
    assert found["mis_bridge_dead_letters"] == {(SCHOOL,): 0}
