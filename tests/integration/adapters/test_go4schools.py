"""The shipped GO 4 Schools adapter over real HTTP: envelopes, reasons, days, classes."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge import errors
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.registers.codes import NOT_TAKEN, is_away, to_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.adapters.source import Batch, Source

MONDAY = date(2026, 10, 26)
WINDOW = (date(2026, 10, 22), MONDAY)
SESSIONS = ("sessions-2026-10-26-1.json", "sessions-2026-10-26-2.json", "sessions-2026-10-23.json")
LESSONS = ("lessons-2026-10-26-1.json", "lessons-2026-10-26-2.json", "lessons-2026-10-23.json")


REASON = '{"error":"Bad Request","message":"%s"}'
REFUSED = "refused.json"


@pytest.fixture
def school(serve: Callable[[str], Any]) -> Any:
    """A school whose GO 4 Schools answers with the adapter's fixtures, and refuses the 22nd."""
    served = serve("go4schools")
    served.bodies[REFUSED] = (REASON % "Invalid date.").encode()
    served.statuses[REFUSED] = 400
    for kind in ("session", "lesson"):
        address = (
            f"/customer/v1/academic-years/2027/attendance/student-{kind}-marks/date/2026-10-22"
        )
        served.plan["exchange"].append({"get": address, "body": REFUSED})
    return served


async def taken(
    source: Source, window: tuple[date, date] = WINDOW
) -> tuple[list[Batch], errors.MisError | None]:
    """Read until the end or an error."""
    batches: list[Batch] = []
    try:
        async for batch in source.read(ReadPlan(window=window, sweep=True)):
            batches.append(batch)  # noqa: PERF401 - what came before an error counts
    except errors.MisError as error:
        return batches, error
    return batches, None


def records(batches: list[Batch], stream: str) -> list[Any]:
    """Give the records of a stream."""
    return [record for batch in batches if batch.stream == stream for record in batch.records]


def paths(school: Any) -> list[str]:
    """Give the addresses that were asked for, below the academic year."""
    return [one.partition("/academic-years/")[2].partition("?")[0] for one in school.lines]


async def test_the_key_is_sent_and_each_school_day_is_asked_for_once(school: Any) -> None:
    """The newest day first, in the academic year that ends in 2027, and no weekend."""
    _, error = await taken(school.open("domain"))

    assert error is None
    assert {sent["Authorization"] for sent in school.sent} == {f"Bearer {school.secret}"}
    days = [path[-10:] for path in paths(school) if "session-marks" in path]
    assert list(dict.fromkeys(days)) == ["2026-10-26", "2026-10-23", "2026-10-22"]
    assert {path.partition("/")[0] for path in paths(school)} == {"2027"}


async def test_a_day_of_last_year_is_asked_for_in_last_year(school: Any) -> None:
    """In the first days of September the window reaches back into July."""
    await taken(school.open("domain"), (date(2026, 7, 31), date(2026, 8, 3)))

    days = [path for path in paths(school) if "session-marks" in path]
    assert days == [
        "2027/attendance/student-session-marks/date/2026-08-03",
        "2026/attendance/student-session-marks/date/2026-07-31",
    ]


# ---- envelopes


def bare(document: Any) -> Any:
    """The list of an envelope alone."""
    if isinstance(document, list):
        return document
    (rows,) = [value for value in document.values() if isinstance(value, list)]
    return rows


def enveloped(key: str) -> Callable[[Any], Any]:
    """A list in an envelope that is its only page."""
    return lambda document: {key: bare(document), "has_more": False, "cursor": None}


