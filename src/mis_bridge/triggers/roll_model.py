"""What the triggers look at that read the roll and what happened before, not one day's marks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.school_years import SchoolYears

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.registers.calendar import SchoolCalendar

__all__ = [
    "Enrolment",
    "Episode",
    "EpisodeKind",
    "SchoolRoll",
    "last_day_on_roll",
    "school_year_of",
]

_DAY: Final = timedelta(days=1)
_ROLLED_OVER_BY: Final = (9, 15)
"""Month and day until which a MIS that begins a new year may still be dropping last year's."""
_A_CLASS: Final = 3
"""A year group that fewer pupils have may be a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One pupil's place on a school's roll.

    Args:
        pupil: the MIS's pupil id.
        admission: first day on roll, None unknown.
        last_day: last day on roll; None while no end is known. See ``last_day_on_roll``.
        dropped: the MIS gives the pupil no more and never said when the pupil left.
        destination: where the pupil went, as the MIS has it; empty where it says nothing.
        year_group: national curriculum year, 0 for Reception, below 0 for nursery, None unknown.
        flags: of ``lac cp cin ehcp sen send_risk yot missing_before``.
        care_began: first day in care, None for who is not or of whom it is not known.
        compulsory_age_from, compulsory_age_to: first and last day of compulsory school age, None
            where the date of birth is not known.
        on_another_roll: the same child is on the roll under another id, or on that of another
            school that is watched here.
    """

    pupil: str
    admission: date | None = None
    last_day: date | None = None
    dropped: bool = False
    destination: str = ""
    year_group: int | None = None
    flags: frozenset[str] = frozenset()
    care_began: date | None = None
    compulsory_age_from: date | None = None
    compulsory_age_to: date | None = None
    on_another_roll: bool = False

    def on_roll(self, day: date) -> bool:
        """Whether the pupil is on the roll on a day."""
        return (self.admission is None or self.admission <= day) and (
            self.last_day is None or day <= self.last_day
        )


@dataclass(frozen=True, slots=True)
class SchoolRoll:
    """Everybody who is or was on a school's roll.

    Args:
        enrolments: one a pupil.
        calendar: in force; gives the school days to count in where ``years`` knows none.
        tells_destinations: the MIS has said of somebody where they went; see ``of``.
        years: all calendars that are known: who left in July is waited for over the summer.
    """

    enrolments: Sequence[Enrolment]
    calendar: SchoolCalendar
    tells_destinations: bool = True
    years: SchoolYears = field(default=SchoolYears())
    _seen: dict[date, tuple[Counter[int], Counter[int]]] = field(
        default_factory=dict, init=False, repr=False
    )

    @classmethod
    def of(
        cls,
        enrolments: Sequence[Enrolment],
        calendar: SchoolCalendar,
        years: SchoolYears | None = None,
    ) -> SchoolRoll:
        """Give the roll; whether its MIS tells destinations is seen from the roll itself."""
        tells = any(one.destination.strip() for one in enrolments)
        return cls(enrolments, calendar, tells, years or SchoolYears((calendar,)))

    def school_days(self, first: date, last: date) -> list[date]:
        """List the school days of a span, both ends included, as far as calendars are known."""
        known = self.years if self.years.calendars else SchoolYears((self.calendar,))
        return known.school_days(first, last)

    def calendar_of(self, year: AcademicYear) -> SchoolCalendar | None:
        """Give the calendar of an academic year, None where it is not known."""
        return self.years.of(year) or (self.calendar if self.calendar.year == year else None)

    def top_group(self, day: date) -> int | None:
        """Give the highest year group on the roll of a day, None where none is known."""
        pupils, _ = self._groups(day)
        classes = [group for group, number in pupils.items() if number >= _A_CLASS]
        return max(classes or pupils, default=None)

    def leaves_together(self, group: int, day: date) -> bool:
        """Whether at least half of a year group has the same last day on roll."""
        pupils, leaving = self._groups(day)
        return leaving[group] >= _A_CLASS and 2 * leaving[group] >= pupils[group]

    def _groups(self, day: date) -> tuple[Counter[int], Counter[int]]:
        """Give the pupils on roll on a day by year group, and those of them whose last it is."""
        if day not in self._seen:
            there = [
                (one.year_group, one.last_day == day)
                for one in self.enrolments
                if one.year_group is not None and one.on_roll(day)
            ]
            self._seen[day] = (
                Counter(group for group, _ in there),
                Counter(group for group, last in there if last),
            )
        return self._seen[day]


def school_year_of(left: date) -> AcademicYear:
    """Give the school year in which somebody left: in August the year before is over, none begun.

    Many MIS have 31 August as the last day of whoever left in July.
    """
    year = AcademicYear.of(left)
    return AcademicYear(year.start - 1) if left.month == year.first.month else year


def last_day_on_roll(
    leaving: date | None, gone: date | None, admission: date | None = None
) -> date | None:
    """Give a pupil's last day on roll; None while no end is known.

    A MIS that drops its leavers at the change of the school year, without ever having said when
    they left, drops those of the summer: until 15 September they count as having left on 31 July.

    Args:
        leaving: last day on roll as the MIS has it.
        gone: the first day on which the MIS did not give the pupil any more.
        admission: first day on roll; who was admitted after 31 July left during the new year.
    """
    if gone is None:
        return leaving
    if leaving is not None:
        return min(leaving, gone - _DAY)
    july = date(gone.year, 7, 31)
    dropped_with_the_year = july < gone <= date(gone.year, *_ROLLED_OVER_BY)
    if dropped_with_the_year and (admission is None or admission <= july):
        return july
    return gone - _DAY


class EpisodeKind(StrEnum):
    """What happened before."""

    MISSING = "missing"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Episode:
    """One day on which a pupil was missing, or absent without anybody knowing why.

    Args:
        pupil: the MIS's pupil id.
        day: when.
        kind: MISSING from the school day or a lesson, ABSENT all day without explanation.
    """

    pupil: str
    day: date
    kind: EpisodeKind
