"""The Teams channel against a flow that refuses, and loses, what Microsoft's would."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.channels.allowance import Allowance
from mis_bridge.channels.mention import Person
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.teams import TeamsWebhook
from mis_bridge.channels.webhook import examine
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.card import card
from mis_bridge.messages.content import Content, EvidenceLine, StepLine, Tone
from mis_bridge.messages.model import Disclosure
from mis_bridge.triggers.model import Severity

from .workflow import Flow, Owner

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_httpserver import HTTPServer

    from mis_bridge.io.clock import ManualClock
    from mis_bridge.io.http import Transport
    from mis_bridge.messages.model import Message

LINK = "https://bridge.school.example/incidents/MB-7F3C-2K9Q"
WORDS = {
    "quotes": '"Said \\"so\\"" ' * 40,
    "Chinese": "李明缺席" * 100,
    "Polish": "Zażółć gęślą jaźń " * 30,
    "symbols": "🎒👩‍🏫" * 60,
    "plain": "seen in P1, absent from P2 " * 20,
}


@pytest.fixture
def make(web: HTTPServer, transport: Transport, clock: ManualClock) -> Callable[..., TeamsWebhook]:
    """Make the channel of a flow; options are the channel's."""

    def make(flow: Flow, *, change: tuple[str, str] = ("", ""), **options: Any) -> TeamsWebhook:
        flow.serve(web)
        url = flow.url(web).replace(*change)
        return TeamsWebhook(
            "dsl-teams",
            **{
                "disclosure": Disclosure.INITIALS,
                "url": Secret(url, reference="credential:dsl"),
                "webhook": examine(url),
                "transport": transport,
                "allowance": Allowance(),
                "clock": clock,
                "timeout_seconds": 10.0,
                **options,
            },
        )

    return make


def fullest(words: str) -> Content:
    """An incident with more to say than any card has room for."""
    return Content(
        reason=Reason.OPENED,
        reference="MB-7F3C-2K9Q",
        severity=Severity.CRITICAL,
        tone=Tone.ATTENTION,
        title="Missing during the day",
        lead=words,
        facts=(("Pupil", "A.T., 8B"), ("School", words), ("Reference", "MB-7F3C-2K9Q")),
        evidence=tuple(EvidenceLine("10:02", f"P{n}", words) for n in range(40)),
        uncertain=words,
        steps=tuple(StepLine("by 10:22", words, words) for _ in range(20)),
        link=LINK,
        footer=words,
    )


@pytest.mark.parametrize("words", WORDS)
async def test_the_fullest_card_is_shown(
    make: Callable[..., TeamsWebhook], clock: ManualClock, message: Message, words: str
) -> None:
    """However much there is to say, and in whatever script, the flow shows the card."""
    flow = Flow(clock)

    outcome = await make(flow).send(replace(message, card=card(fullest(WORDS[words]))))

    assert outcome.result is Result.ACCEPTED
    assert flow.failed == []
    assert "MB-7F3C-2K9Q" in json.dumps(flow.shown)


async def test_a_card_that_the_flow_would_lose_is_shown_as_a_short_one(
    make: Callable[..., TeamsWebhook], clock: ManualClock, message: Message
) -> None:
    """25,000 bytes pass the gate and fail behind it; what is shown instead has the reference."""
    flow = Flow(clock)
    message.card["attachments"][0]["content"]["body"] += [
        {"type": "TextBlock", "text": "x" * 1000} for _ in range(25)
    ]

    await make(flow).send(message)

    assert flow.failed == []
    assert "MB-7F3C-2K9Q" in json.dumps(flow.shown)
    assert LINK in json.dumps(flow.shown)


async def test_of_several_alerts_in_one_card_each_is_named_on_the_short_one(
    make: Callable[..., TeamsWebhook], clock: ManualClock, message: Message
) -> None:
    """Nobody finds out about the others by chance: 40 by name, of 400 at least how many."""
    for count in (40, 400):
        flow = Flow(clock, number=count, size_at_gate=6_000)
        references = tuple(f"MB-0000-{number:04}" for number in range(count))
        large = card(fullest(WORDS["plain"]))

        outcome = await make(flow).send(replace(message, references=references, card=large))

        assert (outcome.result, flow.failed) == (Result.ACCEPTED, [])
        (shown,) = flow.shown
        text = json.dumps(shown)
        assert f"{count} alerts" in text
        assert "MB-0000-0039" in text
        assert (" more: " in text) is (count > 100)


async def test_a_gate_that_takes_less_than_it_says_gets_the_short_card(
    make: Callable[..., TeamsWebhook], clock: ManualClock, message: Message
) -> None:
    """413 for the card is followed by the short one."""
    flow = Flow(clock, size_at_gate=2_000)

    outcome = await make(flow).send(replace(message, card=card(fullest(WORDS["plain"]))))

    assert outcome.result is Result.ACCEPTED
    assert "MB-7F3C-2K9Q" in json.dumps(flow.shown)


