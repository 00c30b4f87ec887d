"""Unauthorised sessions within ten rolling school weeks: the threshold for a penalty notice.

Since 19 August 2024 a school *considers* a penalty notice once a pupil has ten sessions of
unauthorised absence (any of G, N, O and U, not necessarily consecutive) within ten school weeks,
over terms and school years alike (national framework for penalty notices). A school week is a week
with at least one school session. What is counted here is only whether the threshold is met.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.registers.codes import NO_SESSION, UNAUTHORISED_BYTES, to_byte
from mis_bridge.registers.places import slots_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

__all__ = [
    "CONFIRMED_BYTES",
    "PENALTY_SESSIONS",
    "PENALTY_WEEKS",
    "SESSIONS_A_WEEK",
    "Stretch",
    "present_stretch",
    "school_weeks",
    "stretches",
]

PENALTY_SESSIONS: Final = 10
PENALTY_WEEKS: Final = 10

SESSIONS_A_WEEK: Final = 10
"""Two a day from Monday to Friday: so many at most."""

CONFIRMED_BYTES: Final = bytes(map(to_byte, "GOU"))
"""Unauthorised codes that stand; N may still become something else."""

_SLOTS_A_WEEK: Final = 14
_IS_SCHOOL: Final = bytes(b"s."[byte in (NO_SESSION, to_byte("#"))] for byte in range(256))


class Stretch(NamedTuple):
    """A time in which the threshold is met without a break.

    Args:
        slot: session that met it, counted from the first of the marks.
        week: number of the last school week, from 0, in which it is still met.
        sessions: slots of the sessions within the weeks up to the latest of them.
    """

    slot: int
    week: int
    sessions: tuple[int, ...]


def school_weeks(first: date, marks: bytes) -> tuple[int, ...]:
    """Number the school weeks of some marks.

    Args:
        first: day of the first mark.
        marks: bytes of ``codes``, two a day, the first one a morning.

    Returns:
        Of each week from the Monday of ``first`` on how many school weeks lie before it, from 0;
        of a week without a session that is so many less one: it belongs to the week before it.
    """
    return _numbers(first.weekday(), marks.translate(_IS_SCHOOL))


@lru_cache(maxsize=256)
def _numbers(weekday: int, school: bytes) -> tuple[int, ...]:
    """Number the weeks; most pupils of a school have its sessions."""
    number, numbers = -1, []
    for start in range(-2 * weekday, len(school), _SLOTS_A_WEEK):
        if b"s" in school[max(0, start) : start + _SLOTS_A_WEEK]:
            number += 1
        numbers.append(number)
    return tuple(numbers)


def stretches(
    first: date,
    marks: bytes,
    codes: bytes = UNAUTHORISED_BYTES,
    sessions: int = PENALTY_SESSIONS,
    weeks: int = PENALTY_WEEKS,
    numbers: Sequence[int] | None = None,
) -> list[Stretch]:
    """List the times in which so many sessions lie within so many school weeks.

    The week in which a session is counted is the first of the ten; after the tenth it is counted
    no more. A time ends with the last week in which the number is still reached.

    Args:
        first: day of the first mark.
        marks: of one pupil at one school, two a day, the first one a morning.
        codes: what counts. All of G N O U give the provisional answer, ``CONFIRMED_BYTES`` the
            one that no later change of an N can undo.
        sessions: how many meet the threshold, at least 1.
        weeks: school weeks within which they lie, at least 1.
        numbers: ``school_weeks`` of the marks, where they are known already.
    """
    numbers = school_weeks(first, marks) if numbers is None else numbers
    offset = 2 * first.weekday()
    slots = slots_of(marks, codes)
    in_week = [numbers[(slot + offset) // _SLOTS_A_WEEK] for slot in slots]
    # Number of the session that met it, of the latest that meets it, and the last week.
    found: list[tuple[int, int, int]] = []
    for last in range(sessions - 1, len(slots)):
        oldest = in_week[last - sessions + 1]
        if in_week[last] - oldest >= weeks:
            continue
        goes_on = found and in_week[last] <= found[-1][2]
        met = found.pop()[0] if goes_on else last
        found.append((met, last, oldest + weeks - 1))
    return [
        Stretch(
            slots[met],
            end,
            tuple(
                slot
                for slot, week in zip(slots[: latest + 1], in_week, strict=False)
                if week > in_week[latest] - weeks
            ),
        )
        for met, latest, end in found
    ]


def present_stretch(
    first: date,
    marks: bytes,
    codes: bytes = UNAUTHORISED_BYTES,
    sessions: int = PENALTY_SESSIONS,
    weeks: int = PENALTY_WEEKS,
    numbers: Sequence[int] | None = None,
) -> Stretch | None:
    """Give the stretch that goes on in the last school week of the marks; as ``stretches``."""
    numbers = school_weeks(first, marks) if numbers is None else numbers
    found = stretches(first, marks, codes, sessions, weeks, numbers)
    return found[-1] if found and found[-1].week >= numbers[-1] else None
