"""How each duty and person of a school is reached: the channels, in order, with their delays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.incidents.chain import Staff

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mis_bridge.settings import Configuration, PersonSettings

__all__ = ["Way", "later", "staff_of", "ways_of"]


@dataclass(frozen=True, slots=True)
class Way:
    """One channel on the way to a duty or a person.

    Args:
        channel: its name.
        person: id of whom it leads to; empty where it is a duty's own channel.
        after: minutes after that person was first told, if nobody has acknowledged by then; 0:
            only where the channels before it fail, or nobody answers for longer.
        last_day: of that person at the school, or None.
    """

    channel: str
    person: str = ""
    after: int = 0
    last_day: date | None = None

    def is_open(self, day: date) -> bool:
        """Whether it leads to somebody who is still there on a day."""
        return self.last_day is None or day <= self.last_day


def later(ways: tuple[Way, ...], channel: str) -> list[tuple[Way, int]]:
    """Give the further ways to the person whom a channel reaches, each with its minutes from then.

    Only those that follow by themselves; a duty's own channel is followed by none.
    """
    place = next((place for place, way in enumerate(ways) if way.channel == channel), None)
    if place is None or not ways[place].person:
        return []
    first = ways[place]
    return [
        (way, way.after - first.after)
        for way in ways[place + 1 :]
        if way.person == first.person and way.after > first.after
    ]


def ways_of(configuration: Configuration, school: str) -> dict[str, tuple[Way, ...]]:
    """Give the ways to every duty and every person of a school, by duty and by person's id."""
    people = configuration.people(school)
    ways = {person: tuple(_to_person(person, table)) for person, table in people.items()}
    for duty, entries in configuration.routes(school).items():
        ways[duty] = tuple(way for entry in entries for way in ways.get(entry, (Way(entry),)))
    return ways


def _to_person(person: str, table: PersonSettings) -> list[Way]:
    return [Way(way.channel, person, way.after_minutes, table.last_day) for way in table.channels]


def staff_of(
    configuration: Configuration, school: str, ways: Mapping[str, tuple[Way, ...]]
) -> Staff:
    """Say until when each duty and person leads to somebody, and what people are called."""
    return Staff(
        {name: _last_day(to) for name, to in ways.items() if to},
        {person: table.name for person, table in configuration.people(school).items()},
    )


def _last_day(ways: tuple[Way, ...]) -> date | None:
    days = [way.last_day for way in ways]
    return None if None in days else max(day for day in days if day is not None)
