"""Who is told first, who next and when: which rule gives the chain, and how time walks it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest

from mis_bridge.incidents.actions import acknowledge
from mis_bridge.incidents.chain import (
    Chain,
    ChainStep,
    Facts,
    Origin,
    Rule,
    Staff,
    in_term,
)
from mis_bridge.incidents.choosing import Chosen, choose
from mis_bridge.incidents.reasons import REMINDERS, Reason
from mis_bridge.registers.calendar import LONDON, AcademicYear, Closure, SchoolCalendar
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.triggers.model import Severity

TODAY = date(2026, 11, 12)
MISSING = Facts("missing_during_day", Severity.CRITICAL, year_group=8, minute=617, weekday=3)


def steps(*told: tuple[int, str]) -> tuple[ChainStep, ...]:
    """Give steps from ``(10, "deputy head_of_year")``."""
    return tuple(ChainStep(tuple(names.split()), after) for after, names in told)


CHAIN = steps((0, "dsl"), (10, "deputy head_of_year"), (25, "headteacher"))
EVERYBODY = Staff(
    dict.fromkeys(("dsl", "it", "deputy", "head_of_year", "head_of_year_8", "headteacher"))
)


@dataclass
class Pupil:
    """What a rule may ask of a pupil."""

    flags: frozenset[str] = frozenset()
    year_group: int | None = None


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({}, True),
        ({"triggers": frozenset({"missing_during_day", "internal_truancy"})}, True),
        ({"triggers": frozenset({"register_not_taken"})}, False),
        ({"severity": Severity.HIGH}, True),
        ({"severity": Severity.CRITICAL}, True),
        ({"level": 1}, True),
        ({"level": 2}, False),
        ({"flags": frozenset({"lac", "cp"})}, True),
        ({"flags": frozenset({"yot"})}, False),
        ({"year_groups": frozenset({7, 8})}, True),
        ({"year_groups": frozenset({9})}, False),
        ({"hours": (617, 618)}, True),
        ({"hours": (480, 617)}, False),
        ({"weekdays": frozenset({3})}, True),
        ({"weekdays": frozenset({0, 4})}, False),
        ({"term": True}, True),
        ({"term": False}, False),
    ],
)
def test_a_rule_fits_where_everything_that_it_asks_for_is_so(
    rule: dict[str, Any], fits: bool
) -> None:
    """A critical alert about a pupil of Year 8 with a child protection plan, Thursday 10:17."""
    facts = replace(MISSING, flags=frozenset({"cp", "sen"}))

    assert Rule("x", CHAIN, **rule).fits(facts) is fits


def test_a_rule_about_pupils_does_not_fit_what_is_about_no_pupil() -> None:
    """A register that nobody took has no flags and no year group."""
    about_a_register = Facts("register_not_taken", Severity.HIGH)

    assert not Rule("x", CHAIN, flags=frozenset({"lac"})).fits(about_a_register)
    assert not Rule("x", CHAIN, year_groups=frozenset({8})).fits(about_a_register)


def test_the_first_rule_that_fits_gives_the_chain() -> None:
    """Later rules are not asked, however well they fit."""
    rules = [
        Rule("others", steps((0, "it")), triggers=frozenset({"feed_blind"})),
        Rule("first", steps((0, "deputy")), Origin.SCHOOL),
        Rule("second", steps((0, "headteacher")), Origin.SCHOOL),
    ]

    chosen = choose(rules, MISSING, ("dsl",), EVERYBODY, TODAY)

    assert chosen == Chosen(("deputy",), Chain("first", steps((0, "deputy"))), rules[1])


def test_where_no_rule_fits_the_trigger_says_who_is_told() -> None:
    """Then there is no chain."""
    rules = [Rule("others", CHAIN, level=2)]

    assert choose(rules, MISSING, ("dsl", "office"), None, TODAY) == Chosen(("dsl", "office"))


def test_the_head_of_the_pupils_own_year_is_told_where_there_is_one() -> None:
    """In Year 8 that is head_of_year_8; nobody is head of Year 9 alone."""
    rules = [Rule("x", CHAIN)]

    eight = choose(rules, MISSING, ("dsl",), EVERYBODY, TODAY).chain
    nine = choose(rules, replace(MISSING, year_group=9), ("dsl",), EVERYBODY, TODAY).chain

    assert eight is not None
    assert nine is not None
    assert eight.steps[1].tell == ("deputy", "head_of_year_8")
    assert nine.steps[1].tell == ("deputy", "head_of_year")


def test_who_can_not_be_told_is_passed_over_with_a_reason() -> None:
    """Nobody is deputy, the headteacher has left: the next step follows at its own time."""
    staff = Staff({"dsl": None, "head_of_year": None, "headteacher": date(2026, 11, 11)})

    chosen = choose([Rule("x", CHAIN)], MISSING, ("dsl",), staff, TODAY)

    assert chosen.chain == Chain("x", steps((0, "dsl"), (10, "head_of_year")))
    assert chosen.passed_over == {"deputy": Reason.NO_ROUTE, "headteacher": Reason.HAS_LEFT}


def test_somebody_is_there_on_their_last_day() -> None:
    """The day after they are passed over."""
    staff = Staff({"dsl": TODAY, "deputy": None, "head_of_year": None, "headteacher": None})

    assert choose([Rule("x", CHAIN)], MISSING, ("dsl",), staff, TODAY).audience == ("dsl",)
    tomorrow = choose([Rule("x", CHAIN)], MISSING, ("dsl",), staff, date(2026, 11, 13))
    assert tomorrow.audience == ("deputy", "head_of_year")


def test_where_nobody_is_left_for_the_first_step_the_next_is_told_at_once() -> None:
    """The steps behind it keep their distance."""
    staff = Staff({"deputy": None, "headteacher": None, "it": None})

    chosen = choose([Rule("x", CHAIN)], MISSING, ("dsl",), staff, TODAY)

    assert chosen.audience == ("deputy",)
    assert chosen.chain == Chain("x", steps((0, "deputy"), (15, "headteacher")))


def test_a_chain_that_leads_to_nobody_gives_way_to_the_usual_people() -> None:
    """The safeguarding lead of a missing child, before IT."""
    rules = [Rule("x", steps((0, "designated_teacher"), (10, "virtual_school")))]

    chosen = choose(rules, MISSING, ("dsl",), EVERYBODY, TODAY)

    assert chosen.audience == ("dsl",)
    assert chosen.chain is None
    assert chosen.rule == rules[0]
    assert set(chosen.passed_over) == {"designated_teacher", "virtual_school"}


def test_where_none_of_the_usual_people_is_left_it_is_told() -> None:
    """Never silence."""
    gone = Staff({"dsl": date(2026, 7, 1), "it": None})

    assert choose([], MISSING, ("dsl",), gone, TODAY).audience == ("it",)


def test_where_nobody_at_all_can_be_told_the_plan_stands() -> None:
    """It is noted that there is no route, as ever."""
    assert choose([], MISSING, ("dsl",), Staff(), TODAY).audience == ("dsl",)


@pytest.mark.parametrize(
    ("earlier", "later", "covers"),
    [
        ({}, {"flags": frozenset({"lac"})}, True),
        ({"flags": frozenset({"lac"})}, {}, False),
        ({"flags": frozenset({"lac", "cp"})}, {"flags": frozenset({"lac"})}, True),
        ({"severity": Severity.HIGH}, {"severity": Severity.CRITICAL}, True),
        ({"severity": Severity.CRITICAL}, {"severity": Severity.HIGH}, False),
        ({"hours": (480, 1000)}, {"hours": (500, 900)}, True),
        ({"hours": (480, 1000)}, {}, False),
        ({"term": True}, {"term": False}, False),
        ({"level": 2}, {"level": 1}, False),
    ],
)
def test_a_rule_covers_another_where_nothing_is_left_for_that_one(
    earlier: dict[str, Any], later: dict[str, Any], covers: bool
) -> None:
    """What comes behind one that covers it can never be used."""
    assert Rule("a", CHAIN, **earlier).covers(Rule("b", CHAIN, **later)) is covers


def test_a_week_with_a_single_school_day_is_term() -> None:
    """Its Saturday too; the week of half term is not."""
    year = AcademicYear(2026)
    half_term = Closure(date(2026, 10, 26), date(2026, 10, 30), "half term")
    training = Closure(date(2026, 11, 2), date(2026, 11, 5), "training days")
    calendar = SchoolCalendar(year, date(2026, 9, 3), date(2027, 7, 21), (half_term, training))
    years = SchoolYears((calendar,))

    def term(day: int, month: int = 10) -> bool:
        return in_term(datetime(2026, month, day, 9, tzinfo=LONDON), years)

    assert term(24)
    assert not term(27)
    assert not term(31)
    assert term(3, 11)
    assert in_term(datetime(2027, 9, 9, 9, tzinfo=LONDON), years), "nobody knows: not a holiday"


def _with(world: Any, *rules: Rule, staff: Staff | None = EVERYBODY) -> None:
    world.rules = replace(world.rules, escalation=rules, staff=staff)


def _told(decision: Any) -> list[str]:
    """Who is told, the reminders of steps left out."""
    return [
        f"{plan.reason} {plan.audience}"
        for plan in decision.messages
        if plan.reason not in REMINDERS
    ]


def test_nobody_answering_walks_the_chain(world: Any) -> None:
    """At its end everybody hears again by the next channel, as without a rule: then hourly."""
    _with(world, Rule("missing", CHAIN))
    pupils = {"p-1": Pupil(year_group=8)}
    finding = world.finding()

    walked = {
        clock: _told(world.look(clock, finding, traits=pupils))
        for clock in (
            "10:12",
            "10:21",
            "10:22",
            "10:36",
            "10:37",
            "10:52",
            "11:07",
            "11:22",
            "12:21",
            "12:22",
        )
    }

    everybody = ["dsl", "deputy", "head_of_year_8", "headteacher"]
    again = [f"unacknowledged {who}" for who in everybody]
    assert walked == {
        "10:12": ["opened dsl"],
        "10:21": [],
        "10:22": ["unacknowledged deputy", "unacknowledged head_of_year_8"],
        "10:36": [],
        "10:37": ["unacknowledged headteacher"],
        "10:52": again,
        "11:07": again,
        "11:22": [*again, "unacknowledged it"],  # nobody has the office's duty here
        "12:21": [],
        "12:22": [*again, "unacknowledged it"],
    }
    assert world.only.told == (*everybody, "it")


def test_the_history_says_by_which_rule_and_who_is_next(world: Any) -> None:
    """Whoever reads it afterwards sees who knew when."""
    _with(world, Rule("missing", CHAIN))

    opened = world.look("10:12", world.finding())
    climbed = world.look("10:22", world.finding())

    assert [line.body for line in opened.audit][1] == (
        "Told by the rule missing: DSL at once, then deputy and head of year after 10 minutes, "
        "then headteacher after 25 minutes."
    )
    assert climbed.audit[0].body == (
        "Nobody has acknowledged it; told next: deputy and head of year (1)."
    )


def test_the_chain_stays_as_it_was_when_the_incident_opened(world: Any) -> None:
    """An edit of the rules does not touch an escalation that is under way."""
    _with(world, Rule("missing", CHAIN))
    world.look("10:12", world.finding())
    _with(world, Rule("other", steps((0, "it"), (3, "it"))))

    assert world.look("10:16", world.finding()).changes_nothing
    assert _told(world.look("10:22", world.finding())) == [
        "unacknowledged deputy",
        "unacknowledged head_of_year",
    ]


def test_an_acknowledgement_stops_the_chain_and_its_lapse_goes_on(world: Any) -> None:
    """When nobody sees to it any more, those who were told hear it with the next ones."""
    _with(world, Rule("missing", CHAIN))
    world.look("10:12", world.finding())
    changed, _ = acknowledge(world.only, "A. Lead", world.at("10:20"), minutes=30)
    world.incidents[changed.id] = changed

    assert not _told(world.look("10:40", world.finding()))
    lapsed = world.look("10:50", world.finding())

    assert _told(lapsed) == ["lapsed dsl", "lapsed deputy", "lapsed head_of_year"]
    assert _told(world.look("11:05", world.finding())) == ["unacknowledged headteacher"]


def test_a_rise_may_choose_another_chain_and_says_so(world: Any) -> None:
    """Level 2 has a rule of its own: it begins from its first step."""
    raised = Rule("level two", steps((0, "dsl headteacher"), (5, "deputy")), level=2)
    _with(world, raised, Rule("missing", CHAIN))
    world.look("10:12", world.finding())

    decision = world.look("11:30", world.finding(level=2))

    assert "level_raised headteacher" in _told(decision)
    assert world.only.chain.rule == "level two"
    assert decision.audit[-1].body.startswith("Told by the rule level two: DSL and headteacher")
    assert _told(world.look("11:35", world.finding(level=2))) == ["unacknowledged deputy"]


def test_where_no_rule_fits_the_rise_the_chain_begins_again(world: Any) -> None:
    """The steps that were fixed when it opened are not lost."""
    _with(world, Rule("morning", CHAIN, hours=(0, 11 * 60)))
    world.look("10:12", world.finding())

    world.look("11:30", world.finding(level=2))

    assert world.only.chain.rule == "morning"
    assert _told(world.look("11:40", world.finding(level=2)))[0] == "unacknowledged deputy"


def test_who_has_left_meanwhile_is_passed_over_when_their_step_comes(world: Any) -> None:
    """The next step is told at once instead."""
    _with(world, Rule("missing", CHAIN))
    world.look("10:12", world.finding())
    gone = Staff({"dsl": None, "headteacher": None, "deputy": date(2026, 11, 11)})
    _with(world, staff=gone)

    assert _told(world.look("10:22", world.finding())) == ["unacknowledged headteacher"]


def test_where_everybody_who_was_told_has_left_it_hears(world: Any) -> None:
    """Nobody of the chain is there any more."""
    _with(world, Rule("missing", CHAIN))
    world.look("10:12", world.finding())
    _with(world, staff=Staff({"it": None}))

    assert _told(world.look("10:22", world.finding())) == ["unacknowledged it"]
    assert world.only.told == ("dsl", "it")


def test_found_goes_to_everyone_who_was_told(world: Any) -> None:
    """Also to those whom only a later step has told."""
    _with(world, Rule("missing", CHAIN))
    world.look("10:12", world.finding(), days=(world.day(P1="/ 08:58", P2="N 10:02"),))
    world.look("10:22", world.finding())

    seen = world.day(P1="/ 08:58", P2="N 10:02", P3="/ 11:18")
    found = world.look("11:20", days=(seen,))

    assert sorted(_told(found)) == ["found deputy", "found dsl", "found head_of_year"]


def test_a_rule_may_set_steps_for_what_is_not_urgent(world: Any) -> None:
    """It climbs as the rule says, and stays at that: nobody has to answer."""
    rule = Rule("marks", steps((0, "office"), (60, "deputy")))
    _with(world, rule, staff=None)
    finding = world.finding("marks_disagree", slot="P2")

    assert _told(world.look("10:12", finding)) == ["opened office"]
    assert _told(world.look("11:12", finding)) == ["unacknowledged deputy"]
    assert world.look("12:30", finding).changes_nothing


def test_a_register_that_nobody_takes_may_climb_until_the_day_is_over(world: Any) -> None:
    """The deputy hears at 10:42; at the end of the school day it closes with the others."""
    rule = Rule("registers", steps((0, "office"), (30, "deputy"), (600, "headteacher")))
    _with(world, rule, staff=None)
    untaken = world.finding("register_not_taken", pupil="", slot="P2")

    assert _told(world.look("10:12", untaken)) == ["opened office"]
    assert _told(world.look("10:42", untaken)) == ["unacknowledged deputy"]
    assert _told(world.look("17:30", untaken)) == []
    assert not world.only.active
    assert world.look("20:30", untaken).changes_nothing


def test_steps_that_lead_to_nobody_end_with_a_reason(world: Any) -> None:
    """Of what is not urgent nobody else is told."""
    _with(world, Rule("marks", steps((0, "office"), (60, "deputy"))), staff=None)
    finding = world.finding("marks_disagree", slot="P2")
    world.look("10:12", finding)
    _with(world, staff=Staff({"office": None}))

    decision = world.look("11:12", finding)

    assert _told(decision) == []
    assert [one.reason for one in decision.suppressed] == [Reason.NO_ROUTE]
    assert world.look("12:12", finding).changes_nothing


def test_a_pupil_of_whom_nothing_is_known_fits_no_rule_about_pupils(world: Any) -> None:
    """Then the usual people are told."""
    _with(world, Rule("looked after", steps((0, "headteacher")), flags=frozenset({"lac"})))

    unknown = world.look("10:12", world.finding())
    looked_after = world.look(
        "10:12", world.finding(pupil="p-2"), traits={"p-2": Pupil(frozenset({"lac"}))}
    )

    assert _told(unknown) == ["opened dsl"]
    assert _told(looked_after)[0] == "opened headteacher"
