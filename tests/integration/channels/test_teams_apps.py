"""Activity notifications and bot messages: a real OpenID provider, strict stand-ins, over TLS."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug import Response

from mis_bridge.channels.allowance import ACTIVITY_LIMITS, BOT_LIMITS, Allowance
from mis_bridge.channels.app_identity import AppCertificate
from mis_bridge.channels.base import CheckedWeekly
from mis_bridge.channels.entra_token import SignIn, Tokens
from mis_bridge.channels.mention import Person
from mis_bridge.channels.outcome import Result
from mis_bridge.channels.teams_activity import TeamsActivity, chain_id
from mis_bridge.channels.teams_bot import TeamsBot
from mis_bridge.channels.trust import client_context
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.model import Disclosure

from .microsoft import (
    CLIENT_ID,
    CONVERSATION,
    DEPUTY,
    DSL,
    LINK,
    TEAM,
    ActivityStandIn,
    BotStandIn,
    Gate,
    bot_refusal,
    graph_refusal,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Protocol

    from pytest_httpserver import HTTPServer

    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.io.clock import ManualClock
    from mis_bridge.messages.model import Message

    from .microsoft import Provider

    class Identity(Protocol):
        """What the fixture of the app registration gives."""

        @property
        def credential(self) -> str:
            """Key and certificate, in PEM form."""

    Channels = dict[str, Callable[..., TeamsActivity | TeamsBot]]

pytestmark = pytest.mark.peer


@pytest.fixture
def sign_in(provider: Provider, ca_bundle: Path) -> Callable[[Identity], SignIn]:
    """Sign in as the app, by a certificate."""

    def make(identity: Identity) -> SignIn:
        credential = Secret(identity.credential, reference="credential:app")
        certificate = AppCertificate(f"{provider.authority}/contoso", CLIENT_ID, credential)
        return SignIn(certificate, client_context(ca_bundle), 20.0)

    return make


@pytest.fixture
def feeds(graph_server: HTTPServer, provider: Provider, clock: ManualClock) -> ActivityStandIn:
    """People's activity feeds; nothing stands in them yet."""
    graph_server.clear()
    gate = Gate(provider, f"https://localhost:{graph_server.port}")
    return ActivityStandIn(graph_server, gate, clock)


@pytest.fixture
def chat(web: HTTPServer, provider: Provider, clock: ManualClock) -> BotStandIn:
    """A conversation; nothing stands in it yet."""
    return BotStandIn(web, Gate(provider, "https://api.botframework.com"), clock)


@pytest.fixture
def activity(
    graph_server: HTTPServer,
    sign_in: Callable[[Identity], SignIn],
    identity: Identity,
    transport: Transport,
    clock: ManualClock,
) -> Callable[..., TeamsActivity]:
    """Make the channel that notifies the DSL in a team; options make it another one."""

    def make(who: SignIn | None = None, **options: Any) -> TeamsActivity:
        scope = f"https://localhost:{graph_server.port}/.default"
        return TeamsActivity(
            "dsl-ping",
            **{
                "disclosure": Disclosure.INITIALS,
                "base_url": f"https://localhost:{graph_server.port}/v1.0",
                "team": TEAM,
                "recipients": (DSL,),
                "link": LINK,
                "tokens": Tokens(who or sign_in(identity), scope),
                "transport": transport,
                "allowance": Allowance(ACTIVITY_LIMITS),
                "clock": clock,
                "timeout_seconds": 20.0,
                **options,
            },
        )

    return make


