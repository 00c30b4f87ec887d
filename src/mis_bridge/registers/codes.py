r"""The attendance codes of English schools, one byte each.

A mark is stored and passed around as one byte. A code of one character is its own ASCII byte; the
codes of two characters have reserved bytes above ASCII whose hexadecimal form reads like the code:
C1 C2 are ``0xC1 0xC2``, J1 is ``0xD1``, Y1 to Y7 are ``0xE1`` to ``0xE7``. Two bytes are no codes:
``-`` says that the register was not taken, ``.`` that there is no session in this slot.

Because a mark is a byte, a pupil's year is a ``bytes`` and questions about it are
``bytes.translate`` and ``bytes.count`` (see ``CLASS_TABLE`` and the ``*_BYTES`` sets).

Sources: codes and meanings, regulation 10 of the School Attendance (Pupil Registration) (England)
Regulations 2024 (SI 2024/208, in force 19 August 2024); statistical class of each code, "Working
together to improve school attendance" (Department for Education, August 2024).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from mis_bridge.errors import UnknownCode

__all__ = [
    "ABSENCE_BYTES",
    "APPROVED_BYTES",
    "AUTHORISED_BYTES",
    "AWAY_BYTES",
    "CLASS_LETTERS",
    "CLASS_TABLE",
    "CODES",
    "NOT_COLLECTED_BYTES",
    "NOT_POSSIBLE_BYTES",
    "NOT_TAKEN",
    "NO_SESSION",
    "ON_SITE_BYTES",
    "OUTSIDE_BYTES",
    "POSSIBLE_BYTES",
    "PRESENT_BYTES",
    "UNAUTHORISED_BYTES",
    "Code",
    "CodeClass",
    "by_byte",
    "class_of",
    "find",
    "is_away",
    "is_on_site",
    "to_byte",
    "to_code",
]

NOT_TAKEN: Final = ord("-")
"""Byte of a register that was not taken: neither a presence nor an absence."""

NO_SESSION: Final = ord(".")
"""Byte of a slot without a session: weekend, holiday, not on roll, or not read yet."""


class CodeClass(StrEnum):
    """What a mark counts as in the absence statistics."""

    PRESENT = "present"
    APPROVED = "approved educational activity"
    AUTHORISED = "authorised absence"
    UNAUTHORISED = "unauthorised absence"
    NOT_POSSIBLE = "not a possible attendance"
    NOT_COLLECTED = "not collected"
    NOT_TAKEN = "not taken"
    NO_SESSION = "no session"


@dataclass(frozen=True, slots=True)
class Code:
    """One attendance code.

    Args:
        code: as it stands in the register, ``/`` or ``Y3``.
        byte: the byte it is stored as.
        meaning: plain English.
        code_class: what it counts as.
        on_site: somebody saw the pupil in the school, or let the pupil in.
        legal: one of the 34 codes of regulation 10.
        effective_from: first day on which it is a code of the register, None where older than
            any register that is read.
        effective_to: last such day, None while it is in force. A mark with a withdrawn code is
            still read and counted in its class: such marks are still recorded.
    """

    code: str
    byte: int
    meaning: str
    code_class: CodeClass
    on_site: bool = False
    legal: bool = True
    effective_from: date | None = None
    effective_to: date | None = None

    def in_force(self, day: date) -> bool:
        """Whether the code was one of the register's codes on that day."""
        return (self.effective_from is None or self.effective_from <= day) and (
            self.effective_to is None or day <= self.effective_to
        )


_REGULATIONS_2024 = date(2024, 8, 19)
_BEFORE_2024 = date(2024, 8, 18)
_BEFORE_2013 = date(2013, 8, 31)

