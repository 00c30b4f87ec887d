"""Nine things that happen in schools, each with the truth about what has to be noticed.

All times are of one school day: AM register 08:45 to 09:15, five lessons, PM register 13:00 to
13:30. The minutes in which a finding has to come follow from the
rules (grace 10 minutes after the mark was saved, register not taken 15 minutes after the start,
MIS unreadable for 15 minutes), plus the time that a poll may take to see it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import local_datetime
from mis_bridge.simulator.day import Day, PupilDayPlan, lesson_saved, ordinary_day, session_saved
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.school import PERIODS
from mis_bridge.simulator.truth import Expected, Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from mis_bridge.simulator.history import History
    from mis_bridge.simulator.people import SyntheticPupil
    from mis_bridge.simulator.school import SyntheticSchool

__all__ = ["Rehearsal", "Scenario", "rehearse"]

GRACE = 10
NOT_TAKEN_AFTER = 15
STALE_AFTER = 15
_RECENT = 15
_DSL = frozenset({"dsl"})
_OFFICE = frozenset({"office"})
_ATTENDANCE = frozenset({"attendance"})


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that happens.

    Args:
        id: stable name.
        title: a few words.
        story: (minute, what happens) in time order, for the reader of the demonstration.
        plans: the registers of the pupils concerned.
        expected: what has to be noticed; empty where nothing must.
        allowed: triggers that may come about these pupils and need not.
        fault: what the MIS does, for an outage.
        before: marks of days before, (day, AM, PM) of the first pupil.
    """

    id: str
    title: str
    story: tuple[tuple[int, str], ...]
    plans: tuple[PupilDayPlan, ...] = ()
    expected: tuple[Expected, ...] = ()
    allowed: tuple[str, ...] = ()
    fault: Fault | None = None
    before: tuple[tuple[date, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A day with all scenarios in it.

    Args:
        school: with the flags that the scenarios need.
        scenarios: what happens.
        marks: all register events of the day and of everybody.
        truth: what has to be noticed.
    """

    school: SyntheticSchool
    scenarios: tuple[Scenario, ...]
    marks: Day
    truth: Truth

    @property
    def story(self) -> tuple[tuple[int, str, str], ...]:
        """What happens, in time order: (minute, scenario id, text)."""
        return tuple(
            sorted((minute, one.id, text) for one in self.scenarios for minute, text in one.story)
        )

    def write_before(self, history: History) -> None:
        """Write the days before into a history.

        The scenarios' pupils were here, or were not as the scenario says; the others' recent
        absences all have a reason, so that no second run of ten days ends on this day.
        """
        recent = [day for day in history.school.days if day < self.marks.day][-_RECENT:]
        for number in range(len(history.marks)):
            history.excuse(number, recent)
        for scenario in self.scenarios:
            for plan in scenario.plans:
                for day in recent:
                    history.put(plan.pupil, day, "/", "\\")
            for day, am, pm in scenario.before:
                history.put(scenario.plans[0].pupil, day, am, pm)

    def faults(self) -> tuple[Fault, ...]:
        """Give what the MIS does wrong that day."""
        return tuple(one.fault for one in self.scenarios if one.fault is not None)


class _Cast:
    """Hands out pupils, each once."""

    def __init__(self, school: SyntheticSchool, day: date) -> None:
        self.school = school
        self.day = day
        self._taken: set[int] = set()

    def pupil(self, year: int) -> SyntheticPupil:
        """Give a pupil of a year who was here all year and whom nothing calls for more care."""
        for pupil in self.school.pupils:
            if (
                pupil.year_group == year
                and not pupil.flags
                and pupil.number not in self._taken
                and pupil.admission <= self.school.calendar.first_day
                and pupil.leaving is None
            ):
                self._taken.add(pupil.number)
                return pupil
        raise ValueError(f"the school is too small: nobody left in year {year}")

    def looked_after(self, year: int) -> SyntheticPupil:
        """Give a pupil of a year, who from now on is in care."""
        pupil = self.pupil(year)
        pupil = replace(
            pupil, flags=frozenset({"lac"}), care_began=pupil.admission.replace(month=10)
        )
        roll = list(self.school.pupils)
        roll[pupil.number] = pupil
        self.school = replace(self.school, pupils=tuple(roll))
        return pupil

    def register_saved(self, pupil: SyntheticPupil, slot: str) -> int:
        """Give the minute at which the pupil's register of a slot is saved."""
        if slot in ("AM", "PM"):
            return session_saved(self.school, pupil.form, pm=slot == "PM")[0]
        period = next(period for period in PERIODS if period.name == slot)
        lesson = self.school.lesson_of(pupil.number, self.day, period.number)
        return lesson_saved(lesson.group.number, period)[0]


def _walk_out(cast: _Cast, slack: int) -> Scenario:
    pupil = cast.pupil(8)
    gone = cast.register_saved(pupil, "P3")
    again = cast.register_saved(pupil, "PM")
    return Scenario(
        "walk_out",
        "Walks out after the second lesson",
        (
            (cast.register_saved(pupil, "AM"), "a Year 8 pupil is here for the register"),
            (10 * 60 + 56, "the Year 8 pupil walks out of the gate at break"),
            (gone, "lesson 3 is registered: the Year 8 pupil is not there"),
            (again, "the afternoon register: still not there"),
        ),
        (PupilDayPlan(pupil.number, {"P3": "N", "PM": "N", "P4": "N", "P5": "N"}),),
        (
            Expected(
                "walk_out", "missing_during_day", pupil.id, gone + GRACE, gone + GRACE + slack,
                level=2, level_by=again + GRACE + slack, audience=_DSL,
            ),
        ),
        allowed=("unexplained_absence",),
    )  # fmt: skip


def _truant(cast: _Cast, slack: int) -> Scenario:
    pupil = cast.pupil(9)
    gone = cast.register_saved(pupil, "P2")
    back = cast.register_saved(pupil, "P3")
    return Scenario(
        "truant_returns",
        "Misses one lesson and comes back",
        (
            (gone, "lesson 2 is registered: a Year 9 pupil is not there"),
            (back, "lesson 3 is registered: the Year 9 pupil is back"),
        ),
        (PupilDayPlan(pupil.number, {"P2": "N"}),),
        (
            Expected(
                "truant_returns", "missing_during_day", pupil.id, gone + GRACE,
                gone + GRACE + slack, audience=_DSL, ends=True,
            ),
            Expected(
                "truant_returns", "internal_truancy", pupil.id, back, back + 5 + slack,
                slot="P2",
            ),
        ),
    )  # fmt: skip


def _looked_after(cast: _Cast, slack: int) -> Scenario:
    pupil = cast.looked_after(7)
    closes = cast.school.calendar.am.closes
    away = dict.fromkeys(("AM", "PM", *(period.name for period in PERIODS)), "N")
    return Scenario(
        "looked_after_absent",
        "First day of absence of a looked-after child",
        ((closes, "the morning register closes; a looked-after child has not come, no message"),),
        (PupilDayPlan(pupil.number, away),),
        (
            Expected(
                "looked_after_absent", "unexplained_absence", pupil.id,
                cast.register_saved(pupil, "AM"), closes + slack, audience=_DSL,
            ),
        ),
    )  # fmt: skip


def _late_register(cast: _Cast, slack: int) -> Scenario:
    form = next(name for name in cast.school.forms if name.startswith("10"))
    due = cast.school.calendar.am.opens + NOT_TAKEN_AFTER
    taken = due + 13
    return Scenario(
        "late_register",
        "A form's morning register is taken late",
        (
            (due, f"form {form}: a quarter of an hour gone, no register yet"),
            (taken, f"the register of form {form} is taken: everybody is there"),
        ),
        tuple(
            PupilDayPlan(number, {}, ((taken, "AM", "/"),), frozenset({"AM"}))
            for number in cast.school.forms[form]
            if cast.school.pupils[number].on_roll(cast.day)
        ),
        (
            Expected(
                "late_register", "register_not_taken", "", due, due + slack,
                slot="AM", audience=_OFFICE, ends=True,
            ),
        ),
    )  # fmt: skip


def _corrected(cast: _Cast, slack: int) -> Scenario:
    del slack
    pupil = cast.pupil(8)
    wrong = cast.register_saved(pupil, "P3")
    return Scenario(
        "corrected_mark",
        "A teacher corrects a mark within the grace",
        (
            (wrong, "lesson 3 is registered: a pupil is marked absent by mistake"),
            (wrong + 4, "the teacher sees the pupil and corrects the mark"),
        ),
        (PupilDayPlan(pupil.number, {"P3": "N"}, ((wrong + 4, "P3", "/"),)),),
    )


def _trip(cast: _Cast, slack: int) -> Scenario:
    del slack
    away = {"AM": "V", "PM": "V", **dict.fromkeys((period.name for period in PERIODS), "N")}
    return Scenario(
        "trip",
        "Six pupils are on a trip; their lessons mark them absent",
        ((9 * 60, "six Year 9 pupils leave for the museum with their teacher"),),
        tuple(PupilDayPlan(cast.pupil(9).number, away) for _ in range(6)),
    )


def _dentist(cast: _Cast, slack: int) -> Scenario:
    del slack
    pupil = cast.pupil(11)
    return Scenario(
        "dentist",
        "Signed out for the dentist, and back",
        (
            (11 * 60, "a Year 11 pupil is signed out for the dentist: M in lesson 3"),
            (13 * 60 + 5, "the pupil is back from the dentist for the afternoon"),
        ),
        (PupilDayPlan(pupil.number, {"P3": "M"}),),
    )


def _ten_days(cast: _Cast, slack: int) -> Scenario:
    pupil = cast.pupil(11)
    days = [day for day in cast.school.days if day < cast.day][-9:]
    away = dict.fromkeys(("AM", "PM", *(period.name for period in PERIODS)), "O")
    return Scenario(
        "ten_days",
        "The tenth school day of unauthorised absence",
        (
            (
                cast.register_saved(pupil, "AM"),
                "a Year 11 pupil is away, unauthorised, for the tenth school day",
            ),
        ),
        (PupilDayPlan(pupil.number, away),),
        (
            Expected(
                "ten_days", "ten_day_absence", pupil.id, cast.register_saved(pupil, "AM"),
                cast.school.calendar.pm.closes + slack, audience=_ATTENDANCE,
            ),
        ),
        allowed=("unexplained_absence",),
        before=tuple((day, "O", "O") for day in days),
    )  # fmt: skip


def _outage(cast: _Cast, slack: int) -> Scenario:
    first, last = 12 * 60 + 18, 12 * 60 + 52
    return Scenario(
        "mis_outage",
        "The MIS can not be read for half an hour",
        ((first, "the MIS goes down (503)"), (last, "the MIS is back")),
        expected=(
            Expected(
                "mis_outage", "feed_blind", "", first + STALE_AFTER - slack,
                first + STALE_AFTER + slack, audience=frozenset({"it"}), ends=True,
            ),
        ),
        fault=Fault(
            FaultKind.STATUS,
            first=local_datetime(cast.day, first),
            last=local_datetime(cast.day, last),
        ),
    )  # fmt: skip


_ALL: tuple[Callable[[_Cast, int], Scenario], ...] = (
    _walk_out,
    _truant,
    _looked_after,
    _late_register,
    _corrected,
    _trip,
    _dentist,
    _ten_days,
    _outage,
)


def rehearse(
    school: SyntheticSchool, day: date, *, slack: int = 12, only: Iterable[str] | None = None
) -> Rehearsal:
    """Put the scenarios into a school day.

    Args:
        school: of at least 60 pupils; the rehearsal's own differs from it in one flag.
        day: a school day with nine before it.
        slack: minutes that polling may add to what the rules say.
        only: ids of scenarios, all by default.

    Raises:
        ValueError: the school is too small.
    """
    cast = _Cast(school, day)
    # The order of casting is fixed, so that leaving a scenario out does not recast the others.
    everything = [make(cast, slack) for make in _ALL]
    school = cast.school
    wanted = None if only is None else frozenset(only)
    scenarios = tuple(one for one in everything if wanted is None or one.id in wanted)
    plans = [plan for one in scenarios for plan in one.plans]
    marks = ordinary_day(school, day, plans=plans)
    return Rehearsal(
        school,
        scenarios,
        marks,
        Truth(
            expected=(*(e for one in scenarios for e in one.expected), *marks.expected),
            scenarios={
                one.id: frozenset(school.pupils[plan.pupil].id for plan in one.plans)
                for one in scenarios
            },
            allowed=frozenset(
                (trigger, school.pupils[plan.pupil].id)
                for one in scenarios
                for plan in one.plans
                for trigger in one.allowed
            ),
        ),
    )
