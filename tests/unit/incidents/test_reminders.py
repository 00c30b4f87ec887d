"""Who took it on is asked again before it lapses; a step whose time has passed is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mis_bridge.incidents.actions import acknowledge, close, step_done
from mis_bridge.incidents.chain import ChainStep, Rule
from mis_bridge.incidents.model import Event, Outcome, Scope, State
from mis_bridge.incidents.reasons import REMINDERS, Reason
from mis_bridge.incidents.reminders import moot, overdue
from mis_bridge.registers.day_sheet import DayEvent
from mis_bridge.triggers.model import Audience, Kind

from .conftest import minute_of

TODAY = date(2026, 11, 12)
SUNDAY = date(2026, 11, 15)
FEED = Scope(Kind.FEED, TODAY)


def _keep(world: Any, done: Any) -> None:
    changed, _ = done
    world.incidents[changed.id] = changed


def _reminders(decision: Any) -> list[tuple[Any, Any]]:
    return [(p.reason, p.audience) for p in decision.messages if p.reason in REMINDERS]


def _late(world: Any, clock: str) -> list[str]:
    return [step.id for step in overdue(world.only, world.at(clock))]


def _ticked(world: Any, *steps: str) -> None:
    """Tick steps, so that nothing but what a test is about is left to remind of."""
    for step in steps:
        _keep(world, step_done(world.only, step, "A. Lead", world.at("10:13")))


BEFORE_FOUND = ("check_register", "search_site", "contact_parent", "police_by_parent")


def test_an_acknowledgement_is_reminded_of_once_after_three_quarters_of_its_time(
    world: Any,
) -> None:
    """Whoever took it on for two hours at 10:20 is asked at 11:50, and not again."""
    finding = world.finding()
    world.look("10:12", finding)
    _ticked(world, *BEFORE_FOUND, "police_confirmed")
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:20"), minutes=120))

    before = world.look("11:49", finding)
    asked = world.look("11:50", finding)

    assert (before.changes_nothing, before.ask_again) == (True, world.at("11:50"))
    assert _reminders(asked) == [(Reason.ACK_ENDING, Audience.DSL)]
    assert [line.act for line in asked.audit] == [Event.REMINDED]
    assert world.only.state is State.ACKNOWLEDGED
    assert world.look("12:00", finding).changes_nothing


def test_who_renews_is_reminded_again_and_not_of_the_old_time(world: Any) -> None:
    """A reminder that still waits to be sent is not sent once somebody has said it again."""
    finding = world.finding()
    world.look("10:12", finding)
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:20"), minutes=120))
    world.look("11:50", finding)
    assert moot(world.only, Reason.ACK_ENDING, world.at("11:50")) is None

    _keep(world, acknowledge(world.only, "B. Deputy", world.at("11:55"), minutes=40))

    assert moot(world.only, Reason.ACK_ENDING, world.at("11:56")) is Reason.ACKNOWLEDGED
    assert (Reason.ACK_ENDING, Audience.DSL) in _reminders(world.look("12:25", finding))


def test_a_short_acknowledgement_is_not_reminded_of(world: Any) -> None:
    """Two minutes' warning of ten is no warning: it lapses, and the next people are told."""
    finding = world.finding()
    world.look("10:12", finding)
    _ticked(world, *BEFORE_FOUND, "police_confirmed")
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:20"), minutes=10))

    assert world.look("10:29", finding).changes_nothing
    assert [p.reason for p in world.look("10:30", finding).messages] == [Reason.LAPSED]


def test_nobody_is_reminded_of_what_lapses_without_a_word(world: Any) -> None:
    """Two marks that disagree do not climb when an acknowledgement ends: no reminder either."""
    finding = world.finding("marks_disagree", "09:30", slot="AM")
    world.look("09:30", finding)
    _keep(world, acknowledge(world.only, "A. Lead", world.at("09:40")))

    assert world.look("11:20", finding).changes_nothing


