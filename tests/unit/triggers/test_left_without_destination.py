"""Off the roll and no destination known.

Sources: regulation 13 of SI 2024/208 (the deletion return; none for who leaves at the end of the
most senior class), "Children missing education" (of compulsory school age, on no school's roll),
Education Act 1996 section 8 (until when a child is of that age). Five school days are our choice.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, local_datetime
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.triggers.catalogue import assess_roll
from mis_bridge.triggers.roll_model import Enrolment, SchoolRoll, last_day_on_roll

if TYPE_CHECKING:
    from mis_bridge.triggers.model import Finding

CALENDAR = SchoolCalendar(
    AcademicYear(2026),
    date(2026, 9, 2),
    date(2027, 7, 21),
    (Closure(date(2026, 10, 26), date(2026, 10, 30), "autumn half term"),),
)
LEFT = date(2026, 11, 6)  # a Friday
MONDAY = date(2026, 11, 9)


def leaver(**different: object) -> Enrolment:
    """A pupil of Year 8 who left on a Friday of November."""
    born = date(2013, 11, 20)
    usual = Enrolment("P-1", date(2024, 9, 2), LEFT, year_group=8)
    first, last = compulsory_school_age(born)
    of_age = replace(usual, compulsory_age_from=first, compulsory_age_to=last)
    return replace(of_age, **different)  # type: ignore[arg-type]


def of_born(born: date) -> dict[str, date]:
    """Give the span of compulsory school age as an enrolment has it."""
    first, last = compulsory_school_age(born)
    return {"compulsory_age_from": first, "compulsory_age_to": last}


def stayers(*groups: int) -> list[Enrolment]:
    """Five pupils of each year group, on roll all the time."""
    return [
        Enrolment(f"S-{group}-{number}", date(2020, 9, 1), year_group=group, destination="")
        for group in groups
        for number in range(5)
    ]


def look(
    *pupils: Enrolment, today: date = MONDAY, told: bool = True, **settings: object
) -> tuple[Finding, ...]:
    """Give what is found about some pupils of a secondary school."""
    roll = SchoolRoll([*pupils, *stayers(7, 8, 9, 10, 11)], CALENDAR, told)
    return assess_roll(roll, today, {"left_without_destination": settings}).findings


def test_a_pupil_off_the_roll_without_a_destination_is_found_the_next_day() -> None:
    """True from the day after the last one on roll; CME means on no school's roll."""
    (finding,) = look(leaver(), today=LEFT + timedelta(days=1))

    assert (finding.pupil, finding.level) == ("P-1", 1)
    assert finding.fired_at == local_datetime(date(2026, 11, 7), 0)
    assert "Off the roll since 7 November 2026" in finding.sentence


def test_the_wait_for_a_destination_goes_on_over_the_summer() -> None:
    """Left on 14 July: five school days are over on the 21st, and are still so in September.

    On 1 August another calendar comes into force, and it knows no day of July.
    """
    pupil = leaver(last_day=date(2027, 7, 14))
    following = SchoolCalendar(AcademicYear(2027), date(2027, 9, 2), date(2028, 7, 20))
    everybody = [pupil, *stayers(7, 8, 9, 10, 11)]
    years = SchoolYears((CALENDAR, following))

    def level(calendar: SchoolCalendar, today: date) -> int:
        roll = SchoolRoll.of(everybody, calendar, years)
        (finding,) = assess_roll(roll, today, {}).findings
        return finding.level

    assert level(CALENDAR, date(2027, 7, 21)) == 1
    assert level(CALENDAR, date(2027, 7, 22)) == 2
    assert level(following, date(2027, 8, 2)) == 2
    assert level(following, date(2027, 9, 2)) == 2


def test_on_the_last_day_on_roll_nothing_is_found() -> None:
    """The pupil is on roll that day, and a child on roll is not CME."""
    assert look(leaver(), today=LEFT) == ()


def test_who_stays_or_leaves_later_is_not_found() -> None:
    """No last day, or one that is still to come."""
    assert look(leaver(last_day=None), leaver(last_day=date(2026, 12, 18))) == ()


