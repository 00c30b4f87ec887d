"""The walk over one pupil's year: how many sessions were missed, and since when that is so much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.registers.absence import SessionCounts, count
from mis_bridge.registers.calendar import AcademicYear, local_datetime, monday_of
from mis_bridge.registers.codes import (
    ABSENCE_BYTES,
    APPROVED_BYTES,
    NOT_TAKEN,
    OUTSIDE_BYTES,
    POSSIBLE_BYTES,
    PRESENT_BYTES,
    to_code,
)
from mis_bridge.triggers.model import Evidence, Finding, Parameter

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.triggers.model import PupilYear

__all__ = [
    "LAST_YEAR_GROUP",
    "LAST_YEAR_GROUP_OF_SCHOOL_AGE",
    "Band",
    "YearSoFar",
    "closed_at",
    "counted_marks",
    "counted_slots",
    "counted_span",
    "day_of",
    "day_words",
    "enough_sessions",
    "level_finding",
    "rate_words",
    "since",
    "slots_up_to",
]

LAST_YEAR_GROUP: Final = Parameter(
    "last_year_group",
    default=13,
    unit="year group",
    meaning="Pupils above it are left out; national statistics end with 11.",
    minimum=0,
)

LAST_YEAR_GROUP_OF_SCHOOL_AGE: Final = Parameter(
    "last_year_group",
    default=11,
    unit="year group",
    meaning="Pupils above it are left out: it is about children of compulsory school age.",
    minimum=0,
)

_SEPTEMBER: Final = 9
_YEAR_11: Final = 11

_NOT_ABSENT: Final = OUTSIDE_BYTES + PRESENT_BYTES + APPROVED_BYTES + bytes((NOT_TAKEN,))

# Two bits a session: that it was possible, that it was missed.
_AFTERNOON: Final = bytes(
    0 if byte not in POSSIBLE_BYTES else 3 if byte in ABSENCE_BYTES else 1 for byte in range(256)
)
_IS_SCHOOL_DAY: Final = bytes(int(bits > 0) for bits in range(256))
_MORNING: Final = bytes(4 * bits for bits in _AFTERNOON)
_POSSIBLE_OF_DAY: Final = tuple((bits & 1) + (bits >> 2 & 1) for bits in range(16))
_ABSENT_OF_DAY: Final = tuple((bits >> 1 & 1) + (bits >> 3 & 1) for bits in range(16))


NO_CEILING: Final = (2, 1)
"""Twice as many as there are: a share that nobody reaches."""


def enough_sessions(weeks: int) -> Parameter:
    """Give the parameter of the fewest possible sessions of which a share says something.

    In the first weeks of a year one cold is a tenth of it, and each matter is told once a year:
    said too soon, it is not said when it matters.

    Args:
        weeks: school weeks, of ten sessions each.
    """
    return Parameter(
        "minimum_possible",
        default=10 * weeks,
        unit="sessions",
        meaning="Fewer possible sessions give no alert: early in a year one illness is a tenth.",
        minimum=1,
    )


class Band(NamedTuple):
    """Shares of missed sessions, as whole numbers: nothing is rounded.

    Args:
        minimum: fewer possible sessions are in no band, at least 1.
        parts, of: the smallest share, inclusive: 1 of 10.
        ceiling: the share from which on it is another band's; more than all by default.
    """

    minimum: int
    parts: int
    of: int
    ceiling: tuple[int, int] = NO_CEILING

    def holds(self, possible: int, absent: int) -> bool:
        """Whether so many sessions missed of so many are in the band."""
        parts, of = self.ceiling
        return (
            possible >= self.minimum
            and absent * self.of >= self.parts * possible
            and absent * of < parts * possible
        )

    def weights(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Give what each kind of day adds to how far a pupil is above the floor, and below the top.

        Returns:
            Whole numbers by the bits of a day.
        """
        return _weights(self)


