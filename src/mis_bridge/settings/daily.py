"""What can be configured about the day's one message."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mis_bridge.settings.fields import MinuteOfDay, Section

__all__ = ["DailySettings"]


Reader = Literal[
    "dsl",
    "office",
    "attendance",
    "it",
    "designated_teacher",
    "virtual_school",
    "deputy",
    "headteacher",
]
_USUAL: tuple[Reader, ...] = ("dsl", "it")


class DailySettings(Section):
    """The message at the end of a school day that says what was watched and what was not."""

    at: MinuteOfDay = Field(
        default=15 * 60 + 45,
        description="When it is sent on a school day: after the afternoon's register.",
    )
    to: list[Reader] = Field(
        default_factory=lambda: list(_USUAL),
        description="Duties that get it; an empty list switches it off.",
    )