@pytest.mark.parametrize("destination", ["Otherwood School", "EHE", "Moved to Scotland"])
def test_a_recorded_destination_is_enough(destination: str) -> None:
    """The deletion return names the destination where it is known: nothing is left to find out."""
    assert look(leaver(destination=destination)) == ()


@pytest.mark.parametrize("destination", ["", "  ", "Unknown", "NOT  KNOWN", "n/k", "XXX", "xxxx."])
def test_words_for_nobody_knows_are_no_destination(destination: str) -> None:
    """XXX and XXXX are what a Common Transfer File says where the destination is unknown."""
    assert len(look(leaver(destination=destination))) == 1


def test_a_word_of_the_school_s_own_may_mean_unknown() -> None:
    """The list is a setting."""
    moved = leaver(destination="Moved away")

    assert look(moved) == ()
    assert len(look(moved, unknown_destinations=["moved away"])) == 1


def test_after_five_school_days_without_a_new_school_it_is_at_level_2() -> None:
    """9 to 13 November are the five; on the 14th they have passed."""
    (fifth,) = look(leaver(), today=date(2026, 11, 13))
    (after,) = look(leaver(), today=date(2026, 11, 14))

    assert (fifth.level, after.level) == (1, 2)
    assert after.identity == fifth.identity
    assert after.raised_at == local_datetime(date(2026, 11, 14), 0)


def test_half_term_is_no_school_day() -> None:
    """Left on 23 October: the week of half term does not count towards the five."""
    left = leaver(last_day=date(2026, 10, 23))

    (finding,) = look(left, today=date(2026, 11, 6))
    assert finding.level == 1
    (finding,) = look(left, today=date(2026, 11, 7))
    assert finding.level == 2


def test_year_11_before_the_exams_is_at_level_2_at_once() -> None:
    """Off the roll in November of Year 11: off-rolling before the exams is the loudest."""
    (finding,) = look(leaver(year_group=11, **of_born(date(2010, 11, 20))))

    assert finding.level == 2
    assert "before the exams" in finding.sentence


def test_year_11_is_known_by_age_where_no_year_group_is_given() -> None:
    """Who turns 16 in this school year is in the year of the exams."""
    (finding,) = look(leaver(year_group=None, **of_born(date(2011, 8, 31))))
    (younger,) = look(leaver(year_group=None, **of_born(date(2011, 9, 1))))

    assert (finding.level, younger.level) == (2, 1)


@pytest.mark.parametrize(
    ("last_day", "found"), [(date(2027, 6, 24), 1), (date(2027, 6, 25), 1), (date(2027, 6, 26), 0)]
)
@pytest.mark.parametrize("of_age", [{}, of_born(date(2010, 11, 20))])
def test_year_11_ends_on_the_last_friday_in_june(
    last_day: date, found: int, of_age: dict[str, date]
) -> None:
    """25 June 2027 is the last day of compulsory school age (Education Act 1996, section 8)."""
    if not of_age:
        of_age = dict.fromkeys(("compulsory_age_from", "compulsory_age_to"))  # type: ignore[assignment]
    pupil = leaver(year_group=11, last_day=last_day, **of_age)

    assert len(look(pupil, today=last_day + timedelta(days=1))) == found


@pytest.mark.parametrize("flag", ["lac", "cp", "cin", "missing_before"])
def test_a_pupil_whom_children_s_services_know_is_at_level_2_at_once(flag: str) -> None:
    """Social worker and virtual school are told as soon as the pupil leaves."""
    (finding,) = look(leaver(flags=frozenset({flag})))

    assert finding.level == 2


def test_never_for_the_sixth_form_nor_the_nursery() -> None:
    """They are outside compulsory school age, and CME is about children of that age."""
    sixth = leaver(pupil="P-2", year_group=12, **of_born(date(2009, 11, 20)))
    nursery = leaver(pupil="P-3", year_group=-1, **of_born(date(2023, 1, 20)))
    by_group_alone = [
        leaver(
            pupil=f"P-{group}", year_group=group, compulsory_age_from=None, compulsory_age_to=None
        )
        for group in (-2, -1, 12, 13)
    ]

    assert look(sixth, nursery, *by_group_alone) == ()


