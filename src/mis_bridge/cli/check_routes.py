"""What ``mis-bridge check`` says of who is told: people and duties that lead to nobody, idle rules.

What one file alone shows is refused when it is read; here is what takes the day, the authority's
rules and the channels as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.build import review as look_at_channels
from mis_bridge.errors import SecretMissing, SettingsError, StoreError
from mis_bridge.incidents.chain import HEAD_OF_YEAR, Origin
from mis_bridge.service.authorities import authorities_of
from mis_bridge.service.schools import escalation_of
from mis_bridge.service.ways import staff_of, ways_of
from mis_bridge.settings.escalation import rules_of
from mis_bridge.store import channels
from mis_bridge.store.opening import embedded_file, open_configured

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from mis_bridge.incidents.chain import Rule, Staff
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.service.ways import Way
    from mis_bridge.settings import Configuration

__all__ = ["Remark", "broken_channels", "review"]

_NEEDED: Final = ("dsl", "office", "attendance", "it")
# Triggers name these; a rule may name the others.


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that a person should know of who is told.

    Args:
        level: ``problem`` or ``note``.
        text: what is wrong and what to do.
        key: where it stands.
        school: in whose file; empty for ``config.toml``.
    """

    level: str
    text: str
    key: str
    school: str = ""


def broken_channels(configuration: Configuration, secrets: Secrets) -> dict[str, str]:
    """Give the channels that can not be set up, or that have to be mended, and why."""
    settings = configuration.settings
    broken = {}
    try:
        ca_bundle = settings.service.ca_bundle or None
        for remark in look_at_channels(settings.channels, secrets, ca_bundle=ca_bundle):
            if remark.fatal:
                broken[remark.channel] = remark.text
        if settings.store.url or embedded_file(configuration).exists():
            store = open_configured(configuration, secrets)
            try:
                with store.reading() as tx:
                    states = channels.load(tx)
            finally:
                store.close()
            broken |= {name: one.last_detail for name, one in states.items() if one.config_alarm}
    except (SettingsError, SecretMissing, StoreError):
        return broken  # each is named where it belongs
    return broken


def review(
    configuration: Configuration, broken: Mapping[str, str], today: date
) -> Iterator[Remark]:
    """Look at the duties, people and rules of every school; each remark comes once.

    Args:
        configuration: what is configured.
        broken: channels that do not work, and why.
        today: local date.

    Raises:
        SettingsError, SettingsProblems: an authority has mistakes.
    """
    authorities = authorities_of(configuration)
    general = rules_of(configuration.settings.escalation, Origin.INSTALLATION)
    found = [*_idle(general, "")]
    for school, own in configuration.schools.items():
        found += _idle(rules_of(own.escalation, Origin.SCHOOL), school)
        ways = ways_of(configuration, school)
        staff = staff_of(configuration, school, ways)
        authority = authorities[configuration.authority(school)]
        rules = escalation_of(configuration, school, authority, general)
        found += _duties(configuration, school, ways, broken, today)
        found += _people(configuration, school, rules, broken, today)
        found += _named(configuration, school, rules, staff, today)
    yield from dict.fromkeys(found)


def _idle(rules: Iterable[Rule], school: str) -> Iterator[Remark]:
    """Rules that never give a chain, because an earlier one of the same file takes everything."""
    named: set[int] = set()
    for earlier, later in combinations(rules, 2):
        if earlier.covers(later) and later.place not in named:
            named.add(later.place)
            text = (
                f"never used: rule {earlier.place + 1} ({earlier.name}) stands before it and takes "
                "every alert that it is for. Put the special one first"
            )
            yield Remark("problem", text, f"escalation[{later.place + 1}]", school)


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
) -> Iterator[Remark]:
    """Duties whose people have all left, or whose channels are all broken."""
    for duty in configuration.routes(school):
        there = [way for way in ways[duty] if way.is_open(today)]
        home, key = _home(configuration, school, "routes", duty), f"routes.{duty}"
        if ways[duty] and not there:
            text = "everybody who has this duty has left: name who has it now"
            if duty in _NEEDED:
                text += "; until then IT is told instead, where it can be"
            yield Remark("problem", text, key, home)
        elif there and all(way.channel in broken for way in there):
            named = ", ".join(dict.fromkeys(way.channel for way in there))
            text = f"nobody can be reached: none of its channels works ({named})"
            yield Remark("problem", text, key, home)


def _people(
    configuration: Configuration,
    school: str,
    rules: Iterable[Rule],
    broken: Mapping[str, str],
    today: date,
) -> Iterator[Remark]:
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
                yield Remark("note", text, key, home)
        elif all(channel in broken for channel in ways):
            why = "; ".join(f"{channel}: {broken[channel]}" for channel in ways)
            yield Remark("problem", f"no channel to {table.name} works: {why}", key, home)
        elif not named and home:
            text = "is in no route and no rule: nothing is told here"
            yield Remark("note", text, key, home)


def _named(
    configuration: Configuration, school: str, rules: Iterable[Rule], staff: Staff, today: date
) -> Iterator[Remark]:
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
                yield Remark("note", f"{rule_text}{text}", f"routes.{name}", school)
                continue
            home = school if rule.origin is Origin.SCHOOL else ""
            whose = f" at {school}" if not home and len(configuration.schools) > 1 else ""
            key = f"escalation[{rule.place + 1}]"
            yield Remark("problem", f"{text}{whose}", key, home)
