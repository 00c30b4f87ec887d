"""Published absence of England by phase of school: what the invented schools are calibrated to."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PHASES", "Figures", "published", "source"]

PHASES: Final = ("primary", "secondary", "special")


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one phase.

    Args:
        phase: of ``PHASES``.
        average_size: pupils a school.
        overall, authorised, unauthorised: absence, shares of the possible sessions.
        codes: share of the possible sessions by code of absence.
        late: sessions marked L, likewise.
        visits: sessions marked V, likewise.
        persistent: share of pupils who missed 10 % or more of their own sessions.
    """

    phase: str
    average_size: int
    overall: float
    authorised: float
    unauthorised: float
    codes: Mapping[str, float]
    late: float
    visits: float
    persistent: float


@cache
def _read() -> Mapping[str, object]:
    text = files(__package__).joinpath("england.toml").read_text(encoding="utf-8")
    return MappingProxyType(tomllib.loads(text))


def source() -> str:
    """Give who published the figures, and where."""
    return str(_read()["source"])


@cache
def published(phase: str) -> Figures:
    """Give the figures of a phase."""
    row = _read()[phase]
    if not isinstance(row, dict):
        raise TypeError(f"england.toml has no table [{phase}]")
    possible = row["possible"]
    return Figures(
        phase=phase,
        average_size=round(row["enrolments"] / row["schools"]),
        overall=row["absent"] / possible,
        authorised=row["authorised"] / possible,
        unauthorised=row["unauthorised"] / possible,
        codes=MappingProxyType({code: n / possible for code, n in row["sessions"].items()}),
        late=row["late"] / possible,
        visits=row["visits"] / possible,
        persistent=row["persistent_percent"] / 100,
    )
