"""Mistakes in who is told: duties, people and rules whose names lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.settings.people import DUTIES, person_channels
from mis_bridge.settings.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mis_bridge.errors import SettingsError
    from mis_bridge.settings.problems import Reader
    from mis_bridge.settings.toml_lines import KeyPath

__all__ = ["Told", "route_problems", "rule_problems"]

# Duties that get packages.
_GET_FILES: Final = ("authority", "designated_teacher", "virtual_school")
# Kinds of channel that packages do not travel by.
_CARRY_NO_FILES: Final = frozenset({"teams", "teams-activity", "teams-bot", "apprise"})
# Kinds of channel that alerts do not travel by: they lead to nobody in the school.
_TO_THE_AUTHORITY: Final = frozenset({"secure-mail", "sftp", "https"})

_NO_FILES: Final = (
    "Teams and Apprise carry no files, and a package for the Local Authority is files: name a "
    "mail or folder channel"
)
_ONLY_APPROVED: Final = (
    "nothing goes to the Local Authority without a person's approval: tell people in the school"
)


class Told:
    """Who is told, as far as one file writes it well, and the channels and people it may name.

    Args:
        raw: the file as plain values.
        channels: of ``config.toml``, name to kind.
        people: of ``config.toml``, id to their channels, where this is another file.
    """

    def __init__(
        self,
        raw: Mapping[str, Any],
        channels: Mapping[str, str],
        people: Mapping[str, Sequence[str]],
    ) -> None:
        tables = {key: raw.get(key) for key in ("routes", "people", "escalation")}
        routes, own, rules = (tables[key] for key in ("routes", "people", "escalation"))
        self.channels = channels
        self.routes: dict[str, list[str]] = {
            duty: [name if isinstance(name, str) else "" for name in names]
            for duty, names in (routes if isinstance(routes, dict) else {}).items()
            if isinstance(names, list)
        }
        self.own_people: dict[str, Sequence[str]] = {
            person: person_channels(table)
            for person, table in (own if isinstance(own, dict) else {}).items()
        }
        self.people = {**people, **self.own_people}
        self.rules: list[Mapping[str, Any]] = [
            rule if isinstance(rule, dict) else {}
            for rule in (rules if isinstance(rules, list) else ())
        ]


def route_problems(told: Told, reader: Reader) -> list[SettingsError]:
    """Mistakes in ``[routes]``, ``[people]`` and ``[[escalation]]`` of one file."""
    found = [*_in_routes(told), *_in_people(told), *_in_rules(told)]
    return [reader.problem(path, text) for path, text in found]


def _in_routes(told: Told) -> Iterator[tuple[KeyPath, str]]:
    for duty, names in told.routes.items():
        if duty not in DUTIES:
            yield ("routes", duty), f'there is no duty "{duty}": {nearest(duty, DUTIES)}'
        for place, name in enumerate(names):
            path: KeyPath = ("routes", duty, place)
            if name and name not in told.channels and name not in told.people:
                what = "channel or person" if told.people else "channel"
                known = [*told.channels, *told.people]
                yield path, f'there is no {what} "{name}": {nearest(name, known)}'
            kinds = {told.channels.get(one, "") for one in told.people.get(name, [name])}
            if duty in _GET_FILES and kinds & _CARRY_NO_FILES:
                yield path, _NO_FILES
            if duty not in _GET_FILES and kinds & _TO_THE_AUTHORITY:
                yield path, _only_packages(name)


def _only_packages(name: str) -> str:
    return (
        f'"{name}" leads to the Local Authority, and takes approved packages only: name a '
        "channel of Teams or email for people in the school"
    )


def _in_people(told: Told) -> Iterator[tuple[KeyPath, str]]:
    for person, names in told.own_people.items():
        if person in DUTIES or person in told.channels:
            what = "duty" if person in DUTIES else "channel"
            text = f'"{person}" is the name of a {what} too: give the person an id of their own'
            yield ("people", person), text
        for place, name in enumerate(names):
            path: KeyPath = ("people", person, "channels", place)
            if name and name not in told.channels:
                yield path, f'there is no channel "{name}": {nearest(name, list(told.channels))}'
            if told.channels.get(name) in _TO_THE_AUTHORITY:
                yield path, _only_packages(name)


def _in_rules(told: Told) -> Iterator[tuple[KeyPath, str]]:
    for place, rule in enumerate(told.rules):
        for path, text in rule_problems(rule, told.people):
            yield ("escalation", place, *path), text


def rule_problems(
    rule: Mapping[str, Any], people: Mapping[str, object]
) -> Iterator[tuple[KeyPath, str]]:
    """Names in one rule that lead nowhere, each with its key below the rule.

    Args:
        rule: the table as plain values; what is not well formed is passed over.
        people: whom it may name besides duties.
    """
    triggers = rule.get("triggers")
    if isinstance(triggers, list) and triggers:
        from mis_bridge.triggers.catalogue import TRIGGERS

        for place, name in enumerate(triggers):
            if isinstance(name, str) and name not in TRIGGERS:
                yield (
                    ("triggers", place),
                    f'there is no trigger "{name}": {nearest(name, TRIGGERS)}',
                )
    steps = rule.get("steps")
    for at, step in enumerate(steps if isinstance(steps, list) else ()):
        tell = step.get("tell") if isinstance(step, dict) else None
        for place, name in enumerate(tell if isinstance(tell, list) else ()):
            path: KeyPath = ("steps", at, "tell", place)
            if name == "authority":
                yield path, _ONLY_APPROVED
            elif isinstance(name, str) and name not in DUTIES and name not in people:
                what = "duty or person" if people else "duty"
                yield path, f'there is no {what} "{name}": {nearest(name, [*DUTIES, *people])}'
