"""What people write into the MIS on a day that was lived, with their mistakes.

A register is looked at (who is in the room?) and saved a little later. Who is not in the room is
N, unless the office has entered a code by then. What is known later is corrected later; some of it
is forgotten, and some of it is wrong from the start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from mis_bridge.registers.codes import NOT_TAKEN, to_byte
from mis_bridge.simulator.quality.lived import NEVER, Place
from mis_bridge.simulator.quality.office import make_office_mistakes
from mis_bridge.simulator.quality.schools import AM, PM, Group

if TYPE_CHECKING:
    import random

    from mis_bridge.registers.day_sheet import Slot
    from mis_bridge.simulator.quality.lived import Lived, LivedDay, OfficeEntry
    from mis_bridge.simulator.quality.rates import Life, Noise
    from mis_bridge.simulator.quality.schools import School

__all__ = ["Correction", "Mark", "Register", "WrittenDay", "write"]

ABSENT: Final = to_byte("N")
PRESENT_AM, PRESENT_PM = to_byte("/"), to_byte("\\")
LATE, VERY_LATE = to_byte("L"), to_byte("U")

_OFFICE_OPENS: Final = 8 * 60
_ENOUGH_LEFT: Final = 5
_DRILL: Final = 25


class Mark(NamedTuple):
    """A mark as the MIS has it from a minute on.

    Args:
        minute: when it is saved.
        turn: counts the marks of a day as they are written.
        pupil: number on the roll.
        slot: session or lesson.
        code: byte.
        register: id of the lesson's register, else empty.
        settled: False for what the MIS fills in when a register is opened.
    """

    minute: int
    turn: int
    pupil: int
    slot: Slot
    code: int
    register: str
    settled: bool


class Correction(NamedTuple):
    """A session's mark that is put right on a later day.

    Args:
        day: number of that day.
        pupil: number on the roll.
        session: number of the session in the year.
        code: byte; ``NOT_TAKEN`` for "as it was in truth".
    """

    day: int
    pupil: int
    session: int
    code: int


@dataclass(frozen=True, slots=True)
class Register:
    """A register of the day, as it was taken.

    Args:
        group: whose.
        name: the register's id, a session's form.
        look: minute at which somebody looked who is there.
        saved: minute from which the MIS shows marks of it, ``NEVER`` for not that day.
    """

    group: Group
    name: str
    look: int
    saved: int


@dataclass(slots=True)
class WrittenDay:
    """Everything that the MIS shows of a day.

    Args:
        marks: in the order of their minutes.
        registers: all, taken or not.
        corrections: of sessions, on later days.
    """

    marks: list[Mark] = field(default_factory=list)
    registers: list[Register] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)


def write(
    school: School, lived: LivedDay, life: Life, noise: Noise, rng: random.Random
) -> WrittenDay:
    """Write the registers of a day.

    Args:
        school: whose.
        lived: the day; what the office and the desk write gets their mistakes.
        life: how often lessons are covered.
        noise: how often people err.
        rng: drawn from.
    """
    make_office_mistakes(lived, noise, rng)
    writer = _Writer(school, lived, life, noise, rng)
    for slot in (AM, PM):
        for form, pupils in school.forms.items():
            writer.register(Group(slot, "", pupils), form)
    for group in school.lessons[lived.day.weekday()]:
        writer.register(group, group.register)
    writer.written.marks.sort()
    return writer.written


class _Writer:
    def __init__(
        self, school: School, lived: LivedDay, life: Life, noise: Noise, rng: random.Random
    ) -> None:
        self.school, self.lived = school, lived
        self.life, self.noise, self.rng = life, noise, rng
        self.written = WrittenDay()

    def register(self, group: Group, name: str) -> None:
        """Take a register, or not."""
        look, saved = self._times(group)
        opened = NEVER
        if group.slot is self.lived.drill:
            look, saved = group.slot.starts + _DRILL, group.slot.starts + _DRILL + 5
        elif saved < NEVER and self._is_empty_room(group, look):
            saved = NEVER
        elif saved < NEVER and self._is_filled_in(group.slot):
            early = self.rng.random() < self.noise.opened_early
            opened = saved - (self.rng.randrange(10, 21) if early else self.rng.randrange(1, 5))
            opened = max(opened, group.slot.starts - 3)
        self.written.registers.append(Register(group, name, look, min(opened, saved)))
        if group.slot is self.lived.drill and self.rng.random() < self.noise.drill_register:
            self._save_all_absent(group)
        for pupil in group.pupils:
            if opened < NEVER:
                self._fill_in(group, pupil, opened)
            lived = self.lived.lived.get(pupil)
            if lived is not None:
                self._mark(group, pupil, lived, look, saved)
            elif saved < NEVER:
                self._mark_as_expected(group, pupil, saved)
        if saved == NEVER and group.slot.is_session:
            self._fill_in_later(group)

    def _save_all_absent(self, group: Group) -> None:
        """Save an empty room at the beginning of a fire drill."""
        saved = group.slot.starts + 3
        register = self.written.registers[-1]
        self.written.registers[-1] = Register(group, register.name, register.look, saved)
        for pupil in group.pupils:
            if self._entry(pupil, group.slot) is None:
                self._put(saved, group, pupil, ABSENT)

    def _times(self, group: Group) -> tuple[int, int]:
        rng, noise = self.rng, self.noise
        starts = group.slot.starts
        look = starts + rng.randrange(2, 9)
        late, never = noise.lesson_late, noise.lesson_never
        if group.slot.is_session:
            late, never = noise.session_late, noise.session_never
        elif rng.random() < self.life.covered_lesson:
            late, never = noise.cover_late, noise.cover_never
        draw = rng.random()
        if draw < never:
            return look, NEVER
        if draw < never + late:
            return look, starts + rng.randrange(16, 51)
        return look, look + rng.randrange(4)

    def _is_empty_room(self, group: Group, look: int) -> bool:
        """Whether nobody has a reason to take this register: all are known to be elsewhere.

        Of a class that nobody entered as elsewhere, half of the teachers save that all are absent.
        """
        coded = True
        for pupil in group.pupils:
            lived = self.lived.lived.get(pupil)
            if lived is None or lived.place(look) is not Place.ELSEWHERE:
                return False
            coded = coded and any(
                entry.covers(group.slot) and entry.entered <= look
                for entry in self.lived.entries.get(pupil, ())
            )
        return coded or self.rng.random() < 0.5  # noqa: PLR2004

    def _is_filled_in(self, slot: Slot) -> bool:
        return self.school.fills_in and not slot.is_session

    def _fill_in(self, group: Group, pupil: int, opened: int) -> None:
        """Show a pupil as present when the register is opened, unless a code stands already."""
        entry = self._entry(pupil, group.slot)
        if entry is None or entry.entered > opened:
            self._put(opened, group, pupil, _present(group.slot))

    def _mark_as_expected(self, group: Group, pupil: int, saved: int) -> None:
        """Mark a pupil who is in the room; rarely the wrong one."""
        if self.rng.random() >= self.noise.wrong_absent:
            self._put(saved, group, pupil, _present(group.slot))
            return
        self._put(saved, group, pupil, ABSENT)
        if self.rng.random() >= self.noise.wrong_absent_stands:
            self._put(saved + self.rng.randrange(1, 9), group, pupil, _present(group.slot))
        elif self.rng.random() < 2 / 3:  # of what stands, two thirds are seen within the hour
            self._put(saved + self.rng.randrange(9, 60), group, pupil, _present(group.slot))
        elif group.slot.is_session:
            self._correct(group.slot, pupil, self.rng.randint(1, 3))

    def _mark(self, group: Group, pupil: int, lived: Lived, look: int, saved: int) -> None:
        """Mark a pupil of whom the day has something to say."""
        slot = group.slot
        entry = self._entry(pupil, slot)
        known = NEVER if entry is None else max(entry.entered, _OFFICE_OPENS)
        if entry is not None and known <= saved:
            self._put(known, group, pupil, to_byte(entry.code))
            return
        if saved == NEVER:
            return
        if lived.place(look) is Place.EXPECTED:
            self._mark_as_expected(group, pupil, saved)
        elif self.rng.random() < self.noise.wrong_present:
            self._put(saved, group, pupil, _present(slot))
            if self.rng.random() < 0.5:  # noqa: PLR2004 - the office compares lists in the morning
                self._put(saved + self.rng.randrange(5, 31), group, pupil, ABSENT)
            elif slot.is_session:
                self._correct(slot, pupil, self.rng.randint(1, 3))
        else:
            self._mark_absent(group, pupil, lived, look, saved)
        if entry is not None:
            self._put(known, group, pupil, to_byte(entry.code))

    def _mark_absent(self, group: Group, pupil: int, lived: Lived, look: int, saved: int) -> None:
        """Mark N who is not there, and late who comes after all."""
        slot, rng = group.slot, self.rng
        back = lived.back_at(look)
        if back <= saved:
            self._put(saved, group, pupil, self._late_code(slot, back))
            return
        self._put(saved, group, pupil, ABSENT)
        if slot.is_session:
            # Late to school is the desk's to write; in the afternoon the register's, while open.
            if slot is PM and back >= (slot.closes or 0):
                return
            if back >= slot.ends:
                return
            noted = back + 1
            if rng.random() < self.noise.desk_missed:
                noted = back + rng.randrange(60, 180)
                for event in self.lived.desk.get(pupil, ()):
                    event.written = max(event.written, noted)
            self._put(noted, group, pupil, self._late_code(slot, back))
        elif back < slot.ends - _ENOUGH_LEFT and rng.random() >= self.noise.late_forgotten:
            self._put(back + 1, group, pupil, LATE)

    def _late_code(self, slot: Slot, comes: int) -> int:
        closes = slot.ends if slot.closes is None else slot.closes
        return LATE if comes <= closes else VERY_LATE

    def _entry(self, pupil: int, slot: Slot) -> OfficeEntry | None:
        return next((one for one in self.lived.entries.get(pupil, ()) if one.covers(slot)), None)

    def _put(self, minute: int, group: Group, pupil: int, code: int) -> None:
        marks = self.written.marks
        # Such a MIS does not say whether a present mark is one that a teacher made.
        settled = not (code == PRESENT_AM and self._is_filled_in(group.slot))
        marks.append(Mark(minute, len(marks), pupil, group.slot, code, group.register, settled))

    def _correct(self, slot: Slot, pupil: int, days: int) -> None:
        """Put a session's mark right on a later day."""
        number = self.lived.number
        session = 2 * number + (slot is PM)
        self.written.corrections.append(Correction(number + days, pupil, session, NOT_TAKEN))

    def _fill_in_later(self, group: Group) -> None:
        """Write what nobody took from memory the next day; one register in twenty is forgotten."""
        if self.rng.random() < 0.95:  # noqa: PLR2004
            for pupil in group.pupils:
                self._correct(group.slot, pupil, 1)


def _present(slot: Slot) -> int:
    return PRESENT_PM if slot is PM else PRESENT_AM
