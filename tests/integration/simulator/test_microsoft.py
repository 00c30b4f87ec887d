"""The stand-in for Microsoft's services, spoken to by the product's own channels."""

from __future__ import annotations

import ssl
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from pydantic import TypeAdapter

from mis_bridge.channels.build import build_channels
from mis_bridge.channels.outcome import Result
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secrets
from mis_bridge.messages.model import Message
from mis_bridge.settings import ChannelSettings
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.loopback_tls import make_identity
from mis_bridge.simulator.microsoft import App, Microsoft
from mis_bridge.simulator.service_limits import AT_ONCE, BYTES, REQUESTS, MailboxLimits
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
APP = App("contoso", "an-app", "a-secret", "bot@school.example", "a-team", "19:x@thread.tacv2")
ADA = "569363e2-4e49-4661-87f2-16f245c5d66a"
BEN = "ab88234e-0874-477c-9638-d144296ed04f"
KINDS = ("graph", "feed", "bot")
PATHS = {"graph": "/sendMail", "feed": "/sendActivityNotification", "bot": "/v3/conversations/"}


def message(text: str = "missing") -> Message:
    """An alert about an invented incident."""
    card = {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": text}]}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return Message(
        id="5f0c" * 16,
        reference="MB-7F3C-2K9Q",
        reason=Reason.OPENED,
        severity=Severity.HIGH,
        subject=f"[mis-bridge] {text} MB-7F3C-2K9Q",
        text=f"{text} MB-7F3C-2K9Q\n",
        html="",
        card={"type": "message", "attachments": [attachment]},
        brief=f"{text} MB-7F3C-2K9Q",
    )


@pytest.fixture
def clock() -> ManualClock:
    """A clock that only the test moves."""
    return ManualClock(NOON)


@pytest.fixture
def microsoft(clock: ManualClock, tmp_path: Path) -> Iterator[Microsoft]:
    """The services, which have seen nothing yet."""
    context, _ = make_identity(tmp_path)
    with Microsoft(clock, APP, context) as standin:
        yield standin


@asynccontextmanager
async def channels(
    microsoft: Microsoft, clock: ManualClock, folder: Path
) -> AsyncIterator[dict[str, Any]]:
    """One channel of each kind, made from its table as the daemon makes it."""
    app = {
        "tenant_id": APP.tenant,
        "client_id": APP.client_id,
        "client_secret": "env:APP_SECRET",
        "authority_url": microsoft.url,
        "timeout_seconds": 5,
    }
    link = "https://teams.microsoft.com/l/channel/x"
    graph = {"graph_url": f"{microsoft.url}/v1.0"}
    tables: dict[str, dict[str, Any]] = {
        "graph": {"kind": "graph", "sender": APP.mailbox, "recipients": ["d@x.example"], **graph},
        "feed": {"kind": "teams-activity", "recipients": [ADA, BEN], "link": link, **graph},
        "bot": {"kind": "teams-bot", "conversation": APP.conversation},
    }
    tables["feed"]["team_id"] = APP.team
    tables["bot"]["service_url"] = f"{microsoft.url}/emea"
    settings: TypeAdapter[dict[str, ChannelSettings]] = TypeAdapter(dict[str, ChannelSettings])
    trusted = folder / "localhost.pem"
    async with Transport(ca_bundle=trusted) as transport:
        yield cast(
            "dict[str, Any]",
            build_channels(
                settings.validate_python({name: {**app, **own} for name, own in tables.items()}),
                transport,
                Secrets(None, {"APP_SECRET": APP.secret}),
                ca_bundle=trusted,
                clock=clock,
            ),
        )


async def test_each_service_keeps_what_it_was_given(
    microsoft: Microsoft, clock: ManualClock, tmp_path: Path
) -> None:
    """A mail, a line for each of two people, and a card that is changed where it stands."""
    async with channels(microsoft, clock, tmp_path) as made:
        outcomes = {name: await made[name].send(message()) for name in KINDS}
        clock.advance(minutes=5)
        changed = replace(message("found"), edits=outcomes["bot"].proof)
        edited = await made["bot"].edit(changed)

    assert [outcomes[name].result for name in KINDS] == ["accepted", "accepted", "sent"]
    assert edited.result is Result.SENT
    (mail,) = microsoft.mails
    assert (mail.sender, mail.recipients, mail.at) == (APP.mailbox, ("d@x.example",), NOON)
    assert mail.message["Message-ID"] == f"<{message().id}@school.example>"
    assert [one.line.person for one in microsoft.notified] == [ADA, BEN]
    (card,) = microsoft.cards
    assert card.posted["body"][0]["text"] == "missing"
    assert card.shown["body"][0]["text"] == "found"
    assert (card.at, card.shown_at) == (NOON, NOON + timedelta(minutes=5))
    assert microsoft.problems == []


