"""A year of session marks for every pupil, with illness, lateness and the corrections afterwards.

The rates give about 7 % absence, the level of English secondary schools (DfE, "Pupil absence in
schools in England"), with one pupil in ten persistently and one in seventy severely absent.
Reasons arrive late, as in life: most absences are N first and become I, O or M within 5 school
days (regulation 10(9), SI 2024/208).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import LONDON
from mis_bridge.registers.codes import NOT_TAKEN, to_byte

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from mis_bridge.simulator.school import SyntheticSchool

__all__ = ["Correction", "History", "Version", "instant", "write_history"]

Version = tuple[int, int, int]
"""(when it was saved in microseconds since 1970 UTC, key of the row, code byte)."""

_AM = to_byte("/")
_PM = to_byte("\\")
_N = to_byte("N")
_ILL = to_byte("I")
_UNAUTHORISED = frozenset(map(to_byte, "GNOU"))

# Chance a day, length in days (least, most), code, and the share that is N at first.
_DAYS = (
    (0.0165, 1, 3, "I", 0.55),
    (0.0018, 1, 1, "O", 1.00),
    (0.0014, 1, 2, "C", 0.10),
    (0.0007, 4, 6, "G", 0.60),
    (0.0005, 1, 1, "E", 0.00),
)
_HALF_DAYS = ((0.010, "M", 0.20), (0.004, "U", 1.00))
_LATE = 0.02
_FREQUENT = (0.885, 4.2)
_SEVERE = (0.985, 26.0)
_NOT_TAKEN_SHARE = 0.0004


@dataclass(frozen=True, slots=True)
class Correction:
    """A mark that was another one at first.

    Args:
        first: byte of the first mark.
        days: school days until it was put right; 0 for the same day.
        minute: minute of that day.
    """

    first: int
    days: int
    minute: int


@dataclass
class History:
    """Final marks of a year.

    Args:
        school: whose marks.
        marks: one ``bytearray`` a pupil, index ``2 * day number + (1 if PM)``.
        corrections: by (pupil number, index).
    """

    school: SyntheticSchool
    marks: list[bytearray]
    corrections: dict[tuple[int, int], Correction] = field(default_factory=dict)

    def put(self, pupil: int, day: date, am: str, pm: str) -> None:
        """Set both marks of a day, with no correction behind them."""
        index = 2 * self.school.day_numbers[day]
        self.marks[pupil][index] = to_byte(am)
        self.marks[pupil][index + 1] = to_byte(pm)
        for half in (index, index + 1):
            self.corrections.pop((pupil, half), None)

    def excuse(self, pupil: int, days: Iterable[date]) -> None:
        """Give every unauthorised absence of these days a reason: illness."""
        for day in days:
            index = 2 * self.school.day_numbers[day]
            for half in (index, index + 1):
                if self.marks[pupil][half] in _UNAUTHORISED:
                    self.marks[pupil][half] = _ILL
                    self.corrections.pop((pupil, half), None)

    def key(self, pupil: int, index: int) -> int:
        """Give the key of a session mark: unique in the school and year."""
        return pupil * 2 * len(self.school.days) + index

    def place(self, key: int) -> tuple[int, date, bool]:
        """Give (pupil number, day, is it PM) of a key."""
        pupil, index = divmod(key, 2 * len(self.school.days))
        return pupil, self.school.days[index // 2], bool(index % 2)

    def versions(
        self, days: Iterable[date] | None = None, *, settled_by: datetime | None = None
    ) -> Iterator[Version]:
        """Yield every version of every session mark, in no particular order.

        Args:
            days: school days to give, all by default.
            settled_by: corrections that would come later than this come at this moment.
        """
        school = self.school
        latest = _microseconds(settled_by) if settled_by else None
        for day in school.days if days is None else days:
            number = school.day_numbers[day]
            for form, members in school.forms.items():
                for pm in (False, True):
                    index = 2 * number + pm
                    saved = instant(day, *_register_saved(school, form, day, pm=pm))
                    for pupil in members:
                        code = self.marks[pupil][index]
                        if code == NOT_TAKEN or not school.pupils[pupil].on_roll(day):
                            continue
                        key = self.key(pupil, index)
                        change = self.corrections.get((pupil, index))
                        if change is None:
                            yield saved, key, code
                            continue
                        yield saved, key, change.first
                        again = self._corrected(number, change)
                        yield (again if latest is None else min(again, latest)), key, code

    def _corrected(self, number: int, change: Correction) -> int:
        days = self.school.days
        return instant(days[min(number + change.days, len(days) - 1)], change.minute, 41)


def instant(day: date, minute: int, second: int = 0) -> int:
    """Give a local minute as microseconds since 1970 UTC."""
    local = datetime.combine(day, time(minute // 60, minute % 60, second), tzinfo=LONDON)
    return _microseconds(local)


def write_history(school: SyntheticSchool, *, seed: int | None = None) -> History:
    """Draw a year of marks.

    Args:
        school: whose year.
        seed: the school's own by default.
    """
    rng = random.Random(f"history {school.seed if seed is None else seed}")  # noqa: S311
    length = 2 * len(school.days)
    history = History(
        school, [bytearray(bytes((_AM, _PM)) * len(school.days)) for _ in school.pupils]
    )
    for pupil in school.pupils:
        draw = rng.random()
        eager = _SEVERE[1] if draw > _SEVERE[0] else _FREQUENT[1] if draw > _FREQUENT[0] else 1.0
        index = 0
        while index < length:
            index += _draw_day(rng, history, pupil.number, index, eager)
    _leave_registers_untaken(rng, history)
    return history


def _draw_day(rng: random.Random, history: History, pupil: int, index: int, eager: float) -> int:
    """Draw what happens from one morning on; give how many sessions that took."""
    draw = rng.random()
    for chance, least, most, code, unknown in _DAYS:
        draw -= chance * eager
        if draw < 0:
            stop = min(index + 2 * rng.randint(least, most), len(history.marks[pupil]))
            reason = _reason_known(rng, unknown)
            for half in range(index, stop):
                _set(history, pupil, half, to_byte(code), reason if half == index else None)
            return stop - index
    for chance, code, unknown in _HALF_DAYS:
        draw -= chance * eager
        if draw < 0:
            half = index if code == "U" else index + rng.randrange(2)
            _set(history, pupil, half, to_byte(code), _reason_known(rng, unknown))
            return 2
    if draw < _LATE * eager:
        _set(history, pupil, index, to_byte("L"), Correction(_N, 0, 9 * 60 + rng.randrange(4, 14)))
    return 2


def _set(history: History, pupil: int, index: int, code: int, change: Correction | None) -> None:
    history.marks[pupil][index] = code
    if change is not None:
        # An afternoon's mark can not have been put right in the morning.
        minute = max(change.minute, 13 * 60 + 35) if index % 2 else change.minute
        history.corrections[pupil, index] = Correction(change.first, change.days, minute)


def _reason_known(rng: random.Random, unknown: float) -> Correction | None:
    if rng.random() >= unknown:
        return None
    days = 0 if rng.random() < 0.7 else rng.randrange(1, 5)  # noqa: PLR2004 (most ring at once)
    return Correction(_N, days, 9 * 60 + rng.randrange(20, 180))


def _leave_registers_untaken(rng: random.Random, history: History) -> None:
    """Leave one form's register in some thousands untaken: a gap, neither here nor absent."""
    for index in range(2 * len(history.school.days)):
        for members in history.school.forms.values():
            if rng.random() < _NOT_TAKEN_SHARE:
                for pupil in members:
                    history.marks[pupil][index] = NOT_TAKEN
                    history.corrections.pop((pupil, index), None)


def _register_saved(school: SyntheticSchool, form: str, day: date, *, pm: bool) -> tuple[int, int]:
    """Give minute and second at which a form's register was saved: within its 30 minutes."""
    spread = (day.toordinal() * 31 + sum(form.encode()) * 7 + pm * 13) % 720
    opens = school.calendar.pm.opens if pm else school.calendar.am.opens
    return opens + 3 + spread // 60, spread % 60


def _microseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
