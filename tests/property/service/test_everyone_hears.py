"""Whoever may have heard of a missing child hears of the end, whatever channels do meanwhile."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import delete

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.model import Incident, MessagePlan, State, StepState
from mis_bridge.incidents.reasons import ENDINGS, Reason
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.incidents.timing import AT_ONCE
from mis_bridge.messages.model import Disclosure
from mis_bridge.service import deliver, routing
from mis_bridge.service.bundles import compose_together
from mis_bridge.service.schools import School
from mis_bridge.service.ways import Way
from mis_bridge.service.writing import Sender
from mis_bridge.store import incidents, leases, outbox
from mis_bridge.store.opening import open_store
from mis_bridge.store.schema import channel_state
from mis_bridge.store.schema import outbox as messages
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.store.engine import Store

NOW: Final = datetime(2026, 11, 12, 10, 12, tzinfo=UTC)
CHANNELS: Final = ("teams", "mail", "folder", "other")
HEAD: Final = "headteacher"
TOLD: Final = (Audience.DSL, Audience.ATTENDANCE)
DEADLINES: Final = dict.fromkeys(Severity, timedelta(minutes=15))

# What a channel does with a message: whether it arrives, and what is heard of that.
MODES: Final = {
    "takes": (True, Outcome(Result.ACCEPTED, "")),
    "takes and is not heard": (True, Outcome(Result.UNKNOWN, "")),
    "loses": (False, Outcome(Result.UNKNOWN, "")),
    "not now": (False, Outcome(Result.RETRY, "")),
    "asks for patience": (False, Outcome(Result.RETRY, "", retry_after=900)),
    "is broken": (False, Outcome(Result.PERMANENT, "", config_alarm=True)),
}

routes = st.permutations(CHANNELS).flatmap(
    lambda order: st.integers(1, 3).map(lambda count: tuple(order[:count]))
)
steps = st.lists(
    st.tuples(
        st.sampled_from(["", "turn", "turn", "worse", "climb", "remind"]),
        st.sampled_from([0, 1, 3, 20]),
        st.lists(st.sampled_from(sorted(MODES)), min_size=4, max_size=4),
    ),
    max_size=10,
)


def _school(identity: str, routes: dict[str, tuple[str, ...]]) -> School:
    """A school of which nothing counts but the ways to its people."""
    nothing = cast("Any", None)
    name = "Hilltop Invented School"
    return School(
        identity, name, "csv", nothing, nothing, routes, {}, IncidentRules(), timing=AT_ONCE
    )


@dataclass
class _Story:
    """One incident, its people, and what reached them."""

    store: Store
    school: School
    incident: Incident
    now: datetime = NOW
    does: dict[str, str] = field(default_factory=lambda: dict.fromkeys(CHANNELS, "takes"))
    arrived: list[tuple[str, Reason]] = field(default_factory=list)

    def tell(
        self, reason: Reason, changed: Incident, audiences: tuple[str, ...] | None = None
    ) -> None:
        """Let something happen to the incident, and plan that people are told, all or some."""
        revision = changed.revision + (reason is not Reason.OPENED)
        self.incident = replace(changed, revision=revision)
        with self.store.transaction() as tx:
            incidents.save(tx, [self.incident])
            for audience in audiences or self.incident.told:
                plan = MessagePlan(
                    self.incident, reason, audience, self.incident.severity, revision
                )
                rows = routing.expand(tx, plan, self.school, self.now, DEADLINES)
                outbox.insert(tx, rows)

    def turn(self) -> None:
        """Found, or missing again."""
        if self.incident.active:
            found = replace(self.incident, state=State.FOUND, ending="Seen again.")
            self.tell(Reason.FOUND, found)
        else:
            self.tell(Reason.REOPENED, replace(self.incident, state=State.OPEN, ending=""))

    def climb(self) -> None:
        """Nobody has answered: the head, who has not been told yet, and everybody once more."""
        told = tuple(dict.fromkeys((*self.incident.told, HEAD)))
        self.tell(Reason.UNACKNOWLEDGED, replace(self.incident, told=told))

    def remind(self) -> None:
        """The time for a step has passed."""
        at = self.now
        late = StepState("search_site", "Search the site.", "staff", at, reminded_at=at)
        self.tell(Reason.STEP_OVERDUE, replace(self.incident, steps=(late,)))

    def wait(self, minutes: int) -> None:
        """Let time pass, and what is due be sent."""
        self.now += timedelta(minutes=minutes)
        schools = {self.school.id: self.school}
        with self.store.transaction() as tx:
            deliver.take_over(tx, self.now, DEADLINES, schools)
            rows = deliver.claim(tx, self.now, "test")
        for lot in leases.lots(rows):
            written = self.store.run(
                compose_together, lot, self.school, Disclosure.INITIALS, Sender(), self.now
            )
            outcome: Outcome | None = None
            if written.message is not None:
                arrives, outcome = MODES[self.does[lot[0].channel]]
                if arrives:
                    assert (written.message.reason in ENDINGS) != self.incident.active
                    self.arrived.append((lot[0].channel, written.message.reason))
            self.store.run(
                deliver.record_together, lot, written, outcome, self.now, DEADLINES, schools
            )


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all examples; each takes a school of its own."""
    path = tmp_path_factory.mktemp("store") / "mis-bridge.db"
    opened = open_store(f"sqlite:///{path}", "0f" * 32, create=True)
    yield opened
    opened.close()


