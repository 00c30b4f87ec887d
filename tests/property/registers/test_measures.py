"""Laws of the absence measures: by delta as from scratch, fast as by the letter of the rule."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mis_bridge.registers import absence
from mis_bridge.registers.absence import SessionCounts
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import CODES, NO_SESSION, CodeClass, class_of
from mis_bridge.registers.rolling_weeks import school_weeks
from mis_bridge.registers.runs import (
    GROUND_I_BYTES,
    continuous_unauthorised,
    return_days,
    return_days_of,
    unauthorised_runs,
)
from mis_bridge.registers.strip import Strip

YEAR = AcademicYear(2025)
code_bytes = st.sampled_from([*(code.byte for code in CODES), NO_SESSION])
any_marks = st.lists(code_bytes, max_size=300).map(bytes)

# Runs of ten days are rare among random codes: these days are nearly all absent.
_days = st.sampled_from(
    [*["OO", "GN", "UO"] * 6, "OX", "#O", "##", "DD", "-O", "--", "/O", "I\\", "/\\", ".."]
)
long_absences = st.lists(_days, max_size=80).map("".join).map(str.encode)


@given(any_marks)
def test_counts_agree_with_the_classes(marks: bytes) -> None:
    """Every mark is counted by its class, one at a time."""
    classes = [class_of(mark) for mark in marks]
    counts = absence.count(marks)

    assert counts.attended == sum(
        known in {CodeClass.PRESENT, CodeClass.APPROVED} for known in classes
    )
    assert counts.authorised == classes.count(CodeClass.AUTHORISED)
    assert counts.unauthorised == classes.count(CodeClass.UNAUTHORISED)
    assert counts.missing_marks == classes.count(CodeClass.NOT_TAKEN)
    assert counts.possible == counts.attended + counts.absent


@given(any_marks, st.lists(st.tuples(st.integers(0, 10_000), code_bytes), max_size=30))
def test_delta_equals_scratch(marks: bytes, changes: list[tuple[int, int]]) -> None:
    """Counts carried through any corrections equal counts of the corrected marks."""
    counts = absence.count(marks)
    corrected = bytearray(marks)
    for place, new in changes:
        if corrected:
            slot = place % len(corrected)
            counts = counts.apply(corrected[slot], new)
            corrected[slot] = new

    assert counts == absence.count(bytes(corrected))


@given(any_marks, any_marks)
def test_counts_add_up(first: bytes, second: bytes) -> None:
    """Counts of two spans add up to those of both; measures of years need no other care."""
    assert absence.count(first + second) == SessionCounts(
        *map(sum, zip(absence.count(first), absence.count(second), strict=True))
    )


@given(st.integers(0, 800), st.integers(0, 800), st.integers(1, 9))
def test_thresholds_are_exact(possible: int, missed: int, nearing: int) -> None:
    """Thresholds are compared as fractions would be, with no rounding anywhere."""
    absent = min(missed, possible)
    if not possible:
        assert absence.is_persistent(possible, absent) is None
        assert absence.is_severe(possible, absent) is None
        assert absence.is_approaching(possible, absent, nearing) is None
        return
    share = Fraction(absent, possible)

    assert absence.is_persistent(possible, absent) == (share >= Fraction(1, 10))
    assert absence.is_severe(possible, absent) == (share >= Fraction(1, 2))
    assert absence.is_approaching(possible, absent, nearing) == (
        Fraction(nearing, 100) <= share < Fraction(1, 10)
    )


@given(any_marks | long_absences, st.integers(1, 9))
def test_one_look_equals_every_single_measure(marks: bytes, nearing: int) -> None:
    """Measuring at once gives what each measure gives by itself."""
    measures = absence.measure(marks, nearing)
    counts = absence.count(marks)

    assert measures[:5] == counts
    assert measures.absent == counts.absent
    assert measures.persistent == absence.is_persistent(counts.possible, counts.absent)
    assert measures.severe == absence.is_severe(counts.possible, counts.absent)
    assert measures.approaching == absence.is_approaching(counts.possible, counts.absent, nearing)
    assert measures.return_days == return_days(marks)


@given(st.lists(any_marks | long_absences, max_size=8))
def test_many_at_once_equal_one_by_one(many: list[bytes]) -> None:
    """Whoever stands beside a pupil, whatever the lengths, the answers are the pupil's own."""
    table = absence.measure_all(many)

    assert list(table) == [absence.measure(marks) for marks in many]
    assert table.absent == [measures.absent for measures in table]


