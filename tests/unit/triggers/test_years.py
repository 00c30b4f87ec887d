"""What is true of a pupil's year at the end of a day, and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import AcademicYear, SchoolCalendar, local_datetime
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.approaching_persistent_absence import until_persistent
from mis_bridge.triggers.catalogue import assess_years
from mis_bridge.triggers.model import Finding, PupilYear

YEAR = AcademicYear(2026)
CALENDAR = SchoolCalendar(YEAR, date(2026, 9, 3), date(2027, 7, 20))
MONDAY = date(2026, 9, 7)


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


SOON = {"minimum_possible": 11}
"""So that short years show a rule: by default a share is not looked at in the first weeks."""


def found(year: PupilYear, as_of: date, **settings: dict[str, Any]) -> dict[str, Finding]:
    """Give the findings by trigger."""
    early = {"persistent_absence": SOON, "approaching_persistent_absence": SOON}
    return by_default(year, as_of, **{**early, **settings})


def by_default(year: PupilYear, as_of: date, **settings: dict[str, Any]) -> dict[str, Finding]:
    """Give the findings by trigger, where nobody has set anything."""
    return {one.trigger: one for one in assess_years([year], as_of, settings).findings}


def after(count: int) -> date:
    """Give the school day of that number, from 1."""
    return school_days(count)[-1]


PRESENT = "/ \\"


def test_exactly_ten_per_cent_is_persistent() -> None:
    """2 of 20 is persistent, 2 of 22 is not; the day that made it so is named."""
    year = a_year(*[PRESENT] * 9, "I", PRESENT)

    finding = found(year, after(10))["persistent_absence"]
    assert finding.day == after(10)
    assert finding.fired_at == local_datetime(after(10), 13 * 60 + 30)
    assert (finding.facts["absent"], finding.facts["possible"]) == (2, 20)
    assert "2 of 20 possible sessions missed (10.00 %)" in finding.sentence
    assert "persistent_absence" not in found(year, after(11))


def test_a_rounded_ten_per_cent_is_not_persistent() -> None:
    """29 of 291 reads 10.0 % and is below ten."""
    days = [PRESENT] * 131 + ["I"] * 14 + ["I X"]
    year = a_year(*days)

    findings = found(year, after(146))

    assert "persistent_absence" not in findings
    assert findings["approaching_persistent_absence"].facts["absent"] == 29
    assert findings["approaching_persistent_absence"].facts["possible"] == 291


def test_too_few_sessions_give_no_alert() -> None:
    """Ten possible sessions are too few, eleven are enough; the number is a setting."""
    assert found(a_year(*["I"] * 5), after(5)) == {}
    assert "persistent_absence" in found(a_year(*["I"] * 5, "I X"), after(6))
    assert "persistent_absence" in found(
        a_year("I"), after(1), persistent_absence={"minimum_possible": 1}
    )


def test_one_illness_in_the_first_weeks_makes_nobody_persistent() -> None:
    """Two days of 19 are more than a tenth and no pattern yet; two of 20 are told.

    Severe absence does not wait so long: half of the first week and a day is no slip.
    """
    year = a_year(*["I"] * 2, *[PRESENT] * 18)

    assert by_default(year, after(19)) == {}
    assert set(by_default(year, after(20))) == {"persistent_absence"}
    assert "severe_absence" in by_default(a_year(*["I"] * 6), after(6))


def test_a_severe_absentee_is_a_persistent_one_too() -> None:
    """Both stand; exactly half is severe."""
    findings = found(a_year(*["/ I"] * 6), after(6))

    assert set(findings) == {"persistent_absence", "severe_absence"}
    assert "6 of 12" in findings["severe_absence"].sentence


def test_it_is_dated_from_when_it_has_been_true_without_a_break() -> None:
    """Above ten per cent, below it, above it again: the second crossing counts."""
    days = ["I"] * 2 + [PRESENT] * 19 + ["I"]
    year = a_year(*days)

    assert found(year, after(6))["persistent_absence"].day == after(6)
    assert "persistent_absence" not in found(year, after(21))
    assert found(year, after(22))["persistent_absence"].day == after(22)


def test_marks_after_the_day_are_not_looked_at() -> None:
    """What was planned ahead does not count yet."""
    year = a_year(*[PRESENT] * 10, *["C"] * 10)

    assert found(year, after(10)) == {}


def test_marks_before_september_are_not_counted() -> None:
    """The year to date begins on 1 September."""
    year = a_year(*["I"] * 4, *[PRESENT] * 10, first=date(2026, 8, 26))

    assert found(year, date(2026, 12, 18)) == {}


def test_study_leave_makes_no_year_11_persistently_absent() -> None:
    """Of Year 11 the second half of the summer term is not counted, of all others it is.

    The spring bank holiday of 2027 is 31 May: the Friday before it is the last day.
    """
    days = [*[PRESENT] * 19, "S", *["S"] * 15]
    first = date(2027, 5, 3)  # the 20th school day is Friday 28 May
    eleven = a_year(*days, first=first, year_group=11)
    ten = a_year(*days, first=first, year_group=10)

    counted = found(eleven, date(2027, 6, 25))
    assert "persistent_absence" not in counted
    assert not found(eleven, date(2027, 5, 27))
    assert "severe_absence" not in counted
    assert found(ten, date(2027, 6, 25))["persistent_absence"].facts["absent"] == 32
    last = a_year(*[PRESENT] * 18, "S", "S", *["S"] * 15, first=first, year_group=11)
    assert found(last, date(2027, 6, 25))["persistent_absence"].facts["possible"] == 40


def test_the_band_below_ten_per_cent() -> None:
    """Eight per cent is in the band, less is not; it says how near the line is."""
    year = a_year(*["I"] * 2, *[PRESENT] * 24)

    finding = found(year, after(25))["approaching_persistent_absence"]

    assert (finding.facts["absent"], finding.facts["possible"]) == (4, 50)
    assert finding.facts["until_persistent"] == 2
    assert "2 more sessions missed" in finding.sentence
    assert found(year, after(26)) == {}
    wider = {"approaching_persistent_absence": {"from_per_cent": 7.5}}
    assert "approaching_persistent_absence" in found(year, after(26), **wider)


@pytest.mark.parametrize(
    ("possible", "absent", "more"),
    [(100, 8, 3), (100, 9, 2), (100, 10, 0), (50, 4, 2), (380, 37, 2), (21, 2, 1)],
)
def test_how_many_more_sessions_make_it_persistent(possible: int, absent: int, more: int) -> None:
    """The smallest number of further sessions, all missed, that reaches ten per cent."""
    assert until_persistent(possible, absent) == more
    assert (absent + more) * 10 >= possible + more
    assert more == 0 or (absent + more - 1) * 10 < possible + more - 1


def test_a_missing_mark_is_said() -> None:
    """A session without a mark counts neither way and makes the figure uncertain."""
    year = a_year(*[PRESENT] * 9, "I", "- \\", "I")

    assert "1 session has no mark" in found(year, after(12))["persistent_absence"].uncertain


def test_the_codes_behind_the_figure_are_evidence() -> None:
    """The attendance officer sees what the absences were."""
    finding = found(a_year(*[PRESENT] * 9, "I", "N"), after(11))["persistent_absence"]

    assert any("I 2, N 2" in fact.what for fact in finding.evidence)


def test_years_above_the_last_are_left_out() -> None:
    """A school that does not want its sixth form says so."""
    year = a_year(*["I"] * 10, year_group=12)

    assert found(year, after(10))
    last = {"last_year_group": 11}
    assert not found(year, after(10), persistent_absence=last, severe_absence=last)


def test_ten_days_of_unauthorised_absence() -> None:
    """On the tenth day, not before it, at the close of its afternoon register."""
    year = a_year(PRESENT, *["O"] * 11)

    assert "ten_day_absence" not in found(year, after(10))
    finding = found(year, after(11))["ten_day_absence"]
    assert finding.fired_at == local_datetime(after(11), 13 * 60 + 30)
    assert finding.episode == after(2).isoformat()
    later = found(year, after(12))["ten_day_absence"]
    assert later.identity == finding.identity
    assert later.facts["days"] == 11


@pytest.mark.parametrize("ends", ["/", "I", "/ O", "O I", "V"])
def test_a_run_ends_with_any_other_session(ends: str) -> None:
    """An attended or authorised session in either half of a day ends it."""
    year = a_year(*["N"] * 10, ends, "N")

    assert "ten_day_absence" in found(year, after(10))
    assert "ten_day_absence" not in found(year, after(11))
    assert "ten_day_absence" not in found(year, after(12))


@pytest.mark.parametrize("neutral", ["#", "X", "Y1", "D", "Q"])
def test_a_session_that_is_not_possible_is_neither(neutral: str) -> None:
    """It neither breaks nor lengthens the run."""
    year = a_year(*["G"] * 9, neutral, "U")

    assert "ten_day_absence" not in found(year, after(10))
    assert "ten_day_absence" in found(year, after(11))


def test_ten_days_are_not_claimed_across_a_missing_mark() -> None:
    """After the gap ten certain days are needed, and the gap is named."""
    year = a_year(*["O"] * 5, "-", *["O"] * 10)

    assert "ten_day_absence" not in found(year, after(15))
    finding = found(year, after(16))["ten_day_absence"]
    assert "14 September 2026" in finding.uncertain
    assert finding.episode == after(1).isoformat()


LAST_YEAR = AcademicYear(2025)


def last_summer(*days: str) -> Strip:
    """Give last year's marks of its last school days, up to Tuesday 21 July 2026."""
    weekdays = [date(2026, 7, 21) - timedelta(days=number) for number in range(30)]
    school = sorted([day for day in weekdays if day.weekday() < 5][: len(days)])
    rows = [
        (day, text.split()[0], text.split()[-1]) for day, text in zip(school, days, strict=True)
    ]
    return Strip.from_days(LAST_YEAR, rows)


