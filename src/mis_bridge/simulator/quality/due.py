"""What had to be noticed on a lived day.

Asked of the day as it was; of the registers only whether they showed it at all, and for long
enough. A child whom every register calls present can not be noticed from registers, and is counted
apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.simulator.quality.day_truth import BLIND, ON_SITE, STANDS
from mis_bridge.simulator.quality.lived import END, NEVER, Place
from mis_bridge.simulator.quality.on_record import is_urgent
from mis_bridge.simulator.quality.schools import AM, PM
from mis_bridge.simulator.quality.watch import DAY_ENDS, INTERVAL
from mis_bridge.simulator.quality.written import ABSENT
from mis_bridge.simulator.truth import clock_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.simulator.quality.day_truth import DayTruth
    from mis_bridge.simulator.quality.lived import Lived
    from mis_bridge.simulator.quality.schools import Pupil
    from mis_bridge.simulator.quality.watch import Alert
    from mis_bridge.simulator.quality.written import Mark, Register

__all__ = ["Due", "due_of", "unseen"]

_WHOLE_CLASS: Final = 10
_NEARLY_ALL: Final = 0.9
_MOST: Final = 0.75


@dataclass(slots=True)
class Due:
    """One thing that had to be noticed.

    Args:
        trigger: id of the trigger that notices it.
        pupil: number on the roll, None where it is about a register or the feed.
        level: that it has to reach.
        since: minute at which the last of what shows it was saved.
        latest: minute after which noticing it is of no use.
        slot: of the register, or of the missed lesson, else empty.
        register: id of the register, else empty.
    """

    trigger: str
    pupil: int | None
    level: int
    since: int
    latest: int
    slot: str = ""
    register: str = ""

    def __str__(self) -> str:
        """Write it for people who look into what was missed."""
        place = f" ({self.slot}{self.register and f', {self.register}'})" if self.slot else ""
        whose = "" if self.pupil is None else f" of pupil {self.pupil}"
        level = f" at level {self.level}" if self.level > 1 else ""
        return f"{self.trigger}{place}{whose}{level}, due since {clock_time(self.since)}"

    def met_by(self, alert: Alert) -> int | None:
        """Give the minute at which an alert told this, None where it did not."""
        if (self.trigger, self.pupil) != (alert.trigger, alert.pupil):
            return None
        if self.slot and (self.slot, self.register or alert.register) != (
            alert.slot,
            alert.register,
        ):
            return None
        told = min((at for level, at in alert.at.items() if level >= self.level), default=None)
        if told is None or told > self.latest:
            return None
        return told if alert.over is None or alert.over > self.since else None


def due_of(truth: DayTruth) -> list[Due]:
    """Give everything that had to be noticed on a day."""
    return list(_Dues(truth).everything())


def unseen(truth: DayTruth, due: Iterable[Due]) -> int:
    """Count the children who went missing and whom no register showed long enough."""
    shown = {one.pupil for one in due if one.trigger == "missing_during_day"}
    lost = {
        pupil
        for pupil, lived in truth.lived.lived.items()
        if any(place is Place.LOST for _, _, place in lived.spans)
    }
    return len(lost - shown)


class _Dues:
    def __init__(self, truth: DayTruth) -> None:
        self._truth = truth
        self._school, self._lived = truth.school, truth.lived
        self._marks = truth.marks

    def everything(self) -> Iterator[Due]:
        """Give everything that had to be noticed."""
        for number, lived in self._lived.lived.items():
            pupil = self._school.pupils[number]
            yield from self._never_came(pupil, lived)
            for first, stop, place in lived.spans:
                if place is Place.LOST:
                    yield from self._went_missing(pupil, lived, first, stop)
        yield from self._disagreements()
        yield from self._registers()
        if (
            self._truth.outage is not None
            and self._truth.outage[1] - self._truth.outage[0] > BLIND + INTERVAL
        ):
            yield Due(
                "feed_blind",
                None,
                1,
                self._truth.outage[0] + BLIND,
                self._truth.outage[1] + INTERVAL,
            )

    def _absences(self, pupil: int) -> Iterator[Mark]:
        """Give the N of a pupil, each in the first place where it was saved."""
        seen: set[str] = set()
        for mark in self._marks[pupil]:
            if mark.code == ABSENT and mark.slot.name not in seen:
                seen.add(mark.slot.name)
                yield mark

    def _seen_before(self, pupil: int, slot: Slot) -> int:
        """Give the minute at which it was first written that the pupil was in school before."""
        marks = (
            mark.minute
            for mark in self._marks[pupil]
            if mark.code in ON_SITE and mark.slot.starts < slot.starts
        )
        desk = (
            event.written
            for event in self._lived.desk.get(pupil, ())
            if event.kind == EventKind.SIGN_IN and event.minute < slot.starts
        )
        return min((*marks, *desk), default=NEVER)

    def _went_missing(self, pupil: Pupil, lived: Lived, first: int, stop: int) -> Iterator[Due]:
        shown: list[tuple[int, Slot]] = []
        for mark in self._absences(pupil.number):
            name = mark.register or pupil.form
            look = self._truth.registers[mark.slot.name, name].look
            if not first <= look < stop:
                continue
            saved = max(mark.minute, self._seen_before(pupil.number, mark.slot))
            since = self._truth.readable(saved)
            until = since + STANDS
            if until >= DAY_ENDS or self._truth.standing(pupil.number, mark.slot, until) != ABSENT:
                continue
            if until < stop and lived.unaccounted(until) and not self._is_odd(mark, until):
                shown.append((since, mark.slot))
            yield from self._truancy(pupil.number, mark, max(saved, since), stop)
        shown.sort(key=lambda one: one[0])
        urgent = is_urgent(pupil)
        latest = min(stop, DAY_ENDS) + INTERVAL
        if shown:
            yield Due("missing_during_day", pupil.number, 1 + urgent, shown[0][0], latest)
        if len(shown) > 1 and not urgent and not self._is_seen_between(pupil.number, shown[:2]):
            yield Due("missing_during_day", pupil.number, 2, shown[1][0], latest)

    def _is_seen_between(self, pupil: int, shown: list[tuple[int, Slot]]) -> bool:
        """Whether a register between two that miss the pupil calls it present: it begins anew."""
        first, last = sorted(slot.starts for _, slot in shown)
        return any(
            mark.code in ON_SITE and first < mark.slot.starts < last for mark in self._marks[pupil]
        )

    def _is_odd(self, mark: Mark, minute: int) -> bool:
        """Whether a register says absent of nearly everybody: of one it then says nothing."""
        name = mark.register or self._school.pupils[mark.pupil].form
        register = self._truth.registers[mark.slot.name, name]
        _, absent, marked = self._truth.wrongly_absent(register, minute)
        return absent > 1 and absent >= _MOST * marked

    def _truancy(self, pupil: int, absence: Mark, since: int, stop: int) -> Iterator[Due]:
        """A lesson that was missed, by a pupil who was seen again."""
        if absence.slot.is_session or stop >= END:
            return
        again = min(
            (
                mark.minute
                for mark in self._marks[pupil]
                if mark.code in ON_SITE
                and mark.slot.starts > absence.slot.starts
                and self._lived.of(pupil).place(mark.slot.starts + INTERVAL) is Place.EXPECTED
            ),
            default=NEVER,
        )
        since = self._truth.readable(max(since, again))
        until = since + INTERVAL
        if until < DAY_ENDS and self._truth.standing(pupil, absence.slot, until) == ABSENT:
            yield Due("internal_truancy", pupil, 1, since, DAY_ENDS, slot=absence.slot.name)

    def _never_came(self, pupil: Pupil, lived: Lived) -> Iterator[Due]:
        if not lived.spans or lived.spans[0][2] is not Place.HOME:
            return
        stop = min(lived.spans[0][1], DAY_ENDS)
        marks = self._marks[pupil.number]
        found: list[int] = []
        for mark in self._absences(pupil.number):
            slot = mark.slot
            if not slot.is_session:
                continue
            since = self._truth.readable(max(mark.minute, slot.closes or slot.ends))
            until = since + INTERVAL + 1
            if not (until < stop and until < lived.told):
                continue
            falsely_seen = any(one.code in ON_SITE and one.minute <= until for one in marks)
            if not falsely_seen and self._truth.standing(pupil.number, slot, until) == ABSENT:
                found.append(since)
        if found:
            latest = min(stop, lived.told) + INTERVAL
            yield Due("unexplained_absence", pupil.number, 1, min(found), latest)

    def _disagreements(self) -> Iterator[Due]:
        """Session marks that say N of a pupil who is in a lesson of that half day."""
        for pupil in self._marks:
            for mark in self._absences(pupil):
                if not mark.slot.is_session:
                    continue
                afternoon = mark.slot is PM
                lesson = min(
                    (
                        one.minute
                        for one in self._marks[pupil]
                        if one.code in ON_SITE
                        and not one.slot.is_session
                        and (one.slot.starts >= PM.starts) == afternoon
                        and self._truth.standing(pupil, one.slot, DAY_ENDS) in ON_SITE
                    ),
                    default=NEVER,
                )
                since = self._truth.readable(max(mark.minute, mark.slot.closes or 0, lesson))
                until = since + INTERVAL + 1
                arrives = any(
                    event.kind == EventKind.SIGN_IN and event.written <= until
                    for event in self._lived.desk.get(pupil, ())
                )
                stands = (
                    until < DAY_ENDS and self._truth.standing(pupil, mark.slot, until) == ABSENT
                )
                if stands and not arrives:
                    yield Due("marks_disagree", pupil, 1, since, DAY_ENDS, slot=mark.slot.name)

    def _registers(self) -> Iterator[Due]:
        for register in self._truth.written.registers:
            slot = register.group.slot
            since = self._truth.readable(slot.starts + BLIND)
            if register.saved > since + INTERVAL and self._is_expected(register):
                yield Due(
                    "register_not_taken", None, 1, since, min(register.saved, DAY_ENDS) + INTERVAL,
                    slot=slot.name, register=register.name,
                )  # fmt: skip
            saved = min((m.minute for m in self._of(register)), default=NEVER)
            since = self._truth.readable(max(saved, slot.closes or 0 if slot is AM else saved))
            if since + STANDS < DAY_ENDS:
                wrong, _, marked = self._truth.wrongly_absent(register, since + STANDS)
                wrong -= self._entered(register, since)
                if wrong >= _WHOLE_CLASS and wrong >= _NEARLY_ALL * marked:
                    yield Due(
                        "register_anomaly", None, 1, since, DAY_ENDS,
                        slot=slot.name, register=register.name,
                    )  # fmt: skip

    def _entered(self, register: Register, minute: int) -> int:
        """Count the pupils of a register of whom the office has entered where they are."""
        return sum(
            any(entry.entered <= minute for entry in self._lived.entries.get(pupil, ()))
            for pupil in register.group.pupils
        )

    def _of(self, register: Register) -> Iterator[Mark]:
        """Give the N of a register."""
        slot, name = register.group.slot, register.group.register
        for pupil in register.group.pupils:
            for mark in self._marks.get(pupil, ()):
                if mark.slot is slot and mark.register == name and mark.code == ABSENT:
                    yield mark

    def _is_expected(self, register: Register) -> bool:
        """Whether anybody was due in a register's room a quarter of an hour after it began."""
        at = register.group.slot.starts + BLIND
        lived = self._lived.lived
        return any(
            pupil not in lived or lived[pupil].place(at) is Place.EXPECTED
            for pupil in register.group.pupils
        )
