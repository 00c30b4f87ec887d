"""The slow findings of a pupil's year: positive, boundary, negative, and for whom never.

Each expectation is that of the rule; where the rule is law or guidance, the docstring names it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, local_datetime
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.approaching_persistent_absence import projected_sessions
from mis_bridge.triggers.catalogue import TRIGGERS, assess_years
from mis_bridge.triggers.model import Audience, Finding, Kind, PupilYear, Severity

YEAR = AcademicYear(2026)
MONDAY = date(2026, 9, 7)
CALENDAR = SchoolCalendar(YEAR, date(2026, 9, 3), date(2027, 7, 20))
PRESENT = "/ \\"
NEW = (
    "twenty_day_absence",
    "not_returned_from_leave",
    "twenty_sessions",
    "ten_day_sickness",
    "fifteen_day_sickness",
    "penalty_threshold",
    "reason_overdue",
    "absence_pattern",
    "lateness_pattern",
)


def school_days(count: int, first: date = MONDAY) -> list[date]:
    """Give weekdays, as many as asked for."""
    days = [first + timedelta(days=number) for number in range(2 * count + 7)]
    return [day for day in days if day.weekday() < 5][:count]


def a_year(*days: str, first: date = MONDAY, **said: Any) -> PupilYear:
    r"""Give a pupil's year: one text a school day, ``"/ \\"`` or one code for both sessions."""
    rows = []
    for day, text in zip(school_days(len(days), first), days, strict=True):
        codes = text.split()
        rows.append((day, codes[0], codes[-1]))
    return PupilYear("P-1", Strip.from_days(YEAR, rows), CALENDAR, **said)


def last_summer(*days: str) -> Strip:
    """Give last year's marks of its last school days, up to Tuesday 21 July 2026."""
    weekdays = [date(2026, 7, 21) - timedelta(days=number) for number in range(60)]
    school = sorted([day for day in weekdays if day.weekday() < 5][: len(days)])
    rows = [
        (day, text.split()[0], text.split()[-1]) for day, text in zip(school, days, strict=True)
    ]
    return Strip.from_days(AcademicYear(2025), rows)


def found(
    trigger: str, year: PupilYear, as_of: date, *, rates: bool = True, **settings: Any
) -> Finding | None:
    """Give the finding of one trigger."""
    assessment = assess_years([year], as_of, {trigger: settings} if settings else {}, rates=rates)
    matching = [one for one in assessment.findings if one.trigger == trigger]
    assert len(matching) <= 1
    return matching[0] if matching else None


def after(count: int) -> date:
    """Give the school day of that number, from 1."""
    return school_days(count)[-1]


# Who has each of these findings on the last of its days, and is told of it.
HAS: dict[str, list[str]] = {
    "twenty_day_absence": ["O"] * 20,
    "not_returned_from_leave": ["C", *["O"] * 10],
    "twenty_sessions": ["I"] * 10,
    "ten_day_sickness": ["I"] * 10,
    "fifteen_day_sickness": [PRESENT, *["I", "I", PRESENT] * 8][:23],
    "penalty_threshold": ["G"] * 5,
    "reason_overdue": ["N", *[PRESENT] * 6],
    "absence_pattern": [*[PRESENT] * 4, "I"] * 6,
    "lateness_pattern": [*[PRESENT] * 20, *["L \\", "L \\", "L \\", "/ U", PRESENT] * 4],
}


@pytest.mark.parametrize("trigger", NEW)
def test_it_is_true_on_its_day_and_not_the_day_before(trigger: str) -> None:
    """The finding is dated on the school day that made it true, at its last register's close."""
    year, last = a_year(*HAS[trigger]), len(HAS[trigger])

    finding = found(trigger, year, after(last))

    assert finding is not None
    assert finding.fired_at == local_datetime(finding.day, 13 * 60 + 30)
    assert finding.sentence.endswith(".")
    if trigger != "fifteen_day_sickness":
        assert finding.day == after(last)
    assert found(trigger, year, finding.day - timedelta(days=1)) is None


@pytest.mark.parametrize("trigger", NEW)
@pytest.mark.parametrize(
    "said",
    [
        {"year_group": 12},
        {"compulsory_age_from": date(2027, 9, 1)},
        {"compulsory_age_to": date(2026, 6, 26)},
    ],
    ids=["sixth form", "Reception before compulsory age", "above compulsory age"],
)
def test_it_never_fires_for_pupils_outside_compulsory_school_age(
    trigger: str, said: dict[str, Any]
) -> None:
    """Education Act 1996, section 8: duties to attend, and returns, are of that age only."""
    year = a_year(*HAS[trigger], **said)

    assert found(trigger, year, after(len(HAS[trigger]))) is None


