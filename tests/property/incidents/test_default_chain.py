"""The default chain never costs a child a minute: whoever is told without it hears no later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from mis_bridge.adapters.authorities import load_authority
from mis_bridge.incidents.actions import acknowledge
from mis_bridge.incidents.chain import Staff
from mis_bridge.incidents.model import Scope
from mis_bridge.incidents.reasons import REMINDERS
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.triggers.catalogue import TRIGGERS
from mis_bridge.triggers.model import Assessment, Audience, Finding, Kind

if TYPE_CHECKING:
    from mis_bridge.incidents.chain import Rule
    from mis_bridge.incidents.model import Incident

TODAY = date(2026, 11, 12)
BEGAN, END = 10 * 60 + 12, 17 * 60 + 31
DUTIES = (
    "dsl",
    "office",
    "it",
    "deputy",
    "head_of_year",
    "head_of_year_8",
    "headteacher",
    "designated_teacher",
)


@dataclass(frozen=True)
class Child:
    """What a rule may ask of a pupil."""

    flags: frozenset[str]
    year_group: int | None


@dataclass(frozen=True)
class Day:
    """What happens while a child stays missing.

    Args:
        looks: minutes of the day at which the daemon looks.
        rises: when it becomes level 2, or None.
        acknowledged: when somebody says for half an hour that they see to it, or None.
    """

    looks: tuple[int, ...]
    rises: int | None
    acknowledged: int | None


children = st.builds(
    Child,
    st.frozensets(st.sampled_from(("lac", "cp", "sen"))),
    st.none() | st.integers(0, 13),
)
staffs = st.builds(
    Staff,
    st.dictionaries(st.sampled_from(DUTIES), st.none() | st.just(date(2026, 11, 11)), min_size=1),
)
moments = st.integers(BEGAN, END)
days = st.builds(
    Day,
    st.lists(moments, max_size=60).map(lambda made: tuple(sorted({BEGAN, *made}))),
    st.none() | moments,
    st.none() | moments,
)


@cache
def default(ack_minutes: int) -> tuple[Rule, ...]:
    """The national rules, as a school with that number has them."""
    return load_authority("national", ack_minutes=ack_minutes).escalation


def told(rules: IncidentRules, child: Child, day: Day) -> dict[str, list[int]]:
    """When everybody is told, by duty."""
    known: dict[str, Incident] = {}
    found: dict[str, list[int]] = {}
    began = local_datetime(TODAY, BEGAN)
    answered = False
    for minute in day.looks:
        now = local_datetime(TODAY, minute)
        if day.acknowledged is not None and minute >= day.acknowledged and not answered:
            for incident in list(known.values()):
                known[incident.id], _ = acknowledge(incident, "A. Lead", now, minutes=30)
            answered = True
        level = 2 if day.rises is not None and minute >= day.rises else 1
        finding = Finding(
            "missing_during_day", "p-1", TODAY, "P2", level, began, began, (), "Missing."
        )
        decision = reconcile(
            "hilltop",
            known.values(),
            Assessment((finding,)),
            now,
            rules=rules,
            data_as_of=None,
            scope=Scope(Kind.DAY, TODAY),
            traits={"p-1": child},
        )
        known |= {incident.id: incident for incident in decision.incidents}
        for plan in decision.messages:
            if plan.reason not in REMINDERS:
                found.setdefault(str(plan.audience), []).append(minute)
    return found


@example(
    child=Child(frozenset(), None),
    staff=Staff({"dsl": None, "office": None}),
    day=Day((612, 617, 622, 627, 628, 658, 663), None, 628),
    ack_minutes=5,
    audience=[Audience.IT],
)
@given(
    child=children,
    staff=staffs,
    day=days,
    ack_minutes=st.sampled_from((5, 15, 30, 90)),
    audience=st.lists(
        st.sampled_from((Audience.DSL, Audience.OFFICE, Audience.IT)), min_size=1, unique=True
    ),
)
def test_whoever_is_told_without_the_default_hears_no_later_with_it(
    child: Child, staff: Staff, day: Day, ack_minutes: int, audience: list[Audience]
) -> None:
    """Every time, not only the first: the n-th word comes by the n-th channel of a route.

    Whatever duties a school has, whoever has left, whomever the authority wants told first, however
    late the daemon looks, after a rise and after an acknowledgement that has run out.
    """
    infos = {name: trigger.INFO for name, trigger in TRIGGERS.items()}
    missing = replace(infos["missing_during_day"], audience=tuple(audience))
    infos |= {"missing_during_day": missing}
    without = IncidentRules(ack_minutes=ack_minutes, staff=staff, triggers=infos)

    usual = told(without, child, day)
    added = told(replace(without, escalation=default(ack_minutes)), child, day)

    for name in filter(lambda name: staff.leads(name, TODAY), usual):
        times = usual[name]
        assert len(added[name]) >= len(times), name
        assert all(ours <= theirs for ours, theirs in zip(added[name], times, strict=False)), name


@given(child=children, day=days, ack_minutes=st.sampled_from((5, 15, 30, 90)))
def test_a_school_that_has_named_nobody_more_sees_nothing_of_it(
    child: Child, day: Day, ack_minutes: int
) -> None:
    """Minute by minute the same people."""
    staff = Staff(dict.fromkeys(("dsl", "office", "attendance", "it", "virtual_school")))
    without = IncidentRules(ack_minutes=ack_minutes, staff=staff)

    assert told(replace(without, escalation=default(ack_minutes)), child, day) == told(
        without, child, day
    )
