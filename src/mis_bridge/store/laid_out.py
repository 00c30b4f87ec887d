"""The session marks of a batch, laid out as strips before they meet those that are stored.

A year of a school is 380,000 marks. Laid out, most of them are merged a strip at a time: where
nothing is stored in the stretch that came, and where the same came again, no mark is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION
from mis_bridge.store.sheet_work import stands

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date, datetime

    from mis_bridge.adapters.records import SessionMark, SessionMarks

__all__ = ["Key", "LaidOut", "YearOfMarks", "lay_out", "merge", "standing"]

_NOTHING = b"\0"
"""A slot of which no mark came; no code has this byte."""

_BLANK = bytes((NO_SESSION,))


class Key(NamedTuple):
    """What a session mark is about."""

    pupil: str
    day: date
    pm: bool


@dataclass(slots=True)
class YearOfMarks:
    """The marks of one academic year in a batch.

    Args:
        old: pupil -> a strip of what came of days without sheets, a zero byte where nothing did.
        recent: pupil -> marks of days with sheets, in their order.
    """

    old: dict[str, bytearray]
    recent: dict[str, list[SessionMark]] = field(default_factory=dict)


@dataclass(slots=True)
class LaidOut:
    """A batch.

    Args:
        years: by academic year.
        impossible: marks of days outside any plausible academic year.
    """

    years: dict[AcademicYear, YearOfMarks] = field(default_factory=dict)
    impossible: list[SessionMark] = field(default_factory=list)

    def year(self, year: AcademicYear) -> YearOfMarks:
        """The marks of a year, none at first."""
        found = self.years.get(year)
        if found is None:
            found = YearOfMarks(defaultdict(partial(bytearray, year.slots)))
            self.years[year] = found
        return found


def lay_out(marks: SessionMarks, plausible: Collection[int], keep_from: date) -> LaidOut:
    """Lay the marks of a batch out.

    Args:
        marks: in the order of the MIS.
        plausible: starts of the academic years that a mark can belong to.
        keep_from: the first day that has day sheets.
    """
    laid = LaidOut()
    # Asked once a day: many thousand marks are of few days.
    places: dict[date, tuple[dict[str, bytearray], int]] = {}
    others: dict[date, YearOfMarks | None] = {}
    for day in set(marks.days):
        year = AcademicYear.of(day)
        if year.start not in plausible:
            others[day] = None
        elif day >= keep_from:
            others[day] = laid.year(year)
        else:
            places[day] = laid.year(year).old, year.slot(day, pm=False)
    if others:
        for mark in marks.chosen(map(others.__contains__, marks.days)):
            of_year = others[mark.day]
            if of_year is None:
                laid.impossible.append(mark)
            else:
                of_year.recent.setdefault(mark.pupil, []).append(mark)
        marks = marks.chosen(map(places.__contains__, marks.days))
    twice: set[Key] = set()
    for pupil, day, pm, code in zip(
        marks.pupils, marks.days, marks.afternoons, marks.codes, strict=True
    ):
        strips, slot = places[day]
        slot += pm
        strip = strips[pupil]
        if strip[slot]:
            twice.add(Key(pupil, day, pm))
        strip[slot] = code
    for key, (code, _) in standing(marks, twice).items():
        strips, slot = places[key.day]
        strips[key.pupil][slot + key.pm] = code
    return laid


def standing(
    marks: Iterable[SessionMark], keys: Collection[Key]
) -> dict[Key, tuple[int, datetime | None]]:
    """Give code and time of the mark that stands of those of a batch about each of these keys."""
    found: dict[Key, tuple[int, datetime | None]] = {}
    if not keys:
        return found
    for mark in marks:
        key = Key(mark.pupil, mark.day, mark.pm)
        if key in keys:
            earlier = found.get(key)
            if earlier is None or stands(*earlier, mark.code, mark.recorded):
                found[key] = mark.code, mark.recorded
    return found


def merge(marks: bytearray, came: bytearray) -> tuple[int, list[tuple[int, int]]]:
    """Merge what came of days without sheets into a strip.

    Args:
        marks: the stored strip, changed in place.
        came: of the same length.

    Returns:
        How many slots changed, and of those that held a mark before: (slot, old mark).
    """
    low = len(came) - len(came.lstrip(_NOTHING))
    high = len(came.rstrip(_NOTHING))
    stretch = came[low:high].replace(_NOTHING, _BLANK)
    before = marks[low:high]
    if stretch == before:
        return 0, []
    if not before.strip(_BLANK):
        marks[low:high] = stretch
        return len(stretch) - stretch.count(_BLANK), []
    return _merge_each(marks, came, range(low, high))


def _merge_each(
    marks: bytearray, came: bytearray, slots: Iterable[int]
) -> tuple[int, list[tuple[int, int]]]:
    changed, corrected = 0, []
    for slot in slots:
        old, new = marks[slot], came[slot]
        # When a mark of such a day was saved is not known any more: only whether it is one counts.
        if not new or old == new or not stands(old, None, new, None):
            continue
        if old != NO_SESSION:
            corrected.append((slot, old))
        marks[slot] = new
        changed += 1
    return changed, corrected
