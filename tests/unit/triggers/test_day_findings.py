"""What the findings of a day say of themselves, and for whom they never are."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import Session
from mis_bridge.registers.codes import CODES
from mis_bridge.triggers.catalogue import assess_day
from mis_bridge.triggers.model import Assessment, Finding, PupilDay, SchoolDay

MakeDay = Any
At = Any
TUESDAY = date(2026, 9, 15)


def look(now: Any, *pupils: PupilDay, **settings: dict[str, Any]) -> Assessment:
    """Look at a school day of these pupils."""
    return assess_day(SchoolDay(pupils[0].sheet.day, pupils), now, settings)


def only(assessment: Assessment) -> Finding:
    """Give the one finding."""
    (finding,) = assessment.findings
    return finding


def test_level_two_is_the_same_finding_raised(pupil_day: MakeDay, at: At) -> None:
    """The second signal changes level and raised_at, never identity or fired_at."""
    day = pupil_day("08:50 AM /", "09:00 P1 /", "10:02 P2 N", "11:20 P3 N")

    first, second = only(look(at("11:29"), day)), only(look(at("11:30"), day))

    assert (first.level, second.level) == (1, 2)
    assert first.identity == second.identity
    assert first.fired_at == second.fired_at == first.raised_at == at("10:12")
    assert second.raised_at == at("11:30")


def test_the_slot_stays_when_an_earlier_register_is_saved_late(pupil_day: MakeDay, at: At) -> None:
    """The finding is about the lesson whose absence was saved first."""
    before = only(look(at("11:31"), pupil_day("08:50 AM /", "11:20 P3 N")))
    after = only(look(at("12:00"), pupil_day("08:50 AM /", "11:20 P3 N", "11:40 P2 N")))

    assert before.identity == after.identity
    assert after.slot == "P3"
    assert after.level == 2


def test_a_missing_finding_names_the_registers_that_are_blank_since(
    pupil_day: MakeDay, at: At
) -> None:
    """Blank registers after the last sighting make the finding uncertain, those before do not."""
    day = pupil_day("08:50 AM /", "10:00 P2 /", "11:20 P3 N", blank="P1 PM P4")

    assert "P1" not in only_missing(look(at("11:30"), day)).uncertain
    assert only_missing(look(at("13:14"), day)).uncertain == ""
    assert "PM" in only_missing(look(at("13:15"), day)).uncertain
    assert "PM and P4" in only_missing(look(at("13:25"), day)).uncertain


def only_missing(assessment: Assessment) -> Finding:
    """Give the one finding about a missing child."""
    (finding,) = (one for one in assessment.findings if one.trigger == "missing_during_day")
    return finding


def test_a_finding_explains_itself_with_its_numbers(pupil_day: MakeDay, at: At) -> None:
    """The sentence says where the child was seen, which registers say absent, and when.

    Seen when the mark was saved, as the evidence has it, not when the session began.
    """
    finding = only(look(at("11:30"), pupil_day("08:50 AM /", "10:02 P2 N", "11:20 P3 N")))

    for part in (
        "in AM (08:50)",
        "the registers of P2 (saved 10:02)",
        "P3 (saved 11:20)",
        "10 minutes",
    ):
        assert part in finding.sentence
    assert finding.facts["missed"] == 2
    assert finding.facts["last_seen"] == "AM"


def test_evidence_is_in_the_order_in_which_it_became_known(pupil_day: MakeDay, at: At) -> None:
    """A register saved late stands where it was saved, with its own slot's name."""
    day = pupil_day("08:50 AM /", "11:18 P3 /", "11:40 P2 N", "11:30 message")

    finding = only(look(at("12:00"), day))

    assert [(fact.at, fact.slot) for fact in finding.evidence] == [
        (at("08:50"), "AM"),
        (at("11:18"), "P3"),
        (at("11:30"), ""),
        (at("11:40"), "P2"),
    ]


def test_what_the_desk_wrote_is_not_repeated(at: At, pupil_day: MakeDay) -> None:
    """Free text of an event may hold a name or an illness: evidence says that it happened."""
    from mis_bridge.registers.day_sheet import DayEvent

    day = pupil_day("08:50 AM /", "10:02 P2 N")
    event = DayEvent(9 * 60, "message", "Ada Testpupil has a migraine")
    told = PupilDay(day.pupil, day.sheet, (event,), day.flags, day.year_group)

    finding = only(look(at("10:12"), told))

    assert "migraine" not in str(finding)
    assert any("message" in fact.what for fact in finding.evidence)


