"""From when until when a child is of compulsory school age."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

__all__ = ["compulsory_school_age"]

_STARTS_AT: Final = 5
_ENDS_AT: Final = 16
_FRIDAY: Final = 4
_SEPTEMBER: Final = 9


def compulsory_school_age(born: date) -> tuple[date, date]:
    """Give the first and the last day on which a child is of compulsory school age.

    It begins on the prescribed day (31 August, 31 December or 31 March) on or after the fifth
    birthday, and ends on the last Friday in June of the school year (from
    1 September) in which the child turns 16.

    Source: Education Act 1996, section 8; the prescribed days are those of the Education (Start of
    Compulsory School Age) Order 1998.

    Args:
        born: date of birth.
    """
    fifth = _birthday(born, _STARTS_AT)
    prescribed = (
        date(fifth.year, 3, 31),
        date(fifth.year, 8, 31),
        date(fifth.year, 12, 31),
    )
    begins = next(day for day in prescribed if day >= fifth)
    sixteenth = _birthday(born, _ENDS_AT)
    # Cohorts run from 1 September: who turns 16 in July or August left in June of the same year.
    end_of_june = date(sixteenth.year + (sixteenth.month >= _SEPTEMBER), 6, 30)
    return begins, end_of_june - timedelta(days=(end_of_june.weekday() - _FRIDAY) % 7)


def _birthday(born: date, age: int) -> date:
    """Give the day on which somebody reaches an age; 29 February is kept on 1 March."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)
