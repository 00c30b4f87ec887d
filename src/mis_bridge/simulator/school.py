"""A synthetic English secondary school: roll, forms, classes, timetable and calendar of 2026/27.

Everything follows from one seed. Nobody and nothing in it exists.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, SessionTimes
from mis_bridge.simulator.people import SyntheticPupil, invent_name, invent_upn

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "PERIODS",
    "SyntheticClass",
    "SyntheticLesson",
    "SyntheticPeriod",
    "SyntheticSchool",
    "build_school",
    "calendar_2026",
]

_ESTAB = 9001
_FORM_SIZE = 30
_SUBJECTS = ("English", "Maths", "Science", "History", "Geography", "French", "Art", "PE")


@dataclass(frozen=True, slots=True)
class SyntheticPeriod:
    """One lesson's place in the day.

    Args:
        number: from 0, in time order.
        name: ``P1`` to ``P5``.
        starts, ends: minutes after local midnight.
    """

    number: int
    name: str
    starts: int
    ends: int


PERIODS = (
    SyntheticPeriod(0, "P1", 8 * 60 + 55, 9 * 60 + 55),
    SyntheticPeriod(1, "P2", 9 * 60 + 55, 10 * 60 + 55),
    SyntheticPeriod(2, "P3", 11 * 60 + 15, 12 * 60 + 15),
    SyntheticPeriod(3, "P4", 13 * 60 + 10, 14 * 60 + 10),
    SyntheticPeriod(4, "P5", 14 * 60 + 10, 15 * 60 + 10),
)
"""Five lessons a day, two of them after lunch."""


@dataclass(frozen=True, slots=True)
class SyntheticClass:
    """One teaching group: a subject, a year group, and who is in it (numbers on the roll)."""

    number: int
    id: str
    mis_id: str
    name: str
    subject: str
    year_group: int
    teacher: str
    pupils: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SyntheticLesson:
    """One class meeting on one day."""

    id: str
    mis_id: str
    day: date
    period: SyntheticPeriod
    group: SyntheticClass


@dataclass(frozen=True)
class SyntheticSchool:
    """A whole school.

    Args:
        id: the MIS's id of the school.
        name: says that it is invented.
        urn: unique reference number, six digits, out of the range in use.
        seed: what everything was drawn from.
        calendar: terms, closures and the times of both registers.
        pupils: the roll; a pupil's number is the place in it.
        forms: registration groups in order, with the numbers of their pupils.
        classes: teaching groups.
        timetable: (weekday from 0, period number, year group) to subject.
    """

    id: str
    name: str
    urn: int
    seed: int
    calendar: SchoolCalendar
    pupils: tuple[SyntheticPupil, ...]
    forms: Mapping[str, tuple[int, ...]]
    classes: tuple[SyntheticClass, ...]
    timetable: Mapping[tuple[int, int, int], str]

    @cached_property
    def days(self) -> tuple[date, ...]:
        """All days on which pupils attend, in order."""
        return tuple(self.calendar.school_days(self.calendar.first_day, self.calendar.last_day))

    @cached_property
    def day_numbers(self) -> Mapping[date, int]:
        """Place of each school day in :attr:`days`."""
        return {day: number for number, day in enumerate(self.days)}

    @cached_property
    def by_id(self) -> Mapping[str, SyntheticPupil]:
        """Pupils by the MIS's id."""
        return {pupil.id: pupil for pupil in self.pupils}

    @cached_property
    def _groups(self) -> Mapping[tuple[int, str], tuple[SyntheticClass, ...]]:
        groups: dict[tuple[int, str], tuple[SyntheticClass, ...]] = {}
        for group in self.classes:
            key = (group.year_group, group.subject)
            groups[key] = (*groups.get(key, ()), group)
        return groups

    @cached_property
    def _class_of(self) -> Mapping[tuple[int, str], SyntheticClass]:
        return {(number, group.subject): group for group in self.classes for number in group.pupils}

    def lessons(self, day: date) -> tuple[SyntheticLesson, ...]:
        """Give the lessons of a school day in time order.

        Raises:
            KeyError: the school is closed on that day.
        """
        years = sorted({group.year_group for group in self.classes})
        return tuple(
            self._lesson(day, period, group)
            for period in PERIODS
            for year in years
            for group in self._groups[year, self.timetable[day.weekday(), period.number, year]]
        )

    def lesson_of(self, pupil: int, day: date, period: int) -> SyntheticLesson:
        """Give the lesson that a pupil is timetabled in.

        Args:
            pupil: number on the roll.
            day: a school day.
            period: number of the period.
        """
        subject = self.timetable[day.weekday(), period, self.pupils[pupil].year_group]
        return self._lesson(day, PERIODS[period], self._class_of[pupil, subject])

    def _lesson(self, day: date, period: SyntheticPeriod, group: SyntheticClass) -> SyntheticLesson:
        serial = (self.day_numbers[day] * len(PERIODS) + period.number) * 1000 + group.number
        return SyntheticLesson(
            f"A{3_000_000_000 + serial}", str(500_000 + serial), day, period, group
        )


