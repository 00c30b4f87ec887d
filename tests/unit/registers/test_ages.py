"""Compulsory school age, from section 8 of the Education Act 1996."""

from datetime import date

import pytest

from mis_bridge.registers.ages import compulsory_school_age


@pytest.mark.parametrize(
    ("born", "begins"),
    [
        (date(2021, 1, 15), date(2026, 3, 31)),
        (date(2021, 3, 31), date(2026, 3, 31)),
        (date(2021, 4, 1), date(2026, 8, 31)),
        (date(2021, 8, 31), date(2026, 8, 31)),
        (date(2021, 9, 1), date(2026, 12, 31)),
        (date(2020, 2, 29), date(2025, 3, 31)),
    ],
)
def test_begins_on_the_prescribed_day_on_or_after_the_fifth_birthday(
    born: date, begins: date
) -> None:
    """A child comes of age on 31 March, 31 August or 31 December, whichever is next."""
    assert compulsory_school_age(born)[0] == begins


@pytest.mark.parametrize(
    ("born", "ends"),
    [
        (date(2010, 9, 1), date(2027, 6, 25)),
        (date(2010, 8, 31), date(2026, 6, 26)),
        (date(2010, 7, 15), date(2026, 6, 26)),
        (date(2011, 1, 1), date(2027, 6, 25)),
    ],
)
def test_ends_on_the_last_friday_in_june_of_the_year_of_the_sixteenth_birthday(
    born: date, ends: date
) -> None:
    """Year 11 ends compulsory schooling for a whole cohort on one day, August births included."""
    assert compulsory_school_age(born)[1] == ends