@pytest.fixture
def bot(
    web: HTTPServer,
    sign_in: Callable[[Identity], SignIn],
    identity: Identity,
    transport: Transport,
    clock: ManualClock,
) -> Callable[..., TeamsBot]:
    """Make the channel of the conversation; options make it another one."""

    def make(who: SignIn | None = None, **options: Any) -> TeamsBot:
        scope = "https://api.botframework.com/.default"
        return TeamsBot(
            "dsl-bot",
            **{
                "disclosure": Disclosure.INITIALS,
                "service_url": f"https://localhost:{web.port}/emea/",
                "app_id": CLIENT_ID,
                "conversation": CONVERSATION,
                "tokens": Tokens(who or sign_in(identity), scope),
                "transport": transport,
                "allowance": Allowance(BOT_LIMITS),
                "clock": clock,
                "timeout_seconds": 20.0,
                **options,
            },
        )

    return make


# ---- activity notifications


@pytest.mark.parametrize("team", [TEAM, ""])
async def test_a_notification_rings_everybody_who_is_named(
    feeds: ActivityStandIn,
    activity: Callable[..., TeamsActivity],
    message: Message,
    team: str,
) -> None:
    """In a team and to each person alone: two people, one line each, with the reference in it."""
    channel = activity(team=team, recipients=(DSL, DEPUTY))

    outcome = await channel.send(message)

    assert (outcome.result, feeds.problems) == (Result.ACCEPTED, [])
    assert feeds.rung == [DSL, DEPUTY]
    assert all(message.reference in line.preview for line in feeds.shown.values())


async def test_what_comes_later_takes_the_place_of_what_came_before(
    feeds: ActivityStandIn, activity: Callable[..., TeamsActivity], message: Message
) -> None:
    """Found stands where missing stood; another incident stands beside it."""
    channel = activity()
    found = replace(message, id="2" * 64, subject="[mis-bridge] Found", brief="Found")
    other = replace(message, id="3" * 64, reference="MB-0000-0001", brief="Another")

    for one in (message, found, other):
        assert (await channel.send(one)).result is Result.ACCEPTED

    assert [line.preview for line in feeds.shown.values()] == ["Found", "Another"]
    assert chain_id(message.reference) != chain_id(other.reference)


async def test_the_end_of_one_alert_leaves_the_line_of_several_standing(
    feeds: ActivityStandIn, activity: Callable[..., TeamsActivity], message: Message
) -> None:
    """Two alerts in one line, and one of them is over: the other one is still told."""
    channel = activity()
    both = replace(message, references=(message.reference, "MB-0000-0001"), brief="Two alerts")
    found = replace(message, id="2" * 64, brief="Found")

    for one in (both, found):
        await channel.send(one)

    previews = [line.preview for line in feeds.shown.values()]
    assert previews == ["Two alerts", "Found"]


async def test_the_line_is_what_the_message_says_in_brief_and_never_longer(
    feeds: ActivityStandIn, activity: Callable[..., TeamsActivity], message: Message
) -> None:
    """Of 400 characters Teams would show 150; what is sent says no more than it may."""
    await activity().send(replace(message, brief="Missing during the day · A.T., 8B " * 12))

    (shown,) = feeds.shown.values()
    assert feeds.problems == []
    assert shown.preview.startswith("Missing during the day · A.T., 8B")


async def test_an_activity_type_of_the_manifest_is_used_where_it_is_configured(
    feeds: ActivityStandIn, activity: Callable[..., TeamsActivity], message: Message
) -> None:
    """People can then choose in Teams how this type, and not another, rings."""
    channel = activity(activity_type="childMissing", template_parameter="alert")

    assert (await channel.send(message)).result is Result.ACCEPTED
    assert feeds.problems == []


