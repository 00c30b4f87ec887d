"""All families but the missing child, which has tests of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mis_bridge.incidents.actions import close
from mis_bridge.incidents.model import Outcome, Scope, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.day_sheet import DayEvent
from mis_bridge.triggers.model import Audience, Kind, Severity

TODAY = date(2026, 11, 12)
FEED = Scope(Kind.FEED, TODAY)
STRIP = Scope(Kind.STRIP, TODAY)


def test_morning_and_afternoon_without_explanation_are_one_incident(world: Any) -> None:
    """One pupil, one day, one call to the parents."""
    morning = world.finding("unexplained_absence", "09:15", slot="AM", sentence="AM is N.")
    afternoon = world.finding("unexplained_absence", "13:30", slot="PM", sentence="PM is N.")
    world.look("09:15", morning)

    world.look("13:30", morning, afternoon)

    assert world.only.sentence == "AM is N. PM is N."
    assert [e.slot for e in world.only.evidence] == ["AM", "PM"]
    assert world.reasons().count("opened") == 1


@pytest.mark.parametrize(
    ("marks", "outcome", "said"),
    [
        ({"AM": "L 09:40"}, Outcome.FOUND, "marked present in AM at 09:40"),
        ({"AM": "N 09:10", "P1": "/ 09:00"}, Outcome.FOUND, "marked present in P1 at 09:00"),
        ({"AM": "I 09:50"}, Outcome.EXPLAINED, "now says I in AM"),
        ({"AM": "G 09:50"}, Outcome.EXPLAINED, "now says G in AM"),
    ],
)
def test_an_absence_ends_when_somebody_saw_the_pupil_or_gave_a_reason(
    world: Any, marks: Any, outcome: Any, said: Any
) -> None:
    """Seen in any register of the day: found. Any code that is a reason: explained."""
    world.look("09:15", world.finding("unexplained_absence", "09:15", slot="AM"))

    world.look("09:55", days=(world.day(**marks),))

    assert world.only.outcome == outcome
    assert said in world.only.ending
    assert world.reasons() == ["opened", outcome.value]


@pytest.mark.parametrize(("saved", "shown"), [("08:53", None), ("09:50", "09:50")])
def test_a_reason_has_the_time_at_which_it_was_entered_or_none(
    world: Any, saved: str, shown: str | None
) -> None:
    """A sheet keeps the minute since which the pupil is away; the reason is younger than that."""
    world.look("09:15", world.finding("unexplained_absence", "09:15", slot="AM"))

    world.look("09:55", days=(world.day(AM=f"I {saved}"),))

    assert world.only.evidence[-1].what == "mark is now I"
    assert world.only.evidence[-1].at == (shown and world.at(shown))


def test_a_message_from_home_explains_an_absence(world: Any) -> None:
    """A message recorded at the desk is a reason although the mark is still N."""
    world.look("09:15", world.finding("unexplained_absence", "09:15", slot="AM"))

    world.look("09:30", days=(world.day(DayEvent(565, "message"), AM="N 09:10"),))

    assert world.only.outcome == Outcome.EXPLAINED


def test_a_message_explains_an_absence_of_which_there_is_no_session_mark(world: Any) -> None:
    """Lessons stood in for the register of the morning; the parents have rung."""
    world.look("10:02", world.finding("unexplained_absence", "10:02", slot="AM"))

    marks = {"P1": "N 09:00", "P2": "N 10:02"}
    world.look("10:10", days=(world.day(DayEvent(608, "message"), **marks),))

    assert world.only.outcome == Outcome.EXPLAINED


@pytest.mark.parametrize(
    ("outcome", "active"),
    [
        (Outcome.FOUND, True),
        (Outcome.FALSE_ALARM, True),
        (Outcome.DEALT_WITH, False),
        (Outcome.EXPLAINED, False),
    ],
)
def test_who_was_found_and_is_absent_in_the_afternoon_is_told_again(
    world: Any, outcome: Outcome, *, active: bool
) -> None:
    """Found in school at ten, N at one: news. Dealt with or explained: the same absence."""
    morning = world.finding("unexplained_absence", "09:15", slot="AM")
    world.look("09:15", morning)
    closed, _ = close(world.only, "A. Office", world.at("10:00"), outcome, "As I said")
    world.incidents[closed.id] = closed
    assert world.look("10:05", morning).changes_nothing

    afternoon = world.finding("unexplained_absence", "13:30", slot="PM")
    world.look("13:30", morning, afternoon)

    assert world.only.active is active


def test_an_absence_is_over_when_the_pupil_comes_the_next_day(world: Any) -> None:
    """Everyone who was told hears it; the absence stays in the registers until it has a reason."""
    tomorrow = TODAY + timedelta(days=1)
    world.look("09:15", world.finding("unexplained_absence", "09:15", slot="AM"))
    there = world.day(AM="/ 08:50")
    there = replace(there, sheet=replace(there.sheet, day=tomorrow))

    decision = world.look("08:55", on=tomorrow, scope=Scope(Kind.DAY, tomorrow), days=(there,))

    assert world.only.state is State.FOUND
    assert [(plan.reason, plan.audience) for plan in decision.messages] == [
        (Reason.FOUND, Audience.ATTENDANCE),
        (Reason.FOUND, Audience.DSL),
    ]


def test_a_child_who_is_back_after_two_days_is_said_to_be_so_once(world: Any) -> None:
    """Two days, two incidents, and one piece of news: the earlier one ends quietly."""
    tomorrow, third = TODAY + timedelta(days=1), TODAY + timedelta(days=2)
    world.look("09:15", world.finding("unexplained_absence", "09:15", slot="AM"))
    second = replace(world.finding("unexplained_absence", "09:15", slot="AM"), day=tomorrow)
    world.look("09:15", second, on=tomorrow, scope=Scope(Kind.DAY, tomorrow))
    assert len(world.incidents) == 2
    there = world.day(AM="/ 08:50")
    there = replace(there, sheet=replace(there.sheet, day=third))

    decision = world.look("08:55", on=third, scope=Scope(Kind.DAY, third), days=(there,))

    assert {incident.state for incident in world.incidents.values()} == {State.FOUND}
    assert {(plan.reason, plan.incident.day) for plan in decision.messages} == {
        (Reason.FOUND, tomorrow)
    }
    assert [one.reason for one in decision.suppressed] == [Reason.ENDED_QUIETLY]


def test_yesterdays_reason_closes_quietly(world: Any) -> None:
    """The office that enters a reason the next day does not wait to be told of it."""
    world.look("09:15", world.finding("unexplained_absence", "09:15", slot="AM"))
    world.said.clear()

    tomorrow = TODAY + timedelta(days=1)
    decision = world.look("09:00", on=tomorrow, days=(world.day(AM="I 09:50"),))

    assert world.only.state is State.CLOSED
    assert not decision.messages
    assert [s.reason for s in decision.suppressed] == [Reason.ENDED_QUIETLY]


def test_an_absence_without_a_reason_stays_open_overnight_without_a_new_message(world: Any) -> None:
    """Looked at again the next morning it is as it was: no second alert."""
    finding = world.finding("unexplained_absence", "09:15", slot="AM")
    world.look("09:15", finding)
    world.look("23:00", finding)
    world.said.clear()

    tomorrow = TODAY + timedelta(days=1)
    assert world.look("09:00", finding, on=tomorrow).changes_nothing
    assert world.only.active


def test_the_pupils_of_an_untaken_register_are_one_incident_with_a_count(world: Any) -> None:
    """One message to the office says how many pupils are unaccounted for, and names none."""
    findings = [
        world.finding("register_not_taken", "10:10", pupil=f"p-{n}", facts={"register": "8B/Ma1"})
        for n in range(28)
    ]

    decision = world.look("10:10", *findings)

    assert world.only.pupil == ""
    assert world.only.sentence == (
        "The register of P2 (8B/Ma1) has not been taken: 28 pupils have no mark."
    )
    assert [(plan.reason, plan.audience) for plan in decision.messages] == [
        (Reason.OPENED, Audience.OFFICE)
    ]


def test_two_registers_of_one_lesson_are_two_incidents(world: Any) -> None:
    """Two teachers have to be asked."""
    world.look(
        "10:10",
        world.finding("register_not_taken", "10:10", facts={"register": "8B/Ma1"}),
        world.finding("register_not_taken", "10:10", facts={"register": "8C/En1"}),
    )

    assert len(world.incidents) == 2


def test_a_register_that_was_taken_late_closes_quietly(world: Any) -> None:
    """The office does not wait for that message; the history has it."""
    world.look("10:10", world.finding("register_not_taken", "10:10"))
    world.said.clear()

    decision = world.look("10:20", days=())

    assert (world.only.state, world.only.outcome) == (State.CLOSED, Outcome.CLEARED)
    assert not world.said
    assert [s.reason for s in decision.suppressed] == [Reason.ENDED_QUIETLY]


def test_an_untaken_register_ends_with_the_school_day_and_does_not_come_back(world: Any) -> None:
    """After 17:30 nobody takes it any more: closed, no message, also not when looked at again."""
    finding = world.finding("register_not_taken", "14:25")
    first = world.look("14:25", finding)
    assert first.ask_again == world.at("17:30")
    world.said.clear()

    world.look("17:30", finding)

    assert world.only.outcome == Outcome.DAY_ENDED
    assert not world.said
    assert world.look("17:45", finding).changes_nothing


def test_an_untaken_register_of_yesterday_opens_nothing(world: Any) -> None:
    """Nobody can take it any more; the nightly look must not raise it."""
    tomorrow = TODAY + timedelta(days=1)

    decision = world.look("03:30", world.finding("register_not_taken"), on=tomorrow)

    assert not world.incidents
    assert {s.reason for s in decision.suppressed} == {Reason.DATA_TOO_OLD}


def test_a_blind_feed_is_one_incident_an_outage_and_says_when_it_is_over(world: Any) -> None:
    """Everyone who was told that nothing can be seen hears that it can be seen again."""
    blind = world.finding("feed_blind", "09:20", pupil="", slot="", episode="2026-11-12T09:05")
    opened = world.look("09:20", blind, scope=FEED)
    assert world.look("09:30", blind, scope=FEED).changes_nothing
    # A day's assessment says nothing of the feed, so it can not end it.
    assert world.look("09:31", days=()).changes_nothing

    over = world.look("09:34", scope=FEED)

    told = {plan.audience for plan in opened.messages}
    assert {plan.reason for plan in over.messages} == {Reason.FEED_BACK}
    assert {plan.audience for plan in over.messages} == told
    assert world.only.state is State.CLOSED


def test_a_second_outage_of_a_day_is_a_second_incident(world: Any) -> None:
    """Its reference tells it from the first."""
    for episode in ("2026-11-12T09:05", "2026-11-12T13:05"):
        world.look(
            "13:20",
            world.finding("feed_blind", "13:20", pupil="", slot="", episode=episode),
            scope=FEED,
        )

    assert len(world.incidents) == 2


def _absence(world: Any, trigger: Any, **values: Any) -> Any:
    return world.finding(trigger, "08:00", slot="", pupil="p-1", **values)


def test_absence_rises_within_one_incident_a_year(world: Any) -> None:
    """Severe takes the place of persistent, persistent of approaching; each rise is told once."""
    near = _absence(world, "approaching_persistent_absence")
    persistent = _absence(world, "persistent_absence")
    severe = _absence(world, "severe_absence")

    world.look("08:00", near, scope=STRIP)
    world.look("08:00", persistent, scope=STRIP)
    world.look("08:00", persistent, severe, scope=STRIP)

    assert world.only.trigger == "severe_absence"
    assert world.only.level == 3
    assert world.reasons() == ["opened", "level_raised", "level_raised"]
    assert world.look("08:00", persistent, severe, scope=STRIP).changes_nothing


def test_absence_that_falls_and_rises_again_is_not_told_twice(world: Any) -> None:
    """A pupil at the border of 10 % would otherwise raise an alert every week."""
    near = _absence(world, "approaching_persistent_absence")
    persistent = _absence(world, "persistent_absence")
    world.look("08:00", persistent, scope=STRIP)
    world.look("08:00", near, scope=STRIP)
    world.look("08:00", scope=STRIP)
    assert not world.only.active

    decision = world.look("08:00", persistent, scope=STRIP)

    assert world.only.active
    assert world.reasons() == ["opened"]
    assert [s.reason for s in decision.suppressed] == [Reason.DAMPED]


def test_a_new_academic_year_is_a_new_incident_and_leaves_the_old_one(world: Any) -> None:
    """The year begins on 1 August."""
    world.look("08:00", _absence(world, "persistent_absence", day=date(2026, 6, 30)), scope=STRIP)
    world.look("08:00", _absence(world, "persistent_absence"), scope=STRIP)

    assert len(world.incidents) == 2
    assert all(incident.active for incident in world.incidents.values())


def test_pupils_whose_year_was_not_looked_at_keep_their_incidents(world: Any) -> None:
    """Looking at the changed pupils only must not end the incidents of the others."""
    world.look("08:00", _absence(world, "persistent_absence"), scope=STRIP)

    only_other = Scope(Kind.STRIP, TODAY, frozenset({"p-2"}))
    assert world.look("08:00", scope=only_other).changes_nothing


def test_ten_days_prepare_one_attendance_return_an_episode(world: Any) -> None:
    """SI 2024/208 reg 13: a return for an episode, not one each day that it goes on."""
    run = _absence(world, "ten_day_absence", episode="2026-10-30")

    first = world.look("08:00", run, scope=STRIP)
    second = world.look("08:00", run, scope=STRIP)

    assert [(p.kind, p.incident.id) for p in first.packages] == [
        ("attendance_return", world.only.id)
    ]
    assert not second.packages
    next_run = _absence(world, "ten_day_absence", episode="2026-11-02")
    assert len(world.look("08:00", run, next_run, scope=STRIP).packages) == 1


def test_ten_days_that_were_corrected_are_told(world: Any) -> None:
    """Somebody may be about to approve a return that is no longer true."""
    world.look("08:00", _absence(world, "ten_day_absence", episode="e"), scope=STRIP)

    decision = world.look("08:00", scope=STRIP)

    assert {plan.reason for plan in decision.messages} == {Reason.CORRECTED}


def test_on_the_first_load_old_absence_opens_quietly(world: Any) -> None:
    """It is visible, nobody is told, no return is prepared; this week's is told."""
    old = _absence(world, "ten_day_absence", day=date(2026, 10, 1), episode="old")
    new = world.finding("ten_day_absence", "08:00", slot="", pupil="p-2", episode="new")

    decision = world.look("08:00", old, new, scope=STRIP, quiet_before=date(2026, 11, 5))

    assert len(world.incidents) == 2
    assert {plan.incident.pupil for plan in decision.messages} == {"p-2"}
    assert [plan.incident.pupil for plan in decision.packages] == ["p-2"]
    assert [(s.incident.pupil, s.reason) for s in decision.suppressed] == [("p-1", Reason.BACKFILL)]
    assert world.look("08:00", old, new, scope=STRIP).changes_nothing


