"""Duties and people that lead to nobody, and rules that are never used.

What one file alone shows is refused when it is read; here is what takes the day, the authority's
rules and the channels as they are.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import SettingsError
from mis_bridge.incidents.chain import HEAD_OF_YEAR, Facts, Origin
from mis_bridge.service.authorities import authorities_of
from mis_bridge.service.check.model import Finding, placed
from mis_bridge.service.schools import escalation_of
from mis_bridge.service.ways import staff_of, ways_of
from mis_bridge.settings import SettingsProblems
from mis_bridge.settings.escalation import rules_of
from mis_bridge.triggers.catalogue import TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from mis_bridge.incidents.chain import Rule, Staff
    from mis_bridge.service.ways import Way
    from mis_bridge.settings import Configuration

__all__ = ["review"]

_NEEDED: Final = ("dsl", "office", "attendance", "it")
"""Triggers name these; a rule may name the others."""

_Found = tuple[Finding, str]
"""What was found, and the school in whose file it stands; empty for ``config.toml``."""


def review(
    configuration: Configuration, broken: Mapping[str, str], today: date
) -> Iterator[Finding]:
    """Look at the duties, people and rules of every school; what all have in common comes once.

    Args:
        configuration: as loaded.
        broken: channels that do not work, and why.
        today: local date.
    """
    try:
        found = dict.fromkeys(_everywhere(configuration, broken, today))
    except (SettingsError, SettingsProblems):
        return  # the authority's own mistakes have been named
    for finding, home in found:
        yield placed(configuration, finding, home)


def _everywhere(
    configuration: Configuration, broken: Mapping[str, str], today: date
) -> Iterator[_Found]:
    authorities = authorities_of(configuration)
    general = rules_of(configuration.settings.escalation, Origin.INSTALLATION)
    yield from _idle(general, "")
    for school, own in configuration.schools.items():
        yield from _idle(rules_of(own.escalation, Origin.SCHOOL), school)
        ways = ways_of(configuration, school)
        staff = staff_of(configuration, school, ways)
        authority = authorities[configuration.authority(school)]
        rules = escalation_of(configuration, school, authority, general)
        yield from _duties(configuration, school, ways, broken, today)
        yield from _people(configuration, school, rules, broken, today)
        yield from _named(configuration, school, rules, staff, today)
        yield from _taken_away(configuration, school, rules, staff)


def _idle(rules: Iterable[Rule], school: str) -> Iterator[_Found]:
    """Rules that never give a chain, because an earlier one of the same file takes everything."""
    named: set[int] = set()
    for earlier, later in combinations(rules, 2):
        if earlier.covers(later) and later.place not in named:
            named.add(later.place)
            text = (
                f"never used: rule {earlier.place + 1} ({earlier.name}) stands before it and takes "
                "every alert that it is for. Put the special one first"
            )
            yield Finding("problem", text, key=f"escalation[{later.place + 1}]"), school


def _home(configuration: Configuration, school: str, table: str, name: str) -> str:
    """The school in whose file something stands, or empty for ``config.toml``."""
    own = getattr(configuration.schools[school], table)
    return school if name in own else ""


def _duties(
    configuration: Configuration,
    school: str,
    ways: Mapping[str, tuple[Way, ...]],
    broken: Mapping[str, str],
    today: date,
) -> Iterator[_Found]:
    """Duties whose people have all left, or whose channels are all broken."""
    for duty in configuration.routes(school):
        there = [way for way in ways[duty] if way.is_open(today)]
        home, key = _home(configuration, school, "routes", duty), f"routes.{duty}"
        if ways[duty] and not there:
            text = "everybody who has this duty has left: name who has it now"
            if duty in _NEEDED:
                text += "; until then IT is told instead, where it can be"
            yield Finding("problem", text, key=key), home
        elif there and all(way.channel in broken for way in there):
            named = ", ".join(dict.fromkeys(way.channel for way in there))
            text = f"nobody can be reached: none of its channels works ({named})"
            yield Finding("problem", text, key=key), home


def _people(
    configuration: Configuration,
    school: str,
    rules: Iterable[Rule],
    broken: Mapping[str, str],
    today: date,
) -> Iterator[_Found]:
    """People who have left, have no working channel, or are told of nothing."""
    in_routes = {name for names in configuration.routes(school).values() for name in names}
    in_rules = {name for rule in rules for step in rule.steps for name in step.tell}
    for person, table in configuration.people(school).items():
        home, key = _home(configuration, school, "people", person), f"people.{person}"
        named = person in in_routes | in_rules
        ways = [way.channel for way in table.channels]
        if table.last_day is not None and table.last_day < today:
            if named:
                text = f"left on {table.last_day}: take this id out of the routes and rules"
                yield Finding("note", text, key=key), home
        elif all(channel in broken for channel in ways):
            why = "; ".join(f"{channel}: {broken[channel]}" for channel in ways)
            yield Finding("problem", f"no channel to {table.name} works: {why}", key=key), home
        elif not named and home:
            text = "is in no route and no rule: nothing is told here"
            yield Finding("note", text, key=key), home


def _named(
    configuration: Configuration, school: str, rules: Iterable[Rule], staff: Staff, today: date
) -> Iterator[_Found]:
    """Duties that a rule names and nobody has at this school."""
    heads = [name for name in staff.until if name.startswith(f"{HEAD_OF_YEAR}_")]
    for rule in rules:
        if rule.besides:
            continue  # it is meant for schools without some of the duties too
        missing: dict[str, None] = {}
        for step in rule.steps:
            for name in step.tell:
                covered = name == HEAD_OF_YEAR and any(staff.leads(one, today) for one in heads)
                if name not in staff.until and not covered:
                    missing[name] = None
        for name in missing:
            text = f'nobody has the duty "{name}" that it tells: name somebody in [routes] {name}'
            if rule.origin is Origin.AUTHORITY:
                rule_text = f"the authority's rule ({rule.name}) is not carried out in full: "
                yield Finding("note", f"{rule_text}{text}", key=f"routes.{name}"), school
                continue
            home = school if rule.origin is Origin.SCHOOL else ""
            whose = f" at {school}" if not home and len(configuration.schools) > 1 else ""
            key = f"escalation[{rule.place + 1}]"
            yield Finding("problem", f"{text}{whose}", key=key), home


def _taken_away(
    configuration: Configuration, school: str, rules: Iterable[Rule], staff: Staff
) -> Iterator[_Found]:
    """Rules that name neither triggers nor pupils, and so keep from others what is theirs."""
    routes = configuration.routes(school)
    for rule in rules:
        own = rule.origin in {Origin.SCHOOL, Origin.INSTALLATION}
        if not own or rule.triggers or rule.flags or rule.year_groups:
            continue
        told = {name for step in rule.steps for name in step.tell}
        always = replace(rule, hours=(0, 24 * 60), weekdays=frozenset(), term=None)
        lost: dict[str, str] = {}
        for trigger, module in TRIGGERS.items():
            if not always.fits(Facts(trigger, module.INFO.severity, rule.level)):
                continue
            for duty in module.INFO.audience:
                if duty not in told and told.isdisjoint(routes.get(duty, ())):
                    lost.setdefault(duty, trigger)
        if lost:
            whom = ", ".join(f"{staff.called(duty)} of {trigger}" for duty, trigger in lost.items())
            text = (
                f"it names no triggers, so that others do not hear what is theirs: {whom}. "
                "Write triggers, or tell them too"
            )
            home = school if rule.origin is Origin.SCHOOL else ""
            yield Finding("note", text, key=f"escalation[{rule.place + 1}]"), home