@pytest.mark.parametrize("trigger", NEW)
def test_it_says_for_whom_it_never_fires_and_disturbs_nobody(trigger: str) -> None:
    """Slow matters are for the attendance officer; nobody is rung about them twice."""
    info = TRIGGERS[trigger].INFO

    assert info.kind is Kind.STRIP
    assert info.never_for
    assert info.audience[0] is Audience.ATTENDANCE
    assert info.severity in (Severity.LOW, Severity.NORMAL)
    told = Audience.DSL in info.audience
    assert told is (trigger in ("twenty_day_absence", "not_returned_from_leave"))


@pytest.mark.parametrize("trigger", ["twenty_sessions", "absence_pattern", "lateness_pattern"])
def test_without_presences_nothing_is_compared(trigger: str) -> None:
    """A MIS that sends absences only does not say how many sessions there were."""
    year, last = a_year(*HAS[trigger]), after(len(HAS[trigger]))

    assert found(trigger, year, last, rates=True) is not None
    assert found(trigger, year, last, rates=False) is None


# twenty_day_absence: regulation 9(1)(i) of SI 2024/208


def test_day_twenty_is_a_fact_and_no_verdict() -> None:
    """It says that day 20 is reached and that joint enquiries are due; never to delete."""
    finding = found("twenty_day_absence", a_year(*HAS["twenty_day_absence"]), after(20))

    assert finding is not None
    assert "Day 20 reached on 2 October 2026" in finding.sentence
    assert "Joint enquiries with the local authority are due" in finding.sentence
    info = TRIGGERS["twenty_day_absence"].INFO
    assert not any("delet" in text.lower() for text in (finding.sentence, info.meaning))


@pytest.mark.parametrize("other", ["O U", "I", "/ O", "C", "V", "E"])
def test_any_other_code_defeats_day_twenty(other: str) -> None:
    """Ground (i): every session G, N or O; U is a pupil who was in the school."""
    days = [*["O"] * 10, other, *["N"] * 9]

    assert found("twenty_day_absence", a_year(*days), after(20)) is None
    assert found("twenty_day_absence", a_year(*["O"] * 20, other), after(21)) is None


def test_ten_days_are_not_broken_by_what_breaks_twenty() -> None:
    """A U lengthens the run of regulation 13 and breaks that of regulation 9."""
    year = a_year(*["O"] * 10, "U", *["O"] * 10)

    assert found("ten_day_absence", year, after(21)) is not None
    assert found("twenty_day_absence", year, after(21)) is None


def test_closures_do_not_count_and_a_missing_mark_claims_nothing() -> None:
    """School days, not weekdays; across a register that was not taken a new run is needed."""
    assert found("twenty_day_absence", a_year(*["O"] * 10, "#", *["O"] * 10), after(21))
    gap = a_year(*["O"] * 10, "-", *["O"] * 20)
    assert found("twenty_day_absence", gap, after(30)) is None
    finding = found("twenty_day_absence", gap, after(31))
    assert finding is not None
    assert "twenty days in a row" in finding.uncertain


def test_day_twenty_over_the_summer() -> None:
    """Twelve days in July and eight in September; one that was reached in July is last year's."""
    year = replace(a_year(*["O"] * 9), before=last_summer(PRESENT, *["O"] * 12))

    assert found("twenty_day_absence", year, after(7)) is None
    assert found("twenty_day_absence", year, after(8)) is not None
    old = replace(a_year(*["O"] * 9), before=last_summer(PRESENT, *["O"] * 20))
    assert found("twenty_day_absence", old, after(9)) is None


# not_returned_from_leave: regulation 9(1)(h) of SI 2024/208


def test_ten_school_days_after_a_leave() -> None:
    """The leave's last day and the tenth after it are named; the ninth is too early."""
    year = a_year(PRESENT, "C", "C", *["O"] * 10)

    assert found("not_returned_from_leave", year, after(12)) is None
    finding = found("not_returned_from_leave", year, after(13))
    assert finding is not None
    assert finding.facts["first_day"] == after(2).isoformat()
    assert finding.facts["leave_ended"] == after(3).isoformat()
    assert finding.episode == after(3).isoformat()


