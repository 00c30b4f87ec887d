"""The fields of one stream, compiled: what to decode of a record, and how to understand it."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.mapping import Columns, Moment, Scalar
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.template import fill
from mis_bridge.adapters.values import READERS, Days, Flags, Sessions, Texts, Unusable
from mis_bridge.adapters.vocabulary import FIELDS, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from mis_bridge.adapters.vocabulary import MapEntry, OnlyRule, StreamTable

__all__ = ["Row"]

_DATED: Final = frozenset({"date", "datetime", "clock"})
"""Types whose value may come as an object with a date in it; so may any that is told by a time."""

_BOTH: Final = "DAY"
"""What a manifest calls a mark that is about both sessions of a day."""

_TEXTS: Final = Texts()
_FLAGS: Final = Flags()
_DAYS: Final = Days()


class Row:
    """The map of one stream.

    Args:
        stream: its name.
        table: its part of the manifest.
        first_day: of the window that is read.

    ``names`` are the fields in the order of the manifest, ``readers`` understand their values.
    Where a record is ``plain``, what ``columns`` decode is a value a field, in that order; where it
    is ``one_each``, no record stands for both sessions of its day either.
    """

    def __init__(self, stream: str, table: StreamTable, first_day: date | None = None) -> None:
        self.stream = stream
        self.names = tuple(table.map)
        types = FIELDS[stream]
        fields: dict[str, tuple[Any, Any]] = {}
        self._take: list[Callable[[tuple[Any, ...], str], Any]] = []
        for name, entry in table.map.items():
            leaf = Moment | Scalar if types[name] in _DATED or entry.type else Scalar
            places = []
            for number, text in enumerate(entry.paths):
                places.append(len(fields))
                fields[f"{name} {number}"] = (parse_path(text), leaf)
            self._take.append(_taking(entry, places))
        self.plain = all(isinstance(entry.path, str) for entry in table.map.values())
        self._only: list[tuple[list[int], Callable[[Any], bool]]] = []
        for number, rule in enumerate(table.only):
            leaf = Scalar if rule.past_days is None else Moment | Scalar
            places = []
            for place, text in enumerate(rule.paths):
                places.append(len(fields))
                fields[f"only {number} {place}"] = (parse_path(text), leaf)
            self._only.append((places, _keeping(rule, first_day)))
        self._skipping = [
            (number, frozenset(entry.values or ()))
            for number, entry in enumerate(table.map.values())
            if entry.others == "skip"
        ]
        session = table.map.get("session")
        halves = session is None or _BOTH not in (session.values or {}).values()
        self.plain = self.plain and not self._only
        self.one_each = self.plain and halves
        self.chooses = bool(self._only or self._skipping)
        self.columns = Columns(fields)
        self.readers = {name: _reader(types[name], entry) for name, entry in table.map.items()}

    def cells(self, row: tuple[Any, ...], part: str = "") -> tuple[Any, ...]:
        """Give a value a field of a decoded record, not understood yet."""
        return row if self.plain else tuple(take(row, part) for take in self._take)

    def is_ours(self, row: tuple[Any, ...], cells: tuple[Any, ...]) -> bool:
        """Whether a record is meant for this stream."""
        for places, keeps in self._only:
            if not keeps(_first(row, places)):
                return False
        return all(_TEXTS.get_fast(cells[place]) in wanted for place, wanted in self._skipping)

    def count(self, raw: bytes) -> int:
        """Count the records of a JSON array that are meant for this stream.

        Raises:
            msgspec.DecodeError: it is no JSON array.
        """
        rows = self.columns.decode_all(raw)
        return sum(1 for row in rows if not self.chooses or self.is_ours(row, self.cells(row)))

    def understood(
        self, cells: tuple[Any, ...], spoilt: list[Unusable] | None = None
    ) -> dict[str, Any]:
        """Understand all fields of a record.

        Args:
            cells: as ``cells`` gives them.
            spoilt: takes the failures of fields that can be done without; such a field is then
                left out. Without it the first failure is raised.
        """
        found = {}
        for name, value in zip(self.names, cells, strict=True):
            try:
                found[name] = self.readers[name].get_fast(value)
            except Unusable as unusable:
                if spoilt is None or name in REQUIRED[self.stream]:
                    raise
                # Without the value: fields of a pupil hold names, also where they were mixed up.
                spoilt.append(Unusable(f"{name}: {unusable.problem}"))
        return found


def _keeping(rule: OnlyRule, first_day: date | None) -> Callable[[Any], bool]:
    """Make the function that says whether a record is kept for a value of it."""
    if rule.past_days is not None:
        oldest = None if first_day is None else first_day - timedelta(days=rule.past_days)
        return lambda value: oldest is None or not _lies_before(value, oldest)
    among, wanted = rule.equals is not None, frozenset(rule.equals or rule.unlike or ())
    return lambda value: (_TEXTS.get_fast(value) in wanted) == among


def _lies_before(value: Any, day: date) -> bool:
    try:
        found = _DAYS.get_fast(value)
    except Unusable:
        # What can not be read says nothing about when: the record stays.
        return False
    return found is not None and found < day


def _taking(entry: MapEntry, places: list[int]) -> Callable[[tuple[Any, ...], str], Any]:
    """Make the function that takes one field's value out of a decoded record."""
    if entry.fixed is not None:
        fixed = entry.fixed
        return lambda _, part: fill(fixed, {"part": part})
    if entry.flags is not None:
        meanings = list(zip(places, entry.flags.values(), strict=True))
        return lambda row, _: next(
            (meaning for place, meaning in meanings if _says_yes(row[place])), None
        )
    if len(places) == 1:
        (only,) = places
        return lambda row, _: row[only]
    return lambda row, _: _first(row, places)


def _first(row: tuple[Any, ...], places: Sequence[int]) -> Any:
    """Give the first of several values that says something: some MIS write blanks for null."""
    return next((row[place] for place in places if not _is_blank(row[place])), None)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _says_yes(value: Any) -> bool:
    try:
        return _FLAGS.get_fast(value)
    except Unusable:
        return False


def _reader(kind: str, entry: MapEntry) -> Any:
    """Make the reader of one field."""
    made = READERS[kind]
    plain: Any = made()
    values: Mapping[str, Any] = {
        text: meaning if isinstance(meaning, bool) else _meant(plain, kind, meaning)
        for text, meaning in (entry.values or {}).items()
    }
    if kind == "session" and entry.fixed == _BOTH:
        values = {_BOTH: None}
    options: dict[str, Any] = {"local": UTC} if entry.type == "utc_datetime" else {}
    strict = made in {Texts, Flags, Sessions} and entry.others not in {"empty", "keep"}
    reader = made(values, strict=strict, **options)
    if entry.others == "empty":
        reader.read = _emptied  # type: ignore[assignment, method-assign]
    return reader


def _meant(reader: Any, kind: str, meaning: str) -> Any:
    return None if kind == "session" and meaning == _BOTH else reader[meaning]


def _emptied(_: Any) -> str:
    return ""
