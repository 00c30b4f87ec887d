"""What every adapter gives, whatever the MIS: the canonical records.

Marks come by the hundred thousand and are made of plain values only: they are ``msgspec`` structs
that the garbage collector does not follow. Upstream ids stay text. Times are aware datetimes; days
and sessions are local to Europe/London.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime  # noqa: TC003 - part of the structs
from itertools import compress
from operator import eq
from typing import TYPE_CHECKING, Any, Self, overload

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "DayEventRecord",
    "Deletion",
    "LessonMark",
    "PupilRecord",
    "Record",
    "SessionMark",
    "SessionMarks",
    "values_of",
]


@dataclass(slots=True)
class PupilRecord:
    """One pupil on a school's roll.

    Args:
        pupil: the MIS's id, the key of everything else.
        flags: of ``lac cp cin ehcp sen send_risk yot missing_before``.
        year_group: national curriculum year, 0 for Reception, None unknown.
        admission, leaving: first day on roll, last day on roll.
    """

    pupil: str
    upn: str = ""
    surname: str = ""
    forename: str = ""
    dob: date | None = None
    sex: str = ""
    year_group: int | None = None
    form: str = ""
    admission: date | None = None
    leaving: date | None = None
    destination: str = ""
    flags: frozenset[str] = field(default_factory=frozenset)
    care_began: date | None = None


class SessionMark(msgspec.Struct, gc=False):
    """One statutory mark, as a byte of ``registers.codes``.

    Args:
        code: byte; ``codes.NOT_TAKEN`` where the register was not taken.
        recorded: when it was saved in the MIS, or None where the MIS does not say.
    """

    pupil: str
    day: date
    pm: bool
    code: int
    recorded: datetime | None = None


class SessionMarks(Sequence[SessionMark]):
    """Session marks in columns, a list a field of ``SessionMark``.

    A school's year is 380,000 of them: read and merged by the column, no mark of it ever becomes an
    object of its own. Whoever looks at one gets a ``SessionMark``.

    Args:
        pupils, days, afternoons, codes, recorded: of equal length; kept, not copied.
    """

    __slots__ = ("afternoons", "codes", "days", "pupils", "recorded")

    def __init__(
        self,
        pupils: list[str],
        days: list[date],
        afternoons: list[bool],
        codes: bytearray,
        recorded: list[datetime | None],
    ) -> None:
        self.pupils = pupils
        self.days = days
        self.afternoons = afternoons
        self.codes = codes
        self.recorded = recorded

    @classmethod
    def of(cls, marks: Iterable[SessionMark]) -> Self:
        """Put marks into columns; columns stay as they are."""
        if isinstance(marks, cls):
            return marks
        listed = list(marks)
        return cls(
            [mark.pupil for mark in listed],
            [mark.day for mark in listed],
            [mark.pm for mark in listed],
            bytearray([mark.code for mark in listed]),
            [mark.recorded for mark in listed],
        )

    def add(self, others: SessionMarks) -> None:
        """Put others behind these."""
        self.pupils += others.pupils
        self.days += others.days
        self.afternoons += others.afternoons
        self.codes += others.codes
        self.recorded += others.recorded

    def chosen(self, wanted: Iterable[object]) -> Self:
        """Give those for which there is a true value, in the same order."""
        asked = list(wanted)
        return type(self)(
            list(compress(self.pupils, asked)),
            list(compress(self.days, asked)),
            list(compress(self.afternoons, asked)),
            bytearray(compress(self.codes, asked)),
            list(compress(self.recorded, asked)),
        )

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[SessionMark]:
        return map(SessionMark, self.pupils, self.days, self.afternoons, self.codes, self.recorded)

    @overload
    def __getitem__(self, place: int) -> SessionMark: ...

    @overload
    def __getitem__(self, place: slice) -> list[SessionMark]: ...

    def __getitem__(self, place: int | slice) -> SessionMark | list[SessionMark]:
        if isinstance(place, slice):
            return list(self)[place]
        return SessionMark(
            self.pupils[place],
            self.days[place],
            self.afternoons[place],
            self.codes[place],
            self.recorded[place],
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"SessionMarks({list(self)!r})"


class LessonMark(msgspec.Struct, gc=False):
    """One lesson mark, as a byte of ``registers.codes``.

    Args:
        period: the school's name for the lesson's place in the day (``P2``).
        starts, ends: minutes after local midnight.
        register: id of the register (the lesson or class) that the mark belongs to, or empty.
        settled: False where the MIS filled the mark in when the register was opened, so that it
            proves nothing until it has stood for a while.
    """

    pupil: str
    day: date
    period: str
    starts: int
    ends: int
    code: int
    recorded: datetime | None = None
    register: str = ""
    settled: bool = True


@dataclass(slots=True)
class DayEventRecord:
    """A sign-in, a sign-out or a message about a pupil.

    Args:
        kind: ``sign_in``, ``sign_out`` or ``message``.
    """

    pupil: str
    at: datetime
    kind: str
    reason: str = ""


@dataclass(slots=True)
class Deletion:
    """Something that the MIS says is gone.

    Args:
        stream: ``pupils``, ``sessions`` or ``lessons``.
        key: the upstream id of the thing.
    """

    stream: str
    key: str


def values_of(record: Record) -> dict[str, Any]:
    """Give the fields of any record by name, in their order."""
    names = (
        record.__struct_fields__
        if isinstance(record, msgspec.Struct)
        else [field.name for field in fields(record)]
    )
    return {name: getattr(record, name) for name in names}


Record = PupilRecord | SessionMark | LessonMark | DayEventRecord | Deletion
