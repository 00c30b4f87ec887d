"""Rules besides the usual: they add people, take nobody's place, and are silent where nobody is."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mis_bridge.adapters.authorities import load_authority
from mis_bridge.incidents.actions import acknowledge
from mis_bridge.incidents.chain import ChainStep, Facts, Rule, Staff
from mis_bridge.incidents.choosing import Chosen, choose, within
from mis_bridge.incidents.reasons import REMINDERS, Reason
from mis_bridge.triggers.model import Severity

ROOT = Path(__file__).parents[3]
TODAY = date(2026, 11, 12)
YESTERDAY = date(2026, 11, 11)
MISSING = Facts("missing_during_day", Severity.HIGH, year_group=8)
LOOKED_AFTER = replace(MISSING, flags=frozenset({"lac"}))
DEFAULT = load_authority("national").escalation
PLAIN = ("dsl", "office", "attendance", "it")


@dataclass
class Pupil:
    """What a rule may ask of a pupil."""

    flags: frozenset[str] = frozenset()
    year_group: int | None = None


def steps(*told: tuple[int, str]) -> tuple[ChainStep, ...]:
    """Give steps from ``(10, "deputy head_of_year")``."""
    return tuple(ChainStep(tuple(names.split()), after) for after, names in told)


CLIMBS = steps((15, "dsl"), (30, "dsl"), (45, "dsl office it"))


def chosen_of(staff: Staff, facts: Facts = MISSING, *rules: Rule) -> Chosen:
    """What is chosen at a school without rules, or with some before the national ones."""
    return choose((*rules, *DEFAULT), facts, ("dsl",), staff, TODAY, CLIMBS)


def course_of(chosen: Chosen) -> dict[int, str]:
    """Whom a chain tells at which minute."""
    return {step.after: " ".join(step.tell) for step in chosen.chain.steps} if chosen.chain else {}


def having(*duties: str, **left: date) -> Staff:
    """A school with the usual four duties, these, and some whose people have a last day."""
    return Staff(dict.fromkeys((*PLAIN, *duties)) | left)


def test_a_school_that_names_everybody_has_them_told_in_order() -> None:
    """Each with the DSL's next channel; at the last everybody, with the office and IT."""
    everybody = having("deputy", "head_of_year_8", "headteacher", "designated_teacher")

    assert course_of(chosen_of(everybody, LOOKED_AFTER)) == {
        0: "dsl designated_teacher",
        15: "dsl deputy head_of_year_8",
        30: "dsl headteacher",
        45: "dsl designated_teacher deputy head_of_year_8 headteacher office it",
    }
    assert course_of(chosen_of(everybody)) == {
        0: "dsl",
        15: "dsl deputy head_of_year_8",
        30: "dsl headteacher",
        45: "dsl deputy head_of_year_8 headteacher office it",
    }


def test_the_guide_says_when_who_is_told_first() -> None:
    """Its table names each of them in the row of the first time, and in no earlier one."""
    guide = (ROOT / "docs" / "how-to" / "say-who-is-told.md").read_text("utf-8")
    table = {
        int(minute): text
        for minute, text in re.findall(r"(?m)^\| (\d+) minutes \| (.*) \|$", guide)
    }
    words = {
        "dsl": "DSL",
        "designated_teacher": "designated teacher",
        "deputy": "deputy",
        "head_of_year": "head of the pupil's year",
        "headteacher": "headteacher",
        "office": "school office",
        "it": "IT",
    }
    everybody = having("deputy", "head_of_year", "headteacher", "designated_teacher")
    chain = chosen_of(everybody, LOOKED_AFTER).chain
    assert chain is not None
    first: dict[str, int] = {}
    for step in chain.steps:
        for name in step.tell:
            first.setdefault(name, step.after)

    named = {
        name: min(minute for minute, text in table.items() if re.search(rf"\b{word}\b", text))
        for name, word in words.items()
    }

    assert list(table) == [step.after for step in chain.steps]
    assert named == first


