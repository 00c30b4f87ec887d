"""What ``routes test`` says is what happens: for any people, routes and rule, minute by minute."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.incidents.chain import ChainStep, Rule, Staff
from mis_bridge.incidents.model import Scope
from mis_bridge.incidents.reasons import REMINDERS
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.incidents.timing import AT_ONCE
from mis_bridge.messages.model import Disclosure
from mis_bridge.service import deliver, routing
from mis_bridge.service.bundles import compose_together
from mis_bridge.service.preview import Pupil, preview
from mis_bridge.service.schools import School
from mis_bridge.service.ways import Way
from mis_bridge.service.writing import Sender
from mis_bridge.store import incidents, leases, outbox
from mis_bridge.store.opening import open_store
from mis_bridge.store.schema import outbox as messages
from mis_bridge.triggers.model import Assessment, Finding, Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.store.engine import Store

DAY: Final = date(2026, 11, 12)
RAISED: Final = datetime(2026, 11, 12, 10, 12, tzinfo=UTC)
END: Final = 24 * 60
DEADLINES: Final = dict.fromkeys(Severity, timedelta(minutes=15))
CHANNELS: Final = ("teams", "mail", "phone", "other")
DUTIES: Final = ("dsl", "deputy", "headteacher")

people = st.tuples(
    st.permutations(CHANNELS),
    st.integers(1, 3),
    st.lists(st.sampled_from((0, 5, 10, 20)), min_size=2, max_size=2).map(sorted),
).map(lambda made: list(zip(made[0][: made[1]], (0, *made[2]), strict=False)))
routes = st.fixed_dictionaries({duty: st.lists(people, min_size=1, max_size=2) for duty in DUTIES})
steps = st.lists(
    st.lists(st.sampled_from(DUTIES), min_size=1, max_size=2, unique=True).map(tuple),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all examples; each takes a school of its own."""
    path = tmp_path_factory.mktemp("store") / "mis-bridge.db"
    opened = open_store(f"sqlite:///{path}", "0f" * 32, create=True)
    yield opened
    opened.close()


numbers = itertools.count()


def _school(
    to: dict[str, list[list[tuple[str, int]]]], told: list[tuple[str, ...]], *, besides: bool
) -> School:
    """A school with these people in each duty, and a rule that tells these, ten minutes apart."""
    nothing = cast("Any", None)
    ways = {
        duty: tuple(
            Way(channel, f"{duty}-{place}", after)
            for place, person in enumerate(persons)
            for channel, after in person
        )
        for duty, persons in to.items()
    }
    rule = Rule(
        "a rule",
        tuple(ChainStep(tell, 10 * n) for n, tell in enumerate(told)),
        besides=besides,
    )
    rules = IncidentRules(escalation=(rule,), staff=Staff(dict.fromkeys(DUTIES)))
    name = f"school-{next(numbers)}"
    return School(name, name, "csv", nothing, nothing, {}, {}, rules, ways, timing=AT_ONCE)


def _look(store: Store, school: School, now: datetime) -> None:
    """Decide, as the daemon does, on a child who stays missing."""
    finding = Finding("missing_during_day", "p-1", DAY, "P2", 1, RAISED, RAISED, (), "Missing.")
    with store.transaction() as tx:
        decision = reconcile(
            school.id,
            incidents.known(tx, school.id, DAY, DAY),
            Assessment((finding,)),
            now,
            rules=school.rules,
            data_as_of=None,
            scope=Scope(Kind.DAY, DAY),
        )
        incidents.save(tx, decision.incidents)
        for plan in decision.messages:
            if plan.reason not in REMINDERS:
                outbox.insert(tx, routing.expand(tx, plan, school, now, DEADLINES))


def _send(store: Store, school: School, now: datetime) -> set[str]:
    """Send what is due; every channel takes everything."""
    schools, sent = {school.id: school}, set()
    while rows := store.run(deliver.claim, now, "test"):
        for lot in leases.lots(rows):
            written = store.run(compose_together, lot, school, Disclosure.INITIALS, Sender(), now)
            outcome = Outcome(Result.SENT, "") if written.message else None
            if outcome:
                sent.add(lot[0].channel)
            store.run(deliver.record_together, lot, written, outcome, now, DEADLINES, schools)
    return sent


@given(to=routes, told=steps, besides=st.booleans())
def test_what_is_said_beforehand_is_what_happens(
    store: Store,
    to: dict[str, list[list[tuple[str, int]]]],
    told: list[tuple[str, ...]],
    besides: bool,
) -> None:
    """The same channels in the same minutes, and nobody else, until all are told again hourly."""
    school = _school(to, told, besides=besides)
    said = preview(school, "missing_during_day", 1, Pupil(), RAISED)
    expected = {(one.minutes, one.channel) for one in said.told}
    with store.transaction() as tx:
        tx.execute(delete(messages))

    assert said.hourly_from is not None
    happened = set()
    for minutes in range(0, said.hourly_from, 5):
        now = RAISED + timedelta(minutes=minutes)
        _look(store, school, now)
        happened |= {(minutes, channel) for channel in _send(store, school, now)}

    assert happened == expected


@given(to=routes, told=steps)
def test_a_rule_besides_the_usual_tells_by_no_channel_later(
    to: dict[str, list[list[tuple[str, int]]]], told: list[tuple[str, ...]]
) -> None:
    """Whichever people, channels and delays there are, and whomever it adds when."""
    added = _school(to, told, besides=True)
    without = replace(added, rules=replace(added.rules, escalation=()))

    def first(school: School) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in preview(school, "missing_during_day", 1, Pupil(), RAISED).told:
            found.setdefault(one.channel, one.minutes)
        return found

    usual, heard = first(without), first(added)

    assert {name for name, minute in usual.items() if heard.get(name, END) > minute} == set()
