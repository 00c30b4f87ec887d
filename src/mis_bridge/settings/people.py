"""What can be configured about people: their duties, and the channels that reach each of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from mis_bridge.settings.fields import Name, OneLine, Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "AUDIENCES",
    "DUTIES",
    "PersonChannel",
    "PersonSettings",
    "channels_of",
    "person_channels",
]

AUDIENCES: Final = (
    "dsl",
    "office",
    "attendance",
    "it",
    "authority",
    "designated_teacher",
    "virtual_school",
    "deputy",
    "head_of_year",
    "headteacher",
)
"""Duties: who can be told; the keys of ``[routes]``."""

_YEARS: Final = range(14)
DUTIES: Final = (*AUDIENCES, *(f"head_of_year_{year}" for year in _YEARS))
"""The same, and the head of each year group, 0 for Reception."""


def _channel(value: object) -> object:
    return {"channel": value} if isinstance(value, str) else value


class PersonChannel(Section):
    """One way to a person."""

    channel: Name = Field(description="Name of the channel.")
    after_minutes: int = Field(
        default=0,
        ge=0,
        le=1440,
        description="Minutes after the person was first told, if nobody has acknowledged by then; "
        "0: only where the channels before it fail.",
    )


_SCHEMA: Final = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["channel"],
            "properties": {
                "channel": {"type": "string"},
                "after_minutes": {"type": "integer", "minimum": 0, "maximum": 1440},
            },
        },
    ]
}

Way = Annotated[PersonChannel, BeforeValidator(_channel), WithJsonSchema(_SCHEMA)]
"""A channel's name, or a table that says after how many minutes it follows."""


class PersonSettings(Section):
    """A person who is told."""

    name: OneLine = Field(min_length=1, description="What the history and the commands call them.")
    channels: list[Way] = Field(
        min_length=1,
        description="Ways to them, in order: a channel's name, or `{ channel = NAME, "
        "after_minutes = 5 }` for one that follows by itself where nobody has acknowledged.",
    )
    role: OneLine = Field(default="", description="What they are, in words; only shown.")
    last_day: dt.date | None = Field(
        default=None,
        description="Last day at the school: from the day after nobody is told there, and whoever "
        "is next is.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> PersonSettings:
        names = [way.channel for way in self.channels]
        if len(set(names)) != len(names):
            raise PydanticCustomError("twice", "a channel is named twice: each once")
        if self.channels[0].after_minutes:
            raise PydanticCustomError(
                "order", "the first channel is used at once: write it without after_minutes"
            )
        delays = [way.after_minutes for way in self.channels if way.after_minutes]
        if delays != sorted(delays):
            raise PydanticCustomError("order", "write the channels in the order of time")
        return self


def channels_of(entries: Iterable[str], people: Mapping[str, PersonSettings]) -> list[str]:
    """Give the channels of a route whose entries are channels or people, each once, in order."""
    return list(
        dict.fromkeys(
            channel
            for entry in entries
            for channel in (
                (way.channel for way in people[entry].channels) if entry in people else (entry,)
            )
        )
    )


def person_channels(table: Any) -> Sequence[str]:
    """Give the channels that a person's table names, as far as it is well formed."""
    ways = table.get("channels") if isinstance(table, dict) else None
    named = [
        way if isinstance(way, str) else way.get("channel") if isinstance(way, dict) else None
        for way in (ways if isinstance(ways, list) else ())
    ]
    return [name if isinstance(name, str) else "" for name in named]
