"""Mistakes in configuration files, in words for the person who made them."""

from __future__ import annotations

import difflib
import re
import types
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel

from mis_bridge.errors import OperatorError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import ValidationError
    from pydantic.fields import FieldInfo
    from pydantic_core import ErrorDetails

    from mis_bridge.settings.toml_lines import KeyPath, LineIndex

__all__ = ["Reader", "SettingsProblems", "nearest"]

_WANTED = {
    "string_type": 'write text in quotes, for example "abc"',
    "int_type": "write a whole number, without quotes",
    "int_parsing": "write a whole number, without quotes",
    "int_from_float": "write a whole number, without a fraction",
    "float_type": "write a number, without quotes",
    "float_parsing": "write a number, without quotes",
    "bool_type": "write true or false, without quotes",
    "bool_parsing": "write true or false, without quotes",
    "list_type": 'write a list, for example ["one", "two"]',
    "dict_type": "write a table of key = value",
    "model_type": "write a table of key = value",
    "model_attributes_type": "write a table of key = value",
    "path_type": 'write a path in quotes, for example "/var/lib/mis-bridge"',
    "date_type": "write a date as YYYY-MM-DD, without quotes",
    "date_parsing": "write a date as YYYY-MM-DD, without quotes",
    "date_from_datetime_parsing": "write a date as YYYY-MM-DD, without quotes",
    "date_from_datetime_inexact": "write a date as YYYY-MM-DD, without a time",
    "string_too_short": "this must not be empty",
    "too_short": "this must not be empty",
}

_LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}


class SettingsProblems(OperatorError):
    """All mistakes of a configuration, found in one go.

    Args:
        problems: in the order of file and line.
    """

    def __init__(self, problems: Iterable[SettingsError]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The advice for a misspelt name: ``did you mean "dsl"?``, else what there is to choose from.

    Args:
        wrong: as it was written.
        known: all right spellings.
    """
    choices = list(known)
    close = difflib.get_close_matches(wrong.lower().replace(" ", "_"), choices, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    if not choices:
        return "there is none to choose from"
    return "it is one of: " + ", ".join(sorted(choices))


@dataclass
class Reader:
    """Turns pydantic's errors about one file into :class:`SettingsError` with line and advice.

    Args:
        model: the model that the file was checked against.
        file: the file, as the person knows it.
        lines: where its keys stand.
        environment: overrides by upper-case name; an error in one of them names the variable.
    """

    model: type[BaseModel]
    file: str
    lines: LineIndex | None
    environment: Mapping[str, str] = field(default_factory=dict)

    def problem(self, path: Sequence[str | int], text: str) -> SettingsError:
        """A mistake at a key.

        Args:
            path: the key from the root.
            text: what is wrong and what to write instead.
        """
        key = dotted(path)
        for length in range(len(path), 0, -1):
            variable = "MIS_BRIDGE_" + "__".join(str(part).upper() for part in path[:length])
            if variable in self.environment:
                return SettingsError(text, file=f"environment variable {variable}", key=key)
        line = self.lines.line_of(tuple(path)) if self.lines else None
        return SettingsError(text, file=self.file, line=line, key=key)

    def read(self, error: ValidationError) -> list[SettingsError]:
        """All mistakes of one file.

        Args:
            error: what pydantic says about it.
        """
        return [
            self.problem(*_in_words(self.model, detail))
            for detail in error.errors(include_url=False, include_input=False)
        ]


def dotted(path: Sequence[str | int]) -> str:
    """A key as it is written in TOML, array places as ``[n]`` counted from 1."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            plain = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{part}"'
            text += f".{plain}" if text else plain
    return text


def _in_words(model: type[BaseModel], detail: ErrorDetails) -> tuple[KeyPath, str]:
    path, known = _follow(model, detail["loc"])
    kind = detail["type"]
    context = detail.get("ctx") or {}
    wrong = str(path[-1]) if path else ""
    match kind:
        case "extra_forbidden":
            text = f'there is no "{wrong}" here: {_advice(model, wrong, known)}'
        case "missing":
            text = f'"{wrong}" is missing here'
        case "literal_error":
            text = f"write {context['expected']}"
        case "union_tag_invalid":
            path = (*path, "kind")
            kinds = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
            text = f"no such kind of channel: {nearest(str(context['tag']), kinds)}"
        case "union_tag_not_found":
            text = '"kind" is missing here: write teams, smtp, graph or folder'
        case "string_pattern_mismatch":
            text = f"this must match the pattern {context['pattern']}"
        case _ if kind in _LIMITS:
            limit, words = _LIMITS[kind]
            text = f"write a number of {words} {context[limit]}"
        case _:
            text = _WANTED.get(kind, detail["msg"])
    return path, text


def _advice(model: type[BaseModel], wrong: str, known: Sequence[str]) -> str:
    advice = nearest(wrong, known)
    home = _other_home(model, wrong)
    return f"it belongs in [{home}]" if home and not advice.startswith("did") else advice


def _follow(model: type[BaseModel], location: Sequence[str | int]) -> tuple[KeyPath, list[str]]:
    """Walk a pydantic location; leave out union tags; tell the keys known where it ends."""
    here: Any = model
    path: list[str | int] = []
    known: list[str] = []
    for part in location:
        if part == "[key]":
            continue
        here = _bare(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            known = list(here.model_fields)
            path.append(part)
            found = here.model_fields.get(str(part))
            here = found.annotation if found else None
            continue
        origin, arguments = typing.get_origin(here), typing.get_args(here)
        members = [m for m in map(_bare, arguments) if isinstance(m, type)]
        tagged = [m for m in members if issubclass(m, BaseModel) and _kind(m) == part]
        if origin in (typing.Union, types.UnionType) and tagged:
            here = tagged[0]
            continue
        if origin in (typing.Union, types.UnionType):
            # Only scalars are unions besides: pydantic adds the member's name, which is no key.
            here = None
            if str(part) in {"str", "int", "float", "bool"}:
                continue
        path.append(part)
        known = []
        here = arguments[-1] if origin in (dict, list) else None
    return tuple(path), known


def _bare(annotation: Any) -> Any:
    while typing.get_origin(annotation) is Annotated:
        annotation = typing.get_args(annotation)[0]
    return annotation


def _kind(member: type[BaseModel]) -> str:
    found: FieldInfo | None = member.model_fields.get("kind")
    return str(typing.get_args(found.annotation)[0]) if found else ""


def _other_home(model: type[BaseModel], key: str) -> str:
    """The section that does know this key, if exactly one does."""
    homes = [
        name
        for name, section in model.model_fields.items()
        if isinstance(section.annotation, type)
        and issubclass(section.annotation, BaseModel)
        and key in section.annotation.model_fields
    ]
    return homes[0] if len(homes) == 1 else ""
