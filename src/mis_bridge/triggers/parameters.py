"""Values that a school or an authority sets for a trigger, checked against what it declares."""

from __future__ import annotations

from difflib import get_close_matches
from fractions import Fraction
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.triggers.model import Parameter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.triggers.model import TriggerInfo

__all__ = ["ENABLED", "ratio", "resolve"]

ENABLED: Final = Parameter(
    "enabled",
    default=True,
    unit="true or false",
    meaning="Off: what the trigger finds is held back and never told.",
)
"""Every trigger has it, as its first parameter."""

_WORDS: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text in quotes",
    tuple: "a list of texts",
}


def resolve(info: TriggerInfo, overrides: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give all parameters of a trigger: what is set, else the default.

    Args:
        info: what the trigger declares.
        overrides: what is set under ``[triggers.<id>]``.

    Raises:
        ValueError: an unknown parameter (with the nearest one), a value of another type, or one
            below the minimum.
    """
    declared = {parameter.name: parameter for parameter in info.parameters}
    for name in overrides:
        if name not in declared:
            close = get_close_matches(name, declared, n=1, cutoff=0.5)
            hint = f"the nearest is {close[0]!r}" if close else f"it has {', '.join(declared)}"
            raise ValueError(f"{info.id} has no parameter {name!r}: {hint}")
    return MappingProxyType(
        {
            name: _checked(info.id, parameter, overrides[name])
            if name in overrides
            else parameter.default
            for name, parameter in declared.items()
        }
    )


@cache
def ratio(per_cent: float) -> tuple[int, int]:
    """Give a percentage as the two whole numbers that it was written as: 8.5 is 17 of 200."""
    return (Fraction(str(per_cent)) / 100).as_integer_ratio()


def _checked(trigger: str, parameter: Parameter, value: Any) -> Any:
    wanted = type(parameter.default)
    if wanted is tuple and isinstance(value, list | tuple):
        if all(isinstance(item, str) for item in value):
            return tuple(value)
    elif wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not wanted or wanted is tuple:
        raise ValueError(
            f"{trigger}.{parameter.name} is {_WORDS[wanted]} ({parameter.unit}), not {value!r}"
        )
    if (
        parameter.minimum is not None
        and isinstance(value, int | float)
        and not value >= parameter.minimum
    ):
        raise ValueError(
            f"{trigger}.{parameter.name} is {value!r}, the smallest value that makes sense is "
            f"{parameter.minimum:g} ({parameter.unit})"
        )
    return value
