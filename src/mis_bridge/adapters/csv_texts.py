"""Cells of CSV files understood, each distinct text once."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Final, NoReturn

from mis_bridge.errors import UnknownCode
from mis_bridge.registers.calendar import LONDON
from mis_bridge.registers.codes import to_byte

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PM", "PUPIL_FLAGS", "Refused", "Texts", "event_moment", "flags", "refuse", "year_group"]

PUPIL_FLAGS: Final = frozenset(
    {"lac", "cp", "cin", "ehcp", "sen", "send_risk", "yot", "missing_before"},
)
_NO_TIME: Final = "this is not a time (09:00 or 2026-09-07T09:00:00)"
_YEAR_WORDS: Final = {"n1": -2, "n2": -1, "n": -1, "nursery": -1, "r": 0, "reception": 0}
_YEARS: Final = range(-2, 15)
_CACHED_TIMES: Final = 65_536
_LONGEST_CODE: Final = 12
_LONGEST_SHOWN: Final = 40


class Refused(Exception):
    """A row can not be used.

    Args:
        problem: what was expected.
        shown: what came; not told where a cell may hold a person's name.
        code: the code that nobody knows, where that is the problem.
    """

    def __init__(self, problem: str, shown: str | None = None, *, code: str = "") -> None:
        self.problem = problem
        self.code = code
        super().__init__(problem if shown is None else f"{_short(shown)!r}: {problem}")


def _short(shown: str) -> str:
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."


def refuse(problem: str) -> NoReturn:
    """Refuse the row where an expression is wanted, as the second half of an ``or``."""
    raise Refused(problem)


class _Names(dict[str, str]):
    """Texts that tell pupils or periods apart, each looked at once."""

    def __init__(self, column: str) -> None:
        super().__init__()
        self._column = column

    def __missing__(self, text: str) -> str:
        name = text.strip()
        if not name:
            raise Refused(f"{self._column} is empty")
        if not name.isprintable():
            raise Refused(f"{self._column} holds a character that can not be printed")
        self[text] = name
        return name


class _Days(dict[str, date]):
    """ISO date texts, each understood once."""

    def __missing__(self, text: str) -> date:
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            raise Refused("this is not an ISO date (2026-09-07)", text) from None
        self[text] = day
        return day


class _Minutes(dict[str, int]):
    """Texts of times of day -> minutes after local midnight, each understood once."""

    def __missing__(self, text: str) -> int:
        try:
            if "T" in text or " " in text.strip():
                moment = datetime.fromisoformat(text.strip())
                if moment.tzinfo is not None:
                    moment = moment.astimezone(LONDON)
                at = moment.time()
            else:
                at = time.fromisoformat(text.strip())
        except ValueError:
            raise Refused(_NO_TIME, text) from None
        minute = at.hour * 60 + at.minute
        # Texts with a date in them are as many as there are lessons: bounded, not kept for ever.
        if len(self) < _CACHED_TIMES:
            self[text] = minute
        return minute


class _Codes(dict[str, int]):
    """Code texts -> bytes of ``registers.codes``, each understood once."""

    def __init__(self, own: Mapping[str, str] | None) -> None:
        super().__init__()
        self._own = own or {}

    def __missing__(self, text: str) -> int:
        if len(text.strip()) > _LONGEST_CODE:
            # What follows an open quotation mark may be anything, names too: it is not repeated.
            raise Refused("the code is too long for one: is a quotation mark not closed?")
        try:
            byte = to_byte(self._own.get(text.strip(), text))
        except UnknownCode as error:
            raise Refused(str(error), code=text.strip()) from None
        self[text] = byte
        return byte


class _Sessions(dict[str, bool]):
    """Session texts -> is it the afternoon."""

    def __missing__(self, text: str) -> bool:
        pm = {"AM": False, "PM": True}.get(text.strip().upper())
        if pm is None:
            raise Refused("a session is AM or PM", text)
        return pm


PM = _Sessions(AM=False, PM=True)


class Texts:
    """The caches of one file."""

    def __init__(self, codes: Mapping[str, str] | None = None) -> None:
        self.pupils = _Names("pupil_id")
        self.periods = _Names("period")
        self.days = _Days()
        self.minutes = _Minutes()
        self.codes = _Codes(codes)
        self._moments: dict[tuple[date, str], datetime] = {}

    def moment(self, day: date, text: str) -> datetime | None:
        """Understand ``recorded_at``: a time of that day, or a whole date and time."""
        key = (day, text)
        moment = self._moments.get(key)
        if moment is None:
            if not text.strip():
                return None
            moment = _moment(text, day)
            if len(self._moments) < _CACHED_TIMES:
                self._moments[key] = moment
        return moment


def _moment(text: str, day: date | None) -> datetime:
    text = text.strip()
    try:
        if day is not None and "T" not in text and " " not in text:
            moment = datetime.combine(day, time.fromisoformat(text))
        else:
            moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(_NO_TIME, text) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=LONDON)
    return moment.astimezone(UTC)


def event_moment(text: str) -> datetime:
    """Understand when an event was; a day without a time is no moment."""
    try:
        if ":" in text:
            return _moment(text, None)
    except Refused:
        pass
    raise Refused("at is not a date and time (2026-09-07T10:40:00)")


def year_group(text: str) -> int | None:
    """Understand ``9``, ``Year 9``, ``Y9``, ``R``, ``Reception``, ``N2``; empty is unknown."""
    if not text:
        return None
    word = text.lower().removeprefix("year").strip()
    word = word.removeprefix("y").strip() if word[:1] == "y" else word
    if word in _YEAR_WORDS:
        return _YEAR_WORDS[word]
    if word.isascii() and word.isdigit() and int(word) in _YEARS:
        return int(word)
    raise Refused("this is not a year group (9, Year 9 or R)")


def flags(text: str) -> frozenset[str]:
    """Understand a pupil's flags, joined by a semicolon."""
    given = frozenset(part.strip().lower() for part in text.split(";") if part.strip())
    if given - PUPIL_FLAGS:
        raise Refused(f"flags are {', '.join(sorted(PUPIL_FLAGS))}, joined by ;")
    return given
