"""Apprise against a real web server: what it can say becomes the outcome, and no more."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
from pytest_httpserver import HTTPServer

from mis_bridge.channels.apprise_extra import AppriseExtra, service_of
from mis_bridge.channels.outcome import Result
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.model import Carried, Disclosure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.messages.model import Message

PATH = "/INVENTED-sig-0123456789abcdefghij"


@pytest.fixture(scope="module")
def hook_server() -> Iterator[HTTPServer]:
    """A web server on this machine: `json://` may be used for it alone."""
    with HTTPServer(host="127.0.0.1", port=0) as server:
        yield server


@pytest.fixture
def hook(hook_server: HTTPServer) -> HTTPServer:
    """The same, which knows nothing yet."""
    hook_server.clear()
    return hook_server


@pytest.fixture
def channel(hook: HTTPServer) -> AppriseExtra:
    """The channel that posts to it."""
    url = Secret(f"json://127.0.0.1:{hook.port}{PATH}", reference="credential:extra")
    return AppriseExtra("extra", disclosure=Disclosure.FULL, service=service_of(url))


async def test_subject_and_text_arrive_as_they_are(
    hook: HTTPServer, channel: AppriseExtra, message: Message
) -> None:
    """A 2xx is Apprise's yes: accepted, which is not delivered. Nothing is fetched from outside."""
    hook.expect_request(PATH, method="POST").respond_with_data(status=200)
    tricky = dataclasses.replace(message, text="*A* <b>seen</b> in P2 & _absent_ from P3.\n")

    outcome = await channel.send(tricky)

    posted = json.loads(hook.log[0][0].get_data())
    assert outcome.result is Result.ACCEPTED
    assert posted["title"] == message.subject
    assert posted["message"].strip() == tricky.text.strip()
    assert posted["attachments"] == []
    assert "http" not in json.dumps(posted)


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_a_no_is_unknown_whatever_it_was(
    hook: HTTPServer, channel: AppriseExtra, message: Message, status: int
) -> None:
    """Apprise does not say whether to try again, nor when: a 429's time is lost on it."""
    hook.expect_request(PATH).respond_with_data(
        "for Ada Testpupil", status=status, headers={"Retry-After": "30"}
    )

    outcome = await channel.send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.UNKNOWN, False)
    assert f"({status})" in outcome.detail
    assert outcome.retry_after is None


async def test_nobody_listening_is_unknown_as_well(message: Message, free_port: int) -> None:
    """The library says no and not why; the next channel of the route is not kept waiting by it."""
    url = Secret(f"json://127.0.0.1:{free_port}{PATH}", reference="credential:extra")
    channel = AppriseExtra("extra", disclosure=Disclosure.FULL, service=service_of(url))

    outcome = await channel.send(message)

    assert outcome.result is Result.UNKNOWN
    assert "JSON" in outcome.detail


async def test_a_package_is_never_sent_this_way(
    hook: HTTPServer, channel: AppriseExtra, message: Message
) -> None:
    """It is files, and they would be left out."""
    package = Carried("c0ffee" * 10 + "abcd", "cme", 1, ())

    outcome = await channel.send(dataclasses.replace(message, package=package))

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, False)
    assert hook.log == []


async def test_check_sends_nothing(hook: HTTPServer, channel: AppriseExtra) -> None:
    """It says that only a test message shows more."""
    outcome = await channel.check()

    assert outcome.result is Result.SENT
    assert "only a test message shows" in outcome.detail
    assert hook.log == []
