from __future__ import annotations

from datetime import timedelta
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
    with pytest.raises(IncidentError, match=r"done on 2026-11-12 at 10:18 already, by C\. Caret"):
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


def test_a_closed_incident_takes_notes_and_steps_and_nothing_else(
    world: Any, incident: Any
) -> None:
    """What is over can be added to, not changed; a return interview often comes after the end."""
    closed, _ = close(incident, "A. Lead", world.at("10:30"), Outcome.FOUND, "In the library.")

    noted, _ = note(closed, "A. Lead", world.at("11:00"), "Spoke with the parents.")
    assert noted.state is State.CLOSED
    at = world.at("11:00")
    with pytest.raises(IncidentError, match="is closed already"):
        acknowledge(closed, "A. Lead", at)
    with pytest.raises(IncidentError, match="is closed already"):
        close(closed, "A. Lead", at, Outcome.FOUND, "again")

    offered, _ = step_done(closed, "return_interview", "A. Lead", at, outcome="offered")
    assert offered.state is State.CLOSED


@pytest.mark.parametrize(
    ("act", "problem"),
    [
        (lambda i, at: step_done(i, "fly", "A. Lead", at), "search_site"),
        (lambda i, at: acknowledge(i, "A. Lead", at, minutes=0), "at least 1 minute"),
        (lambda i, at: acknowledge(i, "", at), "needs a person"),
        (lambda i, at: note(i, "A. Lead", at, "x" * 2001), "2,001 characters, and 2,000 is"),
        (lambda i, at: acknowledge(i, "x" * 101, at), "the name has 101 characters, and 100 is"),
        (lambda i, at: acknowledge(i, "A\x1b[31m", at), r"the name holds a control .*U\+001B"),
        (lambda i, at: note(i, "A. Lead", at, "a\x07"), r"U\+0007, character 2\): take it out"),
        (lambda i, at: step_done(i, "search_site", "A", at, "\x00"), "take it out"),
        (lambda i, at: close(i, "A", at, Outcome.FOUND, "\udcff"), "a byte that is no UTF-8"),
    ],
)
def test_mistakes_say_what_to_do(world: Any, incident: Any, act: Any, problem: Any) -> None:
    """Each refusal names what is there or what is needed."""
    with pytest.raises(IncidentError, match=problem):
        act(incident, world.at("10:30"))


def test_what_pushed_and_pulled_the_child_stays_with_the_step(world: Any, incident: Any) -> None:
    """The history, which nobody can erase a word from unseen, says only that the talk was held."""
    changed, line = step_done(
        incident,
        "return_interview",
        "A. Lead",
        world.at("13:00"),
        outcome="held",
        pushed="A row before the lesson",
        pulled="Friends in the park",
    )

    (done,) = [step for step in changed.steps if step.done_at]
    assert done.interview is not None
    assert (done.interview.outcome, done.interview.pushed, done.interview.pulled) == (
        "held",
        "A row before the lesson",
        "Friends in the park",
    )
    assert "Outcome: held." in line.body
    assert "row" not in line.body
    assert "park" not in line.body


def test_a_talk_that_was_offered_is_told_again_once_it_was_held(world: Any, incident: Any) -> None:
    """The deadline is about the offer: its time stays, and what came of it is added."""
    at = world.at
    offered, _ = step_done(
        incident, "return_interview", "A. Lead", at("13:00"), "By the council", outcome="offered"
    )
    held, line = step_done(
        offered, "return_interview", "B. Deputy", at("15:00"), outcome="held", pulled="Friends"
    )

    (done,) = [step for step in held.steps if step.done_at]
    assert (done.done_at, done.done_by, done.note) == (at("13:00"), "B. Deputy", "By the council")
    assert done.interview is not None
    assert done.interview.outcome == "held"
    assert (line.at, line.actor) == (at("15:00"), "B. Deputy")
    with pytest.raises(IncidentError, match=r"already, by B\. Deputy"):
        step_done(held, "return_interview", "A. Lead", at("15:10"), outcome="declined")


@pytest.mark.parametrize(
    ("step", "said", "problem"),
    [
        ("search_site", {"outcome": "held"}, "no talk with the child.*return_interview"),
        ("search_site", {"pushed": "x"}, "no talk with the child"),
        ("return_interview", {"pushed": "x"}, "say what came of the talk.*offered, held"),
        ("return_interview", {"outcome": "maybe"}, "'maybe' is no outcome.*declined"),
        ("return_interview", {"outcome": "declined", "pulled": "x"}, "a talk that was held"),
        ("talk_on_return", {"outcome": "held", "pulled": "x" * 2001}, "2,000"),
    ],
)
def test_a_talk_that_makes_no_sense_is_refused_with_what_to_say(
    world: Any, incident: Any, step: str, said: dict[str, str], problem: str
) -> None:
    """Nothing that a person writes is dropped without a word."""
    with pytest.raises(IncidentError, match=problem):
        step_done(incident, step, "A. Lead", world.at("13:00"), **said)


def test_who_says_found_starts_the_time_of_what_follows_a_return(world: Any, incident: Any) -> None:
    """The statutory 72 hours run from the return, whoever noticed it first."""
    closed, _ = close(incident, "A. Lead", world.at("10:40"), Outcome.FOUND, "In the park.")
    explained, _ = close(incident, "A. Lead", world.at("10:40"), Outcome.EXPLAINED, "Dentist.")

    due = {step.id: step.due_at for step in closed.steps}
    assert due["return_interview"] == world.at("10:40") + timedelta(hours=72)
    assert {s.due_at for s in explained.steps if s.id == "return_interview"} == {None}
