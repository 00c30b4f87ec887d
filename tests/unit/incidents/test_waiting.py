"""What time alone does: routes climb, acknowledgements lapse."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from mis_bridge.incidents.actions import acknowledge
from mis_bridge.incidents.model import Scope, State
from mis_bridge.incidents.reasons import CLIMBS, Reason
from mis_bridge.triggers.model import Audience, Kind

FEED = Scope(Kind.FEED, date(2026, 11, 12))


def _acknowledged(world: Any, clock: Any, minutes: Any) -> Any:
    changed, _ = acknowledge(world.only, "A. Lead", world.at(clock), minutes=minutes)
    world.incidents[changed.id] = changed


def test_nobody_answering_climbs_the_route_three_times(world: Any) -> None:
    """Every 15 minutes the next people are told; after the third it stays at that."""
    finding = world.finding("unexplained_absence", slot="AM")
    world.look("10:12", finding)
    assert world.only.escalate_at == world.at("10:27")
    assert not _climbs(world.look("10:26", finding))

    told = [world.look(clock, finding) for clock in ("10:27", "10:42", "10:57", "11:12")]

    assert [bool(_climbs(decision)) for decision in told] == [True, True, True, False]
    assert told[3].ask_again is None


def test_of_a_missing_child_whom_nobody_sees_to_everybody_hears_every_hour(world: Any) -> None:
    """From the third time on, and the office and IT too: silence would look like care."""
    finding = world.finding()
    world.look("10:12", finding)
    for clock in ("10:27", "10:42"):
        assert _climbs(world.look(clock, finding)) == [Reason.UNACKNOWLEDGED]

    for clock, after in (("10:57", "11:57"), ("11:57", "12:57"), ("12:57", "13:57")):
        decision = world.look(clock, finding)
        told = {plan.audience for plan in decision.messages if plan.reason in CLIMBS}
        assert told == {Audience.DSL, Audience.OFFICE, Audience.IT}
        assert decision.ask_again == world.at(after)
        assert not _climbs(world.look(after.replace(":57", ":56"), finding))

    _acknowledged(world, "13:57", 120)
    assert not _climbs(world.look("14:57", finding))


def test_a_missing_child_whom_nobody_answered_for_is_asked_about_on_every_school_morning(
    world: Any,
) -> None:
    """The hourly messages end at 17:30; then everybody hears when the school opens again.

    That is at 08:45, on Friday and then on Monday, until somebody answers.
    """
    finding, friday = world.finding(), date(2026, 11, 13)
    world.look("10:12", finding)
    for clock in ("10:27", "10:42", "10:57", "11:57", "12:57", "13:57", "14:57", "15:57", "16:57"):
        last = world.look(clock, finding)
        assert _climbs(last)

    assert last.ask_again == world.at("08:45", friday)
    assert not _climbs(world.look("08:44", finding, on=friday))
    morning = world.look("08:45", finding, on=friday)
    told = {plan.audience for plan in morning.messages if plan.reason in CLIMBS}
    assert told == {Audience.DSL, Audience.OFFICE, Audience.IT}
    assert not _climbs(world.look("12:00", finding, on=friday))
    assert morning.ask_again == world.at("08:45", friday + timedelta(days=3))


def _climbs(decision: Any) -> Any:
    return [plan.reason for plan in decision.messages if plan.reason in CLIMBS]


def test_an_acknowledgement_stops_the_climbing(world: Any) -> None:
    """Somebody sees to it; nobody else is called."""
    finding = world.finding()
    world.look("10:12", finding)
    _acknowledged(world, "10:20", 120)

    decisions = [world.look(clock, finding) for clock in ("10:30", "11:30", "12:19")]

    assert not any(_climbs(decision) for decision in decisions)
    assert decisions[-1].ask_again == world.at("12:20")


def test_an_acknowledgement_that_is_not_renewed_lapses_and_the_next_are_told(world: Any) -> None:
    """Whoever took it on may have been called away; the child is still missing."""
    finding = world.finding()
    world.look("10:12", finding)
    _acknowledged(world, "10:20", 30)

    decision = world.look("10:50", finding)

    assert world.only.state is State.OPEN
    assert world.only.owner == ""
    assert [plan.reason for plan in decision.messages] == [Reason.LAPSED]

    again = world.look("11:05", finding)

    assert [plan.reason for plan in again.messages] == [Reason.UNACKNOWLEDGED]


def test_a_rise_is_told_although_somebody_sees_to_it(world: Any) -> None:
    """The owner stays the owner and hears that it has become worse."""
    world.look("10:12", world.finding())
    _acknowledged(world, "10:20", 120)

    decision = world.look("11:30", world.finding(level=2))

    assert world.only.state is State.ACKNOWLEDGED
    assert world.only.owner == "A. Lead"
    assert [plan.reason for plan in decision.messages] == [Reason.LEVEL_RAISED]


def test_what_is_not_urgent_does_not_climb(world: Any) -> None:
    """Two marks that disagree wait for the office without ringing anybody."""
    decision = world.look("09:30", world.finding("marks_disagree", "09:30", slot="AM"))

    assert world.only.escalate_at is None
    assert decision.ask_again is None


@pytest.mark.parametrize("trigger", ["marks_disagree", "register_not_taken"])
def test_what_is_not_urgent_does_not_climb_either_when_an_acknowledgement_lapses(
    world: Any, trigger: str
) -> None:
    """Whoever takes on a small matter is not rung three times for it two hours later."""
    finding = world.finding(trigger, "09:30", slot="AM")
    world.look("09:30", finding)
    _acknowledged(world, "09:40", 30)

    decisions = [world.look(clock, finding) for clock in ("10:10", "10:40", "12:00")]

    assert (world.only.state, world.only.owner) == (State.OPEN, "")
    assert not any(decision.messages for decision in decisions)


def _failing(world: Any, clock: str) -> Any:
    return world.finding("channel_failing", clock, pupil="", slot="", episode="dsl-teams")


def test_what_comes_back_soon_and_stays_is_told_after_all(world: Any) -> None:
    """Mended at 09:40, broken again at 09:50: a flip is not worth a message, a relapse is."""
    world.look("09:20", _failing(world, "09:20"), scope=FEED)
    world.look("09:40", scope=FEED)
    back = world.look("09:50", _failing(world, "09:50"), scope=FEED)
    assert [s.reason for s in back.suppressed] == [Reason.DAMPED]
    assert back.ask_again == world.at("10:05")
    assert world.look("10:04", _failing(world, "09:50"), scope=FEED).changes_nothing

    told = world.look("10:05", _failing(world, "09:50"), scope=FEED)
    over = world.look("10:10", scope=FEED)

    assert [plan.reason for plan in told.messages] == [Reason.REOPENED]
    assert [plan.reason for plan in over.messages] == [Reason.FEED_BACK]
    assert world.reasons() == ["opened", "feed_back", "reopened", "feed_back"]


def test_what_comes_back_soon_and_goes_again_is_not_told_over_twice(world: Any) -> None:
    """People were told that it is over; they have not heard that it came back."""
    world.look("09:20", _failing(world, "09:20"), scope=FEED)
    world.look("09:40", scope=FEED)
    world.look("09:50", _failing(world, "09:50"), scope=FEED)

    decision = world.look("09:55", scope=FEED)

    assert not decision.messages
    assert [s.reason for s in decision.suppressed] == [Reason.ENDED_QUIETLY]


def test_a_relapse_that_somebody_sees_to_is_not_told(world: Any) -> None:
    """An acknowledgement is the better news."""
    world.look("09:20", _failing(world, "09:20"), scope=FEED)
    world.look("09:40", scope=FEED)
    world.look("09:50", _failing(world, "09:50"), scope=FEED)
    _acknowledged(world, "09:55", 30)

    assert not world.look("10:10", _failing(world, "09:50"), scope=FEED).messages
