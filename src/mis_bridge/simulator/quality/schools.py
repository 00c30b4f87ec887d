"""Invented schools of every phase: roll, forms, teaching groups, and what their MIS can tell.

Sizes are around the published average of the phase. Shares of looked-after children and the like
are those of ``simulator.school``, our own assumption.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import Session
from mis_bridge.registers.codes import NOT_TAKEN
from mis_bridge.registers.day_sheet import Entry, Slot, SlotKind
from mis_bridge.simulator.quality.england import published
from mis_bridge.simulator.school import PERIODS, calendar_2026

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.registers.calendar import SchoolCalendar

__all__ = ["AM", "LESSONS", "PM", "Group", "Pupil", "School", "build_schools"]

_CALENDAR: Final = calendar_2026()
_AM, _PM = _CALENDAR.am, _CALENDAR.pm
AM: Final = Slot(Session.AM, SlotKind.SESSION, _AM.opens, _AM.ends, _AM.closes)
PM: Final = Slot(Session.PM, SlotKind.SESSION, _PM.opens, _PM.ends, _PM.closes)
LESSONS: Final = tuple(Slot(p.name, SlotKind.LESSON, p.starts, p.ends) for p in PERIODS)

_PATTERN: Final = (
    "secondary", "primary", "primary", "secondary", "primary",
    "secondary", "primary", "special", "secondary", "primary",
)  # fmt: skip
_SIXTH_FORMS: Final = (0, 3)
"""Places in the pattern of secondary schools with a sixth form; the last shares it."""

_FORM, _CLASS, _SIXTH = 31, 27, 60
_YEARS: Final = {"primary": range(7), "secondary": range(7, 12), "special": range(12)}
_FLAGS: Final = (
    ("lac", 0.012), ("cp", 0.017), ("cin", 0.04), ("ehcp", 0.08), ("missing_before", 0.085),
    ("sen", 0.215),
)  # fmt: skip
_WEEKDAYS: Final = 5
_SIXTH_YEAR: Final = 12


@dataclass(frozen=True, slots=True)
class Pupil:
    """One pupil.

    Args:
        number: place on the roll.
        id: in the MIS.
        year_group: national curriculum year.
        form: registration group.
        born: date of birth.
        flags: as in ``PupilDay``.
        shared: taught at a partner school on two afternoons a week.
    """

    number: int
    id: str
    year_group: int
    form: str
    born: date
    flags: frozenset[str]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Those who share a register.

    Args:
        slot: session or lesson.
        register: the register's id, empty for a session (it is the form's).
        pupils: numbers on the roll.
    """

    slot: Slot
    register: str
    pupils: tuple[int, ...]