@lru_cache(maxsize=64)
def _weights(band: Band) -> tuple[tuple[int, ...], tuple[int, ...]]:
    days = tuple(zip(_POSSIBLE_OF_DAY, _ABSENT_OF_DAY, strict=True))
    parts, of = band.ceiling
    return (
        tuple(band.of * absent - band.parts * possible for possible, absent in days),
        tuple(parts * possible - of * absent for possible, absent in days),
    )


class Since(NamedTuple):
    """From when on something has been true without a break.

    Args:
        day: number of the day from the first of the marks.
        possible, absent: at the end of that day.
    """

    day: int
    possible: int
    absent: int


@dataclass(frozen=True, slots=True)
class YearSoFar:
    """One pupil's marks of the year up to a finished day, and what they add up to.

    Args:
        pupil_year: the pupil's year.
        first: day of the first mark of ``marks``.
        marks: those that are counted, up to and including the day, two a day.
        counts: of these marks.
    """

    pupil_year: PupilYear
    first: date
    marks: bytes
    counts: SessionCounts

    @classmethod
    def up_to(cls, pupil_year: PupilYear, as_of: date) -> YearSoFar:
        """Take the year up to and including a day; days after the year's last add nothing."""
        first, marks = counted_marks(pupil_year, as_of)
        return cls(pupil_year, first, marks, count(marks))


def counted_span(year: AcademicYear, year_group: int | None) -> tuple[date, date]:
    """Give the first and the last day whose sessions are counted.

    From 1 September, our choice after the Department for Education's monthly and daily measures,
    which count from the later of that day and the pupil's admission. Of Year 11 up to the day
    before the spring bank holiday, the last Monday in May: the second half of their summer term is
    no part of the absence statistics, because study leave would make nearly all of them
    persistently absent.

    Source: Department for Education, "Pupil absence statistics: methodology".
    """
    last = year.last
    if year_group == _YEAR_11:
        last = monday_of(date(year.start + 1, 5, 31)) - timedelta(days=1)
    return date(year.start, _SEPTEMBER, 1), last


def counted_marks(pupil_year: PupilYear, as_of: date) -> tuple[date, bytes]:
    """Give the first day and the marks of a year that are counted (``counted_span``).

    Sessions before a pupil's admission hold no mark, so the span is that of the enrolment.
    """
    strip = pupil_year.strip
    start, end = counted_slots(pupil_year)
    until = slots_up_to(strip.year.start, as_of)
    return day_of(strip.year.start, start), strip.marks[start : min(end, until)]


def counted_slots(pupil_year: PupilYear) -> tuple[int, int]:
    """Give the first slot that is counted, and the one after the last (``counted_span``)."""
    return _counted_slots(pupil_year.strip.year.start, pupil_year.year_group == _YEAR_11)


@lru_cache(maxsize=4096)
def slots_up_to(start: int, day: date) -> int:
    """Count the slots of an academic year, by its first calendar year, up to and with a day."""
    year = AcademicYear(start)
    return min(max(0, 2 * ((day - year.first).days + 1)), year.slots)


@lru_cache(maxsize=4096)
def day_of(start: int, slot: int) -> date:
    """Give the day of a slot of an academic year, by its first calendar year."""
    return AcademicYear(start).day_of(slot)[0]


@lru_cache(maxsize=64)
def _counted_slots(start: int, year_11: bool) -> tuple[int, int]:  # noqa: FBT001 - of one year
    year = AcademicYear(start)
    first, last = counted_span(year, _YEAR_11 if year_11 else None)
    return year.slot(first, pm=False), year.slot(last, pm=True) + 1