def completions(marks: bytes, counted: bytes, needed: int) -> list[int]:
    """The rule by its letter: walk the days, count, break, start afresh."""
    found: list[int] = []
    days, told = 0, False
    for day in range((len(marks) + 1) // 2):
        both = marks[2 * day : 2 * day + 2]
        classes = {class_of(mark) for mark in both}
        possible = [
            mark
            for mark in both
            if class_of(mark)
            in {
                CodeClass.PRESENT,
                CodeClass.APPROVED,
                CodeClass.AUTHORISED,
                CodeClass.UNAUTHORISED,
            }
        ]
        if any(mark not in counted for mark in possible):
            days, told = 0, False
        elif CodeClass.NOT_TAKEN in classes:
            days = 0
        elif possible:
            days += 1
            if days == needed and not told:
                found.append(day)
                told = True
    return found


@given(long_absences, st.sampled_from([b"GNOU", GROUND_I_BYTES]), st.integers(1, 20))
def test_runs_follow_the_rule(marks: bytes, counted: bytes, needed: int) -> None:
    """The fast search for complete runs finds what a walk by the letter of the rule finds."""
    assert list(return_days(marks, counted, needed)) == completions(marks, counted, needed)


@given(st.lists(long_absences, max_size=6), st.booleans())
def test_runs_of_many_are_those_of_each(many: list[bytes], cut: bool) -> None:
    """Pupils laid end to end never lengthen or break each other's runs, cut mornings included."""
    given_marks = [marks[:-1] if cut else marks for marks in many]

    assert return_days_of(given_marks) == [return_days(marks) for marks in given_marks]


def in_term(marks: bytes) -> Strip:
    """A strip that holds the marks from 1 September on."""
    padding = bytes((NO_SESSION,)) * YEAR.slot(date(2025, 9, 1), pm=False)
    return Strip.decode(YEAR, padding + marks)


@given(long_absences)
def test_runs_agree_with_their_own_parts(marks: bytes) -> None:
    """Episodes come in order, hold together, and complete on the days that call for a return."""
    strip = in_term(marks)
    runs = unauthorised_runs(strip)

    completed = [run.completed for run in runs if run.completed is not None]
    assert completed == absence.attendance_return_dates(strip)
    for earlier, later in pairwise(runs):
        assert earlier.last < later.first
    for run in runs:
        assert run.first <= run.certain_first <= run.last
        assert 1 <= run.certain_days <= run.days
        assert all(run.first < gap < run.last for gap in run.missing)
        assert run.uncertain == bool(run.missing)
        if not run.uncertain:
            assert (run.certain_first, run.certain_days) == (run.first, run.days)
            assert run.could_be_completed == run.completed
        if run.completed is not None:
            assert run.could_be_completed is not None
            assert run.could_be_completed <= run.completed


@given(long_absences, st.integers(0, 150))
def test_sessions_that_are_not_possible_do_not_matter(marks: bytes, place: int) -> None:
    """A closed day put in anywhere changes no episode, only its dates."""
    split = 2 * (place % (len(marks) // 2 + 1))
    closed = marks[:split] + b"##" + marks[split:]

    assert len(return_days(marks)) == len(return_days(closed))
    assert [run.days for run in unauthorised_runs(in_term(marks))] == [
        run.days for run in unauthorised_runs(in_term(closed))
    ]


@given(long_absences)
def test_twenty_days_are_ten_days_too(marks: bytes) -> None:
    """Whoever reaches day 20 of G, N or O has reached day 10 of G, N, O or U before."""
    strip = in_term(marks)
    tens = absence.attendance_return_dates(strip)

    for twentieth in continuous_unauthorised(strip):
        assert any(tenth <= twentieth - timedelta(days=10) for tenth in tens)


@given(long_absences)
def test_the_penalty_day_at_once_is_that_of_the_rule(marks: bytes) -> None:
    """Measured for all at once, with the weeks given, it is the day of ``ten_in_ten_weeks``."""
    strip = in_term(marks)
    first = YEAR.first
    weeks = school_weeks(first, strip.marks)
    of_days = [weeks[(day + first.weekday()) // 7] for day in range(YEAR.slots // 2)]
    expected = absence.ten_in_ten_weeks(strip)

    (measured,) = absence.measure_all((strip.marks,), weeks=of_days)

    found = measured.penalty_day
    assert (None if found is None else first + timedelta(days=found)) == expected
