"""An invented year of a local authority: session marks as a school's registers have them."""

from __future__ import annotations

import random
from datetime import date
from typing import TYPE_CHECKING, Final

from mis_bridge.registers import codes
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar, monday_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CALENDAR", "DAYS", "SLOTS", "WEEKS", "invent_school_year", "whole_strips"]

SEED: Final = 20260901
PUPILS_A_SCHOOL: Final = 1000

CALENDAR: Final = SchoolCalendar(
    AcademicYear(2025),
    date(2025, 9, 3),
    date(2026, 7, 20),
    (
        Closure(date(2025, 10, 27), date(2025, 11, 3), "autumn half term"),
        Closure(date(2025, 12, 22), date(2026, 1, 5), "Christmas"),
        Closure(date(2026, 2, 16), date(2026, 2, 20), "spring half term"),
        Closure(date(2026, 3, 30), date(2026, 4, 10), "Easter"),
        Closure(date(2026, 5, 4), date(2026, 5, 4), "bank holiday"),
        Closure(date(2026, 5, 25), date(2026, 5, 29), "summer half term"),
        Closure(date(2026, 6, 29), date(2026, 6, 29), "training day"),
    ),
)
SLOTS: Final = tuple(
    CALENDAR.year.slot(day, pm) for day in CALENDAR.school_days() for pm in (False, True)
)
DAYS: Final = len(SLOTS) // 2
_NUMBER: Final = {monday: number for number, monday in enumerate(CALENDAR.school_weeks())}
WEEKS: Final = tuple(_NUMBER[monday_of(day)] for day in CALENDAR.school_days())
"""Of each school day the number of its school week."""

# Reason -> (how often it begins, days that it lasts on average, 0: one session only). With these,
# absence is near the national figures: 7 % of sessions, two thirds of it authorised, one pupil in
# five persistently absent and one in a hundred severely.
REASONS: Final[dict[str, tuple[float, float]]] = {
    "I": (40, 1.6),
    "O": (14, 2),
    "L": (10, 0),
    "M": (9, 0),
    "U": (7, 0),
    "N": (4, 0),
    "V": (4, 1),
    "B": (2, 1),
    "C": (2, 2),
    "G": (1.5, 5),
    "E": (1, 3),
    "-": (1, 0),
    "C2": (0.4, 15),
    "D": (0.3, 10),
    "J1": (0.3, 0),
    "X": (0.3, 0),
    "Y7": (0.3, 2),
    "Y1": (0.3, 1),
    "K": (0.2, 20),
    "C1": (0.2, 1),
}


def invent_school_year(pupils: int) -> list[bytes]:
    """Invent the 380 marks of each pupil, the same ones at every run."""
    rng = random.Random(SEED)  # noqa: S311 - invented registers, not a secret
    present = bytearray(b"/\\" * DAYS)
    reasons = list(REASONS)
    weights = [share for share, _ in REASONS.values()]
    all_marks: list[bytes] = []
    for number in range(pupils):
        if number % PUPILS_A_SCHOOL == 0:
            # Each school is closed on a day of its own; all its pupils have # on it.
            closed = 2 * rng.randrange(DAYS)
        marks = bytearray(present)
        # Most pupils miss little and a few miss much.
        spells = int(min(rng.lognormvariate(-3.95, 1.38), 3) * DAYS) + 1
        for reason in rng.choices(reasons, weights, k=spells):
            byte = codes.to_byte(reason)
            first, length = rng.randrange(DAYS), REASONS[reason][1]
            if not length:
                marks[2 * first + rng.randrange(2)] = byte
                continue
            last = min(first + int(rng.expovariate(1 / length)) + 1, DAYS)
            marks[2 * first : 2 * last] = bytes((byte,)) * (2 * (last - first))
        marks[closed : closed + 2] = b"##"
        all_marks.append(bytes(marks))
    return all_marks


def whole_strips(all_marks: Sequence[bytes]) -> list[bytes]:
    """Lay the marks into strips of the whole year."""
    strips = []
    for marks in all_marks:
        strip = bytearray((codes.NO_SESSION,)) * CALENDAR.year.slots
        for slot, mark in zip(SLOTS, marks, strict=True):
            strip[slot] = mark
        strips.append(bytes(strip))
    return strips