def test_a_step_whose_time_has_passed_is_named_once_to_those_who_were_told(world: Any) -> None:
    """The site was to be searched by 10:22: nobody wrote that it was."""
    finding = world.finding()
    first = world.look("10:12", finding)
    assert first.ask_again == world.at("10:22")
    assert world.look("10:21", finding).changes_nothing

    asked = world.look("10:22", finding)

    assert _reminders(asked) == [(Reason.STEP_OVERDUE, Audience.DSL)]
    assert _late(world, "10:22") == ["check_register", "search_site"]
    (line,) = asked.audit
    assert (line.act, line.reason) == (Event.REMINDED, Reason.STEP_OVERDUE)
    assert "Search the site." in line.body
    assert world.look("10:23", finding).changes_nothing


def test_steps_that_fall_due_within_five_minutes_are_said_together(world: Any) -> None:
    """Five steps in half an hour are three messages, and each step is in one of them."""
    finding = world.finding()
    world.look("10:12", finding)
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:13")))
    named = []
    for minute in range(14, 60):
        clock = f"10:{minute}"
        if _reminders(world.look(clock, finding)):
            named.append((clock, _late(world, clock)))

    assert named == [
        ("10:22", ["check_register", "search_site"]),
        ("10:32", ["contact_parent", "police_by_parent"]),
        ("10:42", ["police_confirmed"]),
    ]


def test_a_message_of_the_same_moment_names_what_is_late(world: Any) -> None:
    """Nobody answered and the parents were not called: one message says both."""
    finding = world.finding()
    world.look("10:12", finding)
    world.look("10:22", finding)

    climbed = world.look("10:32", finding)

    assert [plan.reason for plan in climbed.messages] == [Reason.UNACKNOWLEDGED]
    assert world.look("10:33", finding).changes_nothing


def test_a_step_that_was_done_is_not_reminded_of(world: Any) -> None:
    """Also not where the reminder already waits to be sent."""
    finding = world.finding()
    world.look("10:12", finding)
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:13")))
    _ticked(world, "check_register", "contact_parent")
    world.look("10:22", finding)
    assert _late(world, "10:22") == ["search_site"]

    _ticked(world, "search_site")

    assert moot(world.only, Reason.STEP_OVERDUE, world.at("10:23")) is Reason.STEPS_DONE


@pytest.mark.parametrize("trigger", ["unexplained_absence", "register_not_taken"])
def test_what_comes_by_the_dozen_is_not_reminded_of_step_by_step(world: Any, trigger: str) -> None:
    """Thirty absences on a morning: thirty reminders would hide the one that matters."""
    findings = [world.finding(trigger, "09:30", pupil=f"p-{n}", slot="AM") for n in range(30)]
    world.look("09:30", *findings)

    assert not _reminders(world.look("10:01", *findings))


def test_it_is_reminded_of_a_channel_that_is_not_mended(world: Any) -> None:
    """An hour after the alarm nobody wrote that the channel was mended."""
    broken = world.finding("channel_failing", "09:20", pupil="", slot="", episode="teams")
    world.look("09:20", broken, scope=FEED)
    _keep(world, acknowledge(world.only, "I. Techlead", world.at("09:21")))

    asked = {
        clock: _reminders(world.look(clock, broken, scope=FEED))
        for clock in ("09:35", "10:19", "10:20")
    }

    assert asked == {
        "09:35": [(Reason.STEP_OVERDUE, Audience.IT)],
        "10:19": [],
        "10:20": [(Reason.STEP_OVERDUE, Audience.IT)],
    }


def _found(world: Any, clock: str) -> None:
    day = world.day(P1="/ 09:00", P2="N 10:02", P3=f"/ {clock}")
    world.look(clock, days=(day,))
    assert world.only.state is State.FOUND


def test_the_return_interview_is_reminded_of_after_72_hours(world: Any) -> None:
    """Somebody had taken the child on: what follows the return is asked for, days later too."""
    world.look("10:12", world.finding())
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:15")))
    _found(world, "11:18")
    assert not _reminders(world.look("11:40", days=()))

    waits = world.look("11:20", days=())
    asked = world.look("11:18", days=(), on=SUNDAY)

    assert waits.ask_again == world.at("11:18", SUNDAY)
    assert _reminders(asked) == [(Reason.STEP_OVERDUE, Audience.DSL)]
    assert [step.id for step in overdue(world.only, world.at("11:18", SUNDAY))] == [
        "return_interview"
    ]


