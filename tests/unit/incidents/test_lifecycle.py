from __future__ import annotations

from typing import Any

import pytest

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.lifecycle import TABLE, step
from mis_bridge.incidents.model import ACTIVE, Event, State


def test_an_unknown_step_is_an_error_that_names_state_and_event() -> None:
    """Nothing moves an incident in a way that the table does not have."""
    with pytest.raises(IncidentError, match=r"'acknowledged'.*'closed'"):
        step(State.CLOSED, Event.ACKNOWLEDGED)
    with pytest.raises(IncidentError, match=r"'found'.*does not exist yet"):
        step(None, Event.FOUND)


@pytest.mark.parametrize("state", list(State))
def test_a_note_can_be_written_in_every_state_and_moves_nothing(state: Any) -> None:
    """What is closed can still be added to."""
    assert step(state, Event.NOTED) is state


@pytest.mark.parametrize("state", [State.FOUND, State.CLOSED])
def test_what_has_ended_only_comes_back_by_being_raised_again(state: Any) -> None:
    """No other event leads from an end to an active state."""
    back = {event for (from_, event), to in TABLE.items() if from_ is state and to in ACTIVE}

    assert back == {Event.RAISED_AGAIN}


def test_every_event_and_every_state_occurs_in_the_table() -> None:
    """There is no event that nothing can answer and no state that nothing leads to."""
    assert {event for _, event in TABLE} == set(Event)
    assert set(TABLE.values()) == set(State)
