"""What time alone does: routes climb, acknowledgements lapse."""

from __future__ import annotations

from typing import Any

from mis_bridge.incidents.actions import acknowledge
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import Reason


def _acknowledged(world: Any, clock: Any, minutes: Any) -> Any:
    changed, _ = acknowledge(world.only, "A. Lead", world.at(clock), minutes=minutes)
    world.incidents[changed.id] = changed


def test_nobody_answering_climbs_the_route_three_times(world: Any) -> None:
    """Every 15 minutes the next people are told; after the third it stays at that."""
    finding = world.finding()
    first = world.look("10:12", finding)
    assert first.ask_again == world.at("10:27")
    assert world.look("10:26", finding).changes_nothing

    told = [world.look(clock, finding) for clock in ("10:27", "10:42", "10:57", "11:12")]

    assert [[p.reason for p in decision.messages] for decision in told] == [
        [Reason.UNACKNOWLEDGED],
        [Reason.UNACKNOWLEDGED],
        [Reason.UNACKNOWLEDGED],
        [],
    ]
    assert told[2].ask_again is None


def test_an_acknowledgement_stops_the_climbing(world: Any) -> None:
    """Somebody sees to it; nobody else is called."""
    finding = world.finding()
    world.look("10:12", finding)
    _acknowledged(world, "10:20", 120)

    decision = world.look("10:30", finding)

    assert decision.changes_nothing
    assert decision.ask_again == world.at("12:20")


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
