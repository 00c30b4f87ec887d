"""A whole class marked absent at once is asked about, and nobody in it is forgotten."""

from __future__ import annotations

from typing import Any

from mis_bridge.incidents.reasons import Reason
from mis_bridge.triggers.catalogue import TRIGGERS, assess_day
from mis_bridge.triggers.model import Assessment, Audience, PupilDay, SchoolDay

MakeDay = Any
At = Any


def look(now: Any, pupils: list[PupilDay], **settings: dict[str, Any]) -> Assessment:
    """Look at a school day of these pupils."""
    return assess_day(SchoolDay(pupils[0].sheet.day, pupils), now, settings)


def a_class(
    pupil_day: MakeDay, absent: int, present: int = 0, later: tuple[str, ...] = (), **said: Any
) -> list[PupilDay]:
    """Give a form whose pupils were all in P1; so many are absent from P2, the others in it."""
    marks = {"form": "8A", **said}
    return [
        pupil_day(
            "08:50 AM /",
            "09:00 P1 /",
            f"10:02 P2 {'N' if number < absent else '/'}",
            *later,
            pupil=f"P-{number:02d}",
            **marks,
        )
        for number in range(absent + present)
    ]


def triggers(assessment: Assessment) -> list[str]:
    """Give the triggers that fired, each once."""
    return sorted({finding.trigger for finding in assessment.findings})


def test_a_class_marked_absent_is_one_finding_for_the_office(pupil_day: MakeDay, at: At) -> None:
    """Thirty absences from one register are one question, told when the first would have been."""
    pupils = a_class(pupil_day, 30)

    assert look(at("10:11"), pupils).findings == ()
    assessment = look(at("10:12"), pupils)

    (finding,) = assessment.findings
    assert finding.trigger == "register_anomaly"
    assert finding.pupil == ""
    assert finding.slot == "P2"
    assert finding.episode == "8A"
    assert finding.level == 1
    assert finding.fired_at == at("10:12")
    assert finding.facts["absent"] == finding.facts["taken"] == 30
    assert TRIGGERS["register_anomaly"].INFO.audience == (Audience.OFFICE,)


def test_what_is_held_can_be_shown(pupil_day: MakeDay, at: At) -> None:
    """Every pupil's finding is there with its reason, a reason of the closed set."""
    held = look(at("10:12"), a_class(pupil_day, 30)).held

    assert len(held) == 30
    assert {finding.trigger for finding, _ in held} == {"missing_during_day"}
    assert {Reason(reason) for _, reason in held} == {Reason.REGISTER_ANOMALY}


def test_the_dsl_is_told_when_nobody_puts_it_right(pupil_day: MakeDay, at: At) -> None:
    """After fifteen minutes the anomaly is at level 2, which adds the DSL."""
    pupils = a_class(pupil_day, 30)

    assert look(at("10:26"), pupils).findings[0].level == 1
    (raised,) = look(at("10:27"), pupils).findings
    assert raised.level == 2
    assert raised.raised_at == at("10:27")
    assert raised.identity == look(at("10:12"), pupils).findings[0].identity
    assert TRIGGERS["register_anomaly"].INFO.raised_audience == (Audience.DSL,)


def test_a_class_that_is_seen_again_in_time_is_not_raised(pupil_day: MakeDay, at: At) -> None:
    """A drill that is over before the DSL would be told stays with the office."""
    pupils = a_class(pupil_day, 30, later=("10:20 sign_in",))

    assessment = look(at("12:00"), pupils)

    assert [finding.level for finding in assessment.findings] == [1]
    assert {finding.trigger for finding, _ in assessment.held} == {"internal_truancy"}


def test_a_raised_anomaly_is_not_lowered_when_the_class_is_seen(pupil_day: MakeDay, at: At) -> None:
    """What the DSL was told does not quietly become less."""
    pupils = a_class(pupil_day, 30, later=("11:20 P3 /",))

    (finding,) = look(at("12:00"), pupils).findings

    assert finding.level == 2
    assert finding.raised_at == at("10:27")


