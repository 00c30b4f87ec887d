"""That there is no token, and what that makes of the message that waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mis_bridge.channels.outcome import Outcome

__all__ = ["TokenRefused"]


class TokenRefused(Exception):
    """No token; says what that makes of the message.

    Args:
        outcome: never ``UNKNOWN``: without a token nothing was sent.
    """

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.detail)
