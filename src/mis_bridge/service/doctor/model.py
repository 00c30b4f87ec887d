"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Line", "Standing"]


class Standing(StrEnum):
    """How one thing stands."""

    OK = "ok"
    LOOK = "look"
    """It works; a person should look before it does not."""
    BROKEN = "broken"
    """It does not work, or nobody can say that it does."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at.

    Args:
        standing: how it stands.
        what: what was looked at: ``clock``, ``feed samplewood``, ``channel dsl-teams``.
        seen: what was found; no pupil, no secret.
        then: what to do about it; empty where nothing is to be done.
    """

    standing: Standing
    what: str
    seen: str
    then: str = ""
