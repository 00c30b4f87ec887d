"""Read ``adapter.toml``: every mistake with its file, line and the nearest right spelling."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mis_bridge.adapters.manifest_checks import mistakes
from mis_bridge.adapters.vocabulary import ManifestModel
from mis_bridge.errors import AdapterInvalid, SettingsError
from mis_bridge.io.secrets import Secret
from mis_bridge.settings.problems import Reader, SettingsProblems, nearest
from mis_bridge.settings.toml_lines import LineIndex

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mis_bridge.adapters.vocabulary import ParameterTable

__all__ = ["Connection", "connection", "parse", "read"]

Connection = dict[str, "str | Secret"]
"""What a school gave, checked, with the defaults filled in."""


def read(folder: Path) -> ManifestModel:
    """Read the manifest of an adapter's folder.

    Raises:
        AdapterInvalid: with every mistake, one a line.
    """
    file = folder / "adapter.toml"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise AdapterInvalid(f"{file}: can not be read: {why}") from None
    manifest = parse(text, str(file))
    if manifest.adapter.id != folder.name:
        raise AdapterInvalid(
            f'{file}: adapter.id is "{manifest.adapter.id}", the folder is "{folder.name}": '
            "they must be the same"
        )
    has_code = (folder / "adapter.py").is_file()
    if has_code == bool(manifest.stream):
        raise AdapterInvalid(
            f"{file}: an adapter has either [stream] tables or an adapter.py"
            + (", not both" if has_code else "")
        )
    return manifest


def parse(text: str, file: str) -> ManifestModel:
    """Parse a manifest.

    Args:
        text: TOML.
        file: what errors call it.

    Raises:
        AdapterInvalid: with every mistake, one a line.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AdapterInvalid(f"{file}: {error}") from None

    def reader() -> Reader:
        # To find the lines costs as much as to read the manifest: only where there is a mistake.
        return Reader(ManifestModel, file, LineIndex(text))

    try:
        manifest = ManifestModel.model_validate(raw)
    except ValidationError as error:
        problems = reader().read(error)
    else:
        found = mistakes(manifest)
        if not found:
            return manifest
        told = reader()
        problems = [told.problem(key, problem) for key, problem in found]
    problems.sort(key=lambda problem: problem.line or 0)
    raise AdapterInvalid("\n".join(str(problem) for problem in problems))


def connection(
    parameters: Mapping[str, ParameterTable],
    given: Mapping[str, str | int | float | bool | Secret],
    *,
    place: str = "mis.connection",
) -> Connection:
    """Check what a school gave against what the adapter asks for.

    Args:
        parameters: of the manifest.
        given: from the school's file, secrets resolved.
        place: table that the keys of errors stand in.

    Raises:
        SettingsProblems: with every mistake; no text repeats a value.
    """
    checked: Connection = {}
    problems = []
    for name in (*given, *(name for name in parameters if name not in given)):
        try:
            value = _checked(name, parameters, given)
        except ValueError as error:
            problems.append(SettingsError(str(error), key=f"{place}.{name}"))
        else:
            if value is not None:
                checked[name] = value
    if problems:
        raise SettingsProblems(problems)
    return checked


def _checked(
    name: str,
    parameters: Mapping[str, ParameterTable],
    given: Mapping[str, str | int | float | bool | Secret],
) -> str | Secret | None:
    """Check one parameter; None where there is no value and none is needed.

    Raises:
        ValueError: what is wrong, without the value.
    """
    parameter = parameters.get(name)
    if parameter is None:
        raise ValueError(f'there is no "{name}" here: {nearest(name, parameters)}')
    if name not in given:
        if parameter.required:
            raise ValueError(f'"{name}" is missing here: {parameter.help}')
        return parameter.default
    value = given[name]
    if parameter.secret and not isinstance(value, Secret):
        raise ValueError("this is a secret: write credential:NAME or env:VAR, never its value")
    text = value.reveal() if isinstance(value, Secret) else _text(value)
    if parameter.pattern and not re.fullmatch(parameter.pattern, text):
        raise ValueError(f"this must match the pattern {parameter.pattern}: {parameter.help}")
    return value if isinstance(value, Secret) else text


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - a value of a settings file
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
