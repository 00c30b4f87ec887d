"""Upstream values understood: texts, days, instants, minutes, sessions, years, flags.

Each reader is a dictionary from the value as it came to what it means. Registers repeat themselves
(one date for a thousand marks, one second for a class), so each distinct value is understood once
and found from then on.

An instant that is given in UTC is turned to Europe/London before its day is taken: half past
midnight in a British summer is the evening before in UTC.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mis_bridge.adapters.mapping import Moment
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

__all__ = [
    "READERS",
    "Days",
    "Flags",
    "Minutes",
    "Moments",
    "Packed",
    "Reader",
    "Sessions",
    "Texts",
    "Unusable",
    "Weekdays",
    "Years",
]

V = TypeVar("V")

_CACHED: Final = 65_536
_NO_KEYS: Final = (bool, dict, list)
_RUNNING: Final = (str, Moment)
_UNSEEN: Final = object()
_OFFSET: Final = re.compile(r"([+-])(\d\d):?(\d\d)")
_ABBREVIATIONS: Final = {
    "UTC": UTC,
    "Z": UTC,
    "GMT": UTC,
    "BST": timezone(timedelta(hours=1)),
    "Europe/London": LONDON,
}
_TIME_ONLY: Final = re.compile(r"\d\d?:\d\d(:\d\d(\.\d+)?)?")
_MIDDAY: Final = 12
_YEARS: Final = range(-2, 15)
_YEAR_WORDS: Final = {"n1": -2, "n2": -1, "n": -1, "nursery": -1, "r": 0, "reception": 0}
_WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_SHORTEST_WEEKDAY: Final = 2
_FLAG_WORDS: Final = {
    "1": True, "true": True, "yes": True, "y": True, "t": True,
    "": False, "0": False, "false": False, "no": False, "n": False, "f": False,
}  # fmt: skip


class Unusable(Exception):
    """A value can not be understood.

    Args:
        problem: what was expected.
        value: what came, where it may be shown (never a name).
    """

    def __init__(self, problem: str, value: object = "") -> None:
        self.problem = problem
        self.value = value if isinstance(value, str) else repr(value)
        super().__init__(problem)


class Reader(dict[Any, V]):
    """What each upstream value means.

    Args:
        values: meanings that the manifest or the school gives, by value; they win.
        strict: only the given values are known.
    """

    def __init__(self, values: Mapping[str, V] | None = None, *, strict: bool = False) -> None:
        super().__init__()
        self._given = dict(values or {})
        self._strict = strict and bool(values)

    def __missing__(self, value: Any) -> V:
        text = _plain(value) if self._given and not isinstance(value, Moment) else ""
        if text in self._given:
            meaning = self._given[text]
        elif self._strict and text:
            raise Unusable("the manifest does not say what this value means (values = {...})", text)
        else:
            meaning = self.read(value)
        if len(self) >= _CACHED:
            self.clear()
        # 1 and True are one key of a dictionary and two values of JSON; an object is no key.
        if not isinstance(value, _NO_KEYS):
            self[value] = meaning
        return meaning

    def get_fast(self, value: Any) -> V:
        """As ``reader[value]``, for values that may be objects."""
        if isinstance(value, _NO_KEYS):
            return self.__missing__(value)
        return self[value]

    def runs(self, values: Iterable[Any]) -> list[V]:
        """Understand a column whose values come in runs: the marks of one register share them.

        Raises:
            Unusable: one of them can not be understood.
        """
        found = []
        before: Any = _UNSEEN
        for value in values:
            # Comparing two moments is cheaper than hashing one. Numbers equal true and false.
            if value != before:
                meaning = self.get_fast(value)
                before = value if isinstance(value, _RUNNING) else _UNSEEN
            found.append(meaning)
        return found

    def read(self, value: Any) -> V:
        """Understand a value that was not seen before.

        Raises:
            Unusable: it can not be understood.
        """
        raise NotImplementedError


class Texts(Reader[str]):
    """Texts; ids stay text whatever they are in JSON. Null is empty."""

    def read(self, value: Any) -> str:
        """Understand a text."""
        return _plain(value)


class Moments(Reader[datetime | None]):
    """Instants, aware, UTC. Null and empty are None.

    Args:
        local: zone of texts that do not say theirs.
    """

    def __init__(
        self,
        values: Mapping[str, datetime | None] | None = None,
        *,
        local: tzinfo = LONDON,
        strict: bool = False,
    ) -> None:
        super().__init__(values, strict=strict)
        self._local = local

    def read(self, value: Any) -> datetime | None:
        """Understand an object ``{date, timezone}`` or an ISO text."""
        moment = _moment(value, self._local)
        return None if moment is None else moment.astimezone(UTC)


class Days(Reader[date | None]):
    """Days in Europe/London; arguments as ``Moments``."""

    def __init__(
        self,
        values: Mapping[str, date | None] | None = None,
        *,
        local: tzinfo = LONDON,
        strict: bool = False,
    ) -> None:
        super().__init__(values, strict=strict)
        self._local = local

    def read(self, value: Any) -> date | None:
        """Understand a date, or the London day of an instant."""
        moment = _moment(value, self._local)
        return None if moment is None else moment.astimezone(LONDON).date()


class Minutes(Reader[int | None]):
    """Times of day as minutes after local midnight; arguments as ``Moments``."""

    def __init__(
        self,
        values: Mapping[str, int | None] | None = None,
        *,
        local: tzinfo = LONDON,
        strict: bool = False,
    ) -> None:
        super().__init__(values, strict=strict)
        self._local = local

    def read(self, value: Any) -> int | None:
        """Understand ``08:50``, ``08:50:00``, or the London time of an instant."""
        if isinstance(value, str) and _TIME_ONLY.fullmatch(value.strip()):
            try:
                at = time.fromisoformat(value.strip().zfill(5))
            except ValueError:
                raise Unusable("a time of day was expected (08:50)", value) from None
            return at.hour * 60 + at.minute
        moment = _moment(value, self._local)
        if moment is None:
            return None
        local = moment.astimezone(LONDON)
        return local.hour * 60 + local.minute


class Packed(Texts):
    """Texts of which each character counts, spaces at the ends included."""

    def read(self, value: Any) -> str:
        """Take a text as it is."""
        if value is not None and not isinstance(value, str):
            raise Unusable("a text was expected")
        return value or ""


class Sessions(Reader[bool | None]):
    """``AM`` and ``PM`` -> is it the afternoon; None, where the manifest says so, for both.

    Args:
        local: zone of moments; given where the session is told by the time at which it begins.
    """

    def __init__(
        self,
        values: Mapping[str, bool | None] | None = None,
        *,
        local: tzinfo | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(values, strict=strict)
        self._local = local

    def read(self, value: Any) -> bool | None:
        """Understand the two words, or the London time of an instant."""
        if self._local is not None:
            moment = _moment(value, self._local)
            if moment is None:
                raise Unusable("a session begins at some time")
            return moment.astimezone(LONDON).hour >= _MIDDAY
        pm = {"AM": False, "PM": True}.get(_plain(value).upper())
        if pm is None:
            raise Unusable("a session is AM or PM", _plain(value))
        return pm


class Years(Reader[int | None]):
    """National curriculum years: ``9``, ``Year  9``, ``R``; what is no year is None."""

    def read(self, value: Any) -> int | None:
        """Understand a year group; unknown words are no error, schools name groups freely."""
        word = " ".join(_plain(value).lower().split())
        word = word.removeprefix("year").removeprefix("y").strip() if word[:1] == "y" else word
        if word in _YEAR_WORDS:
            return _YEAR_WORDS[word]
        return int(word) if word.isascii() and word.isdigit() and int(word) in _YEARS else None


class Weekdays(Reader[int]):
    """Days of the week as Python counts them, Monday 0; what is no English name is -1, no day.

    A number is no name: some vendors begin the week with Sunday, some count from nought.
    """

    def read(self, value: Any) -> int:
        """Understand ``Monday``, ``mon``, ``Mo``."""
        word = _plain(value).lower()
        if len(word) < _SHORTEST_WEEKDAY:
            return -1
        return next((n for n, name in enumerate(_WEEKDAYS) if name.startswith(word)), -1)


class Flags(Reader[bool]):
    """Yes and no in their many spellings. Null and empty are no."""

    def read(self, value: Any) -> bool:
        """Understand a yes or no."""
        if isinstance(value, bool | int | float):
            return bool(value)
        answer = _FLAG_WORDS.get(_plain(value).lower())
        if answer is None:
            raise Unusable("a yes or no was expected", _plain(value))
        return answer


READERS: Final[dict[str, type[Reader[Any]]]] = {
    "text": Texts,
    "date": Days,
    "datetime": Moments,
    "clock": Minutes,
    "session": Sessions,
    "packed": Packed,
    "year": Years,
    "weekday": Weekdays,
    "flag": Flags,
}
"""Type of a field -> its reader."""


def _plain(value: Any) -> str:
    """Write a scalar as text without surrounding spaces."""
    match value:
        case str():
            return value.replace("\0", "").strip()  # no text of PostgreSQL's holds one
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float() if math.isfinite(value) and value.is_integer():
            return str(int(value))
        case int() | float():
            return str(value)
        case _:
            raise Unusable("a single value was expected, not a list or an object")


def _moment(value: Any, local: tzinfo) -> datetime | None:
    """Understand an instant; None for null and empty."""
    text: object
    zone: object
    if isinstance(value, Moment):
        text, zone = value.date, value.timezone
    elif isinstance(value, dict):
        text, zone = value.get("date"), value.get("timezone")
    else:
        text, zone = value, None
    if text is None or text == "":
        return None
    if not isinstance(text, str) or not (zone is None or isinstance(zone, str)):
        raise Unusable("a date was expected (2026-09-07, with or without a time)")
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Unusable("a date was expected (2026-09-07, with or without a time)", text) from None
    if moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=_zone(zone) if zone else local)


def _zone(name: str) -> tzinfo:
    known = _ABBREVIATIONS.get(name)
    if known is not None:
        return known
    if found := _OFFSET.fullmatch(name):
        span = timedelta(hours=int(found[2]), minutes=int(found[3]))
        return timezone(-span if found[1] == "-" else span)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unusable("the time zone is not known", name) from None
