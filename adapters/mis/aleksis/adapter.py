# ruff: noqa: INP001 - an adapter's folder is no package
"""AlekSIS over GraphQL: the roll in one request, then a request a day, the newest day first.

AlekSIS answers a session that has ended with HTTP 200 and empty lists. Every query therefore asks
who it is, and is believed only if the answer is somebody. A lesson whose register nobody has
opened comes without marks: everybody in its groups then has a mark that says so.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from mis_bridge.adapters.driver import Driver, driver_of
from mis_bridge.adapters.envelope import decoded
from mis_bridge.adapters.flow import Request
from mis_bridge.adapters.lookups import Codebook
from mis_bridge.adapters.records import LessonMark, PupilRecord
from mis_bridge.adapters.source import Batch, Quarantined, Standing
from mis_bridge.adapters.template import fill
from mis_bridge.adapters.values import Unusable
from mis_bridge.errors import MisAnswerInvalid, MisAuthFailed, MisPermissionMissing
from mis_bridge.registers.calendar import local_minute
from mis_bridge.registers.codes import NOT_TAKEN, to_byte

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence

    from mis_bridge.adapters.registry import OpenContext
    from mis_bridge.adapters.source import ReadPlan

__all__ = ["AleksisSource", "open_source"]

LOOK_BACK: Final = timedelta(days=45)
"""Lessons are kept for some weeks only: a first reading does not ask for a whole year of them."""

_PRESENT: Final = to_byte("/")
_LATE: Final = to_byte("L")
_NULL: Final = b"null"
_SEXES: Final = {"m": "M", "f": "F"}

_ROLL: Final = Path(__file__).with_name("roll.graphql").read_text("utf-8")
_REGISTERS: Final = Path(__file__).with_name("registers.graphql").read_text("utf-8")


class _Table(msgspec.Struct, rename="camel", gc=False):
    """An object of the answers; fields that nobody asked for are passed over."""


class _Thing(_Table):
    id: str = ""
    short_name: str = ""


class _Owned(_Table):
    id: str
    child_groups: list[_Thing]


class _Owner(_Table):
    owner_of: list[_Owned]


class _User(_Table):
    is_anonymous: bool
    person: _Owner | None = None


class _Term(_Table):
    date_start: date
    date_end: date


class _Member(_Table):
    id: str
    first_name: str = ""
    last_name: str = ""
    date_of_birth: date | None = None
    sex: str | None = None
    primary_group: _Thing | None = None


class _Group(_Table):
    id: str
    members: list[_Member]
    short_name: str = ""


class _Roll(_Table):
    groups: list[_Group]
    coursebook_absence_reasons: list[_Thing]
    who_am_i: _User
    active_school_term: _Term | None = None


class _Lesson(_Table):
    """A lesson; ``amends`` is the one that it takes the place of, whose groups then count."""

    groups: list[_Thing]
    id: str = ""
    slot_number_start: int | None = None
    cancelled: bool = False
    amends: _Lesson | None = None


class _Mark(_Table):
    person: _Thing
    absence_reason: _Thing | None = None
    base_absence: _Thing | None = None
    tardiness: int | None = None


class _Register(_Table):
    datetime_start: datetime
    datetime_end: datetime
    can_view_participation_status: bool | None
    amends: _Lesson
    participations: list[_Mark] | None


class _Registers(_Table):
    documentations_for_coursebook: list[_Register]


class _Known(_Table):
    """The part of every answer that is looked at first."""

    who_am_i: _User


class _Fault(_Table):
    path: list[str | int] | None = None


class _Envelope(_Table):
    data: msgspec.Raw = msgspec.Raw(_NULL)
    errors: list[_Fault] | None = None


Answer = TypeVar("Answer", _Roll, _Registers)


def open_source(context: OpenContext) -> AleksisSource:
    """Open the AlekSIS of a school.

    Args:
        context: with the connection's ``host``, ``session`` and ``scheme``.
    """
    manifest, connection = context.manifest, context.connection
    if manifest.http is None:
        raise ValueError("the manifest of this adapter has [http]")
    driver = driver_of(
        manifest,
        connection,
        context.transport,
        context.clock,
        context.gates,
        rules=context.rules,
    )
    plain = {f"connection.{k}": v for k, v in connection.items() if isinstance(v, str)}
    headers = {**manifest.http.headers, "Content-Type": "application/json"}
    address = fill(manifest.http.base, plain) + "graphql/"
    return AleksisSource(driver, address, headers, context.codes, manifest.adapter.version)


class _School:
    """The roll as one reading found it.

    Args:
        answer: to the query ``Roll``.
        digest: of the answer and of all that decides what it means.
    """

    def __init__(self, answer: _Roll, digest: bytes) -> None:
        person = answer.who_am_i.person
        owned = person.owner_of if person is not None else []
        ours = {group.id for group in owned}
        ours |= {child.id for group in owned for child in group.child_groups}
        self.digest = digest
        self.term = answer.active_school_term
        self.reasons = [reason.short_name for reason in answer.coursebook_absence_reasons]
        self.members = {group.id: [m.id for m in group.members] for group in answer.groups}
        own = [group for group in answer.groups if group.id in ours]
        self.pupils = {member.id: member for group in own for member in group.members}
        unseen = (group for group in answer.groups if group.members and group.id not in ours)
        self.unseen = sorted(group.short_name or group.id for group in unseen)

    def records(self) -> list[PupilRecord]:
        """Everybody in the groups of the account, in order of the id."""
        return [
            PupilRecord(
                pupil=one.id,
                surname=one.last_name,
                forename=one.first_name,
                dob=one.date_of_birth,
                sex=_SEXES.get((one.sex or "").lower(), ""),
                form=one.primary_group.short_name if one.primary_group else "",
            )
            for _, one in sorted(self.pupils.items())
        ]


class AleksisSource:
    """One school's AlekSIS.

    Args:
        driver: makes the requests.
        address: of the GraphQL endpoint.
        headers: of every request, without the credential.
        codes: short names of the school's absence reasons -> register codes.
        version: of the adapter.
    """

    def __init__(
        self,
        driver: Driver,
        address: str,
        headers: Mapping[str, str],
        codes: Mapping[str, str],
        version: str,
    ) -> None:
        self._driver = driver
        self._address = address
        self._headers = dict(headers)
        self._codes = Codebook(codes, {})
        self._meaning = repr((version, sorted(codes.items()))).encode()

    async def read(self, plan: ReadPlan) -> AsyncGenerator[Batch]:
        """Give the batches of a plan; see ``source.Source``."""
        self._driver.begin()
        school = await self._school()
        term = school.term
        if term is None or not term.date_start <= plan.window[1] <= term.date_end:
            raise MisAnswerInvalid(
                f"the account's school year in AlekSIS does not hold {plan.window[1].isoformat()}: "
                "no lesson of today would be shown; set up the school year, or choose it for the "
                "account"
            )
        if plan.streams is None or "pupils" in plan.streams:
            known = plan.knows("pupils:1", school.digest.hex())
            yield Batch(
                "pupils",
                [] if known else school.records(),
                digests={"pupils:1": school.digest.hex()},
                unchanged=known,
                last_of_stream=True,
                complete=True,
            )
        if plan.streams is None or "lessons" in plan.streams:
            async for batch in self._lessons(plan, school, term):
                yield batch

    async def check(self) -> Standing:
        """Ask who this is, for the roll and for the absence reasons."""
        self._driver.begin()
        school = await self._school()
        unknown = [code for code in school.reasons if not self._knows(code)]
        detail = f"signed in, {len(school.pupils)} pupils"
        if school.unseen:
            detail += (
                "; lessons are not shown of the groups "
                f"{', '.join(school.unseen)}, which are not below a group that the account owns"
            )
        return Standing(len(school.pupils), tuple(sorted(set(unknown))), detail)

    async def _school(self) -> _School:
        answer, body = await self._ask("pupils", _ROLL, {}, _Roll)
        school = _School(answer, self._digest(body))
        if not school.pupils:
            raise MisPermissionMissing(
                "pupils: no group with members is below a group that the account owns, or it may "
                "not see them: look at the adapter's README for what to grant"
            )
        return school

    async def _lessons(self, plan: ReadPlan, school: _School, term: _Term) -> AsyncGenerator[Batch]:
        """Give the lessons of the window, a day a batch."""
        wanted = max(plan.window[0], term.date_start)
        first = max(wanted, plan.window[1] - LOOK_BACK)
        days = [
            plan.window[1] - timedelta(days=n) for n in range((plan.window[1] - first).days + 1)
        ]
        if plan.resume.get("lessons"):
            # The newest day always comes first: an interrupted reading is not taken up.
            yield Batch("lessons", resume={"lessons": ""}, pages=0)
        hidden = 0
        for place, day in enumerate(days):
            found, body = await self._ask(
                "lessons", _REGISTERS, {"day": day.isoformat()}, _Registers
            )
            digest = self._digest(school.digest, body).hex()
            key = f"lessons:{day.isoformat()}"
            known = plan.knows(key, digest)
            registers = [
                register
                for register in found.documentations_for_coursebook
                if not register.amends.cancelled
            ]
            hidden += sum(not register.can_view_participation_status for register in registers)
            quarantined: list[Quarantined] = []
            records = [] if known else list(self._marks(registers, school, quarantined))
            last = place == len(days) - 1
            yield Batch(
                "lessons",
                records,
                resume={"lessons": "" if last else days[place + 1].isoformat()},
                quarantined=quarantined,
                digests={key: digest},
                unchanged=known,
                last_of_stream=last,
                complete=last and not hidden and first == wanted,
            )
        if hidden:
            raise MisPermissionMissing(
                f"lessons: the marks of {hidden} lessons are not shown to the account: grant it "
                "the global permission alsijil.change_participationstatus"
            )

    def _marks(
        self, registers: Sequence[_Register], school: _School, quarantined: list[Quarantined]
    ) -> Iterator[LessonMark]:
        """Give the marks of a day's registers that the account may see."""
        taken: set[tuple[str, date, str]] = set()
        for register in sorted(registers, key=lambda r: (r.datetime_start, r.amends.id)):
            lesson = register.amends
            day, starts = local_minute(register.datetime_start)
            ends_on, ends = local_minute(register.datetime_end)
            place = f"{day.isoformat()} lesson {lesson.id}"
            if ends_on != day or ends <= starts:
                problem = "the lesson ends on another day, or before it starts"
                quarantined.append(Quarantined("lessons", place, problem))
                continue
            if not register.can_view_participation_status:
                continue
            for pupil, code, settled in self._codes_of(register, school, place, quarantined):
                period = _free_name(_period(lesson, starts), (pupil, day), taken)
                yield LessonMark(pupil, day, period, starts, ends, code, None, lesson.id, settled)

    def _codes_of(
        self,
        register: _Register,
        school: _School,
        place: str,
        quarantined: list[Quarantined],
    ) -> Iterator[tuple[str, int, bool]]:
        """Give who has which mark, and whether a person made it."""
        if not register.participations:
            lesson = register.amends.amends or register.amends
            groups = [one.id for one in lesson.groups]
            for group in sorted(set(groups) - school.members.keys()):
                problem = "the register is not taken, and its group is not shown to the account"
                quarantined.append(Quarantined("lessons", place, problem, group))
            expected = {pupil for group in groups for pupil in school.members.get(group, ())}
            yield from ((pupil, NOT_TAKEN, True) for pupil in sorted(expected))
            return
        for mark in register.participations:
            if mark.absence_reason is not None:
                code = mark.absence_reason.short_name
                try:
                    # An absence that the office entered is filled in when the register is opened.
                    yield mark.person.id, self._codes.byte(code), mark.base_absence is None
                except Unusable as unusable:
                    problem = f"{unusable.problem} (pupil {mark.person.id})"
                    quarantined.append(Quarantined("lessons", place, problem, code))
            elif mark.tardiness:
                yield mark.person.id, _LATE, True
            else:
                yield mark.person.id, _PRESENT, False

    def _knows(self, code: str) -> bool:
        try:
            self._codes.byte(code)
        except Unusable:
            return False
        return True

    async def _ask(
        self, stream: str, query: str, variables: Mapping[str, str], shape: type[Answer]
    ) -> tuple[Answer, bytes]:
        """Ask one query.

        Raises:
            MisAuthFailed: nobody is signed in.
            MisError: as the driver raises it; the answer is not the documented one.
        """
        content = msgspec.json.encode({"query": query, "variables": variables})
        request = Request("POST", self._address, self._headers, content, stream)
        body = (await self._driver.send(request)).body
        answer = decoded(body, _Envelope, stream)
        data = bytes(answer.data)
        # Before the errors: without a session some fields fail, and that is why.
        if data != _NULL and decoded(data, _Known, stream).who_am_i.is_anonymous:
            raise MisAuthFailed(
                f"{stream}: nobody is signed in, the session has ended: sign in to AlekSIS as the "
                "account and store the new cookie"
            )
        if answer.errors or data == _NULL:
            where = next(
                (f" at {fault.path[0]}" for fault in answer.errors or () if fault.path), ""
            )
            raise MisAnswerInvalid(f"{stream}: AlekSIS reports an error{where} and no data")
        return decoded(data, shape, stream), body

    def _digest(self, *parts: bytes) -> bytes:
        digest = hashlib.sha256(self._meaning)
        for part in parts:
            digest.update(part)
        return digest.digest()[:20]


def _period(lesson: _Lesson, starts: int) -> str:
    """Name a lesson's place in the day by the timetable's number, else by its time."""
    number = lesson.slot_number_start
    if number is None and lesson.amends is not None:
        number = lesson.amends.slot_number_start
    return f"{starts // 60:02}:{starts % 60:02}" if number is None else f"P{number}"


def _free_name(name: str, of: tuple[str, date], taken: set[tuple[str, date, str]]) -> str:
    """Tell two lessons of one pupil in one place of the day apart: both are told of."""
    free, number = name, 1
    while (*of, free) in taken:
        number += 1
        free = f"{name} ({number})"
    taken.add((*of, free))
    return free