def test_a_run_goes_on_over_the_summer() -> None:
    """Six days in July and four in September are ten: nobody came back from the summer."""
    before = last_summer("/", *["O"] * 6)
    year = replace(a_year(*["O"] * 5), before=before)

    assert "ten_day_absence" not in found(year, after(3))
    finding = found(year, after(4))["ten_day_absence"]
    assert finding.episode == "2026-07-14"
    assert finding.day == after(4)
    assert found(year, after(5))["ten_day_absence"].identity == finding.identity


@pytest.mark.parametrize(
    ("july", "september"),
    [
        (["O"] * 12, ["O"] * 3),  # complete in July: that return was last year's
        (["O"] * 9, ["/", "O", "O"]),
        ([*["O"] * 9, "/"], ["O"] * 9),
        (["O"] * 9, ["-", *["O"] * 9]),
    ],
)
def test_a_summer_joins_nothing_else(july: list[str], september: list[str]) -> None:
    """Not a return that was due in July, and not across attendance or a missing mark."""
    year = replace(a_year(*september), before=last_summer(*july))

    assert "ten_day_absence" not in found(year, after(len(september)))


def test_a_run_that_is_over_is_not_revived_by_days_without_all_marks() -> None:
    """Ten days, a day at school, then mornings of G whose afternoons nobody took."""
    year = a_year(*["O"] * 10, PRESENT, *["G -"] * 10)

    assert "ten_day_absence" in found(year, after(10))
    assert "ten_day_absence" not in found(year, after(21))


