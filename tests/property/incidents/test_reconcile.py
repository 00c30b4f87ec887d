"""Laws of the lifecycle and of reconciliation, over random histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.lifecycle import TABLE, step
from mis_bridge.incidents.model import ACTIVE, DAEMON, Decision, Event, Incident, Scope, State
from mis_bridge.incidents.reasons import ENDINGS, Reason
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.triggers.model import Assessment, Evidence, Finding, Kind

TODAY = date(2026, 11, 12)
RULES = IncidentRules()
DAY_TRIGGERS = (
    "missing_during_day",
    "internal_truancy",
    "unexplained_absence",
    "register_not_taken",
    "register_anomaly",
    "marks_disagree",
)

minutes = st.integers(8 * 60, 19 * 60)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """A day finding about one of three pupils in one of three slots."""
    trigger = draw(st.sampled_from(DAY_TRIGGERS))
    slot = draw(st.sampled_from(["P2", "P3", "P4"]))
    fired = local_datetime(TODAY, draw(minutes))
    return Finding(
        trigger=trigger,
        pupil=draw(st.sampled_from(["p-1", "p-2", "p-3"])),
        day=TODAY,
        slot=slot,
        level=draw(st.sampled_from([1, 2])) if trigger == "missing_during_day" else 1,
        fired_at=fired,
        raised_at=fired,
        evidence=(Evidence(fired, slot, "mark N"),),
        sentence=f"{trigger} {slot}",
    )


def _distinct(wanted: list[Finding]) -> tuple[Finding, ...]:
    """Keep one finding an identity, as an assessment has them, in its order."""
    unique = {finding.identity: finding for finding in wanted}
    return tuple(sorted(unique.values(), key=lambda f: (f.fired_at, f.pupil, f.trigger)))


looks = st.lists(
    st.tuples(minutes, st.lists(findings(), max_size=6).map(_distinct)), min_size=1, max_size=8
).map(lambda all_looks: sorted(all_looks, key=lambda look: look[0]))


@given(st.lists(st.sampled_from(list(Event)), max_size=40))
def test_no_walk_leaves_the_table(events: list[Event]) -> None:
    """Whatever happens in whatever order, a step is in the table or refused, naming both."""
    state: State | None = None
    for event in events:
        if (state, event) in TABLE:
            state = step(state, event)
        else:
            with pytest.raises(IncidentError, match=event.value):
                step(state, event)


@given(looks)
def test_looking_twice_at_the_same_registers_changes_nothing(
    all_looks: list[tuple[int, tuple[Finding, ...]]],
) -> None:
    """Level-triggered: no second message, no second line of history, no new revision."""
    book: dict[str, Incident] = {}
    for minute, found in all_looks:
        first = _look(book, minute, found)
        book |= {incident.id: incident for incident in first.incidents}

        again = _look(book, minute, found)

        assert again.changes_nothing
        assert again.ask_again == first.ask_again


@given(looks)
def test_every_change_is_a_step_with_one_line_of_history_at_least(
    all_looks: list[tuple[int, tuple[Finding, ...]]],
) -> None:
    """Revisions grow by one; states only change as the table says; nobody is told of nothing."""
    book: dict[str, Incident] = {}
    for minute, found in all_looks:
        decision = _look(book, minute, found)
        for incident in decision.incidents:
            old = book.get(incident.id)
            lines = [line for line in decision.audit if line.incident == incident.id]
            state: State | None = old.state if old else None
            for line in lines:
                assert isinstance(line.act, Event)
                state = step(state, line.act)
            assert state is incident.state
            assert incident.revision == (old.revision + 1 if old else 1)
        changed = {incident.id for incident in decision.incidents}
        assert {line.incident for line in decision.audit} == changed
        assert {plan.incident.id for plan in decision.messages} <= changed
        book |= {incident.id: incident for incident in decision.incidents}


@given(looks)
def test_no_missing_child_goes_untold(all_looks: list[tuple[int, tuple[Finding, ...]]]) -> None:
    """After every look each missing pupil of today has an active incident that people know of."""
    book: dict[str, Incident] = {}
    for minute, found in all_looks:
        decision = _look(book, minute, found)
        book |= {incident.id: incident for incident in decision.incidents}
        missing = {f.pupil for f in found if f.trigger == "missing_during_day"}
        known = {
            incident.pupil
            for incident in book.values()
            if incident.family == "missing_during_day" and incident.active and incident.told
        }
        assert missing <= known


@given(looks)
def test_at_most_one_active_incident_a_pupil_and_family(
    all_looks: list[tuple[int, tuple[Finding, ...]]],
) -> None:
    """Nobody works on the same missing child under two references."""
    book: dict[str, Incident] = {}
    for minute, found in all_looks:
        decision = _look(book, minute, found)
        book |= {incident.id: incident for incident in decision.incidents}
        active = [
            incident.pupil
            for incident in book.values()
            if incident.family in {"missing_during_day", "unexplained_absence"} and incident.active
        ]
        per_family = {
            (incident.family, incident.pupil)
            for incident in book.values()
            if incident.family in {"missing_during_day", "unexplained_absence"} and incident.active
        }
        assert len(active) == len(per_family)


@given(looks)
def test_an_end_is_told_to_exactly_those_who_were_told(
    all_looks: list[tuple[int, tuple[Finding, ...]]],
) -> None:
    """Whoever was told of an incident hears of its end, and nobody else does."""
    book: dict[str, Incident] = {}
    for minute, found in all_looks:
        decision = _look(book, minute, found)
        for plan in decision.messages:
            if plan.reason in ENDINGS:
                assert plan.audience in book[plan.incident.id].told
        for incident in decision.incidents:
            old = book.get(incident.id)
            if old and old.active and incident.state is State.FOUND:
                heard = {p.audience for p in decision.messages if p.incident.id == incident.id}
                assert heard == set(old.told)
        book |= {incident.id: incident for incident in decision.incidents}


@given(looks, st.integers(1, 40))
def test_time_alone_never_ends_what_is_about_a_child(
    all_looks: list[tuple[int, tuple[Finding, ...]]], days: int
) -> None:
    """With nothing read any more, hours and weeks later every missing child is still open."""
    book: dict[str, Incident] = {}
    for minute, found in all_looks:
        book |= {i.id: i for i in _look(book, minute, found).incidents}
    children = {
        incident.id
        for incident in book.values()
        if incident.active and incident.family in {"missing_during_day", "unexplained_absence"}
    }
    later = datetime(2026, 11, 12, 12, tzinfo=LONDON) + timedelta(days=days)
    decision = reconcile(
        "hilltop",
        book.values(),
        Assessment(()),
        later,
        rules=RULES,
        data_as_of=None,
        scope=Scope(Kind.DAY, later.date()),
    )
    book |= {incident.id: incident for incident in decision.incidents}

    assert all(book[identity].state in ACTIVE for identity in children)
    assert not [plan for plan in decision.messages if plan.reason in ENDINGS]


@given(looks)
def test_what_a_person_has_closed_as_explained_stays_closed(
    all_looks: list[tuple[int, tuple[Finding, ...]]],
) -> None:
    """However often the same is found again that day."""
    book: dict[str, Incident] = {}
    (minute, found), *rest = all_looks
    for incident in _look(book, minute, found).incidents:
        book[incident.id] = replace(
            incident, state=State.CLOSED, closed_by="A. Lead", outcome="explained"
        )
    closed = set(book)
    for later, _ in rest:
        decision = _look(book, later, found)
        book |= {incident.id: incident for incident in decision.incidents}

    assert all(book[identity].state is State.CLOSED for identity in closed)
    assert all(book[identity].closed_by != DAEMON for identity in closed)


@given(looks)
def test_asked_again_it_is_always_later(
    all_looks: list[tuple[int, tuple[Finding, ...]]],
) -> None:
    """What has fallen due is done at once: the next look is never now or before."""
    book: dict[str, Incident] = {}
    for (minute, found), _ in pairwise([*all_looks, all_looks[-1]]):
        decision = _look(book, minute, found)
        book |= {incident.id: incident for incident in decision.incidents}
        if decision.ask_again is not None:
            assert decision.ask_again > local_datetime(TODAY, minute)
        assert all(s.reason is not Reason.OPENED for s in decision.suppressed)


def _look(book: dict[str, Incident], minute: int, found: tuple[Finding, ...]) -> Decision:
    now = local_datetime(TODAY, minute)
    return reconcile(
        "hilltop",
        book.values(),
        Assessment(found),
        now,
        rules=RULES,
        data_as_of=now,
        scope=Scope(Kind.DAY, TODAY),
    )
