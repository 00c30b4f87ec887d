"""Who is told first, who next and when: the chain of an incident, chosen once, when it opens.

Rules are asked in order, the school's own first, then the installation's, then the authority's; the
first that fits gives the chain. Where none fits there is no chain: the trigger's own audience is
told, and then the next channel of each as long as nobody answers. What was chosen is kept in the
incident, so that an edit of the rules does not touch an escalation that is under way.

Nobody is left untold: a duty that nobody has, or a person who has left, is passed over with a
reason; a chain in which nobody is left gives way to the trigger's own audience, and that to IT.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import AcademicYear, local_minute, monday_of
from mis_bridge.triggers.model import Audience, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from mis_bridge.registers.school_years import SchoolYears

__all__ = [
    "HEAD_OF_YEAR",
    "Chain",
    "ChainStep",
    "Chosen",
    "Facts",
    "Origin",
    "Rule",
    "Staff",
    "Traits",
    "choose",
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
    """

    rule: str
    steps: tuple[ChainStep, ...]


class Origin(StrEnum):
    """Where a rule stands."""

    SCHOOL = "school"
    INSTALLATION = "installation"
    AUTHORITY = "authority"


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


@dataclass(frozen=True, slots=True)
class Chosen:
    """Who is told of an incident, and what else was decided about it.

    Args:
        audience: who is told at once; never empty where anybody can be told at all.
        chain: what follows; None for the usual.
        rule: the one that fits, also where its chain leads to nobody; None where none does.
        passed_over: duties and people that lead to nobody, with the reason.
    """

    audience: tuple[str, ...]
    chain: Chain | None = None
    rule: Rule | None = None
    passed_over: Mapping[str, Reason] = field(default_factory=dict)


def choose(
    rules: Iterable[Rule],
    facts: Facts,
    usual: Sequence[str],
    staff: Staff | None,
    on: date,
) -> Chosen:
    """Choose who is told of an incident that opens or rises now.

    Args:
        rules: in the order in which they are asked.
        facts: of the incident.
        usual: who is told where no rule fits.
        staff: who can be told; None: everybody.
        on: local date.
    """
    rule = next((rule for rule in rules if rule.fits(facts)), None)
    passed: dict[str, Reason] = {}
    if rule is not None:
        named = [
            ChainStep(_in_person(step.tell, facts.year_group, staff, on), step.after)
            for step in rule.steps
        ]
        steps = [
            ChainStep(there, step.after)
            for step in named
            if (there := present(step.tell, staff, on, passed))
        ]
        if steps:
            began = steps[0].after
            chain = Chain(
                rule.name, tuple(ChainStep(step.tell, step.after - began) for step in steps)
            )
            return Chosen(chain.steps[0].tell, chain, rule, passed)
    audience = present(usual, staff, on, passed)
    if not audience:
        audience = present((Audience.IT,), staff, on, passed) or tuple(usual)
    return Chosen(audience, None, rule, passed)


def _in_person(
    names: Iterable[str], year_group: int | None, staff: Staff | None, on: date
) -> tuple[str, ...]:
    """Put the head of the pupil's own year in the place of the head of year."""
    own = f"{HEAD_OF_YEAR}_{year_group}"
    has_own = staff is not None and staff.leads(own, on)
    return tuple(dict.fromkeys(own if has_own and name == HEAD_OF_YEAR else name for name in names))


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
