"""What is true of a pupil's year at the end of a day, counted as plainly as the rules say it.

Nothing here is shared with the triggers, which count bytes: here are dates and letters, walked from
the first day on. Sources: attendance return, regulation 13 of SI 2024/208; persistent and severe
absence, Department for Education, "Pupil absence statistics: methodology".
"""

from __future__ import annotations

from datetime import date, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["PLAIN", "RETURNS", "SCHOOL_AGE_ONLY", "Days"]

Days = list[tuple[date, str, str]]
"""(school day, code of the morning, code of the afternoon), in order, up to and including a day."""

_UNAUTHORISED: Final = frozenset("GNOU")
_AUTHORISED: Final = frozenset({"C", "C1", "C2", "E", "I", "J1", "M", "R", "S", "T"})
_ATTENDED: Final = frozenset({"/", "\\", "L", "K", "V", "P", "W", "B"})
_POSSIBLE: Final = _UNAUTHORISED | _AUTHORISED | _ATTENDED
_NOT_TAKEN: Final = "-"
_ENOUGH: Final = 10
"""The live statistics leave out pupils with ten possible sessions or fewer."""

_FOUR_WEEKS: Final = 40
"""Possible sessions before which a tenth of them is one illness."""


def ten_day_absence(days: Days) -> str:
    """Give the first day of the ten or more days in a row that end the record, or empty.

    A day counts on which every possible session is G, N, O or U; one without a possible session
    is passed over; one with a session that nobody marked can not be counted and begins anew.
    """
    return _run(days, _UNAUTHORISED, 10)


def twenty_day_absence(days: Days) -> str:
    """Give the first day of the twenty or more days of G, N or O that end the record, or empty."""
    return _run(days, _UNAUTHORISED - {"U"}, 20)


def _run(days: Days, counted: frozenset[str], needed: int) -> str:
    run: list[date] = []
    for day, *codes in days:
        possible = [code for code in codes if code in _POSSIBLE]
        if _NOT_TAKEN in codes or not counted.issuperset(possible):
            run = []
        elif possible:
            run.append(day)
    return run[0].isoformat() if len(run) >= needed else ""


def fifteen_day_sickness(days: Days) -> str:
    """Say whether 30 sessions of the school year are marked I: fifteen days of two sessions."""
    return "yes" if sum(codes.count("I") for _, *codes in days) >= 30 else ""  # noqa: PLR2004


def penalty_threshold(days: Days) -> str:
    """Say whether ten unauthorised sessions lie in the last ten weeks with a school session."""
    weeks: dict[date, int] = {}
    for day, *codes in days:
        if any(code in _POSSIBLE for code in codes):
            monday = day - timedelta(days=day.weekday())
            weeks[monday] = weeks.get(monday, 0) + sum(code in _UNAUTHORISED for code in codes)
    return "yes" if sum(list(weeks.values())[-10:]) >= 10 else ""  # noqa: PLR2004


def persistent_absence(days: Days) -> str:
    """Say whether a tenth or more of the possible sessions since 1 September was missed."""
    possible, absent = _count(days)
    return "yes" if possible >= _FOUR_WEEKS and 10 * absent >= possible else ""


def severe_absence(days: Days) -> str:
    """Say whether half or more of the possible sessions since 1 September was missed."""
    possible, absent = _count(days)
    return "yes" if possible > _ENOUGH and 2 * absent >= possible else ""


def _count(days: Days) -> tuple[int, int]:
    codes = [code for day, *both in days if day >= date(days[0][0].year, 9, 1) for code in both]
    possible = sum(code in _POSSIBLE for code in codes)
    absent = sum(code in _UNAUTHORISED or code in _AUTHORISED for code in codes)
    return possible, absent


PLAIN: Final[Mapping[str, Callable[[Days], str]]] = MappingProxyType(
    {
        "persistent_absence": persistent_absence,
        "severe_absence": severe_absence,
        "ten_day_absence": ten_day_absence,
        "twenty_day_absence": twenty_day_absence,
        "fifteen_day_sickness": fifteen_day_sickness,
        "penalty_threshold": penalty_threshold,
    }
)
"""Trigger id -> what makes it true: empty where it is not, else what tells episodes apart."""

RETURNS: Final = ("ten_day_absence", "twenty_day_absence", "fifteen_day_sickness")
"""Triggers behind a return to the authority, or behind the enquiries that come before one."""

SCHOOL_AGE_ONLY: Final = frozenset({*RETURNS, "penalty_threshold"})
"""What is asked of days of compulsory school age, and never of the sixth form."""
