"""The heading of a message, and its first sentences."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.compose import compose
from mis_bridge.messages.content import Tone
from mis_bridge.messages.model import Disclosure


def test_the_title_names_the_level_and_the_lead_what_happened(missing: Any, context: Any) -> None:
    """A DSL in a hurry reads two lines and knows."""
    content = compose(missing, Reason.OPENED, context)

    assert content.title == "Missing during the day, level 2"
    assert content.lead == "In school at P1, marked absent in P2 (10:02). Not signed out."
    assert content.tone is Tone.ATTENTION


def test_an_acknowledgement_that_ran_out_is_not_called_no_answer(
    missing: Any, context: Any
) -> None:
    """Somebody did answer: the next people read that it was so, and that it is so no more."""
    content = compose(missing, Reason.LAPSED, context)

    assert content.title.startswith("Nobody sees to it any more: missing during the day")
    assert "somebody saw to it, and has not said so again" in content.lead
    assert "nobody has" not in f"{content.lead} {content.footer}"


def test_a_reminder_names_the_steps_that_are_late_and_by_when_they_were_due(
    missing: Any, context: Any
) -> None:
    """In the first sentence, by reference too: a step says nothing of the pupil."""
    at = missing.opened_at + timedelta(minutes=11)
    late = replace(missing, steps=(replace(missing.steps[0], reminded_at=at), *missing.steps[1:]))
    by_reference = replace(context, now=at, disclosure=Disclosure.REFERENCE)

    said = compose(late, Reason.STEP_OVERDUE, replace(context, now=at))

    assert said.title == "Not written down as done: missing during the day, level 2"
    assert said.lead.startswith(
        "Late, and nobody has written that it was done: “Search the site” (staff, by 10:22)."
    )
    assert missing.sentence in said.lead
    assert "Search the site" in compose(late, Reason.STEP_OVERDUE, by_reference).lead
    assert missing.sentence not in compose(late, Reason.STEP_OVERDUE, by_reference).lead


def test_an_acknowledgement_that_runs_out_names_its_owner_and_its_end(
    missing: Any, context: Any
) -> None:
    """Whoever reads it knows whom to ask, and what happens then."""
    owned = replace(
        missing,
        state=State.ACKNOWLEDGED,
        owner="A. Lead",
        ack_expires_at=missing.opened_at + timedelta(hours=2),
    )

    said = compose(owned, Reason.ACK_ENDING, context)

    assert said.title == "Still being seen to? Missing during the day, level 2"
    assert said.lead.startswith("A. Lead sees to it until 12:12 and has not said so again.")
