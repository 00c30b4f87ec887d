"""Bad days: hundreds of alerts in a minute are a few messages, every one is in one, in time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.incidents.families import family_of
from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.model import Incident, MessagePlan, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.incidents.timing import Timing
from mis_bridge.messages.model import Disclosure
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service import deliver, routing
from mis_bridge.service.bundles import compose_together
from mis_bridge.service.deliver import Limits
from mis_bridge.service.schools import School
from mis_bridge.service.writing import Sender
from mis_bridge.store import incidents, leases, outbox, owed
from mis_bridge.store.opening import open_store
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mis_bridge.messages.model import Message
    from mis_bridge.store.engine import Store

DAY = date(2026, 11, 12)
NOW = datetime(2026, 11, 12, 11, 30, tzinfo=LONDON)
DEADLINES = {
    Severity.CRITICAL: timedelta(minutes=15),
    Severity.HIGH: timedelta(minutes=15),
    Severity.NORMAL: timedelta(minutes=120),
    Severity.LOW: timedelta(minutes=720),
}
TICK = timedelta(seconds=30)
TAKEN = Outcome(Result.ACCEPTED, "")


@dataclass
class World:
    """A school, its outbox and what arrives; time is moved by hand."""

    store: Store
    school: School
    limits: Limits = field(default=Limits(30, timedelta(minutes=5)))
    now: datetime = NOW
    arrived: list[tuple[datetime, str, Message]] = field(default_factory=list)
    outcome: Outcome = TAKEN

    def raise_all(self, *raised: Incident, reason: Reason = Reason.OPENED) -> None:
        """Store incidents and plan their messages, in one decision."""
        with self.store.transaction() as tx:
            incidents.save(tx, raised)
            for one in raised:
                for audience in one.audience:
                    plan = MessagePlan(one, reason, audience, one.severity, one.revision)
                    rows = routing.expand(tx, plan, self.school, self.now, DEADLINES)
                    outbox.insert(tx, rows)

    def until(self, end: datetime, *, every: timedelta = TICK) -> None:
        """Let time pass, and what is due be sent."""
        while self.now < end:
            self.now += every
            self.send()

    def send(self) -> None:
        """Send what is due now."""
        schools = {self.school.id: self.school}
        with self.store.transaction() as tx:
            deliver.take_over(tx, self.now, DEADLINES, schools)
        while True:
            with self.store.transaction() as tx:
                rows = deliver.claim(tx, self.now, "test", limits=self.limits)
            if not rows:
                return
            for lot in leases.lots(rows):
                written = self.store.run(
                    compose_together, lot, self.school, Disclosure.INITIALS, Sender(), self.now
                )
                outcome = self.outcome if written.message else None
                if written.message and outcome == TAKEN:
                    self.arrived.append((self.now, lot[0].channel, written.message))
                self.store.run(
                    deliver.record_together, lot, written, outcome, self.now, DEADLINES, schools
                )

    def said(self) -> set[str]:
        """The references that have arrived."""
        return {
            one
            for _, _, message in self.arrived
            for one in (message.references or (message.reference,))
        }

    def rows(self, one: Incident) -> list[outbox.OutboxRow]:
        """The messages of an incident."""
        with self.store.reading() as tx:
            return outbox.of_incident(tx, one.school, one.id)


def absent(number: int, trigger: str = "missing_during_day", slot: str = "P3") -> Incident:
    """One pupil's incident."""
    info = TRIGGERS[trigger].INFO
    identity = incident_id("hilltop", trigger, f"p-{number}", f"{DAY}/{slot}")
    return Incident(
        id=identity,
        reference=reference(identity),
        school="hilltop",
        pupil=f"p-{number}",
        family=family_of(trigger).id,
        key=f"{DAY}/{slot}",
        state=State.OPEN,
        level=1,
        trigger=trigger,
        severity=info.severity,
        audience=info.audience,
        told=info.audience,
        opened_at=NOW,
        updated_at=NOW,
        revision=1,
        day=DAY,
        slot=slot,
        sentence=f"In school at P1, marked absent in {slot} (saved 11:28). Not signed out.",
    )


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A school whose DSL and attendance officer read one Teams channel."""
    store = open_store(f"sqlite:///{tmp_path / 'mis-bridge.db'}", "0f" * 32, create=True)
    nothing = cast("Any", None)
    school = School(
        id="hilltop",
        name="Hilltop Invented School",
        adapter="csv",
        calendar=nothing,
        polling=nothing,
        routes={
            Audience.DSL: ("teams", "mail"),
            Audience.ATTENDANCE: ("teams",),
            Audience.OFFICE: ("office",),
        },
        triggers={},
        rules=IncidentRules(),
        timing=Timing(),
    )
    yield World(store, school)
    store.close()


def test_four_hundred_missing_in_a_minute_are_no_four_hundred_messages(world: World) -> None:
    """A drill that twenty registers marked as absence.

    Expected: each telephone rings twice at most (a reading in the middle of it splits them), every
    child is named in a message within a minute, and none waits for its deadline.
    """
    children = [absent(number) for number in range(400)]
    world.raise_all(*children[:150])
    world.send()
    world.now += timedelta(seconds=45)
    world.raise_all(*children[150:])
    world.send()

    assert len(world.arrived) == 2
    assert world.said() == {one.reference for one in children}
    assert all(at - NOW <= timedelta(minutes=1) for at, _, _ in world.arrived)
    assert world.arrived[1][2].subject.startswith("[mis-bridge] Missing during the day: 250 pupils")


def test_their_return_is_told_as_loudly_and_as_briefly(world: World) -> None:
    """Everybody is back ten minutes later: one message, green, names them all."""
    children = [absent(number) for number in range(60)]
    world.raise_all(*children)
    world.send()
    world.now += timedelta(minutes=10)
    found = [
        replace(one, state=State.FOUND, revision=2, ending="Seen again in P4.") for one in children
    ]
    world.raise_all(*found, reason=Reason.FOUND)
    world.send()

    assert [message.subject.partition(" MB-")[0] for _, _, message in world.arrived] == [
        "[mis-bridge] Missing during the day: 60 pupils",
        "[mis-bridge] Found, seen again in school: 60 pupils",
    ]


def test_a_row_keeps_its_own_outcome_and_a_copy_is_recognised(world: World) -> None:
    """The answer is lost: it is sent once more, and says the same references."""
    children = [absent(number) for number in range(5)]
    world.outcome = Outcome(Result.UNKNOWN, "no answer")
    world.raise_all(*children)
    world.send()
    with world.store.reading() as tx:
        first = [leases.attempts_of(tx, row) for one in children for row in world.rows(one)]
    world.outcome = TAKEN
    world.until(NOW + timedelta(minutes=4))

    assert all([attempt.result for attempt in attempts] == ["unknown"] for attempts in first)
    ((_, channel, message),) = world.arrived
    assert channel == "teams"
    assert set(message.references) == {one.reference for one in children}
    assert {row.state for one in children for row in world.rows(one)} == {"accepted"}


def test_where_the_channel_fails_what_came_together_goes_on_together(world: World) -> None:
    """Teams refuses: the mail has all of them in one, and the failure counts once."""
    children = [absent(number) for number in range(5)]
    world.outcome = Outcome(Result.PERMANENT, "the flow is gone", config_alarm=True)
    world.raise_all(*children)
    schools = {"hilltop": world.school}
    with world.store.transaction() as tx:
        rows = deliver.claim(tx, world.now, "test", limits=world.limits)
    written = world.store.run(
        compose_together, rows, world.school, Disclosure.INITIALS, Sender(), world.now
    )
    world.store.run(
        deliver.record_together, rows, written, world.outcome, world.now, DEADLINES, schools
    )
    world.outcome = TAKEN
    world.send()

    assert [(channel, len(message.references)) for _, channel, message in world.arrived] == [
        ("mail", 5)
    ]
    with world.store.reading() as tx:
        from mis_bridge.store import channels

        assert channels.load(tx)["teams"].failures == 1


@pytest.mark.thorough
def test_a_hundred_causes_in_an_hour_become_summaries_and_lose_nothing(world: World) -> None:
    """One register after another is not taken, each a cause of its own.

    Expected: after thirty messages in an hour they come every five minutes at most; every incident
    is in a message, each within its deadline.
    """
    raised = []
    for number in range(100):
        one = replace(absent(number, "register_not_taken", f"R{number}"), pupil="")
        raised.append(one)
        world.raise_all(one)
        world.until(world.now + TICK)
    world.until(world.now + timedelta(minutes=10))

    assert len(world.arrived) <= 30 + 60 // 5
    assert world.said() == {one.reference for one in raised}
    late = [
        one
        for one in raised
        for row in world.rows(one)
        if row.finished_at is None or row.finished_at - row.created_at > DEADLINES[Severity.NORMAL]
    ]
    assert late == []
    summaries = [m for _, _, m in world.arrived if "Summary of many alerts" in m.subject]
    assert summaries
    assert "they come together; none is left out" in summaries[0].text


def test_beyond_the_limit_a_missing_child_is_told_at_once_and_first(world: World) -> None:
    """The limit makes a summary of what is due; it holds up no child."""
    world.limits = Limits(3, timedelta(minutes=5))
    for number in range(6):
        world.raise_all(
            replace(absent(number, "unexplained_absence", f"R{number}"), audience=(Audience.DSL,))
        )
        world.until(world.now + timedelta(minutes=1))
    before = len(world.arrived)
    world.raise_all(absent(99))
    world.send()

    (_, _, message) = world.arrived[before]
    assert world.arrived[before][0] == world.now
    assert message.reference == absent(99).reference


def test_the_absences_of_a_morning_are_one_message_and_those_after_it_one_more(
    world: World,
) -> None:
    """Two duties read one channel: nobody reads the same twice."""
    first = [absent(number, "unexplained_absence", "AM") for number in range(4)]
    world.raise_all(*first)
    world.until(NOW + timedelta(minutes=2))
    later = [absent(number, "unexplained_absence", "AM") for number in range(10, 16)]
    for one in later:
        world.raise_all(one)
        world.until(world.now + TICK)
    world.until(NOW + timedelta(minutes=10))

    assert [(channel, len(message.references)) for _, channel, message in world.arrived] == [
        ("teams", 4),
        ("teams", 6),
    ]
    held = [row for one in first for row in world.rows(one)]
    assert {row.held for row in held} == {Reason.GROUPED}
    assert sorted((row.state, row.detail) for row in world.rows(first[0])) == [
        ("accepted", ""),
        ("cancelled", "same_channel"),
    ]
    assert {row.detail for row in held if row.state == "cancelled"} == {"same_channel"}


def test_a_fifth_of_a_roll_comes_as_one_digest(world: World) -> None:
    """The evening on which persistent absence first counts: one message the next morning."""
    raised = [absent(number, "persistent_absence", "") for number in range(30)]
    overdue = [absent(number, "reason_overdue", "") for number in range(5)]
    world.now = datetime(2026, 11, 12, 18, 30, tzinfo=LONDON)
    world.raise_all(*raised, *overdue)
    world.until(datetime(2026, 11, 13, 7, 50, tzinfo=LONDON), every=timedelta(minutes=10))
    assert world.arrived == []
    with world.store.reading() as tx:
        assert owed.waiting(tx, world.now) == (0, 0.0)

    world.until(datetime(2026, 11, 13, 8, 10, tzinfo=LONDON), every=timedelta(minutes=10))

    ((at, _, message),) = world.arrived
    assert at == datetime(2026, 11, 13, 8, 0, tzinfo=LONDON)
    assert message.subject.startswith("[mis-bridge] Daily summary: 35 ")
    assert world.said() == {one.reference for one in (*raised, *overdue)}