def test_a_pupil_acted_on_at_once_raises_it_at_once(pupil_day: MakeDay, at: At) -> None:
    """With a looked-after child among the absent the DSL hears of the register without a wait."""
    pupils = a_class(pupil_day, 29)
    pupils.append(
        pupil_day("08:50 AM /", "10:02 P2 N", pupil="P-29", flags="lac", form="8A"),
    )

    (finding,) = look(at("10:02"), pupils).findings

    assert finding.trigger == "register_anomaly"
    assert finding.level == 2
    assert finding.raised_at == at("10:02")


def test_an_odd_register_raises_no_alert_about_a_pupil(pupil_day: MakeDay, at: At) -> None:
    """One is missing from P2; then all of P3 is saved as absent, as in a fire drill."""
    pupils = a_class(pupil_day, 0, 30, later=("11:20 P3 N",))
    pupils[7] = pupil_day(
        "08:50 AM /", "09:00 P1 /", "10:02 P2 N", "11:20 P3 N", pupil="P-07", form="8A"
    )

    missing = [one for one in look(at("11:40"), pupils).findings if one.pupil]

    assert [(one.pupil, one.level) for one in missing] == [("P-07", 1)]


def test_a_pupil_whom_another_register_misses_is_let_through(pupil_day: MakeDay, at: At) -> None:
    """The class is back in P3, one is not: that one is told of, with both registers."""
    pupils = a_class(pupil_day, 30, later=("11:20 P3 /",))
    pupils[7] = pupil_day(
        "08:50 AM /", "09:00 P1 /", "10:02 P2 N", "11:20 P3 N", pupil="P-07", form="8A"
    )

    assert triggers(look(at("11:29"), pupils)) == ["register_anomaly"]
    missing = [one for one in look(at("11:30"), pupils).findings if one.pupil]

    assert [(one.trigger, one.pupil, one.level) for one in missing] == [
        ("missing_during_day", "P-07", 2)
    ]
    assert missing[0].fired_at == at("11:30")


def test_corrections_let_those_through_who_are_still_absent(pupil_day: MakeDay, at: At) -> None:
    """Once the register is ordinary again, its absences are absences."""
    corrected = a_class(pupil_day, 2, 28)

    found = look(at("10:20"), corrected).findings

    assert [(one.trigger, one.pupil) for one in found] == [
        ("missing_during_day", "P-00"),
        ("missing_during_day", "P-01"),
    ]


def test_a_school_may_let_all_through_after_a_time(pupil_day: MakeDay, at: At) -> None:
    """With release_minutes everybody is told of some time after the DSL heard of the register."""
    pupils = a_class(pupil_day, 10)
    release = {"release_minutes": 20}

    assert triggers(look(at("10:46"), pupils, register_anomaly=release)) == ["register_anomaly"]
    released = look(at("10:47"), pupils, register_anomaly=release)
    assert len(released.findings) == 11
    assert released.held == ()
    assert look(at("10:27"), pupils, register_anomaly=release).look_again == at("10:47")


def test_the_smallest_group_and_share_are_inclusive(pupil_day: MakeDay, at: At) -> None:
    """Eight of ten is an anomaly, seven of ten is seven children; so are seven of seven."""
    assert triggers(look(at("10:12"), a_class(pupil_day, 8, 2))) == ["register_anomaly"]
    assert triggers(look(at("10:12"), a_class(pupil_day, 7, 3))) == ["missing_during_day"]
    assert triggers(look(at("10:12"), a_class(pupil_day, 7))) == ["missing_during_day"]
    assert triggers(look(at("10:12"), a_class(pupil_day, 8))) == ["register_anomaly"]
    small = {"minimum_pupils": 7}
    assert triggers(look(at("10:12"), a_class(pupil_day, 7), register_anomaly=small)) == [
        "register_anomaly"
    ]


