"""Everything that is asked of a year, for one pupil or for all pupils of an authority at once.

Many pupils' marks are laid end to end with a separator between them, so that most steps go through
the bytes of a thousand pupils in one call. What counts as attendance is taken out at once: the
length that a pupil's marks lose is the number of sessions attended, and what remains of a usual
year is a few dozen bytes to look at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from operator import add, sub
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.errors import DataError
from mis_bridge.registers.calendar import Session
from mis_bridge.registers.codes import (
    APPROVED_BYTES,
    CLASS_TABLE,
    PRESENT_BYTES,
    UNAUTHORISED_BYTES,
)
from mis_bridge.registers.rolling_weeks import PENALTY_SESSIONS, PENALTY_WEEKS
from mis_bridge.registers.runs import RETURN_DAYS, return_days_of
from mis_bridge.registers.thresholds import NEARING_PER_CENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Measures", "Table", "measure", "measure_all"]

# As many pupils at once as fit the processor's cache.
_AT_ONCE: Final = 1000

_END: Final = b"\n"
_LETTERS: Final = CLASS_TABLE[: _END[0]] + _END + CLASS_TABLE[_END[0] + 1 :]
_ATTENDED: Final = PRESENT_BYTES + APPROVED_BYTES
_OUTSIDE: Final = b"xz.?"
_CODES: Final = re.escape(UNAUTHORISED_BYTES)
_UNAUTHORISED: Final = re.compile(b"[%b]" % _CODES)
_FIRST_TEN: Final = re.compile(
    b"[%b](?:[^%b]*+[%b]){%d}" % (_CODES, _CODES, _CODES, PENALTY_SESSIONS - 1)
)
_TEN_HALF_DAYS: Final = b"u" * RETURN_DAYS
_TEN_WHOLE_DAYS: Final = b"u" * (2 * RETURN_DAYS)


class Measures(NamedTuple):
    """Everything that is asked of a pupil's year.

    Args:
        possible: sessions in the denominator.
        attended: of these, present or at an approved educational activity.
        authorised: of these, authorised absences.
        unauthorised: of these, unauthorised absences.
        missing_marks: sessions whose register was not taken; in none of the others.
        persistent: 10 % or more missed; None, as the next two, where no session was possible.
        severe: 50 % or more missed.
        approaching: not persistent, but nearing it.
        return_days: days, numbered from the first day of the marks, that completed the tenth
            school day of an episode of unauthorised absence.
        penalty_day: first day on which ten unauthorised sessions lay within ten school weeks; None
            where they never did, or where the weeks are not known.
    """

    possible: int
    attended: int
    authorised: int
    unauthorised: int
    missing_marks: int
    persistent: bool | None
    severe: bool | None
    approaching: bool | None
    return_days: tuple[int, ...]
    penalty_day: int | None

    @property
    def absent(self) -> int:
        """Sessions missed, authorised or not."""
        return self.authorised + self.unauthorised


@dataclass(frozen=True, slots=True)
class Table:
    """The measures of many pupils, one list a measure, in the order in which they were given.

    The lists are those of ``Measures``, and ``absent`` beside them. Iterating gives ``Measures``.
    """

    possible: list[int] = field(default_factory=list)
    attended: list[int] = field(default_factory=list)
    authorised: list[int] = field(default_factory=list)
    unauthorised: list[int] = field(default_factory=list)
    absent: list[int] = field(default_factory=list)
    missing_marks: list[int] = field(default_factory=list)
    persistent: list[bool | None] = field(default_factory=list)
    severe: list[bool | None] = field(default_factory=list)
    approaching: list[bool | None] = field(default_factory=list)
    return_days: list[tuple[int, ...]] = field(default_factory=list)
    penalty_day: list[int | None] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.possible)

    def __iter__(self) -> Iterator[Measures]:
        columns = (
            self.possible,
            self.attended,
            self.authorised,
            self.unauthorised,
            self.missing_marks,
            self.persistent,
            self.severe,
            self.approaching,
            self.return_days,
            self.penalty_day,
        )
        return map(Measures._make, zip(*columns, strict=True))


def measure(
    marks: bytes, nearing_per_cent: int = NEARING_PER_CENT, weeks: Sequence[int] = ()
) -> Measures:
    """Measure one pupil's year: ``measure_all`` for one."""
    return next(iter(measure_all((marks,), nearing_per_cent, weeks)))


