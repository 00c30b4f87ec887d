"""A card that a bot has posted says how its incident stands, for as long as the incident moves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.channels.base import activity_of, proof_of_activity
from mis_bridge.channels.build import build_channels
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.incidents.model import Outcome as Ending
from mis_bridge.incidents.reasons import Reason
from mis_bridge.messages.model import Disclosure
from mis_bridge.service.people import acknowledge, close, step_done
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.settings import load
from mis_bridge.store import channels, outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.channels.base import Channel
    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import Message
    from mis_bridge.store.outbox import OutboxRow

    from .conftest import Bench, Watched

WHERE = "19:invented@thread.tacv2"


@dataclass
class Conversation:
    """A conversation in which a bot posts and changes its cards, as the bot service lets it.

    What the service makes of a request is tested beside the channel itself.
    """

    name: str = "dsl-teams"
    kind: str = "teams-bot"
    disclosure: Disclosure = Disclosure.INITIALS
    standing: dict[str, str] = field(default_factory=dict)
    """By id: the card as it is seen now."""
    rung: list[str] = field(default_factory=list)
    edits: int = 0
    answers: list[Outcome] = field(default_factory=list)
    """What it answers instead of doing it, to changes alone."""
    while_posting: Callable[[], None] | None = None

    async def send(self, message: Message) -> Outcome:
        """Post a card; everybody who reads there is rung."""
        activity = str(1_795_340_000_001 + len(self.standing))
        self.standing[activity] = _card(message)
        self.rung.append(message.subject)
        if self.while_posting is not None:
            during, self.while_posting = self.while_posting, None
            during()
        return Outcome(Result.SENT, "posted", proof=proof_of_activity(activity, WHERE))

    async def edit(self, message: Message) -> Outcome:
        """Change a card that stands there; nobody is rung."""
        if self.answers:
            return self.answers.pop(0)
        stands = activity_of(message.edits)
        assert stands is not None
        self.edits += 1
        self.standing[stands[0]] = _card(message)
        return Outcome(Result.SENT, "changed", proof=message.edits)

    async def check(self) -> Outcome:
        """All is well."""
        return Outcome(Result.SENT, "all is well")

    async def close(self) -> None:
        """Nothing."""


def _card(message: Message) -> str:
    return json.dumps(message.card["attachments"][0]["content"], ensure_ascii=False)


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Conversation:
    """The DSL's channel is a conversation that a bot writes to."""
    conversation = Conversation()

    def build(*args: Any, **options: Any) -> dict[str, Channel]:
        return {**build_channels(*args, **options), "dsl-teams": conversation}

    monkeypatch.setattr("mis_bridge.service.assembly.build_channels", build)
    return conversation


@pytest.fixture
def gone(bench: Bench) -> str:
    """One pupil is in P1, absent from P2 and back in P3 at 11:18."""
    pupil = next(
        one.id for one in bench.state.school.pupils if not one.flags and (one.year_group or 0) > 6
    )
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{pupil: "N"})
    return pupil


def _missing(watched: Watched) -> Incident:
    (incident,) = watched.incidents("missing_during_day")
    return incident


def _changes(watched: Watched, incident: Incident) -> list[OutboxRow]:
    with watched.store.reading() as tx:
        rows = outbox.of_incident(tx, incident.school, incident.id)
    return [row for row in rows if row.reason == Reason.SHOWN_ANEW]


@pytest.mark.usefixtures("gone")
async def test_an_acknowledgement_is_seen_on_the_card_and_rings_nobody(
    bench: Bench, chat: Conversation
) -> None:
    """At 10:14 A. Example sees to it: the card says so; there is still one card, rung once."""
    async with bench.daemon() as watched:
        await watched.at("10:12")
        (before,) = chat.standing.values()
        assert "Acknowledged" not in before
        await watched.at("10:14")
        watched.store.run(
            acknowledge, _missing(watched).reference, "A. Example", watched.clock.now(), 60
        )
        await watched.at("10:15")

        (card,) = chat.standing.values()
        assert "Acknowledged by A. Example 10:14" in card
        assert "Missing during the day" in card
        assert len(chat.rung) == 1


