"""What a step of a protocol is, and the sources that many steps share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = ["OWN_STEP", "WTTISA", "Clock", "Step"]

WTTISA: Final = "Working together to improve school attendance (DfE, August 2024)"
OWN_STEP: Final = "This product's own step"


class Clock(StrEnum):
    """What a step's deadline counts from."""

    OPENED = "opened"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a protocol.

    Args:
        id: stable name within the protocol.
        text: what a person does, imperative, short enough for a telephone's screen.
        who: who does it.
        minutes: deadline, or None where the source gives none.
        source: guidance that the step and its deadline come from.
        after: what the deadline counts from.
    """

    id: str
    text: str
    who: str
    minutes: int | None
    source: str
    after: Clock = Clock.OPENED
