"""What every channel offers."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mis_bridge.channels.outcome import Outcome
    from mis_bridge.messages.model import Disclosure, Message

__all__ = ["Channel", "is_loopback"]


class Channel(Protocol):
    """One way to reach people.

    ``send`` and ``check`` never raise: whatever happens becomes an
    :class:`~mis_bridge.channels.outcome.Outcome`.
    """

    @property
    def name(self) -> str:
        """Name of the channel in the configuration."""

    @property
    def kind(self) -> str:
        """``teams``, ``smtp``, ``graph`` or ``folder``."""

    @property
    def disclosure(self) -> Disclosure:
        """How much of a pupil may be shown to those who read this channel."""

    async def send(self, message: Message) -> Outcome:
        """Send one message to the message's own recipients, else to the channel's."""

    async def check(self) -> Outcome:
        """Go as far as is possible without sending; ``SENT`` means that all is well."""

    async def close(self) -> None:
        """Let go of connections."""


def is_loopback(host: str) -> bool:
    """Tell whether the host is this machine, by its spelling alone (nothing is looked up)."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