numbers = itertools.count()


# The folder brought the alarm to all who read it, and breaks before the end: the mail stands in.
@example(
    dsl=("teams", "mail", "folder"),
    attendance=("folder",),
    head=("teams",),
    happens=[
        ("", 0, ["asks for patience", "asks for patience", "takes and is not heard", "not now"]),
        ("", 0, ["asks for patience", "not now", "asks for patience", "not now"]),
        ("", 1, ["asks for patience", "is broken", "asks for patience", "not now"]),
    ],
    works="mail",
    waits=[0, 0],
)
@given(
    dsl=routes,
    attendance=routes,
    head=routes,
    happens=steps,
    works=st.sampled_from(CHANNELS),
    waits=st.lists(st.sampled_from([0, 2, 5, 30]), min_size=2, max_size=2),
)
def test_whoever_may_have_heard_hears_of_the_end(
    store: Store,
    dsl: tuple[str, ...],
    attendance: tuple[str, ...],
    head: tuple[str, ...],
    happens: list[tuple[str, int, list[str]]],
    works: str,
    waits: list[int],
) -> None:
    """Where one channel of a route works at last, the last word of that route is no alarm.

    The other channels are broken by then, whoever they had told before. And never does an alarm
    arrive after the end, nor an end while the child is missing. Whoever was told later, by a climb
    or a reminder, hears of the end like the first. The safeguarding lead is a person whose further
    channels follow after some minutes, or only where the ones before them fail.
    """
    ways = {Audience.DSL: dsl, Audience.ATTENDANCE: attendance, HEAD: head}
    after = itertools.accumulate((0, *waits))
    to_person = tuple(Way(name, "amina", wait) for name, wait in zip(dsl, after, strict=False))
    school = replace(_school(f"school-{next(numbers)}", ways), ways={Audience.DSL: to_person})
    story = _Story(store, school, _missing(school.id))
    with store.transaction() as tx:
        # What an earlier example left unsent would be sent in this one.
        tx.execute(delete(channel_state))
        tx.execute(delete(messages))
    story.tell(Reason.OPENED, story.incident)
    for event, minutes, does in happens:
        story.does = dict(zip(CHANNELS, does, strict=True))
        story.wait(minutes)
        if event == "turn":
            story.turn()
        elif event == "worse" and story.incident.active:
            story.tell(Reason.LEVEL_RAISED, replace(story.incident, level=2))
        elif event == "climb" and story.incident.active:
            story.climb()
        elif event == "remind" and story.incident.active:
            story.remind()
    if story.incident.active:
        story.turn()
    story.does = {**dict.fromkeys(CHANNELS, "is broken"), works: "takes"}
    for _ in range(8):
        story.wait(20)

    with store.reading() as tx:
        rows = outbox.of_incident(tx, school.id, story.incident.id)
    for audience in story.incident.told:
        # What a channel of its route brought for others only, nobody of it is known to have read.
        by = {row.channel for row in rows if row.audience == audience}
        said = [reason for channel, reason in story.arrived if channel in by]
        assert works not in ways[audience] or set(said[-1:]) <= ENDINGS
    assert not [
        row for row in rows if row.state == "sending" or (row.channel == works and row.due_at)
    ]


def _missing(school: str) -> Incident:
    identity = incident_id(school, "missing_during_day", "p-1", "2026-11-12/P2")
    return Incident(
        id=identity,
        reference=reference(identity),
        school=school,
        pupil="p-1",
        family="missing_during_day",
        key="2026-11-12/P2",
        state=State.OPEN,
        level=1,
        trigger="missing_during_day",
        severity=Severity.HIGH,
        audience=TOLD,
        told=TOLD,
        opened_at=NOW,
        updated_at=NOW,
        revision=1,
        day=date(2026, 11, 12),
        slot="P2",
        sentence="In school at P1, marked absent in P2.",
    )
