"""What every adapter gives, whatever the MIS: the canonical records.

Marks come by the hundred thousand and are made of plain values only: they are ``msgspec`` structs
that the garbage collector does not follow. Upstream ids stay text. Times are aware datetimes; days
and sessions are local to Europe/London.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date, datetime  # noqa: TC003 - part of the structs
from typing import Any

import msgspec

__all__ = [
    "DayEventRecord",
    "Deletion",
    "LessonMark",
    "PupilRecord",
    "Record",
    "SessionMark",
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
