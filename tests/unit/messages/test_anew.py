"""What a card says that stands there while its incident moves on, and its line on a telephone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mis_bridge.incidents import actions
from mis_bridge.incidents.model import Event, Outcome, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.anew import Standing, Turn, compose_all_anew, compose_anew
from mis_bridge.messages.brief import brief
from mis_bridge.messages.build import build, build_anew
from mis_bridge.messages.compose import compose
from mis_bridge.messages.content import Tone
from mis_bridge.messages.model import BRIEF_LENGTH, Disclosure

PROOF = "activity 1795340000001 19:invented@thread.tacv2"


def _later(context: Any, minutes: int) -> Any:
    return replace(context, now=context.now + timedelta(minutes=minutes))


def _taken(missing: Any, minutes: int = 2) -> tuple[Any, list[Turn]]:
    """The incident once A. Example sees to it, and what has happened."""
    at = missing.updated_at + timedelta(minutes=minutes)
    changed, line = actions.acknowledge(missing, "A. Example", at, minutes=60)
    assert isinstance(line.act, Event)
    return changed, [Turn(line.act, line.at, line.actor)]


def test_who_sees_to_it_stands_above_what_happened(missing: Any, context: Any) -> None:
    """Name and time of the acknowledgement, not of whatever came after it."""
    taken, turns = _taken(missing)
    done, _ = actions.step_done(
        taken, taken.steps[0].id, "B. Helper", taken.updated_at + timedelta(minutes=4), "a note"
    )
    turns.append(Turn(Event.STEP_DONE, done.updated_at, "B. Helper"))

    content = compose_anew(done, Reason.OPENED, _later(context, 10), turns)

    assert content.status.startswith("Acknowledged by A. Example ")
    assert content.title == compose(missing, Reason.OPENED, context).title
    assert content.tone is Tone.CALM
    assert content.steps[0].due.startswith("✓ done")
    assert content.steps[0].who == "B. Helper"
    assert "a note" not in repr(content)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (Event.ACK_EXPIRED, "Nobody sees to it any more"),
        (Event.ESCALATED, "Nobody has answered yet; told again"),
        (Event.LEVEL_RAISED, "More serious since"),
        (Event.RAISED_AGAIN, "Raised again"),
    ],
)
def test_an_acknowledgement_that_holds_no_more_is_not_said(
    missing: Any, context: Any, act: Event, words: str
) -> None:
    """What came last counts, with its time."""
    _, turns = _taken(missing)
    turns.append(Turn(act, missing.updated_at + timedelta(minutes=9), "mis-bridge"))

    content = compose_anew(missing, Reason.OPENED, _later(context, 10), turns)

    assert content.status.startswith(words)
    assert "Acknowledged" not in repr(content)


def test_nobody_has_answered_is_no_heading_once_somebody_has(missing: Any, context: Any) -> None:
    """A card of the climb becomes a card of the matter."""
    taken, turns = _taken(missing)

    content = compose_anew(taken, Reason.UNACKNOWLEDGED, _later(context, 3), turns)

    assert "Nobody" not in content.title
    assert content.status.startswith("Acknowledged")


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.DAY_ENDED])
def test_what_has_ended_is_never_shown_as_an_alarm(
    missing: Any, context: Any, outcome: Outcome
) -> None:
    """Whoever opens the chat later sees that it is over, when, and nothing left to search for."""
    state = State.FOUND if outcome is Outcome.FOUND else State.CLOSED
    over = missing.updated_at + timedelta(minutes=70)
    ended = replace(missing, state=state, outcome=outcome, closed_at=over, ending="It is over.")

    content = compose_anew(ended, Reason.OPENED, _later(context, 75), [])

    assert content.tone is Tone.GOOD
    assert "It is over." in content.lead
    assert "Ended" in dict(content.facts)
    assert content.facts[-1][0] == "Reference"
    search = [step.text for step in missing.steps if step.after == "opened"]
    assert not [step for step in content.steps if step.text in search]


def test_the_end_of_the_day_is_said_as_what_it_is(missing: Any, context: Any) -> None:
    """Nobody was found: the day is over."""
    ended = replace(missing, state=State.CLOSED, outcome=Outcome.DAY_ENDED)

    content = compose_anew(ended, Reason.OPENED, _later(context, 400), [])

    assert content.status == "The school day is over"
    assert content.steps == ()


def test_by_reference_a_changed_card_tells_no_more_than_the_first(
    missing: Any, context: Any
) -> None:
    """Neither where the child was seen nor which lesson: only that it is over."""
    private = replace(context, disclosure=Disclosure.REFERENCE)
    ended = replace(
        missing,
        state=State.FOUND,
        outcome=Outcome.FOUND,
        closed_at=missing.updated_at,
        ending="Seen again at 11:18 in P3.",
    )

    message = build_anew("id", [Standing(ended, Reason.OPENED, private, ())], edits=PROOF)

    assert message.edits == PROOF
    assert "P3" not in json.dumps(message.card) + message.brief


def test_of_several_what_is_open_comes_first(missing: Any, context: Any) -> None:
    """One is open, one is taken on, one is found: heading, colour and order are the open one's."""
    taken, turns = _taken(missing)
    over = replace(
        missing,
        reference="MB-0000-0003",
        pupil="p-3",
        state=State.FOUND,
        outcome=Outcome.FOUND,
        closed_at=missing.updated_at,
        ending="Seen again at 11:18 in P3.",
    )
    later = _later(context, 10)
    standing = [
        Standing(over, Reason.OPENED, later, ()),
        Standing(
            replace(taken, reference="MB-0000-0002", pupil="p-2"),
            Reason.OPENED,
            later,
            tuple(turns),
        ),
        Standing(missing, Reason.OPENED, later, ()),
    ]

    content = compose_all_anew(standing)

    assert content.references == (missing.reference, "MB-0000-0002", "MB-0000-0003")
    assert content.title == "Missing during the day, level 2: 1 pupil"
    assert [group.counted for group in content.groups] == ["1 pupil"] * 3
    assert "acknowledged" in content.groups[1].title
    assert content.groups[1].lines[0].text.startswith("Acknowledged by A. Example")
    assert content.tone is compose_anew(missing, Reason.OPENED, later, []).tone
    assert content.steps == ()


