"""Packages, channels, the clock, what is kept for how long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from mis_bridge.adapters.records import DayEventRecord, SessionMark
from mis_bridge.adapters.source import Batch
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.model import ACTIVE, DAEMON, Act, AuditEntry, Event, Incident, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.service.ingest import ingest
from mis_bridge.store import (
    audit,
    audit_proof,
    channels,
    digests,
    dirty,
    incidents,
    leases,
    notifications,
    outbox,
    owed,
    quarantine,
    retention,
    strips,
    suppressed,
)
from mis_bridge.store.dirty import Scope
from mis_bridge.store.notifications import File, Notification
from mis_bridge.store.outbox import OutboxRow
from mis_bridge.store.quarantine import QuarantineRow
from mis_bridge.store.schema import day_event, day_sheet, mark_change, register_seen
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.adapters.records import Record
    from mis_bridge.store.engine import Store

MINUTE = timedelta(minutes=1)
FILES = [File("return.csv", "text/csv", b"a,b\n"), File("return.pdf", "application/pdf", b"%PDF")]


@pytest.fixture
def package(store: Store, now: datetime) -> Notification:
    """An attendance return that waits for a person."""
    made = Notification(
        "oakfield", "n1", "i1", "attendance_return", "{}", now, expires_at=now + 60 * MINUTE
    )
    assert store.run(notifications.insert, made, FILES)
    return made


def test_a_package_is_made_once_and_keeps_its_files(store: Store, package: Notification) -> None:
    """What a person approves is byte for byte what goes out, whatever is made later."""
    assert not store.run(notifications.insert, package, [File("other", "text/plain", b"x")])
    assert store.run(notifications.files, "oakfield", "n1") == FILES
    assert store.run(notifications.in_state, "pending") == [package]


def test_only_an_approved_package_goes_out_and_only_once(
    store: Store, package: Notification, now: datetime
) -> None:
    """Pending and sent ones are refused; who approved is kept."""
    assert not store.run(notifications.sent, package, "ref", now)
    decide = partial(notifications.decide, by="A. Testhead", why="", now=now)
    assert store.run(partial(decide, notification=package, approve=True))
    assert not store.run(partial(decide, notification=package, approve=False))
    assert store.run(notifications.sent, package, "portal 7", now)
    assert not store.run(notifications.sent, package, "portal 8", now)
    stored = store.run(notifications.get, "oakfield", "n1")
    assert stored is not None
    assert (stored.state, stored.decided_by, stored.proof) == ("sent", "A. Testhead", "portal 7")


def test_nobody_can_not_approve(store: Store, package: Notification, now: datetime) -> None:
    """A decision has a name."""
    with pytest.raises(ValueError, match="named person"):
        store.run(notifications.decide, package, approve=True, by=" ", why="", now=now)


def test_a_package_that_nobody_decided_on_expires_once(
    store: Store, package: Notification, now: datetime
) -> None:
    """From its time on it is named as expired, once, and can not be approved any more."""
    assert store.run(notifications.expire, now + 59 * MINUTE) == []
    assert [p.id for p in store.run(notifications.expire, now + 60 * MINUTE)] == ["n1"]
    assert store.run(notifications.expire, now + 61 * MINUTE) == []
    assert not store.run(
        notifications.decide, package, approve=True, by="A. Testhead", why="", now=now
    )


def test_a_channel_rests_for_as_long_as_it_was_asked_to(store: Store, now: datetime) -> None:
    """A 429 pauses it and is no failure; what was under way when it came does not end the pause."""
    busy = Outcome(Result.RETRY, "429", retry_after=120)
    store.run(channels.rest, "teams", busy, now, now + 2 * MINUTE)
    assert store.run(channels.paused, now + MINUTE) == {"teams"}
    assert store.run(channels.paused, now + 2 * MINUTE) == frozenset()
    broken = Outcome(Result.PERMANENT, "401", config_alarm=True)
    state = store.run(channels.note, "teams", broken, now)
    assert (state.failures, state.config_alarm) == (1, True)
    good = Outcome(Result.ACCEPTED, "202")
    state = store.run(channels.note, "teams", good, now)
    assert (state.failures, state.config_alarm) == (0, False)
    assert state.paused_until == now + 2 * MINUTE
    assert store.run(channels.note, "teams", good, now + 2 * MINUTE).paused_until is None


def test_a_pause_that_another_channel_was_asked_for_lengthens_its_own_and_is_no_failure(
    store: Store, now: datetime
) -> None:
    """The longer of two holds; of the channel's own last attempt nothing is said by it."""
    store.run(channels.note, "teams", Outcome(Result.ACCEPTED, "202"), now)
    for minutes in (3, 1):
        store.run(channels.leave_alone, "teams", now + minutes * MINUTE)
    with store.reading() as tx:
        state = channels.load(tx)["teams"]
    assert state.paused_until == now + 3 * MINUTE
    assert (state.last_result, state.failures) == ("accepted", 0)