async def test_whoever_has_not_got_the_app_is_named_and_the_others_are_told(
    feeds: ActivityStandIn, activity: Callable[..., TeamsActivity], message: Message
) -> None:
    """404 for the deputy is not silence: the outcome names who was not reached, and what to do."""
    feeds.without_the_app = {DEPUTY}

    outcome = await activity(recipients=(DEPUTY, DSL)).send(message)

    assert (outcome.result, outcome.refused) == (Result.ACCEPTED, (DEPUTY,))
    assert feeds.rung == [DSL]
    assert "not installed" in outcome.detail


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "BadRequest", (Result.PERMANENT, True)),
        (403, "Forbidden", (Result.PERMANENT, True)),
        (404, "NotFound", (Result.PERMANENT, True)),
        (409, "Conflict", (Result.PERMANENT, True)),
        (429, "TooManyRequests", (Result.RETRY, False)),
        (500, "InternalServerError", (Result.RETRY, False)),
        (503, "ServiceUnavailable", (Result.RETRY, False)),
    ],
)
async def test_each_refusal_of_a_notification_has_its_class(
    feeds: ActivityStandIn,
    activity: Callable[..., TeamsActivity],
    message: Message,
    status: int,
    code: str,
    expected: tuple[Result, bool],
) -> None:
    """Graph's code is shown, its text never; Retry-After is obeyed."""
    feeds.refuse = [graph_refusal(status, code, "40")]

    outcome = await activity().send(message)

    assert (outcome.result, outcome.config_alarm) == expected
    if outcome.result is Result.RETRY:
        assert outcome.retry_after == 40.0
    else:
        assert code in outcome.detail


@pytest.mark.parametrize("status", [401, 412])
async def test_a_token_that_graph_does_not_want_is_replaced_once(
    feeds: ActivityStandIn,
    activity: Callable[..., TeamsActivity],
    message: Message,
    status: int,
) -> None:
    """Revoked (401), or with less life left than Graph asks for (412): a fresh one does it."""
    feeds.refuse = [graph_refusal(status, "InvalidAuthenticationToken")]

    outcome = await activity().send(message)

    assert outcome.result is Result.ACCEPTED
    assert len(set(feeds.gate.tokens)) == 2


async def test_a_fresh_token_that_is_refused_ends_it(
    feeds: ActivityStandIn, activity: Callable[..., TeamsActivity], message: Message
) -> None:
    """Asking a third time would change nothing."""
    feeds.refuse = [graph_refusal(401, "InvalidAuthenticationToken") for _ in range(3)]

    outcome = await activity().send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert len(feeds.refuse) == 1


async def test_many_people_are_notified_no_faster_than_graph_takes(
    feeds: ActivityStandIn,
    activity: Callable[..., TeamsActivity],
    message: Message,
    clock: ManualClock,
) -> None:
    """Nine people in one attempt: it waits for the next second, and Graph refuses none."""

    async def sleep(seconds: float) -> None:
        clock.advance(seconds=seconds)

    people = tuple(f"person-{n}" for n in range(9))

    outcome = await activity(recipients=people, sleep=sleep).send(message)

    assert (outcome.result, feeds.problems) == (Result.ACCEPTED, [])
    assert tuple(feeds.rung) == people


async def test_whoever_has_it_is_not_rung_again_when_the_others_turn_comes(
    feeds: ActivityStandIn,
    activity: Callable[..., TeamsActivity],
    message: Message,
    clock: ManualClock,
) -> None:
    """Graph throttles after the first of two: later only the second one is notified."""
    channel = activity(recipients=(DSL, DEPUTY))
    feeds.refuse = [Response(status=204), graph_refusal(429, "TooManyRequests", "40")]

    first = await channel.send(message)
    clock.advance(seconds=40)
    second = await channel.send(message)

    assert (first.result, first.retry_after, first.shared) == (Result.RETRY, 40.0, True)
    assert "1 of 2" in first.detail
    assert second.result is Result.ACCEPTED
    assert feeds.rung == [DEPUTY]


# ---- the bot


async def test_a_card_stands_there_and_its_id_is_the_proof(
    chat: BotStandIn, bot: Callable[..., TeamsBot], message: Message
) -> None:
    """201 with an id: the card is there, and the telephone shows the line and not "a card"."""
    brief = "Missing during the day · A.T., 8B · MB-7F3C-2K9Q"
    outcome = await bot().send(replace(message, brief=brief))

    (activity,) = chat.standing
    assert (outcome.result, chat.problems) == (Result.SENT, [])
    assert outcome.proof == f"activity {activity} {CONVERSATION}"
    assert chat.standing[activity] == message.card["attachments"][0]["content"]
    assert chat.summaries == [brief]


