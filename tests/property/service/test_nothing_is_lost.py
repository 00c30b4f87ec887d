"""Whatever happens in whatever order, every row ends in a message or in a reason why not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.incidents.families import FAMILIES, family_of
from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.model import Incident, MessagePlan, State
from mis_bridge.incidents.reasons import WAITS, Reason
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.incidents.silences import Silence
from mis_bridge.incidents.timing import Timing, is_urgent
from mis_bridge.messages.model import Disclosure
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.service import deliver, routing
from mis_bridge.service.bundles import compose_together
from mis_bridge.service.deliver import Limits
from mis_bridge.service.schools import School
from mis_bridge.service.writing import Sender
from mis_bridge.store import incidents, leases, outbox, silences
from mis_bridge.store.opening import open_store
from mis_bridge.store.schema import attempts, channel_state
from mis_bridge.store.schema import outbox as messages
from mis_bridge.store.schema import silences as silence_rows
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.store.engine import Store
    from mis_bridge.store.outbox import OutboxRow

NOW: Final = datetime(2026, 11, 12, 10, 12, tzinfo=UTC)
YEARS: Final = SchoolYears(
    (SchoolCalendar(AcademicYear(2026), date(2026, 9, 2), date(2027, 7, 21)),)
)
DEADLINES: Final = dict.fromkeys(Severity, timedelta(minutes=15))
LIMITS: Final = Limits(4, timedelta(minutes=5))
TOLD: Final = (Audience.DSL, Audience.ATTENDANCE)
TRIGGER_NAMES: Final = (
    "missing_during_day",
    "unexplained_absence",
    "register_not_taken",
    "persistent_absence",
    "ten_day_absence",
    "certificate_expiring",
)
OUTCOMES: Final = {
    "takes": Outcome(Result.ACCEPTED, ""),
    "not now": Outcome(Result.RETRY, ""),
    "is not heard": Outcome(Result.UNKNOWN, ""),
    "refuses": Outcome(Result.PERMANENT, ""),
}

steps = st.lists(
    st.one_of(
        st.tuples(st.just("raise"), st.sampled_from(TRIGGER_NAMES), st.integers(0, 3)),
        st.tuples(st.just("end"), st.integers(0, 9), st.none()),
        st.tuples(st.just("silence"), st.sampled_from(TRIGGER_NAMES[1:]), st.integers(1, 300)),
        st.tuples(
            st.just("wait"), st.sampled_from([1, 6, 45, 600]), st.sampled_from(list(OUTCOMES))
        ),
    ),
    max_size=14,
)


@dataclass
class _Story:
    store: Store
    school: School
    now: datetime = NOW
    outcome: Outcome = OUTCOMES["takes"]
    open: list[Incident] = field(default_factory=list)

    def tell(self, one: Incident, reason: Reason) -> None:
        """Store an incident as it is now, and plan its messages."""
        with self.store.transaction() as tx:
            incidents.save(tx, [one])
            for audience in TOLD:
                plan = MessagePlan(one, reason, audience, one.severity, one.revision)
                rows = routing.expand(tx, plan, self.school, self.now, DEADLINES)
                outbox.insert(tx, rows)
                for row in rows:
                    self.look_at(one, reason, row)

    def look_at(self, one: Incident, reason: Reason, row: OutboxRow) -> None:
        """What waits has a reason and an end; what is urgent waits for a silence alone."""
        assert row.due_at is not None
        assert (row.due_at > self.now) == bool(row.held)
        assert row.held in {"", *WAITS}
        assert row.due_at - self.now < timedelta(days=4)
        assert row.deadline_at is not None
        assert row.deadline_at - row.due_at == DEADLINES[one.severity]
        if is_urgent(one, reason):
            assert row.held in {"", Reason.SILENCED}

    def let_raise(self, trigger: str, pupil: int) -> None:
        """A trigger fires of a pupil."""
        one = _incident(self, trigger, pupil)
        if one.id not in {known.id for known in self.open}:
            self.open.append(one)
            self.tell(one, Reason.OPENED)

    def let_end(self, number: int, _: None) -> None:
        """One of the incidents is over."""
        if number < len(self.open) and self.open[number].active:
            old = self.open[number]
            ended = replace(old, state=State.FOUND, revision=2, ending="Seen again.")
            self.open[number] = ended
            self.tell(ended, Reason.FOUND)

    def let_silence(self, trigger: str, minutes: int) -> None:
        """A person wants to hear of it later."""
        until = self.now + timedelta(minutes=minutes)
        name = f"S-{next(numbers)}"
        new = Silence(self.school.id, name, trigger, "", "", "A. Lead", "why", self.now, until)
        self.store.run(silences.add, new)

    def let_wait(self, minutes: int, outcome: str) -> None:
        """Time passes, and the channels do what they do."""
        self.outcome = OUTCOMES[outcome]
        self.wait(minutes)

    def wait(self, minutes: int) -> None:
        """Let time pass, and what is due be sent."""
        self.now += timedelta(minutes=minutes)
        schools = {self.school.id: self.school}
        with self.store.transaction() as tx:
            deliver.take_over(tx, self.now, DEADLINES, schools)
        for _ in range(20):
            with self.store.transaction() as tx:
                rows = deliver.claim(tx, self.now, "test", limits=LIMITS)
            self.only_what_is_sent_is_leased()
            if not rows:
                break
            for lot in leases.lots(rows):
                assert len({(row.school, row.channel) for row in lot}) == 1
                written = self.store.run(
                    compose_together, lot, self.school, Disclosure.INITIALS, Sender(), self.now
                )
                self.store.run(
                    deliver.record_together,
                    lot,
                    written,
                    self.outcome if written.message else None,
                    self.now,
                    DEADLINES,
                    schools,
                )
        else:
            pytest.fail("one tick sends without end")

    def only_what_is_sent_is_leased(self) -> None:
        """What is due is looked for by its lease, whatever its state."""
        leased, sending = messages.c.lease_until.is_not(None), messages.c.state == "sending"
        with self.store.reading() as tx:
            found = tx.execute(select(leased, sending).where(messages.c.school == self.school.id))
            assert all(has_lease == is_sent for has_lease, is_sent in found)

    def rows(self) -> list[OutboxRow]:
        """All rows of the school."""
        with self.store.reading() as tx:
            return [row for one in self.open for row in outbox.of_incident(tx, one.school, one.id)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all examples."""
    path = tmp_path_factory.mktemp("store") / "mis-bridge.db"
    opened = open_store(f"sqlite:///{path}", "0f" * 32, create=True)
    yield opened
    opened.close()


