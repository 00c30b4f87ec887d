"""What becomes of findings about a pupil's year: told once, quiet at the first load."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mis_bridge.incidents.actions import close
from mis_bridge.incidents.model import Outcome, Scope, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.triggers.model import Audience, Kind, Severity

TODAY = date(2026, 11, 12)
STRIP = Scope(Kind.STRIP, TODAY)
MONDAY, TUESDAY = date(2026, 11, 9), date(2026, 11, 10)
SLOW = {
    "twenty_day_absence": "2026-10-14",
    "not_returned_from_leave": "2026-10-28",
    "twenty_sessions": "2026",
    "ten_day_sickness": "2026-10-28",
    "fifteen_day_sickness": "2026-10-21",
    "penalty_threshold": "",
    "reason_overdue": "",
    "absence_pattern": "2026",
    "lateness_pattern": "2026",
}


def slow(world: Any, trigger: str, **values: Any) -> Any:
    """Give a finding of a pupil's year."""
    given = {"episode": SLOW[trigger], "day": MONDAY} | values
    return world.finding(trigger, "13:30", slot="", **given)


@pytest.mark.parametrize("trigger", SLOW)
def test_it_is_told_once_and_ends_quietly(world: Any, trigger: str) -> None:
    """The same again the next day says nothing; nothing is sent to the authority by itself."""
    decision = world.look("14:00", slow(world, trigger), scope=STRIP)
    assert Audience.ATTENDANCE in {plan.audience for plan in decision.messages}
    prepared = ["sickness_return"] if trigger == "fifteen_day_sickness" else []
    assert [plan.kind for plan in decision.packages] == prepared
    assert world.only.severity in (Severity.LOW, Severity.NORMAL)
    assert world.only.steps

    assert not world.look("15:00", slow(world, trigger), scope=STRIP).messages
    assert not world.look("16:00", scope=STRIP).messages
    assert world.only.outcome == Outcome.CLEARED


@pytest.mark.parametrize("trigger", SLOW)
def test_a_first_load_shows_what_is_old_and_tells_nobody(world: Any, trigger: str) -> None:
    """A year that is read for the first time is full of what was true before."""
    decision = world.look(
        "14:00", slow(world, trigger), scope=STRIP, quiet_before=date(2026, 11, 10)
    )

    assert not decision.messages
    assert [one.reason for one in decision.suppressed] == [Reason.BACKFILL]
    assert world.only.active


@pytest.mark.parametrize("trigger", ["twenty_sessions", "absence_pattern", "lateness_pattern"])
def test_what_crosses_its_border_to_and_fro_is_told_once_a_year(world: Any, trigger: str) -> None:
    """True, not true, true again weeks later: it is open again, and nobody hears of it."""
    world.look("14:00", slow(world, trigger), scope=STRIP)
    world.look("15:00", scope=STRIP)

    decision = world.look("14:00", slow(world, trigger), scope=STRIP, on=date(2026, 12, 3))

    assert not decision.messages
    assert world.only.active


def test_a_long_illness_rises_from_the_question_to_the_decision(world: Any) -> None:
    """Ten days and fifteen days of one illness are one incident; the rise is told."""
    ten = slow(world, "ten_day_sickness")
    fifteen = slow(world, "fifteen_day_sickness", episode="2026-10-28")
    first = world.look("14:00", ten, scope=STRIP)
    second = world.look("15:00", ten, fifteen, scope=STRIP)

    assert (world.only.trigger, world.only.level) == ("fifteen_day_sickness", 2)
    assert world.reasons() == ["opened", "level_raised"]
    # The question is asked first; at fifteen days a return waits for a person's decision.
    assert [plan.kind for plan in (*first.packages, *second.packages)] == ["sickness_return"]


def test_a_leaver_without_a_school_is_prepared_as_missing_education_at_level_two(
    world: Any,
) -> None:
    """First the family is asked; after five school days a notification waits for a person."""
    roll = Scope(Kind.ROLL, TODAY)
    left = {"episode": "2026-11-02", "day": MONDAY, "slot": ""}
    first = world.look(
        "14:00", world.finding("left_without_destination", "13:30", **left), scope=roll
    )
    second = world.look(
        "15:00", world.finding("left_without_destination", "13:30", level=2, **left), scope=roll
    )

    assert not first.packages
    assert [plan.kind for plan in second.packages] == ["cme"]


def test_a_threshold_that_is_confirmed_is_told_again(world: Any) -> None:
    """Provisional first, then confirmed."""
    world.look("14:00", slow(world, "penalty_threshold"), scope=STRIP)
    world.look("15:00", slow(world, "penalty_threshold", level=2), scope=STRIP)

    assert world.reasons() == ["opened", "level_raised"]


def test_twenty_sessions_of_a_pupil_who_was_missing_before_reach_the_dsl(world: Any) -> None:
    """Level 2 tells the DSL as well."""
    decision = world.look("14:00", slow(world, "twenty_sessions", level=2), scope=STRIP)

    assert {plan.audience for plan in decision.messages} == {Audience.ATTENDANCE, Audience.DSL}


def test_another_overdue_session_joins_the_open_incident(world: Any) -> None:
    """While somebody has it before them nothing new is sent; the sentence says how many."""
    world.look("14:00", slow(world, "reason_overdue"), scope=STRIP)

    decision = world.look(
        "15:00", slow(world, "reason_overdue", day=TUESDAY, sentence="2 sessions."), scope=STRIP
    )

    assert not decision.messages
    assert world.only.sentence == "2 sessions."


def test_after_a_person_closed_it_only_another_overdue_session_is_news(world: Any) -> None:
    """Closed stays closed while the same sessions are overdue."""
    world.look("14:00", slow(world, "reason_overdue"), scope=STRIP)
    closed, _ = close(world.only, "K. Office", world.at("14:30"), Outcome.DEALT_WITH, "Rang them")
    world.incidents[closed.id] = closed
    assert not world.look("15:00", slow(world, "reason_overdue"), scope=STRIP).messages

    decision = world.look("16:00", slow(world, "reason_overdue", day=TUESDAY), scope=STRIP)

    assert {plan.reason for plan in decision.messages} == {Reason.OPENED}
    assert len(world.incidents) == 2


def test_old_overdue_sessions_do_not_hide_a_new_one(world: Any) -> None:
    """Opened quietly at the first load, told when another session becomes overdue."""
    watched = date(2026, 11, 10)
    world.look("14:00", slow(world, "reason_overdue"), scope=STRIP, quiet_before=watched)

    fresh = slow(world, "reason_overdue", day=TUESDAY)
    decision = world.look("15:00", fresh, scope=STRIP, quiet_before=watched)

    assert {plan.reason for plan in decision.messages} == {Reason.OPENED}
    assert world.only.state is State.OPEN
    assert world.only.day == TUESDAY
    assert world.look("15:00", fresh, scope=STRIP, quiet_before=watched).changes_nothing