async def test_a_card_is_changed_where_it_stands_and_nobody_is_rung(
    chat: BotStandIn, bot: Callable[..., TeamsBot], message: Message
) -> None:
    """The same message shows the new card; there is no second message."""
    channel = bot()
    posted = await channel.send(message)
    card = {
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": [{"type": "TextBlock", "text": "Acknowledged by A. Example 09:14"}],
    }
    envelope = {"type": "message", "attachments": [{"content": card}]}

    changed = await channel.edit(replace(message, card=envelope, edits=posted.proof))

    assert (changed.result, changed.proof) == (Result.SENT, posted.proof)
    assert list(chat.standing.values()) == [card]
    assert len(chat.rung) == 1


async def test_people_are_named_once_and_not_again_by_a_change(
    chat: BotStandIn, bot: Callable[..., TeamsBot], message: Message
) -> None:
    """The alarm rings them; that somebody has acknowledged it does not."""
    channel = bot(mentions=(Person("DSL on duty", DSL),))

    posted = await channel.send(message)
    alarm = json.dumps(list(chat.standing.values()))
    await channel.edit(replace(message, edits=posted.proof))
    changed = json.dumps(list(chat.standing.values()))

    assert "<at>DSL on duty</at>" in alarm
    assert "<at>" not in changed


async def test_a_card_that_somebody_deleted_is_no_fault_of_the_channel(
    chat: BotStandIn, bot: Callable[..., TeamsBot], message: Message
) -> None:
    """404 for a change: permanent, and no alarm; nothing is posted in its place."""
    channel = bot()
    posted = await channel.send(message)
    chat.standing.clear()

    outcome = await channel.edit(replace(message, edits=posted.proof))

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, False)
    assert chat.standing == {}


async def test_a_card_of_another_conversation_is_left_alone(
    chat: BotStandIn, bot: Callable[..., TeamsBot], message: Message
) -> None:
    """After the channel was given another conversation, its id there may mean another message."""
    edits = "activity 1795340000001 19:another@thread.tacv2"

    outcome = await bot().edit(replace(message, edits=edits))

    assert outcome.result is Result.PERMANENT
    assert chat.gate.tokens == []


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "BadSyntax", (Result.PERMANENT, True)),
        (403, "MessageWritesBlocked", (Result.PERMANENT, True)),
        (403, "BotNotInConversationRoster", (Result.PERMANENT, True)),
        (404, "ConversationNotFound", (Result.PERMANENT, True)),
        (412, "PreconditionFailed", (Result.RETRY, False)),
        (429, "TooManyRequests", (Result.RETRY, False)),
        (502, "BadGateway", (Result.RETRY, False)),
        (504, "GatewayTimeout", (Result.RETRY, False)),
    ],
)
async def test_each_refusal_of_the_bot_has_its_class(
    chat: BotStandIn,
    bot: Callable[..., TeamsBot],
    message: Message,
    status: int,
    code: str,
    expected: tuple[Result, bool],
) -> None:
    """Also the one of a blocked bot, which comes in a form of its own; texts are not repeated."""
    chat.refuse = [bot_refusal(status, code) for _ in range(2)]

    outcome = await bot().send(message)

    assert (outcome.result, outcome.config_alarm) == expected
    if outcome.result is Result.PERMANENT:
        assert code in outcome.detail


