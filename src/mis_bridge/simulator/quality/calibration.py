"""How absence in the invented schools compares with what is published of England."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.codes import (
    ABSENCE_BYTES,
    AUTHORISED_BYTES,
    POSSIBLE_BYTES,
    UNAUTHORISED_BYTES,
    to_byte,
)
from mis_bridge.simulator.quality.england import PHASES, published

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mis_bridge.simulator.quality.schools import School
    from mis_bridge.simulator.quality.years import SchoolYear

__all__ = ["Compared", "compare"]

_LAST_YEAR_GROUP: Final = 11
"""The statistics leave the sixth form out."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure.

    Args:
        phase: of school.
        pupils: in the invented schools of the phase, sixth forms left out.
        figure: what it is, in words.
        simulated, published: per cent.
    """

    phase: str
    pupils: int
    figure: str
    simulated: float
    published: float


def compare(schools: Iterable[tuple[School, SchoolYear]]) -> Iterator[Compared]:
    """Compare a whole year of true marks with the published figures, phase by phase."""
    listed = list(schools)
    for phase in PHASES:
        years = [year for school, year in listed if school.phase == phase]
        if years:
            yield from _phase(phase, years)


def _phase(phase: str, years: Iterable[SchoolYear]) -> Iterator[Compared]:
    codes: Counter[int] = Counter()
    pupils = persistent = 0
    for year in years:
        for pupil, marks in zip(year.school.pupils, year.marks, strict=True):
            if pupil.year_group > _LAST_YEAR_GROUP:
                continue
            of_pupil = Counter(marks)
            codes += of_pupil
            pupils += 1
            possible = sum(of_pupil[byte] for byte in POSSIBLE_BYTES)
            absent = sum(of_pupil[byte] for byte in ABSENCE_BYTES)
            persistent += bool(possible) and 10 * absent >= possible
    possible = sum(codes[byte] for byte in POSSIBLE_BYTES)

    def share(wanted: bytes) -> float:
        return 100 * sum(codes[byte] for byte in wanted) / possible

    figures = published(phase)
    rows = (
        ("sessions missed", share(ABSENCE_BYTES), figures.overall),
        ("authorised", share(AUTHORISED_BYTES), figures.authorised),
        ("unauthorised", share(UNAUTHORISED_BYTES), figures.unauthorised),
        ("illness", share(bytes((to_byte("I"),))), figures.codes["I"]),
        ("unauthorised holiday", share(bytes((to_byte("G"),))), figures.codes["G"]),
        ("late before the close", share(bytes((to_byte("L"),))), figures.late),
        ("late after the close", share(bytes((to_byte("U"),))), figures.codes["U"]),
        ("pupils persistently absent", 100 * persistent / pupils, figures.persistent),
    )
    for figure, simulated, wanted in rows:
        yield Compared(phase, pupils, figure, simulated, 100 * wanted)