def test_a_missing_mark_at_the_end_does_not_end_it() -> None:
    """The run goes on until somebody says otherwise."""
    assert "ten_day_absence" in found(a_year(*["O"] * 10, "-"), after(11))


@pytest.mark.parametrize(
    ("said", "fires"),
    [
        ({"year_group": 11}, True),
        ({"year_group": 12}, False),
        ({"year_group": None}, True),
        ({"compulsory_age_from": date(2026, 9, 7)}, True),
        ({"compulsory_age_from": date(2026, 9, 8)}, False),
        ({"compulsory_age_from": date(2027, 9, 8)}, False),
        ({"compulsory_age_from": date(2020, 1, 1)}, True),
        ({"compulsory_age_to": date(2026, 9, 18)}, True),
        ({"compulsory_age_to": date(2026, 9, 17)}, False),
        ({"compulsory_age_to": date(2026, 6, 26)}, False),
    ],
)
def test_only_pupils_of_compulsory_school_age_have_a_return(
    said: dict[str, Any], fires: bool
) -> None:
    """Days before and after compulsory school age are not counted, and the sixth form is not."""
    year = a_year(*["O"] * 10, **said)

    assert ("ten_day_absence" in found(year, after(10))) is fires


def test_switched_off_is_held() -> None:
    """Off is a reason that can be shown."""
    off = {"persistent_absence": {**SOON, "enabled": False}}

    assessment = assess_years([a_year(*["/ I"] * 3, *[PRESENT] * 6)], after(9), off)

    assert assessment.findings == ()
    assert [Reason(reason) for _, reason in assessment.held] == [Reason.TRIGGER_OFF]


def test_a_day_after_the_year_sees_the_whole_of_it() -> None:
    """In August the year that ended is as it ended."""
    year = a_year(*["O"] * 10)

    assert set(found(year, date(2027, 8, 15))) == {
        "persistent_absence",
        "severe_absence",
        "ten_day_absence",
        "twenty_sessions",
        "penalty_threshold",
    }


def test_a_day_before_the_year_sees_nothing() -> None:
    """Nothing is known before it began."""
    assert found(a_year(*["O"] * 10), date(2026, 8, 2)) == {}


def test_nobody_without_absence_is_looked_at() -> None:
    """Present pupils and pupils without marks have no findings, never a rate of zero."""
    assert found(a_year(*[PRESENT] * 20), after(20)) == {}
    assert found(a_year(*["X"] * 20), after(20)) == {}
    assert found(PupilYear("P-1", Strip.empty(YEAR), CALENDAR), after(20)) == {}