def calendar_2026() -> SchoolCalendar:
    """Give the calendar of 2026/27: 190 days, three terms, half terms, three INSET days."""
    return SchoolCalendar(
        year=AcademicYear(2026),
        first_day=date(2026, 9, 3),
        last_day=date(2027, 7, 20),
        closures=(
            Closure(date(2026, 10, 26), date(2026, 10, 30), "autumn half term"),
            Closure(date(2026, 12, 19), date(2027, 1, 3), "Christmas holiday"),
            Closure(date(2027, 1, 4), date(2027, 1, 4), "INSET"),
            Closure(date(2027, 2, 15), date(2027, 2, 19), "spring half term"),
            Closure(date(2027, 3, 26), date(2027, 4, 11), "Easter holiday"),
            Closure(date(2027, 5, 3), date(2027, 5, 3), "May Day"),
            Closure(date(2027, 5, 31), date(2027, 6, 4), "summer half term"),
            Closure(date(2027, 6, 28), date(2027, 6, 28), "INSET"),
        ),
        am=SessionTimes(opens=8 * 60 + 45, closes=9 * 60 + 15, ends=12 * 60 + 15),
        pm=SessionTimes(opens=13 * 60, closes=13 * 60 + 30, ends=15 * 60 + 10),
    )


def build_school(seed: int = 2026, pupils: int = 150) -> SyntheticSchool:
    """Make a school of years 7 to 11.

    Args:
        seed: equal seeds and sizes give equal schools.
        pupils: size of the roll, at least 5.
    """
    rng = random.Random(f"school {seed} {pupils}")  # noqa: S311 (a simulation, not a secret)
    calendar = calendar_2026()
    roll: list[SyntheticPupil] = []
    forms: dict[str, tuple[int, ...]] = {}
    for year in range(7, 12):
        size = pupils // 5 + (1 if year - 7 < pupils % 5 else 0)
        count = max(1, -(-size // _FORM_SIZE))
        names = [f"{year}{letter}" for letter in "ABCDEFGHJKLMNPQRSTUVWXYZ"[:count]]
        for place in range(size):
            roll.append(_pupil(rng, len(roll), year, names[place % count], place, calendar))
        for name in names:
            forms[name] = tuple(pupil.number for pupil in roll if pupil.form == name)
    return SyntheticSchool(
        id=f"A19990{seed % 100_000:05}",
        name="Samplewood Academy (invented)",
        urn=990_000 + seed % 10_000,
        seed=seed,
        calendar=calendar,
        pupils=tuple(roll),
        forms=forms,
        classes=_classes(roll, forms),
        timetable={
            (weekday, period.number, year): _SUBJECTS[
                (weekday * 5 + period.number * 3 + year) % len(_SUBJECTS)
            ]
            for weekday in range(5)
            for period in PERIODS
            for year in range(7, 12)
        },
    )


def _pupil(
    rng: random.Random, number: int, year: int, form: str, place: int, calendar: SchoolCalendar
) -> SyntheticPupil:
    surname, forename = invent_name(rng)
    start = calendar.year.start
    entry = start - (year - 7)
    admission = date(entry, 9, 3)
    # One pupil in 80 joined this year, and one in 100 leaves during it: rolls are never still.
    leaving = None
    if rng.random() < 1 / 80:
        admission = calendar.first_day + timedelta(days=rng.randrange(20, 60))
    elif rng.random() < 1 / 100:
        leaving = calendar.last_day - timedelta(days=rng.randrange(30, 120))
    pupil = SyntheticPupil(
        number=number,
        id=f"A{1_000_000_000 + number}",
        mis_id=str(10_000 + number),
        upi=hashlib.blake2b(f"{form}/{number}".encode(), digest_size=16).hexdigest(),
        upn=invent_upn(_ESTAB, entry, place),
        surname=surname,
        forename=forename,
        sex=rng.choice(("F", "M")),
        dob=date(start - year - 5, 9, 1) + timedelta(days=rng.randrange(365)),
        year_group=year,
        form=form,
        admission=admission,
        leaving=leaving,
    )
    draw = rng.random()
    if draw < 0.012:  # noqa: PLR2004 (about one child in eighty is in care)
        began = calendar.first_day - timedelta(days=rng.randrange(100, 2000))
        return replace(pupil, flags=frozenset({"lac"}), care_began=began)
    for flag, below in (("cp", 0.017), ("cin", 0.04), ("ehcp", 0.08), ("sen", 0.21)):
        if draw < below:
            return replace(pupil, flags=frozenset({flag}))
    return pupil


def _classes(
    roll: list[SyntheticPupil], forms: Mapping[str, tuple[int, ...]]
) -> tuple[SyntheticClass, ...]:
    """Split each year into as many sets a subject as it has forms, differently each time."""
    classes: list[SyntheticClass] = []
    for year in range(7, 12):
        members = [pupil.number for pupil in roll if pupil.year_group == year]
        sets = sum(1 for numbers in forms.values() if roll[numbers[0]].year_group == year)
        for turn, subject in enumerate(_SUBJECTS):
            for place in range(sets):
                number = len(classes)
                pupils = tuple(
                    member
                    for order, member in enumerate(members)
                    if (order + turn * (order // sets)) % sets == place
                )
                classes.append(
                    SyntheticClass(
                        number=number,
                        id=f"A{2_000_000_000 + number}",
                        mis_id=str(20_000 + number),
                        name=f"{year}{subject[:2].upper()}{place + 1}",
                        subject=subject,
                        year_group=year,
                        teacher=f"A{4_000_000_000 + number % 60}",
                        pupils=pupils,
                    )
                )
    return tuple(classes)
