"""The net under every attempt to send: what no code foresaw becomes an outcome as well."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.io.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Attempt", "guarded"]

_log = get_logger(__name__)


@dataclass(slots=True)
class Attempt:
    """How far one attempt has come.

    Args:
        on_its_way: True from the moment at which the peer may have the message.
    """

    on_its_way: bool = False


async def guarded(
    channel: str, seconds: float, send: Callable[[Attempt], Awaitable[Outcome]]
) -> Outcome:
    """Run one attempt; an exception or a late end becomes ``UNKNOWN`` or ``RETRY``.

    Which of the two depends on how far the attempt had come.

    Args:
        channel: its name, for the log.
        seconds: how long all of the attempt may take: it has to end before its lease does, or a
            second copy is sent beside it.
        send: the attempt.

    Only the exception's type is written down: its text and its frames can hold an address, a
    token or a name. A cancellation goes through: the service is stopping, and the attempt's lease
    runs out by itself.
    """
    attempt = Attempt()
    try:
        async with asyncio.timeout(seconds):
            return await send(attempt)
    except TimeoutError:
        how = f"no end within {seconds:g} s"
    except Exception as error:  # noqa: BLE001 - the promise of a channel is that nothing escapes
        kind = type(error).__name__
        _log.error("channel_surprise", channel=channel, error=kind)
        how = f"failed unexpectedly ({kind})"
    if attempt.on_its_way:
        return Outcome(Result.UNKNOWN, f"{how}; the message may have arrived")
    return Outcome(Result.RETRY, f"{how}; nothing was sent")
