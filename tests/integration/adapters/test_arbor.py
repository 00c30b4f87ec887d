"""The shipped Arbor adapter over real HTTP: what its answers of 200 really mean."""

from __future__ import annotations

import base64
import json
import logging
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge import errors
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.registers.calendar import local_minute
from mis_bridge.registers.codes import NOT_TAKEN, is_on_site, to_code
from mis_bridge.registers.day_sheet import DaySheet, Entry, Slot, SlotKind
from mis_bridge.service.settling import settle
from mis_bridge.triggers.model import PupilDay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mis_bridge.adapters.records import LessonMark
    from mis_bridge.adapters.source import Batch, Source

MONDAY = date(2026, 10, 26)
WINDOW = (date(2026, 10, 23), MONDAY)
ROLL_CALLS = "roll-calls-2026-10-26-0.json"
RECORDS = "records-2026-10-26-0.json"
OPENED = "records-2026-10-26-1.json"


@pytest.fixture
def arbor(serve: Callable[[str], Any]) -> Any:
    """A school whose Arbor answers with the adapter's fixtures."""
    return serve("arbor")


async def taken(source: Source) -> tuple[list[Batch], errors.MisError | None]:
    """Read until the end or an error."""
    batches: list[Batch] = []
    try:
        async for batch in source.read(ReadPlan(window=WINDOW, sweep=True)):
            batches.append(batch)  # noqa: PERF401 - what came before an error counts
    except errors.MisError as error:
        return batches, error
    return batches, None


def records(batches: list[Batch], stream: str) -> list[Any]:
    """Give the records of a stream."""
    return [record for batch in batches if batch.stream == stream for record in batch.records]


def lessons(batches: list[Batch], pupil: str, starts: str) -> list[LessonMark]:
    """Give a pupil's marks of the lesson that begins then on Monday."""
    marks: list[LessonMark] = records(batches, "lessons")
    return [m for m in marks if (m.pupil, m.day, m.period) == (pupil, MONDAY, starts)]


async def test_the_application_shows_who_it_is_and_asks_by_the_day(arbor: Any) -> None:
    """Basic authentication and the name that the school's file gives, at every request."""
    source = arbor.open("host", user_agent="Mozilla/5.0 (invented)")

    batches, error = await taken(source)

    assert error is None
    assert {batch.stream for batch in batches} == {"pupils", "sessions", "lessons"}
    pair = base64.b64encode(f"invented-application:{arbor.secret}".encode()).decode()
    assert {sent["Authorization"] for sent in arbor.sent} == {f"Basic {pair}"}
    assert {sent["User-Agent"] for sent in arbor.sent} == {"Mozilla/5.0 (invented)"}
    asked = [json.loads(one.partition("query? ")[2])["query"] for one in arbor.lines]
    days = [
        query.partition("recordDate_after_or_equal: ")[2][:12]
        for query in asked
        if "RollCallRecord" in query and "page_num: 0" in query
    ]
    assert days == ['"2026-10-26"', '"2026-10-23"']


async def test_a_list_goes_on_until_a_page_is_empty(arbor: Any) -> None:
    """A page with fewer rows than were asked for may only be what Arbor gives at most."""
    batches, _ = await taken(arbor.open("host", page_size="3"))

    assert len(json.loads(arbor.bodies["students-1.json"])["data"]["Student"]) < 3
    pages = re.findall(r" Student\(page_size: 3, page_num: (\d+)\)", "".join(arbor.lines))
    assert list(dict.fromkeys(pages)) == ["0", "1", "2"]
    assert len(records(batches, "pupils")) == 4


# ---- errors in answers of 200


NO_ACCESS = "You do not have access to `AttendanceRollCallRecord.recordDate`."
NO_FIELD = 'Cannot query field "modifiedDatetime" on type "AttendanceRollCallRecord".'


@pytest.mark.parametrize(
    ("document", "kind", "told", "advice"),
    [
        (
            {"errors": [{"message": NO_ACCESS}]},
            errors.MisPermissionMissing,
            NO_ACCESS,
            "add the named property to its permissions",
        ),
        (
            {"errors": [{"message": NO_ACCESS}], "data": {"AttendanceRollCallRecord": []}},
            errors.MisPermissionMissing,
            NO_ACCESS,
            "Ask whoever looks after the application",
        ),
        (
            {"errors": [{"message": NO_FIELD}], "data": None},
            errors.MisRequestRefused,
            NO_FIELD,
            "Report these words",
        ),
        (
            {"response": {"code": 403, "reason": "Forbidden"}},
            errors.MisPermissionMissing,
            "Forbidden",
            "Ask the school to approve the application",
        ),
        ({"data": None}, errors.MisAnswerInvalid, "no list", ""),
        ({"data": {}}, errors.MisAnswerInvalid, "no list", ""),
    ],
)
async def test_an_error_in_an_answer_of_200_costs_its_list_and_says_what_to_ask_for(
    arbor: Any, document: Any, kind: type[errors.MisError], told: str, advice: str
) -> None:
    """Roll and lessons are read all the same; no roll call is taken for nobody absent."""
    arbor.change(ROLL_CALLS, lambda _: document)

    batches, error = await taken(arbor.open("host"))

    assert type(error) is kind
    assert str(error).startswith("sessions: ")
    assert told in str(error)
    assert advice in error.advice
    assert not [batch for batch in batches if batch.stream == "sessions"]
    assert records(batches, "pupils")
    assert records(batches, "lessons")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, errors.MisAuthFailed),
        (429, errors.MisThrottled),
        (503, errors.MisUnavailable),
        (404, errors.MisNotThere),
    ],
)
async def test_the_code_in_arbors_envelope_overrides_the_status(
    arbor: Any, code: int, kind: type[errors.MisError]
) -> None:
    """As in Arbor's own SDK: the HTTP status says 200."""
    envelope = {"response": {"code": code, "reason": "invented reason", "errors": []}}
    for file in arbor.bodies:
        arbor.change(file, lambda _: envelope)

    batches, error = await taken(arbor.open("host"))

    assert type(error) is kind
    assert "invented reason" in str(error)
    assert not [batch for batch in batches if batch.records]


