"""Persistent absence as it was defined in each year, as dated data.

An old register is read by the rules of its day: until 2014/15 a pupil was persistently absent from
a fixed number of missed sessions on, the same number for everybody; since 2015/16 it is a share of
the pupil's own possible sessions.

Source: Department for Education, "Pupil absence statistics: methodology", section 3 (definitions
and thresholds) and section 4 (census periods, pupils aged 15).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import DataError
from mis_bridge.registers.calendar import AcademicYear, monday_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "DEFINITIONS",
    "Definition",
    "HalfTerms",
    "Threshold",
    "definition_named",
    "definition_of",
    "half_terms",
    "historic_persistent_absence",
    "is_aged_15",
]


class HalfTerms(StrEnum):
    """A period for which the school census collects absence."""

    AUTUMN = "autumn"
    SPRING = "spring"
    SUMMER_1 = "first half of summer"
    SUMMER_2 = "second half of summer"


Span = tuple[HalfTerms, ...]

_YEAR: Final = tuple(HalfTerms)
_FIVE: Final = _YEAR[:3]  # autumn and spring have two each


@dataclass(frozen=True, slots=True)
class Threshold:
    """A fixed number of sessions, the same for every pupil.

    Args:
        period: as the methodology calls it (``autumn+spring``).
        sessions: so many missed, or more, are persistent absence.
        counted: the periods whose sessions count.
        registers: the periods that registers have for which it is used, where these are more.
        aged_15: only for pupils who were 15 on the 31 August before the year.
    """

    period: str
    sessions: int
    counted: Span
    registers: Span = ()
    aged_15: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """What persistent absence was in some years.

    Args:
        id: for people and ``--rules-of``: ``national-2010``.
        share: in short, ``15%``.
        since, until: first and last academic year; no last one for what holds now.
        meaning: one sentence.
        thresholds: fixed numbers; none where the pupil's own possible sessions count, which is
            also where severe absence is measured.
    """

    id: str
    share: str
    since: AcademicYear
    until: AcademicYear | None
    meaning: str
    thresholds: tuple[Threshold, ...] = ()

    @property
    def years(self) -> str:
        """The academic years in which it held, for people."""
        return f"since {self.since}" if self.until is None else f"{self.since} to {self.until}"

    def threshold(
        self, registers: Iterable[HalfTerms], *, aged_15: bool = False
    ) -> Threshold | None:
        """Give the fixed threshold for registers of these periods, None where it had none.

        Args:
            registers: the periods in which the school has sessions in the registers.
            aged_15: the pupil was 15 on the 31 August before the year.
        """
        wanted = set(registers)
        fitting = (one for one in self.thresholds if set(one.registers or one.counted) == wanted)
        return max(
            (one for one in fitting if aged_15 or not one.aged_15),
            key=lambda one: one.aged_15,
            default=None,
        )


DEFINITIONS: Final = (
    Definition(
        "national-2024",
        "10%",
        AcademicYear(2024),
        None,
        "10 % or more of the pupil's own possible sessions, by the codes of SI 2024/208.",
    ),
    Definition(
        "national-2015",
        "10%",
        AcademicYear(2015),
        AcademicYear(2023),
        "10 % or more of the pupil's own possible sessions, by the codes of the time.",
    ),
    Definition(
        "national-2010",
        "15%",
        AcademicYear(2010),
        AcademicYear(2014),
        "About 15 %: one number of sessions for everybody, 15 % of the usual possible ones.",
        (
            Threshold("autumn", 22, _YEAR[:1]),
            Threshold("spring", 16, _YEAR[1:2]),
            Threshold("autumn+spring", 38, _YEAR[:2]),
            Threshold("five half terms", 46, _FIVE),
            Threshold("year", 56, _YEAR),
            Threshold("year, aged 15", 46, _FIVE, registers=_YEAR, aged_15=True),
        ),
    ),
    Definition(
        "national-2005",
        "20%",
        AcademicYear(2005),
        AcademicYear(2009),
        "About 20 %: one number of sessions for everybody, the year without its last half term.",
        (
            Threshold("autumn", 28, _YEAR[:1]),
            Threshold("autumn+spring", 52, _YEAR[:2]),
            Threshold("five half terms", 64, _FIVE),
            # There was no number for the whole year: its last half term is left out.
            Threshold("five half terms", 64, _FIVE, registers=_YEAR),
        ),
    ),
)
"""All definitions, the one that holds now first."""


def definition_of(day: date) -> Definition:
    """Give the definition that held on a day.

    Raises:
        DataError: the day is before the first definition.
    """
    year = AcademicYear.of(day)
    for definition in DEFINITIONS:
        if definition.since <= year:
            return definition
    raise DataError(
        f"no definition of persistent absence is known for {year}: the first is that of "
        f"{DEFINITIONS[-1].since}"
    )


def definition_named(text: str) -> Definition:
    """Give the definition that somebody asks for, by its id or by a day on which it held.

    Raises:
        DataError: neither an id nor such a day; says which there are.
    """
    for definition in DEFINITIONS:
        if definition.id == text:
            return definition
    try:
        day = date.fromisoformat(text)
    except ValueError:
        known = ", ".join(definition.id for definition in DEFINITIONS)
        raise DataError(
            f"{text!r} is neither a day (2012-05-01) nor one of the definitions: {known}"
        ) from None
    return definition_of(day)


def historic_persistent_absence(definition: str, period: str, absent: int) -> bool:
    """Whether so many sessions were persistent absence by an older definition.

    Args:
        definition: ``15%`` or ``20%``.
        period: as the methodology calls it (``autumn+spring``).
        absent: sessions missed in the period.

    Raises:
        DataError: that definition had no threshold for that period.
    """
    known = {
        (one.share, threshold.period): threshold.sessions
        for one in DEFINITIONS
        for threshold in one.thresholds
    }
    if (definition, period) not in known:
        there = ", ".join(f"{share} {span}" for share, span in known)
        raise DataError(
            f"no threshold of persistent absence for {definition!r} and {period!r}; "
            f"there are: {there}"
        )
    return absent >= known[definition, period]


def half_terms(day: date) -> HalfTerms:
    """Give the census period of a day.

    Autumn to 31 December, spring to Easter Sunday, the first half of summer to the Sunday before
    the spring bank holiday, the second half to 31 July.
    """
    year = AcademicYear.of(day)
    if day.year == year.start:
        return HalfTerms.AUTUMN
    if day <= _easter_sunday(day.year):
        return HalfTerms.SPRING
    return HalfTerms.SUMMER_1 if day < _spring_bank_holiday(day.year) else HalfTerms.SUMMER_2


def is_aged_15(born: date, year: AcademicYear) -> bool:
    """Whether somebody is 15 on the 31 August before an academic year: Year 11 by age."""
    return date(year.start - 16, 8, 31) < born <= date(year.start - 15, 8, 31)


_MOVED_BANK_HOLIDAYS: Final = {2012: date(2012, 6, 4), 2022: date(2022, 6, 2)}
"""Two jubilees since 2005 moved the spring bank holiday out of May."""


def _spring_bank_holiday(year: int) -> date:
    return _MOVED_BANK_HOLIDAYS.get(year) or monday_of(date(year, 5, 31))


def _easter_sunday(year: int) -> date:
    """Give Easter Sunday of the western churches.

    The full moon after the equinox by the tables of the Gregorian calendar, which are the same
    number for all of 1900 to 2199; Easter is the Sunday after it.
    """
    epact = (19 * (year % 19) + 24) % 30
    if epact == 29 or (epact == 28 and year % 19 > 10):  # noqa: PLR2004 - the two exceptions of the tables
        epact -= 1
    full_moon = date(year, 3, 21) + timedelta(days=epact)
    after = full_moon + timedelta(days=1)
    return monday_of(after) + timedelta(days=6)
