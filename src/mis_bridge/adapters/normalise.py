"""Pages of a MIS become canonical records; what can not be used is quarantined, never guessed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.adapters.lookups import Codebook, Lesson, Lookups, Missing, Period
from mis_bridge.adapters.packed import unpacked
from mis_bridge.adapters.records import (
    DayEventRecord,
    Deletion,
    LessonMark,
    PupilRecord,
    SessionMark,
    SessionMarks,
)
from mis_bridge.adapters.rows import Row
from mis_bridge.adapters.source import Quarantined
from mis_bridge.adapters.values import Unusable
from mis_bridge.registers.codes import ON_SITE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from mis_bridge.adapters.records import Record
    from mis_bridge.adapters.vocabulary import StreamTable

__all__ = ["Decoded", "Normaliser", "read_lookup"]

_FLAGS: Final = ("lac", "cp", "cin", "ehcp", "sen", "send_risk", "yot", "missing_before")
_EVENT_KINDS: Final = frozenset({"sign_in", "sign_out", "message"})
_DELETION_STREAMS: Final = frozenset({"pupils", "sessions", "lessons"})
_PLAIN_SESSION: Final = ("pupil", "day", "session", "code", "recorded")
"""The order in which a usual manifest maps a session's fields: unpacking is then all there is."""

_DETAILS: Final = (
    "upn", "surname", "forename", "dob", "sex", "year_group", "form", "admission", "leaving",
    "destination", "care_began",
)  # fmt: skip


@dataclass(slots=True)
class Decoded:
    """What a page held.

    Args:
        found: records in the order of the page, one by one.
        columns: session marks instead, where the page was read by the column.
        quarantined: what can not be used.
        missing: lookups that lacked an id; read them again before giving up.
    """

    found: list[Record] = field(default_factory=list)
    columns: SessionMarks | None = None
    quarantined: list[Quarantined] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    @property
    def records(self) -> Sequence[Record]:
        """The records, in the order of the page."""
        return self.found if self.columns is None else self.columns


def read_lookup(
    stream: str, table: StreamTable, raw: bytes, lookups: Lookups, page: int = 1, part: str = ""
) -> list[Quarantined]:
    """Add a page of a lookup stream to the lookups; give back what can not be used."""
    row = Row(stream, table)
    quarantined = []
    via_periods = stream == "timetable" and _via(table, "period") is not None
    for number, values in enumerate(row.columns.decode_all(raw), 1):
        try:
            cells = row.cells(values, part)
            if row.chooses and not row.is_ours(values, cells):
                continue
            # As with a pupil's own record: a broken date costs the date, not the form and the UPN.
            spoilt: list[Unusable] | None = [] if stream == "details" else None
            entry = row.understood(cells, spoilt)
            quarantined += [_quarantined(stream, page, number, one) for one in spoilt or ()]
            key = entry.pop("id") or _refuse("the id is empty")
            if stream == "codes":
                lookups.codes[key] = entry["code"]
                if entry.get("meaning"):
                    lookups.meanings[key] = entry["meaning"]
            elif stream == "periods":
                lookups.periods[key] = Period(
                    entry.get("name", ""),
                    entry.get("starts"),
                    entry.get("ends"),
                    entry.get("weekday"),
                )
            elif stream == "details":
                lookups.details[key] = entry
            else:
                lesson = _lesson(key, entry, lookups, via_periods=via_periods)
                lookups.add_lesson(key, lesson)
        except Unusable as unusable:
            quarantined.append(_quarantined(stream, page, number, unusable))
    return quarantined


def _lesson(key: str, entry: dict[str, Any], lookups: Lookups, *, via_periods: bool) -> Lesson:
    period = Period(entry.get("period", ""))
    if via_periods and period.name:
        period = lookups.periods.get(period.name, Period(""))
    return Lesson(
        entry.get("day"),
        _first(entry.get("starts"), period.starts),
        _first(entry.get("ends"), period.ends),
        period.name,
        entry.get("register", "") or key,
        entry.get("session"),
        period.weekday,
    )