@pytest.mark.parametrize("leave", ["M", "S", "C2", "I", "V"])
def test_what_is_no_leave_with_a_return(leave: str) -> None:
    """Appointments, study leave and part-time timetables end otherwise."""
    assert found("not_returned_from_leave", a_year(leave, *["O"] * 12), after(13)) is None


def test_an_authority_may_name_other_codes() -> None:
    """The codes of a leave are a setting."""
    year = a_year("T", *["O"] * 10)

    assert found("not_returned_from_leave", year, after(11)) is None
    assert found("not_returned_from_leave", year, after(11), codes=["C", "T"]) is not None


def test_whoever_comes_back_has_returned() -> None:
    """One session, late or not, and it is over; so is illness."""
    for mark in ("/ O", "U O", "I"):
        year = a_year("C", *["O"] * 10, mark)
        assert found("not_returned_from_leave", year, after(12)) is None


def test_a_leave_before_the_summer() -> None:
    """Gone in July, not back in September."""
    year = replace(a_year(*["O"] * 8), before=last_summer(PRESENT, "C", "O", "O"))

    finding = found("not_returned_from_leave", year, after(8))

    assert finding is not None
    assert finding.facts["leave_ended"] == "2026-07-17"


# twenty_sessions: The Children's Society, "Lessons to Learn": at 20 half days


def test_nineteen_sessions_are_one_too_few() -> None:
    """19 and 20 of the same days."""
    assert found("twenty_sessions", a_year(*["I"] * 9, "I \\"), after(10)) is None
    assert found("twenty_sessions", a_year(*["I"] * 10), after(10)) is not None


def test_it_is_sooner_after_a_missing_episode_and_told_to_the_dsl() -> None:
    """Ten sessions for a pupil who was missing before, at level 2."""
    year = a_year(*["I"] * 4, "I \\", "I", flags=frozenset({"missing_before"}))

    assert found("twenty_sessions", year, after(5)) is None
    finding = found("twenty_sessions", year, after(6))
    assert finding is not None
    assert finding.level == 2
    assert TRIGGERS["twenty_sessions"].INFO.raised_audience == (Audience.DSL,)
    assert found("twenty_sessions", replace(year, flags=frozenset()), after(6)) is None


def test_late_in_the_year_twenty_sessions_are_not_much() -> None:
    """20 of 250 is 8 per cent, 20 of 252 is less: what most pupils miss disturbs nobody."""
    eight = a_year(*["I"] * 9, *[PRESENT] * 115, "I")
    less = a_year(*["I"] * 9, *[PRESENT] * 116, "I")

    assert found("twenty_sessions", eight, after(125)) is not None
    assert found("twenty_sessions", less, after(126)) is None
    assert found("twenty_sessions", less, after(126), from_per_cent=0) is not None
    # It waits until the share is reached, and is dated then.
    more = a_year(*["I"] * 9, *[PRESENT] * 116, "I", "I")
    finding = found("twenty_sessions", more, after(127))
    assert finding is not None
    assert finding.day == after(127)
    assert (finding.facts["absent"], finding.facts["possible"]) == (21, 253)


def test_later_attendance_does_not_undo_it() -> None:
    """An early word is not taken back; the same episode all year."""
    year = a_year(*["I"] * 10, *[PRESENT] * 150)

    early, late = (found("twenty_sessions", year, after(days)) for days in (10, 160))
    assert early is not None
    assert late is not None
    assert early.identity == late.identity


# sickness: regulation 13 of SI 2024/208, 15 days; examples G01 and G03


def test_fifteen_days_in_all() -> None:
    """30 sessions over the year, 29 are not; the day of the thirtieth."""
    days = [PRESENT, *["I", "I", PRESENT] * 7, "I \\"]
    assert found("fifteen_day_sickness", a_year(*days), after(23)) is None

    year = a_year(*days, "I")
    finding = found("fifteen_day_sickness", year, after(24))
    assert finding is not None
    assert (finding.day, finding.episode) == (after(24), "2026")
    assert finding.facts["in_a_row"] == 1


def test_a_person_is_asked_earlier_when_it_is_in_a_row() -> None:
    """20 sessions in a row, over a weekend and a closure; not 19, and not across a blank."""
    assert found("ten_day_sickness", a_year(*["I"] * 5, "#", *["I"] * 5), after(11)) is not None
    assert found("ten_day_sickness", a_year("/ I", *["I"] * 9), after(10)) is None
    assert found("ten_day_sickness", a_year(*["I"] * 5, "- I", *["I"] * 5), after(11)) is None
    assert found("ten_day_sickness", a_year(*["I"] * 10, "/ I"), after(11)) is None


