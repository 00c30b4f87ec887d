"""What the stand-in's school database holds: marks, roll and deletions, each version with its time.

Everything is put in with the moment at which it is saved, beforehand or while it is being served;
a reader sees what was saved up to the clock's present moment and nothing of the future.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mis_bridge.registers.codes import to_byte
from mis_bridge.simulator.history import History, instant, write_history
from mis_bridge.simulator.journal import GONE, Journal
from mis_bridge.simulator.school import PERIODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from mis_bridge.simulator.day import RegisterEvent
    from mis_bridge.simulator.history import Version
    from mis_bridge.simulator.people import SyntheticPupil
    from mis_bridge.simulator.school import SyntheticSchool

__all__ = ["WondeState", "microseconds"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_LESSON = frozenset({to_byte("\\")})


def microseconds(moment: datetime) -> int:
    """Give an aware moment as microseconds since 1970 UTC."""
    return (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)


class WondeState:
    """The school's database.

    Args:
        school: roll, classes and timetable.
        history: its year of session marks; drawn from the school's seed by default.
        marked: school days that have marks from the history; all by default.
        lesson_days: of these, the days that have lesson marks as well; none by default, because
            a year of lessons is two and a half times a year of sessions.
        settled_by: corrections of the history that would come later come at this moment.

    Attributes:
        sessions, lessons, students, leavers, deletions: the journals.
        lock: held while journals are changed or read.
        online: the school's own MIS server can be reached by the vendor.
        approved: the school lets the application in.
    """

    def __init__(
        self,
        school: SyntheticSchool,
        history: History | None = None,
        *,
        marked: Sequence[date] | None = None,
        lesson_days: Iterable[date] = (),
        settled_by: datetime | None = None,
    ) -> None:
        self.school = school
        self.history = history or write_history(school)
        self.lock = threading.RLock()
        self.online = True
        self.approved = True
        self.sessions = Journal(self.history.versions(marked, settled_by=settled_by))
        self.lessons = Journal(self._lesson_versions(lesson_days))
        self._variants = list(school.pupils)
        self.students = Journal(self._roll())
        self.leavers = Journal(
            (instant(pupil.leaving + timedelta(days=1), 4 * 60), pupil.number, pupil.number + 1)
            for pupil in school.pupils
            if pupil.leaving is not None
        )
        self.deletions = Journal(
            self.leavers.version(position) for position in range(len(self.leavers))
        )

    # Changing it.

    def save_session(
        self, pupil: str, day: date, *, pm: bool, code: str, at: datetime | None = None,
        minute: int | None = None,
    ) -> None:  # fmt: skip
        """Save a session mark.

        Args:
            pupil: the MIS's id.
            day: of the mark.
            pm: afternoon.
            code: as in the register; the empty text removes the mark.
            at: when it is saved, aware; or
            minute: when it is saved, local, on that day.
        """
        key = self.history.key(self._number(pupil), 2 * self.school.day_numbers[day] + pm)
        with self.lock:
            self.sessions.add([(_when(day, at, minute), key, _value(code))])

    def save_lesson(
        self, pupil: str, day: date, *, period: str, code: str, at: datetime | None = None,
        minute: int | None = None,
    ) -> None:  # fmt: skip
        """Save a lesson mark; arguments as :meth:`save_session`, ``period`` by name."""
        key = self.lesson_key(self._number(pupil), day, _period_number(period))
        with self.lock:
            self.lessons.add([(_when(day, at, minute), key, _value(code))])

    def play(self, day: date, events: Iterable[RegisterEvent]) -> None:
        """Put in a day's register events, each at its minute."""
        sessions: list[Version] = []
        lessons: list[Version] = []
        for event in events:
            saved = instant(day, event.minute, event.second)
            if event.slot in ("AM", "PM"):
                index = 2 * self.school.day_numbers[day] + (event.slot == "PM")
                sessions.append((saved, self.history.key(event.pupil, index), to_byte(event.code)))
            else:
                key = self.lesson_key(event.pupil, day, _period_number(event.slot))
                lessons.append((saved, key, to_byte(event.code)))
        with self.lock:
            self.sessions.add(sessions)
            self.lessons.add(lessons)

    def change_pupil(self, pupil: SyntheticPupil, at: datetime) -> None:
        """Save a pupil anew, for example with another form or another flag."""
        with self.lock:
            self._variants.append(pupil)
            self.students.add([(microseconds(at), pupil.number, len(self._variants))])

    def remove_pupil(self, pupil: str, at: datetime) -> None:
        """Take a pupil off the roll: gone from the students, listed as leaver and as deleted."""
        number, saved = self._number(pupil), microseconds(at)
        with self.lock:
            self.students.add([(saved, number, GONE)])
            self.leavers.add([(saved, number, number + 1)])
            self.deletions.add([(saved, number, number + 1)])

    # Reading it.

    def variant(self, value: int) -> SyntheticPupil:
        """Give the pupil that a value of the students' journal stands for."""
        return self._variants[value - 1]

    def lesson_key(self, pupil: int, day: date, period: int) -> int:
        """Give the key of a lesson mark."""
        days = len(self.school.days)
        return (pupil * days + self.school.day_numbers[day]) * len(PERIODS) + period

    def lesson_place(self, key: int) -> tuple[int, date, int]:
        """Give (pupil number, day, period number) of a key."""
        rest, period = divmod(key, len(PERIODS))
        pupil, number = divmod(rest, len(self.school.days))
        return pupil, self.school.days[number], period

    def _number(self, pupil: str) -> int:
        return self.school.by_id[pupil].number

    def _roll(self) -> Iterable[Version]:
        opened = instant(self.school.calendar.year.first, 5 * 60)
        for pupil in self.school.pupils:
            admitted = instant(pupil.admission, 4 * 60)
            yield max(opened, admitted), pupil.number, pupil.number + 1
            if pupil.leaving is not None:
                left = pupil.leaving + timedelta(days=1)
                yield instant(left, 4 * 60), pupil.number, GONE

    def _lesson_versions(self, days: Iterable[date]) -> Iterable[Version]:
        """Derive lesson marks from the session marks: who is in school is in the lesson."""
        for day in days:
            index = 2 * self.school.day_numbers[day]
            for lesson in self.school.lessons(day):
                half = index + (lesson.period.starts >= self.school.calendar.pm.opens)
                saved = instant(day, lesson.period.starts + 3 + lesson.group.number % 5, 20)
                for pupil in lesson.group.pupils:
                    if not self.school.pupils[pupil].on_roll(day):
                        continue
                    code = self.history.marks[pupil][half]
                    code = to_byte("/") if code in _NOT_LESSON else code
                    if code != to_byte("-"):
                        yield saved, self.lesson_key(pupil, day, lesson.period.number), code


def _when(day: date, at: datetime | None, minute: int | None) -> int:
    if at is not None:
        return microseconds(at)
    if minute is None:
        raise ValueError("say at which moment or minute the mark is saved")
    return instant(day, minute)


def _value(code: str) -> int:
    return to_byte(code) if code else GONE


def _period_number(name: str) -> int:
    return next(period.number for period in PERIODS if period.name == name)