def since(year: YearSoFar, band: Band) -> Since | None:
    """Find the day from which on the share of missed sessions has been in a band without a break.

    Walks back from the last day, so that it costs as much as the stretch is long.

    Args:
        year: what is counted.
        band: asked at the end of each day.

    Returns:
        None where it is not in the band at the end of the marks.
    """
    possible, absent = year.counts.possible, year.counts.absent
    if not band.holds(possible, absent):
        return None
    inside, outside = band.weights()
    # More than nothing: so much the missed sessions are above the band's floor, and the possible
    # ones above its ceiling. A day's sessions are taken off from both.
    above = band.of * absent - band.parts * possible
    below = band.ceiling[0] * possible - band.ceiling[1] * absent
    days = _days(year.marks)
    school = days.translate(None, b"\0")
    number = len(school)
    if band.ceiling == NO_CEILING:
        for sessions in reversed(school):
            number -= 1
            above -= inside[sessions]
            if above < 0:
                break
    else:
        for sessions in reversed(school):
            number -= 1
            above -= inside[sessions]
            below -= outside[sessions]
            if above < 0 or below <= 0:
                break
    number = max(number, _number_of(school, band.minimum))
    found = _places(days.translate(_IS_SCHOOL_DAY))[number]
    counts = count(year.marks[: 2 * found + 2])
    return Since(found, counts.possible, counts.absent)


def _number_of(school: bytes, possible: int) -> int:
    """Give the number of the day that has the possible session of that number, from 1."""
    for number, sessions in enumerate(school):
        possible -= _POSSIBLE_OF_DAY[sessions]
        if possible <= 0:
            return number
    return len(school) - 1


@lru_cache(maxsize=256)
def _places(is_school_day: bytes) -> tuple[int, ...]:
    """Give where the school days lie; most pupils of a school have the same ones."""
    return tuple(day for day, school in enumerate(is_school_day) if school)


def _days(marks: bytes) -> bytes:
    """Give one byte a day that tells how many sessions of it were possible and missed."""
    marks += b"." * (len(marks) % 2)
    mornings = int.from_bytes(marks[::2].translate(_MORNING), "little")
    afternoons = int.from_bytes(marks[1::2].translate(_AFTERNOON), "little")
    return (mornings | afternoons).to_bytes(len(marks) // 2, "little")


def level_finding(
    year: YearSoFar, trigger: str, reached: Since, sentence: str, facts: dict[str, int | str]
) -> Finding:
    """Give the finding of a trigger that compares missed sessions with possible ones."""
    day = year.first + timedelta(days=reached.day)
    at = closed_at(day, year.pupil_year.calendar.pm.closes)
    counts = year.counts
    return Finding(
        trigger=trigger,
        pupil=year.pupil_year.pupil,
        day=day,
        slot="",
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=(
            Evidence(
                at,
                "",
                f"{reached.absent} of {reached.possible} possible sessions missed up to "
                f"{day_words(day)}",
            ),
            Evidence(None, "", f"missed so far: {_by_code(year.marks)}"),
        ),
        sentence=sentence,
        facts={
            "possible": counts.possible,
            "absent": counts.absent,
            "authorised": counts.authorised,
            "unauthorised": counts.unauthorised,
            **facts,
        },
        uncertain=_missing(counts.missing_marks),
    )


@lru_cache(maxsize=2048)
def closed_at(day: date, minute: int) -> datetime:
    """Give the moment at which a day's afternoon register closes; whole authorities share few."""
    return local_datetime(day, minute)


def rate_words(counts: SessionCounts) -> str:
    """Say the counts and their rate: ``38 of 380 possible sessions missed (10.00 %)``."""
    rate = 100 * counts.absent / counts.possible
    return f"{counts.absent} of {counts.possible} possible sessions missed ({rate:.2f} %)"


@lru_cache(maxsize=2048)
def day_words(day: date) -> str:
    """Give a date as people write it: ``8 September 2026``."""
    return f"{day.day} {day:%B %Y}"


def _by_code(marks: bytes) -> str:
    missed = marks.translate(None, _NOT_ABSENT)
    found = [(missed.count(byte), to_code(byte)) for byte in set(missed)]
    return ", ".join(
        f"{code} {number}" for number, code in sorted(found, key=lambda one: (-one[0], one[1]))
    )


def _missing(marks: int) -> str:
    if not marks:
        return ""
    if marks == 1:
        return "1 session has no mark and counts neither way."
    return f"{marks} sessions have no mark and count neither way."