def test_a_person_who_says_found_is_reminded_of_the_interview_too(world: Any) -> None:
    """The search is over for the person who found the child; what follows a return is not."""
    world.look("10:12", world.finding())
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:15")))
    _keep(world, close(world.only, "A. Lead", world.at("10:40"), Outcome.FOUND, "In the park."))

    asked = world.look("10:40", days=(), on=SUNDAY)

    assert _reminders(asked) == [(Reason.STEP_OVERDUE, Audience.DSL)]
    assert world.only.state is State.CLOSED


def test_who_closes_what_the_registers_found_is_not_reminded(world: Any) -> None:
    """The person has seen that the child is back, and has said that it is over."""
    world.look("10:12", world.finding())
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:15")))
    _found(world, "11:18")
    _keep(world, close(world.only, "A. Lead", world.at("11:30"), Outcome.DEALT_WITH, "Talked."))

    assert world.look("11:20", days=(), on=SUNDAY).changes_nothing


def test_a_mark_that_came_late_has_no_return_interview(world: Any) -> None:
    """Found before anybody had answered, and before the next people were told: nothing is asked."""
    world.look("10:12", world.finding())
    desk = DayEvent(minute_of("10:20"), "sign_in")
    world.look("10:20", days=(world.day(desk, P1="/ 09:00", P2="N 10:02"),))
    assert world.only.state is State.FOUND

    assert world.look("10:40", days=()).changes_nothing
    assert world.look("10:40", days=(), on=SUNDAY).changes_nothing


def test_a_deadline_that_passed_long_ago_is_not_told(world: Any) -> None:
    """After an update, or weeks in which nothing ran, nobody gets last month's reminders."""
    world.look("10:12", world.finding())
    world.incidents = {
        i.id: replace(i, owner="A. Lead", escalate_at=None) for i in world.incidents.values()
    }
    later = TODAY + timedelta(days=8)

    assert not _reminders(world.look("10:12", world.finding(), on=later, scope=FEED))


def test_who_is_told_of_it_at_this_moment_is_not_reminded_as_well(world: Any) -> None:
    """The deputy hears of the child now, with what is late; the DSL, told before, is reminded."""
    rule = Rule("missing", (ChainStep(("dsl",)), ChainStep(("deputy",), 10)))
    world.rules = replace(world.rules, escalation=(rule,))
    world.look("10:12", world.finding())

    decision = world.look("10:22", world.finding())

    assert [(plan.reason, plan.audience) for plan in decision.messages] == [
        (Reason.UNACKNOWLEDGED, "deputy"),
        (Reason.STEP_OVERDUE, "dsl"),
    ]


def test_a_child_who_is_back_on_a_later_day_has_a_return_interview_too(world: Any) -> None:
    """Nobody looks at the day on which it began any more: the day of the return reminds of it."""
    world.look("10:12", world.finding())
    _keep(world, acknowledge(world.only, "A. Lead", world.at("10:15"), minutes=24 * 60))
    friday = TODAY + timedelta(days=1)
    on_friday = Scope(Kind.DAY, friday)
    seen = world.day(AM="/ 08:50")
    back = replace(seen, sheet=replace(seen.sheet, day=friday))
    world.look("08:55", days=(back,), on=friday, scope=on_friday)
    assert world.only.state is State.FOUND
    _ticked(world, "stand_down", "talk_on_return")

    waits = world.look("09:30", days=(), on=friday, scope=on_friday)
    monday = TODAY + timedelta(days=4)
    asked = world.look("08:55", days=(), on=monday, scope=on_friday)

    assert waits.ask_again == world.at("08:55", monday)
    assert _reminders(asked) == [(Reason.STEP_OVERDUE, Audience.DSL)]
    assert not _reminders(world.look("09:55", days=(), on=monday, scope=on_friday))
