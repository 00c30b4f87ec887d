"""Who is told first, who next and when: the chain of an incident, and the rules that give one.

A chain is chosen once, when the incident opens (``choosing``), and kept in it, so that an edit of
the rules does not touch an escalation that is under way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import AcademicYear, local_minute, monday_of
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from mis_bridge.registers.school_years import SchoolYears

__all__ = [
    "HEAD_OF_YEAR",
    "Chain",
    "ChainStep",
    "Facts",
    "Origin",
    "Rule",
    "Staff",
    "Traits",
    "in_term",
    "next_step",
    "present",
]

HEAD_OF_YEAR: Final = "head_of_year"
"""Stands for ``head_of_year_8`` where the pupil is in Year 8 and somebody has that duty."""

_SEVERITIES: Final = (Severity.LOW, Severity.NORMAL, Severity.HIGH, Severity.CRITICAL)


class Traits(Protocol):
    """What a rule may ask of a pupil; pupils' days, years and places on roll all have it."""

    @property
    def flags(self) -> frozenset[str]:
        """Of ``lac cp cin ehcp sen send_risk yot missing_before``."""

    @property
    def year_group(self) -> int | None:
        """National curriculum year, None unknown."""


@dataclass(frozen=True, slots=True)
class ChainStep:
    """Who is told at one moment.

    Args:
        tell: duties, or ids of people.
        after: minutes since the chain began, if nobody has acknowledged meanwhile.
    """

    tell: tuple[str, ...]
    after: int = 0


@dataclass(frozen=True, slots=True)
class Chain:
    """What was chosen for an incident.

    Args:
        rule: what people call the rule that it came from.
        steps: in order of time; the first is told at once.
        whole: the usual climbs are among the steps; none follows the last.
    """

    rule: str
    steps: tuple[ChainStep, ...]
    whole: bool = False


class Origin(StrEnum):
    """Where a rule stands."""

    SCHOOL = "school"
    INSTALLATION = "installation"
    AUTHORITY = "authority"
    NATIONAL = "national"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a rule looks at, when an incident opens or rises.

    Args:
        trigger, severity, level: of the matter.
        flags, year_group: of the pupil; empty and None where it is about no pupil.
        minute: minutes after local midnight.
        weekday: 0 for Monday.
        term: whether the school has a session in this week.
    """

    trigger: str
    severity: Severity
    level: int = 1
    flags: frozenset[str] = frozenset()
    year_group: int | None = None
    minute: int = 0
    weekday: int = 0
    term: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """For which incidents a chain is meant. What is left empty fits everything.

    Args:
        name: what people call it.
        steps: in order of time; the first at 0 minutes.
        origin, place: where it stands: in whose file, and as which rule of it, from 0.
        triggers: ids; any of them.
        severity: this one or a higher one.
        level: this one or a higher one.
        flags: the pupil has any of them.
        year_groups: the pupil is in any of them.
        hours: minutes after local midnight, from the first up to the second.
        weekdays: 0 for Monday.
        term: True in term only, False in the holidays only.
        besides: its steps are besides the usual: whom the trigger names hear as without a rule, and
            what nobody has as a duty is left out without a word.
    """

    name: str
    steps: tuple[ChainStep, ...]
    origin: Origin = Origin.INSTALLATION
    place: int = 0
    triggers: frozenset[str] = frozenset()
    severity: Severity = Severity.LOW
    level: int = 1
    flags: frozenset[str] = frozenset()
    year_groups: frozenset[int] = frozenset()
    hours: tuple[int, int] = (0, 24 * 60)
    weekdays: frozenset[int] = frozenset()
    term: bool | None = None
    besides: bool = False

    def fits(self, facts: Facts) -> bool:
        """Whether this rule gives the chain, if no earlier one does."""
        return (
            (not self.triggers or facts.trigger in self.triggers)
            and _rank(facts.severity) >= _rank(self.severity)
            and facts.level >= self.level
            and (not self.flags or not self.flags.isdisjoint(facts.flags))
            and (not self.year_groups or facts.year_group in self.year_groups)
            and self.hours[0] <= facts.minute < self.hours[1]
            and (not self.weekdays or facts.weekday in self.weekdays)
            and self.term in {None, facts.term}
        )

    def covers(self, other: Rule) -> bool:
        """Whether everything that another rule fits is fitted by this one too."""
        return (
            _takes_all(self.triggers, other.triggers)
            and _rank(self.severity) <= _rank(other.severity)
            and self.level <= other.level
            and _takes_all(self.flags, other.flags)
            and _takes_all(self.year_groups, other.year_groups)
            and self.hours[0] <= other.hours[0]
            and other.hours[1] <= self.hours[1]
            and _takes_all(self.weekdays, other.weekdays)
            and self.term in {None, other.term}
        )


def _rank(severity: Severity) -> int:
    return _SEVERITIES.index(severity)


def _takes_all(mine: frozenset[str] | frozenset[int], theirs: frozenset[object]) -> bool:
    return not mine or (bool(theirs) and theirs <= mine)


@dataclass(frozen=True, slots=True)
class Staff:
    """Who can be told, as far as the settings know.

    Args:
        until: by duty and by person's id, the last day on which it leads to somebody; None for no
            end. What is not in it leads to nobody.
        names: what people are called, by id.
    """

    until: Mapping[str, date | None] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    def leads(self, name: str, on: date) -> bool:
        """Whether anybody is reached by a duty or a person's id on a day."""
        return self.why_not(name, on) is None

    def why_not(self, name: str, on: date) -> Reason | None:
        """Why nobody is reached, or None where somebody is."""
        if name not in self.until:
            return Reason.NO_ROUTE
        last = self.until[name]
        return Reason.HAS_LEFT if last is not None and last < on else None

    def called(self, name: str) -> str:
        """Return what a duty or a person is called in a sentence."""
        return self.names.get(name) or _DUTY_WORDS.get(name) or name.replace("_", " ")


_DUTY_WORDS: Final = {"dsl": "DSL", "it": "IT", "office": "school office"}


def present(
    names: Iterable[str],
    staff: Staff | None,
    on: date,
    passed_over: dict[str, Reason] | None = None,
) -> tuple[str, ...]:
    """Return those that lead to somebody, each once; note of the others why not."""
    there = []
    for name in dict.fromkeys(names):
        why_not = staff.why_not(name, on) if staff is not None else None
        if why_not is None:
            there.append(name)
        elif passed_over is not None:
            passed_over[name] = why_not
    return tuple(there)


def next_step(
    chain: Chain | None, told: int, staff: Staff | None, on: date
) -> tuple[int, tuple[str, ...]] | None:
    """Return which step of a chain comes next and whom it reaches; None at the chain's end.

    Args:
        chain: of the incident.
        told: the step that was told last.
        staff: who can be told; None: everybody.
        on: local date.
    """
    steps = chain.steps if chain else ()
    for place in range(told + 1, len(steps)):
        if there := present(steps[place].tell, staff, on):
            return place, there
    return None


def in_term(now: datetime, years: SchoolYears) -> bool:
    """Whether a school has a session in this week; True where nobody knows its calendar."""
    today, _ = local_minute(now)
    calendar = years.of(AcademicYear.of(today))
    return calendar is None or monday_of(today) in calendar.school_weeks()