@pytest.mark.parametrize(
    ("duties", "added"),
    [
        ("deputy", {15: "dsl deputy"}),
        ("head_of_year", {15: "dsl head_of_year"}),
        ("headteacher", {30: "dsl headteacher"}),
        ("designated_teacher", {0: "dsl designated_teacher"}),
    ],
)
def test_one_duty_is_enough(duties: str, added: dict[int, str]) -> None:
    """The others are not in the chain, and nothing is said of them; the DSL hears as always."""
    chosen = chosen_of(having(duties), LOOKED_AFTER)

    usual = {0: "dsl", 15: "dsl", 30: "dsl", 45: f"dsl {duties} office it"}
    assert course_of(chosen) == usual | added
    assert chosen.passed_over == {}


@pytest.mark.parametrize(
    "staff",
    [
        having(),
        having("virtual_school"),
        having("designated_teacher"),  # this pupil is not looked after
        having("head_of_year_7"),  # nor in Year 7
        having(deputy=YESTERDAY),
    ],
)
def test_where_nobody_is_added_it_is_as_without_the_rule(staff: Staff) -> None:
    """No chain, no rule, no reason: a school that named nobody sees nothing new."""
    assert chosen_of(staff) == choose((), MISSING, ("dsl",), staff, TODAY)


def test_a_looked_after_child_of_a_school_without_designated_teacher_has_the_others() -> None:
    """The rule for looked-after children takes nothing away."""
    staff = having("deputy")

    assert course_of(chosen_of(staff, LOOKED_AFTER)) == course_of(chosen_of(staff))


def test_who_has_left_is_passed_over_with_the_reason() -> None:
    """The school had named them: whoever reads the history should see it."""
    chosen = chosen_of(having("headteacher", deputy=YESTERDAY))

    assert 15 in course_of(chosen)
    assert chosen.passed_over == {"deputy": Reason.HAS_LEFT}


def test_where_nobody_is_dsl_the_others_hear_at_once_and_it_as_always() -> None:
    """IT stands in for the DSL; somebody who knows the child should not wait for that."""
    staff = Staff(
        {"dsl": YESTERDAY, "office": None, "it": None, "deputy": None, "headteacher": None}
    )

    chosen = chosen_of(staff)

    assert course_of(chosen) == {
        0: "it deputy",
        15: "it headteacher",
        30: "it",
        45: "it deputy headteacher office",
    }
    assert chosen.passed_over == {"dsl": Reason.HAS_LEFT}


@pytest.mark.parametrize("own", ["school", "installation", "authority"])
def test_any_rule_of_ones_own_goes_before(own: str) -> None:
    """So the default is replaced, and by a rule that tells the DSL alone it is switched off."""
    only = Rule(own, steps((0, "dsl")), triggers=frozenset({"missing_during_day"}))

    chosen = chosen_of(having("deputy"), MISSING, only)

    assert chosen.rule is only
    assert course_of(chosen) == {0: "dsl"}


def test_a_rule_of_ones_own_for_some_leaves_the_default_to_the_others() -> None:
    """A school that wrote one for looked-after children has not spoken of the rest."""
    own = Rule("own", steps((0, "dsl")), flags=frozenset({"lac"}))

    assert chosen_of(having("deputy"), LOOKED_AFTER, own).rule is own
    assert course_of(chosen_of(having("deputy"), MISSING, own))[15] == "dsl deputy"


def test_no_step_comes_later_than_the_time_at_which_everybody_is_told() -> None:
    """Whoever is told hourly from then on has to be there already."""
    late = Rule("late", steps((0, "dsl"), (90, "deputy")), besides=True)

    assert course_of(chosen_of(having("deputy"), MISSING, late)) == {
        0: "dsl",
        15: "dsl",
        30: "dsl",
        45: "dsl deputy office it",
    }


