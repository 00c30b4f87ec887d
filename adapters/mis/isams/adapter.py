# ruff: noqa: INP001 - an adapter's folder is no package
"""iSAMS over REST: the roll page by page, then the registers of today's registration periods.

What a manifest can not say: registers are asked for by the ids of another list; a row has its mark
in flags and in one of two lists of codes whose ids are not told apart; and a register has several
rows for one pupil, of which none says that it is the one.

Addresses and fields: ``buzyka/imlate`` (``internal/infrastructure/integration/isams`` at 530839c)
and ``cranleighschool/isams-php`` at 6940172, third-party clients. What the list of a whole register
is called is in nobody's code: its only list is taken.
"""

from __future__ import annotations

import contextlib
import hashlib
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - part of the structs
from typing import TYPE_CHECKING, Any, Final

import msgspec

from mis_bridge.adapters.driver import driver_of
from mis_bridge.adapters.envelope import decoded
from mis_bridge.adapters.flow import Request
from mis_bridge.adapters.lookups import Codebook, Lookups
from mis_bridge.adapters.normalise import Normaliser
from mis_bridge.adapters.pull import Scope, pull
from mis_bridge.adapters.records import LessonMark, SessionMark
from mis_bridge.adapters.source import Batch, Quarantined, Standing
from mis_bridge.adapters.template import fill, query_text
from mis_bridge.adapters.values import Unusable
from mis_bridge.adapters.vocabulary import StreamTable
from mis_bridge.errors import (
    MisAnswerInvalid,
    MisError,
    MisNotThere,
    MisPagingBroken,
    MisPermissionMissing,
    MisRequestRefused,
    UnknownCode,
)
from mis_bridge.registers.calendar import LONDON, local_minute
from mis_bridge.registers.codes import NOT_TAKEN, to_byte, to_code

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping
    from datetime import date

    from mis_bridge.adapters.registry import OpenContext
    from mis_bridge.adapters.source import ReadPlan

__all__ = ["IsamsSource", "open_source"]

PUPILS: Final = StreamTable.model_validate({
    "get": "api/students", "records": "students", "empty": "refuse",
    "page": {
        "type": "page", "pages": "totalPages", "total": "totalCount", "max_pages": 500,
        "query": {"page": "{page.number}", "pageSize": "100"},
    },
    "map": {
        "pupil": "schoolId", "upn": "uniquePupilNumber", "surname": "surname",
        "forename": "forename", "dob": "dob", "year_group": "yearGroup", "form": "formGroup",
        "admission": "enrolmentDate", "leaving": "leavingDate",
        "sex": {"path": "gender", "values": {"M": "M", "F": "F"}, "others": "empty"},
    },
})  # fmt: skip
"""The roll, in the words of the manifest."""

_OWN: Final = (
    MisAnswerInvalid,
    MisNotThere,
    MisPagingBroken,
    MisPermissionMissing,
    MisRequestRefused,
)
"""Failures of one list: the others are still read, and the first failure is raised at the end."""

_MORNING, _AFTERNOON, _LATE, _NO_REASON = map(to_byte, ("/", "\\", "L", "N"))
_SAYS_NOTHING: Final = frozenset({None, "", "-"})
"""What a code or its government code is where iSAMS calls it unknown."""


class _Table(msgspec.Struct, rename="camel", gc=False):
    """An object of the answers; fields that nobody asked for are passed over."""


class _Code(_Table):
    id: int
    code: str
    government_code: str | None = None


class _AbsenceCodes(_Table):
    absence_codes: list[_Code]


class _PresentCodes(_Table):
    present_codes: list[_Code]


class _Period(_Table):
    id: int
    start: datetime
    finish: datetime
    registration_type: str
    friendly_name: str = ""


class _Periods(_Table):
    registration_periods: list[_Period]


class _Row(_Table):
    """One row of a register; without one of these fields nothing can be said of a pupil."""

    school_id: str | int
    is_registered: int | bool
    is_present: bool
    is_late: bool
    present_code_id: int | None
    absence_code_id: int | None


@dataclass(frozen=True, slots=True)
class _Slot:
    """A registration period, placed in London's day.

    Args:
        begins: from when on its register is asked for.
        pm: whether it is the afternoon's session; None for a lesson.
        starts, ends: minutes after local midnight.
    """

    id: int
    begins: datetime
    day: date
    pm: bool | None
    name: str
    starts: int
    ends: int

    @property
    def stream(self) -> str:
        return "lessons" if self.pm is None else "sessions"

    @property
    def tells_of(self) -> str:
        """Name what a pupil has one mark of in a day, whatever number of periods it has."""
        if self.pm is not None:
            return "PM" if self.pm else "AM"
        return f"{self.starts // 60:02}:{self.starts % 60:02}"

    def mark(self, pupil: str, code: int) -> SessionMark | LessonMark:
        """Make the mark of a pupil. A period of the whole school is no class's register."""
        if self.pm is not None:
            return SessionMark(pupil, self.day, self.pm, code)
        return LessonMark(pupil, self.day, self.name, self.starts, self.ends, code)


