"""What the MIS holds at the end of each day, and what the school knows to be true by then.

Two strips a pupil: ``registered``, with every wrong mark and every register that was not taken; and
``known``, what the registers would say if nobody had erred: a reason that the school has not been
told is N there too, and O from the sixth school day on (regulation 10 of SI 2024/208).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION, NOT_TAKEN, to_byte
from mis_bridge.simulator.quality.lived import END, Place
from mis_bridge.simulator.quality.schools import AM, PM

if TYPE_CHECKING:
    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.simulator.quality.lived import Lived, LivedDay
    from mis_bridge.simulator.quality.schools import School
    from mis_bridge.simulator.quality.written import Correction, WrittenDay
    from mis_bridge.simulator.quality.years import SchoolYear

__all__ = ["Evenings"]

_N, _O = to_byte("N"), to_byte("O")
_LATE, _VERY_LATE = to_byte("L"), to_byte("U")
_PRESENT: Final = {AM.name: to_byte("/"), PM.name: to_byte("\\")}
_UNKNOWN_FOR: Final = 5
_LOOKED_AT: Final = 5


class Evenings:
    """A school's strips, from the first lived day on.

    Args:
        school: whose.
        year: the days before are as they were in truth; so long ago everything has been put right.
        first: number of the first lived day.

    Attributes:
        slots: slot of the morning by number of the school day.
    """

    def __init__(self, school: School, year: SchoolYear, first: int) -> None:
        self.school = school
        self.year = AcademicYear.of(school.days[0])
        self.slots = [self.year.slot(day, pm=False) for day in school.days]
        empty = bytearray((NO_SESSION,)) * self.year.slots
        self.known: list[bytearray] = []
        for marks in year.marks:
            strip = bytearray(empty)
            for number in range(first):
                slot = self.slots[number]
                strip[slot : slot + 2] = marks[2 * number : 2 * number + 2]
            self.known.append(strip)
        self.registered = [bytearray(strip) for strip in self.known]
        self._told: list[tuple[int, int, int, int]] = []
        self._corrections: list[Correction] = []

    def add(self, lived: LivedDay, written: WrittenDay) -> None:
        """Add a day, and put right what is put right on it."""
        number = lived.number
        slot = self.slots[number]
        absent = bytes((NOT_TAKEN, NOT_TAKEN))
        for pupil in self.school.pupils:
            of = lived.lived.get(pupil.number)
            codes = (
                bytes(_PRESENT.values())
                if of is None
                else bytes(self._true_code(lived, of, pupil.number, one) for one in (AM, PM))
            )
            self.known[pupil.number][slot : slot + 2] = codes
            self.registered[pupil.number][slot : slot + 2] = absent
        for mark in written.marks:
            if mark.slot.is_session and mark.minute < END and mark.settled:
                self.registered[mark.pupil][slot + (mark.slot is PM)] = mark.code
        self._told += [(day, pupil, number, to_byte(code)) for day, pupil, code in lived.later]
        self._corrections += written.corrections
        self._put_right(number)

    def _put_right(self, today: int) -> None:
        """Write what is told today of days before, and correct what is corrected today."""
        for day, pupil, number, code in self._told:
            if day <= today:
                self._tell(pupil, self.slots[number], code)
        self._told = [one for one in self._told if one[0] > today]
        for one in self._corrections:
            if one.day <= today:
                place = self.slots[one.session // 2] + one.session % 2
                self.registered[one.pupil][place] = self.known[one.pupil][place]
        self._corrections = [one for one in self._corrections if one.day > today]
        if today >= _UNKNOWN_FOR:
            self._give_up(self.slots[today - _UNKNOWN_FOR])

    def _tell(self, pupil: int, morning: int, code: int) -> None:
        for place in (morning, morning + 1):
            if self.known[pupil][place] in {_N, _O}:
                self.known[pupil][place] = code
                if self.registered[pupil][place] in {_N, _O}:
                    self.registered[pupil][place] = code

    def _give_up(self, morning: int) -> None:
        """Make O of every N of a day: no reason was found."""
        for strip in (*self.known, *self.registered):
            for place in (morning, morning + 1):
                if strip[place] == _N:
                    strip[place] = _O

    def _true_code(self, lived: LivedDay, of: Lived, pupil: int, slot: Slot) -> int:
        """Give what the register of a session should say at the end of the day."""
        entry = next((one for one in lived.entries.get(pupil, ()) if one.covers(slot)), None)
        if entry is not None:
            return to_byte(entry.code)
        looked_at = slot.starts + _LOOKED_AT
        if of.place(looked_at) is Place.EXPECTED or of.place(looked_at) is Place.ELSEWHERE:
            return _PRESENT[slot.name]
        back = of.back_at(looked_at)
        closes = slot.closes or slot.ends
        if back <= closes:
            return _LATE
        return _VERY_LATE if back < slot.ends and of.place(looked_at) is Place.HOME else _N