@pytest.mark.parametrize("name", KINDS)
async def test_a_service_fails_as_it_is_told(
    microsoft: Microsoft, clock: ManualClock, tmp_path: Path, name: str
) -> None:
    """What is cut off was taken before, what is slow is answered late; all else was not taken."""
    kept = {"graph": "mails", "feed": "notified", "bot": "cards"}[name]
    async with channels(microsoft, clock, tmp_path) as made:
        for fault, result, taken in (
            (Fault(FaultKind.STATUS, status=503), Result.RETRY, False),
            (Fault(FaultKind.STATUS, status=504), Result.RETRY, False),
            (Fault(FaultKind.STATUS, status=429, retry_after=40), Result.RETRY, False),
            (Fault(FaultKind.STATUS, status=403), Result.PERMANENT, False),
            (Fault(FaultKind.RESET), Result.UNKNOWN, False),
            (Fault(FaultKind.HANG, seconds=0.05), Result.UNKNOWN, False),
            (Fault(FaultKind.CUT), Result.UNKNOWN, True),
            (Fault(FaultKind.SLOW, seconds=0.05), None, True),
        ):
            microsoft.faults.add(replace(fault, path=PATHS[name]))
            outcome = await made[name].send(message())
            microsoft.faults.clear()
            clock.advance(minutes=1)

            assert outcome.result is (result or outcome.result)
            assert outcome.retry_after == (40 if fault.status == 429 else None)
            assert bool(getattr(microsoft, kept)) is taken
    assert outcome.result in {Result.SENT, Result.ACCEPTED}


@pytest.mark.parametrize("name", KINDS)
async def test_a_token_that_was_revoked_or_has_run_out_is_replaced_by_a_fresh_one(
    microsoft: Microsoft, clock: ManualClock, tmp_path: Path, name: str
) -> None:
    """The first message meets a revoked token, the second one that has lived for an hour."""
    revoked = Fault(FaultKind.STATUS, path=PATHS[name], status=401, times=1)
    microsoft.faults.add(revoked)
    async with channels(microsoft, clock, tmp_path) as made:
        first = await made[name].send(message())
        clock.advance(minutes=61)
        second = await made[name].send(message())

    assert {first.result, second.result} <= {Result.SENT, Result.ACCEPTED}
    assert microsoft.problems == []


async def test_without_sign_in_nothing_is_sent_by_any_of_them(
    microsoft: Microsoft, clock: ManualClock, tmp_path: Path
) -> None:
    """The token endpoint is down: each message is tried again later."""
    microsoft.faults.add(Fault(FaultKind.STATUS, path=f"/{APP.tenant}/", status=503))
    async with channels(microsoft, clock, tmp_path) as made:
        outcomes = [await made[name].send(message()) for name in KINDS]

    assert [one.result for one in outcomes] == [Result.RETRY] * 3
    assert (microsoft.mails, microsoft.notified, microsoft.cards) == ([], [], [])


def test_who_shows_no_token_or_one_for_another_service_is_not_let_in(
    microsoft: Microsoft, tmp_path: Path
) -> None:
    """401, and it is written down: it is a mistake of whoever asks."""
    form = {
        "grant_type": "client_credentials",
        "client_id": APP.client_id,
        "client_secret": APP.secret,
        "scope": "https://api.botframework.com/.default",
    }
    trust = ssl.create_default_context(cafile=tmp_path / "localhost.pem")
    with httpx.Client(base_url=microsoft.url, verify=trust) as client:
        token = client.post("/contoso/oauth2/v2.0/token", data=form).json()["access_token"]
        path = f"/v1.0/users/{APP.mailbox}/sendMail"
        bare = client.post(path)
        other = client.post(path, headers={"Authorization": f"Bearer {token}"})
        wrong = client.post("/contoso/oauth2/v2.0/token", data={**form, "client_secret": "x"})

    assert [bare.status_code, other.status_code, wrong.status_code] == [401, 401, 401]
    assert len(microsoft.problems) == 3


def test_a_mailbox_takes_four_requests_at_a_time(clock: ManualClock) -> None:
    """The fifth is told to wait, and let in as soon as one of the others has gone."""
    limits = MailboxLimits(clock)
    four = [limits.request(1000) for _ in range(AT_ONCE)]
    assert [one.__enter__() for one in four] == [None] * AT_ONCE
    with limits.request(1000) as wait:
        assert wait is not None
    four[0].__exit__(None, None, None)
    with limits.request(1000) as wait:
        assert wait is None
    assert (limits.most_at_once, limits.refused) == (AT_ONCE + 1, 1)


@pytest.mark.parametrize(
    ("count", "size", "seconds"),
    [(REQUESTS[0], 1, REQUESTS[1]), (BYTES[0] // 3_000_000, 3_000_000, BYTES[1])],
)
def test_a_mailbox_takes_so_many_requests_and_bytes_and_says_when_it_takes_more(
    clock: ManualClock, count: int, size: int, seconds: float
) -> None:
    """10,000 requests in ten minutes, 150 MB in five; a refused one counts as well."""
    limits = MailboxLimits(clock)
    for _ in range(count):
        with limits.request(size) as wait:
            assert wait is None
    clock.advance(seconds=1)
    with limits.request(size) as wait:
        assert wait == seconds - 1
    clock.advance(seconds=seconds - 1)
    with limits.request(size) as wait:
        assert wait is None
