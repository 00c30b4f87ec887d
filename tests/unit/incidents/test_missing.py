"""Children missing during the day, from the first empty seat until they are seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mis_bridge.incidents.actions import close
from mis_bridge.incidents.model import Event, Outcome, Scope, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.day_sheet import DayEvent
from mis_bridge.triggers.model import Audience, Evidence, Kind, Severity

TOMORROW = date(2026, 11, 13)


def _truancy(world: Any, clock: str = "11:18", seen: str = "P3", missed: str = "P2") -> Any:
    return world.finding(
        "internal_truancy",
        clock,
        slot=missed,
        evidence=(
            Evidence(world.at("10:02"), missed, "mark N"),
            Evidence(world.at(clock), seen, "present"),
        ),
        sentence=f"Missed {missed}, seen again at {clock} in {seen}.",
    )


def test_a_missing_child_opens_an_incident_and_the_dsl_is_told_once(world: Any) -> None:
    """The second look at the same registers says nothing more."""
    finding = world.finding()

    first = world.look("10:12", finding)
    second = world.look("10:14", finding)

    assert world.only.state is State.OPEN
    assert [(plan.reason, plan.audience) for plan in first.messages] == [
        (Reason.OPENED, Audience.DSL)
    ]
    assert second.changes_nothing


def test_the_protocol_is_copied_with_its_deadlines(world: Any) -> None:
    """The site is searched within 10 minutes, the police are told at 20 (a school's protocol)."""
    world.look("10:12", world.finding())

    due = {step.id: step.due_at for step in world.only.steps}
    assert due["search_site"] == world.at("10:22")
    assert due["police_by_parent"] == world.at("10:32")
    assert due["return_interview"] is None


def test_level_two_raises_the_same_incident_and_its_severity(world: Any) -> None:
    """A second empty seat is the same child: one reference, told again, more urgent."""
    world.look("10:12", world.finding())
    reference = world.only.reference

    world.look("11:30", world.finding(level=2, raised_at=world.at("11:28")))

    assert (world.only.reference, world.only.level) == (reference, 2)
    assert world.only.severity is Severity.CRITICAL
    assert world.reasons() == ["opened", "level_raised"]


def test_seen_again_closes_as_found_and_tells_everyone_who_was_told(world: Any) -> None:
    """A truancy is the end of a missing child: no second incident, a message to all."""
    world.look("10:12", world.finding())

    decision = world.look("11:18", _truancy(world))

    assert world.only.state is State.FOUND
    assert world.only.trigger == "internal_truancy"
    assert world.only.ending == "Missed P2, seen again at 11:18 in P3."
    assert [(plan.reason, plan.audience) for plan in decision.messages] == [
        (Reason.FOUND, Audience.DSL)
    ]
    assert world.look("11:20", _truancy(world)).changes_nothing


def test_the_return_interview_is_due_72_hours_after_the_return(world: Any) -> None:
    """Statutory guidance of January 2014: offered within 72 hours of the return."""
    world.look("10:12", world.finding())
    world.look("11:18", _truancy(world))

    (interview,) = [step for step in world.only.steps if step.id == "return_interview"]
    assert interview.due_at == world.at("11:18") + timedelta(hours=72)


def test_missing_again_soon_is_the_same_incident_and_later_a_new_one(world: Any) -> None:
    """Damping is 60 minutes: what comes within it carries the old reference."""
    world.look("10:12", world.finding())
    world.look("11:18", _truancy(world))
    first = world.only.id

    world.look("11:50", _truancy(world), world.finding(clock="11:50", slot="P4"))
    assert world.only.state is State.OPEN
    assert world.reasons()[-1] == "reopened"

    world.look("12:00", _truancy(world, "11:58", "P5", "P4"))
    world.look("14:30", _truancy(world), world.finding(clock="14:30", slot="P5"))
    assert len(world.incidents) == 2
    assert world.incidents[first].state is State.FOUND
    assert world.reasons()[-1] == "opened"


def test_a_missed_lesson_that_was_over_before_anybody_was_told_is_told_once(world: Any) -> None:
    """Where the registers came late, the child is back already: nobody is asked to search."""
    decision = world.look("11:20", _truancy(world))

    assert world.only.family == "internal_truancy"
    assert {plan.reason for plan in decision.messages} == {Reason.OPENED}
    assert "search_site" not in {step.id for step in world.only.steps}
    assert world.look("11:25", _truancy(world)).changes_nothing


def test_missing_after_a_missed_lesson_is_an_alert_of_its_own(world: Any) -> None:
    """A lesson that was skipped in the morning does not hide a child who is gone by noon."""
    world.look("11:20", _truancy(world))

    world.look("14:30", _truancy(world), world.finding(clock="14:30", slot="P4"))

    assert world.reasons() == ["opened", "opened"]
    assert {incident.family for incident in world.incidents.values() if incident.active} == {
        "internal_truancy",
        "missing_during_day",
    }


def test_a_corrected_mark_closes_it_and_says_so(world: Any) -> None:
    """P2 becomes present: nobody was missing."""
    world.look("10:12", world.finding())

    world.look("10:20", days=(world.day(P1="/ 09:00", P2="/ 10:20"),))

    assert (world.only.state, world.only.outcome) == (State.CLOSED, Outcome.CORRECTED)
    assert "10:20" in world.only.ending
    assert world.reasons() == ["opened", "corrected"]


def test_a_sign_out_explains_it(world: Any) -> None:
    """The desk wrote the dentist down late."""
    world.look("10:12", world.finding())

    day = world.day(DayEvent(minute=590, kind="sign_out"), P1="/ 09:00", P2="N 10:02")
    world.look("10:20", days=(day,))

    assert world.only.outcome == Outcome.EXPLAINED
    assert world.reasons() == ["opened", "explained"]


def test_a_reason_in_the_register_explains_it(world: Any) -> None:
    """M is a medical appointment: the office knew."""
    world.look("10:12", world.finding())

    world.look("10:20", days=(world.day(P1="/ 09:00", P2="M 10:19"),))

    assert world.only.outcome == Outcome.EXPLAINED
    assert "M" in world.only.ending


@pytest.mark.parametrize("mark", ["-", "N 10:02", "O 10:05"])
def test_a_mark_that_is_gone_is_not_a_child_who_was_found(world: Any, mark: Any) -> None:
    """Neither an untaken register nor an absence without a reason ends anything."""
    world.look("10:12", world.finding())

    decision = world.look("10:20", days=(world.day(P1="/ 09:00", P2=mark),))

    assert world.only.state is State.OPEN
    assert "nothing shows that the pupil was seen" in world.only.uncertain
    assert not decision.messages
    assert world.look("10:21", days=(world.day(P1="/ 09:00", P2=mark),)).changes_nothing


def test_a_pupil_who_is_not_in_what_was_read_stays_missing(world: Any) -> None:
    """A roll that was read in part looks like a child who is back; it is not."""
    world.look("10:12", world.finding())

    assert world.look("10:20", days=()).changes_nothing
    assert world.look("10:20").changes_nothing


def test_marks_that_were_taken_back_hand_over_to_the_unexplained_absence(world: Any) -> None:
    """P1 becomes N too: the pupil was never in, which is another matter, and people are told."""
    world.look("10:12", world.finding())

    world.look("10:25", days=(world.day(AM="N 10:20", P1="N 10:20", P2="N 10:02"),))

    assert world.only.outcome == Outcome.CORRECTED
    assert "not been in school today" in world.only.ending


def _on(day: date, pupil: Any) -> Any:
    """Give the same marks on another day."""
    return replace(pupil, sheet=replace(pupil.sheet, day=day))


def _open(world: Any, marks: dict[str, str], *events: DayEvent, clock: str = "10:20") -> bool:
    """Look at these marks without a finding; whether the child is still searched for."""
    world.look(clock, days=(world.day(*events, **marks),))
    return bool(world.only.active)


def test_an_earlier_sign_out_explains_nothing(world: Any) -> None:
    """Out for the dentist and back; the later lesson's mark was withdrawn: nobody knows."""
    world.look("11:30", world.finding(clock="11:30", slot="P3"))
    dentist = (DayEvent(570, "sign_out"), DayEvent(630, "sign_in"))

    assert _open(world, {"AM": "/ 08:50", "P3": "-"}, *dentist, clock="11:40")


def test_a_register_of_the_afternoon_filled_in_ahead_finds_nobody(world: Any) -> None:
    """It was marked present before the child went missing, for a time that has not come."""
    world.look("10:12", world.finding())

    assert _open(world, {"AM": "/ 08:50", "P2": "-", "PM": "\\ 08:50"})
    assert _open(world, {"AM": "/ 08:50", "P2": "-", "PM": "\\ 08:50"}, clock="13:05")


def test_late_after_the_register_closed_is_found(world: Any) -> None:
    """The desk makes the morning's mark a U at 10:40: the child has come in at 10:40."""
    world.look("10:12", world.finding())

    assert not _open(world, {"AM": "U 10:40", "P2": "N 10:02"}, clock="10:42")
    assert world.only.outcome == Outcome.FOUND
    assert "10:40" in world.only.ending


@pytest.mark.parametrize("code", ["V", "M", "C2"])
def test_a_session_that_says_where_the_child_is_explains_its_lessons(world: Any, code: str) -> None:
    """The trip or the dentist is entered late: the search is called off."""
    world.look("10:12", world.finding())

    assert not _open(world, {"AM": f"{code} 10:19", "P2": "N 10:02"})
    assert world.only.outcome == Outcome.EXPLAINED
    assert f"{code} in AM" in world.only.ending


def test_a_search_that_moved_on_is_not_ended_by_what_came_before(world: Any) -> None:
    """P2 was corrected, P3 misses the child; P3 withdrawn is no child who was found in P2."""
    world.look("10:12", world.finding())
    world.look("11:30", world.finding(clock="11:30", slot="P3"))
    assert world.only.slot == "P3"

    assert _open(world, {"AM": "/ 08:50", "P2": "/ 11:25", "P3": "-"}, clock="11:40")


def test_a_reopened_search_is_about_the_new_lesson(world: Any) -> None:
    """Found in P2, missing from P3 within the hour: who was in P2 is not found thereby."""
    world.look("09:12", world.finding(clock="09:12", slot="P1"))
    world.look("10:40", _truancy(world, "10:40", "P2", "P1"))
    world.look("11:30", world.finding(clock="11:30", slot="P3"))
    assert world.only.slot == "P3"

    assert _open(world, {"P1": "N 09:02", "P2": "/ 10:40", "P3": "-"}, clock="11:40")


def test_an_earlier_missed_lesson_ends_no_later_search(world: Any) -> None:
    """P2 was missed and is over; that says nothing of the child who is missing since P4."""
    world.look("11:20", _truancy(world))
    world.look("14:30", _truancy(world), world.finding(clock="14:30", slot="P4"))

    marks = {"P1": "/ 09:00", "P2": "N 10:02", "P3": "/ 11:18", "P4": "-"}
    world.look("14:40", _truancy(world), days=(world.day(**marks),))

    (search,) = [one for one in world.incidents.values() if one.slot == "P4"]
    assert search.active


def test_time_alone_never_closes_a_missing_child(world: Any) -> None:
    """Still open next morning, and asked about then: nobody has answered since the day ended."""
    world.look("10:12", world.finding())

    for clock in ("10:30", "12:00", "15:00", "16:00", "17:00", "18:00", "23:00"):
        world.look(clock, world.finding())
    tomorrow = (world.at("09:00") + timedelta(days=1)).date()
    world.look("09:00", on=tomorrow, scope=Scope(Kind.DAY, tomorrow), days=())

    assert world.only.state is State.OPEN
    assert world.reasons() == ["opened"] + ["unacknowledged"] * 6


def test_what_a_person_closed_stays_closed_while_nothing_new_happens(world: Any) -> None:
    """The mark stays N all day; the person who found the child is not asked again."""
    world.look("10:12", world.finding())
    closed, _ = close(world.only, "A. Lead", world.at("10:20"), Outcome.FOUND, "In the library")
    world.incidents[closed.id] = closed

    assert world.look("10:25", world.finding()).changes_nothing


@pytest.mark.parametrize(
    ("outcome", "state"), [(Outcome.FOUND, State.OPEN), (Outcome.EXPLAINED, State.CLOSED)]
)
def test_a_second_empty_seat_after_closing_is_new_unless_it_was_explained(
    world: Any, outcome: Any, state: Any
) -> None:
    """Found in the library and then absent again is news; gone home with a parent is not."""
    world.look("10:12", world.finding())
    closed, _ = close(world.only, "A. Lead", world.at("10:20"), outcome, "As I said")
    world.incidents[closed.id] = closed

    world.look("11:30", world.finding(level=2))

    assert world.only.state is state


@pytest.mark.parametrize(
    ("outcome", "saved", "active"),
    [
        (Outcome.FOUND, "11:20", True),
        (Outcome.DEALT_WITH, "11:20", True),
        (Outcome.FALSE_ALARM, "11:20", True),
        (Outcome.EXPLAINED, "11:20", False),
        (Outcome.FOUND, "10:19", False),
    ],
)
def test_a_register_saved_after_a_person_closed_it_is_news(
    world: Any, outcome: Outcome, saved: str, *, active: bool
) -> None:
    """A looked-after child is at level 2 from the start: the next empty seat is no higher level."""
    world.look("10:02", world.finding(clock="10:02", level=2))
    closed, _ = close(world.only, "A. Lead", world.at("10:20"), outcome, "As I said")
    world.incidents[closed.id] = closed

    world.look("11:20", world.finding(clock="10:02", level=2, newest_at=world.at(saved)))

    assert world.only.active is active


def test_seen_in_school_on_a_later_day_is_found(world: Any) -> None:
    """Everybody who was told hears it; yesterday's marks, looked at again, raise it no more."""
    finding, marks = world.finding(), {"P1": "/ 09:00", "P2": "N 10:02"}
    world.look("10:12", finding)
    there = _on(TOMORROW, world.day(AM="/ 08:50"))

    decision = world.look("08:52", on=TOMORROW, scope=Scope(Kind.DAY, TOMORROW), days=(there,))

    assert (world.only.state, world.only.outcome) == (State.FOUND, Outcome.FOUND)
    said = "In school again on 13 November 2026: marked present in AM at 08:50."
    assert world.only.ending == said
    assert {plan.reason for plan in decision.messages} == {Reason.FOUND}
    again = world.look("09:00", finding, on=TOMORROW, days=(world.day(**marks),))
    assert again.changes_nothing


def test_who_is_absent_on_a_later_day_too_stays_missing(world: Any) -> None:
    """N the next morning has seen nobody."""
    world.look("10:12", world.finding())
    away = _on(TOMORROW, world.day(AM="N 08:50"))

    world.look("09:20", on=TOMORROW, scope=Scope(Kind.DAY, TOMORROW), days=(away,))

    assert world.only.active


def test_a_held_finding_opens_nothing_and_ends_nothing(world: Any) -> None:
    """A whole class absent at once is one odd register; who was missing before stays missing."""
    world.look("10:12", world.finding())
    other = world.finding(pupil="p-2")

    decision = world.look(
        "10:16",
        held=((world.finding(), "register_anomaly"), (other, "register_anomaly")),
        days=(world.day(P2="N 10:02"), world.day(pupil="p-2", P2="N 10:02")),
    )

    assert world.only.state is State.OPEN
    assert [s.reason for s in decision.suppressed] == [Reason.REGISTER_ANOMALY]
    assert decision.suppressed[0].incident.pupil == "p-2"


def test_found_late_after_an_outage_is_still_told_the_next_morning(world: Any) -> None:
    """Within 24 hours a missing child is news even if the day is over; after that it is shown."""
    tomorrow = (world.at("08:00") + timedelta(days=1)).date()
    world.look("08:00", world.finding(clock="14:00"), on=tomorrow)
    assert world.reasons() == ["opened"]

    later = (world.at("08:00") + timedelta(days=3)).date()
    decision = world.look("08:00", world.finding(pupil="p-9"), on=later)
    (late,) = [each for each in world.incidents.values() if each.pupil == "p-9"]
    assert late.told == ()
    assert Reason.DATA_TOO_OLD in [s.reason for s in decision.suppressed]


def test_a_register_saved_the_next_day_of_a_child_who_is_there_is_shown_only(world: Any) -> None:
    """The teacher does yesterday's register this morning; the child sits in the classroom."""
    late = world.finding(fired_at=world.at("08:55", TOMORROW))

    world.look("09:00", late, on=TOMORROW, seen_later=frozenset({"p-1"}))

    assert world.only.active
    assert world.only.told == ()
    assert world.said == []


def test_the_first_load_of_a_school_raises_nothing_about_days_gone_by(world: Any) -> None:
    """No storm of messages on the day of installation."""
    decision = world.look("10:12", world.finding(), quiet_before=TOMORROW)

    assert not world.incidents
    assert [s.reason for s in decision.suppressed] == [Reason.BACKFILL]
    assert decision.changes_nothing


def test_the_history_names_every_step(world: Any) -> None:
    """Each change leaves a line that says what happened and why people were told."""
    first = world.look("10:12", world.finding())
    second = world.look("11:18", _truancy(world))

    assert [(e.act, e.reason) for e in (*first.audit, *second.audit)] == [
        (Event.RAISED, "opened"),
        (Event.FOUND, "found"),
    ]