def test_a_register_that_is_mostly_blank_is_no_anomaly(pupil_day: MakeDay, at: At) -> None:
    """A teacher who marks only the absent has not marked a class absent."""
    pupils = a_class(pupil_day, 3)
    pupils += [
        pupil_day("08:50 AM /", "09:00 P1 /", blank="P2", pupil=f"Q-{number}", form="8A")
        for number in range(27)
    ]

    assert triggers(look(at("10:12"), pupils)) == ["missing_during_day", "register_not_taken"]


def test_the_register_is_the_group_where_the_mis_says(pupil_day: MakeDay, at: At) -> None:
    """Four forms in one class are one register, one form in two classes is two registers."""
    one_class = [
        pupil_day("08:50 AM /", "10:02 P2 N", pupil=f"P-{n}", form=f"8{n % 4}", register="8x/Ma1")
        for n in range(12)
    ]
    two_classes = [
        pupil_day("08:50 AM /", "10:02 P2 N", pupil=f"P-{n}", form="8A", register=f"8x/Ma{n % 2}")
        for n in range(12)
    ]

    (finding,) = look(at("10:12"), one_class).findings
    assert finding.facts["register"] == "8x/Ma1"
    assert triggers(look(at("10:12"), two_classes)) == ["missing_during_day"]


def test_without_a_known_group_nobody_is_held(pupil_day: MakeDay, at: At) -> None:
    """Where neither register nor form is known, every child is told of."""
    pupils = a_class(pupil_day, 30, form="")

    assert triggers(look(at("10:12"), pupils)) == ["missing_during_day"]


def a_form_in_the_morning(
    pupil_day: MakeDay, absent: int, present: int = 0, **said: Any
) -> list[PupilDay]:
    """Give a form whose morning register says N of so many; all others are there."""
    return [
        pupil_day(
            f"08:50 AM {'N' if number < absent else '/'}",
            pupil=f"P-{number:02d}",
            **{"form": "8A", **said},
        )
        for number in range(absent + present)
    ]


def test_a_form_of_whom_nobody_came_is_one_question(pupil_day: MakeDay, at: At) -> None:
    """A trip that left before registration and that nobody entered: one, not thirty absences."""
    pupils = a_form_in_the_morning(pupil_day, 30)

    assert look(at("09:14"), pupils).findings == ()
    assessment = look(at("09:15"), pupils)

    (finding,) = assessment.findings
    assert (finding.trigger, finding.slot, finding.level) == ("register_anomaly", "AM", 1)
    assert finding.fired_at == at("09:15")
    assert "30 of 30" in finding.sentence
    assert "earlier" not in finding.sentence
    assert [(one.trigger, reason) for one, reason in assessment.held] == [
        ("unexplained_absence", "register_anomaly")
    ] * 30
    (raised,) = look(at("09:30"), pupils).findings
    assert (raised.level, raised.raised_at) == (2, at("09:30"))


def test_a_form_that_was_corrected_leaves_those_who_did_not_come(
    pupil_day: MakeDay, at: At
) -> None:
    """V for the trip, and one child who should have been on it and is not."""
    pupils = a_form_in_the_morning(pupil_day, 30)
    trip = [
        pupil_day("08:50 AM N", "09:20 AM V" if one.pupil != "P-07" else "09:20 AM N", form="8A",
                  pupil=one.pupil)
        for one in pupils
    ]  # fmt: skip

    assert [(one.trigger, one.pupil) for one in look(at("09:20"), trip).findings] == [
        ("unexplained_absence", "P-07")
    ]


def test_many_absent_pupils_in_a_form_are_children(pupil_day: MakeDay, at: At) -> None:
    """Under the share, or in a form that is too small, each of them is told of."""
    for absent, present in ((23, 7), (7, 0), (7, 2)):
        found = look(at("09:15"), a_form_in_the_morning(pupil_day, absent, present)).findings
        assert [one.trigger for one in found] == ["unexplained_absence"] * absent


def test_pupils_absent_since_the_morning_hide_nobody_at_noon(pupil_day: MakeDay, at: At) -> None:
    """Six never came, two of the other four walk out at lunch: those two are told of."""
    pupils = [
        pupil_day(
            f"08:50 AM {'N' if number < 6 else '/'}",
            f"13:05 PM {'N' if number < 8 else chr(92)}",
            pupil=f"P-{number:02d}",
            form="8A",
        )
        for number in range(10)
    ]

    missing = [
        one.pupil
        for one in look(at("13:30"), pupils).findings
        if one.trigger == "missing_during_day"
    ]

    assert missing == ["P-06", "P-07"]


