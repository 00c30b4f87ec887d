from __future__ import annotations

from datetime import date, datetime

from mis_bridge.incidents.families import FAMILIES
from mis_bridge.incidents.protocol import NATIONAL, Recipient, Step, found_steps, start_steps
from mis_bridge.incidents.steps import Clock
from mis_bridge.registers.calendar import LONDON, AcademicYear, Closure, SchoolCalendar
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.triggers.catalogue import TRIGGERS


def test_every_trigger_has_a_family_with_a_protocol() -> None:
    """Nobody is told of anything without being told what to do next."""
    families = {trigger: family for family in FAMILIES.values() for trigger in family.triggers}

    assert set(families) == set(TRIGGERS)
    assert all(NATIONAL[family.protocol] for family in FAMILIES.values() if family.triggers)


def test_every_step_has_a_source() -> None:
    """A deadline that nobody can trace is a rule that nobody can check."""
    assert all(step.source for steps in NATIONAL.values() for step in steps)


def test_the_workers_of_a_pupil_hear_of_an_unexplained_absence() -> None:
    """Working together to improve school attendance, paragraph 52: social worker, YOT worker."""
    told = {one for step in NATIONAL["first_day_calling"] for one in step.tells}

    assert {Recipient.SOCIAL_WORKER, Recipient.YOT_WORKER} <= told


def test_the_police_hear_of_a_missing_child_after_the_parents() -> None:
    """Cheshire East, guidance for schools on missing children (2017): the parent reports."""
    steps = [step for step in NATIONAL["missing_during_day"] if step.tells]

    assert [step.id for step in steps] == ["contact_parent", "police_by_parent"]
    assert Recipient.PARENTS in steps[0].tells
    assert steps[1].tells == (Recipient.POLICE,)


def test_a_deadline_in_school_days_passes_over_half_term_and_the_change_of_the_clocks() -> None:
    """Opened on Thursday before half term, due three school days later: on Tuesday after it.

    The clocks go back on the Sunday between; by the wall clock the day ends as it always does.
    """
    steps = (
        Step("a", "Do it.", "office", None, "us", school_days=3),
        Step("b", "Do it.", "office", None, "us", Clock.FOUND, school_days=1),
    )
    half_term = Closure(date(2026, 10, 26), date(2026, 10, 30), "half term")
    calendar = SchoolCalendar(AcademicYear(2026), date(2026, 9, 3), date(2027, 7, 21), (half_term,))
    years = SchoolYears((calendar,))
    opened = datetime(2026, 10, 22, 10, 0, tzinfo=LONDON)

    started = start_steps(steps, opened, years)
    found = found_steps(started, steps, opened, years)

    assert [step.due_at for step in started] == [
        datetime(2026, 11, 3, 15, 10, tzinfo=LONDON),
        None,
    ]
    assert found[1].due_at == datetime(2026, 10, 23, 15, 10, tzinfo=LONDON)
    assert found[0] == started[0]
