"""Persistent and severe absence in a file of marks, by the definition of the marks' own day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import DataError
from mis_bridge.registers import absence
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION, to_byte
from mis_bridge.registers.definitions import definition_of, half_terms, is_aged_15

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mis_bridge.registers.absence import SessionCounts
    from mis_bridge.registers.definitions import Definition, HalfTerms

__all__ = ["Levels"]

_NO_SCHOOL: Final = (NO_SESSION, to_byte("#"))

Marks = dict[str, dict[tuple["date", bool], int]]
"""Pupil -> session (day, is it the afternoon) -> byte of its mark."""


@dataclass(frozen=True, slots=True)
class Levels:
    """How the levels of absence are worked out for the pupils of a file.

    Args:
        marks: of all pupils.
        born: date of birth of those of whom it is known.
        definition: what persistent absence is; None where the file has no one definition.
        notes: what a reader has to know about it.
        year: the academic year of the marks, where the definition counts sessions of one.
        registers: the census periods in which the school had sessions.
    """

    marks: Marks
    born: Mapping[str, date]
    definition: Definition | None
    notes: tuple[str, ...] = ()
    year: AcademicYear | None = None
    registers: frozenset[HalfTerms] = frozenset()

    @classmethod
    def of(cls, marks: Marks, born: Mapping[str, date], asked: Definition | None = None) -> Levels:
        """Work out which definition counts.

        Args:
            marks: of all pupils, without what is before admission or after leaving.
            born: pupil -> date of birth.
            asked: the definition that was asked for; None for that of the days in the file.
        """
        days = {
            day
            for of_pupil in marks.values()
            for (day, _), code in of_pupil.items()
            if code not in _NO_SCHOOL
        }
        years = sorted({AcademicYear.of(day) for day in days})
        try:
            held = {definition_of(year.first) for year in years}
        except DataError as error:
            held, why = set(), str(error)
        else:
            why = "the years in the file had different definitions of persistent absence"
        # What holds now held under other codes before 2024, and compares in the same way.
        if asked is None and (len(held) == 1 or (held and not any(d.thresholds for d in held))):
            asked = max(held, key=lambda one: one.since)
        if asked is None:
            unknown = f"{why}: persistent and severe are left empty; say which with --rules-of"
            return cls(marks, born, None, (unknown,) if years else ())
        if not asked.thresholds:
            return cls(marks, born, asked)
        if len(years) != 1:
            unknown = (
                f"the definition of {asked.years} counts the sessions of one school year: "
                "persistent and severe are left empty"
            )
            return cls(marks, born, None, (unknown,) if years else ())
        registers = frozenset(half_terms(day) for day in days)
        levels = cls(marks, born, asked, (), years[0], registers)
        return cls(marks, born, asked, levels._explained(), years[0], registers)

    def persistent(self, pupil: str, counts: SessionCounts) -> bool | None:
        """Whether a pupil is persistently absent; None where there is no answer."""
        if self.definition is None:
            return None
        if not self.definition.thresholds:
            return absence.is_persistent(counts.possible, counts.absent)
        threshold = self.definition.threshold(self.registers, aged_15=self._aged_15(pupil))
        if threshold is None or not counts.possible:
            return None
        counted = bytes(
            code
            for (day, _), code in self.marks[pupil].items()
            if half_terms(day) in threshold.counted
        )
        return absence.count(counted).absent >= threshold.sessions

    def severe(self, counts: SessionCounts) -> bool | None:
        """Whether a pupil is severely absent; None also where the definition has no such level."""
        if self.definition is None or self.definition.thresholds:
            return None
        return absence.is_severe(counts.possible, counts.absent)

    def _aged_15(self, pupil: str) -> bool:
        born = self.born.get(pupil)
        return born is not None and self.year is not None and is_aged_15(born, self.year)

    def _explained(self) -> tuple[str, ...]:
        """Say by which number persistent absence is judged, and what is not known for it."""
        if self.definition is None:
            return ()
        rule = f"by the definition of {self.definition.years} ({self.definition.share})"
        usual = self.definition.threshold(self.registers)
        if usual is None:
            spans = ", ".join(sorted(self.registers))
            note = (
                f"{rule} there is no number of sessions for registers of {spans}: persistent and "
                "severe are left empty"
            )
            return (note,)
        words = f"persistent {rule}: {usual.sessions} sessions missed or more, {usual.period}"
        aged_15 = self.definition.threshold(self.registers, aged_15=True)
        notes = [f"{words}; severe absence was no measure of that time"]
        if aged_15 is not None and aged_15 != usual:
            notes.append(
                f"pupils aged 15 are persistent from {aged_15.sessions} sessions of the first "
                "five half terms"
            )
            if unknown := len(self.marks.keys() - self.born.keys()):
                noun = "1 pupil" if unknown == 1 else f"{unknown} pupils"
                notes.append(f"the date of birth of {noun} is not known: taken as younger than 15")
        return tuple(notes)
