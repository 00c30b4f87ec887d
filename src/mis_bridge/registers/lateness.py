"""Whether a pupil's lateness is rising beyond chance.

Late is L (before the register closed) and U (after it). What is compared is the share of late
arrivals among the sessions for which the pupil came to school: the last four school weeks against
all before them. If nothing had changed, the late ones might as well lie in any other weeks: the
chance of at least so many among the last is that of drawing as many from all (``chance.at_least``).

It is asked once a week, when the week is over, from the eighth on, and each of a year's looks is
given the same small share of the chance that all of them together may err.

All of this is our choice: no source says when lateness is rising.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.registers.chance import at_least
from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.rolling_weeks import school_weeks

if TYPE_CHECKING:
    from datetime import date
    from fractions import Fraction

__all__ = ["LATE_BYTES", "RECENT_WEEKS", "Rise", "rising_lateness"]

LATE_BYTES: Final = bytes(map(to_byte, "LU"))
"""Arrived after the register was opened, or after it was closed."""

RECENT_WEEKS: Final = 4
"""School weeks that are compared with all before them, of which there are at least as many."""

_ARRIVED: Final = bytes(map(to_byte, ("/", "\\", "L", "U")))
_SLOTS_A_WEEK: Final = 14
_FRIDAY: Final = 4

# More than a school year of 195 days can have, which holds some weeks of fewer days.
_LOOKS: Final = 40


class Rise(NamedTuple):
    """More lateness in the last weeks than chance explains.

    Args:
        late, arrived: late arrivals, and all, in the last ``RECENT_WEEKS`` school weeks.
        late_before, arrived_before: in the school weeks before them.
        chance: of so many late ones or more, if nothing had changed; of this one look alone.
        of_all_looks: the same, with all looks of a year taken together.
        since: last day of the first of the weeks that every look since has found it at, counted
            from the first of the marks.
    """

    late: int
    arrived: int
    late_before: int
    arrived_before: int
    chance: Fraction
    of_all_looks: Fraction
    since: int


def rising_lateness(first: date, marks: bytes, minimum: int, chance: Fraction) -> Rise | None:
    """Say whether lateness is rising at the latest look, None where it is not.

    Args:
        first: day of the first mark.
        marks: bytes of ``codes``, two a day, the first one a morning.
        minimum: fewer late arrivals in the last weeks give no answer.
        chance: that all looks of a year together find a rise where there is none.
    """
    weeks = _weeks(first, marks)
    found: Rise | None = None
    # From the latest look back to the one that did not find it.
    for number in range(len(weeks), 2 * RECENT_WEEKS - 1, -1):
        recent, before = weeks[number - RECENT_WEEKS : number], weeks[: number - RECENT_WEEKS]
        late, arrived = sum(w.late for w in recent), sum(w.arrived for w in recent)
        late_before, arrived_before = sum(w.late for w in before), sum(w.arrived for w in before)
        if late < minimum or late * arrived_before <= late_before * arrived:
            break
        tail = at_least(late, arrived, late + late_before, arrived + arrived_before)
        if tail * _LOOKS > chance:
            break
        since = weeks[number - 1].last_day
        if found is None:
            found = Rise(late, arrived, late_before, arrived_before, tail, tail * _LOOKS, since)
        found = found._replace(since=since)
    return found


class _Week(NamedTuple):
    late: int
    arrived: int
    last_day: int


def _weeks(first: date, marks: bytes) -> list[_Week]:
    """Give the school weeks that are over, the Friday of each included."""
    offset = 2 * first.weekday()
    weeks: list[_Week] = []
    known = -1
    for calendar_week, number in enumerate(school_weeks(first, marks)):
        start = calendar_week * _SLOTS_A_WEEK - offset
        friday = start // 2 + _FRIDAY
        if number == known or 2 * friday >= len(marks):
            continue
        known = number
        sessions = marks[max(0, start) : start + _SLOTS_A_WEEK]
        weeks.append(_Week(_count(sessions, LATE_BYTES), _count(sessions, _ARRIVED), friday))
    return weeks


def _count(marks: bytes, codes: bytes) -> int:
    return len(marks) - len(marks.translate(None, codes))