CODES: Final[tuple[Code, ...]] = (
    Code("/", 0x2F, "Present when the morning register is taken", CodeClass.PRESENT, on_site=True),
    Code(
        "\\", 0x5C, "Present when the afternoon register is taken", CodeClass.PRESENT, on_site=True
    ),
    Code("L", 0x4C, "Late, before the register closed", CodeClass.PRESENT, on_site=True),
    Code(
        "K",
        0x4B,
        "At education provision arranged by the local authority",
        CodeClass.APPROVED,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "V",
        0x56,
        "On a visit that the school arranged and its staff supervise",
        CodeClass.APPROVED,
    ),
    Code("P", 0x50, "At an approved sporting activity", CodeClass.APPROVED),
    Code("W", 0x57, "On work experience", CodeClass.APPROVED),
    Code("B", 0x42, "At another approved educational activity off site", CodeClass.APPROVED),
    Code("C", 0x43, "Leave for exceptional circumstances", CodeClass.AUTHORISED),
    Code(
        "C1",
        0xC1,
        "Leave for a regulated performance or employment abroad",
        CodeClass.AUTHORISED,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "C2",
        0xC2,
        "Leave under a temporary part-time timetable",
        CodeClass.AUTHORISED,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "E",
        0x45,
        "Suspended or excluded, no alternative provision made",
        CodeClass.AUTHORISED,
    ),
    Code("I", 0x49, "Illness", CodeClass.AUTHORISED),
    Code(
        "J1",
        0xD1,
        "Leave for an interview for a job or a place",
        CodeClass.AUTHORISED,
        effective_from=_REGULATIONS_2024,
    ),
    Code("M", 0x4D, "Medical or dental appointment", CodeClass.AUTHORISED),
    Code("R", 0x52, "Religious observance", CodeClass.AUTHORISED),
    Code("S", 0x53, "Study leave for a public examination", CodeClass.AUTHORISED),
    Code("T", 0x54, "Parent travels for work", CodeClass.AUTHORISED),
    Code("G", 0x47, "Holiday that the school did not grant", CodeClass.UNAUTHORISED),
    Code("N", 0x4E, "Reason not established yet", CodeClass.UNAUTHORISED),
    Code("O", 0x4F, "Absent in other or unknown circumstances", CodeClass.UNAUTHORISED),
    Code("U", 0x55, "Arrived after the register closed", CodeClass.UNAUTHORISED, on_site=True),
    Code(
        "D",
        0x44,
        "Due at another school where the pupil is registered too",
        CodeClass.NOT_POSSIBLE,
    ),
    Code(
        "Q",
        0x51,
        "Kept away by a lack of access arrangements",
        CodeClass.NOT_POSSIBLE,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "X",
        0x58,
        "Not required to attend: not of compulsory school age",
        CodeClass.NOT_POSSIBLE,
    ),
    Code(
        "Y1",
        0xE1,
        "Kept away: the usual transport is not available",
        CodeClass.NOT_POSSIBLE,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "Y2",
        0xE2,
        "Kept away: widespread disruption to travel",
        CodeClass.NOT_POSSIBLE,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "Y3",
        0xE3,
        "Kept away: part of the premises is closed",
        CodeClass.NOT_POSSIBLE,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "Y4",
        0xE4,
        "Kept away: the whole site is unexpectedly closed",
        CodeClass.NOT_POSSIBLE,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "Y5",
        0xE5,
        "Kept away: in criminal justice detention",
        CodeClass.NOT_POSSIBLE,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "Y6",
        0xE6,
        "Kept away: public health guidance or law",
        CodeClass.NOT_POSSIBLE,
        effective_from=_REGULATIONS_2024,
    ),
    Code(
        "Y7",
        0xE7,
        "Kept away: another unavoidable cause",
        CodeClass.NOT_POSSIBLE,
        effective_from=_REGULATIONS_2024,
    ),
    Code("Z", 0x5A, "Not on the admission register yet", CodeClass.NOT_COLLECTED),
    Code("#", 0x23, "Planned closure of the whole school", CodeClass.NOT_COLLECTED),
    # Withdrawn codes. J counted as attendance, its successor J1 counts as absence.
    Code(
        "H",
        0x48,
        "Holiday that the school granted",
        CodeClass.AUTHORISED,
        legal=False,
        effective_to=_BEFORE_2024,
    ),
    Code("J", 0x4A, "At an interview", CodeClass.APPROVED, legal=False, effective_to=_BEFORE_2024),
    Code(
        "Y",
        0x59,
        "Kept away by exceptional circumstances",
        CodeClass.NOT_POSSIBLE,
        legal=False,
        effective_to=_BEFORE_2024,
    ),
    Code(
        "F",
        0x46,
        "Extended family holiday that was agreed",
        CodeClass.AUTHORISED,
        legal=False,
        effective_to=_BEFORE_2013,
    ),
    # Marks of an MIS that are no codes of the register.
    Code(
        "&",
        0x26,
        "In school, not in class (lesson registers only)",
        CodeClass.NOT_COLLECTED,
        on_site=True,
        legal=False,
    ),
    Code("-", NOT_TAKEN, "Register not taken", CodeClass.NOT_TAKEN, legal=False),
)
"""Every mark that can be stored, in the order of the classes, then of the letters."""


def _bytes_of(*classes: CodeClass) -> bytes:
    return bytes(code.byte for code in CODES if code.code_class in classes)