class _Meanings:
    """What the school's codes of absence and of presence mean.

    Args:
        absent, present: the answers that list them.
        own: the school's own codes -> register codes.
    """

    def __init__(self, absent: bytes, present: bytes, own: Mapping[str, str]) -> None:
        listed = decoded(absent, _AbsenceCodes, "codes").absence_codes
        self._absent: dict[int, _Code] = {code.id: code for code in listed}
        listed = decoded(present, _PresentCodes, "codes").present_codes
        self._present: dict[int, _Code] = {code.id: code for code in listed}
        self._codebook = Codebook(own, {})
        self._mapped = own.keys()
        self.answers = absent + present

    def unknown(self) -> tuple[str, ...]:
        """List the codes that nothing maps to a code of the register."""
        strange = set()
        for code in (*self._absent.values(), *self._present.values()):
            try:
                self._byte(code)
            except Unusable:
                strange.add(code.code)
        return tuple(sorted(strange))

    def of(self, row: _Row, *, pm: bool) -> int:
        """Give the mark that a row stands for.

        Raises:
            Unusable: its code is not listed, or nobody knows what it means.
        """
        if not row.is_registered:
            return NOT_TAKEN
        if not row.is_present:
            # Absent, and no reason is established: that is what N means.
            return self._listed("absencecodes", self._absent, row.absence_code_id) or _NO_REASON
        plain = _AFTERNOON if pm else _MORNING
        byte = self._listed("presentcodes", self._present, row.present_code_id) or plain
        if byte not in {_MORNING, _AFTERNOON}:
            return byte
        return _LATE if row.is_late else plain

    def _listed(self, name: str, codes: Mapping[int, _Code], key: int | None) -> int | None:
        """Give a code's byte by its id; None where there is no code, or one that says nothing."""
        if key is None:
            return None
        if key not in codes:
            raise Unusable(f"the MIS's own list ({name}) does not have this id", str(key))
        return self._byte(codes[key])

    def _byte(self, code: _Code) -> int | None:
        """Resolve a code: by the school's file, then its government code, then its own letter."""
        if code.code in self._mapped:
            return self._codebook.byte(code.code)
        texts = [text for text in (code.government_code, code.code) if text not in _SAYS_NOTHING]
        for text in texts:
            with contextlib.suppress(UnknownCode):
                return to_byte(str(text))
        return self._codebook.byte(code.code) if texts else None


def open_source(context: OpenContext) -> IsamsSource:
    """Open the iSAMS of a school."""
    return IsamsSource(context)


