"""What is shown in the browser is every trigger's message; that needs no browser to be seen."""

from __future__ import annotations

from typing import Any

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.build import build
from mis_bridge.messages.wording import WORDING
from mis_bridge.triggers.catalogue import TRIGGERS


def test_none_is_left_out_of_what_is_looked_at(shown: Any) -> None:
    """A trigger that comes new is looked at as well, and has words of its own."""
    assert set(shown.triggers()) == set(TRIGGERS) == set(WORDING)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_each_says_what_happened_and_what_to_do_next(trigger: str, shown: Any) -> None:
    """Its own words, the sentence with the numbers, and at least one step; never a name."""
    incident = shown.incident(trigger)

    message = build(incident, Reason.OPENED, "id", shown.context(incident))

    said = " ".join(message.text.split())
    assert WORDING[trigger].title in message.subject or incident.slot in message.subject
    assert " ".join(incident.sentence.split()) in said or trigger == "register_not_taken"
    assert "What to do next" in said
    assert any(step.text in said for step in incident.steps)
    assert "Testpupil" not in said