def measure_all(
    many: Sequence[bytes], nearing_per_cent: int = NEARING_PER_CENT, weeks: Sequence[int] = ()
) -> Table:
    """Measure many pupils' years.

    The same as the rules of ``absence`` and ``runs`` one by one; tests hold them equal.

    Args:
        many: of each pupil bytes of ``codes``, two a day, the first one a morning: a strip's, its
            encoded form, or its school days only.
        nearing_per_cent: where ``approaching`` begins, whole per cent.
        weeks: of each day of the marks the number of its school week, counting school weeks only;
            empty where they are not known.

    Raises:
        DataError: marks that hold a line feed, which is no code.
    """
    table = Table()
    of_slots = [week for week in weeks for _ in Session]
    for start in range(0, len(many), _AT_ONCE):
        _measure(many[start : start + _AT_ONCE], nearing_per_cent, of_slots, table)
    return table


def _measure(
    many: Sequence[bytes], nearing_per_cent: int, weeks: Sequence[int], table: Table
) -> None:
    letters = _END.join(many).translate(_LETTERS, _ATTENDED)
    missed = letters.translate(None, _OUTSIDE)
    missed_by = missed.split(_END)
    if len(missed_by) != len(many):
        raise DataError("marks hold the byte 0x0A, which is no attendance code")

    remaining = list(map(len, letters.split(_END)))
    attended = list(map(sub, map(len, many), remaining))
    unauthorised = list(map(len, missed.translate(None, b"a-").split(_END)))
    authorised = list(map(len, missed.translate(None, b"u-").split(_END)))
    absent = list(map(add, authorised, unauthorised))
    possible = list(map(add, attended, absent))
    pairs = list(zip(absent, possible, strict=True))

    table.possible.extend(possible)
    table.attended.extend(attended)
    table.authorised.extend(authorised)
    table.unauthorised.extend(unauthorised)
    table.absent.extend(absent)
    table.missing_marks.extend(map(sub, map(len, missed_by), absent))
    table.persistent.extend([a * 10 >= p if p else None for a, p in pairs])
    table.severe.extend([a * 2 >= p if p else None for a, p in pairs])
    table.approaching.extend(
        [a * 100 >= nearing_per_cent * p and a * 10 < p if p else None for a, p in pairs]
    )
    # Ten days are twenty unauthorised marks in a row, less one for each day of which only one
    # session was possible: at most as many as there are sessions that were not.
    candidates: list[int] = []
    frequent = [place for place, n in enumerate(unauthorised) if n >= RETURN_DAYS]
    for place in frequent:
        row = missed_by[place]
        if _TEN_HALF_DAYS not in row:
            continue
        outside = remaining[place] - len(row) + len(many[place]) % 2
        fewest = max(RETURN_DAYS, 2 * RETURN_DAYS - outside)
        if unauthorised[place] >= fewest and _TEN_WHOLE_DAYS[:fewest] in row:
            candidates.append(place)
    returns: list[tuple[int, ...]] = [()] * len(many)
    found = return_days_of([many[place] for place in candidates])
    for place, days in zip(candidates, found, strict=True):
        returns[place] = days
    table.return_days.extend(returns)
    thresholds: list[int | None] = [None] * len(many)
    if weeks:
        for place in frequent:
            slot = _penalty_slot(many[place], weeks)
            thresholds[place] = None if slot is None else slot // 2
    table.penalty_day.extend(thresholds)


def _penalty_slot(marks: bytes, weeks: Sequence[int]) -> int | None:
    """Give the first session with which ten unauthorised ones lie within ten school weeks."""
    # Of half of the pupils who reach it at all, the first ten do: one search finds these.
    ten = _FIRST_TEN.search(marks)
    if ten is None:
        return None
    first, last = ten.start(), ten.end() - 1
    if weeks[last] - weeks[first] < PENALTY_WEEKS:
        return last
    in_week: list[int] = []
    number = -PENALTY_SESSIONS
    for found in _UNAUTHORISED.finditer(marks):
        slot = found.start()
        week = weeks[slot]
        in_week.append(week)
        number += 1
        if number >= 0 and week - in_week[number] < PENALTY_WEEKS:
            return slot
    return None