async def test_an_empty_roll_is_a_privilege_that_is_missing_and_not_a_school_without_pupils(
    arbor: Any,
) -> None:
    """Without privilege, Arbor has been seen to answer with nothing."""
    for file in ("students-0.json", "students-1.json"):
        arbor.change(file, lambda _: {"data": {"Student": []}})

    batches, error = await taken(arbor.open("host"))

    assert isinstance(error, errors.MisAnswerInvalid)
    assert "empty list" in str(error)
    assert records(batches, "sessions")


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_no_error_and_no_log_line_tells_of_a_pupil_or_a_secret(
    arbor: Any, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the MIS repeats the token in its words."""
    words = f"token {arbor.secret} is not good enough"
    for file in arbor.bodies:
        arbor.change(file, lambda document: document | {"errors": [{"message": words}]})
        arbor.statuses[file] = status

    with caplog.at_level(logging.DEBUG):
        _, error = await taken(arbor.open("host"))

    ours = [one.getMessage() for one in caplog.records if not one.name.startswith("werkzeug")]
    told = f"{error!r} {error} {error.advice if error else ''} {ours}"
    assert error is not None
    values = (arbor.secret, "Testpupil", "Samplechild", "Z999900001101")
    assert [value for value in values if value in told] == []


# ---- marks that are none


async def test_a_redundant_row_is_not_a_mark(arbor: Any) -> None:
    """Another row of the same lesson stands for it; without the flag it would be one."""
    batches, _ = await taken(arbor.open("host"))
    assert [to_code(mark.code) for mark in lessons(batches, "1102", "09:00")] == ["L"]

    def needed(document: Any) -> Any:
        for row in document["data"]["AttendanceRecord"]:
            row["isRedundant"] = False
        return document

    arbor.change(RECORDS, needed)
    batches, _ = await taken(arbor.open("host"))
    assert [to_code(mark.code) for mark in lessons(batches, "1102", "09:00")] == ["L", "N"]


async def test_a_row_without_a_mark_is_a_register_that_was_not_taken(arbor: Any) -> None:
    """Neither a presence nor an absence, in a roll call as in a lesson."""
    batches, _ = await taken(arbor.open("host"))

    (lesson,) = lessons(batches, "1101", "11:00")
    assert lesson.code == NOT_TAKEN
    roll_calls = {(m.pupil, m.day, m.pm): m.code for m in records(batches, "sessions")}
    assert roll_calls["1103", MONDAY, False] == NOT_TAKEN


def seen(batches: list[Batch], pupil: str, read_at: datetime) -> Iterator[str]:
    """Give the lessons in which a pupil counts as seen, after a good reading at some time."""
    entries = [
        (
            Slot(mark.period, SlotKind.LESSON, mark.starts, mark.ends),
            Entry(
                mark.code,
                local_minute(mark.recorded)[1] if mark.recorded else None,
                mark.register,
                settled=mark.settled,
            ),
        )
        for mark in records(batches, "lessons")
        if (mark.pupil, mark.day) == (pupil, MONDAY)
    ]
    day = PupilDay(pupil, DaySheet(MONDAY, tuple(sorted(entries, key=lambda one: one[0].starts))))
    ((settled,), _) = settle([day], MONDAY, read_at, read_at)
    for slot, entry in settled.sheet.entries:
        if entry.settled and is_on_site(entry.code):
            yield slot.name


async def test_a_register_that_is_opened_and_not_completed_is_not_yet_presence(arbor: Any) -> None:
    """Marked at 10:00 in an open register: not at 10:04, but at a reading at 10:05."""
    batches, _ = await taken(arbor.open("host"))

    early = datetime(2026, 10, 26, 10, 4, tzinfo=UTC)
    assert list(seen(batches, "1101", early)) == ["09:00"]
    assert list(seen(batches, "1101", early + timedelta(minutes=1))) == ["09:00", "10:00"]


async def test_a_register_that_is_completed_is_presence_at_once(arbor: Any) -> None:
    """The teacher has said so."""

    def completed(document: Any) -> Any:
        for row in document["data"]["AttendanceRecord"]:
            row["attendanceRegister"]["completedDatetime"] = "2026-10-26 10:01:00"
        return document

    arbor.change(OPENED, completed)
    batches, _ = await taken(arbor.open("host"))

    at_once = datetime(2026, 10, 26, 10, 2, tzinfo=UTC)
    assert list(seen(batches, "1101", at_once)) == ["09:00", "10:00"]


# ---- what a look at the school says


async def test_a_check_counts_the_pupils_and_names_the_marks_that_nobody_knows(arbor: Any) -> None:
    """Those of the school's own that neither its file nor Arbor's flags explain."""
    standing = await arbor.open("host", page_size="3").check()

    assert standing.unknown_codes == ("%", "€")
    assert standing.detail == "more than 3 pupils"
