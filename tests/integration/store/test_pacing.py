"""What goes out together is leased together; what a channel has had lately is counted once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.store import leases, outbox, pacing
from mis_bridge.store.outbox import OutboxRow

if TYPE_CHECKING:
    from mis_bridge.store.engine import Store

MINUTE = timedelta(minutes=1)
HOUR = 60 * MINUTE
SENT = Outcome(Result.SENT, "")


def message(identity: str, now: datetime, **rest: object) -> OutboxRow:
    """One row that is due now."""
    values: dict[str, object] = {
        "school": "oakfield",
        "id": identity,
        "incident": f"i-{identity}",
        "reason": "opened",
        "channel": "teams",
        "audience": "dsl",
        "severity": "high",
        "revision": 1,
        "due_at": now,
        "created_at": now,
        **rest,
    }
    return OutboxRow(**values)  # type: ignore[arg-type]


def claim(store: Store, now: datetime) -> list[OutboxRow]:
    """Lease what is due for a minute."""
    return store.run(leases.claim, now, 50, 60.0, "one")


def test_a_bundle_is_leased_whole_with_what_has_come_in_since(store: Store, now: datetime) -> None:
    """Also what would only be due later; not another school's, another channel's or what failed."""
    tried = message("tried", now, bundle="b", attempts=1, due_at=now + MINUTE)
    rows = [
        message("a", now, bundle="b"),
        message("later", now, bundle="b", due_at=now + MINUTE),
        message("elsewhere", now, bundle="b", school="elm", due_at=now + MINUTE),
        message("mail", now, bundle="b", channel="mail", due_at=now + MINUTE),
        message("alone", now),
        tried,
    ]
    store.run(outbox.insert, rows)

    lots = [{row.id for row in lot} for lot in leases.lots(claim(store, now))]

    assert sorted(lots, key=len) == [{"alone"}, {"a", "later"}]
    assert claim(store, now) == []


def test_what_went_out_together_counts_as_one_message(store: Store, now: datetime) -> None:
    """A telephone rang once for five rows; a refusal did not ring at all."""
    store.run(outbox.insert, [message(f"m{n}", now, bundle="b") for n in range(5)])
    store.run(outbox.insert, [message("single", now), message("refused", now)])
    for row in claim(store, now):
        outcome = SENT if row.id != "refused" else Outcome(Result.PERMANENT, "")
        store.run(leases.finish, row, outcome, now, None)

    both = {"teams", "mail"}
    assert store.run(pacing.busy_since, both, now - HOUR, 2) == ["teams"]
    assert store.run(pacing.busy_since, both, now - HOUR, 3) == []
    assert store.run(pacing.busy_since, both, now, 1) == []
    assert store.run(pacing.busy_since, {"mail"}, now - HOUR, 1) == []
    assert store.run(pacing.last_message, "oakfield", "teams", now - HOUR) == now
    assert store.run(pacing.last_message, "elm", "teams", now - HOUR) is None
    assert store.run(pacing.last_of_cause, "oakfield", "teams", "b", now - HOUR) == now
    assert store.run(pacing.last_of_cause, "oakfield", "teams", "c", now - HOUR) is None


def test_a_summary_takes_what_is_due_and_waits_without_losing_it(
    store: Store, now: datetime
) -> None:
    """Only what is for people: neither a package with its files nor a card that is changed."""
    rows = [
        message("low", now, severity="low"),
        message("package", now, reason="package_approved"),
        message("anew", now, reason="shown_anew"),
        message("other", now, school="elm", severity="critical"),
        message("tomorrow", now, due_at=now + 24 * HOUR),
    ]
    store.run(outbox.insert, rows)

    assert store.run(pacing.channels_due, now, frozenset()) == ["teams"]
    assert store.run(pacing.channels_due, now, frozenset({"teams"})) == []
    assert store.run(pacing.schools_due, "teams", now) == {"elm": True, "oakfield": False}

    store.run(pacing.put_off, "oakfield", "teams", now + 5 * MINUTE, now)
    assert {row.id for row in claim(store, now)} == {"package", "anew", "other"}

    later = now + 5 * MINUTE
    assert store.run(pacing.bring_together, "oakfield", "teams", "limited/1", later) == 1
    low = store.run(outbox.get, "oakfield", "low")
    assert low is not None
    assert (low.bundle, low.held, low.state) == ("limited/1", "limited", "pending")


def test_an_attempt_begins_when_its_message_is_written_and_may_have_delivered_until_it_is_refused(
    store: Store, now: datetime
) -> None:
    """Leased at once and sent one after the other; a copy is another; what was refused is none."""
    store.run(
        outbox.insert,
        [
            message("a", now, bundle="b"),
            message("b", now, bundle="b"),
            message("refused", now),
            message("copied", now),
            message("elsewhere", now, channel="mail"),
        ],
    )
    rows = {row.id: row for row in claim(store, now)}
    for minute, of in enumerate((["a", "b"], ["refused"], ["copied"]), start=1):
        begun = [rows[identity] for identity in of]
        store.run(leases.renew, begun, now + minute * MINUTE, 60.0)
    refused, lost = Outcome(Result.PERMANENT, "404"), Outcome(Result.UNKNOWN, "timeout")
    store.run(leases.finish, rows["refused"], refused, now + 2 * MINUTE, None)
    store.run(leases.finish, rows["copied"], lost, now + 3 * MINUTE, now + 5 * MINUTE)
    assert len(claim(store, now + 5 * MINUTE)) == 4

    with store.reading() as tx:
        began = pacing.begun_since(tx, ["teams"], now)

    assert sorted(at - now for at in began) == [n * MINUTE for n in (1, 3, 5, 5)]