class IsamsSource:
    """One school's iSAMS.

    Args:
        context: with the connection's ``host``, ``divisions``, ``am_type`` and ``pm_type``.
    """

    def __init__(self, context: OpenContext) -> None:
        manifest, connection = context.manifest, context.connection
        if manifest.http is None:
            raise ValueError("the manifest of this adapter has [http]")
        self._driver = driver_of(
            manifest,
            connection,
            context.transport,
            context.clock,
            context.gates,
            rules=context.rules,
        )
        self._http = manifest.http
        self._clock = context.clock
        self._codes = context.codes
        self._given = {name: value for name, value in connection.items() if isinstance(value, str)}
        self._base = fill(
            manifest.http.base, {f"connection.{k}": v for k, v in self._given.items()}
        )
        self._halves = {self._given["am_type"]: False, self._given["pm_type"]: True}
        meaning = (manifest.adapter.version, sorted(context.codes.items()), self._halves)
        self._meaning = repr(meaning).encode()

    async def read(self, plan: ReadPlan) -> AsyncGenerator[Batch]:
        """Give the batches of a plan; see ``source.Source``.

        Marks that were not seen are never taken for gone: only today's registers are told.
        """
        self._driver.begin()
        wanted = plan.streams or frozenset({"pupils", "sessions", "lessons"})
        failed: list[MisError] = []
        if "pupils" in wanted:
            try:
                yield await self._roll(plan)
            except _OWN as error:
                failed.append(error)
        marks = [stream for stream in ("sessions", "lessons") if stream in wanted]
        if marks:
            async for batch in self._registers(marks, plan, failed):
                yield batch
        if failed:
            raise failed[0]

    async def _registers(
        self, streams: Iterable[str], plan: ReadPlan, failed: list[MisError]
    ) -> AsyncGenerator[Batch]:
        """Give the marks of today's registers."""
        try:
            meanings = await self._meanings()
            slots, noted = await self._slots(plan.window)
        except _OWN as error:
            failed.append(error)
            return
        if noted:
            yield Batch("sessions", quarantined=noted, pages=0)
        now = self._clock.now()
        for stream in streams:
            due: dict[tuple[date, str], list[_Slot]] = {}
            for slot in slots:
                if slot.stream == stream and slot.begins <= now:
                    due.setdefault((slot.day, slot.tells_of), []).append(slot)
            for one in due.values():
                yield await self._marks(one, plan, meanings, failed)
            yield Batch(stream, last_of_stream=True, pages=0)

    async def check(self) -> Standing:
        """Ask for the roll, the codes and today's registration periods."""
        self._driver.begin()
        today = self._clock.now().astimezone(LONDON).date()
        pages = await self._pages((today, today))
        count = sum(len(msgspec.json.decode(raw, type=list[msgspec.Raw])) for raw, _ in pages)
        meanings = await self._meanings()
        slots, noted = await self._slots((today, today))
        detail = f"{count} pupils, {len(slots)} registration periods today"
        told = "".join(f"; {one.problem}: {one.value or one.place}" for one in noted)
        return Standing(count, meanings.unknown(), detail + told)

    async def _roll(self, plan: ReadPlan) -> Batch:
        pages = await self._pages(plan.window)
        digest = self._digest(*(named.encode() for _, named in pages))
        batch = Batch(
            "pupils",
            digests={"pupils:1": digest},
            unchanged=plan.knows("pupils:1", digest),
            last_of_stream=True,
            complete=True,
            pages=len(pages),
        )
        if not batch.unchanged:
            codes = Codebook({}, {})
            normaliser = Normaliser("pupils", PUPILS, codes, Lookups(), window=plan.window)
            read = [normaliser.decode(raw, number) for number, (raw, _) in enumerate(pages, 1)]
            batch.records = [record for page in read for record in page.records]
            batch.quarantined = [one for page in read for one in page.quarantined]
        return batch

    async def _pages(self, window: tuple[date, date]) -> list[tuple[bytes, str]]:
        """Read the roll: (records, digest) of each page."""
        scope = Scope("pupils", PUPILS, self._http, self._given, window, self._clock.now())
        async with aclosing(self._driver.pages(pull(scope))) as pages:
            return [(page.raw, page.digest) async for page in pages]

    async def _meanings(self) -> _Meanings:
        absent = await self._get("codes", "registration/absencecodes")
        present = await self._get("codes", "registration/presentcodes")
        return _Meanings(absent, present, self._codes)

    async def _slots(self, window: tuple[date, date]) -> tuple[list[_Slot], list[Quarantined]]:
        """Read today's registration periods, each once, in order of time."""
        found: dict[int, _Period] = {}
        for division in self._given["divisions"].replace(",", " ").split() or [""]:
            body = await self._get("periods", "registration/periods", divisionId=division)
            periods = decoded(body, _Periods, "periods").registration_periods
            found |= {period.id: period for period in periods}
        slots: list[_Slot] = []
        noted: list[Quarantined] = []
        for period in found.values():
            begins = _aware(period.start)
            day, starts = local_minute(begins)
            ends_on, ends = local_minute(_aware(period.finish))
            half = self._halves.get(period.registration_type)
            name = period.friendly_name.strip() or f"{starts // 60:02}:{starts % 60:02}"
            if ends_on != day or ends <= starts:
                problem = "the registration period ends on another day, or before it starts"
                noted.append(Quarantined("lessons", f"registration period {period.id}", problem))
            elif window[0] <= day <= window[1]:
                slots.append(_Slot(period.id, begins, day, half, name, starts, ends))
        if slots and all(slot.pm is None for slot in slots):
            types = ", ".join(sorted({period.registration_type for period in found.values()}))
            problem = "no registration period is of the type of the school's morning or afternoon: "
            problem += "set am_type and pm_type in its file"
            noted.append(Quarantined("sessions", "registration periods", problem, types))
        return sorted(slots, key=lambda slot: (slot.begins, slot.id)), noted

    async def _marks(
        self, slots: list[_Slot], plan: ReadPlan, meanings: _Meanings, failed: list[MisError]
    ) -> Batch:
        """Give the marks of one session or lesson, from each register that there is for it."""
        stream, key = slots[0].stream, f"{slots[0].stream}:{slots[0].tells_of}"
        bodies: list[bytes] = []
        read: list[tuple[_Slot, _Row]] = []
        wrong: list[Quarantined] = []
        for slot in slots:
            try:
                body = await self._get(stream, f"registration/register/{slot.id}")
                rows, strange = _rows(body, stream)
            except _OWN as error:
                failed.append(error)
                continue
            bodies.append(body)
            read += [(slot, row) for row in rows]
            place = f"registration period {slot.id}"
            wrong += [Quarantined(stream, place, problem) for problem in strange]
        whole = len(bodies) == len(slots)
        digest = self._digest(meanings.answers, repr(slots).encode(), *bodies)
        if whole and plan.knows(key, digest):
            return Batch(stream, digests={key: digest}, unchanged=True, pages=len(slots))
        marks = _chosen(read, meanings, wrong)
        digests = {key: digest} if whole else {}
        return Batch(stream, marks, quarantined=wrong, digests=digests, pages=len(slots))

    async def _get(self, stream: str, path: str, **query: str) -> bytes:
        asked = query_text(query.items())
        address = f"{self._base}api/{path}{f'?{asked}' if asked else ''}"
        request = Request("GET", address, self._http.headers, None, stream)
        return (await self._driver.send(request)).body

    def _digest(self, *parts: bytes) -> str:
        digest = hashlib.sha256(self._meaning)
        for part in parts:
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()[:40]


