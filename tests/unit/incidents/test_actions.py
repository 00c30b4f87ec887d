from __future__ import annotations

from typing import Any

import pytest

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.actions import acknowledge, close, note, step_done
from mis_bridge.incidents.model import Event, Outcome, State


@pytest.fixture
def incident(world: Any) -> Any:
    """An open incident about a missing child."""
    world.look("10:12", world.finding())
    return world.only


def test_acknowledging_has_an_owner_and_an_end(world: Any, incident: Any) -> None:
    """After the time is up the route climbs again."""
    changed, line = acknowledge(incident, " A. Lead ", world.at("10:15"), minutes=30)

    assert (changed.state, changed.owner) == (State.ACKNOWLEDGED, "A. Lead")
    assert changed.ack_expires_at == world.at("10:45")
    assert changed.revision == incident.revision + 1
    assert (line.actor, line.act) == ("A. Lead", Event.ACKNOWLEDGED)


def test_a_second_person_takes_an_acknowledgement_over(world: Any, incident: Any) -> None:
    """The newest owner is the owner."""
    first, _ = acknowledge(incident, "A. Lead", world.at("10:15"))
    second, _ = acknowledge(first, "B. Deputy", world.at("10:20"))

    assert second.owner == "B. Deputy"


def test_a_step_is_ticked_with_who_and_when(world: Any, incident: Any) -> None:
    """The protocol shows what was done and by whom; the other steps stay as they are."""
    changed, line = step_done(incident, "search_site", "C. Caretaker", world.at("10:18"), "nothing")

    (done,) = [step for step in changed.steps if step.done_at]
    assert (done.id, done.done_by, done.done_at) == (
        "search_site",
        "C. Caretaker",
        world.at("10:18"),
    )
    assert "nothing" in line.body
    with pytest.raises(IncidentError, match="done at 10:18 already"):
        step_done(changed, "search_site", "C. Caretaker", world.at("10:19"))


def test_closing_needs_a_person_a_reason_and_an_outcome_that_a_person_may_give(
    world: Any, incident: Any
) -> None:
    """Only the clock can say that the day ended, only the registers that it cleared."""
    at = world.at("10:30")
    with pytest.raises(IncidentError, match="day_ended"):
        close(incident, "A. Lead", at, Outcome.DAY_ENDED, "x")
    with pytest.raises(IncidentError, match="needs a person"):
        close(incident, " ", at, Outcome.FOUND, "x")
    with pytest.raises(IncidentError, match="write what happened"):
        close(incident, "A. Lead", at, Outcome.FOUND, "  ")

    changed, line = close(incident, "A. Lead", at, Outcome.FOUND, "In the library.")

    assert (changed.state, changed.outcome, changed.closed_by) == (
        State.CLOSED,
        "found",
        "A. Lead",
    )
    assert line.body == "In the library."


def test_what_the_registers_found_stays_found_by_them_when_a_person_closes_it(
    world: Any, incident: Any
) -> None:
    """So the registers can open it again if the child is gone again."""
    day = world.day(P1="/ 09:00", P2="N 10:02", P3="/ 11:18")
    world.look("11:20", days=(day,))
    changed, _ = close(world.only, "A. Lead", world.at("12:00"), Outcome.DEALT_WITH, "Talked.")

    assert (changed.state, changed.closed_by, changed.outcome) == (
        State.CLOSED,
        "mis-bridge",
        "found",
    )


def test_a_closed_incident_takes_notes_and_nothing_else(world: Any, incident: Any) -> None:
    """What is over can be added to, not changed."""
    closed, _ = close(incident, "A. Lead", world.at("10:30"), Outcome.FOUND, "In the library.")

    noted, _ = note(closed, "A. Lead", world.at("11:00"), "Spoke with the parents.")
    assert noted.state is State.CLOSED
    at = world.at("11:00")
    with pytest.raises(IncidentError, match="is closed already"):
        acknowledge(closed, "A. Lead", at)
    with pytest.raises(IncidentError, match="is closed already"):
        close(closed, "A. Lead", at, Outcome.FOUND, "again")
    with pytest.raises(IncidentError, match="is closed already"):
        step_done(closed, "search_site", "A. Lead", at)


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (lambda i, at: step_done(i, "fly", "A. Lead", at), "search_site"),
        (lambda i, at: acknowledge(i, "A. Lead", at, minutes=0), "at least 1 minute"),
        (lambda i, at: acknowledge(i, "", at), "needs a person"),
        (lambda i, at: note(i, "A. Lead", at, "x" * 2001), "2,000"),
    ],
)
def test_mistakes_say_what_to_do(world: Any, incident: Any, act: Any, problem: Any) -> None:
    """Each refusal names what is there or what is needed."""
    with pytest.raises(IncidentError, match=problem):
        act(incident, world.at("10:30"))
