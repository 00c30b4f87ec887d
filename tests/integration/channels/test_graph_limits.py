"""Outlook's limits of one app and one mailbox: kept where they are known, waited out where not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mis_bridge.channels.mailbox import AT_ONCE, Mailbox
from mis_bridge.channels.outcome import Result
from mis_bridge.io.clock import running_at
from mis_bridge.simulator.service_limits import BYTES, REQUESTS

from .test_graph import graph, make

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.channels.graph import GraphMail
    from mis_bridge.io.clock import ManualClock
    from mis_bridge.messages.model import Message

    from .graph_standin import GraphStandIn

__all__ = ["graph", "make"]

pytestmark = pytest.mark.peer


def _used(graph: GraphStandIn, requests: int, size: int) -> None:
    """Let the app have used its mailbox before: an earlier daemon, or another program."""
    for _ in range(requests):
        with graph.limits.request(size) as wait:
            assert wait is None


@pytest.mark.parametrize(
    ("requests", "size", "seconds"), [(REQUESTS[0], 1, REQUESTS[1]), (1, BYTES[0], BYTES[1])]
)
async def test_a_mailbox_that_is_used_up_is_left_alone_until_it_takes_more(
    graph: GraphStandIn,
    make: Callable[..., GraphMail],
    message: Message,
    clock: ManualClock,
    requests: int,
    size: int,
    seconds: float,
) -> None:
    """10,000 requests in ten minutes or 150 MB in five: refused once, then nobody asks in vain.

    How much went out before a restart Graph alone knows. Its 429 says when it takes more; until
    then the neighbour asks nothing either, and after it both mails go.
    """
    _used(graph, requests, size)
    mailbox = Mailbox()
    one, other = make(mailbox=mailbox), make(mailbox=mailbox)

    first, second = await one.send(message), await other.send(message)
    clock.advance(seconds=seconds)
    third, fourth = await one.send(message), await other.send(message)

    assert (first.result, first.retry_after, first.shared) == (Result.RETRY, seconds, True)
    assert (second.result, second.retry_after, second.shared) == (Result.RETRY, seconds, True)
    assert (third.result, fourth.result) == (Result.ACCEPTED, Result.ACCEPTED)
    assert graph.limits.refused == 1
    assert len(graph.mails) == 2


async def test_requests_that_are_known_of_are_not_made_in_vain(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message, clock: ManualClock
) -> None:
    """The outbox knows of 10,000 attempts in ten minutes: the next one waits unasked."""
    _used(graph, REQUESTS[0], 1)
    mailbox = Mailbox()
    mailbox.recall([running_at(clock, clock.now())] * REQUESTS[0])
    channel = make(mailbox=mailbox)
    clock.advance(seconds=60)

    held = await channel.send(message)
    clock.advance(seconds=REQUESTS[1] - 60)
    sent = await channel.send(message)

    assert (held.result, held.retry_after) == (Result.RETRY, REQUESTS[1] - 60)
    assert sent.result is Result.ACCEPTED
    assert graph.limits.refused == 0


async def test_a_mailbox_that_others_crowd_is_tried_again(
    graph: GraphStandIn, make: Callable[..., GraphMail], message: Message, clock: ManualClock
) -> None:
    """Another program of the app uses the mailbox too: the fifth request goes a moment later."""
    others = [graph.limits.request(1) for _ in range(AT_ONCE)]
    for one in others:
        one.__enter__()
    channel = make()

    refused = await channel.send(message)
    for one in others:
        one.__exit__(None, None, None)
    clock.advance(seconds=refused.retry_after or 0)
    sent = await asyncio.gather(*(channel.send(message) for _ in range(2 * AT_ONCE)))

    assert (refused.result, refused.shared) == (Result.RETRY, True)
    assert {one.result for one in sent} == {Result.ACCEPTED}
    assert graph.limits.refused == 1
