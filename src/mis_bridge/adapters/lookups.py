"""The lists that marks refer to by id, and what a mark's code means in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mis_bridge.adapters.values import Texts, Unusable
from mis_bridge.errors import UnknownCode
from mis_bridge.registers.codes import to_byte

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

__all__ = ["Codebook", "Lesson", "Lookups", "Missing", "Period", "unknown_codes"]

_MIDDAY: Final = 12 * 60


class Missing(Unusable):
    """An id that the lookup does not have; the lookup may be out of date.

    Args:
        lookup: ``codes``, ``periods`` or ``timetable``.
        key: the id.
        own: the list is the school's own, in its file, and not the MIS's.
    """

    def __init__(self, lookup: str, key: str, *, own: bool = False) -> None:
        self.lookup = lookup
        problem = f"the MIS's own list ({lookup}) does not have this id"
        if own:
            problem = f"[calendar.{lookup}] of the school's file does not have this name"
        super().__init__(problem, key)


class Period(NamedTuple):
    """A place in the school's day.

    Args:
        starts, ends: minutes after local midnight.
        weekday: Monday 0, or -1 where what is told is no weekday; None where the MIS does not
            tell, because its lessons have dates.
    """

    name: str
    starts: int | None = None
    ends: int | None = None
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """One entry of the timetable.

    Args:
        starts, ends: minutes after local midnight.
        period: the school's name for the place in the day.
        session: whether it is of the afternoon, where the MIS says so.
        weekday: of its period, likewise.
    """

    day: date | None
    starts: int | None
    ends: int | None
    period: str
    register: str
    session: bool | None = None
    weekday: int | None = None

    @property
    def pm(self) -> bool | None:
        """Whether it is of the afternoon; None where neither session nor time is known."""
        if self.session is None and self.starts is not None:
            return self.starts >= _MIDDAY
        return self.session


@dataclass(slots=True)
class Lookups:
    """The lists that marks refer to by id.

    Args:
        codes: id -> the school's own code.
        meanings: id of a code -> what the MIS says that it means.
        periods: by id.
        timetable: id -> the lessons that have it: several where a class meets more than once a
            week and all its meetings share one id.
        details: pupil's id -> fields of a pupil.
        periods_given: the periods are the school's own, from its file.
    """

    codes: dict[str, str] = field(default_factory=dict)
    meanings: dict[str, str] = field(default_factory=dict)
    periods: dict[str, Period] = field(default_factory=dict)
    timetable: dict[str, list[Lesson]] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    periods_given: bool = False

    def add_lesson(self, key: str, lesson: Lesson) -> None:
        """Add an entry of the timetable; without a weekday, a later one is the newer."""
        known = self.timetable.setdefault(key, [])
        if lesson.weekday is None:
            known.clear()
        if lesson not in known:
            known.append(lesson)

    def lesson(self, key: str, day: date | None) -> Lesson:
        """Find the lesson of an id on a day.

        Args:
            key: the id.
            day: of the mark, or None where only the timetable knows it.

        Raises:
            Missing: the timetable does not have the id.
            Unusable: it has several that can not be told apart by the weekday.
        """
        known = self.timetable.get(key)
        if not known:
            raise Missing("timetable", key)
        if len(known) == 1:
            return known[0]
        fitting = [one for one in known if day is not None and one.weekday == day.weekday()]
        if len(fitting) != 1:
            raise Unusable(
                f"the timetable has {len(fitting) or 'no'} periods of this lesson on that weekday: "
                "which of them is meant can not be known",
                key,
            )
        return fitting[0]


class Codebook(dict[Any, int]):
    """Upstream marks -> bytes of ``registers.codes``.

    Args:
        school: the school's own codes -> register codes; they win.
        vendor: the same for all schools of this MIS.
        meanings: what the MIS says a mark means -> register code, for marks in no table.
        lookups: the MIS's own list of codes, where marks carry its ids, else None.
        by_mark: the ids are the marks themselves: the list explains them, and one that it lacks is
            a code of the register all the same.
    """

    def __init__(
        self,
        school: Mapping[str, str],
        vendor: Mapping[str, str],
        meanings: Mapping[str, str] | None = None,
        lookups: Lookups | None = None,
        *,
        by_mark: bool = False,
    ) -> None:
        super().__init__()
        self._school = school
        self._vendor = vendor
        self._meanings = {text.casefold(): code for text, code in (meanings or {}).items()}
        self._lookups = lookups
        self._by_mark = by_mark
        self._texts = Texts()

    def __missing__(self, value: Any) -> int:
        text = self._texts.get_fast(value)
        code, meaning = text, ""
        if self._lookups is not None and text and text not in self._school:
            if text in self._lookups.codes:
                code, meaning = self._lookups.codes[text], self._lookups.meanings.get(text, "")
            elif not (self._by_mark and self._knows(text)):
                raise Missing("codes", text)
        try:
            # A mark that points to a code is a mark: only no mark at all is a register not taken.
            byte = self.byte(code) if code or not text else _no_code(text)
        except Unusable:
            meant = self.meant(meaning)
            if meant is None:
                raise
            byte = meant
        if isinstance(value, str | int | None):
            self[value] = byte
        return byte

    def meant(self, meaning: str | None) -> int | None:
        """Resolve what the MIS says of a mark; None for words that the manifest does not know."""
        code = self._meanings.get(meaning.casefold()) if meaning else None
        return to_byte(code) if code is not None else None

    def _knows(self, code: str) -> bool:
        try:
            self.byte(code)
        except Unusable:
            return False
        return True

    def byte(self, code: str) -> int:
        """Resolve a code of the school.

        Raises:
            Unusable: neither the school's table nor the register's knows it.
        """
        register_code = self._school.get(code) or self._vendor.get(code) or code
        try:
            return to_byte(register_code)
        except UnknownCode as error:
            raise Unusable(str(error), code) from None


def unknown_codes(codebook: Codebook, lookups: Lookups) -> Iterator[str]:
    """List the codes of the school's own table that nothing maps to a register code.

    Args:
        codebook: made with these lookups.
        lookups: the table.
    """
    strange = set()
    for key in lookups.codes:
        try:
            codebook[key]
        except Unusable as unusable:
            strange.add(unusable.value)
    yield from sorted(strange)


def _no_code(key: str) -> int:
    raise Unusable(
        "the MIS's own list has no code for this id: map the id in the school's [codes] table", key
    )
