"""The kinds of text that stand in a manifest, each checked when it is read."""

from __future__ import annotations

import re
from string import Formatter
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic_core import PydanticCustomError

from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.errors import UnknownCode
from mis_bridge.registers.codes import to_byte

__all__ = [
    "PathText",
    "Paths",
    "Pattern",
    "RegisterCode",
    "Table",
    "Template",
    "Word",
    "placeholders",
]

_NAMES: Final = {
    "connection": None,
    "window": frozenset({"first", "last", "after", "academic_year"}),
    "cursor": None,
    "version": None,
    "part": None,
    "token": None,
    "page": frozenset({"number", "offset", "token", "size"}),
}
"""Placeholder -> the keys that it has; None for one whose key is free, or that has none."""

_ALONE: Final = frozenset({"cursor", "version", "part", "token"})
_TOKEN_FIELD: Final = re.compile(r"[a-z][a-z0-9_]*")


def placeholders(text: str) -> list[str]:
    """List what stands in braces: ``connection.school``, ``cursor`` ...

    Raises:
        ValueError: a brace is not closed, or a placeholder has a format or conversion.
    """
    found = []
    for _, name, form, conversion in Formatter().parse(text):
        if name is None:
            continue
        if form or conversion:
            raise ValueError(f"write {{{name}}} without a format")
        found.append(name)
    return found


def _template(text: str) -> str:
    try:
        names = placeholders(text)
    except ValueError as error:
        raise PydanticCustomError(
            "template", "{why} (a brace that is meant is doubled)", {"why": str(error)}
        ) from None
    for name in names:
        table, dot, key = name.partition(".")
        known = _NAMES.get(table, frozenset())
        fits = table in _NAMES and (
            (table in _ALONE and not dot)
            or (table == "connection" and _TOKEN_FIELD.fullmatch(key))
            or (known is not None and key in known)
        )
        if not fits:
            why = (
                f"{{{name}}} can not be put in: only {{connection.NAME}}, {{window.first}}, "
                "{window.last}, {window.after}, {window.academic_year}, {cursor}, {version}, "
                "{part}, {token}, {page.number}, {page.offset}, {page.size} and {page.token} can"
            )
            raise PydanticCustomError("placeholder", "{why}", {"why": why})
    return text


def _path(text: str) -> str:
    try:
        parse_path(text)
    except ValueError as error:
        raise PydanticCustomError("path", "{why}", {"why": str(error)}) from None
    return text


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise PydanticCustomError("regex", "{why}", {"why": f"no pattern: {error}"}) from None
    return text


def _code(text: str) -> str:
    try:
        to_byte(text)
    except UnknownCode:
        raise PydanticCustomError("code", "this is no code of the register") from None
    return text


Template = Annotated[str, AfterValidator(_template)]
PathText = Annotated[str, AfterValidator(_path)]
Paths = PathText | list[PathText]
"""One path, or several of which the first that leads somewhere counts."""
Pattern = Annotated[str, AfterValidator(_regex)]
RegisterCode = Annotated[str, AfterValidator(_code)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class Table(BaseModel):
    """A table of the manifest: closed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
