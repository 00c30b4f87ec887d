"""Mistakes that one value alone does not show: names that lead nowhere, secrets in the open."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mis_bridge.settings.fields import WRITTEN_OUT
from mis_bridge.settings.people import person_channels
from mis_bridge.settings.problems import nearest
from mis_bridge.settings.route_checks import Told, route_problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mis_bridge.errors import SettingsError
    from mis_bridge.settings.problems import Reader

__all__ = ["Names", "check_school", "check_settings"]

# Audiences without which an alert would reach nobody.
_NEEDED = ("dsl", "office", "attendance", "it")
_SECRET_NAMES = re.compile(
    r"(^|_)(token|secret|password|passphrase|api_?key|private_?key|key)$", re.IGNORECASE
)
_REFERENCE = re.compile(r"(credential|env):.+")


@dataclass(frozen=True, slots=True)
class Names:
    """The parts of a file whose names point to something else, as far as they are well formed.

    They are read from the raw file, so that a mistake elsewhere in it does not hide theirs.
    Channels are names to kinds, people are ids to their channels.
    """

    channels: Mapping[str, str]
    people: Mapping[str, Sequence[str]]
    triggers: Mapping[str, Mapping[str, Any]]
    codes: Mapping[str, str]
    connection: Mapping[str, Any]
    school: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Names:
        """Take what is well formed.

        Args:
            raw: the file with its overrides, as plain values.
        """
        codes = _table(raw, "codes")
        school = _table(raw, "school").get("id")
        return cls(
            channels={
                name: str(_table(_table(raw, "channels"), name).get("kind", ""))
                for name in _table(raw, "channels")
            },
            people={
                person: person_channels(table) for person, table in _table(raw, "people").items()
            },
            triggers={
                name: table
                for name, table in _table(raw, "triggers").items()
                if isinstance(table, dict)
            },
            codes={own: code for own, code in codes.items() if isinstance(code, str)},
            connection=_table(_table(raw, "mis"), "connection"),
            school=school if isinstance(school, str) else "",
        )


def check_settings(
    names: Names, whole: Mapping[str, Any], raw: Mapping[str, Any], reader: Reader
) -> list[SettingsError]:
    """Mistakes in ``config.toml`` as a whole.

    Args:
        names: from the file with its overrides.
        whole: the file with its overrides, as plain values.
        raw: the file alone: a password in an address is allowed in the environment.
        reader: knows the lines.
    """
    told = Told(whole, names.channels, {})
    problems = [
        *route_problems(told, reader),
        *_trigger_problems(names.triggers, reader),
        *_store_problems(raw, reader),
    ]
    if names.channels:
        problems += [
            reader.problem(
                ("routes", audience),
                f'nobody is told what the audience "{audience}" should know: write '
                f'{audience} = ["{next(iter(names.channels))}"]',
            )
            for audience in _NEEDED
            # What is there and is no list has been named already.
            if not any(told.routes.get(audience, ()))
            and isinstance(_table(raw, "routes").get(audience, []), list)
        ]
    return problems


def check_school(
    raw: Mapping[str, Any], stem: str, general: Names, reader: Reader
) -> list[SettingsError]:
    """Mistakes in one school's file.

    Args:
        raw: the file as plain values.
        stem: the file's name without ``.toml``.
        general: from ``config.toml``: its channels and people.
        reader: knows the lines.
    """
    names = Names.of(raw)
    problems = [
        *route_problems(Told(raw, general.channels, general.people), reader),
        *_trigger_problems(names.triggers, reader),
        *_code_problems(names.codes, reader),
    ]
    if names.school not in ("", stem):
        problems.append(
            reader.problem(
                ("school", "id"),
                f'the id must be the file\'s name: write id = "{stem}", or rename the file '
                f"to {names.school}.toml",
            )
        )
    problems += [
        reader.problem(("mis", "connection", key), WRITTEN_OUT)
        for key, value in names.connection.items()
        if _SECRET_NAMES.search(key) and not (isinstance(value, str) and _REFERENCE.match(value))
    ]
    return problems


def _table(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = raw.get(key)
    return value if isinstance(value, dict) else {}


def _trigger_problems(
    triggers: Mapping[str, Mapping[str, Any]], reader: Reader
) -> list[SettingsError]:
    if not triggers:
        return []
    from mis_bridge.triggers.catalogue import TRIGGERS, parameters

    problems = []
    for name, overrides in triggers.items():
        if name not in TRIGGERS:
            problems.append(
                reader.problem(
                    ("triggers", name), f'there is no trigger "{name}": {nearest(name, TRIGGERS)}'
                )
            )
            continue
        for key, value in overrides.items():
            try:
                parameters(name, {key: value})
            except ValueError as error:
                problems.append(reader.problem(("triggers", name, key), str(error)))
    return problems


def _store_problems(raw: Mapping[str, Any], reader: Reader) -> list[SettingsError]:
    url = _table(raw, "store").get("url")
    if not isinstance(url, str) or not url or _REFERENCE.match(url):
        return []
    try:
        password = urlsplit(url).password
    except ValueError:
        return [reader.problem(("store", "url"), "this is not an address")]
    if not password:
        return []
    return [
        reader.problem(
            ("store", "url"),
            "a password is never written here: put the whole address in a credential and write "
            'url = "credential:store-url"',
        )
    ]


def _code_problems(codes: Mapping[str, str], reader: Reader) -> list[SettingsError]:
    if not codes:
        return []
    from mis_bridge.errors import UnknownCode
    from mis_bridge.registers.codes import to_byte

    problems = []
    for own, national in codes.items():
        try:
            to_byte(national)
        except UnknownCode:
            problems.append(
                reader.problem(
                    ("codes", own),
                    f'"{national}" is not a code of the national table: write the code that '
                    f'"{own}" means',
                )
            )
    return problems
