"""Laws of who is told: somebody always is, in order of time, and without rules as before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.incidents.chain import ChainStep, Facts, Rule, Staff
from mis_bridge.incidents.choosing import choose
from mis_bridge.incidents.model import Scope
from mis_bridge.incidents.reasons import REMINDERS, Reason
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.triggers.model import Assessment, Finding, Kind, Severity

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Incident

TODAY = date(2026, 11, 12)
NAMES = ("dsl", "office", "it", "deputy", "head_of_year", "head_of_year_8", "headteacher", "amina")
TRIGGERS = ("missing_during_day", "unexplained_absence", "feed_blind")
FLAGS = ("lac", "cp", "sen")

steps = st.lists(
    st.builds(
        ChainStep,
        st.lists(st.sampled_from(NAMES), min_size=1, max_size=3).map(tuple),
        st.integers(1, 60),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda step: step.after,
).map(
    lambda found: tuple(
        replace(step, after=step.after if place else 0)
        for place, step in enumerate(sorted(found, key=lambda step: step.after))
    )
)
hours = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda span: span[0] < span[1])
rules = st.builds(
    Rule,
    st.just("a rule"),
    steps,
    triggers=st.frozensets(st.sampled_from(TRIGGERS)),
    severity=st.sampled_from(Severity),
    level=st.integers(1, 2),
    flags=st.frozensets(st.sampled_from(FLAGS)),
    year_groups=st.frozensets(st.integers(7, 9)),
    hours=hours,
    weekdays=st.frozensets(st.integers(0, 6)),
    term=st.sampled_from((None, True, False)),
)
facts = st.builds(
    Facts,
    st.sampled_from(TRIGGERS),
    st.sampled_from(Severity),
    level=st.integers(1, 2),
    flags=st.frozensets(st.sampled_from(FLAGS)),
    year_group=st.none() | st.integers(7, 9),
    minute=st.integers(0, 1439),
    weekday=st.integers(0, 6),
    term=st.booleans(),
)
staffs = st.none() | st.builds(
    Staff,
    st.dictionaries(
        st.sampled_from(NAMES),
        st.none() | st.sampled_from((TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1))),
    ),
)


@given(st.lists(rules, max_size=4), facts, staffs)
def test_somebody_is_told_at_once_and_the_others_in_order_of_time(
    given_rules: list[Rule], of: Facts, staff: Staff | None
) -> None:
    """Whoever can be told is; nobody who can not be told is waited for."""
    chosen = choose(given_rules, of, ("dsl",), staff, TODAY)

    assert chosen.audience
    if chosen.chain is None:
        somebody = staff is None or any(staff.leads(name, TODAY) for name in ("dsl", "it"))
        assert not somebody or staff is None or staff.leads(chosen.audience[0], TODAY)
        return
    minutes = [step.after for step in chosen.chain.steps]
    assert minutes[0] == 0
    assert minutes == sorted(set(minutes))
    assert chosen.audience == chosen.chain.steps[0].tell
    told = {name for step in chosen.chain.steps for name in step.tell}
    assert staff is None or all(staff.leads(name, TODAY) for name in told)
    assert told.isdisjoint(chosen.passed_over)


@given(facts, st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
def test_without_rules_the_usual_people_are_told(of: Facts, usual: list[str]) -> None:
    """A configuration without people and rules behaves as it always did."""
    assert choose([], of, usual, None, TODAY).audience == tuple(usual)


@given(rules, rules, facts)
def test_what_is_covered_is_never_needed(one: Rule, other: Rule, of: Facts) -> None:
    """Whatever a covered rule fits, the one that covers it fits as well."""
    if one.covers(other) and other.fits(of):
        assert one.fits(of)


def _day(chain_rules: tuple[Rule, ...], looks: list[int]) -> list[tuple[int, str, str]]:
    """Who is told at which minute, of a child who stays missing from 10:12 on."""
    school_rules = IncidentRules(escalation=chain_rules)
    began = local_datetime(TODAY, 612)
    finding = Finding("missing_during_day", "p-1", TODAY, "P2", 1, began, began, (), "Missing.")
    known: dict[str, Incident] = {}
    told = []
    for minute in sorted({612, *looks}):
        decision = reconcile(
            "hilltop",
            known.values(),
            Assessment((finding,)),
            local_datetime(TODAY, minute),
            rules=school_rules,
            data_as_of=None,
            scope=Scope(Kind.DAY, TODAY),
        )
        known |= {incident.id: incident for incident in decision.incidents}
        told += [
            (minute, str(plan.reason), str(plan.audience))
            for plan in decision.messages
            if plan.reason not in REMINDERS
        ]
    return told


minutes = st.lists(st.integers(613, 1000), max_size=40)


@given(minutes)
def test_without_rules_everybody_hears_again_every_quarter_of_an_hour(looks: list[int]) -> None:
    """Three times, however often the daemon looks: at the first look after it is due.

    At the third the office and IT hear too, and all of them every hour until 17:30.
    """
    expected, last, count = [(612, str(Reason.OPENED), "dsl")], 612, 0
    for minute in sorted(set(looks)):
        due = last + (15 if count < 3 else 60)
        if minute >= due <= 17 * 60 + 30:
            who = ("dsl",) if count < 2 else ("dsl", "office", "it")
            expected += [(minute, str(Reason.UNACKNOWLEDGED), name) for name in who]
            last, count = minute, count + 1

    assert _day((), looks) == expected


@given(minutes)
def test_a_rule_of_one_step_for_the_usual_people_changes_nothing(looks: list[int]) -> None:
    """No rule is a chain of one step."""
    usual = Rule("the usual", (ChainStep(("dsl",)),))

    assert _day((usual,), looks) == _day((), looks)


@given(steps, minutes)
def test_every_step_is_told_in_its_order_and_at_the_first_look_after_its_time(
    chain: tuple[ChainStep, ...], looks: list[int]
) -> None:
    """However late the daemon looks, no step is left out, and each gets its time to answer."""
    whole = sorted({*looks, *range(1000, 1440, 60)})
    expected, due = [(612, chain[0].tell)], 612
    for before, step in pairwise(chain):
        due += step.after - before.after
        due = next(minute for minute in whole if minute >= due)
        expected.append((due, step.tell))
        whole = [minute for minute in whole if minute > due]

    told: dict[int, list[str]] = {}
    for minute, _, who in _day((Rule("a rule", chain),), [*looks, *range(1000, 1440, 60)]):
        told.setdefault(minute, []).append(who)

    walked = [(minute, tuple(who)) for minute, who in told.items()][: len(chain)]
    assert walked == [(minute, tuple(dict.fromkeys(tell))) for minute, tell in expected]
