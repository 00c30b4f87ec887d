"""What an examination says of any channel, point by point."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from mis_bridge.channels.base import Expiry, Point, Standing
from mis_bridge.channels.examination import EXPIRES_SOON, examine
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.messages.model import Disclosure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.messages.model import Message

NOW = dt.datetime(2026, 11, 23, 9, 35, tzinfo=dt.UTC)
WELL = Outcome(Result.SENT, "the host answers")
SECOND = dt.timedelta(seconds=1)


@dataclass
class Plain:
    """A channel that offers no more than every channel has to."""

    checked: Outcome = WELL
    name: str = "dsl"
    kind: str = "plain"
    disclosure: Disclosure = Disclosure.REFERENCE

    async def send(self, message: Message) -> Outcome:
        raise AssertionError(message.reference)

    async def check(self) -> Outcome:
        return self.checked

    async def close(self) -> None:
        raise NotImplementedError


@dataclass
class WithCertificate(Plain):
    """A channel whose certificate ends."""

    ends: Sequence[Expiry] = ()

    def expiries(self) -> Sequence[Expiry]:
        return self.ends


@dataclass
class Outspoken(Plain):
    """A channel that examines itself, and notes whether it was let to probe."""

    asked: list[bool] = field(default_factory=list)

    async def examine(self, *, probe: bool) -> Sequence[Point]:
        self.asked.append(probe)
        return [Point("token", Standing.OK, "given"), Point("scope", Standing.DOUBT, "unseen")]


@pytest.mark.parametrize("result", list(Result))
async def test_a_channel_that_can_say_no_more_is_checked(result: Result) -> None:
    """What can not be reached now is a problem, whether it is tried again or not."""
    found = await examine(Plain(Outcome(result, "the host answers")), NOW)

    good = result in {Result.SENT, Result.ACCEPTED}
    expected = Standing.OK if good else Standing.PROBLEM
    assert found == [Point("connection and login", expected, "the host answers")]


@pytest.mark.parametrize(
    ("left", "standing"),
    [
        (EXPIRES_SOON, Standing.OK),
        (EXPIRES_SOON - SECOND, Standing.DOUBT),
        (SECOND, Standing.DOUBT),
        (dt.timedelta(), Standing.PROBLEM),
        (-SECOND, Standing.PROBLEM),
    ],
)
async def test_what_ends_soon_is_doubtful_and_what_has_ended_a_problem(
    left: dt.timedelta, standing: Standing
) -> None:
    """What to do stands with it as long as there is something to do."""
    channel = WithCertificate(ends=[Expiry(NOW + left, "the certificate", "ask for another")])

    _, end = await examine(channel, NOW)

    assert (end.what, end.standing) == ("the certificate", standing)
    assert end.then == ("" if standing is Standing.OK else "ask for another")
    assert "2026" in end.detail


async def test_a_channel_that_examines_itself_is_asked_instead() -> None:
    """It hears whether it may probe."""
    channel = Outspoken()

    found = [point.what for point in await examine(channel, NOW)]
    await examine(channel, NOW, probe=False)

    assert found == ["token", "scope"]
    assert channel.asked == [True, False]
