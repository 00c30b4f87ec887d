"""What a replay would have meant for the people who are told: how much, of what, on which days.

Counted are incidents, not findings: an absent class is one matter for the office, and so is a pupil
who is away in the morning and in the afternoon.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from mis_bridge.incidents.families import identity_of
from mis_bridge.triggers.catalogue import TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from mis_bridge.triggers.replay_model import Replayed

__all__ = ["Difference", "Load", "differences", "loads", "people"]


@dataclass(frozen=True, slots=True)
class Load:
    """What one trigger, or one group of people, would have had.

    Args:
        of: id of the trigger, or the audience.
        title: for headings.
        audience: who is told, in words.
        incidents: how many would have been opened.
        pupils: how many pupils they are about; registers and feeds are about none.
        by_day: how many were opened, by day; days without any are left out.
        median: of all school days, those without any included.
    """

    of: str
    title: str
    audience: str
    incidents: int
    pupils: int
    by_day: Mapping[date, int]
    median: float

    @property
    def busiest(self) -> date | None:
        """The first of the days with the most; None where there is none at all."""
        return max(sorted(self.by_day), key=self.by_day.__getitem__, default=None)

    @property
    def most(self) -> int:
        """How many on the busiest day."""
        return max(self.by_day.values(), default=0)


@dataclass(frozen=True, slots=True)
class Difference:
    """How often a trigger would have raised something under two sets of rules.

    Args:
        trigger: its id.
        first, second: incidents under the one and the other.
        only_first, only_second: of these, not raised under the other.
    """

    trigger: str
    first: int
    second: int
    only_first: int
    only_second: int


def loads(found: Iterable[Replayed], school_days: Collection[date]) -> list[Load]:
    """Give the load of each trigger that raised anything, in the catalogue's order.

    Args:
        found: what a replay gave.
        school_days: the days that were replayed; the median is of these.
    """
    by_trigger: dict[str, dict[object, Replayed]] = {}
    for one in found:
        opened = by_trigger.setdefault(one.finding.trigger, {})
        opened.setdefault(identity_of(one.finding), one)
    return [
        _load(
            trigger,
            TRIGGERS[trigger].INFO.title,
            ", ".join(TRIGGERS[trigger].INFO.audience),
            list(by_trigger[trigger].values()),
            school_days,
        )
        for trigger in TRIGGERS
        if trigger in by_trigger
    ]


def people(found: Iterable[Replayed], school_days: Collection[date]) -> list[Load]:
    """Give the load of each audience; what several are told of counts for each of them.

    Arguments as ``loads``.
    """
    by_audience: dict[str, dict[object, Replayed]] = {}
    for one in found:
        for audience in TRIGGERS[one.finding.trigger].INFO.audience:
            opened = by_audience.setdefault(audience, {})
            opened.setdefault(identity_of(one.finding), one)
    return [
        _load(audience, audience, audience, list(opened.values()), school_days)
        for audience, opened in sorted(by_audience.items())
    ]


def differences(first: Sequence[Replayed], second: Sequence[Replayed]) -> list[Difference]:
    """Compare two replays of the same registers, trigger by trigger.

    Something is the same where it is the same episode of the same pupil, although it may have been
    raised on another day.
    """
    one, other = _episodes(first), _episodes(second)
    none: frozenset[object] = frozenset()
    return [
        Difference(
            trigger,
            len(here),
            len(there),
            only_first=len(here - there),
            only_second=len(there - here),
        )
        for trigger in TRIGGERS
        if (here := one.get(trigger, none)) | (there := other.get(trigger, none))
    ]


def _episodes(found: Iterable[Replayed]) -> dict[str, set[object]]:
    episodes: dict[str, set[object]] = {}
    for one in found:
        episodes.setdefault(one.finding.trigger, set()).add(identity_of(one.finding))
    return episodes


def _load(
    of: str, title: str, audience: str, opened: Sequence[Replayed], school_days: Collection[date]
) -> Load:
    by_day = Counter(one.fired_at.date() for one in opened)
    days = {*school_days, *by_day}
    return Load(
        of,
        title,
        audience,
        len(opened),
        len({one.finding.pupil for one in opened} - {""}),
        dict(sorted(by_day.items())),
        median(by_day[day] for day in days) if days else 0,
    )
