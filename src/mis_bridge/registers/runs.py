"""Runs of continuous absence, counted in school days.

The law asks for a return to the local authority for a pupil who is absent continuously for ten
school days with every session coded G, N, O or U (SI 2024/208, regulation 13), and allows deletion
from the roll only after twenty of G, N or O (regulation 9(1)(i)). No source defines "continuous";
these are our rules where the law leaves a gap:

- A day counts when it has a possible session and all its possible sessions carry a counted code.
- A session that is not possible (D Q X Y1-Y7 # Z, a slot without a session) neither breaks nor
  lengthens a run.
- Any other mark, attendance or absence, in either session breaks it: the episode is over.
- A missing mark decides nothing. Its day is not counted, the run is reported as uncertain, its
  certain part starts afresh on the next counted day, and the episode goes on.

An episode calls for one return, however long it lasts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final

from mis_bridge.errors import DataError
from mis_bridge.registers.codes import (
    NO_SESSION,
    NOT_TAKEN,
    OUTSIDE_BYTES,
    UNAUTHORISED_BYTES,
    to_byte,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mis_bridge.registers.strip import Strip

__all__ = [
    "GROUND_I_BYTES",
    "GROUND_I_DAYS",
    "RETURN_DAYS",
    "Run",
    "attendance_return_dates",
    "continuous_runs",
    "continuous_unauthorised",
    "joined",
    "return_days",
    "return_days_of",
    "unauthorised_runs",
]

RETURN_DAYS: Final = 10
"""School days of continuous unauthorised absence that call for an attendance return."""

GROUND_I_DAYS: Final = 20
"""School days of continuous absence of regulation 9(1)(i)."""

GROUND_I_BYTES: Final = bytes(map(to_byte, "GNO"))
"""Codes of regulation 9(1)(i): U is not one of them, the pupil was in the school."""

# A session's mark as one bit, so that a day is the morning's bit or the afternoon's.
_COUNTED: Final = 1
_BREAK: Final = 2
_MISSING: Final = 4
_OUTSIDE: Final = 0

# Between two pupils' marks stands a day of its own.
_LINE_FEED: Final = b"\n"
_BETWEEN: Final = b"\x08"
_NONE: Final = bytes((NO_SESSION,))


@dataclass(frozen=True, slots=True)
class Run:
    """One episode of continuous absence.

    Args:
        first, last: first and last counted day.
        days: counted days in all.
        completed: the day on which as many counted days as were asked for, without a missing
            mark between them, were complete; None if that never was. There is one an episode.
        missing: days inside the run with a missing mark and no mark that breaks it.
        certain_first, certain_days: the part since the last missing mark.
        could_be_completed: the day on which they would have been complete if the missing marks
            were absences; ``completed`` or earlier, None if not even then.
    """

    first: date
    last: date
    days: int
    completed: date | None
    missing: tuple[date, ...]
    certain_first: date
    certain_days: int
    could_be_completed: date | None

    @property
    def uncertain(self) -> bool:
        """Whether a missing mark lies inside the run."""
        return bool(self.missing)


@dataclass(slots=True)
class _Episode:
    """An episode while the days go by; day numbers count from the first day of the marks."""

    needed: int
    first: int
    last: int
    certain_first: int
    days: int = 0
    certain_days: int = 0
    reached: int | None = None
    could_reach: int | None = None
    missing: list[int] = field(default_factory=list)

    def add(self, day: int, gaps: list[int]) -> None:
        """Count a day; the gaps are days with a missing mark since the last counted one."""
        if gaps:
            # Only now is it known that these missing marks lie inside the run.
            for gap in gaps:
                self.missing.append(gap)
                self._could(gap)
            self.certain_first, self.certain_days = day, 0
        self.last = day
        self.days += 1
        self.certain_days += 1
        if self.certain_days == self.needed and self.reached is None:
            self.reached = day
        self._could(day)

    def _could(self, day: int) -> None:
        if self.could_reach is None and self.days + len(self.missing) >= self.needed:
            self.could_reach = day


@cache
def _bits(counted: bytes) -> bytes:
    """Give the translation of marks to bits, for one set of counted codes."""
    table = bytearray([_BREAK] * 256)
    for byte in OUTSIDE_BYTES:
        table[byte] = _OUTSIDE
    for byte in counted:
        table[byte] = _COUNTED
    table[NOT_TAKEN] = _MISSING
    table[_LINE_FEED[0]] = _BETWEEN[0]
    return bytes(table)


@cache
def _completion(needed: int) -> re.Pattern[bytes]:
    """Give the pattern of an episode in a string of days; group 1 ends on the day it completes.

    The rest of the episode, up to the next break, is part of the match: one completion an episode.
    """
    return re.compile(rb"(\x01(?:\x00*\x01){%d})[\x00\x01\x04\x05]*" % (needed - 1))


def _days(marks: bytes, counted: bytes) -> bytes:
    """Give one byte a day: the bits of its two sessions.

    All days at once, as two long numbers: a hundred times faster than a loop.
    """
    bits = marks.translate(_bits(counted))
    mornings, afternoons = bits[::2], bits[1::2]
    together = int.from_bytes(mornings, "little") | int.from_bytes(afternoons, "little")
    return together.to_bytes(len(mornings), "little")


def _episodes(marks: bytes, counted: bytes, needed: int) -> Iterator[_Episode]:
    episode: _Episode | None = None
    gaps: list[int] = []
    for number, day in enumerate(_days(marks, counted)):
        if day & _BREAK:
            if episode is not None:
                yield episode
            episode = None
            gaps = []
        elif day & _MISSING:
            gaps.append(number)
        elif day & _COUNTED:
            if episode is None:
                episode, gaps = _Episode(needed, number, number, number), []
            episode.add(number, gaps)
            gaps = []
    if episode is not None:
        yield episode


def return_days(
    marks: bytes, counted: bytes = UNAUTHORISED_BYTES, needed: int = RETURN_DAYS
) -> tuple[int, ...]:
    """Give the days, numbered from the first day of the marks, that complete a run; one a run.

    Args:
        marks: bytes of ``codes``, two a day, the first one a morning.
        counted: codes that lengthen a run.
        needed: school days, at least 1.
    """
    return return_days_of((marks,), counted, needed)[0]


def return_days_of(
    many: Sequence[bytes], counted: bytes = UNAUTHORISED_BYTES, needed: int = RETURN_DAYS
) -> list[tuple[int, ...]]:
    """Give what ``return_days`` gives for each of many pupils, whose days are laid end to end.

    Args:
        many: marks of each pupil, as in ``return_days``.
        counted: as in ``return_days``.
        needed: as in ``return_days``.

    Raises:
        DataError: marks that hold a line feed, which is no code.
    """
    whole = [marks + _NONE if len(marks) % 2 else marks for marks in many]
    rows = _days((_LINE_FEED * 2).join(whole), counted).split(_BETWEEN)
    if len(rows) != max(1, len(many)):
        raise DataError("marks hold the byte 0x0A, which is no attendance code")
    return [_completions(days, needed) for days in rows[: len(many)]]


def _completions(days: bytes, needed: int) -> tuple[int, ...]:
    # Most pupils have no such run, and this is much faster than the pattern; nor is there one
    # before the place where it stands without the days that do not count.
    start = days.translate(None, b"\x00").find(b"\x01" * needed)
    if start < 0:
        return ()
    return tuple([found.end(1) - 1 for found in _completion(needed).finditer(days, start)])


def joined(*strips: Strip) -> tuple[date, bytes]:
    """Lay the strips of one pupil end to end, in order of their years.

    Returns:
        The first day, and the marks from there; years between without a strip hold no session.

    Raises:
        DataError: no strip, or two of one year.
    """
    if len(strips) == 1:
        return strips[0].year.first, strips[0].marks
    ordered = sorted(strips, key=lambda strip: strip.year)
    if not ordered:
        raise DataError("there is no strip to look at")
    first = ordered[0].year.first
    marks = bytearray()
    for strip in ordered:
        begins = 2 * (strip.year.first - first).days
        if begins < len(marks):
            raise DataError(f"two strips of one pupil are both of {strip.year}")
        marks = marks.ljust(begins, _NONE)
        marks += strip.marks
    return first, bytes(marks)


def continuous_runs(
    *strips: Strip, codes: bytes = UNAUTHORISED_BYTES, days: int = RETURN_DAYS
) -> list[Run]:
    """List the episodes of continuous absence with these codes, in order of time.

    Args:
        strips: of one pupil at one school; a run may go on over the summer.
        codes: what lengthens a run.
        days: school days that complete one, at least 1.
    """
    first, marks = joined(*strips)

    def on(day: int) -> date:
        return first + timedelta(days=day)

    return [
        Run(
            first=on(episode.first),
            last=on(episode.last),
            days=episode.days,
            completed=None if episode.reached is None else on(episode.reached),
            missing=tuple(map(on, episode.missing)),
            certain_first=on(episode.certain_first),
            certain_days=episode.certain_days,
            could_be_completed=None if episode.could_reach is None else on(episode.could_reach),
        )
        for episode in _episodes(marks, codes, days)
    ]


def unauthorised_runs(*strips: Strip) -> list[Run]:
    """List the episodes of continuous unauthorised absence (G N O U): ``continuous_runs``."""
    return continuous_runs(*strips)


def attendance_return_dates(*strips: Strip) -> list[date]:
    """List the days that complete the tenth school day of an episode (G N O U); one an episode.

    Source: SI 2024/208 regulation 13; one return an episode, as local authorities' forms ask.
    """
    first, marks = joined(*strips)
    return [first + timedelta(days=day) for day in return_days(marks)]


def continuous_unauthorised(
    *strips: Strip, days: int = GROUND_I_DAYS, codes: bytes = GROUND_I_BYTES
) -> list[date]:
    """List the days that complete so many continuous school days with these codes; one a run.

    With the defaults it is the register's half of the ground for deletion of regulation 9(1)(i).
    The other half (no reasonable grounds to believe sickness or an unavoidable cause, joint
    enquiries with the local authority) is not in any register: day 20 is a fact, never a verdict.
    """
    first, marks = joined(*strips)
    return [first + timedelta(days=day) for day in return_days(marks, codes, days)]