def test_each_missed_lesson_is_a_truancy_of_its_own(pupil_day: MakeDay, at: At) -> None:
    """Two lessons missed and seen again: two findings that end the search."""
    day = pupil_day("08:50 AM /", "09:02 P1 N", "10:02 P2 N", "11:18 P3 /")

    findings = look(at("11:18"), day).findings

    assert [one.slot for one in findings] == ["P1", "P2"]
    assert {one.supersedes for one in findings} == {("missing_during_day",)}
    assert {one.fired_at for one in findings} == {at("11:18")}


def test_absent_all_morning_is_one_finding_a_session(pupil_day: MakeDay, at: At) -> None:
    """Lessons of a pupil whom nobody has seen add nothing to the session marks."""
    day = pupil_day("09:00 AM N", "09:02 P1 N", "10:02 P2 N", "13:05 PM N", "13:15 P4 N")

    found = [(one.trigger, one.slot) for one in look(at("15:00"), day).findings]

    assert found == [("unexplained_absence", "AM"), ("unexplained_absence", "PM")]


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_only_n_and_o_are_unexplained(code: Any, pupil_day: MakeDay, at: At) -> None:
    """No other code of the table makes an absence unexplained."""
    findings = look(at("09:30"), pupil_day(f"08:50 AM {code.code}")).findings

    expected = ["unexplained_absence"] if code.code in ("N", "O") else []
    if code.code == "-":
        expected = ["register_not_taken"]
    assert [finding.trigger for finding in findings] == expected


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_only_n_and_o_are_signals(code: Any, pupil_day: MakeDay, at: At) -> None:
    """No other lesson mark makes a child who was seen missing."""
    day = pupil_day("08:50 AM /", "09:00 P1 /", f"10:02 P2 {code.code}")

    findings = look(at("10:30"), day).findings

    expected = ["missing_during_day"] if code.code in ("N", "O") else []
    if code.code == "-":
        expected = ["register_not_taken"]
    assert [finding.trigger for finding in findings] == expected


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_a_present_lesson_contradicts_only_n_and_o(code: Any, pupil_day: MakeDay, at: At) -> None:
    """Other session marks may stand beside a present lesson."""
    findings = look(at("09:30"), pupil_day(f"08:50 AM {code.code}", "09:00 P1 /")).findings

    expected = {"N": "marks_disagree", "O": "marks_disagree", "-": "register_not_taken"}
    assert [one.trigger for one in findings] == [
        trigger for known, trigger in expected.items() if known == code.code
    ]


def test_a_school_may_ask_about_other_contradictions(pupil_day: MakeDay, at: At) -> None:
    """With I among the session codes an ill child in a lesson is asked about."""
    day = pupil_day("08:50 AM I", "09:00 P1 /")

    finding = only(look(at("09:30"), day, marks_disagree={"session_codes": ["N", "O", "I"]}))

    assert finding.trigger == "marks_disagree"
    assert finding.facts["code"] == "I"


def test_a_sign_in_before_the_lesson_answers_the_contradiction(pupil_day: MakeDay, at: At) -> None:
    """The desk knows that the child came late; nobody needs to be asked."""
    day = pupil_day("08:50 AM N", "10:30 sign_in", "11:20 P3 /")

    assert look(at("12:00"), day).findings == ()


def test_marks_disagree_at_the_latest_of_three_times(pupil_day: MakeDay, at: At) -> None:
    """Register close, the session mark and the first lesson mark: the last one decides."""
    for said, fired in (
        (("08:50 AM N", "09:00 P1 /"), "09:15"),
        (("08:50 AM N", "09:40 P1 /"), "09:40"),
        (("09:50 AM N", "09:40 P1 /"), "09:50"),
    ):
        finding = only(look(at("10:30"), pupil_day(*said)))
        assert finding.fired_at == at(fired)


def test_a_register_not_taken_names_its_register(pupil_day: MakeDay, at: At) -> None:
    """The office needs the register, or the form where the MIS does not say."""
    one = only(look(at("10:10"), pupil_day(blank="P2", register="8x/Ma1", form="8A")))
    other = only(look(at("10:10"), pupil_day(blank="P2", form="8A")))

    assert one.facts["register"] == "8x/Ma1"
    assert other.facts["register"] == "8A"


def test_two_lessons_stand_in_for_a_session_that_nobody_marked(pupil_day: MakeDay, at: At) -> None:
    """Absent from P1 and P2, AM never taken (or no such register): the child did not come."""
    for blank in ("", "AM"):
        day = pupil_day("09:00 P1 N", "10:02 P2 N", blank=blank)

        before, after = (_of_pupils(look(at(minute), day)) for minute in ("10:01", "10:02"))

        assert before == []
        (finding,) = after
        assert (finding.trigger, finding.slot) == ("unexplained_absence", "AM")
        assert finding.fired_at == at("10:02")
        assert "P1 (saved 09:00) and P2 (saved 10:02)" in finding.sentence


def _of_pupils(assessment: Assessment) -> list[Finding]:
    return [one for one in assessment.findings if one.trigger != "register_not_taken"]


