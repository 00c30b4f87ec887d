"""What can be configured about interruptions: when people are left alone, what comes together."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mis_bridge.settings.fields import MinuteOfDay, Section

__all__ = ["QuietSettings", "TellingSettings"]

Held = Literal["high", "normal", "low"]
"""Severities that may be held."""


class QuietSettings(Section):
    """When people are left alone. What is held then goes out when the quiet ends."""

    begins: MinuteOfDay = Field(default=18 * 60, description="When the evening becomes quiet.")
    ends: MinuteOfDay = Field(
        default=7 * 60,
        description="When the morning is not quiet any more; the same time twice: no quiet hours.",
    )
    weekends: bool = Field(default=True, description="Saturdays and Sundays are quiet.")
    holidays: bool = Field(
        default=True,
        description="Days without school are quiet, but not for what IT has to mend before term.",
    )
    holds: list[Held] = Field(
        default=["normal", "low"],
        description="Severities that are held. What is critical, a missing child and what nobody "
        "answers are never held.",
    )


class TellingSettings(Section):
    """How many messages people get, and what comes together."""

    group_seconds: int = Field(
        default=15,
        ge=0,
        le=600,
        description="How long an alert that is not urgent waits for others of the same cause.",
    )
    again_seconds: int = Field(
        default=300,
        ge=0,
        le=1800,
        description="How long after a message more alerts of its cause wait, to come as one.",
    )
    digest_at: list[MinuteOfDay] = Field(
        default_factory=lambda: [8 * 60],
        description="When what is of low severity comes together, on school days; empty: it comes "
        "as what is normal.",
    )
    messages_an_hour: int = Field(
        default=30,
        ge=1,
        le=1000,
        description="By channel: beyond it, what is due comes as one summary. Nothing is left out.",
    )
    summary_minutes: int = Field(
        default=5,
        ge=1,
        le=10,
        description="The time between two summaries of a school, unless something is urgent.",
    )