@pytest.mark.parametrize(
    ("files", "key", "stream"),
    [
        (SESSIONS, "StudentSessionMarks", "sessions"),
        (SESSIONS, "student_session_marks", "sessions"),
        (LESSONS, "StudentLessonMarks", "lessons"),
        (("codes.json",), "AttendanceCodes", "sessions"),
        (("timetables.json",), "Timetables", "lessons"),
    ],
)
async def test_a_bare_array_and_an_envelope_give_the_same_marks(
    school: Any, files: tuple[str, ...], key: str, stream: str
) -> None:
    """One page each, so that there is nothing to go on to."""
    for first, second in (SESSIONS[:2], LESSONS[:2]):
        # A bare array has no second page: all rows come with the first.
        more = bare(json.loads(school.bodies[second]))
        school.change(first, lambda document, more=more: [*bare(document), *more])
    for file in files:
        school.change(file, bare)
    as_array, error = await taken(school.open("domain"))
    assert error is None
    for file in files:
        school.change(file, enveloped(key))
    in_envelope, error = await taken(school.open("domain"))
    assert error is None

    assert records(as_array, stream)
    assert records(as_array, stream) == records(in_envelope, stream)
    told = [
        [q.value for b in batches for q in b.quarantined] for batches in (as_array, in_envelope)
    ]
    assert told[0] == told[1]


async def test_an_envelope_with_another_list_is_not_a_day_without_marks(school: Any) -> None:
    """Renamed overnight: the vendor's list is not found, and nobody is taken for present."""
    school.change(SESSIONS[0], lambda document: {"Marks": bare(document), "has_more": False})

    batches, error = await taken(school.open("domain"))

    assert isinstance(error, errors.MisAnswerInvalid)
    assert "StudentSessionMarks" in str(error)
    assert not records(batches, "sessions")
    assert records(batches, "lessons")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"has_more": True, "cursor": None}, "not where"),
        ({"has_more": True, "cursor": 2102}, "a page came twice"),
    ],
)
async def test_a_list_that_leads_nowhere_is_not_a_list_that_ends(
    school: Any, change: dict[str, Any], told: str
) -> None:
    """More without a cursor, and a cursor that gives the same page again."""
    school.change(SESSIONS[0], lambda document: document | change)
    if change["cursor"]:
        school.bodies[SESSIONS[1]] = school.bodies[SESSIONS[0]]

    _, error = await taken(school.open("domain"))

    assert isinstance(error, errors.MisPagingBroken)
    assert told in str(error)


# ---- marks that are none


async def test_a_null_mark_is_a_register_not_taken_and_never_an_absence(school: Any) -> None:
    """In a session as in a lesson; a mark that points to a code is never one."""
    batches, _ = await taken(school.open("domain"))

    (session,) = [
        m for m in records(batches, "sessions") if (m.pupil, m.day, m.pm) == ("2103", MONDAY, False)
    ]
    (lesson,) = [m for m in records(batches, "lessons") if (m.pupil, m.period) == ("2101", "P2")]
    assert session.code == lesson.code == NOT_TAKEN
    assert not is_away(session.code)

    def marked(document: Any) -> Any:
        for row in document["StudentSessionMarks"]:
            row["session_mark_id"] = row["session_mark_id"] or 13
        return document

    school.change(SESSIONS[1], marked)
    batches, _ = await taken(school.open("domain"))
    (session,) = [
        m for m in records(batches, "sessions") if (m.pupil, m.day, m.pm) == ("2103", MONDAY, False)
    ]
    assert to_code(session.code) == "N"


async def test_an_alias_does_not_decide_what_a_mark_means(school: Any) -> None:
    """Its id is the id of another code by chance: illness stays illness."""
    batches, _ = await taken(school.open("domain"))

    marks = [m for m in records(batches, "sessions") if (m.pupil, m.day) == ("2104", MONDAY)]
    assert [to_code(mark.code) for mark in marks] == ["I"]


# ---- the vendor's reasons


@pytest.mark.parametrize(
    "body",
    [
        REASON % "Attendance Invalid Mode",
        '{"StatusCode":400,"Errors":[{"Detail":"Attendance invalid mode"}]}',
        "Attendance Invalid Mode",
        "<Error>AttendanceInvalidMode</Error>",
    ],
)
async def test_a_mode_without_session_registers_is_told_with_what_to_ask(
    school: Any, body: str
) -> None:
    """Whatever the shape of the refusal, which is not public; the lessons are read."""
    for file in SESSIONS:
        school.bodies[file], school.statuses[file] = body.encode(), 400

    batches, error = await taken(school.open("domain"))

    assert isinstance(error, errors.MisNotThere)
    assert str(error) == "sessions: the MIS does not have this: " + (
        "AttendanceInvalidMode" if "<" in body else "Attendance Invalid Mode"
    )
    assert "attendance mode" in error.advice
    assert not records(batches, "sessions")
    assert records(batches, "lessons")
    assert records(batches, "pupils")


