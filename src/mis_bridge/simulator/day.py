"""An ordinary school day as the MIS records it: each mark, with the minute at which it is saved.

Ordinary means that most come, some are late, some are ill, and some parents ring late. What the
last ones have to bring about is known and handed out with the marks, so that an alarm that nobody
should have had can be told from one that was right.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mis_bridge.simulator.school import PERIODS
from mis_bridge.simulator.truth import Expected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from mis_bridge.simulator.school import SyntheticPeriod, SyntheticSchool

__all__ = ["Day", "PupilDayPlan", "RegisterEvent", "ordinary_day"]

_AM_CLOSES = 9 * 60 + 15
_REGISTER_SHARES = (
    # (share of the roll, at least, kind)
    (0.03, 2, "late"),
    (0.03, 2, "ill"),
    (0.01, 1, "ill, told late"),
    (0.01, 1, "after the register"),
    (0.01, 1, "appointment"),
)


@dataclass(frozen=True, slots=True, order=True)
class RegisterEvent:
    """A mark is saved.

    Args:
        minute, second: local time of that day.
        slot: ``AM``, ``PM`` or ``P1`` to ``P5``.
        pupil: number on the roll.
        code: as in the register.
    """

    minute: int
    second: int
    slot: str
    pupil: int
    code: str


@dataclass(frozen=True, slots=True)
class PupilDayPlan:
    """What the registers of one day say of one pupil.

    Args:
        pupil: number on the roll.
        marks: slot to code as the register is taken; slots that are left out are present.
        later: corrections, (minute, slot, code).
        untaken: slots whose mark is not saved with its register (it comes later, or never).
    """

    pupil: int
    marks: Mapping[str, str]
    later: tuple[tuple[int, str, str], ...] = ()
    untaken: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Day:
    """A day's register events in time order, and what they have to bring about."""

    day: date
    events: tuple[RegisterEvent, ...]
    expected: tuple[Expected, ...]


def ordinary_day(
    school: SyntheticSchool, day: date, *, plans: Iterable[PupilDayPlan] = (), seed: int = 1
) -> Day:
    """Write a day.

    Args:
        school: whose day.
        day: a school day.
        plans: pupils whose day is laid down; the others get an ordinary one.
        seed: of the others.
    """
    rng = random.Random(f"day {school.seed} {day} {seed}")  # noqa: S311 (a simulation)
    laid_down = {plan.pupil: plan for plan in plans}
    expected: list[Expected] = []
    free = [
        pupil.number
        for pupil in school.pupils
        if pupil.on_roll(day) and pupil.number not in laid_down and not pupil.flags
    ]
    rng.shuffle(free)
    for share, least, kind in _REGISTER_SHARES:
        for _ in range(max(least, round(share * len(school.pupils)))):
            pupil = free.pop()
            laid_down[pupil] = _PLANS[kind](rng, pupil)
            if kind in ("ill, told late", "after the register"):
                expected.append(
                    Expected(
                        scenario="",
                        trigger="unexplained_absence",
                        pupil=school.pupils[pupil].id,
                        slot="AM",
                        earliest=_AM_CLOSES,
                        latest=_AM_CLOSES + 15,
                        ends=True,
                    )
                )
    events: list[RegisterEvent] = []
    for member in school.pupils:
        if member.on_roll(day):
            plan = laid_down.get(member.number, PupilDayPlan(member.number, {}))
            events.extend(_events(school, day, plan))
    return Day(day, tuple(sorted(events)), tuple(expected))


def session_saved(school: SyntheticSchool, form: str, *, pm: bool) -> tuple[int, int]:
    """Give minute and second at which a form's register is saved: 3 to 12 minutes after opening."""
    spread = (sum(form.encode()) * 131 + pm * 17) % 540
    opens = school.calendar.pm.opens if pm else school.calendar.am.opens
    return opens + 3 + spread // 60, spread % 60


def lesson_saved(group: int, period: SyntheticPeriod) -> tuple[int, int]:
    """Give minute and second at which a class's register is saved: 3 to 7 minutes into it."""
    spread = (group * 97 + period.number * 41) % 240
    return period.starts + 3 + spread // 60, spread % 60


def _events(school: SyntheticSchool, day: date, plan: PupilDayPlan) -> Iterable[RegisterEvent]:
    pupil = school.pupils[plan.pupil]
    for slot, present, pm in (("AM", "/", False), ("PM", "\\", True)):
        if slot not in plan.untaken:
            minute, second = session_saved(school, pupil.form, pm=pm)
            code = plan.marks.get(slot, present)
            yield RegisterEvent(minute, second, slot, plan.pupil, code)
    for period in PERIODS:
        if period.name not in plan.untaken:
            lesson = school.lesson_of(plan.pupil, day, period.number)
            minute, second = lesson_saved(lesson.group.number, period)
            code = plan.marks.get(period.name, "/")
            yield RegisterEvent(minute, second, period.name, plan.pupil, code)
    for minute, slot, code in plan.later:
        yield RegisterEvent(minute, 30, slot, plan.pupil, code)


def _late(rng: random.Random, pupil: int) -> PupilDayPlan:
    """Come before the register closes; the form tutor and the first lesson put it right."""
    comes = 9 * 60 + rng.randrange(4, 11)
    return PupilDayPlan(pupil, {"AM": "N", "P1": "N"}, ((comes, "AM", "L"), (comes + 1, "P1", "L")))


def _ill(rng: random.Random, pupil: int) -> PupilDayPlan:
    """Stay at home, and the parent has rung before the register: I in every slot."""
    del rng
    return PupilDayPlan(pupil, dict.fromkeys(("AM", "PM", *(p.name for p in PERIODS)), "I"))


def _told_late(rng: random.Random, pupil: int) -> PupilDayPlan:
    """Stay at home, and the parent rings in the second lesson."""
    rings = 10 * 60 + rng.randrange(5, 40)
    plan = _ill(rng, pupil)
    morning = dict.fromkeys(("AM", "P1", "P2"), "N")
    corrections = tuple((rings, slot, "I") for slot in morning)
    return replace(plan, marks={**plan.marks, **morning}, later=corrections)


def _after_register(rng: random.Random, pupil: int) -> PupilDayPlan:
    """Come after the register has closed: U, which is absent in the statistics and on site."""
    comes = 9 * 60 + rng.randrange(35, 50)
    return PupilDayPlan(pupil, {"AM": "N", "P1": "N"}, ((comes, "AM", "U"), (comes + 1, "P1", "L")))


def _appointment(rng: random.Random, pupil: int) -> PupilDayPlan:
    """Leave at noon for an appointment that the office knows of."""
    del rng
    return PupilDayPlan(pupil, {"PM": "M", "P4": "M", "P5": "M"})


_PLANS = {
    "late": _late,
    "ill": _ill,
    "ill, told late": _told_late,
    "after the register": _after_register,
    "appointment": _appointment,
}
