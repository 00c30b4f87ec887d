"""Pages of a MIS become canonical records; what can not be used is quarantined, never guessed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.lookups import Codebook, Lesson, Lookups, Missing
from mis_bridge.adapters.mapping import Columns, Moment, Scalar
from mis_bridge.adapters.mapping import path as parse_path
from mis_bridge.adapters.records import (
    DayEventRecord,
    Deletion,
    LessonMark,
    PupilRecord,
    SessionMark,
)
from mis_bridge.adapters.source import Quarantined
from mis_bridge.adapters.values import READERS, Flags, Sessions, Texts, Unusable
from mis_bridge.adapters.vocabulary import FIELDS, REQUIRED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from mis_bridge.adapters.records import Record
    from mis_bridge.adapters.vocabulary import MapEntry, StreamTable

__all__ = ["Decoded", "Normaliser", "read_lookup"]

_FLAGS: Final = ("lac", "cp", "cin", "ehcp", "sen", "send_risk", "yot", "missing_before")
_EVENT_KINDS: Final = frozenset({"sign_in", "sign_out", "message"})
_DELETION_STREAMS: Final = frozenset({"pupils", "sessions", "lessons"})


@dataclass(slots=True)
class Decoded:
    """What a page held.

    Args:
        records: in the order of the page.
        quarantined: what can not be used.
        missing: lookups that lacked an id; read them again before giving up.
    """

    records: list[Record] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)


class _Row:
    """The fields of one stream, compiled: columns to decode and readers to understand."""

    def __init__(self, stream: str, entries: Mapping[str, MapEntry]) -> None:
        from datetime import UTC

        self.stream = stream
        types = FIELDS[stream]
        self.columns = Columns(
            {
                name: (
                    parse_path(entry.path),
                    Moment | Scalar if types[name] in {"date", "datetime", "clock"} else Scalar,
                )
                for name, entry in entries.items()
            }
        )
        self.skipping = {
            name: frozenset(entry.values or ())
            for name, entry in entries.items()
            if entry.others == "skip"
        }
        self.readers: dict[str, Any] = {}
        for name, entry in entries.items():
            reader = READERS[types[name]]
            plain: Any = reader()
            values = {
                text: meaning if isinstance(meaning, bool) else plain[meaning]
                for text, meaning in (entry.values or {}).items()
            }
            options: dict[str, Any] = {"local": UTC} if entry.type == "utc_datetime" else {}
            strict = reader in {Texts, Flags, Sessions} and entry.others != "empty"
            self.readers[name] = reader(values, strict=strict, **options)
            if entry.others == "empty":
                self.readers[name].read = _emptied

    def is_ours(self, row: tuple[Any, ...]) -> bool:
        """Whether all values that the manifest skips others of are in its lists."""
        return all(
            _TEXTS.get_fast(row[self.columns.names.index(name)]) in wanted
            for name, wanted in self.skipping.items()
        )

    def understood(
        self, row: tuple[Any, ...], spoilt: list[Unusable] | None = None
    ) -> dict[str, Any]:
        """Understand all fields of a row.

        Args:
            row: as decoded.
            spoilt: takes the failures of fields that can be done without; such a field is then
                left out. Without it the first failure is raised.
        """
        cells = {}
        for name, value in zip(self.columns.names, row, strict=True):
            try:
                cells[name] = self.readers[name].get_fast(value)
            except Unusable as unusable:
                if spoilt is None or name in REQUIRED[self.stream]:
                    raise
                # Without the value: fields of a pupil hold names, also where they were mixed up.
                spoilt.append(Unusable(f"{name}: {unusable.problem}"))
        return cells


_TEXTS: Final = Texts()


def _emptied(_: Any) -> str:
    return ""


def read_lookup(
    stream: str, table: StreamTable, raw: bytes, lookups: Lookups, page: int = 1
) -> list[Quarantined]:
    """Add a page of a lookup stream to the lookups; give back what can not be used."""
    row = _Row(stream, table.map)
    quarantined = []
    via_periods = stream == "timetable" and _via(table, "period") is not None
    for number, values in enumerate(row.columns.decode_all(raw), 1):
        try:
            if not row.is_ours(values):
                continue
            cells = row.understood(values)
            key = cells["id"] or _refuse("the id is empty")
            if stream == "codes":
                lookups.codes[key] = cells["code"]
            elif stream == "periods":
                lookups.periods[key] = (
                    cells.get("name", ""),
                    cells.get("starts"),
                    cells.get("ends"),
                )
            else:
                name, starts, ends = cells.get("period", ""), None, None
                if via_periods and name:
                    name, starts, ends = lookups.periods.get(name, ("", None, None))
                starts, ends = _first(cells.get("starts"), starts), _first(cells.get("ends"), ends)
                lookups.timetable[key] = Lesson(
                    cells.get("day"), starts, ends, name, cells.get("register", "") or key
                )
        except Unusable as unusable:
            quarantined.append(_quarantined(stream, page, number, unusable))
    return quarantined


class Normaliser:
    """Turns the pages of one stream into records.

    Args:
        stream: one of ``vocabulary.STREAMS``.
        table: its part of the manifest.
        school_codes: of the school's file.
        vendor_codes: ``[codes]`` of the manifest.
        lookups: shared; read again when something is missing.
        window: lesson marks of other days are not looked up.
    """

    def __init__(
        self,
        stream: str,
        table: StreamTable,
        school_codes: Mapping[str, str],
        vendor_codes: Mapping[str, str],
        lookups: Lookups,
        *,
        window: tuple[date, date],
    ) -> None:
        self._stream = stream
        self._row = _Row(stream, table.map)
        self._lookups = lookups
        self._window = window
        self._via_timetable = _via(table, "lesson") is not None
        self._via_periods = _via(table, "period") is not None
        via_codes = _via(table, "code") is not None
        self._codes = Codebook(school_codes, vendor_codes, lookups.codes if via_codes else None)
        self._read: Callable[[Iterable[tuple[Any, ...]], int, Decoded], None] = {
            "sessions": self._sessions,
            "lessons": self._lessons,
        }.get(stream, self._others)

    def decode(self, raw: bytes, page: int) -> Decoded:
        """Decode and understand a page.

        Args:
            raw: JSON array.
            page: its number, for the place of what is quarantined.

        Raises:
            msgspec.DecodeError: it is no JSON array.
        """
        decoded = Decoded()
        self._read(self._row.columns.decode_all(raw), page, decoded)
        return decoded

    def _sessions(self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded) -> None:
        read = self._row.readers
        pupils, days, sessions = read["pupil"], read["day"], read["session"]
        codes, append = self._codes, decoded.records.append
        order = self._row.columns.names
        moments = read.get("recorded")
        places = [order.index(name) for name in ("pupil", "day", "session", "code")]
        recorded_at = order.index("recorded") if moments is not None else -1
        # The usual manifest maps the fields in this order: unpacking is then all there is to do.
        plain = (
            places == [0, 1, 2, 3]
            and recorded_at == 4  # noqa: PLR2004
            and len(order) == 5  # noqa: PLR2004
            and not self._row.skipping
        )
        skipping = bool(self._row.skipping)
        for number, row in enumerate(rows, 1):
            try:
                if plain:
                    pupil, day, session, code, recorded = row
                else:
                    if skipping and not self._row.is_ours(row):
                        continue
                    pupil, day, session, code = (row[at] for at in places)
                    recorded = row[recorded_at] if moments is not None else None
                append(
                    SessionMark(
                        pupils[pupil] or _refuse("there is no pupil"),
                        days[day] or _refuse("there is no date"),
                        sessions[session],
                        codes[code],
                        moments[recorded] if moments is not None else None,
                    )
                )
            except Unusable as unusable:
                self._quarantine(decoded, page, number, unusable)
            except TypeError:  # a list or an object where a single value belongs
                self._quarantine(
                    decoded, page, number, Unusable("a field is a list or an object, not a value")
                )

    def _lessons(self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded) -> None:
        row = self._row
        at = {name: number for number, name in enumerate(row.columns.names)}
        codes = self._codes
        first, last = self._window

        def value(name: str, cells: tuple[Any, ...]) -> Any:
            return row.readers[name].get_fast(cells[at[name]]) if name in at else None

        for number, cells in enumerate(rows, 1):
            try:
                if row.skipping and not row.is_ours(cells):
                    continue
                day = value("day", cells)
                if day is not None and not first <= day <= last:
                    continue
                lesson = self._lesson(value("lesson", cells)) if self._via_timetable else None
                period, starts, ends = self._period(value("period", cells))
                starts = _first(value("starts", cells), starts)
                ends = _first(value("ends", cells), ends)
                register = value("register", cells) or ""
                if lesson is not None:
                    day = _first(day, lesson.day)
                    starts, ends = _first(starts, lesson.starts), _first(ends, lesson.ends)
                    period, register = period or lesson.period, register or lesson.register
                if day is None:
                    _refuse("there is no date")
                if starts is None or ends is None or ends <= starts:
                    _refuse("the lesson has no time, or ends before it starts")
                decoded.records.append(
                    LessonMark(
                        value("pupil", cells) or _refuse("there is no pupil"),
                        day,
                        period or f"{starts // 60:02}:{starts % 60:02}",
                        starts,
                        ends,
                        codes[cells[at["code"]]],
                        value("recorded", cells),
                        register,
                    )
                )
            except Unusable as unusable:
                self._quarantine(decoded, page, number, unusable)
            except TypeError:  # as above
                self._quarantine(
                    decoded, page, number, Unusable("a field is a list or an object, not a value")
                )

    def _lesson(self, key: str) -> Lesson:
        lesson = self._lookups.timetable.get(key or "")
        if lesson is None:
            if not key:
                _refuse("there is no lesson")
            raise Missing("timetable", key)
        return lesson

    def _period(self, key: str | None) -> tuple[str, int | None, int | None]:
        if not key or not self._via_periods:
            return key or "", None, None
        if key not in self._lookups.periods:
            raise Missing("periods", key)
        return self._lookups.periods[key]

    def _others(self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded) -> None:
        build = {"pupils": _pupil, "events": _event, "deletions": _deletion}[self._stream]
        for number, row in enumerate(rows, 1):
            try:
                if not self._row.is_ours(row):
                    continue
                # A pupil with a broken date of birth is still on roll: the record goes in without.
                spoilt: list[Unusable] = []
                record = build(self._row.understood(row, spoilt))
                if record is not None:
                    decoded.records.append(record)
                for unusable in spoilt:
                    self._quarantine(decoded, page, number, unusable)
            except Unusable as unusable:
                self._quarantine(decoded, page, number, Unusable(unusable.problem))

    def _quarantine(self, decoded: Decoded, page: int, number: int, unusable: Unusable) -> None:
        if isinstance(unusable, Missing):
            decoded.missing.add(unusable.lookup)
        decoded.quarantined.append(_quarantined(self._stream, page, number, unusable))


def _quarantined(stream: str, page: int, number: int, unusable: Unusable) -> Quarantined:
    return Quarantined(stream, f"page {page} record {number}", unusable.problem, unusable.value)


def _pupil(cells: dict[str, Any]) -> Record:
    record = PupilRecord(pupil=cells["pupil"] or _refuse("there is no pupil id"))
    for name in (
        "upn", "surname", "forename", "dob", "sex", "year_group", "form", "admission", "leaving",
        "destination", "care_began",
    ):  # fmt: skip
        if name in cells:
            setattr(record, name, cells[name])
    record.flags = frozenset(flag for flag in _FLAGS if cells.get(flag))
    return record


def _event(cells: dict[str, Any]) -> Record:
    kind = cells["kind"]
    if kind not in _EVENT_KINDS:
        raise Unusable("an event is a sign_in, a sign_out or a message", kind)
    return DayEventRecord(
        pupil=cells["pupil"] or _refuse("there is no pupil"),
        at=cells["at"] or _refuse("there is no time"),
        kind=kind,
        reason=cells.get("reason", ""),
    )


def _deletion(cells: dict[str, Any]) -> Record | None:
    if cells["stream"] not in _DELETION_STREAMS or cells.get("restored"):
        return None
    return Deletion(cells["stream"], cells["key"] or _refuse("there is no id"))


def _via(table: StreamTable, name: str) -> str | None:
    entry = table.map.get(name)
    return entry.via if entry is not None else None


def _first(one: Any, other: Any) -> Any:
    return other if one is None else one


def _refuse(problem: str) -> Any:
    raise Unusable(problem)
