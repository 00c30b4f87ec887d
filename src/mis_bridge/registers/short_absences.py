"""Where in the week a pupil's short absences lie, and whether that can be chance.

A short absence is a stretch of at most so many school days (two by default) on each of which a
session is coded I, N, O or G: illness, and what nobody explained or allowed. Appointments, leave
that was granted, part-time timetables (C2), suspensions, study leave, work and visits have a reason
that the school knows, and lie where they lie for it. A longer absence says nothing of a weekday.

If there were no pattern, each short absence might as well have begun on any other school day of the
pupil. So the chance of at least so many of them on a Friday is that of drawing as many Fridays from
all those days (``chance.at_least``), whatever holidays the school has.

Whoever looks often enough finds a pattern in anything. All looks together may find one in a pupil
without any pattern with at most the given chance:

- seven patterns are looked for, each is given a seventh of it;
- every short absence from the smallest number on is one more look. The look at the n-th is given
  the share ``m / (n * (n + 1))``, where m is the smallest number: these shares add up to 1 over all
  looks that there can ever be.

All of this is our choice: no source says when absences have a pattern.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, NamedTuple

from mis_bridge.registers.chance import at_least
from mis_bridge.registers.codes import NO_SESSION, POSSIBLE_BYTES, to_byte

__all__ = [
    "COUNTED_BYTES",
    "EDGE",
    "LONGEST_DAYS",
    "MIDWEEK",
    "PATTERNS",
    "ShortAbsences",
    "WeekPattern",
    "day_letters",
    "least_hits",
    "may_have_pattern",
]

COUNTED_BYTES: Final = bytes(map(to_byte, "INOG"))
"""Codes of an absence that nobody planned with the school."""

LONGEST_DAYS: Final = 2
"""School days of a short absence, at most."""

EDGE: Final = "edge"
MIDWEEK: Final = "midweek"
PATTERNS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", EDGE, MIDWEEK)
"""What is looked for: one weekday, days beside a weekend or holiday, single days amid the week."""

_FRIDAY: Final = 4
_CLOSED: Final = bytes((NO_SESSION, to_byte("#")))

# A letter a day: absent, absent for long, attended or absent for another reason, a school day of
# which nothing is known or that is not the pupil's, no school.
_ABSENT: Final = b"a"
_COULD_BEGIN: Final = b"ap"
_NO_SCHOOL: Final = ord(".")
_BITS: Final = bytes(
    4 if byte in COUNTED_BYTES else 2 if byte in POSSIBLE_BYTES else 0 if byte in _CLOSED else 1
    for byte in range(256)
)
_LETTERS: Final = b".oppaaaa" + bytes(248)
_STRETCH: Final = re.compile(rb"a(?:[.o]*a)*")
_LONG: Final = re.compile(rb"a(?:[.o]*a){%d,}" % LONGEST_DAYS)


class WeekPattern(NamedTuple):
    """Short absences that lie too unevenly for chance.

    Args:
        pattern: one of ``PATTERNS``.
        hits: short absences that fit it.
        short: short absences in all.
        marked: days of the pupil that fit it.
        days: days of the pupil on which a short absence might have begun.
        chance: of so many hits or more, if there were no pattern; of this one look alone.
        of_all_looks: the same, with all looks that there were and can be taken together.
        since: day from which on every look has found it, counted from the first of the marks.
    """

    pattern: str
    hits: int
    short: int
    marked: int
    days: int
    chance: Fraction
    of_all_looks: Fraction
    since: int


def day_letters(marks: bytes) -> bytes:
    """Give a letter a day.

    ``a`` a short absence, ``l`` a longer one, ``p`` another day on which a session was possible,
    ``o`` another school day, ``.`` none.

    Args:
        marks: bytes of ``codes``, two a day, the first one a morning.
    """
    bits = marks.translate(_BITS)
    mornings, afternoons = bits[::2], bits[1::2]
    # All days at once, as two long numbers.
    together = int.from_bytes(mornings, "little") | int.from_bytes(afternoons, "little")
    letters = together.to_bytes(len(mornings), "little").translate(_LETTERS)
    return _LONG.sub(lambda long: long[0].replace(_ABSENT, b"l"), letters)


def least_hits(pattern: str, minimum: int) -> int:
    """Give the smallest number of absences that can be a pattern: twice as many of half a week."""
    return 2 * minimum if pattern in (EDGE, MIDWEEK) else minimum


def may_have_pattern(days: bytes, weekday: int, minimum: int) -> bool:
    """Whether there are absences enough for any pattern at all: much faster than to look.

    Args:
        days: as ``day_letters`` gives them.
        weekday: of the first day, 0 for Monday.
        minimum: as in ``ShortAbsences.pattern``.
    """
    absent = [days[(day - weekday) % 7 :: 7].count(_ABSENT) for day in range(_FRIDAY + 1)]
    return (
        max(absent) >= minimum
        or sum(absent[1:_FRIDAY]) >= least_hits(MIDWEEK, minimum)
        or days.count(b".a") + days.count(b"a.") >= least_hits(EDGE, minimum)
    )


class ShortAbsences:
    """A pupil's school days and short absences; days count from the first of the marks.

    Args:
        days: as ``day_letters`` gives them.
        weekday: of the first day, 0 for Monday.
    """

    def __init__(self, days: bytes, weekday: int) -> None:
        self._days = days
        self._weekday = weekday
        stretches = list(_STRETCH.finditer(days))
        self.begun = [stretch.start() for stretch in stretches]
        self._single = {stretch.start() for stretch in stretches if stretch[0] == _ABSENT}

    def fits(self, pattern: str, day: int) -> bool:
        """Whether a short absence that begins on a day fits a pattern."""
        if pattern == MIDWEEK:
            return day in self._single and not self._at_edge(day)
        return self._of(pattern, day)

    def pattern(self, minimum: int, chance: Fraction) -> WeekPattern | None:
        """Give the least likely pattern that lies beyond chance at the latest look.

        Args:
            minimum: fewer short absences that fit give no answer, at least 1 (``least_hits``).
            chance: that all looks together find a pattern where there is none.
        """
        weekdays = [(self._weekday + day) % 7 for day in self.begun]
        worth = [name for at, name in enumerate(PATTERNS[:-2]) if weekdays.count(at) >= minimum]
        if len(weekdays) >= least_hits(EDGE, minimum):
            worth += (EDGE, MIDWEEK)
        found = [
            one for name in worth if (one := self._look_for(name, minimum, chance)) is not None
        ]
        return min(found, key=lambda one: one.chance, default=None)

    def _look_for(self, name: str, minimum: int, chance: Fraction) -> WeekPattern | None:
        fitting = [self.fits(name, day) for day in self.begun]
        hits = sum(fitting)
        found: WeekPattern | None = None
        # From the latest look back to the one that did not find it.
        for number in range(len(self.begun), 0, -1):
            if hits < least_hits(name, minimum):
                break
            day = self.begun[number - 1]
            marked, days = self._population(name, day + 1)
            # Fewer than their share of the days are no pattern, and need not be worked out.
            if hits * days <= marked * number:
                break
            tail = at_least(hits, number, marked, days)
            looks = Fraction(len(PATTERNS) * number * (number + 1), minimum)
            if tail * looks > chance:
                break
            if found is None:
                found = WeekPattern(name, hits, number, marked, days, tail, tail * looks, day)
            found = found._replace(since=day)
            hits -= fitting[number - 1]
        return found

    def _population(self, name: str, until: int) -> tuple[int, int]:
        """Count the days up to one on which a short absence might have begun, and those fitting."""
        days = self._days[:until]
        if name in (EDGE, MIDWEEK):
            could = [day for day, letter in enumerate(days) if letter in _COULD_BEGIN]
            return sum(self._of(name, day) for day in could), len(could)
        on = days[(PATTERNS.index(name) - self._weekday) % 7 :: 7]
        return _could_begin(on), _could_begin(days)

    def _of(self, name: str, day: int) -> bool:
        if name == EDGE:
            return self._at_edge(day)
        if name == MIDWEEK:
            return not self._at_edge(day)
        return PATTERNS.index(name) == (self._weekday + day) % 7

    def _at_edge(self, day: int) -> bool:
        if day == 0 or self._days[day - 1] == _NO_SCHOOL:
            return True
        # Tomorrow is not known yet, but whether it is a Saturday is.
        if day + 1 == len(self._days):
            return (self._weekday + day) % 7 == _FRIDAY
        return self._days[day + 1] == _NO_SCHOOL


def _could_begin(days: bytes) -> int:
    return days.count(b"a") + days.count(b"p")
