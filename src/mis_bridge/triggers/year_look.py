"""One look at one pupil's year: what all strip triggers have in common, worked out once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.codes import (
    APPROVED_BYTES,
    NO_SESSION,
    NOT_TAKEN,
    OUTSIDE_BYTES,
    PRESENT_BYTES,
    UNAUTHORISED_BYTES,
)
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.year_walk import YearSoFar, counted_span

if TYPE_CHECKING:
    from datetime import date

    from mis_bridge.triggers.model import PupilYear

__all__ = ["YearLook"]

_NONE: Final = bytes((NO_SESSION,))
_NO_SESSION_OF_THE_PUPIL: Final = OUTSIDE_BYTES + bytes((NOT_TAKEN,))
_NOT_UNAUTHORISED: Final = bytes(byte for byte in range(256) if byte not in UNAUTHORISED_BYTES)
_NOT_MISSED: Final = PRESENT_BYTES + APPROVED_BYTES


class YearLook:
    """A pupil's year at the end of a day.

    Compulsory school age is seen to here: where a rule is about children of that age, ``marks``,
    ``before`` and ``counted`` hold no session of another day. The walks over a year are slow; what
    a trigger needs to know to leave a pupil out is here as a count or as the last few sessions.

    Args:
        pupil_year: the pupil's year.
        as_of: the day, its registers closed; marks after it are not looked at.
    """

    def __init__(self, pupil_year: PupilYear, as_of: date) -> None:
        self.pupil_year = pupil_year
        self.as_of = as_of

    @cached_property
    def so_far(self) -> YearSoFar:
        """What counts for rates, of any age: from 1 September, and of Year 11 not to the end."""
        return YearSoFar.up_to(self.pupil_year, self.as_of)

    @cached_property
    def marks(self) -> bytes:
        """The marks from 1 August up to the day; two a day."""
        return _of_age(self.pupil_year.strip, self.pupil_year, self.as_of)

    @cached_property
    def before(self) -> Strip | None:
        """The year before."""
        before = self.pupil_year.before
        if before is None:
            return None
        marks = _of_age(before, self.pupil_year, self.as_of)
        return Strip(before.year, marks.ljust(before.year.slots, _NONE))

    @cached_property
    def strips(self) -> tuple[Strip, ...]:
        """The year up to the day, after the year before where that is known."""
        year = self.pupil_year.strip.year
        strip = Strip(year, self.marks.ljust(year.slots, _NONE))
        return (strip,) if self.before is None else (self.before, strip)

    @cached_property
    def counted(self) -> bytes:
        """The marks of ``so_far`` within compulsory school age."""
        year, group = self.pupil_year.strip.year, self.pupil_year.year_group
        first, last = counted_span(year, group)
        return self.marks[year.slot(first, pm=False) : year.slot(last, pm=True) + 1]

    @cached_property
    def possible(self) -> bytes:
        """The sessions of ``marks`` that were possible, one after the other."""
        return self.marks.translate(None, _NO_SESSION_OF_THE_PUPIL)

    @cached_property
    def missed(self) -> bytes:
        """Of these, the absences."""
        return self.possible.translate(None, _NOT_MISSED)

    @cached_property
    def unauthorised(self) -> int:
        """How many unauthorised absences there are, with those of the year before."""
        many = len(self.missed.translate(None, _NOT_UNAUTHORISED))
        if self.before is not None:
            many += len(self.before.marks.translate(None, _NOT_UNAUTHORISED))
        return many

    def latest(self, sessions: int) -> bytes:
        """Give the last so many possible sessions, with those of the year before."""
        found = self.possible[-sessions:]
        if len(found) < sessions and self.before is not None:
            earlier = self.before.marks.translate(None, _NO_SESSION_OF_THE_PUPIL)
            found = earlier[len(found) - sessions :] + found
        return found


def _of_age(strip: Strip, pupil_year: PupilYear, as_of: date) -> bytes:
    """Give the marks up to the day, without the days outside compulsory school age."""
    year, marks = strip.year, strip.marks
    first, last = pupil_year.compulsory_age_from, pupil_year.compulsory_age_to
    end = as_of if last is None or as_of < last else last
    if end < year.first or (first is not None and first > min(end, year.last)):
        return b""
    if end < year.last:
        marks = marks[: year.slot(end, pm=True) + 1]
    if first is not None and first > year.first:
        begins = year.slot(first, pm=False)
        marks = _NONE * begins + marks[begins:]
    return marks