def test_a_good_outcome_ends_the_pause_for_failures(store: Store, now: datetime) -> None:
    """Nobody asked for that one."""
    for _ in range(3):
        state = store.run(channels.note, "teams", Outcome(Result.UNKNOWN, "timeout"), now)
    assert state.is_resting(now)
    state = store.run(channels.note, "teams", Outcome(Result.ACCEPTED, "202"), now)
    assert (state.failures, state.paused_until) == (0, None)


def test_from_the_third_failure_on_a_channel_rests_for_longer_and_longer(
    store: Store, now: datetime
) -> None:
    """One minute, two, four, eight, and ten for as long as it goes on."""
    down = Outcome(Result.UNKNOWN, "timeout")
    pauses = []
    for _ in range(8):
        state = store.run(channels.note, "teams", down, now)
        pauses.append(0 if state.paused_until is None else (state.paused_until - now) / MINUTE)
    assert pauses == [0, 0, 1, 2, 4, 8, 10, 10]
    assert state.is_resting(now)
    assert not state.is_resting(now + 10 * MINUTE)


def test_what_a_new_reading_does_not_find_any_more_is_resolved(
    store: Store, now: datetime, day: date
) -> None:
    """A sweep starts with a clean sheet for its days; what is still wrong in them is back."""
    rows = [QuarantineRow("sessions", f"page 1 record {n}", "not a code", "ZZ") for n in range(4)]
    year = date(day.year - 1, 8, 1)
    store.run(quarantine.add, "oakfield", rows[:2], now, day)
    store.run(quarantine.add, "oakfield", rows[2:3], now, year)
    store.run(quarantine.add, "oakfield", [QuarantineRow("pupils", "p9", "not_on_roll")], now, day)
    store.run(quarantine.resolve_stream, "oakfield", "sessions", now, day - timedelta(days=5))
    assert {row.place for row in store.run(quarantine.load, "oakfield")} == {
        "page 1 record 2",
        "p9",
    }
    store.run(quarantine.add, "oakfield", [rows[0]], now, day)
    assert store.run(quarantine.counts) == {"oakfield": 3}


def test_what_is_in_quarantine_can_be_resolved_and_come_again(store: Store, now: datetime) -> None:
    """A file that was read anew starts with a clean sheet; what is still wrong is back."""
    rows = [
        QuarantineRow(stream, f"{file} line 2", "not a code", "ZZ")
        for stream, file in (
            ("sessions", "a_b.csv"),
            ("sessions", "aXb.csv"),
            ("lessons", "a_b.csv"),
        )
    ]
    rows.append(QuarantineRow("sessions", "a_b.csv line 2", quarantine.NOT_ON_ROLL))
    store.run(quarantine.add, "oakfield", rows, now)
    store.run(quarantine.resolve_places, "oakfield", "sessions", "a_b.csv line ", now)
    assert set(store.run(quarantine.load, "oakfield")) == set(rows[1:])
    store.run(quarantine.add, "oakfield", rows[:1], now)
    assert set(store.run(quarantine.load, "oakfield")) == set(rows)


def test_digests_are_kept_a_page(store: Store, now: datetime) -> None:
    """The newest digest of each page is known, of this school only."""
    store.run(digests.save, "oakfield", {"p1": "aa"}, now)
    store.run(digests.save, "oakfield", {"p1": "bb"}, now)
    store.run(digests.save, "elm", {"p1": "cc"}, now)
    assert store.run(digests.known, "oakfield") == {"p1": "bb"}


