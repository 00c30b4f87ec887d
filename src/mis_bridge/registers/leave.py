"""Not returned from leave: the register's half of regulation 9(1)(h) of SI 2024/208.

Not having returned after a leave of absence, within ten school days, is one of the grounds on which
a name may be deleted; as with ground (i), school and local authority enquire together first. No
source says how a register shows it; these are our rules:

- The leave ends with the last day that has a session coded as leave.
- After it ten school days are needed on which every possible session is G, N or O, as in
  regulation 9(1)(i): a U was in the school, any other code says where the pupil is.
- A session that is not possible neither breaks nor lengthens it. Across a missing mark nothing is
  claimed.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from mis_bridge.registers.codes import NOT_TAKEN, OUTSIDE_BYTES, to_byte
from mis_bridge.registers.runs import GROUND_I_BYTES

__all__ = ["LEAVE_BYTES", "RETURN_WITHIN_DAYS", "NotReturned", "not_returned"]

LEAVE_BYTES: Final = bytes(map(to_byte, ("C", "C1")))
"""Leave with an end after which the pupil is expected back, as granted for a journey."""

RETURN_WITHIN_DAYS: Final = 10
"""School days after the end of the leave within which the pupil has to attend."""

_COUNTED: Final = 1
_BREAK: Final = 2
_MISSING: Final = 4
_LEAVE: Final = 8

_NEITHER: Final = b"\x00"
_AWAY: Final = b"\x01"
_AWAY_OR_MISSING: Final = b"\x01\x04\x05"
_ON_LEAVE: Final = b"\x00\x01\x08\x09"


class NotReturned(NamedTuple):
    """A leave after which the pupil has not come back; days count from the first of the marks.

    Args:
        leave_first, leave_last: first and last day of the leave.
        tenth: day that completed the time in which the pupil had to attend.
        last: last day that is counted.
        days: school days counted since the leave ended.
    """

    leave_first: int
    leave_last: int
    tenth: int
    last: int
    days: int


def not_returned(
    marks: bytes, leave: bytes = LEAVE_BYTES, days: int = RETURN_WITHIN_DAYS
) -> NotReturned | None:
    """Say whether at the end of the marks a pupil has not returned from the latest leave.

    Args:
        marks: bytes of ``codes``, two a day, the first one a morning.
        leave: codes of a leave.
        days: school days that complete it, at least 1.
    """
    bits = marks.translate(_bits(leave))
    of_days = bytes(map(int.__or__, bits[::2], bits[1::2]))
    ended = max(of_days.rfind(b"\x08"), of_days.rfind(b"\x09"))
    if ended < 0:
        return None
    after = of_days[ended + 1 :]
    counted = after.translate(None, _NEITHER)
    if not counted.startswith(_AWAY * days) or counted.strip(_AWAY_OR_MISSING):
        return None
    away = [ended + 1 + number for number, day in enumerate(after) if day == _COUNTED]
    began = len(of_days[: ended + 1].rstrip(_ON_LEAVE))
    # What lies before the first day of leave itself is no part of it.
    began += next(n for n, day in enumerate(of_days[began : ended + 1]) if day & _LEAVE)
    return NotReturned(began, ended, away[days - 1], away[-1], len(away))


@cache
def _bits(leave: bytes) -> bytes:
    table = bytearray([_BREAK] * 256)
    for byte in OUTSIDE_BYTES:
        table[byte] = 0
    for byte in GROUND_I_BYTES:
        table[byte] = _COUNTED
    for byte in leave:
        table[byte] = _LEAVE
    table[NOT_TAKEN] = _MISSING
    return bytes(table)
