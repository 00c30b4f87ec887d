"""The lists that marks refer to by id, and what a mark's code means in the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mis_bridge.adapters.values import Texts, Unusable
from mis_bridge.errors import UnknownCode
from mis_bridge.registers.codes import to_byte

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

__all__ = ["Codebook", "Lesson", "Lookups", "Missing", "unknown_codes"]


class Missing(Unusable):
    """An id that the lookup does not have; the lookup may be out of date.

    Args:
        lookup: ``codes``, ``periods`` or ``timetable``.
        key: the id.
    """

    def __init__(self, lookup: str, key: str) -> None:
        self.lookup = lookup
        super().__init__(f"the MIS's own list ({lookup}) does not have this id", key)


@dataclass(frozen=True, slots=True)
class Lesson:
    """One entry of the timetable.

    Args:
        starts, ends: minutes after local midnight.
        period: the school's name for the place in the day.
    """

    day: date | None
    starts: int | None
    ends: int | None
    period: str
    register: str


@dataclass(slots=True)
class Lookups:
    """The lists that marks refer to by id.

    Args:
        codes: id -> the school's own code.
        periods: id -> (name, starts, ends).
        timetable: id -> lesson.
    """

    codes: dict[str, str] = field(default_factory=dict)
    periods: dict[str, tuple[str, int | None, int | None]] = field(default_factory=dict)
    timetable: dict[str, Lesson] = field(default_factory=dict)


class Codebook(dict[Any, int]):
    """Upstream marks -> bytes of ``registers.codes``.

    Args:
        school: the school's own codes -> register codes; they win.
        vendor: the same for all schools of this MIS.
        table: id -> code where marks carry an id, else None.
    """

    def __init__(
        self,
        school: Mapping[str, str],
        vendor: Mapping[str, str],
        table: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        self._school = school
        self._vendor = vendor
        self._table = table
        self._texts = Texts()

    def __missing__(self, value: Any) -> int:
        text = self._texts.get_fast(value)
        code = text
        if self._table is not None and text and text not in self._school:
            if text not in self._table:
                raise Missing("codes", text)
            code = self._table[text]
        byte = self.byte(code)
        if isinstance(value, str | int | None):
            self[value] = byte
        return byte

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
    """List the codes of the school's own table that nothing maps to a register code."""
    for code in sorted(set(lookups.codes.values())):
        try:
            codebook.byte(code)
        except Unusable:
            yield code