def test_one_long_illness_is_one_matter() -> None:
    """The tenth and the fifteenth day of it belong to the same episode."""
    year = a_year(PRESENT, *["I"] * 15)

    ten = found("ten_day_sickness", year, after(16))
    fifteen = found("fifteen_day_sickness", year, after(16))
    assert ten is not None
    assert fifteen is not None
    assert ten.episode == fifteen.episode == after(2).isoformat()
    assert (ten.day, fifteen.day) == (after(11), after(16))


def test_appointments_are_no_illness() -> None:
    """M is counted apart."""
    assert found("fifteen_day_sickness", a_year(*["M"] * 20), after(20)) is None


# penalty_threshold: national framework, ten unauthorised sessions in ten school weeks


def test_level_one_is_provisional_and_level_two_confirmed() -> None:
    """With an N among the ten it is provisional; G, O and U alone confirm it."""
    year = a_year("N O", *["O"] * 4, "U \\")

    provisional = found("penalty_threshold", year, after(5))
    assert provisional is not None
    assert provisional.level == 1
    assert (provisional.facts["provisional"], provisional.facts["confirmed"]) == (10, 9)
    assert "1 of them is still N" in provisional.sentence
    confirmed = found("penalty_threshold", year, after(6))
    assert confirmed is not None
    assert (confirmed.level, confirmed.identity) == (2, provisional.identity)
    assert confirmed.raised_at == local_datetime(after(6), 13 * 60 + 30)
    assert "considers" in confirmed.sentence
    assert not any(word in confirmed.sentence.lower() for word in ("fine", "£", "prosecut"))


def test_nine_sessions_and_authorised_ones_are_not_ten() -> None:
    """Examples H05 and H06."""
    assert found("penalty_threshold", a_year(*["O"] * 4, "O \\"), after(5)) is None
    assert found("penalty_threshold", a_year(*["I"] * 10), after(10)) is None


def test_it_spans_school_years() -> None:
    """Six sessions in July and four in September; what July had reached is July's."""
    before = last_summer(*[PRESENT] * 5, *["O"] * 3)
    year = replace(a_year("O", "O"), before=before)

    finding = found("penalty_threshold", year, after(2))
    assert finding is not None
    assert finding.day == after(2)
    assert found("penalty_threshold", replace(year, before=None), after(2)) is None
    full = replace(year, before=last_summer(*["O"] * 5))
    assert found("penalty_threshold", full, after(2)) is None


def test_it_ends_when_the_ten_weeks_have_gone_by() -> None:
    """The ten school weeks include the first; in the eleventh there are none."""
    year = a_year(*["G"] * 5, *[PRESENT] * 60)

    assert found("penalty_threshold", year, after(50)) is not None
    assert found("penalty_threshold", year, after(51)) is None


# reason_overdue: regulation 10(7) to (9) of SI 2024/208; example E01


def test_an_n_may_stand_for_five_school_days() -> None:
    """Monday's N may stand to the next Monday and is overdue on the Tuesday after it."""
    year = a_year("N \\", *[PRESENT] * 8)

    assert found("reason_overdue", year, date(2026, 9, 14)) is None
    finding = found("reason_overdue", year, date(2026, 9, 15))
    assert finding is not None
    assert finding.day == date(2026, 9, 15)
    assert "1 session is still marked N" in finding.sentence


def test_closures_do_not_use_up_the_five_days() -> None:
    """School days: a closed week lies between."""
    year = a_year("N", *["#"] * 5, *[PRESENT] * 6)

    assert found("reason_overdue", year, after(11)) is None
    assert found("reason_overdue", year, after(12)) is not None


def test_another_code_ends_it() -> None:
    """O, where no reason was found, is enough."""
    assert found("reason_overdue", a_year("O", *[PRESENT] * 8), after(9)) is None


def test_all_of_a_pupils_overdue_sessions_are_one_finding() -> None:
    """Counted together, dated from the newest: another one is news."""
    year = a_year("N", PRESENT, "N \\", *[PRESENT] * 6)

    first = found("reason_overdue", year, after(8))
    both = found("reason_overdue", year, after(9))
    assert first is not None
    assert both is not None
    assert (first.facts["sessions"], both.facts["sessions"]) == (2, 3)
    assert (first.day, both.day) == (after(7), after(9))