def test_once_all_are_over_the_card_is_no_alarm(missing: Any, context: Any) -> None:
    """Both are found: green, and counted."""
    over = replace(missing, state=State.FOUND, outcome=Outcome.FOUND, closed_at=missing.updated_at)
    both = [
        Standing(
            replace(over, reference=f"MB-0000-000{n}", pupil=f"p-{n}"), Reason.OPENED, context, ()
        )
        for n in (1, 2)
    ]

    content = compose_all_anew(both)

    assert content.tone is Tone.GOOD
    assert content.title == "Found, seen again in school: 2 pupils"


@pytest.mark.parametrize(
    ("disclosure", "said"),
    [
        (Disclosure.REFERENCE, ""),
        (Disclosure.INITIALS, "A.T., 8B"),
        (Disclosure.FULL, "Ada Testpupil, 8B"),
    ],
)
def test_the_line_on_a_locked_screen_says_what_the_channel_may(
    missing: Any, context: Any, disclosure: Disclosure, said: str
) -> None:
    """The name only where the channel has it; the reference always, at the end."""
    line = build(missing, Reason.OPENED, "id", replace(context, disclosure=disclosure)).brief

    assert said in line
    assert ("Testpupil" in line) is (disclosure is Disclosure.FULL)
    assert ("8B" in line) is bool(said)
    assert line.endswith(missing.reference)


def test_a_long_line_keeps_its_reference(missing: Any, context: Any) -> None:
    """150 characters are shown; the school's name is what gives way."""
    context = replace(context, school_name="The Academy of Everything " * 20)

    line = brief(compose(missing, Reason.OPENED, context))

    assert len(line) == BRIEF_LENGTH
    assert line.startswith("Missing during the day, level 2 · A.T., 8B")
    assert line.endswith(f"… · {missing.reference}")
