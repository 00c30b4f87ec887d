"""Live a school day: absences, late arrivals, and what takes pupils out of their lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.simulator.quality.england import published
from mis_bridge.simulator.quality.lived import (
    END,
    NEVER,
    Known,
    LivedDay,
    OfficeEntry,
    Place,
)
from mis_bridge.simulator.quality.schools import AM, LESSONS, PM

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from mis_bridge.simulator.quality.rates import Life
    from mis_bridge.simulator.quality.schools import Pupil, School
    from mis_bridge.simulator.quality.spells import Spell
    from mis_bridge.simulator.quality.years import SchoolYear

__all__ = ["live"]

_BREAK, _LUNCH, _HOME_TIME = 10 * 60 + 55, AM.ends, PM.ends
_OPENS, _CLOSES = AM.starts, AM.closes or AM.starts
_COMES_AT_NOON: Final = 12 * 60 + 50
_TRIP: Final = 40
_SHARED_DAYS: Final = (1, 3)
_YEAR_11: Final = 11


def live(school: School, number: int, year: SchoolYear, life: Life, rng: random.Random) -> LivedDay:
    """Live a day.

    Args:
        school: whose day.
        number: of the school day in the year.
        year: who is absent, and who comes late.
        life: how often things happen.
        rng: drawn from.
    """
    made = _Day(school, number, year, life, rng)
    made.absences()
    made.late_to_school()
    made.timetable()
    made.trips()
    made.exams()
    made.adventures()
    if school.phase == "secondary" and rng.random() < life.fire_drill:
        made.day.drill = rng.choice(LESSONS[1:])
    return made.day


class _Day:
    def __init__(
        self, school: School, number: int, year: SchoolYear, life: Life, rng: random.Random
    ) -> None:
        self.school, self.year, self.life, self.rng = school, year, life, rng
        self.day = LivedDay(number, school.days[number])

    def absences(self) -> None:
        """Leave at home who is away, and have the parents tell."""
        for pupil, spell in self.year.away(self.day.number):
            if spell.code == "M":
                self._appointment(pupil, afternoon=spell.first % 2 == 1)
            elif spell.afternoons:
                self._go(pupil, _LUNCH, END, Place.ELSEWHERE)
                self.day.enter(pupil, OfficeEntry(Known.PLANNED, 0, _LUNCH, END, spell.code))
            else:
                self._stay_away(pupil, spell)

    def _go(self, pupil: int, first: int, stop: int, place: Place) -> None:
        self.day.of(pupil).spans.append((first, stop, place))

    def _appointment(self, pupil: int, *, afternoon: bool) -> None:
        if afternoon:
            self._go(pupil, _LUNCH, END, Place.ELSEWHERE)
            self.day.at_desk(pupil, _LUNCH, EventKind.SIGN_OUT)
            if self.rng.random() < self.life.appointment_told:
                entry = OfficeEntry(Known.PLANNED, 0, _LUNCH, END, "M")
            else:
                entry = OfficeEntry(Known.DESK, _LUNCH + 1, _LUNCH, END, "M")
            self.day.enter(pupil, entry)
            return
        self._go(pupil, 0, _COMES_AT_NOON, Place.HOME)
        told = 0 if self.rng.random() < self.life.appointment_told else _COMES_AT_NOON
        self.day.of(pupil).told = told
        self.day.enter(pupil, OfficeEntry(Known.MESSAGE, told, 0, _COMES_AT_NOON, "M"))
        self.day.at_desk(pupil, _COMES_AT_NOON, EventKind.SIGN_IN)

    def _stay_away(self, pupil: int, spell: Spell) -> None:
        lived = self.day.of(pupil)
        lived.spans.append((0, END, Place.HOME))
        told = self._told(pupil, spell)
        lived.told = told
        if told == NEVER:
            return
        only = self.rng.random() < 0.5  # noqa: PLR2004 - half of the offices leave lessons alone
        self.day.enter(
            pupil, OfficeEntry(Known.MESSAGE, told, 0, END, spell.code, sessions_only=only)
        )
        if told and (spell.code == "O" or self.rng.random() < 0.5):  # noqa: PLR2004
            self.day.at_desk(pupil, told, EventKind.MESSAGE)

    def _told(self, pupil: int, spell: Spell) -> int:
        """Give the minute at which the school is told today; plan what is told on a later day."""
        rng, life = self.rng, self.life
        if spell.code == "O":
            if rng.random() >= life.refusal_told:
                return NEVER
            return rng.randrange(_OPENS - 60, 14 * 60)
        if spell.code == "G":
            if self.year.announced(pupil, spell):
                return 0
            self.day.later.append((spell.stop // 2, pupil, "G"))
            return NEVER
        return self._told_of_illness(pupil, spell) if spell.code == "I" else 0

    def _told_of_illness(self, pupil: int, spell: Spell) -> int:
        rng, life = self.rng, self.life
        if spell.first // 2 < self.day.number and rng.random() < life.still_known:
            return 0
        draw = rng.random()
        for chance, first, stop in (
            (life.message_before_register, _OPENS - 75, _OPENS),
            (life.message_in_register, _OPENS, _CLOSES - 5),
            (life.message_that_day, _CLOSES, 14 * 60),
        ):
            draw -= chance
            if draw < 0:
                return rng.randrange(first, stop)
        if draw < life.message_later:
            self.day.later.append((self.day.number + rng.randint(1, 4), pupil, "I"))
        return NEVER

    def late_to_school(self) -> None:
        """Come after the register began, or after it closed."""
        for pupil, code in self.year.late(self.day.number):
            if code == "L":
                comes = self.rng.randrange(_OPENS + 7, _CLOSES - 1)
            else:
                comes = self.rng.randrange(_CLOSES + 2, 11 * 60)
            self._go(pupil, 0, comes, Place.HOME)
            self.day.at_desk(pupil, comes, EventKind.SIGN_IN)

    def timetable(self) -> None:
        """Send those who are taught at a partner school there."""
        if self.day.day.weekday() not in _SHARED_DAYS:
            return
        for pupil in self.school.pupils:
            if pupil.shared and pupil.number not in self.day.lived:
                self._go(pupil.number, _LUNCH, END, Place.ELSEWHERE)
                self.day.enter(pupil.number, OfficeEntry(Known.PLANNED, 0, _LUNCH, END, "B"))

    def trips(self) -> None:
        """Take a group out for the day, as often as the published visits say."""
        roll = self.school.pupils
        secondary = self.school.phase == "secondary"
        if secondary:
            year = self.rng.choice(sorted({pupil.year_group for pupil in roll}))
            members = [pupil.number for pupil in roll if pupil.year_group == year]
            members = sorted(self.rng.sample(members, min(_TRIP, len(members))))
        else:
            members = list(self.rng.choice(sorted(self.school.forms.values())))
        visits = published(self.school.phase).visits
        if self.rng.random() >= visits * len(roll) / len(members):
            return
        # One entry for all: it is entered once, in time or not. They leave after the register.
        leaves = _CLOSES - 10
        entry = OfficeEntry(
            Known.TRIP,
            0,
            0,
            END,
            "V",
            sessions_only=self.rng.random() < 0.4,  # noqa: PLR2004
        )
        for number in members:
            if number not in self.day.lived:
                self._go(number, leaves, END, Place.ELSEWHERE)
                self.day.enter(number, entry)

    def exams(self) -> None:
        """Sit Year 11 in the hall for the first two lessons of each day of one week."""
        if self.day.number not in self.year.exam_days:
            return
        entry = OfficeEntry(Known.EXAM, 0, LESSONS[0].starts, LESSONS[1].ends, "&")
        for pupil in self.school.pupils:
            if pupil.year_group == _YEAR_11 and pupil.number not in self.day.lived:
                self._go(pupil.number, entry.first, entry.stop, Place.ELSEWHERE)
                self.day.enter(pupil.number, entry)

    def adventures(self) -> None:
        """Have something happen to the others, at most one thing a day."""
        secondary = self.school.phase == "secondary"
        happenings = self._in_lessons() if secondary else self._without_lessons()
        weekday = self.day.day.weekday()
        for pupil in self.school.pupils:
            if pupil.number in self.day.lived:
                continue
            lessons = len(self.school.timetable[weekday][pupil.number])
            draw = self.rng.random()
            for chance, happen in happenings:
                draw -= chance * (lessons if happen == "late" else 1)
                if draw < 0:
                    getattr(self, f"_{happen}")(pupil, weekday)
                    break

    def _in_lessons(self) -> Iterable[tuple[float, str]]:
        life = self.life
        return (
            (life.skips_lessons, "skip"),
            (life.leaves_site, "leave"),
            (life.late_to_lesson, "late"),
            (life.signs_out, "sign_out"),
            (life.goes_home_ill, "go_home"),
            (life.with_another_teacher, "other_teacher"),
            (life.medical_room, "medical"),
        )

    def _without_lessons(self) -> Iterable[tuple[float, str]]:
        life = self.life
        special = self.school.phase == "special"
        return (
            (life.leaves_special if special else life.leaves_primary, "leave"),
            (life.signs_out, "sign_out"),
            (life.goes_home_ill, "go_home"),
        )

    def _lesson(self, pupil: Pupil, weekday: int) -> int | None:
        """Draw one of the pupil's lessons: its place in the day."""
        lessons = self.school.timetable[weekday][pupil.number]
        if not lessons:
            return None
        return LESSONS.index(self.rng.choice(lessons).slot)

    def _skip(self, pupil: Pupil, weekday: int) -> None:
        first = self._lesson(pupil, weekday)
        if first is not None:
            last = min(len(LESSONS) - 1, first + self.rng.choices((0, 1, 2), (60, 25, 15))[0])
            self._go(pupil.number, LESSONS[first].starts, LESSONS[last].ends, Place.LOST)

    def _leave(self, pupil: Pupil, weekday: int) -> None:
        del weekday
        if self.school.phase != "secondary":
            leaves = self.rng.randrange(_LUNCH, PM.starts)
        else:
            leaves = self.rng.choice((LESSONS[0].ends, _BREAK, _LUNCH, LESSONS[3].ends))
        back = END
        if leaves < _LUNCH and self.rng.random() < 0.3:  # noqa: PLR2004
            back = PM.starts
        self._go(pupil.number, leaves, back, Place.LOST)

    def _late(self, pupil: Pupil, weekday: int) -> None:
        place = self._lesson(pupil, weekday)
        if place is not None:
            starts = LESSONS[place].starts
            self._go(pupil.number, starts, starts + self.rng.randrange(9, 26), Place.LOST)

    def _sign_out(self, pupil: Pupil, weekday: int) -> None:
        del weekday
        leaves = self.rng.randrange(_CLOSES + 5, _HOME_TIME - 60)
        back = leaves + self.rng.randrange(45, 120)
        self._go(pupil.number, leaves, back, Place.ELSEWHERE)
        self.day.at_desk(pupil.number, leaves, EventKind.SIGN_OUT)
        if back < _HOME_TIME:
            self.day.at_desk(pupil.number, back, EventKind.SIGN_IN)
        self.day.enter(pupil.number, OfficeEntry(Known.DESK, leaves + 1, leaves, back, "M"))

    def _go_home(self, pupil: Pupil, weekday: int) -> None:
        del weekday
        leaves = self.rng.randrange(_CLOSES + 5, _HOME_TIME - 30)
        self._go(pupil.number, leaves, END, Place.ELSEWHERE)
        self.day.at_desk(pupil.number, leaves, EventKind.SIGN_OUT)
        self.day.enter(pupil.number, OfficeEntry(Known.DESK, leaves + 1, leaves, END, "I"))

    def _other_teacher(self, pupil: Pupil, weekday: int) -> None:
        place = self._lesson(pupil, weekday)
        if place is not None:
            slot = LESSONS[place]
            stop = slot.starts + self.rng.choice((20, 30, slot.ends - slot.starts))
            self._go(pupil.number, slot.starts, stop, Place.ELSEWHERE)
            entry = OfficeEntry(Known.STAFF, 0, slot.starts, slot.starts + 1, "&")
            self.day.enter(pupil.number, entry)

    def _medical(self, pupil: Pupil, weekday: int) -> None:
        place = self._lesson(pupil, weekday)
        if place is not None:
            starts = LESSONS[place].starts
            self._go(pupil.number, starts, starts + self.rng.randrange(15, 50), Place.ELSEWHERE)
            entry = OfficeEntry(Known.STAFF, starts, starts, starts + 1, "&")
            self.day.enter(pupil.number, entry)
