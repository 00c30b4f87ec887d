"""Judge the pupils' years at the end of each lived day, and compare with the plain counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.ages import compulsory_school_age
from mis_bridge.registers.codes import ABSENCE_BYTES, CODES, NO_SESSION
from mis_bridge.registers.strip import Strip
from mis_bridge.simulator.quality.plain_counts import PLAIN, SCHOOL_AGE_ONLY
from mis_bridge.triggers.catalogue import TRIGGERS, assess_years
from mis_bridge.triggers.model import PupilYear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.simulator.quality.evenings import Evenings
    from mis_bridge.simulator.quality.plain_counts import Days
    from mis_bridge.simulator.quality.schools import School
    from mis_bridge.simulator.quality.scoring import Score

__all__ = ["YearWatch"]

_ASKED: Final = tuple(trigger for trigger in PLAIN if trigger in TRIGGERS)
_CODES: Final = {NO_SESSION: ""} | {code.byte: code.code for code in CODES}
_FEWEST: Final = {
    "ten_day_absence": 10,
    "twenty_day_absence": 20,
    "fifteen_day_sickness": 30,
    "penalty_threshold": 10,
}
"""Sessions that a pupil has missed at least before the slow plain count is worth its time."""

_LAST_YEAR_GROUP: Final = 11
_BOTH_PRESENT: Final = b"/\\"


@dataclass(slots=True)
class _Open:
    """A finding that is true, or something that is true by the plain count.

    Args:
        since: number of the evening on which it was so first; -1 for before the lived days.
        until: of the first evening on which it was not, None while it is.
    """

    since: int
    until: int | None = None


class YearWatch:
    """Judges one school's years, evening by evening.

    Args:
        school: whose.
        evenings: its strips.
        settings: trigger id -> what is set.
        first: number of the first lived day; what was true before is not scored.
    """

    def __init__(
        self,
        school: School,
        evenings: Evenings,
        settings: Mapping[str, Mapping[str, Any]],
        first: int,
    ) -> None:
        self._school, self._evenings, self._settings = school, evenings, settings
        self._first = first
        self._ages = [compulsory_school_age(pupil.born) for pupil in school.pupils]
        self._numbers = {pupil.id: pupil.number for pupil in school.pupils}
        self._found: dict[tuple[str, int], list[_Open]] = {}
        self._due: dict[tuple[str, int, str], _Open] = {}
        self._right: list[tuple[str, bool]] = []

    def look(self, number: int) -> None:
        """Judge the years at the end of a school day."""
        before = number < self._first
        since = -1 if before else number
        found = self._findings(number)
        for key in found:
            spans = self._found.setdefault(key, [])
            if not spans or spans[-1].until is not None:
                spans.append(_Open(since))
                if not before:
                    trigger, pupil = key
                    if trigger in PLAIN:
                        days = self._days(self._evenings.known[pupil], number)
                        is_right = bool(self._plain(trigger, pupil, days))
                        self._right.append((trigger, is_right))
        for key, spans in self._found.items():
            if key not in found and spans[-1].until is None:
                spans[-1].until = number
        self._look_plainly(number, since)

    def _findings(self, number: int) -> set[tuple[str, int]]:
        school, evenings = self._school, self._evenings
        years = (
            PupilYear(
                pupil.id,
                Strip(evenings.year, bytes(evenings.registered[pupil.number])),
                school.calendar,
                *self._ages[pupil.number],
                pupil.year_group,
                pupil.flags,
            )
            for pupil in school.pupils
        )
        assessment = assess_years(years, school.days[number], self._settings)
        return {(one.trigger, self._numbers[one.pupil]) for one in assessment.findings}

    def _look_plainly(self, number: int, since: int) -> None:
        """Write down what has become due: true, and shown by what stands in the registers."""
        today = self._evenings.slots[number]
        for pupil in self._school.pupils:
            registered = self._evenings.registered[pupil.number]
            if since >= 0 and registered[today : today + 2] == _BOTH_PRESENT:
                continue  # who was here today has nothing that is due since today
            missed = _missed(self._evenings.known[pupil.number])
            known = self._days(self._evenings.known[pupil.number], number)
            shown = self._days(registered, number)
            for trigger in _ASKED:
                if missed < _FEWEST.get(trigger, 1):
                    continue
                key = self._plain(trigger, pupil.number, known)
                if key and self._plain(trigger, pupil.number, shown):
                    self._due.setdefault((trigger, pupil.number, key), _Open(since))

    def _plain(self, trigger: str, pupil: int, days: Days) -> str:
        """Ask the plain count, of some within compulsory school age and up to Year 11 only."""
        if trigger in SCHOOL_AGE_ONLY:
            if self._school.pupils[pupil].year_group > _LAST_YEAR_GROUP:
                return ""
            first, last = self._ages[pupil]
            days = [one for one in days if first <= one[0] <= last]
        return PLAIN[trigger](days) if days else ""

    def _days(self, strip: bytearray, number: int) -> Days:
        """Give the codes of a strip up to an evening."""
        slots = self._evenings.slots[: number + 1]
        return [
            (day, _CODES[strip[slot]], _CODES[strip[slot + 1]])
            for day, slot in zip(self._school.days, slots, strict=False)
        ]

    def score(self, score: Score) -> None:
        """Add what came of it; due that was true before the lived days does not count."""
        for trigger, is_right in self._right:
            tally = score.of(trigger, 1)
            tally.right += is_right
            tally.wrong += not is_right
        for (trigger, _), spans in self._found.items():
            if trigger not in PLAIN:
                tally = score.of(trigger, 1)
                tally.unscored += sum(span.since >= 0 for span in spans)
        for (trigger, pupil, key), due in self._due.items():
            if due.since < 0:
                continue
            tally = score.of(trigger, 1)
            tally.due += 1
            late = [
                max(0, span.since - due.since)
                for span in self._found.get((trigger, pupil), ())
                if span.until is None or span.until > due.since
            ]
            if late:
                tally.met += 1
                tally.days.append(min(late))
            else:
                score.missed.append(
                    f"{self._school.id}: {trigger} {self._school.pupils[pupil].id} {key}"
                )


def _missed(strip: bytearray) -> int:
    return sum(map(strip.count, ABSENCE_BYTES))
