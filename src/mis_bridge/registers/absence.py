"""Absence measures of one pupil at one school (one enrolment), in whole numbers.

::

    possible = present + approved educational activity + authorised + unauthorised
    absent   = authorised + unauthorised
    persistently absent: absent * 10 >= possible      severely: absent * 2 >= possible

Exactly 10 % is persistently absent, exactly 50 % severely so. Comparisons are made before any
rounding; where no session was possible there is no answer (None), never 0 %.

Sources: Department for Education, "Pupil absence statistics: methodology", sections 3 to 5, and
its note on live daily attendance data; registers, regulation 10 of SI 2024/208.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.registers.codes import (
    APPROVED_BYTES,
    AUTHORISED_BYTES,
    NO_SESSION,
    NOT_TAKEN,
    OUTSIDE_BYTES,
    POSSIBLE_BYTES,
    PRESENT_BYTES,
    UNAUTHORISED_BYTES,
    to_byte,
)
from mis_bridge.registers.definitions import historic_persistent_absence
from mis_bridge.registers.measures import Measures, measure, measure_all
from mis_bridge.registers.runs import (
    RETURN_DAYS,
    Run,
    attendance_return_dates,
    continuous_unauthorised,
    unauthorised_runs,
)
from mis_bridge.registers.strip import Strip
from mis_bridge.registers.thresholds import (
    CONFIRMED_BYTES,
    NEARING_PER_CENT,
    sickness_threshold,
    ten_in_ten_weeks,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

__all__ = [
    "CONFIRMED_BYTES",
    "LIVE_MINIMUM",
    "NEARING_PER_CENT",
    "N_SCHOOL_DAYS",
    "RETURN_DAYS",
    "Measures",
    "Run",
    "SessionCounts",
    "absence_total",
    "attendance_return_dates",
    "continuous_unauthorised",
    "count",
    "historic_persistent_absence",
    "is_approaching",
    "is_persistent",
    "is_persistent_live",
    "is_severe",
    "measure",
    "measure_all",
    "n_deadline",
    "rate",
    "sickness_threshold",
    "ten_in_ten_weeks",
    "totals_usable",
    "unauthorised_runs",
]

LIVE_MINIMUM: Final = 10
"""Live national data leaves out pupils with so many possible sessions or fewer."""

N_SCHOOL_DAYS: Final = 5
"""School days after the session within which N must become another code."""

_RATE_DIGITS: Final = 4

_CLOSED: Final = to_byte("#")
_NOT_POSSIBLE: Final = OUTSIDE_BYTES + bytes((NOT_TAKEN,))
_ATTENDED: Final = PRESENT_BYTES + APPROVED_BYTES


class SessionCounts(NamedTuple):
    """Numbers of sessions of one enrolment.

    Args:
        possible: sessions in the denominator.
        attended: of these, present or at an approved educational activity.
        authorised, unauthorised: of these, absences.
        missing_marks: sessions whose register was not taken; in none of the others.
    """

    possible: int = 0
    attended: int = 0
    authorised: int = 0
    unauthorised: int = 0
    missing_marks: int = 0

    @property
    def absent(self) -> int:
        """Sessions missed, authorised or not."""
        return self.authorised + self.unauthorised

    @property
    def rate(self) -> float | None:
        """Per cent of the possible sessions that were missed, for people to read: ``rate``."""
        return rate(self.possible, self.absent)

    def apply(self, old: int, new: int) -> SessionCounts:
        """Give the counts after one mark became another, without counting again.

        Args:
            old: byte of the mark as it was counted.
            new: byte of the mark as it is.
        """
        return SessionCounts(
            *(
                total - before + after
                for total, before, after in zip(self, _ONE_MARK[old], _ONE_MARK[new], strict=True)
            )
        )


def _count_one(byte: int) -> SessionCounts:
    authorised = byte in AUTHORISED_BYTES
    unauthorised = byte in UNAUTHORISED_BYTES
    possible = byte in POSSIBLE_BYTES
    return SessionCounts(
        possible=int(possible),
        attended=int(possible and not authorised and not unauthorised),
        authorised=int(authorised),
        unauthorised=int(unauthorised),
        missing_marks=int(byte == NOT_TAKEN),
    )


_ONE_MARK: Final = tuple(_count_one(byte) for byte in range(256))


def count(marks: bytes) -> SessionCounts:
    """Count sessions.

    Args:
        marks: bytes of ``codes`` in any order; a strip's, or any part of one.
    """
    # What is taken out leaves less and less to go through, and its length is the number.
    taken = marks.translate(None, _NOT_POSSIBLE)
    missed = taken.translate(None, _ATTENDED)
    without_leave = missed.translate(None, AUTHORISED_BYTES)
    attended = len(taken) - len(missed)
    authorised = len(missed) - len(without_leave)
    # What remains beside the codes is none.
    unauthorised = len(without_leave) - len(without_leave.translate(None, UNAUTHORISED_BYTES))
    return SessionCounts(
        attended + authorised + unauthorised,
        attended,
        authorised,
        unauthorised,
        marks.count(NOT_TAKEN),
    )


def rate(possible: int, absent: int) -> float | None:
    """Give 100 * absent / possible to four decimals, for people; None where possible is 0.

    Never compare it with a threshold: 29 of 291 reads 10.0 % to one decimal and is not 10 %.
    """
    return round(100 * absent / possible, _RATE_DIGITS) if possible else None


def is_persistent(possible: int, absent: int) -> bool | None:
    """Whether 10 % or more of the own possible sessions were missed; None if there were none."""
    return absent * 10 >= possible if possible else None


def is_severe(possible: int, absent: int) -> bool | None:
    """Whether 50 % or more of the own possible sessions were missed; None if there were none."""
    return absent * 2 >= possible if possible else None


def is_approaching(
    possible: int, absent: int, from_per_cent: int = NEARING_PER_CENT
) -> bool | None:
    """Whether the pupil is not persistently absent, but misses so much; None without sessions.

    Args:
        possible: sessions in the denominator.
        absent: of these, missed.
        from_per_cent: whole per cent at which the band begins, inclusive.
    """
    if not possible:
        return None
    return absent * 100 >= from_per_cent * possible and absent * 10 < possible


def is_persistent_live(possible: int, absent: int, minimum: int = LIVE_MINIMUM) -> bool | None:
    """As ``is_persistent``, by the rule of live national data: None also for few sessions.

    Args:
        possible: sessions in the denominator.
        absent: of these, missed.
        minimum: so many possible sessions or fewer give no answer.
    """
    return is_persistent(possible, absent) if possible > minimum else None


def absence_total(authorised_total: int, unauthorised_total: int, reasons_total: int) -> int:
    """Give the absent sessions to use where totals and a breakdown by reason were both sent.

    The larger of the two (absence methodology 4.4.4, Table 10).
    """
    return max(authorised_total + unauthorised_total, reasons_total)


def totals_usable(possible: int | None, absent: int) -> bool:
    """Whether totals that were sent can be measured at all (absence methodology 5.2).

    False, a data error to be raised with the sender, where possible sessions are unknown, none,
    or fewer than the absences.
    """
    return possible is not None and 0 <= absent <= possible and possible > 0


def n_deadline(school_days: Strip | Iterable[date], day: date) -> date | None:
    """Give the last day on which an N may still stand (regulation 10(7) to (9)).

    Five school days after the session; that day 1 is the next school day is our reading.

    Args:
        school_days: the days to count in, in any order; or a strip, whose school days are those
            with a session that is not a planned closure.
        day: the day of the session marked N.

    Returns:
        The day, None where fewer than five school days after it are known yet.
    """
    if isinstance(school_days, Strip):
        closed = (NO_SESSION, _CLOSED)
        school_days = (
            on for on, am, pm in school_days.days() if am not in closed or pm not in closed
        )
    following = sorted(on for on in school_days if on > day)
    return following[N_SCHOOL_DAYS - 1] if len(following) >= N_SCHOOL_DAYS else None