@dataclass
class KeptShort:
    """Short times, so that a test's days pass them."""

    day_sheets_school_days: int = 5
    mark_changes_days: int = 60
    strip_years: int = 2
    incidents_days: int = 100
    outbox_days: int = 10
    quarantine_days: int = 10


def noon(day: date) -> datetime:
    """The middle of a day."""
    return datetime.combine(day, time(12), UTC)


def fill(store: Store, on: date) -> None:
    """Read a morning mark and an event on a day, with sheets for it."""
    moment = datetime.combine(on, time(9), UTC)
    records: list[Record] = [
        SessionMark("p1", on, pm=False, code=ord("N")),
        DayEventRecord("p1", moment, "message"),
    ]
    bad = [QuarantineRow("sessions", f"{on}", "x")]
    store.run(ingest, "oakfield", Batch("sessions", records), moment, keep_from=on)
    store.run(quarantine.add, "oakfield", bad, moment)


def count(store: Store, table: object) -> int:
    """How many rows a table has."""
    with store.reading() as tx:
        return int(tx.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_each_kind_of_data_goes_when_its_time_is_up(store: Store, day: date) -> None:
    """Sheets of last week stay, older ones go; strips go by academic year."""
    for on in (day, day - timedelta(days=7), day - timedelta(days=90), date(2024, 6, 4)):
        fill(store, on)
    retention_result = store.run(retention.prune, noon(day), KeptShort())
    assert retention_result["day_sheet"] == 2
    assert [count(store, t) for t in (day_sheet, day_event, register_seen)] == [2, 2, 2]
    assert count(store, mark_change) == 2
    assert store.run(strips.years, "oakfield") == [AcademicYear(2025)]
    assert store.run(quarantine.counts) == {"oakfield": 2}
    days = {item.day for item in store.run(dirty.due, datetime.combine(day, time(23), UTC), 99)}
    assert days == {day, day - timedelta(days=7), date(2025, 8, 1), date(2023, 8, 1)}


def test_exactly_the_last_school_days_keep_their_sheets(store: Store, day: date) -> None:
    """Of nine days with marks, weekends and holidays between them, the last five stay."""
    days = [day - timedelta(days=back) for back in (0, 1, 2, 5, 6, 7, 8, 9, 12)]
    for on in days:
        fill(store, on)
    store.run(retention.prune, noon(day), KeptShort())
    with store.reading() as tx:
        left = tx.execute(select(day_sheet.c.day).order_by(day_sheet.c.day.desc()))
        assert left.scalars().all() == days[:5]
    assert [count(store, t) for t in (day_event, register_seen)] == [5, 5]


def test_pruning_twice_drops_nothing_more(store: Store, day: date) -> None:
    """What has gone is gone, what stays stays."""
    fill(store, date(2024, 6, 4))
    store.run(retention.prune, noon(day), KeptShort())
    assert store.run(retention.prune, noon(day), KeptShort()) == {}


@pytest.fixture
def episode(store: Store, now: datetime) -> Callable[[State], Incident]:
    """``episode(state)``: an incident of long ago with all that was kept of it."""
    old = now - timedelta(days=300)
    identity = incident_id("oakfield", "ten_day_absence", "p1", "run")
    made = Incident(
        id=identity,
        reference=reference(identity),
        school="oakfield",
        pupil="p1",
        family="ten_day_absence",
        key="run",
        state=State.OPEN,
        level=1,
        trigger="ten_day_absence",
        severity=Severity.HIGH,
        audience=(Audience.ATTENDANCE,),
        told=(Audience.ATTENDANCE,),
        opened_at=old,
        updated_at=old,
        revision=1,
        day=old.date(),
        slot="",
        sentence="",
    )
    row = OutboxRow("oakfield", "m1", identity, "opened", "mail", "attendance", "high", 1, old, old)
    store.run(outbox.insert, [row])
    for leased in store.run(leases.claim, old, 1, 60.0, "one"):
        store.run(leases.finish, leased, Outcome(Result.SENT, ""), old, None)
    package = Notification("oakfield", "n1", identity, "attendance_return", "{}", old)
    store.run(notifications.insert, package, FILES)
    store.run(suppressed.note, made, Reason.DAMPED, old)

    def save(state: State) -> Incident:
        closed_at = None if state in ACTIVE else old
        changed = replace(made, state=state, closed_at=closed_at)
        store.run(incidents.save, [changed])
        return changed

    return save


@pytest.mark.parametrize("state", list(State))
def test_what_an_open_incident_needs_is_kept_until_it_has_ended(
    store: Store, episode: Callable[[State], Incident], day: date, state: State
) -> None:
    """Who was told of it hears of its end, however late; then its messages and package may go."""
    incident = episode(state)
    store.run(retention.prune, noon(day), KeptShort())
    kept = state in ACTIVE
    assert bool(store.run(outbox.of_incident, "oakfield", incident.id)) == kept
    assert bool(store.run(notifications.files, "oakfield", "n1")) == kept
    assert bool(store.run(suppressed.of_incident, "oakfield", incident.id)) == kept
    store.run(retention.prune, noon(day), KeptShort())
    assert (store.run(incidents.get, incident.id) is not None) == kept


def test_a_day_without_sheets_is_not_decided_any_more(store: Store, day: date) -> None:
    """A day whose marks are gone shows nothing: deciding it would say that they were withdrawn."""
    days = [day - timedelta(days=back) for back in (0, 1, 2, 5, 6, 7)]
    for on in days:
        fill(store, on)
    store.run(retention.prune, noon(day), KeptShort())
    due = store.run(dirty.due, datetime.combine(day, time(23), UTC), 99)
    assert [item.day for item in due if item.scope is Scope.DAY] == days[:5]


def test_messages_that_wait_are_never_pruned(store: Store, now: datetime, day: date) -> None:
    """Only messages that reached their last state have a time to go."""
    old = now - timedelta(days=400)
    for identity in ("waits", "went"):
        row = OutboxRow("oakfield", identity, "i", "opened", "teams", "dsl", "low", 1, old, old)
        store.run(outbox.insert, [row])
    for row in store.run(leases.claim, old, 1, 60.0, "one"):
        store.run(leases.finish, row, Outcome(Result.SENT, ""), old, None)
    store.run(retention.prune, noon(day), KeptShort())
    assert sum(store.run(owed.counts).values()) == 1
    assert list(store.run(owed.counts)) == [("teams", "pending")]


def test_the_words_of_the_history_go_with_the_incident_and_the_chain_still_holds(
    store: Store, episode: Callable[[State], Incident], day: date, now: datetime
) -> None:
    """What people wrote of a child has its time as the incident has; when, who and what stay."""
    gone, stays = episode(State.CLOSED), replace(episode(State.CLOSED), id="other", reference="r")
    old, new = now - timedelta(days=300), now - timedelta(days=1)
    store.run(incidents.save, [replace(stays, closed_at=new)])
    lines = [
        AuditEntry(old, "A. Lead", gone.id, Event.RAISED, "", "Absent."),
        AuditEntry(old, "A. Lead", gone.id, Event.NOTED, "", "Seen with an older friend."),
        AuditEntry(old, "A. Lead", "", Act.SILENCED, "silenced", "In hospital."),
        AuditEntry(new, "A. Lead", "", Act.SILENCED, "silenced", "On a trip."),
        AuditEntry(new, "A. Lead", stays.id, Event.RAISED, "", "Not gone yet."),
    ]
    store.run(audit.append, "oakfield", lines)

    for _ in range(2):
        store.run(retention.prune, noon(day), KeptShort())

    assert store.run(incidents.get, gone.id) is None
    assert store.run(audit_proof.verify) == []
    long = timedelta(days=400)
    with store.reading() as tx:
        left = [link.entry for _, link in audit.within(tx, now - long, now + long, "oakfield")]
    assert [one.body for one in left if one.act != Act.ERASED] == [
        audit.ERASED, audit.ERASED, audit.ERASED, "On a trip.", "Not gone yet.",
    ]  # fmt: skip
    assert [(one.at, one.actor, one.act) for one in left[:3]] == [
        (line.at, line.actor, line.act) for line in lines[:3]
    ]
    assert [one.actor for one in left if one.act == Act.ERASED] == [DAEMON]
