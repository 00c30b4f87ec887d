"""Thresholds of their own: nearing persistent absence, sickness, penalty notices."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import monday_of
from mis_bridge.registers.codes import NO_SESSION, UNAUTHORISED_BYTES, to_byte
from mis_bridge.registers.rolling_weeks import CONFIRMED_BYTES, PENALTY_SESSIONS, PENALTY_WEEKS
from mis_bridge.registers.runs import joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.registers.strip import Strip

__all__ = [
    "CONFIRMED_BYTES",
    "NEARING_PER_CENT",
    "PENALTY_SESSIONS",
    "PENALTY_WEEKS",
    "SICKNESS_IN_A_ROW",
    "SICKNESS_SESSIONS",
    "sickness_threshold",
    "ten_in_ten_weeks",
]

SICKNESS_SESSIONS: Final = 30
"""Sessions of I in a school year at which the sickness return is due: 15 days."""

SICKNESS_IN_A_ROW: Final = 20
"""Sessions of I in a row at which a person is asked whether 15 days will be missed. Our choice."""

NEARING_PER_CENT: Final = 8
"""From here to below 10 % a pupil is approaching persistent absence. Our choice."""

_ILL: Final = to_byte("I")
_NO_SCHOOL: Final = (NO_SESSION, to_byte("#"))


def sickness_threshold(strip: Strip, sessions: int = SICKNESS_SESSIONS) -> date | None:
    """Give the day of the thirtieth session of illness (I) in the school year, or None.

    The duty (SI 2024/208 regulation 13) begins as soon as the school has reasonable grounds to
    believe that 15 days will be missed, in a row or in all: this date is a reason to ask a person,
    never a return by itself.
    """
    slot = -1
    for _ in range(sessions):
        slot = strip.marks.find(_ILL, slot + 1)
        if slot < 0:
            return None
    return strip.year.day_of(slot)[0]


def ten_in_ten_weeks(
    *strips: Strip,
    codes: bytes = UNAUTHORISED_BYTES,
    school_weeks: Iterable[date] | None = None,
) -> date | None:
    """Give the first day on which ten unauthorised sessions lie within ten school weeks, or None.

    The national threshold for *considering* a penalty notice, since 19 August 2024. A school week
    is a week with at least one school session. The sessions need not be consecutive and may span
    terms and school years.

    Args:
        strips: of one pupil at one school.
        codes: what counts. All of G N O U give the provisional answer, ``CONFIRMED_BYTES`` the
            one that no later change of an N can undo.
        school_weeks: Mondays of the school's weeks; by default the weeks in which the strips have
            a session that is not a planned closure.
    """
    first, marks = joined(*strips)
    if sum(marks.count(code) for code in codes) < PENALTY_SESSIONS:
        return None
    weeks = None if school_weeks is None else sorted(set(school_weeks))
    if weeks is None:
        weeks = sorted(
            {
                monday_of(first + timedelta(days=slot // 2))
                for slot, mark in enumerate(marks)
                if mark not in _NO_SCHOOL
            }
        )
    numbers = {monday: number for number, monday in enumerate(weeks)}
    counted: list[int] = []
    for slot, mark in enumerate(marks):
        if mark not in codes:
            continue
        day = first + timedelta(days=slot // 2)
        week = numbers.get(monday_of(day))
        if week is None:
            continue
        counted.append(week)
        # Ten weeks from the week of the tenth last session to this one, both included.
        if len(counted) >= PENALTY_SESSIONS and week - counted[-PENALTY_SESSIONS] < PENALTY_WEEKS:
            return day
    return None