def test_what_nobody_has_to_answer_goes_by_the_rule_s_minutes() -> None:
    """There is no usual climb: the steps are all that follows."""
    rule = Rule("marks", steps((0, "office"), (60, "deputy")), besides=True)
    facts = Facts("marks_disagree", Severity.NORMAL)

    chosen = choose((rule,), facts, ("office",), having("deputy"), TODAY)

    assert course_of(chosen) == {0: "office", 60: "deputy"}


def test_a_rule_is_shown_as_far_as_somebody_has_its_duties() -> None:
    """The head of one year is enough for heads of year; where nobody is left it is not shown."""
    of_all = DEFAULT[-1]

    eight = within(of_all, having("head_of_year_8"), {"dsl"})

    assert eight is not None
    assert eight.steps == steps((0, "dsl"), (15, "head_of_year"))
    assert within(of_all, having("designated_teacher"), {"dsl"}) is None
    own = replace(of_all, besides=False)
    assert within(own, having(), {"dsl"}) is own


def test_nobody_answering_walks_it_and_then_hears_every_hour(world: Any) -> None:
    """The office and IT at 10:57, as without the deputy."""
    world.rules = replace(world.rules, escalation=DEFAULT, staff=having("deputy"))
    clocks = ("10:12", "10:26", "10:27", "10:42", "10:57", "11:12", "11:56", "11:57", "12:57")

    told = {}
    for clock in clocks:
        decision = world.look(clock, world.finding())
        told[clock] = " ".join(
            plan.audience for plan in decision.messages if plan.reason not in REMINDERS
        )

    everybody = "dsl deputy office it"
    assert told == {
        "10:12": "dsl",
        "10:26": "",
        "10:27": "dsl deputy",
        "10:42": "dsl",
        "10:57": everybody,
        "11:12": "",
        "11:56": "",
        "11:57": everybody,
        "12:57": everybody,
    }


def test_the_history_says_by_which_rule(world: Any) -> None:
    """And who follows, minute by minute."""
    world.rules = replace(world.rules, escalation=DEFAULT, staff=having("deputy"))

    opened = world.look("10:12", world.finding())

    assert [line.body for line in opened.audit][1] == (
        "Told by the rule missing by default: DSL at once, then DSL and deputy after 15 minutes, "
        "then DSL after 30 minutes, then DSL, deputy, school office and IT after 45 minutes."
    )


def test_when_an_acknowledgement_lapses_it_goes_on_as_without(world: Any) -> None:
    """The deputy hears with the DSL at once; the office and IT half an hour later."""
    world.rules = replace(world.rules, escalation=DEFAULT, staff=having("deputy"))
    world.look("10:12", world.finding())
    changed, _ = acknowledge(world.only, "A. Lead", world.at("10:20"), minutes=30)
    world.incidents[changed.id] = changed

    told = [
        [plan.audience for plan in decision.messages if plan.reason not in REMINDERS]
        for decision in (
            world.look(clock, world.finding()) for clock in ("10:50", "11:05", "11:20")
        )
    ]

    assert told == [["dsl", "deputy"], ["dsl"], ["dsl", "deputy", "office", "it"]]


def test_who_had_heard_before_the_acknowledgement_goes_on_hearing_when_it_lapses(
    world: Any,
) -> None:
    """The office was told at 10:57; without the deputy it would hear at every climb since."""
    world.rules = replace(world.rules, escalation=DEFAULT, staff=having("deputy"))
    for clock in ("10:12", "10:27", "10:42", "10:57"):
        world.look(clock, world.finding())
    changed, _ = acknowledge(world.only, "A. Lead", world.at("11:00"), minutes=30)
    world.incidents[changed.id] = changed

    told = [
        {plan.audience for plan in decision.messages if plan.reason not in REMINDERS}
        for decision in (world.look(clock, world.finding()) for clock in ("11:30", "11:45"))
    ]

    assert told == [{"dsl", "deputy", "office", "it"}, {"dsl", "office", "it"}]
