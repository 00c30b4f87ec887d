"""What was on record: would a careful person have raised an alert who saw all that was written?

"No false alarm that a careful person would not have raised" is asked here of every alert about a
child: of the minute at which it was told, with every mark, sign-in, sign-out and message that stood
in the MIS at that very minute, whether or not the daemon had read it by then. What nobody had
written down, a careful person could not know either: a nurse who has yet to say who sits with her.

This is written from the rules (attendance rules, 7.3) and shares no code with the triggers, so that
it can find them wrong. It is stricter than they are in one point: it knows nothing of readings.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.simulator.quality.day_truth import ON_SITE
from mis_bridge.simulator.quality.schools import AM, PM
from mis_bridge.simulator.quality.written import ABSENT, LATE, VERY_LATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.simulator.quality.day_truth import DayTruth
    from mis_bridge.simulator.quality.schools import Pupil
    from mis_bridge.simulator.quality.watch import Alert
    from mis_bridge.simulator.quality.written import Mark

__all__ = ["YOUNG", "OnRecord", "is_urgent"]

_URGENT: Final = frozenset({"lac", "cp", "cin", "missing_before", "ehcp"})
YOUNG: Final = 6
"""Year group whose first missed register is told at once, at level 2 (attendance rules, 7.3.2)."""

_O: Final = to_byte("O")
_AWAY: Final = frozenset({ABSENT, _O})
_GRACE: Final = 10
"""Minutes in which teachers correct marks."""
_SETTLES: Final = 5
"""Minutes after which somebody has looked at what a MIS filled in."""
_EARLIEST: Final = 15
"""Minutes before a slot from which on its register may be taken; before, nobody has looked."""
_CLASS: Final = 8
_NEARLY_ALL: Final = 0.8


def is_urgent(pupil: Pupil) -> bool:
    """Say whether people are told of a pupil at once, without the grace."""
    return not pupil.flags.isdisjoint(_URGENT) or pupil.year_group <= YOUNG


@dataclass(frozen=True, slots=True)
class _Stands:
    """A mark as it stands at a minute.

    Args:
        slot: session or lesson.
        code: byte.
        since: minute from which that code stands.
        place: minute of the day of which it says something.
        counts: False for what a MIS filled in so lately that nobody need have looked.
        register: id of the register, or the form.
    """

    slot: Slot
    code: int
    since: int
    place: int
    counts: bool
    register: str


class OnRecord:
    """Everything that stood in one school's MIS, by the minute.

    Args:
        truth: the day; where the children were in truth is not looked at.
    """

    def __init__(self, truth: DayTruth) -> None:
        self._school, self._desk = truth.school, truth.lived.desk
        self._registers = truth.registers
        self._marks: dict[int, list[Mark]] = {}
        for mark in truth.written.marks:
            self._marks.setdefault(mark.pupil, []).append(mark)

    def is_warranted(self, alert: Alert, level: int, minute: int) -> bool:
        """Say whether the record of a minute calls for an alert about a child at a level.

        Raises:
            ValueError: the alert is about no child, or of another trigger.
        """
        if alert.pupil is None:
            raise ValueError(f"{alert.trigger} is about no child")
        if alert.trigger == "missing_during_day":
            return self._is_missing(alert, level, minute)
        if alert.trigger == "internal_truancy":
            return self._was_missed(alert.pupil, alert.slot, minute)
        if alert.trigger == "unexplained_absence":
            return self._never_came(alert.pupil, alert.slot, minute)
        raise ValueError(f"nothing is known of {alert.trigger}")

    def _is_missing(self, alert: Alert, level: int, minute: int) -> bool:
        pupil = self._school.pupils[alert.pupil or 0]
        stands = self._standing(pupil.number, minute)
        seen = self._seen(pupil.number, stands, minute)
        if not seen or self._is_signed_out(pupil.number, max(seen), minute):
            return False
        grace = 0 if is_urgent(pupil) else _GRACE
        absent = [
            one
            for one in self._absent(pupil.number, stands, minute)
            if one.place > max(seen) and _from(one) + grace <= minute
        ]
        if level == 1 or is_urgent(pupil):
            return any(not self._is_odd(one, minute) for one in absent)
        taken = [one for one in absent if one.since > one.slot.starts - _EARLIEST]
        taken.sort(key=lambda one: one.since)
        again = any(not self._is_odd(one, minute) for one in taken[1:])
        return again and not self._was_told(pupil.number, stands, alert.at.get(1, minute))

    def _was_told(self, pupil: int, stands: list[_Stands], told: int) -> bool:
        """Whether the family said why, after the child was last seen and before the alert."""
        coded = any(one.slot.is_session and one.code == _O for one in stands)
        last = max((one.since for one in stands if one.code in ON_SITE and one.counts), default=-1)
        return coded and any(
            event.kind == EventKind.MESSAGE and last < event.written <= told
            for event in self._desk.get(pupil, ())
        )

    def _was_missed(self, pupil: int, name: str, minute: int) -> bool:
        stands = self._standing(pupil, minute)
        seen = self._seen(pupil, stands, minute)
        return any(
            one.slot.name == name
            and not one.slot.is_session
            and any(place < one.place for place in seen)
            and any(place > one.place for place in seen)
            and not self._is_odd(one, minute)
            for one in self._absent(pupil, stands, minute)
        )

    def _never_came(self, pupil: int, name: str, minute: int) -> bool:
        stands = self._standing(pupil, minute)
        if self._seen(pupil, stands, minute) or self._is_signed_out(pupil, 0, minute):
            return False
        if any(
            event.kind == EventKind.MESSAGE and event.written <= minute
            for event in self._desk.get(pupil, ())
        ):
            return False
        absent = [
            one for one in self._absent(pupil, stands, minute) if not self._is_odd(one, minute)
        ]
        if any(one.slot.is_session and one.code != NOT_TAKEN for one in stands):
            return any(
                one.slot.name == name and minute >= (one.slot.closes or one.slot.ends)
                for one in absent
            )
        return len(absent) > 1  # two lessons stand in for a session that nobody took

    def _standing(self, pupil: int, minute: int) -> list[_Stands]:
        """Give the marks that stand, of slots that have begun."""
        marks = self._marks.get(pupil, [])
        found: dict[str, _Stands] = {}
        for mark in marks[: bisect_right(marks, minute, key=lambda one: one.minute)]:
            slot = mark.slot
            if slot.starts > minute:
                continue
            before = found.get(slot.name)
            same = before is not None and before.code == mark.code
            since = before.since if before is not None and same else mark.minute
            arrives = slot.is_session and mark.code in {LATE, VERY_LATE}
            place = max(slot.starts, min(since, slot.ends)) if arrives else slot.starts
            counts = mark.settled or minute - since >= _SETTLES
            name = mark.register or self._school.pupils[pupil].form
            found[slot.name] = _Stands(slot, mark.code, since, place, counts, name)
        return list(found.values())

    def _seen(self, pupil: int, stands: list[_Stands], minute: int) -> list[int]:
        """Give the minutes of the day at which somebody saw the child in the school."""
        marked = [one.place for one in stands if one.code in ON_SITE and one.counts]
        signed_in = [
            event.minute
            for event in self._desk.get(pupil, ())
            if event.kind == EventKind.SIGN_IN and event.written <= minute
        ]
        return marked + signed_in

    def _absent(self, pupil: int, stands: list[_Stands], minute: int) -> Iterator[_Stands]:
        """Give the registers that miss the child where nothing written says where it is."""
        elsewhere = {
            one.slot is PM
            for one in stands
            if one.slot.is_session and one.code not in ON_SITE | _AWAY | {NOT_TAKEN}
        }
        for one in stands:
            if one.code not in _AWAY or (one.slot.starts >= PM.starts) in elsewhere:
                continue
            if not self._is_signed_out_in(pupil, one.slot, minute):
                yield one

    def _is_signed_out(self, pupil: int, since: int, minute: int) -> bool:
        return any(
            event.kind == EventKind.SIGN_OUT and event.written <= minute and event.minute >= since
            for event in self._desk.get(pupil, ())
        )

    def _is_signed_out_in(self, pupil: int, slot: Slot, minute: int) -> bool:
        """Whether the child was signed out, and not in again, during a part of a slot."""
        events = [one for one in self._desk.get(pupil, ()) if one.written <= minute]
        back = [one.minute for one in events if one.kind == EventKind.SIGN_IN]
        return any(
            event.kind == EventKind.SIGN_OUT
            and event.minute < slot.ends
            and not any(event.minute < at <= slot.starts for at in back)
            for event in events
        )

    def _is_odd(self, stands: _Stands, minute: int) -> bool:
        """Whether nearly everybody is absent: that is an odd register, not a missing child."""
        group = self._registers[stands.slot.name, stands.register].group
        absent = marked = 0
        for pupil in group.pupils:
            code = self._code(pupil, stands.slot, minute)
            marked += code is not None
            absent += code in _AWAY
        return absent >= _CLASS and absent >= _NEARLY_ALL * marked

    def _code(self, pupil: int, slot: Slot, minute: int) -> int | None:
        codes = [
            mark.code
            for mark in self._marks.get(pupil, ())
            if mark.slot is slot and mark.minute <= minute
        ]
        return codes[-1] if codes else None


def _from(stands: _Stands) -> int:
    """Give the minute from which the grace of a mark runs."""
    closes = stands.slot.closes if stands.slot is AM else None
    return max(stands.since, stands.slot.starts, closes or 0)