def test_what_was_opened_quietly_ends_quietly(world: Any) -> None:
    """Nobody was told, so nobody hears of the end."""
    old = _absence(world, "ten_day_absence", day=date(2026, 10, 1), episode="old")
    world.look("08:00", old, scope=STRIP, quiet_before=date(2026, 11, 5))

    assert not world.look("08:00", scope=STRIP).messages
    assert world.only.state is State.CLOSED


def test_marks_that_disagree_go_to_the_office_and_end_quietly(world: Any) -> None:
    """The office corrects the mark itself and needs no thanks."""
    first = world.look("09:30", world.finding("marks_disagree", "09:30", slot="AM"))
    assert [plan.audience for plan in first.messages] == [Audience.OFFICE]

    assert not world.look("09:40", days=(world.day(AM="/ 09:35"),)).messages
    assert world.only.state is State.CLOSED


def test_a_trigger_of_a_later_version_is_a_family_of_its_own(world: Any) -> None:
    """Nothing that fires is dropped because this version has no family for it."""
    from mis_bridge.triggers.catalogue import TRIGGERS

    infos = {name: trigger.INFO for name, trigger in TRIGGERS.items()}
    infos["left_quietly"] = replace(infos["missing_during_day"], id="left_quietly")
    world.rules = replace(world.rules, triggers=infos)

    world.look("10:12", world.finding("left_quietly"))

    assert world.only.family == "left_quietly"
    assert world.only.severity is Severity.HIGH


