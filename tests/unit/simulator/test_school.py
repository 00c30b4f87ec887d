"""The synthetic school: invented, seeded, and shaped like a real one."""

from __future__ import annotations

from datetime import date

import pytest

from mis_bridge.simulator.people import FORENAMES, SURNAMES, invent_upn
from mis_bridge.simulator.school import PERIODS, build_school


def test_equal_seeds_give_equal_schools() -> None:
    """Two schools of one seed and size are equal, pupil by pupil; another seed gives others."""
    assert build_school(7, 60).pupils == build_school(7, 60).pupils
    assert build_school(7, 60).pupils != build_school(8, 60).pupils


def test_year_has_190_days() -> None:
    """The calendar of 2026/27 holds the 190 days that maintained schools owe (SI 1999/3181)."""
    school = build_school(1, 20)
    assert len(school.days) == 190
    assert not {date(2026, 10, 28), date(2026, 12, 25), date(2027, 5, 3)} & set(school.days)


@pytest.mark.parametrize(
    ("estab", "year", "serial", "upn"),
    [
        # 2*9 + 3*9 + 4*9 + 5*9 + 8*1 + 9*2 + 10*6 = 212, which is 5 modulo 23: F.
        (9001, 2026, 0, "F999900126000"),
        # One more in the last digit adds its weight 13: 225, which is 18 modulo 23: V.
        (9001, 2026, 1, "V999900126001"),
    ],
)
def test_upn_has_its_check_letter(estab: int, year: int, serial: int, upn: str) -> None:
    """A UPN is a check letter from weights 2 to 13 modulo 23, then the invented authority 999."""
    assert invent_upn(estab, year, serial) == upn


def test_names_use_letters_beyond_ascii() -> None:
    """Names carry diacritics, as they do in life: fonts and encodings are exercised."""
    assert any(not name.isascii() for name in SURNAMES)
    assert any(not name.isascii() for name in FORENAMES)


def test_ids_and_upns_are_unique() -> None:
    """No two pupils share an id, a UPN or a UPI."""
    pupils = build_school(3, 400).pupils
    for field in ("id", "upn", "upi", "mis_id"):
        assert len({getattr(pupil, field) for pupil in pupils}) == len(pupils)


def test_every_pupil_has_one_lesson_a_period() -> None:
    """On any school day every pupil is in exactly one class at a time, and that class has it."""
    school = build_school(5, 160)
    day = school.days[77]
    for period in PERIODS:
        seen = [
            number
            for lesson in school.lessons(day)
            if lesson.period is period
            for number in lesson.group.pupils
        ]
        assert sorted(seen) == list(range(160))
        assert all(
            number in school.lesson_of(number, day, period.number).group.pupils
            for number in range(160)
        )


def test_forms_are_the_roll() -> None:
    """Each pupil is in the form that the roll says, and in no other."""
    school = build_school(5, 333)
    placed = sorted(number for numbers in school.forms.values() for number in numbers)
    assert placed == list(range(333))
    assert all(
        school.pupils[number].form == form
        for form, numbers in school.forms.items()
        for number in numbers
    )


def test_lessons_have_ids_of_their_own() -> None:
    """No two lessons of a week share an id."""
    school = build_school(5, 160)
    ids = [lesson.id for day in school.days[:5] for lesson in school.lessons(day)]
    assert len(set(ids)) == len(ids)