@dataclass(frozen=True)
class School:
    """One school.

    Args:
        number: from 0.
        id: in the MIS.
        phase: of ``england.PHASES``.
        pupils: the roll.
        stamps: the MIS says when a mark was saved; otherwise the minute of reading counts.
        fills_in: the MIS shows everybody as present from the moment a lesson's register is opened,
            and does not tell that from a mark that a teacher made.
        calendar: terms and register times.
    """

    number: int
    id: str
    phase: str
    pupils: tuple[Pupil, ...]
    stamps: bool
    fills_in: bool
    calendar: SchoolCalendar

    @cached_property
    def days(self) -> tuple[date, ...]:
        """All school days of the year."""
        return tuple(self.calendar.school_days())

    @cached_property
    def forms(self) -> Mapping[str, tuple[int, ...]]:
        """Registration groups."""
        found: dict[str, list[int]] = {}
        for pupil in self.pupils:
            found.setdefault(pupil.form, []).append(pupil.number)
        return {form: tuple(numbers) for form, numbers in found.items()}

    @cached_property
    def lessons(self) -> tuple[tuple[Group, ...], ...]:
        """Teaching groups by weekday; none in schools without lesson registers."""
        return tuple(tuple(self._lessons(weekday)) for weekday in range(_WEEKDAYS))

    @cached_property
    def timetable(self) -> tuple[tuple[tuple[Group, ...], ...], ...]:
        """By weekday and pupil: the pupil's lessons in time order."""
        week = []
        for groups in self.lessons:
            of_pupil: list[list[Group]] = [[] for _ in self.pupils]
            for group in groups:
                for number in group.pupils:
                    of_pupil[number].append(group)
            week.append(tuple(map(tuple, of_pupil)))
        return tuple(week)

    @cached_property
    def blank(self) -> tuple[tuple[tuple[tuple[Slot, Entry], ...], ...], ...]:
        """By weekday and pupil: the day before anybody was marked, as the timetable shows it."""
        return tuple(
            tuple(
                tuple((group.slot, Entry(NOT_TAKEN, register=group.register)) for group in groups)
                for groups in of_day
            )
            for of_day in self.timetable
        )

    def _lessons(self, weekday: int) -> list[Group]:
        if self.phase != "secondary":
            return []
        found = []
        years: dict[int, list[int]] = {}
        for pupil in self.pupils:
            years.setdefault(pupil.year_group, []).append(pupil.number)
        for place, slot in enumerate(LESSONS):
            for year, members in years.items():
                turn = weekday * len(LESSONS) + place
                # A sixth-former has three of five periods; where everybody else is, is free time.
                busy = [
                    number
                    for order, number in enumerate(members)
                    if year < _SIXTH_YEAR or (order + turn) % len(LESSONS) < 3  # noqa: PLR2004
                ]
                sets = max(1, -(-len(busy) // _CLASS))
                groups: list[list[int]] = [[] for _ in range(sets)]
                for order, number in enumerate(busy):
                    groups[(order + (turn % 7) * (order // sets)) % sets].append(number)
                found += [
                    Group(slot, f"{year}{slot.name}-{weekday}{which}", tuple(group))
                    for which, group in enumerate(groups)
                    if group
                ]
        return found


def build_schools(count: int, seed: int, size: float = 1.0) -> list[School]:
    """Make schools: of ten, five primary, four secondary (two with a sixth form), one special.

    Args:
        count: how many.
        seed: equal seeds give equal schools, however many are asked for.
        size: so many times the published average size, for quick tests.
    """
    return [_school(number, seed, size) for number in range(count)]


def _school(number: int, seed: int, size: float) -> School:
    rng = random.Random(f"quality school {seed} {number}")  # noqa: S311 - a simulation
    place = number % len(_PATTERN)
    phase = _PATTERN[place]
    whole = max(20, round(size * published(phase).average_size * rng.uniform(0.7, 1.3)))
    years = list(_YEARS[phase])
    roll: list[Pupil] = []
    for year in years:
        members = whole // len(years) + (year - years[0] < whole % len(years))
        _enrol(rng, roll, number, year, members, phase)
    if place in _SIXTH_FORMS:
        for year in (_SIXTH_YEAR, _SIXTH_YEAR + 1):
            members = max(1, round(size * _SIXTH))
            _enrol(rng, roll, number, year, members, phase, shared=place == _SIXTH_FORMS[-1])
    return School(
        number=number,
        id=f"S{number}",
        phase=phase,
        pupils=tuple(roll),
        stamps=number % 3 != 1,
        fills_in=number % 3 == 2,  # noqa: PLR2004 - the three kinds take turns
        calendar=_CALENDAR,
    )


def _enrol(
    rng: random.Random,
    roll: list[Pupil],
    school: int,
    year: int,
    members: int,
    phase: str,
    *,
    shared: bool = False,
) -> None:
    forms = max(1, -(-members // _FORM))
    for place in range(members):
        draw = rng.random()
        flags = {"ehcp"} if phase == "special" else set()
        flag = next((name for name, below in _FLAGS if draw < below), "")
        roll.append(
            Pupil(
                number=len(roll),
                id=f"{school}-{len(roll)}",
                year_group=year,
                form=f"{year}{chr(65 + place % forms)}",
                born=date(_CALENDAR.year.start - year - 5, 9, 1)
                + timedelta(days=rng.randrange(365)),
                flags=frozenset(flags | ({flag} if flag else set())),
                shared=shared and place % 2 == 0,
            )
        )