async def test_a_429_of_the_bot_holds_back_all_of_its_conversation(
    chat: BotStandIn, bot: Callable[..., TeamsBot], message: Message, clock: ManualClock
) -> None:
    """Another channel that writes there waits too, as long as the service wished."""
    allowance = Allowance(BOT_LIMITS)
    one, other = bot(allowance=allowance), bot(allowance=allowance)
    chat.refuse = [bot_refusal(429, "TooManyRequests", "17")]

    refused, held = await one.send(message), await other.send(message)
    clock.advance(seconds=17)
    later = await other.send(message)

    assert (refused.retry_after, held.retry_after) == (17.0, 17.0)
    assert (refused.shared, held.shared) == (True, True)
    assert later.result is Result.SENT
    assert len(chat.gate.tokens) == 2


async def test_a_bad_morning_is_posted_as_fast_as_teams_takes_it(
    chat: BotStandIn, bot: Callable[..., TeamsBot], message: Message, clock: ManualClock
) -> None:
    """100 cards at once: each is posted once, and not one is refused."""
    channel = bot()

    for _ in range(100):
        while (outcome := await channel.send(message)).result is Result.RETRY:
            assert outcome.retry_after
            clock.advance(seconds=outcome.retry_after)

    assert (len(chat.standing), chat.problems) == (100, [])


async def test_a_card_that_is_too_big_is_posted_as_a_short_one(
    chat: BotStandIn, bot: Callable[..., TeamsBot], message: Message
) -> None:
    """28 KB is Teams' limit for bots too; reference and link get through."""
    body = message.card["attachments"][0]["content"]["body"]
    body += [{"type": "TextBlock", "text": "x" * 1000} for _ in range(25)]

    outcome = await bot().send(message)

    assert (outcome.result, chat.problems) == (Result.SENT, [])
    assert message.reference in json.dumps(list(chat.standing.values()))


async def test_a_bot_is_checked_every_week_and_people_are_not_rung_for_it(
    bot: Callable[..., TeamsBot], activity: Callable[..., TeamsActivity]
) -> None:
    """A bot that was taken out of the team is noticed on a Monday, and not with a missing child."""
    assert isinstance(bot(), CheckedWeekly)
    assert bot().checked_weekly
    assert not isinstance(activity(), CheckedWeekly)


# ---- both


@pytest.fixture
def channels(
    activity: Callable[..., TeamsActivity], bot: Callable[..., TeamsBot]
) -> dict[str, Callable[..., TeamsActivity | TeamsBot]]:
    """Make either channel, by kind."""
    return {"activity": activity, "bot": bot}


@pytest.mark.parametrize("kind", ["activity", "bot"])
async def test_check_gets_a_token_and_sends_nothing(
    channels: Channels, feeds: ActivityStandIn, chat: BotStandIn, kind: str
) -> None:
    """A token shows that the certificate is right; nobody is rung for it."""
    outcome = await channels[kind]().check()

    assert outcome.result is Result.SENT
    assert (feeds.gate.tokens, chat.gate.tokens) == ([], [])


@pytest.mark.parametrize("kind", ["activity", "bot"])
async def test_without_a_token_nothing_is_sent(
    channels: Channels,
    feeds: ActivityStandIn,
    chat: BotStandIn,
    other_identity: Identity,
    sign_in: Callable[[Identity], SignIn],
    message: Message,
    kind: str,
) -> None:
    """A certificate that was not uploaded to the app: permanent, an alarm, and what to check."""
    channel = channels[kind](sign_in(other_identity))

    sent: Outcome = await channel.send(message)
    checked: Outcome = await channel.check()

    for outcome in (sent, checked):
        assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
        assert "certificate" in outcome.detail
    assert (feeds.rung, chat.standing) == ([], {})


@pytest.mark.parametrize("kind", ["activity", "bot"])
async def test_a_service_that_is_not_believed_gets_nothing(
    channels: Channels,
    feeds: ActivityStandIn,
    chat: BotStandIn,
    message: Message,
    kind: str,
) -> None:
    """A certificate that does not verify: no token and no card goes there, and IT is told."""
    async with Transport() as distrustful:
        outcome = await channels[kind](transport=distrustful).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert (feeds.gate.tokens, chat.gate.tokens) == ([], [])