async def test_a_mode_without_lesson_registers_is_no_failure(school: Any) -> None:
    """The school takes sessions only."""
    for file in LESSONS:
        school.bodies[file], school.statuses[file] = (
            (REASON % "Attendance Invalid Mode").encode(),
            400,
        )

    batches, error = await taken(school.open("domain"))

    assert error is None
    assert records(batches, "sessions")
    assert not records(batches, "lessons")


@pytest.mark.parametrize(
    ("status", "reason", "kind", "advice"),
    [
        (400, "Invalid Academic Year", errors.MisNotThere, "has been set up"),
        (400, "Invalid School", errors.MisNotThere, "Check the school's id"),
        (400, "Something new", errors.MisRequestRefused, ""),
        (401, "Unauthorised", errors.MisAuthFailed, "new token"),
        (403, "Forbidden", errors.MisPermissionMissing, "Ask the school"),
        (429, "Too many requests", errors.MisThrottled, ""),
        (500, "Error", errors.MisUnavailable, ""),
    ],
)
async def test_every_refusal_has_its_state(
    school: Any, status: int, reason: str, kind: type[errors.MisError], advice: str
) -> None:
    """And none of them is a school without absences."""
    for file in school.bodies:
        school.bodies[file], school.statuses[file] = (REASON % reason).encode(), status

    batches, error = await taken(school.open("domain"))

    assert type(error) is kind
    assert advice in error.advice
    assert school.secret not in f"{error!r} {error.advice}"
    assert not [batch for batch in batches if batch.records]


async def test_a_day_that_is_refused_is_passed_over_and_nothing_of_it_is_gone(school: Any) -> None:
    """The MIS calls the 22nd invalid: a day before its year, perhaps, or a holiday."""
    batches, error = await taken(school.open("domain"))

    assert error is None
    assert {mark.day for mark in records(batches, "sessions")} == {MONDAY, date(2026, 10, 23)}
    (last,) = [b for b in batches if b.stream == "sessions" and b.last_of_stream]
    assert not last.complete


async def test_that_today_is_refused_is_told(school: Any) -> None:
    """Friday's marks are read; but nobody would be watched today."""
    for file in SESSIONS[:2]:
        school.bodies[file], school.statuses[file] = (REASON % "Invalid date.").encode(), 400

    batches, error = await taken(school.open("domain"))

    assert isinstance(error, errors.MisNotThere)
    assert "first and last day" in error.advice
    assert {mark.day for mark in records(batches, "sessions")} == {date(2026, 10, 23)}


# ---- lessons


async def test_a_mark_of_a_class_has_the_hour_of_its_weekday(school: Any) -> None:
    """The class 5006 meets on Mondays and on Fridays: P1 of either day, never the other."""
    periods = json.loads(school.bodies["timetables.json"])
    for table in periods["Timetables"]:
        for period in table["periods"]:
            if period["day_of_week"] == "Friday":
                period["start"], period["end"] = "2026-09-01T14:00:00", "2026-09-01T15:00:00"
    school.bodies["timetables.json"] = json.dumps(periods).encode()

    batches, _ = await taken(school.open("domain"))

    marks = [m for m in records(batches, "lessons") if m.register == "5006"]
    assert {(m.day.strftime("%A"), m.starts // 60) for m in marks} == {
        ("Monday", 9),
        ("Friday", 14),
    }


async def test_lessons_without_a_timetable_are_set_aside_and_not_lost(school: Any) -> None:
    """Nobody knows when they were: each is told by its class, and sessions are read."""
    for file in ("timetables.json", "classes-1.json", "classes-2.json"):
        school.statuses[file] = 404

    batches, error = await taken(school.open("domain"))

    assert error is None
    assert not records(batches, "lessons")
    aside = [q.value for b in batches for q in b.quarantined if q.stream == "lessons"]
    assert sorted(set(aside)) == ["5001", "5002", "5003", "5004", "5005", "5006", "5999"]
