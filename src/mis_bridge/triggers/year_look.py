"""One look at one pupil's year: what all strip triggers have in common, worked out once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.codes import (
    APPROVED_BYTES,
    AUTHORISED_BYTES,
    NO_SESSION,
    NOT_TAKEN,
    OUTSIDE_BYTES,
    PRESENT_BYTES,
    UNAUTHORISED_BYTES,
)
from mis_bridge.registers.strip import Strip
from mis_bridge.triggers.year_walk import YearSoFar, counted_slots, slots_up_to

if TYPE_CHECKING:
    from mis_bridge.triggers.model import PupilYear

__all__ = ["YearLook"]

_DAY: Final = timedelta(days=1)
_NONE: Final = bytes((NO_SESSION,))
_NO_SESSION_OF_THE_PUPIL: Final = OUTSIDE_BYTES + bytes((NOT_TAKEN,))
_NOT_MISSED: Final = PRESENT_BYTES + APPROVED_BYTES


class YearLook:
    """A pupil's year at the end of a day.

    Compulsory school age is seen to here: where a rule is about children of that age, ``marks``,
    ``before`` and ``counted`` hold no session of another day. The walks over a year are slow; what
    a trigger needs to know to leave a pupil out is here as a count or as the last few sessions.

    Args:
        pupil_year: the pupil's year.
        as_of: the day, its registers closed; marks after it are not looked at.

    Attributes:
        marks: the marks from 1 August up to the day; two a day.
        possible: the sessions of ``marks`` that were possible, one after the other.
        missed: of these, the absences.
        unauthorised: how many unauthorised absences there are, with those of the year before.
        before: the year before, None where it is not known.
    """

    __slots__ = (
        "_counted",
        "_so_far",
        "as_of",
        "before",
        "marks",
        "missed",
        "possible",
        "pupil_year",
        "unauthorised",
    )

    def __init__(self, pupil_year: PupilYear, as_of: date) -> None:
        self.pupil_year = pupil_year
        self.as_of = as_of
        self.marks = _of_age(pupil_year.strip, pupil_year, as_of)
        self.possible = self.marks.translate(None, _NO_SESSION_OF_THE_PUPIL)
        self.missed = self.possible.translate(None, _NOT_MISSED)
        self.unauthorised = len(self.missed.translate(None, AUTHORISED_BYTES))
        self.before: Strip | None = None
        if pupil_year.before is not None:
            year = pupil_year.before.year
            before = _of_age(pupil_year.before, pupil_year, as_of)
            self.before = Strip(year, before.ljust(year.slots, _NONE))
            self.unauthorised += len(before) - len(before.translate(None, UNAUTHORISED_BYTES))
        self._so_far: YearSoFar | None = None
        self._counted: bytes | None = None

    @property
    def so_far(self) -> YearSoFar:
        """What counts for rates, of any age: from 1 September, and of Year 11 not to the end."""
        if self._so_far is None:
            self._so_far = YearSoFar.up_to(self.pupil_year, self.as_of)
        return self._so_far

    @property
    def share(self) -> tuple[int, int]:
        """Possible and missed sessions of ``so_far``."""
        if self._so_far is None and self._all_count():
            return len(self.possible), len(self.missed)
        counts = self.so_far.counts
        return counts.possible, counts.absent

    def _all_count(self) -> bool:
        """Whether what was counted for ``possible`` is all that counts for rates, and no more."""
        year = self.pupil_year
        first, last = counted_slots(year)
        age_is_no_limit = (
            year.compulsory_age_from is None or year.compulsory_age_from <= year.strip.year.first
        ) and (year.compulsory_age_to is None or year.compulsory_age_to >= self.as_of)
        return (
            age_is_no_limit
            and len(self.marks) <= last
            and not self.marks[:first].translate(None, _NO_SESSION_OF_THE_PUPIL)
        )

    @property
    def counted(self) -> bytes:
        """The marks of ``so_far`` within compulsory school age."""
        if self._counted is None:
            first, last = counted_slots(self.pupil_year)
            self._counted = self.marks[first:last]
        return self._counted

    @property
    def strips(self) -> tuple[Strip, ...]:
        """The year up to the day, after the year before where that is known."""
        year = self.pupil_year.strip.year
        strip = Strip(year, self.marks.ljust(year.slots, _NONE))
        return (strip,) if self.before is None else (self.before, strip)

    def latest(self, sessions: int) -> bytes:
        """Give the last so many possible sessions, with those of the year before."""
        found = self.possible[-sessions:]
        if len(found) < sessions and self.before is not None:
            earlier = self.before.marks.translate(None, _NO_SESSION_OF_THE_PUPIL)
            found = earlier[len(found) - sessions :] + found
        return found


def _of_age(strip: Strip, pupil_year: PupilYear, as_of: date) -> bytes:
    """Give the marks up to the day, without the days outside compulsory school age."""
    first, last = pupil_year.compulsory_age_from, pupil_year.compulsory_age_to
    end = as_of if last is None or as_of < last else last
    slots = slots_up_to(strip.year.start, end)
    begins = 0 if first is None else slots_up_to(strip.year.start, first - _DAY)
    if begins >= slots:
        return b""
    return _NONE * begins + strip.marks[begins:slots]
