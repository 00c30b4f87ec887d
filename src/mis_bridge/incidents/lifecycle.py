"""The life of an incident: (state, event) -> state, all of it in one table.

Everything that moves an incident goes through ``step``. ``docs/reference/incidents.md`` is drawn
from ``TABLE``, and a test keeps the two equal.

Two things that the table says by leaving them out: no event of the clock leads from an open
incident about a missing child to an end (``DAY_ENDED`` is only sent to families that end with the
day, see ``families``), and what is closed can only be raised again, never quietly continued.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.model import Event, State

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TABLE", "step"]

TABLE: Mapping[tuple[State | None, Event], State] = MappingProxyType(
    {
        (None, Event.RAISED): State.OPEN,
        # open: nobody has said that they see to it
        (State.OPEN, Event.LEVEL_RAISED): State.OPEN,
        (State.OPEN, Event.CHANGED): State.OPEN,
        (State.OPEN, Event.ESCALATED): State.OPEN,
        (State.OPEN, Event.REMINDED): State.OPEN,
        (State.OPEN, Event.STEP_DONE): State.OPEN,
        (State.OPEN, Event.NOTED): State.OPEN,
        (State.OPEN, Event.ACKNOWLEDGED): State.ACKNOWLEDGED,
        (State.OPEN, Event.FOUND): State.FOUND,
        (State.OPEN, Event.EXPLAINED): State.CLOSED,
        (State.OPEN, Event.CORRECTED): State.CLOSED,
        (State.OPEN, Event.CLEARED): State.CLOSED,
        (State.OPEN, Event.DAY_ENDED): State.CLOSED,
        (State.OPEN, Event.CLOSED_BY_PERSON): State.CLOSED,
        # acknowledged: somebody sees to it, for a limited time
        (State.ACKNOWLEDGED, Event.LEVEL_RAISED): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Event.CHANGED): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Event.REMINDED): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Event.STEP_DONE): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Event.NOTED): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Event.ACKNOWLEDGED): State.ACKNOWLEDGED,
        (State.ACKNOWLEDGED, Event.ACK_EXPIRED): State.OPEN,
        (State.ACKNOWLEDGED, Event.FOUND): State.FOUND,
        (State.ACKNOWLEDGED, Event.EXPLAINED): State.CLOSED,
        (State.ACKNOWLEDGED, Event.CORRECTED): State.CLOSED,
        (State.ACKNOWLEDGED, Event.CLEARED): State.CLOSED,
        (State.ACKNOWLEDGED, Event.DAY_ENDED): State.CLOSED,
        (State.ACKNOWLEDGED, Event.CLOSED_BY_PERSON): State.CLOSED,
        # found: the child was seen again; talking and the return interview may follow
        (State.FOUND, Event.RAISED_AGAIN): State.OPEN,
        (State.FOUND, Event.REMINDED): State.FOUND,
        (State.FOUND, Event.STEP_DONE): State.FOUND,
        (State.FOUND, Event.NOTED): State.FOUND,
        (State.FOUND, Event.CLOSED_BY_PERSON): State.CLOSED,
        # closed: kept for the record; a return interview may come after it
        (State.CLOSED, Event.RAISED_AGAIN): State.OPEN,
        (State.CLOSED, Event.REMINDED): State.CLOSED,
        (State.CLOSED, Event.STEP_DONE): State.CLOSED,
        (State.CLOSED, Event.NOTED): State.CLOSED,
    }
)


def step(state: State | None, event: Event) -> State:
    """Return the state that follows.

    Args:
        state: where the incident stands; None for one that does not exist yet.
        event: what happened.

    Raises:
        IncidentError: this event has no meaning in this state; the message names both.
    """
    try:
        return TABLE[(state, event)]
    except KeyError:
        where = "an incident that does not exist yet" if state is None else f"state {state.value!r}"
        raise IncidentError(f"event {event.value!r} has no meaning in {where}") from None