numbers = itertools.count()


@given(happens=steps)
def test_every_row_ends_in_a_message_or_in_a_reason(
    store: Store, happens: list[tuple[str, Any, Any]]
) -> None:
    """Grouped, held, silenced or limited: once the channel works, nothing is left over.

    What was not sent says why, and people were told of each incident that is still open.
    """
    story = _Story(store, _school(f"school-{next(numbers)}"))
    with store.transaction() as tx:
        for table in (channel_state, attempts, messages, silence_rows):
            tx.execute(delete(table))
    for what, first, second in happens:
        getattr(story, f"let_{what}")(first, second)
    story.outcome = OUTCOMES["takes"]
    for minutes in (5, 5, 60, 300, 12 * 60, 24 * 60, 24 * 60, 24 * 60, 24 * 60):
        story.wait(minutes)

    rows = story.rows()
    assert {row.state for row in rows} <= {"sent", "accepted", "cancelled", "failed"}
    for row in rows:
        assert row.due_at is None
        if row.state == "cancelled":
            assert row.detail in set(Reason) - WAITS
    for one in story.open:
        taken = [row for row in rows if row.incident == one.id and row.state == "accepted"]
        refused = [row for row in rows if row.incident == one.id and row.state == "failed"]
        assert taken or refused or not one.active


def _school(school: str) -> School:
    """A school with two duties that share a channel, and a second one."""
    nothing = cast("Any", None)
    return School(
        id=school,
        name="Hilltop Invented School",
        adapter="csv",
        calendar=nothing,
        polling=nothing,
        routes={Audience.DSL: ("teams", "mail"), Audience.ATTENDANCE: ("teams",)},
        triggers={},
        rules=IncidentRules(),
        years=YEARS,
        timing=Timing(),
    )


def _incident(story: _Story, trigger: str, pupil: int) -> Incident:
    family = family_of(trigger)
    assert family.id in FAMILIES
    identity = incident_id(story.school.id, family.id, f"p-{pupil}", "k")
    return Incident(
        id=identity,
        reference=reference(identity),
        school=story.school.id,
        pupil=f"p-{pupil}",
        family=family.id,
        key="k",
        state=State.OPEN,
        level=1,
        trigger=trigger,
        severity=TRIGGERS[trigger].INFO.severity,
        audience=TOLD,
        told=TOLD,
        opened_at=story.now,
        updated_at=story.now,
        revision=1,
        day=date(2026, 11, 12),
        slot="AM",
        sentence="Marked absent in AM.",
    )