def test_a_reception_child_counts_from_the_term_after_the_fifth_birthday() -> None:
    """Five on 20 September: of compulsory school age from 31 December, not in November."""
    child = leaver(year_group=0, **of_born(date(2021, 9, 20)))

    assert look(child) == ()
    later = replace(child, last_day=date(2027, 1, 8))
    assert len(look(later, today=date(2027, 1, 9))) == 1


def primary(*pupils: Enrolment, today: date, **settings: object) -> tuple[Finding, ...]:
    """Give what is found about some pupils of a primary school."""
    roll = SchoolRoll([*pupils, *stayers(3, 4, 5)], CALENDAR)
    return assess_roll(roll, today, {"left_without_destination": settings}).findings


def top_class(last_day: date, group: int = 6) -> list[Enrolment]:
    """Six pupils who leave together."""
    return [
        leaver(
            pupil=f"T-{number}", last_day=last_day, year_group=group, **of_born(date(2015, 11, 20))
        )
        for number in range(6)
    ]


def test_never_for_the_end_of_the_most_senior_class() -> None:
    """Year 6 leaves a primary school in July: no deletion return is due (regulation 13)."""
    assert primary(*top_class(date(2027, 7, 21)), today=date(2027, 7, 22)) == ()
    assert primary(*top_class(date(2027, 7, 31)), today=date(2027, 9, 6)) == ()


def test_leaving_on_31_august_is_leaving_in_july() -> None:
    """Many MIS have it as the last day of the year that is over; no new school year has begun."""
    august = date(2026, 8, 31)
    year_11 = leaver(
        year_group=11, last_day=august, compulsory_age_from=None, compulsory_age_to=None
    )

    assert primary(*top_class(august), today=date(2026, 9, 3)) == ()
    assert look(year_11, today=date(2026, 9, 3)) == ()
    (july,) = look(leaver(last_day=date(2026, 7, 22)), today=date(2026, 9, 3))
    (later,) = look(leaver(last_day=august), today=date(2026, 9, 3))
    assert july.identity[-1] == later.identity[-1]


def test_a_class_that_leaves_together_in_june_is_at_its_end() -> None:
    """Year 11 of a school with a sixth form, all off the roll before the last Friday in June.

    One of them alone, or all of them in May, is somebody who left before the end.
    """
    june, may = date(2027, 6, 18), date(2027, 5, 28)
    sixth_form = stayers(12, 13)

    def found(last_day: date, pupils: int) -> int:
        class_of_11 = [
            leaver(
                pupil=f"E-{number}",
                year_group=11,
                last_day=last_day if number < pupils else None,
                **of_born(date(2010, 11, 20)),
            )
            for number in range(8)
        ]
        roll = SchoolRoll([*class_of_11, *sixth_form], CALENDAR)
        return len(assess_roll(roll, last_day + timedelta(days=1), {}).findings)

    assert [found(june, 8), found(june, 4), found(june, 3), found(june, 1)] == [0, 0, 3, 1]
    assert found(may, 8) == 8


def test_the_most_senior_class_counts_before_the_end_of_the_year() -> None:
    """Who leaves Year 6 in March leaves during the year."""
    assert len(primary(*top_class(date(2027, 3, 5)), today=date(2027, 3, 6))) == 6


def test_a_lower_class_counts_at_the_end_of_the_year() -> None:
    """Year 4 leaving in July goes somewhere: the exemption is for the most senior class alone."""
    lower = top_class(date(2027, 7, 21), group=4)

    assert len(primary(*lower, *top_class(date(2027, 7, 21)), today=date(2027, 7, 22))) == 6


