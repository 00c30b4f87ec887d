"""Everything that is asked of a year, for one pupil or for all pupils of an authority at once.

Many pupils' marks are laid end to end with a separator between them, so that most steps go through
the bytes of a thousand pupils in one call. What counts as attendance is taken out at once: the
length that a pupil's marks lose is the number of sessions attended, and what remains of a usual
year is a few dozen bytes to look at.
"""

from __future__ import annotations

from itertools import repeat
from operator import add, sub
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.errors import DataError
from mis_bridge.registers.codes import APPROVED_BYTES, CLASS_TABLE, PRESENT_BYTES
from mis_bridge.registers.runs import RETURN_DAYS, return_days
from mis_bridge.registers.thresholds import NEARING_PER_CENT

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Measures", "measure", "measure_all"]

# As many pupils at once as fit the processor's cache.
_AT_ONCE: Final = 1000

_END: Final = b"\n"
_LETTERS: Final = CLASS_TABLE[: _END[0]] + _END + CLASS_TABLE[_END[0] + 1 :]
_ATTENDED: Final = PRESENT_BYTES + APPROVED_BYTES
_OUTSIDE: Final = b"xz.?"
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

    @property
    def absent(self) -> int:
        """Sessions missed, authorised or not."""
        return self.authorised + self.unauthorised


def measure(marks: bytes, nearing_per_cent: int = NEARING_PER_CENT) -> Measures:
    """Measure one pupil's year: ``measure_all`` for one."""
    return _measured((marks,), nearing_per_cent)[0]


def measure_all(many: Sequence[bytes], nearing_per_cent: int = NEARING_PER_CENT) -> list[Measures]:
    """Measure many pupils' years.

    The same as the rules of ``absence`` and ``runs`` one by one; tests hold them equal.

    Args:
        many: of each pupil bytes of ``codes``, two a day, the first one a morning: a strip's, its
            encoded form, or its school days only.
        nearing_per_cent: where ``approaching`` begins, whole per cent.

    Raises:
        DataError: marks that hold a line feed, which is no code.
    """
    found: list[Measures] = []
    for start in range(0, len(many), _AT_ONCE):
        found += _measured(many[start : start + _AT_ONCE], nearing_per_cent)
    return found


def _measured(many: Sequence[bytes], nearing_per_cent: int) -> list[Measures]:
    letters = _END.join(many).translate(_LETTERS, _ATTENDED)
    missed = letters.translate(None, _OUTSIDE)
    missed_by = missed.split(_END)
    if len(missed_by) != len(many):
        raise DataError("marks hold the byte 0x0A, which is no attendance code")

    lengths = list(map(len, many))
    remaining = list(map(len, letters.split(_END)))
    attended = list(map(sub, lengths, remaining))
    unauthorised = list(map(len, missed.translate(None, b"a-").split(_END)))
    authorised = list(map(len, missed.translate(None, b"u-").split(_END)))
    absent = list(map(add, authorised, unauthorised))
    possible = list(map(add, attended, absent))
    missing = map(sub, map(len, missed_by), absent)

    pairs = list(zip(absent, possible, strict=True))
    persistent = [a * 10 >= p if p else None for a, p in pairs]
    severe = [a * 2 >= p if p else None for a, p in pairs]
    approaching = [a * 100 >= nearing_per_cent * p and a * 10 < p if p else None for a, p in pairs]

    returns: list[tuple[int, ...]] = [()] * len(many)
    for place, count in enumerate(unauthorised):
        if count >= RETURN_DAYS:
            # Ten days are twenty unauthorised marks in a row, less one for each day of which only
            # one session was possible: at most as many as there are sessions that were not.
            row = missed_by[place]
            outside = remaining[place] - len(row) + lengths[place] % 2
            fewest = max(RETURN_DAYS, 2 * RETURN_DAYS - outside)
            if count >= fewest and _TEN_WHOLE_DAYS[:fewest] in row:
                returns[place] = return_days(many[place])

    columns = (
        possible,
        attended,
        authorised,
        unauthorised,
        missing,
        persistent,
        severe,
        approaching,
        returns,
    )
    # What Measures(*row) does in the end, without a call in Python for each.
    return list(map(tuple.__new__, repeat(Measures), zip(*columns, strict=True)))