@pytest.mark.parametrize(
    "said",
    [
        ("09:00 P1 N",),  # one lesson alone may be a child who is on the way
        ("09:00 AM I", "09:00 P1 N", "10:02 P2 N"),
        ("09:00 AM I", "13:15 P4 N", "14:15 P5 N"),  # ill in the morning, PM not taken yet
        ("09:00 P1 N", "10:02 P2 N", "08:30 message"),
        ("09:00 P1 N", "10:02 P2 N", "08:45 sign_out"),
        ("09:00 P1 N", "10:02 P2 N", "11:18 P3 /"),
        ("09:00 P1 M", "10:02 P2 N"),
    ],
)
def test_two_lessons_do_not_where_something_else_is_known(
    said: tuple[str, ...], pupil_day: MakeDay, at: At
) -> None:
    """Any reason, message or sighting, and one lesson alone, leave it at that."""
    assert _of_pupils(look(at("16:00"), pupil_day(*said, blank="PM"))) == []


def test_a_session_mark_takes_over_from_the_lessons(pupil_day: MakeDay, at: At) -> None:
    """Once AM is taken it is the same absence, told of the same session."""
    lessons = only(look(at("10:02"), pupil_day("09:00 P1 N", "10:02 P2 N")))
    taken = only(look(at("10:30"), pupil_day("09:00 P1 N", "10:02 P2 N", "10:25 AM N")))

    assert lessons.identity == taken.identity


def test_a_mark_filled_in_ahead_is_waited_for_also_where_nobody_waits(
    pupil_day: MakeDay, at: At
) -> None:
    """N written into PM at 09:20: a looked-after child is not searched for on the stroke of one."""
    ahead = ("08:50 AM /", "09:20 PM N")

    assert look(at("13:09"), pupil_day(*ahead, flags="lac")).findings == ()
    late = only(look(at("13:10"), pupil_day(*ahead, flags="lac")))
    taken = only(look(at("13:03"), pupil_day("08:50 AM /", "13:03 PM N", flags="lac")))
    assert (late.level, late.facts["grace_minutes"]) == (2, 10)
    assert (taken.level, taken.facts["grace_minutes"]) == (2, 0)


@pytest.mark.parametrize(
    ("closed", "open_slots"), [("PM", ["AM", "P1"]), ("AM", ["P4", "PM"]), ("", None)]
)
def test_no_register_is_missed_in_a_closed_half_day(
    closed: str, open_slots: list[str] | None, pupil_day: MakeDay, at: At
) -> None:
    """The last day of term ends at noon: the timetable of the afternoon goes on and means nothing.

    What makes a missing child uncertain is likewise only what could have been taken.
    """
    pupil = pupil_day(blank="AM P1 PM P4")
    sessions = frozenset(session for session in Session if session != closed)

    findings = assess_day(SchoolDay(TUESDAY, [pupil], sessions=sessions), at("16:00"), {}).findings

    assert sorted(one.slot for one in findings) == (open_slots or ["AM", "P1", "P4", "PM"])


def test_a_closed_half_day_makes_no_missing_child_uncertain(pupil_day: MakeDay, at: At) -> None:
    """Nobody would have taken a register of it."""
    pupil = pupil_day("08:50 AM /", "11:20 P3 N", blank="PM P4")
    noon = SchoolDay(TUESDAY, [pupil], sessions=frozenset({Session.AM}))

    assert only(assess_day(noon, at("16:00"), {})).uncertain == ""


def test_no_register_is_missed_on_a_day_without_school(pupil_day: MakeDay, at: At) -> None:
    """A timetable that goes on over a training day misses nothing."""
    closed = SchoolDay(TUESDAY, [pupil_day(blank="AM P1 P2")], sessions=frozenset())

    assert assess_day(closed, at("12:00"), {}).findings == ()


def test_the_waits_are_settings(pupil_day: MakeDay, at: At) -> None:
    """Grace and the wait for a register are what the school says."""
    day = pupil_day("08:50 AM /", "10:02 P2 N")
    blank = pupil_day(blank="AM P2")
    quick = {"missing_during_day": {"grace_minutes": 0}}
    slow = {"register_not_taken": {"minutes": 30, "session_minutes": 40}}

    assert only(look(at("10:02"), day, **quick)).fired_at == at("10:02")
    assert [one.fired_at for one in look(at("12:00"), blank, **slow).findings] == [
        at("09:25"),
        at("10:25"),
    ]