def test_one_pupil_of_a_higher_year_makes_no_class() -> None:
    """A Year 7 typed in by mistake does not turn all of Year 6 into children without a school."""
    slip = Enrolment("S-7", date(2020, 9, 1), year_group=7)
    roll = SchoolRoll([*top_class(date(2027, 7, 21)), *stayers(4, 5), slip], CALENDAR)

    assert assess_roll(roll, date(2027, 7, 22), {}).findings == ()


def test_the_most_senior_class_may_be_set() -> None:
    """An infant school ends with Year 2, whatever its roll says."""
    lower = top_class(date(2027, 7, 21), group=2)

    assert len(primary(*lower, today=date(2027, 7, 22))) == 6
    assert primary(*lower, today=date(2027, 7, 22), senior_year_group=2) == ()


def test_never_for_a_child_who_is_on_another_roll() -> None:
    """A child on a roll is not CME, under whatever id and at whatever school."""
    assert look(leaver(on_another_roll=True)) == ()


def test_who_never_came_has_not_left() -> None:
    """Admission was planned for a day that the pupil did not stay for."""
    assert look(leaver(admission=date(2026, 11, 23))) == ()


def test_who_left_long_ago_is_not_looked_at() -> None:
    """180 days and no more: last year's leavers are nobody's news today."""
    pupil = leaver(last_day=date(2026, 9, 10))

    assert len(look(pupil, today=date(2027, 3, 9))) == 1
    assert look(pupil, today=date(2027, 3, 10)) == ()


def test_correcting_the_day_of_leaving_is_the_same_matter() -> None:
    """A day more or less, and it is still one leaving; a second enrolment is another."""
    (one,) = look(leaver())
    (corrected,) = look(leaver(last_day=LEFT - timedelta(days=2)))
    (again,) = look(leaver(admission=date(2026, 10, 5)))

    assert one.episode == corrected.episode
    assert one.episode != again.episode


def test_what_is_not_known_is_said() -> None:
    """No age, no destination of anybody, no day of leaving: found all the same, and named."""
    unknown = leaver(
        year_group=None, compulsory_age_from=None, compulsory_age_to=None, dropped=True
    )
    (finding,) = look(unknown, told=False)

    assert "may not tell where leavers go" in finding.uncertain
    assert "Neither date of birth nor year group" in finding.uncertain
    assert "never said when" in finding.uncertain
    assert finding.level == 1


def test_switched_off_it_is_held_back() -> None:
    """What it finds is kept with the reason, and not told."""
    roll = SchoolRoll([leaver()], CALENDAR)
    assessment = assess_roll(roll, MONDAY, {"left_without_destination": {"enabled": False}})

    assert assessment.findings == ()
    assert [reason for _, reason in assessment.held] == ["trigger_off"]


@pytest.mark.parametrize(
    ("leaving", "gone", "last"),
    [
        (None, None, None),
        (LEFT, None, LEFT),
        (None, MONDAY, date(2026, 11, 8)),
        (LEFT, date(2027, 1, 5), LEFT),
        (date(2026, 12, 18), MONDAY, date(2026, 11, 8)),
        (None, date(2026, 8, 1), date(2026, 7, 31)),
        (None, date(2026, 9, 15), date(2026, 7, 31)),
        (None, date(2026, 9, 16), date(2026, 9, 15)),
        (None, date(2026, 7, 31), date(2026, 7, 30)),
    ],
)
def test_the_last_day_on_roll(leaving: date | None, gone: date | None, last: date | None) -> None:
    """As the MIS says; else the day before it gave the pupil no more, the summer counting as July.

    Which day that is where the MIS never says is our choice.
    """
    assert last_day_on_roll(leaving, gone) == last


def test_a_new_starter_who_is_dropped_in_september_left_in_september() -> None:
    """Admitted on the first of the month, gone on the tenth: a place that was not taken up.

    "Did not take up place" is a reason of notifications of children missing education
    (Gloucestershire's form).
    """
    left = last_day_on_roll(None, date(2026, 9, 10), date(2026, 9, 1))

    assert left == date(2026, 9, 9)
    pupil = leaver(admission=date(2026, 9, 1), last_day=left, dropped=True)
    assert len(look(pupil, today=date(2026, 9, 10))) == 1