def test_a_class_of_a_school_with_lessons_only_is_one_question(pupil_day: MakeDay, at: At) -> None:
    """Nobody of a class in P1 and P2, no session register: two odd registers, nobody told."""
    pupils = [
        pupil_day("09:00 P1 N", "10:02 P2 N", pupil=f"P-{n:02d}", register="8x") for n in range(20)
    ]

    found = look(at("10:02"), pupils)

    assert [(one.trigger, one.slot) for one in found.findings] == [
        ("register_anomaly", "P1"),
        ("register_anomaly", "P2"),
    ]
    assert {one.fired_at for one in found.findings} == {at("10:02")}
    assert len(found.held) == 20


def test_a_class_away_in_one_lesson_lets_the_other_lesson_speak(pupil_day: MakeDay, at: At) -> None:
    """P1 is odd; P2 misses three of them in three classes: these three did not come."""
    pupils = [
        pupil_day("09:00 P1 N", "10:02 P2 /" if n > 2 else "10:02 P2 N", pupil=f"P-{n:02d}",
                  form="8A")
        for n in range(20)
    ]  # fmt: skip

    found = look(at("10:02"), pupils).findings

    assert [one.pupil for one in found if one.trigger == "unexplained_absence"] == [
        "P-00",
        "P-01",
        "P-02",
    ]


def test_a_teacher_who_marks_the_absent_first_hides_nobody(pupil_day: MakeDay, at: At) -> None:
    """Ten absent of thirty, the others not marked yet: ten children, not an odd register."""
    pupils = a_class(pupil_day, 10)
    pupils += [
        pupil_day("08:50 AM /", "09:00 P1 /", blank="P2", pupil=f"Q-{number}", form="8A")
        for number in range(20)
    ]

    found = look(at("10:12"), pupils).findings

    assert [one.pupil for one in found if one.trigger == "missing_during_day"] == [
        f"P-{number:02d}" for number in range(10)
    ]


def test_pupils_elsewhere_do_not_count(pupil_day: MakeDay, at: At) -> None:
    """Half the class on a trip: the other half decides."""
    pupils = a_class(pupil_day, 9)
    pupils += [pupil_day("08:50 AM V", "10:02 P2 V", pupil=f"Q-{n}", form="8A") for n in range(15)]

    (finding,) = look(at("10:12"), pupils).findings
    assert finding.facts["expected"] == 9


def test_two_slots_are_two_anomalies(pupil_day: MakeDay, at: At) -> None:
    """A trip that nobody entered empties both lessons, and still nobody is a missing child."""
    pupils = a_class(pupil_day, 30, later=("11:20 P3 N",))

    found = look(at("12:00"), pupils).findings

    assert [(one.trigger, one.slot) for one in found] == [
        ("register_anomaly", "P2"),
        ("register_anomaly", "P3"),
    ]


def test_switched_off_it_holds_nobody(pupil_day: MakeDay, at: At) -> None:
    """A school that does not want it gets every single alert."""
    off = {"enabled": False}

    assessment = look(at("10:12"), a_class(pupil_day, 30), register_anomaly=off)

    assert len(assessment.findings) == 30
    assert triggers(assessment) == ["missing_during_day"]


def test_late_absences_of_a_class_seen_again_are_one_question(pupil_day: MakeDay, at: At) -> None:
    """P2 saved all absent after P3 saw them all: one anomaly at once, not thirty truants."""
    pupils = [
        pupil_day("08:50 AM /", "11:18 P3 /", "11:40 P2 N", pupil=f"P-{n:02d}", form="8A")
        for n in range(30)
    ]

    assessment = look(at("11:40"), pupils)

    assert triggers(assessment) == ["register_anomaly"]
    assert assessment.findings[0].fired_at == at("11:40")
