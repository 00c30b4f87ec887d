"""A school's year of absence, and what the school knows of it at the end of each day."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.codes import to_byte
from mis_bridge.simulator.quality.england import published
from mis_bridge.simulator.quality.spells import model_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.simulator.quality.schools import School
    from mis_bridge.simulator.quality.spells import Spell

__all__ = ["SchoolYear", "draw_year"]

_AM, _PM = to_byte("/"), to_byte("\\")
_ANNOUNCED: Final = 0.70
_EXAM_WEEK: Final = 5


@dataclass
class SchoolYear:
    """Who is absent in truth.

    Args:
        school: whose year.
        spells: by pupil, in time order.
        marks: by pupil, the true code of each session (two a school day): what a register would
            say that nobody wrote wrongly and in which every reason is known.
        exam_days: numbers of the days on which Year 11 sits exams.
    """

    school: School
    spells: list[list[Spell]]
    marks: list[bytearray]
    exam_days: range
    _away: dict[int, list[tuple[int, Spell]]] = field(default_factory=dict)
    _late: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    _announced: set[tuple[int, int]] = field(default_factory=set)

    def away(self, day: int) -> list[tuple[int, Spell]]:
        """Give (pupil, spell) of those who are away on a day, or half of it."""
        return self._away.get(day, [])

    def late(self, day: int) -> list[tuple[int, str]]:
        """Give (pupil, L or U) of those who come late to school on a day."""
        return self._late.get(day, [])

    def announced(self, pupil: int, spell: Spell) -> bool:
        """Say whether the parents told of a holiday before it began."""
        return (pupil, spell.first) in self._announced


def draw_year(
    school: School, seed: int, window: range, *, holiday_told: float = _ANNOUNCED
) -> SchoolYear:
    """Draw a school's year.

    Args:
        school: whose year.
        seed: equal seeds give equal years.
        window: numbers of the school days that are lived; only these are looked up by day.
        holiday_told: chance that a holiday is told before.
    """
    rng = random.Random(f"quality year {seed} {school.number}")  # noqa: S311 - a simulation
    figures, model = published(school.phase), model_of(school.phase)
    days = len(school.days)
    exams = window.start + rng.randrange(max(1, len(window) - _EXAM_WEEK + 1))
    year = SchoolYear(school, [], [], range(exams, exams + _EXAM_WEEK))
    for pupil in school.pupils:
        share = model.share(rng)
        spells = model.spells(rng, share, 2 * days)
        marks = bytearray((_AM, _PM)) * days
        for spell in spells:
            byte = to_byte(spell.code)
            for session in range(spell.first, spell.stop):
                if spell.covers(session):
                    marks[session] = byte
            if spell.code == "G" and rng.random() < holiday_told:
                year._announced.add((pupil.number, spell.first))  # noqa: SLF001 - being made
        propensity = model.propensity(share)
        _be_late(rng, marks, 2 * figures.late * propensity, 2 * figures.codes["U"] * propensity)
        year.spells.append(spells)
        year.marks.append(marks)
    for number in window:
        year._away[number] = list(_away_on(year, number))  # noqa: SLF001 - being made
        year._late[number] = list(_late_on(year, number))  # noqa: SLF001 - being made
    return year


def _be_late(rng: random.Random, marks: bytearray, late: float, very_late: float) -> None:
    """Come late on some of the days on which the pupil is there in the morning."""
    byte_late, byte_very = to_byte("L"), to_byte("U")
    for session in range(0, len(marks), 2):
        draw = rng.random()
        if draw < late + very_late and marks[session] == _AM and marks[session + 1] == _PM:
            marks[session] = byte_very if draw < very_late else byte_late


def _away_on(year: SchoolYear, number: int) -> Iterator[tuple[int, Spell]]:
    for pupil, spells in enumerate(year.spells):
        for spell in spells:
            if spell.covers(2 * number) or spell.covers(2 * number + 1):
                yield pupil, spell
            if spell.first > 2 * number + 1:
                break


def _late_on(year: SchoolYear, number: int) -> Iterator[tuple[int, str]]:
    codes = {to_byte("L"): "L", to_byte("U"): "U"}
    for pupil, marks in enumerate(year.marks):
        code = codes.get(marks[2 * number])
        if code is not None:
            yield pupil, code