def test_a_closed_feed_incident_of_a_person_is_not_raised_again(world: Any) -> None:
    """IT knows; the same outage does not ring again."""
    blind = world.finding("feed_blind", "09:20", pupil="", slot="", episode="e")
    world.look("09:20", blind, scope=FEED)
    closed, _ = close(world.only, "IT", world.at("09:30"), Outcome.DEALT_WITH, "vendor works on it")
    world.incidents[closed.id] = closed

    assert world.look("09:40", blind, scope=FEED).changes_nothing


def _feed(world: Any, day: date = TODAY) -> Any:
    return world.finding("feed_blind", "09:20", pupil="", slot="", episode="e", day=day)


def test_an_outage_over_night_stays_one_incident(world: Any) -> None:
    """The next morning it is not opened a second time."""
    tomorrow = TODAY + timedelta(days=1)
    world.look("09:20", _feed(world), scope=FEED)
    world.look("23:00", _feed(world), scope=FEED)
    world.said.clear()

    world.look("09:20", _feed(world, tomorrow), scope=Scope(Kind.FEED, tomorrow), on=tomorrow)

    assert len(world.incidents) == 1
    assert "opened" not in world.reasons()


def test_an_outage_that_a_person_closed_is_told_again_the_next_day(world: Any) -> None:
    """It is a new incident: the closed one of yesterday need not even be known any more."""
    tomorrow = TODAY + timedelta(days=1)
    world.look("09:20", _feed(world), scope=FEED)
    closed, _ = close(world.only, "IT", world.at("09:30"), Outcome.DEALT_WITH, "vendor works on it")
    world.incidents.clear()

    world.look("09:20", _feed(world, tomorrow), scope=Scope(Kind.FEED, tomorrow), on=tomorrow)

    assert world.only.id != closed.id
    assert world.reasons() == ["opened", "opened"]


def test_a_channel_that_fails_again_weeks_later_is_a_new_incident(world: Any) -> None:
    """Its name is the same, the outage is not."""
    later = TODAY + timedelta(days=30)
    for day in (TODAY, later):
        failing = world.finding(
            "channel_failing", "09:20", pupil="", slot="", episode="dsl-teams", day=day
        )
        world.look("09:20", failing, scope=Scope(Kind.FEED, day), on=day)
        world.look("09:40", scope=Scope(Kind.FEED, day), on=day)

    assert len(world.incidents) == 2
    assert world.reasons() == ["opened", "feed_back", "opened", "feed_back"]