def test_who_left_has_no_later_session() -> None:
    """Nothing is asked of a register that goes no further."""
    assert found("reason_overdue", a_year(PRESENT, "N"), after(30)) is None


# absence_pattern and lateness_pattern: our choice, tested against chance


def test_the_chance_of_a_pattern_is_stated() -> None:
    """Six Fridays of six in six weeks: 30 days, 6 of them Fridays, drawn once in 593,775.

    Seven patterns, and 6 * 7 / 6 for the sixth absence: 49 times as likely is once in 12,117.
    """
    finding = found("absence_pattern", a_year(*HAS["absence_pattern"]), after(30))

    assert finding is not None
    assert "6 of 6 short absences began on a Friday" in finding.sentence
    assert "fewer than 1 of 10,000 pupils" in finding.sentence
    assert finding.facts["fitting_days"] == 6
    assert finding.episode == "2026"


def test_a_part_time_timetable_and_another_school_are_no_pattern() -> None:
    """C2 every Friday, or D every Friday: agreed, and known."""
    for code in ("C2", "D", "X"):
        days = [*[PRESENT] * 4, code] * 30
        assert found("absence_pattern", a_year(*days), after(150)) is None


def test_rising_lateness_is_said_with_its_chance() -> None:
    """16 of 40 sessions after none of 40."""
    finding = found("lateness_pattern", a_year(*HAS["lateness_pattern"]), after(40))

    assert finding is not None
    assert "Late for 16 of 40 sessions attended" in finding.sentence
    assert "before that for 0 of 40" in finding.sentence


# approaching_persistent_absence: the projected day


@pytest.mark.parametrize(
    ("possible", "absent", "lately", "sessions"),
    [
        (100, 9, (40, 8), 10),  # 9 + 10 / 5 is a tenth of 110
        (100, 9, (40, 4), None),  # at 10 per cent it stays below
        (100, 9, (40, 0), None),
        (100, 9, (40, 40), 2),  # 11 of 102
        (100, 10, (40, 0), 0),
    ],
)
def test_projected_sessions(
    possible: int, absent: int, lately: tuple[int, int], sessions: int | None
) -> None:
    """The first number of further sessions at which the present rate has reached a tenth."""
    assert projected_sessions(possible, absent, lately) == sessions


def test_the_projected_day_is_a_school_day() -> None:
    """Ten sessions are five school days, half term between them not counted."""
    closures = (Closure(date(2026, 11, 16), date(2026, 11, 20), "half term"),)
    calendar = SchoolCalendar(YEAR, date(2026, 9, 3), date(2027, 7, 20), closures)
    days = [*[PRESENT] * 29, "I \\", *[PRESENT] * 10, *["I"] * 4, *[PRESENT] * 6]
    year = replace(a_year(*days), calendar=calendar)

    finding = found("approaching_persistent_absence", year, after(50))
    assert finding is not None
    # 9 of 100, and 8 of the last 40: in ten sessions, after Friday 13 November.
    assert after(50) == date(2026, 11, 13)
    assert finding.facts["projected"] == "2026-11-27"
    assert "27 November 2026" in finding.sentence


def test_a_rate_that_never_reaches_it_has_no_day() -> None:
    """All absence was in September: since then nothing was missed."""
    finding = found(
        "approaching_persistent_absence", a_year(*["I"] * 4, *[PRESENT] * 44), after(48)
    )

    assert finding is not None
    assert finding.facts["projected"] == ""
    assert "not reached" in finding.sentence


@pytest.mark.parametrize(
    ("as_of", "said"),
    [(date(2027, 8, 4), {}), (date(2027, 6, 8), {"year_group": 11})],
    ids=["the year is over", "Year 11 after the spring bank holiday"],
)
def test_nothing_is_projected_where_nothing_more_is_counted(
    as_of: date, said: dict[str, Any]
) -> None:
    """What is counted of the year is complete: no further day can change it."""
    days = ["I \\", *[PRESENT] * 14, *["I"] * 1, *[PRESENT] * 2]
    finding = found(
        "approaching_persistent_absence",
        a_year(*days, first=date(2027, 5, 3), **said),
        as_of,
        minimum_possible=30,
    )

    assert finding is not None
    assert finding.facts["projected"] == ""
    assert "No more sessions" in finding.sentence
