"""The strip: one pupil, one school, one academic year of session marks as ``bytes``.

One byte a slot (``codes``), slot ``2 * days since 1 August + (1 if afternoon)`` (``calendar``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.errors import DataError
from mis_bridge.registers.codes import NO_SESSION, to_byte, to_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from mis_bridge.registers.calendar import AcademicYear

__all__ = ["Change", "Strip"]

_PADDING: Final = bytes((NO_SESSION,))


class Change(NamedTuple):
    """One slot whose mark became another one.

    Args:
        slot: slot of the strip.
        old, new: bytes of ``codes``.
    """

    slot: int
    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Strip:
    """All session marks of one pupil in one academic year.

    Args:
        year: the academic year.
        marks: exactly ``year.slots`` bytes of ``codes``; ``NO_SESSION`` where nothing is known.

    Raises:
        DataError: the marks have another length.
    """

    year: AcademicYear
    marks: bytes

    def __post_init__(self) -> None:
        if len(self.marks) != self.year.slots:
            raise DataError(
                f"a strip of {self.year} has {self.year.slots} marks, not {len(self.marks)}"
            )

    @classmethod
    def empty(cls, year: AcademicYear) -> Strip:
        """Give the strip of a pupil of whom nothing is known."""
        return cls(year, _PADDING * year.slots)

    @classmethod
    def from_days(cls, year: AcademicYear, days: Iterable[tuple[date, str, str]]) -> Strip:
        """Build a strip from rows of (day, morning code, afternoon code).

        Raises:
            UnknownCode: a code that the table does not have.
            DateOutsideYear: a day that the year does not contain.
        """
        marks = bytearray(_PADDING * year.slots)
        for day, am, pm in days:
            slot = year.slot(day, pm=False)
            place = day.isoformat()
            marks[slot] = to_byte(am, place=f"{place} AM")
            marks[slot + 1] = to_byte(pm, place=f"{place} PM")
        return cls(year, bytes(marks))

    @classmethod
    def decode(cls, year: AcademicYear, blob: bytes) -> Strip:
        """Read back what ``encode`` gave.

        Raises:
            DataError: the blob is longer than the year.
        """
        return cls(year, blob.ljust(year.slots, _PADDING))

    def encode(self) -> bytes:
        """Give the marks up to the last one that is known; at most ``year.slots`` bytes."""
        return self.marks.rstrip(_PADDING)

    def byte(self, day: date, pm: bool) -> int:  # noqa: FBT001 - there are two sessions a day
        """Give the byte of one session's mark.

        Raises:
            DateOutsideYear: a day that the year does not contain.
        """
        return self.marks[self.year.slot(day, pm)]

    def mark(self, day: date, pm: bool) -> str:  # noqa: FBT001 - there are two sessions a day
        """Give the code of one session's mark, ``.`` where there is none.

        Raises:
            DateOutsideYear: a day that the year does not contain.
        """
        return to_code(self.marks[self.year.slot(day, pm)])

    def merge(self, changes: Mapping[int, int]) -> tuple[Strip, tuple[Change, ...]]:
        """Write marks into slots.

        Merging the same again changes nothing, and merges of different slots may come in any
        order.

        Args:
            changes: slot -> byte.

        Returns:
            The strip after it, and what really changed, in order of the slots.

        Raises:
            DateOutsideYear: a slot that the year does not have.
        """
        marks = self.marks
        real: list[Change] = []
        for slot in sorted(changes):
            if not 0 <= slot < len(marks):
                self.year.day_of(slot)  # raises, naming the slot and the year
            new = changes[slot]
            if marks[slot] != new:
                real.append(Change(slot, marks[slot], new))
        if not real:
            return self, ()
        merged = bytearray(marks)
        for slot, _, new in real:
            merged[slot] = new
        return Strip(self.year, bytes(merged)), tuple(real)

    def between(self, first: date | None, last: date | None) -> Strip:
        """Give the strip without the marks outside a span, for example the time on roll.

        Args:
            first: first day that is kept, None for all from the beginning.
            last: last day that is kept, None for all to the end.
        """
        year = self.year
        if (first and first > year.last) or (last and last < year.first):
            return Strip.empty(year)
        low = year.slot(first, pm=False) if first and first > year.first else 0
        high = year.slot(last, pm=True) + 1 if last and last < year.last else year.slots
        if low >= high:
            return Strip.empty(year)
        none = bytes((NO_SESSION,))
        return Strip(year, none * low + self.marks[low:high] + none * (year.slots - high))

    @property
    def last_marked_slot(self) -> int | None:
        """The last slot that is not ``NO_SESSION``, None in an empty strip."""
        length = len(self.encode())
        return length - 1 if length else None

    def days(self) -> Iterator[tuple[date, int, int]]:
        """Give (day, morning byte, afternoon byte) of each day with anything known, in order."""
        first = self.year.first
        marks = self.encode()
        marks += _PADDING * (len(marks) % 2)
        for slot in range(0, len(marks), 2):
            am, pm = marks[slot], marks[slot + 1]
            if am != NO_SESSION or pm != NO_SESSION:
                yield first + timedelta(days=slot // 2), am, pm
