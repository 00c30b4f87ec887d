"""The net under every attempt to send: what no code foresaw becomes an outcome as well."""

from __future__ import annotations

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


async def guarded(channel: str, send: Callable[[Attempt], Awaitable[Outcome]]) -> Outcome:
    """Run one attempt; an exception becomes ``UNKNOWN`` or ``RETRY``, by how far it had come.

    Only the exception's type is written down: its text and its frames can hold an address, a
    token or a name. A cancellation goes through: the service is stopping, and the attempt's lease
    runs out by itself.
    """
    attempt = Attempt()
    try:
        return await send(attempt)
    except Exception as error:  # noqa: BLE001 - the promise of a channel is that nothing escapes
        kind = type(error).__name__
        _log.error("channel.surprise", channel=channel, error=kind)
    if attempt.on_its_way:
        return Outcome(
            Result.UNKNOWN, f"failed unexpectedly ({kind}); the message may have arrived"
        )
    return Outcome(Result.RETRY, f"failed unexpectedly ({kind}) before anything was sent")