PRESENT_BYTES: Final = _bytes_of(CodeClass.PRESENT)
APPROVED_BYTES: Final = _bytes_of(CodeClass.APPROVED)
AUTHORISED_BYTES: Final = _bytes_of(CodeClass.AUTHORISED)
UNAUTHORISED_BYTES: Final = _bytes_of(CodeClass.UNAUTHORISED)
NOT_POSSIBLE_BYTES: Final = _bytes_of(CodeClass.NOT_POSSIBLE)
NOT_COLLECTED_BYTES: Final = _bytes_of(CodeClass.NOT_COLLECTED)

POSSIBLE_BYTES: Final = PRESENT_BYTES + APPROVED_BYTES + AUTHORISED_BYTES + UNAUTHORISED_BYTES
"""Marks in the denominator of every rate."""

ABSENCE_BYTES: Final = AUTHORISED_BYTES + UNAUTHORISED_BYTES
"""Marks that count as absent, U included."""

OUTSIDE_BYTES: Final = NOT_POSSIBLE_BYTES + NOT_COLLECTED_BYTES + bytes((NO_SESSION,))
"""Slots that are no possible session; a register not taken is not among them: it may be one."""

ON_SITE_BYTES: Final = bytes(code.byte for code in CODES if code.on_site)
"""Marks that say the pupil is in the school: ``/ \\ L U &``."""

AWAY_BYTES: Final = bytes(byte for byte in ABSENCE_BYTES if byte not in ON_SITE_BYTES)
"""Absences of a pupil who is not in the school: all but U."""

CLASS_LETTERS: Final[dict[CodeClass, str]] = {
    CodeClass.PRESENT: "p",
    CodeClass.APPROVED: "e",
    CodeClass.AUTHORISED: "a",
    CodeClass.UNAUTHORISED: "u",
    CodeClass.NOT_POSSIBLE: "x",
    CodeClass.NOT_COLLECTED: "z",
    CodeClass.NOT_TAKEN: "-",
    CodeClass.NO_SESSION: ".",
}
"""The letter of each class in what ``CLASS_TABLE`` gives; ``?`` stands for a byte of no code."""

_BY_BYTE: Final[dict[int, Code]] = {code.byte: code for code in CODES}
_TO_BYTE: Final[dict[str, int]] = {code.code: code.byte for code in CODES} | {"": NOT_TAKEN}
_TO_CODE: Final[dict[int, str]] = {code.byte: code.code for code in CODES} | {NO_SESSION: "."}
_CLASSES: Final[dict[int, CodeClass]] = {code.byte: code.code_class for code in CODES} | {
    NO_SESSION: CodeClass.NO_SESSION
}

CLASS_TABLE: Final = bytes(
    ord(CLASS_LETTERS[_CLASSES[byte]]) if byte in _CLASSES else ord("?") for byte in range(256)
)
"""``marks.translate(CLASS_TABLE)`` gives the class letter of every mark (``CLASS_LETTERS``)."""


def to_byte(code: str, *, place: str = "") -> int:
    """Give the byte of a code as it stands in a register.

    Args:
        code: as read; surrounding spaces do not matter, empty and ``-`` mean not taken. Case
            matters: no code has a small letter.
        place: where it stood, for the error ("sessions.csv line 12"); never a pupil's name.

    Raises:
        UnknownCode: the table does not have it; nothing is guessed.
    """
    byte = _TO_BYTE.get(code)
    if byte is None:
        byte = _TO_BYTE.get(code.strip())
        if byte is None:
            raise UnknownCode(code, place=place)
    return byte


def to_code(byte: int) -> str:
    """Give the code that a byte stands for, ``.`` for a slot without a session.

    Raises:
        UnknownCode: no code has this byte.
    """
    try:
        return _TO_CODE[byte]
    except KeyError:
        raise UnknownCode(f"byte 0x{byte:02X}") from None


def class_of(byte: int) -> CodeClass:
    """Give the class of a mark.

    Raises:
        UnknownCode: no code has this byte.
    """
    try:
        return _CLASSES[byte]
    except KeyError:
        raise UnknownCode(f"byte 0x{byte:02X}") from None


def by_byte(byte: int) -> Code | None:
    """Give the entry of the code table, None for ``NO_SESSION`` and for bytes of no code."""
    return _BY_BYTE.get(byte)


def find(code: str) -> Code | None:
    """Give the entry of the code table, None where the table does not have the code."""
    byte = _TO_BYTE.get(code.strip())
    return None if byte is None else _BY_BYTE.get(byte)


def is_on_site(byte: int) -> bool:
    """Whether the mark is positive evidence that the pupil is in the school."""
    return byte in ON_SITE_BYTES


def is_away(byte: int) -> bool:
    """Whether the mark is an absence of a pupil who is not in the school (so never U)."""
    return byte in AWAY_BYTES
