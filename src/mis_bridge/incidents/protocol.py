"""The steps people take, with their deadlines and sources, as data."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a protocol.

    Args:
        id: stable name within the protocol.
        text: what a person does, imperative, short enough for a telephone's screen.
        who: who does it.
        minutes: deadline after the incident opened, or None.
        source: guidance that the step and its deadline come from.
    """

    id: str
    text: str
    who: str
    minutes: int | None
    source: str