def _rows(body: bytes, stream: str) -> tuple[list[_Row], list[str]]:
    """Find the rows of a register, its only list whatever that is called, and what is no row.

    Raises:
        MisAnswerInvalid: there is no list or more than one, or no row has what a row needs.
        MisPagingBroken: the list is not whole.
    """
    document = decoded(body, dict[str, Any] | list[Any], stream)
    lists = [document]
    if isinstance(document, dict):
        lists = [value for value in document.values() if isinstance(value, list)]
        stated = document.get("totalCount")
        if len(lists) == 1 and isinstance(stated, int) and stated > len(lists[0]):
            raise MisPagingBroken(
                f"{stream}: {len(lists[0])} rows came, the MIS states {stated}: it sends registers "
                "in pages, which is not documented"
            )
    if len(lists) != 1:
        raise MisAnswerInvalid(f"{stream}: the register has {len(lists)} lists, one was expected")
    rows: list[_Row] = []
    wrong: list[str] = []
    for row in lists[0]:
        try:
            rows.append(msgspec.convert(row, _Row))
        except msgspec.ValidationError as error:
            # Its text names the place and the types, never a value.
            wrong.append(f"not the row that is known: {error}")
    if wrong and not rows:
        raise MisAnswerInvalid(f"{stream}: {wrong[0]}. Has the vendor renamed or moved a field?")
    return rows, wrong


def _chosen(
    read: Iterable[tuple[_Slot, _Row]], meanings: _Meanings, quarantined: list[Quarantined]
) -> list[SessionMark | LessonMark]:
    """Give one mark a pupil, whatever the order of the rows.

    A row that was taken comes before one that was not, presence before absence (somebody saw the
    child), and an absence without a reason before one with a reason (somebody should ask). What
    remains is decided by the code alone. A pupil who was present by a code that nobody knows is
    not made absent by another row.
    """
    seen: set[str] = set()
    found: dict[str, dict[int, tuple[tuple[bool, bool, bool], _Slot]]] = {}
    for slot, row in read:
        pupil = str(row.school_id)
        try:
            byte = meanings.of(row, pm=bool(slot.pm))
        except Unusable as unusable:
            quarantined.append(_noted(slot, pupil, unusable.problem, unusable.value))
            if row.is_present:
                seen.add(pupil)
            continue
        rank = (byte != NOT_TAKEN, row.is_present, byte == _NO_REASON)
        said = found.setdefault(pupil, {})
        if byte not in said or said[byte][0] < rank:
            said[byte] = rank, slot
    marks = []
    for pupil, said in sorted(found.items()):
        byte = max(said, key=lambda one: (said[one][0], one))
        (_, is_present, _), slot = said[byte]
        if pupil in seen and not is_present:
            continue
        taken = sorted(to_code(one) for one in said if one != NOT_TAKEN)
        if len(taken) > 1:
            problem = "the register has rows that disagree: presence was taken before absence, and "
            problem += "an absence without a reason before one with a reason"
            quarantined.append(_noted(slot, pupil, problem, " ".join(taken)))
        marks.append(slot.mark(pupil, byte))
    return marks


def _noted(slot: _Slot, pupil: str, problem: str, value: str) -> Quarantined:
    return Quarantined(slot.stream, f"registration period {slot.id} pupil {pupil}", problem, value)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=LONDON)