class Normaliser:
    """Turns the pages of one stream into records.

    Args:
        stream: one of ``vocabulary.STREAMS``.
        table: its part of the manifest.
        codes: what upstream marks mean.
        lookups: shared; read again when something is missing.
        window: lesson marks of other days are not looked up, packed marks of others not taken.
        presence: the MIS sends the marks of those who are present too.
    """

    def __init__(
        self,
        stream: str,
        table: StreamTable,
        codes: Codebook,
        lookups: Lookups,
        *,
        window: tuple[date, date],
        presence: bool = True,
    ) -> None:
        self._stream = stream
        self._presence = presence
        self._row = Row(stream, table, window[0])
        self._codes = codes
        self._lookups = lookups
        self._window = window
        self._part = ""
        self._via_timetable = _via(table, "lesson") is not None
        self._via_periods = _via(table, "period") is not None
        row = self._row
        self._is_plain = (
            stream == "sessions"
            and row.one_each
            and not row.chooses
            and row.names == _PLAIN_SESSION
        )
        self._read: Callable[[Iterable[tuple[Any, ...]], int, Decoded], None] = {
            "sessions": self._sessions,
            "lessons": self._lessons,
            "history": self._history,
        }.get(stream, self._others)

    def decode(self, raw: bytes, page: int, part: str = "") -> Decoded:
        """Decode and understand a page.

        Args:
            raw: JSON array.
            page: its number, for the place of what is quarantined.
            part: the part of the list that it belongs to.

        Raises:
            msgspec.DecodeError: it is no JSON array.
        """
        decoded = Decoded()
        self._part = part
        if self._is_plain:
            self._plain_sessions(raw, page, decoded)
        else:
            self._read(self._row.columns.decode_all(raw), page, decoded)
        return decoded

    def _plain_sessions(self, raw: bytes, page: int, decoded: Decoded) -> None:
        """Read sessions of the usual manifest: the one place where a year's marks pass through.

        Column by column, as long as every value of a page can be used; else mark by mark.
        """
        read, columns = self._row.readers, self._row.columns.decode_columns(raw)
        try:
            pupils = list(map(read["pupil"].__getitem__, columns[0]))
            days = read["day"].runs(columns[1])
            afternoons = list(map(read["session"].__getitem__, columns[2]))
            codes = bytearray(map(self._codes.__getitem__, columns[3]))
            recorded = read["recorded"].runs(columns[4])
        except (Unusable, TypeError):
            usable = False
        else:
            usable = all(pupils) and all(days)
        if usable:
            decoded.columns = SessionMarks(pupils, days, afternoons, codes, recorded)
        else:
            self._mark_by_mark(self._row.columns.decode_all(raw), page, decoded)

    def _mark_by_mark(self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded) -> None:
        read = self._row.readers
        pupils, days, sessions = read["pupil"], read["day"], read["session"]
        codes, moments = self._codes, read["recorded"]
        found = []
        for number, row in enumerate(rows, 1):
            try:
                pupil, day, session, code, recorded = row
                found.append(
                    SessionMark(
                        pupils[pupil] or _refuse("there is no pupil"),
                        days[day] or _refuse("there is no date"),
                        sessions[session],
                        codes[code],
                        moments[recorded],
                    )
                )
            except Unusable as unusable:
                self._quarantine(decoded, page, number, unusable)
            except TypeError:  # a list or an object where a single value belongs
                self._quarantine(decoded, page, number, _not_single())
        decoded.columns = SessionMarks.of(found)

    def _sessions(self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded) -> None:
        for number, cells in self._own(rows, page, decoded):
            value = self._value(cells)
            try:
                event, day, pm = value("event"), value("day"), value("session")
                lesson = self._timetabled(event, day) if event is not None else None
                if lesson is not None:
                    day = _first(day, lesson.day)
                    if "session" not in self._row.names:
                        pm = lesson.pm
                if "session" not in self._row.names and pm is None:
                    _refuse("nothing says whether this is the morning or the afternoon")
                pupil = value("pupil") or _refuse("there is no pupil")
                day = day or _refuse("there is no date")
                code, recorded = self._code(cells, value), value("recorded")
                for half in self._halves(code) if pm is None else (pm,):
                    decoded.found.append(SessionMark(pupil, day, half, code, recorded))
            except Unusable as unusable:
                self._quarantine(decoded, page, number, unusable)
            except TypeError:  # as above
                self._quarantine(decoded, page, number, _not_single())

    def _halves(self, code: int) -> tuple[bool, ...]:
        """Give the sessions that a mark of a whole day is about.

        Where absences alone are sent, a mark that a pupil came in is no word that anybody saw the
        pupil after noon: as a mark of the afternoon it would hide a child who is missing by then.
        """
        came_in = not self._presence and code in ON_SITE_BYTES
        return (False,) if came_in else (False, True)

    def _lessons(self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded) -> None:
        first, last = self._window
        settles = "completed" in self._row.names
        for number, cells in self._own(rows, page, decoded):
            value = self._value(cells)
            try:
                day = value("day")
                if day is not None and not first <= day <= last:
                    continue
                lesson = self._timetabled(value("lesson"), day) if self._via_timetable else None
                period, starts, ends, _ = self._period(value("period"))
                starts = _first(value("starts"), starts)
                ends = _first(value("ends"), ends)
                register = value("register") or ""
                if lesson is not None:
                    day = _first(day, lesson.day)
                    starts, ends = _first(starts, lesson.starts), _first(ends, lesson.ends)
                    period, register = period or lesson.period, register or lesson.register
                if day is None:
                    _refuse("there is no date")
                if starts is None or ends is None or ends <= starts:
                    _refuse("the lesson has no time, or ends before it starts")
                decoded.found.append(
                    LessonMark(
                        value("pupil") or _refuse("there is no pupil"),
                        day,
                        period or f"{starts // 60:02}:{starts % 60:02}",
                        starts,
                        ends,
                        self._code(cells, value),
                        value("recorded"),
                        register,
                        not settles or value("completed") is not None,
                    )
                )
            except Unusable as unusable:
                self._quarantine(decoded, page, number, unusable)
            except TypeError:  # as above
                self._quarantine(decoded, page, number, _not_single())

    def _history(self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded) -> None:
        for number, cells in self._own(rows, page, decoded):
            try:
                found = self._row.understood(cells)
                marks, strange = unpacked(
                    found["pupil"] or _refuse("there is no pupil"),
                    found["first_day"] or _refuse("there is no first day"),
                    found["marks"],
                    self._codes,
                    self._window,
                    last_day=found.get("last_day"),
                )
                decoded.found += marks
                for unusable in strange.values():
                    self._quarantine(decoded, page, number, unusable)
            except Unusable as unusable:
                self._quarantine(decoded, page, number, unusable)

    def _own(
        self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded
    ) -> Iterator[tuple[int, tuple[Any, ...]]]:
        """Give the records that are meant for this stream: (number, a value a field)."""
        row = self._row
        for number, values in enumerate(rows, 1):
            cells = row.cells(values, self._part)
            try:
                if row.chooses and not row.is_ours(values, cells):
                    continue
            except Unusable as unusable:
                self._quarantine(decoded, page, number, unusable)
                continue
            yield number, cells

    def _value(self, cells: tuple[Any, ...]) -> Callable[[str], Any]:
        """Give a function that understands one field of a record; None where it is not mapped."""
        row = self._row
        at = {name: number for number, name in enumerate(row.names)}
        return lambda name: row.readers[name].get_fast(cells[at[name]]) if name in at else None

    def _code(self, cells: tuple[Any, ...], value: Callable[[str], Any]) -> int:
        code = cells[self._row.names.index("code")]
        try:
            return self._codes[code]
        except Missing:
            raise
        except Unusable:
            byte = self._codes.meant(value("meaning"))
            if byte is None:
                raise
            return byte

    def _timetabled(self, key: str, day: date | None) -> Lesson:
        return self._lookups.lesson(key or _refuse("there is no lesson"), day)

    def _period(self, key: str | None) -> Period:
        if not key or not self._via_periods:
            return Period(key or "")
        if key not in self._lookups.periods:
            raise Missing("periods", key, own=self._lookups.periods_given)
        return self._lookups.periods[key]

    def _others(self, rows: Iterable[tuple[Any, ...]], page: int, decoded: Decoded) -> None:
        build = {"pupils": self._pupil, "events": _event, "deletions": _deletion}[self._stream]
        for number, cells in self._own(rows, page, decoded):
            try:
                # A pupil with a broken date of birth is still on roll: the record goes in without.
                spoilt: list[Unusable] = []
                record = build(self._row.understood(cells, spoilt))
                if record is not None:
                    decoded.found.append(record)
                for unusable in spoilt:
                    self._quarantine(decoded, page, number, unusable)
            except Unusable as unusable:
                self._quarantine(decoded, page, number, Unusable(unusable.problem))

    def _pupil(self, cells: dict[str, Any]) -> Record:
        record = PupilRecord(pupil=cells["pupil"] or _refuse("there is no pupil id"))
        known = self._lookups.details.get(record.pupil, {}) | cells
        for name in _DETAILS:
            if name in known:
                setattr(record, name, known[name])
        record.flags = frozenset(flag for flag in _FLAGS if known.get(flag))
        return record

    def _quarantine(self, decoded: Decoded, page: int, number: int, unusable: Unusable) -> None:
        if isinstance(unusable, Missing):
            decoded.missing.add(unusable.lookup)
        decoded.quarantined.append(_quarantined(self._stream, page, number, unusable))


def _quarantined(stream: str, page: int, number: int, unusable: Unusable) -> Quarantined:
    return Quarantined(stream, f"page {page} record {number}", unusable.problem, unusable.value)


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


def _not_single() -> Unusable:
    return Unusable("a field is a list or an object, not a value")


def _via(table: StreamTable, name: str) -> str | None:
    entry = table.map.get(name)
    return entry.via if entry is not None else None


def _first(one: Any, other: Any) -> Any:
    return other if one is None else one


def _refuse(problem: str) -> Any:
    raise Unusable(problem)