async def test_a_bad_morning_loses_no_card_behind_the_gate(
    make: Callable[..., TeamsWebhook], clock: ManualClock, message: Message
) -> None:
    """70 alerts at once to two flows of one owner: all are shown, none faster than Teams takes."""
    owner, allowance = Owner(), Allowance()
    flows = [Flow(clock, number=n, owner=owner) for n in (1, 2)]
    channels = [make(flow, allowance=allowance) for flow in flows]
    waited = 0.0

    for number in range(70):
        while True:
            outcome = await channels[number % 2].send(message)
            if outcome.result is Result.ACCEPTED:
                break
            assert outcome.retry_after, outcome
            waited += outcome.retry_after
            clock.advance(seconds=outcome.retry_after)

    assert [len(flow.shown) for flow in flows] == [35, 35]
    assert [flow.failed for flow in flows] == [[], []]
    assert waited < 4 * 300, "no longer than the limit makes necessary"


async def test_a_card_that_nobody_will_see_is_never_called_sent(
    make: Callable[..., TeamsWebhook], clock: ManualClock, message: Message
) -> None:
    """A flow whose trigger asks for a header that is not sent answers 202, and starts no run."""
    flow = Flow(clock, condition=("X-Alert-Secret", "invented-header-value"))

    outcome = await make(flow).send(message)

    assert (flow.shown, flow.failed) == ([], [])
    assert outcome.result is Result.ACCEPTED
    assert "not yet delivered" in outcome.detail


async def test_the_header_that_the_flow_asks_for_is_sent(
    make: Callable[..., TeamsWebhook], clock: ManualClock, message: Message
) -> None:
    """With it the run starts."""
    flow = Flow(clock, condition=("X-Alert-Secret", "invented-header-value"))
    header = ("X-Alert-Secret", Secret("invented-header-value"))

    await make(flow, header=header).send(message)

    assert flow.shown == [message.card["attachments"][0]["content"]]


@pytest.mark.parametrize(
    ("severity", "reason", "named"),
    [
        (Severity.CRITICAL, Reason.OPENED, True),
        (Severity.HIGH, Reason.FOUND, True),
        (Severity.NORMAL, Reason.OPENED, False),
        (Severity.LOW, Reason.WEEKLY_CHECK, False),
        (Severity.LOW, Reason.CHANNEL_TEST, True),
    ],
)
async def test_people_are_named_on_what_is_worth_ringing_them(
    make: Callable[..., TeamsWebhook],
    clock: ManualClock,
    message: Message,
    severity: Severity,
    reason: Reason,
    named: bool,
) -> None:
    """An urgent card, its end and a test name them, by id; the week's card rings nobody."""
    flow = Flow(clock)
    people = (Person("DSL on duty", "dsl@school.example"), Person("Zoë Żak", "5" * 36))

    await make(flow, mentions=people).send(replace(message, severity=severity, reason=reason))

    assert flow.failed == []
    (card,) = flow.shown
    entities = card.get("msteams", {}).get("entities", [])
    ids = [entity["mentioned"]["id"] for entity in entities]
    assert ids == ([person.id for person in people] if named else [])
    assert ("<at>Zoë Żak</at>" in json.dumps(card, ensure_ascii=False)) is named


async def test_a_short_card_rings_the_same_people(
    make: Callable[..., TeamsWebhook], clock: ManualClock, message: Message
) -> None:
    """An alert that is too long for Teams is no less urgent."""
    flow = Flow(clock)
    body = message.card["attachments"][0]["content"]["body"]
    body += [{"type": "TextBlock", "text": "x" * 1000} for _ in range(25)]

    await make(flow, mentions=(Person("DSL on duty", "dsl@school.example"),)).send(message)

    assert flow.failed == []
    assert "<at>DSL on duty</at>" in json.dumps(flow.shown)


@pytest.mark.parametrize(
    ("flow", "change", "words"),
    [
        ({"anyone": False}, ("", ""), '"Anyone"'),
        ({}, ("&sig=INVENTED-sig-0123456789abcdefghij", ""), "copy its address whole"),
        ({}, ("api-version=1&", ""), "may have been cut"),
        ({"on": False}, ("", ""), "deleted, turned off, or its address was made anew"),
    ],
)
async def test_what_the_operator_got_wrong_is_said_with_what_to_do(
    make: Callable[..., TeamsWebhook],
    clock: ManualClock,
    message: Message,
    flow: dict[str, Any],
    change: tuple[str, str],
    words: str,
) -> None:
    """Not "Anyone", a cut address, a flow that is gone: permanent, an alarm, and the remedy."""
    outcome = await make(Flow(clock, **flow), change=change).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert words in outcome.detail