def test_flags_and_years_that_are_acted_on_at_once_are_settings(pupil_day: MakeDay, at: At) -> None:
    """A school may add a flag, or none, and say which years are young."""
    said = ("08:50 AM /", "10:02 P2 N")
    none = {"missing_during_day": {"immediate_flags": [], "young_year_group": -99}}

    assert only(look(at("10:12"), pupil_day(*said, flags="lac", year_group=3), **none)).level == 1
    sen = {"missing_during_day": {"immediate_flags": ["sen"]}}
    assert only(look(at("10:02"), pupil_day(*said, flags="sen"), **sen)).level == 2


def test_an_unknown_year_group_is_not_young(pupil_day: MakeDay, at: At) -> None:
    """Nothing is guessed of a pupil whose year is not known."""
    assert look(at("10:02"), pupil_day("08:50 AM /", "10:02 P2 N", year_group=None)).findings == ()


def test_reception_and_nursery_are_young(pupil_day: MakeDay, at: At) -> None:
    """Year 0 and below are acted on at once."""
    for year in (0, -1, -2):
        day = pupil_day("08:50 AM /", "13:05 PM N", year_group=year)
        assert only(look(at("13:05"), day)).level == 2


def test_a_trigger_that_is_off_holds_its_findings(pupil_day: MakeDay, at: At) -> None:
    """Off is a reason that can be shown, not a gap."""
    day = pupil_day("08:50 AM /", "10:02 P2 N")

    assessment = look(at("10:12"), day, missing_during_day={"enabled": False})

    assert assessment.findings == ()
    ((held, reason),) = assessment.held
    assert held.trigger == "missing_during_day"
    assert Reason(reason) is Reason.TRIGGER_OFF


def test_findings_are_ordered_by_time_pupil_and_trigger(pupil_day: MakeDay, at: At) -> None:
    """The order of the pupils does not matter."""
    pupils = [
        pupil_day("09:00 AM N", pupil="B"),
        pupil_day("09:00 AM N", pupil="A"),
        pupil_day("08:50 AM /", "09:02 P1 N", pupil="C"),
    ]

    found = look(at("10:00"), *pupils).findings

    assert [(one.fired_at, one.pupil) for one in found] == [
        (at("09:12"), "C"),
        (at("09:15"), "A"),
        (at("09:15"), "B"),
    ]
    assert look(at("10:00"), *reversed(pupils)).findings == found


@pytest.mark.parametrize(
    ("day", "offset"),
    [
        (date(2026, 3, 27), 0),
        (date(2026, 3, 30), 1),
        (date(2026, 10, 23), 1),
        (date(2026, 10, 26), 0),
    ],
)
def test_times_are_local_on_both_sides_of_a_clock_change(
    day: date, offset: int, pupil_day: MakeDay, at: At
) -> None:
    """Ten past ten is ten past ten on the wall, in winter and in summer."""
    finding = only(look(at("10:12", day), pupil_day("08:50 AM /", "10:02 P2 N", day=day)))

    assert finding.fired_at.isoformat() == f"{day}T10:12:00+0{offset}:00"


def test_a_clock_change_between_two_days_is_an_hour_on_no_wall(pupil_day: MakeDay, at: At) -> None:
    """On Monday after the change Friday is three days of 1,440 minutes ago by the wall clock."""
    friday = date(2026, 3, 27)
    day = pupil_day("08:50 AM /", "10:02 P2 N", "+3T09:00 P2 /", day=friday)

    assert look(at("+3T08:59", friday), pupil_day("08:50 AM /", "10:02 P2 N", day=friday)).findings
    assert look(at("+3T09:00", friday), day).findings == ()


def test_a_mark_saved_on_a_later_day_says_so(pupil_day: MakeDay, at: At) -> None:
    """The next morning's absence for yesterday's lesson fires then, and shows its date."""
    finding = only(look(at("+1T12:00"), pupil_day("08:50 AM /", "+1T09:00 P2 N")))

    assert finding.fired_at == at("+1T09:10")
    assert "09:00 (the next day)" in finding.sentence


def test_the_next_look_is_when_time_alone_matters(pupil_day: MakeDay, at: At) -> None:
    """Grace, close and overdue registers are known in advance; without them there is no wake."""
    assert look(at("10:05"), pupil_day("08:50 AM /", "10:02 P2 N")).look_again == at("10:12")
    assert look(at("09:00"), pupil_day("08:50 AM N")).look_again == at("09:15")
    assert look(at("09:00"), pupil_day("08:50 AM /", blank="P2")).look_again == at("10:10")
    assert look(at("09:00"), pupil_day("08:50 AM /", "11:00 sign_out")).look_again == at("11:00")
    assert look(at("09:00"), pupil_day("08:50 AM /")).look_again is None


def test_the_day_before_it_began_says_nothing(pupil_day: MakeDay, at: At) -> None:
    """A day that is loaded the evening before is looked at when it comes."""
    assessment = look(at("-1T20:00"), pupil_day(blank="AM P1"))

    assert assessment.findings == ()
    assert assessment.look_again == at("09:00")
