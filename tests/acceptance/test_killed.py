"""The real daemon, killed with SIGKILL at each step of its three transactions, loses nothing."""

from __future__ import annotations

import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from mis_bridge.store import audit_proof, feeds, incidents, outbox, owed

from .conftest import NOW, PATIENCE, wait_for

if TYPE_CHECKING:
    from .conftest import World

STEPS = [
    f"{function}:{place}"
    for function in ("store_batch", "decide", "claim", "record")
    for place in ("before", "inside", "after")
]
BESIDE = ["_claim:after", "_reading_good:inside", "compose:after"]
"""Steps between the three: a feed is leased, is read to its end; a message is written."""
QUICK = {"store_batch:inside"}
"""Seconds each: the others are killed in the strict run."""


def _quiet(world: World) -> bool:
    """Whether the school was read to its end and every message of it is out."""
    with world.store() as store, store.reading() as tx:
        feed = feeds.all_feeds(tx)[0]
        states = {state for _, state in owed.counts(tx)}
        told = [one for one in incidents.recent(tx) if one.told]
        return bool(feed.last_good_at and told and not states & {"pending", "sending"} and states)


def _received(world: World) -> Counter[tuple[str, str]]:
    """(channel, message id) -> how often it arrived, read from what the peers were given."""
    got: Counter[tuple[str, str]] = Counter()
    for post in world.webhook.posted:
        got["teams", _reference(str(post.content))] += 1
    for mail in world.mails.mails:
        got[str(mail.message["To"]), str(mail.message["Message-ID"])] += 1
    return got


def _reference(text: str) -> str:
    at = text.index("MB-")
    return text[at : at + 12]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, marks=[] if step in QUICK else [pytest.mark.thorough])
        for step in STEPS + BESIDE
    ],
)
def test_a_kill_at_any_step_loses_no_finding(world: World, step: str) -> None:
    """After a kill and a new start every incident has reached its people; doubles are the same."""
    with world.daemon(die_at=step) as process:
        assert process.wait(PATIENCE) == -signal.SIGKILL, world.log()[-3000:]

    with world.daemon(minute=NOW + 1) as process:
        wait_for(lambda: _quiet(world), "every message is out", world)
        assert world.stop(process) == 0

    _everybody_was_told(world)


@pytest.mark.thorough
@pytest.mark.parametrize("step", ["decide:inside", "claim:after"])
def test_a_node_that_is_killed_is_replaced_by_another(
    world: World, postgresql_url: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the other node waits until the leases of the dead one end, and goes on."""
    monkeypatch.setenv("TEST_STORE", postgresql_url)
    text = world.config.read_text("utf-8")
    world.config.write_text(f'{text}\n[store]\nurl = "env:TEST_STORE"\n', "utf-8")
    with world.daemon(die_at=step) as process:
        assert process.wait(PATIENCE) == -signal.SIGKILL, world.log()[-3000:]

    with world.daemon(minute=NOW + 1, speed=30.0) as process:
        wait_for(lambda: _quiet(world), "every message is out", world)
        assert world.stop(process) == 0

    _everybody_was_told(world)


def _everybody_was_told(world: World) -> None:
    with world.store() as store, store.reading() as tx:
        told = {one.trigger: one for one in incidents.recent(tx) if one.told}
        assert audit_proof.verify(tx) == []
        rows = {one.id: outbox.of_incident(tx, one.school, one.id) for one in told.values()}
    assert {"missing_during_day", "unexplained_absence"} <= told.keys()
    cards = " ".join(str(post.content) for post in world.webhook.posted)
    mails = " ".join(mail.message.as_string() for mail in world.mails.mails)
    for incident in told.values():
        assert {row.state for row in rows[incident.id]} <= {"sent", "accepted"}
        assert incident.reference in cards + mails
    assert max(_received(world).values()) <= 2
