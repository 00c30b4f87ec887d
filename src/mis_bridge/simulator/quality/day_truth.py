"""The truth of one day: what the registers showed, and whether an alert was right.

Both are asked of the day as it was. An alert about a child is right if nobody in the school knew
where the child was, and it was not where it should be, at some minute since the reading before the
last one: nobody can know more than the last reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.simulator.quality.lived import NEVER, Place
from mis_bridge.simulator.quality.schools import AM, LESSONS, PM
from mis_bridge.simulator.quality.watch import INTERVAL
from mis_bridge.simulator.quality.written import ABSENT, LATE, PRESENT_AM, PRESENT_PM, VERY_LATE

if TYPE_CHECKING:
    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.simulator.quality.lived import LivedDay
    from mis_bridge.simulator.quality.schools import School
    from mis_bridge.simulator.quality.watch import Alert
    from mis_bridge.simulator.quality.written import Mark, Register, WrittenDay

__all__ = ["BLIND", "ON_SITE", "STANDS", "DayTruth"]

ON_SITE: Final = frozenset({PRESENT_AM, PRESENT_PM, LATE, VERY_LATE})
STANDS: Final = 15
"""Minutes for which a mark stands that had to be noticed: a grace of ten and a reading."""

BLIND: Final = 15
"""Minutes after which people are told that the MIS can not be read, or a register not taken."""

_MISSED_MINUTES: Final = 10


class DayTruth:
    """The truth of one school's day.

    Args:
        school: whose.
        lived: the day as it was.
        written: what was written, to see what the registers showed and for how long.
        outage: from and to which minute the MIS could not be read.
    """

    def __init__(
        self,
        school: School,
        lived: LivedDay,
        written: WrittenDay,
        outage: tuple[int, int] | None,
    ) -> None:
        self.school, self.lived, self.written, self.outage = school, lived, written, outage
        self.registers = {(one.group.slot.name, one.name): one for one in written.registers}
        absent = {mark.pupil for mark in written.marks if mark.code == ABSENT}
        concerned = absent | set(lived.lived)
        self.marks: dict[int, list[Mark]] = {pupil: [] for pupil in concerned}
        replaced: dict[tuple[int, str], int] = {}
        for mark in reversed(written.marks):
            if mark.pupil in concerned:
                place = (mark.pupil, mark.slot.name)
                following = replaced.get(place, NEVER)
                replaced[place] = mark.minute
                # What a MIS fills in counts once it has stood as long as teachers need.
                if mark.settled or following - mark.minute > INTERVAL:
                    self.marks[mark.pupil].append(mark)
        for marks in self.marks.values():
            marks.reverse()

    def readable(self, minute: int) -> int:
        """Give the first minute from this one on at which the MIS can be read."""
        if self.outage is not None and self.outage[0] - INTERVAL <= minute < self.outage[1]:
            return self.outage[1]
        return minute

    def standing(self, pupil: int, slot: Slot, minute: int) -> int | None:
        """Give the code that stands at a minute, None for none."""
        codes = [
            mark.code for mark in self.marks[pupil] if mark.slot is slot and mark.minute <= minute
        ]
        return codes[-1] if codes else None

    def wrongly_absent(self, register: Register, minute: int) -> tuple[int, int, int]:
        """Count who is N and accounted for, who is N, and who has any mark."""
        slot = register.group.slot
        wrong = absent = marked = 0
        for pupil in register.group.pupils:
            if pupil not in self.marks:
                marked += 1
                continue
            code = self.standing(pupil, slot, minute)
            marked += code is not None
            if code == ABSENT:
                absent += 1
                wrong += not self.lived.unaccounted(pupil, minute)
        return wrong, absent, marked

    def is_right(self, alert: Alert, minute: int) -> bool:
        """Say whether an alert was right at the minute at which it was told."""
        special = {
            "register_not_taken": self._is_not_taken,
            "register_anomaly": self._is_odd_register,
            "feed_blind": self._is_blind,
            "marks_disagree": self._disagree,
            "internal_truancy": self._missed,
        }.get(alert.trigger)
        if special is not None:
            return special(alert, minute)
        return alert.pupil is not None and any(
            self.lived.unaccounted(alert.pupil, at) for at in range(self._read(minute), minute + 1)
        )

    def _read(self, minute: int) -> int:
        """Give how old the reading may be that an alert of this minute rests on."""
        if self.outage is not None and self.outage[0] <= minute < self.outage[1] + INTERVAL:
            minute = self.outage[0]
        return minute - INTERVAL

    def _is_not_taken(self, alert: Alert, minute: int) -> bool:
        register = self.registers.get((alert.slot, alert.register))
        return register is not None and register.saved > self._read(minute)

    def _is_odd_register(self, alert: Alert, minute: int) -> bool:
        register = self.registers[alert.slot, alert.register]
        wrong, absent, _ = self.wrongly_absent(register, minute)
        return 2 * wrong >= absent

    def _is_blind(self, alert: Alert, minute: int) -> bool:
        del alert
        return self.outage is not None and minute >= self.outage[0] + BLIND - INTERVAL

    def why_wrong(self, alert: Alert, minute: int) -> str:
        """Say what made an alert about a child wrong: which mistake of people stood behind it."""
        lived = self.lived.lived.get(alert.pupil) if alert.pupil is not None else None
        spans = [] if lived is None else lived.spans
        now = next((place for first, stop, place in spans if first <= minute < stop), None)
        before = {place for _, stop, place in spans if stop <= minute}
        if now is Place.HOME and lived is not None:
            if lived.told < minute - STANDS and not self._is_entered_late(alert.pupil, minute):
                return "known to be at home, and a register called it present"
            return "message not entered yet"
        if now is Place.ELSEWHERE or Place.ELSEWHERE in before:
            return "whereabouts known, not in the MIS"
        return "came back, register not put right" if before else "wrong mark"

    def _is_entered_late(self, pupil: int | None, minute: int) -> bool:
        entries = () if pupil is None else self.lived.entries.get(pupil, ())
        return any(entry.entered > minute - INTERVAL for entry in entries)

    def _disagree(self, alert: Alert, minute: int) -> bool:
        """Whether one mark of a half day is not as it was: the session's N, or a lesson's."""
        pupil, session = alert.pupil, AM if alert.slot == AM.name else PM
        if pupil is None:
            return False
        lived = self.lived.of(pupil)
        for at in range(session.starts, min(minute + 1, session.ends)):
            if lived.place(at) is Place.EXPECTED:
                return True
        return any(
            mark.code in ON_SITE
            and not mark.slot.is_session
            and (mark.slot.starts >= PM.starts) == (session is PM)
            and lived.place(self.registers[mark.slot.name, mark.register].look)
            is not Place.EXPECTED
            for mark in self.marks[pupil]
            if mark.minute <= minute
        )

    def _missed(self, alert: Alert, minute: int) -> bool:
        """Whether the pupil missed ten minutes of a lesson and nobody knew where it was."""
        del minute
        slot = next(slot for slot in LESSONS if slot.name == alert.slot)
        minutes = range(slot.starts, slot.ends)
        return (
            alert.pupil is not None
            and sum(self.lived.unaccounted(alert.pupil, at) for at in minutes) >= _MISSED_MINUTES
        )