@pytest.mark.usefixtures("gone")
async def test_a_step_that_is_done_is_seen_with_who_and_when(
    bench: Bench, chat: Conversation
) -> None:
    """The search of the site is ticked; nobody starts it a second time. The note stays inside."""
    async with bench.daemon() as watched:
        await watched.at("10:12")
        incident = _missing(watched)
        step = incident.steps[0]
        await watched.at("10:20")
        watched.store.run(
            step_done, incident.reference, "B. Helper", watched.clock.now(), step.id, "Ada is ill"
        )
        await watched.at("10:21")

        (card,) = chat.standing.values()
        assert "✓ done 10:20" in card
        assert "(B. Helper)" in card
        assert "Ada is ill" not in card


async def test_found_is_a_message_of_its_own_and_the_alarm_says_it_too(
    bench: Bench, chat: Conversation, gone: str
) -> None:
    """Seen in P3: people are rung by a new card, and nobody reads the old one as an alarm."""
    assert gone
    bench.lesson("P3", "11:18")
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("11:20")

        alarm, found = chat.standing.values()
        assert "Found: seen again in school" in alarm
        assert '"style": "good"' in alarm
        assert "Found: seen again in school" in found
        assert len(chat.rung) == 2


@pytest.mark.usefixtures("gone")
async def test_an_acknowledgement_that_runs_out_is_not_left_standing(
    bench: Bench, chat: Conversation
) -> None:
    """After its time the card says that nobody sees to it any more; the next people are told."""
    async with bench.daemon() as watched:
        await watched.at("10:12")
        watched.store.run(
            acknowledge, _missing(watched).reference, "A. Example", watched.clock.now(), 10
        )
        await watched.at("10:13")
        await watched.at("10:23")

        first = next(iter(chat.standing.values()))
        assert "Acknowledged" not in first
        assert "told again 10:23" in first
        assert len(bench.mails_to("dsl")) == 1


@pytest.mark.usefixtures("gone")
async def test_several_turns_before_the_next_look_are_one_change(
    bench: Bench, chat: Conversation
) -> None:
    """Taken on, a step done and closed within a minute: the card is changed once, to the last."""
    async with bench.daemon() as watched:
        await watched.at("10:12")
        incident, now = _missing(watched), watched.clock.now()
        name = incident.reference
        watched.store.run(acknowledge, name, "A. Example", now, 60)
        watched.store.run(step_done, name, "A. Example", now, incident.steps[0].id, "")
        await watched.daemon.settle()

        assert chat.edits == 1
        assert [row.state for row in _changes(watched, incident)] == ["sent"]


@pytest.mark.usefixtures("gone")
async def test_what_a_person_closes_is_seen_closed(bench: Bench, chat: Conversation) -> None:
    """Closed as found by hand: the alarm's card says by whom, beside the message that rings."""
    configuration = load(bench.config)
    async with bench.daemon() as watched:
        await watched.at("10:12")
        watched.store.run(
            close,
            _missing(watched).reference,
            "A. Example",
            watched.clock.now(),
            Ending.FOUND,
            "In the library with Ada",
            schools=schools_of(configuration),
            deadlines=deadlines_of(configuration.settings),
        )
        await watched.at("10:13")

        alarm, _ = chat.standing.values()
        assert "Found, says A. Example." in alarm
        assert "library" not in alarm


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize("after", [2, -2])
async def test_what_happens_while_the_card_is_posted_is_not_missed(
    bench: Bench, chat: Conversation, after: int
) -> None:
    """Somebody takes it on after the card was written and before it stands there: it is changed.

    Two seconds after, or two before it was written, and had to wait for the database until then.
    """
    async with bench.daemon() as watched:

        def take_on() -> None:
            at = watched.clock.now() + timedelta(seconds=after)
            watched.clock.advance(seconds=2)
            watched.store.run(acknowledge, _missing(watched).reference, "A. Example", at, 60)

        chat.while_posting = take_on
        await watched.at("10:12")

        (card,) = chat.standing.values()
        assert "Acknowledged by A. Example" in card


