"""Mistakes that one value alone does not show: names that lead nowhere, secrets in the open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mis_bridge.settings.model import AUDIENCES, SchoolSettings, Settings
from mis_bridge.settings.problems import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mis_bridge.errors import SettingsError
    from mis_bridge.settings.problems import Reader

__all__ = ["check_school", "check_settings"]

# Audiences without which an alert would reach nobody.
_NEEDED = ("dsl", "office", "attendance", "it")
_SECRET_NAMES = re.compile(
    r"(^|_)(token|secret|password|passphrase|api_?key|private_?key|key)$", re.IGNORECASE
)
_REFERENCE = re.compile(r"(credential|env):.+")


def check_settings(
    settings: Settings, raw: Mapping[str, Any], reader: Reader
) -> list[SettingsError]:
    """Mistakes in ``config.toml`` as a whole.

    Args:
        settings: the validated file with its overrides.
        raw: the file alone, to tell what was written from what the environment set.
        reader: knows the lines.
    """
    problems = [
        *_route_problems(settings.routes, settings.channels, reader),
        *_trigger_problems(settings.triggers, reader),
        *_store_problems(raw, reader),
    ]
    if settings.channels:
        problems += [
            reader.problem(
                ("routes", audience),
                f'nobody is told what the audience "{audience}" should know: write '
                f'{audience} = ["{next(iter(settings.channels))}"]',
            )
            for audience in _NEEDED
            if not settings.routes.get(audience)
        ]
    return problems


def check_school(
    school: SchoolSettings, stem: str, settings: Settings | None, reader: Reader
) -> list[SettingsError]:
    """Mistakes in one school's file.

    Args:
        school: the validated file.
        stem: the file's name without ``.toml``.
        settings: the general settings, or None where they have mistakes themselves.
        reader: knows the lines.
    """
    problems = [*_trigger_problems(school.triggers, reader)]
    if school.school.id != stem:
        problems.append(
            reader.problem(
                ("school", "id"),
                f'the id must be the file\'s name: write id = "{stem}", or rename the file '
                f"to {school.school.id}.toml",
            )
        )
    if settings is not None:
        problems += _route_problems(school.routes, settings.channels, reader)
    problems += [
        reader.problem(
            ("mis", "connection", key),
            'a secret is never written here: put it in a credential and write "credential:NAME", '
            'or in the environment and write "env:VARIABLE"',
        )
        for key, value in school.mis.connection.items()
        if _SECRET_NAMES.search(key) and not (isinstance(value, str) and _REFERENCE.match(value))
    ]
    problems += _code_problems(school.codes, reader)
    return problems


def _route_problems(
    routes: Mapping[str, list[str]], channels: Iterable[str], reader: Reader
) -> list[SettingsError]:
    known = list(channels)
    problems = []
    for audience, names in routes.items():
        if audience not in AUDIENCES:
            problems.append(
                reader.problem(
                    ("routes", audience),
                    f'there is no audience "{audience}": {nearest(audience, AUDIENCES)}',
                )
            )
        problems += [
            reader.problem(
                ("routes", audience, place),
                f'there is no channel "{name}": {nearest(name, known)}',
            )
            for place, name in enumerate(names)
            if name not in known
        ]
    return problems


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
    store = raw.get("store")
    url = store.get("url") if isinstance(store, dict) else None
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