@pytest.mark.usefixtures("gone")
@pytest.mark.parametrize(
    ("answers", "shown", "failures"),
    [
        ([Outcome(Result.RETRY, "busy", retry_after=30.0)], True, 0),
        ([Outcome(Result.UNKNOWN, "no answer")], True, 0),
        ([Outcome(Result.PERMANENT, "the message is not there any more")], False, 0),
        ([Outcome(Result.PERMANENT, "blocked", config_alarm=True)], False, 1),
    ],
)
async def test_a_change_that_fails_is_tried_again_and_told_to_nobody_by_another_way(
    bench: Bench, chat: Conversation, answers: list[Outcome], shown: bool, failures: int
) -> None:
    """What passes is tried again; a deleted card is let go; a blocked bot is an alarm for IT."""
    async with bench.daemon() as watched:
        await watched.at("10:12")
        incident = _missing(watched)
        chat.answers = list(answers)
        watched.store.run(acknowledge, incident.reference, "A. Example", watched.clock.now(), 60)
        await watched.until("10:18", every=1)

        (card,) = chat.standing.values()
        assert ("Acknowledged by A. Example" in card) is shown
        assert [mail for mail in bench.mails_to("dsl") if "Acknowledged" in str(mail)] == []
        with watched.store.reading() as tx:
            assert channels.load(tx)["dsl-teams"].failures == failures


@pytest.mark.usefixtures("gone")
@pytest.mark.thorough
async def test_a_card_of_a_bot_that_was_blocked_for_a_while_is_changed_in_the_end(
    bench: Bench, chat: Conversation
) -> None:
    """Somebody lets the bot in again within half an hour: the card says that it is answered."""
    async with bench.daemon() as watched:
        await watched.at("10:12")
        incident = _missing(watched)
        chat.answers = [Outcome(Result.PERMANENT, "blocked", config_alarm=True)] * 2
        watched.store.run(acknowledge, incident.reference, "A. Example", watched.clock.now(), 60)
        await watched.until("10:42", every=1)

        card, *_ = chat.standing.values()
        assert "Acknowledged by A. Example" in card


async def test_a_card_that_speaks_of_several_says_how_each_stands(
    bench: Bench, chat: Conversation
) -> None:
    """Two are gone and told of as one: one is taken on, then the other is found, then both."""
    one, other = [
        pupil.id
        for pupil in bench.state.school.pupils
        if not pupil.flags and (pupil.year_group or 0) > 6
    ][:2]
    bench.session("AM", "08:50")
    bench.lesson("P1", "09:00")
    bench.lesson("P2", "10:02", **{one: "N", other: "N"})
    async with bench.daemon() as watched:
        await watched.at("10:12")
        await watched.at("10:14")
        taken, free = watched.incidents("missing_during_day")
        (card,) = chat.standing.values()
        assert "2 pupils" in card
        watched.store.run(acknowledge, taken.reference, "A. Example", watched.clock.now(), 240)
        await watched.at("10:16")

        (card,) = chat.standing.values()
        assert card.index(free.reference) < card.index("acknowledged: 1 pupil")
        assert card.index("acknowledged: 1 pupil") < card.rindex(taken.reference)
        assert "Acknowledged by A. Example 10:14" in card

        bench.lesson("P3", "11:18", **{taken.pupil: "N"})
        await watched.at("11:20")

        card = next(iter(chat.standing.values()))
        assert "Found: seen again in school: 1 pupil" in card
        assert card.index(taken.reference) < card.rindex(free.reference)


@pytest.mark.usefixtures("gone")
@pytest.mark.thorough
async def test_a_changed_card_does_not_turn_the_route(bench: Bench, chat: Conversation) -> None:
    """Nobody answers: the next people are told by mail, although the card was changed last."""
    async with bench.daemon() as watched:
        await watched.at("10:12")
        watched.store.run(
            step_done,
            _missing(watched).reference,
            "B. Helper",
            watched.clock.now(),
            _missing(watched).steps[0].id,
            "",
        )
        await watched.until("10:44", every=2)
        first = len(bench.mails_to("dsl"))
        await watched.until("11:14", every=2)

        assert first == 1
        again = [subject for subject in chat.rung if "Nobody has answered" in subject]
        assert len(again) == 1, "and round again from the start of the route"
