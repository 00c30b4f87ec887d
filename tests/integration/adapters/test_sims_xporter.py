"""SIMS through Xporter on Demand over real HTTP, from its fixtures and from made-up schools."""

from __future__ import annotations

import logging
import random
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge import errors
from mis_bridge.adapters import registry
from mis_bridge.adapters.records import Deletion, LessonMark, SessionMark
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.registers.codes import NOT_TAKEN, to_byte

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mis_bridge.adapters.source import Batch, Source

    Taken = Callable[..., Any]

SECRET = "invented-secret-of-no-school"
TOKEN = "inventedTokenOfNoSchool+000="
GET_TOKEN = "/api/oauth/GetToken"
SCHOOL = "/api/v1/School/9991234"
DAY = f"{SCHOOL}/AttendanceForDate/"
NULLS = {"Message": None, "ExceptionType": None, "ExceptionMessage": None, "InnerException": None}
FIRST_LOAD = ReadPlan(window=(date(2026, 7, 16), date(2026, 9, 8)), sweep=True)
WEEK = (date(2026, 9, 7), date(2026, 9, 8))


@pytest.fixture
def xporter(serve: Callable[[str], Any]) -> Any:
    """The adapter's fixtures on a web server."""
    return serve("sims-xporter")


def opened(xporter: Any) -> Source:
    """Open the invented school there."""
    source: Source = xporter.open(
        base=f"{xporter.url}/api/v1/", token_url=f"{xporter.url}{GET_TOKEN}"
    )
    return source


def records(batches: list[Batch], stream: str) -> list[Any]:
    """Give the records of a stream."""
    return [record for batch in batches if batch.stream == stream for record in batch.records]


def kept(batches: list[Batch]) -> dict[str, str]:
    """Give what a reading keeps for the next one."""
    return {key: text for batch in batches for key, text in batch.resume.items()}


def long_serving(asked: Any) -> Any:
    """Give a token for a long time."""
    if asked.path != GET_TOKEN:
        return None
    return {"token": TOKEN, "expires": "2027-09-13T10:59:12.3456789Z", **NULLS}


# ---- the token


async def test_the_secret_is_exchanged_once_for_a_token_that_all_requests_carry(
    xporter: Any, taken: Taken
) -> None:
    """As a JSON object with the school's number; the secret goes nowhere else."""
    source = opened(xporter)

    for _ in range(2):
        _, error = await taken(source, FIRST_LOAD)
        assert error is None

    (exchange,) = xporter.to(GET_TOKEN)
    assert exchange.form == {
        "estab": "9991234",
        "relyingParty": "bridge.example.test",
        "password": SECRET,
        "thirdpartyid": "XporterOnDemand",
    }
    assert "Authorization" not in exchange.headers
    others = [asked for asked in xporter.asked if asked.path != GET_TOKEN]
    assert {asked.headers["Authorization"] for asked in others} == {f"Idaas {TOKEN}"}
    assert SECRET not in repr(others)


async def test_a_token_is_exchanged_anew_shortly_before_it_lapses(
    xporter: Any, taken: Taken
) -> None:
    """Its end is written with seven digits of a second."""
    source = opened(xporter)
    plan = ReadPlan(window=WEEK, streams=frozenset({"pupils"}))
    await taken(source, plan)

    xporter.clock.set(datetime(2026, 9, 13, 10, 58, 11, tzinfo=UTC))
    await taken(source, plan)
    assert len(xporter.to(GET_TOKEN)) == 1
    xporter.answers.append(long_serving)
    xporter.clock.set(datetime(2026, 9, 13, 10, 58, 13, tzinfo=UTC))
    await taken(source, plan)
    assert len(xporter.to(GET_TOKEN)) == 2


async def test_a_token_that_is_refused_is_exchanged_anew_once(xporter: Any, taken: Taken) -> None:
    """Also where the 401 has the keys of every error of this vendor."""
    serving = iter(["first", "second"])
    xporter.answers += [
        lambda asked: (
            {"token": next(serving), "expires": "2026-09-13T10:59:12Z", **NULLS}
            if asked.path == GET_TOKEN
            else None
        ),
        lambda asked: (
            (401, {**NULLS, "ExceptionMessage": "Token not valid"})
            if asked.headers.get("Authorization") == "Idaas first"
            else None
        ),
    ]

    batches, error = await taken(opened(xporter), FIRST_LOAD)

    assert error is None
    assert len(records(batches, "pupils")) == 4
    assert len(xporter.to(GET_TOKEN)) == 2
    refused = [a for a in xporter.asked if a.headers.get("Authorization") == "Idaas first"]
    assert len(refused) == 1


NO_TOKEN = {"token": None, "expires": "0001-01-01T00:00:00", **NULLS}


@pytest.mark.parametrize(
    ("words", "kind", "state"),
    [
        ("Relying Party not found for estab or secret not correct", errors.MisAuthFailed, "auth"),
        (
            "Authorisation is currently paused while the school finalises its selection",
            errors.MisAccessRevoked,
            "revoked",
        ),
        (None, errors.MisAuthFailed, "auth"),
    ],
)
async def test_no_token_is_told_with_the_vendors_reason(
    xporter: Any, taken: Taken, words: str | None, kind: type[errors.MisError], state: str
) -> None:
    """A pause is not a wrong secret: there is nothing to put right."""
    xporter.answers.append(
        lambda asked: {**NO_TOKEN, "ExceptionMessage": words} if asked.path == GET_TOKEN else None
    )

    batches, error = await taken(opened(xporter), FIRST_LOAD)

    assert batches == []
    assert type(error) is kind
    assert error.state.startswith(state)
    assert (words or "no token") in str(error)
    assert error.advice
    assert {asked.path for asked in xporter.asked} == {GET_TOKEN}


# ---- errors in good answers


async def test_an_exception_with_status_200_is_a_state_with_advice(
    xporter: Any, taken: Taken
) -> None:
    """The list in it is not believed, and the other lists are still read."""
    words = "The agent at the school did not answer"
    xporter.answers.append(
        lambda asked: (
            {"AttendMarks": [], **NULLS, "ExceptionMessage": words, "ExceptionType": "Agent"}
            if asked.path == DAY and asked.query["attendanceType"] == "S"
            else None
        )
    )

    batches, error = await taken(opened(xporter), FIRST_LOAD)

    assert isinstance(error, errors.MisAnswerInvalid)
    assert words in str(error)
    assert error.advice
    assert records(batches, "sessions") == []
    assert not [batch for batch in batches if batch.stream == "sessions"]
    assert len(records(batches, "lessons")) == 6


async def test_a_scope_that_is_not_granted_is_named_although_the_lists_answer(
    xporter: Any, taken: Taken
) -> None:
    """Without it a list of marks may come back empty."""
    xporter.answers.append(
        lambda asked: (
            {"Scopes": ["School", "Student"], **NULLS}
            if asked.path == "/api/v1/TokenDetails"
            else None
        )
    )

    batches, error = await taken(opened(xporter), FIRST_LOAD)

    assert isinstance(error, errors.MisPermissionMissing)
    assert str(error).endswith(": Attendance")
    assert len(records(batches, "pupils")) == 4


# ---- pages


async def test_the_last_page_that_names_a_next_page_ends_the_list(
    xporter: Any, taken: Taken
) -> None:
    """Two pages are stated, two are asked for."""
    batches, error = await taken(opened(xporter), FIRST_LOAD)

    assert error is None
    changed = [a.query for a in xporter.to(f"{SCHOOL}/Students/") if "changedRows" in a.query]
    assert [query["page"] for query in changed] == ["1", "2"]
    assert [pupil.pupil for pupil in records(batches, "pupils")] == ["7001", "7002", "7003", "7004"]


async def test_fewer_records_than_are_stated_are_not_a_whole_list(
    xporter: Any, taken: Taken
) -> None:
    """A page came short: the roll is not believed."""
    whole = xporter.bodies["students-2.json"]
    xporter.bodies["students-2.json"] = whole.replace(b'"RowCount": 4', b'"RowCount": 5')

    _, error = await taken(opened(xporter), FIRST_LOAD)

    assert isinstance(error, errors.MisPagingBroken)
    assert "4 records came, the MIS states 5" in str(error)


# ---- lessons


async def test_lessons_have_the_times_of_the_periods_that_they_name(
    xporter: Any, taken: Taken
) -> None:
    """A period of a day is the same for all its classes: it is no register."""
    batches, error = await taken(opened(xporter), FIRST_LOAD)

    assert error is None
    assert LessonMark("7002", date(2026, 9, 8), "Tue:1", 540, 600, to_byte("N")) in records(
        batches, "lessons"
    )
    assert {mark.register for mark in records(batches, "lessons")} == {""}
    # A month as for the marks, and the day after, in case the end means its midnight.
    assert [asked.query for asked in xporter.to(f"{SCHOOL}/TimetableStructure")] == [
        {"DateFrom": "2026-08-24", "DateTo": "2026-09-09"},
        {"DateFrom": "2026-08-08", "DateTo": "2026-08-24"},
    ]


# ---- the packed year

PUPILS = ("8001", "8002", "8003")
TERM = (date(2026, 9, 1), date(2026, 11, 13))  # with the autumn clock change
LETTERS = "/\\LNIOM~-#"


def truth(seed: int) -> dict[tuple[str, date, bool], str]:
    """Make up a mark for every pupil and half of a weekday."""
    dice = random.Random(seed)  # noqa: S311 - marks, not a secret
    days = [TERM[0] + timedelta(days=n) for n in range((TERM[1] - TERM[0]).days + 1)]
    return {
        (pupil, day, pm): dice.choice(LETTERS)
        for pupil in PUPILS
        for day in days
        if day.weekday() < 5
        for pm in (False, True)
    }


def packed(marks: dict[tuple[str, date, bool], str], pupil: str) -> str:
    """Write a pupil's marks two a calendar day, weekends closed."""
    days = (TERM[0] + timedelta(days=n) for n in range((TERM[1] - TERM[0]).days + 1))
    return "".join(marks.get((pupil, day, pm), "#") for day in days for pm in (False, True))


def one_page(key: str, rows: list[Any]) -> dict[str, Any]:
    """Put rows into the vendor's envelope."""
    paging = {"PageSize": 1000, "PageNumber": 1, "PageCount": 1, "RowCount": len(rows)}
    changes = {"NextChangedRows": "5a5a0000000000000000000000000009"}
    return {key: rows, "__pagination__": [paging], "__changedRows__": [changes]}


def school_of(marks: dict[tuple[str, date, bool], str]) -> Callable[[Any], Any]:
    """Serve marks packed and day by day."""

    def answer(asked: Any) -> Any:
        if asked.query.get("options") == "includeAttMarkString":
            ends = {"AttMarksStartDate": str(TERM[0]), "AttMarksEndDate": str(TERM[1])}
            rows = [{"Id": pupil, **ends, "Marks": packed(marks, pupil)} for pupil in PUPILS]
            return one_page("Students", rows)
        if asked.path == DAY and asked.query["attendanceType"] == "S":
            day = date.fromisoformat(asked.query["date"])
            return one_page("AttendMarks", list(day_rows(marks, day)))
        return None

    return answer


def day_rows(marks: dict[tuple[str, date, bool], str], day: date) -> Iterator[dict[str, Any]]:
    """Write the marks of a day one by one."""
    for (pupil, when, pm), letter in marks.items():
        if when == day:
            half = "PM" if pm else "AM"
            row = {"StudentId": pupil, "Date": str(day), "Type": "S", "Session": half}
            yield {"Id": f"{pupil}.{day}.{half}", "Mark": letter, **row}


@pytest.mark.parametrize("seed", range(5))
async def test_the_packed_year_is_the_same_marks_as_its_days_one_by_one(
    xporter: Any, taken: Taken, seed: int
) -> None:
    """Codes of the school's own and the weeks around the clock change included."""
    marks = truth(seed)
    xporter.answers += [school_of(marks), long_serving]
    xporter.clock.set(datetime(2026, 11, 13, 16, 0, tzinfo=UTC))

    # The last month of a window is told day by day.
    later = (TERM[0], TERM[1] + timedelta(days=32))
    year, error = await taken(
        opened(xporter), ReadPlan(window=later, sweep=True, streams=frozenset({"history"}))
    )
    assert error is None
    days: list[SessionMark] = []
    last = TERM[1]
    while last >= TERM[0]:
        first = max(TERM[0], last - timedelta(days=13))
        plan = ReadPlan(window=(first, last), sweep=True, streams=frozenset({"sessions"}))
        batches, error = await taken(opened(xporter), plan)
        assert error is None
        days += records(batches, "sessions")
        last = first - timedelta(days=1)

    def told(of: list[SessionMark]) -> dict[tuple[str, date, bool], int]:
        return {(m.pupil, m.day, m.pm): m.code for m in of if m.code != NOT_TAKEN}

    expected = {key: to_byte({"~": "C"}.get(letter, letter)) for key, letter in marks.items()}
    assert told(records(year, "history")) == told(days)
    assert told(days) == {key: code for key, code in expected.items() if code != NOT_TAKEN}
    # A register not taken is a fact of the day; the year has no mark there.
    assert {(m.pupil, m.day, m.pm) for m in days} == marks.keys()


async def test_a_first_load_has_each_mark_once(xporter: Any, taken: Taken) -> None:
    """The month from its days, what is before from the packed year, without gap or overlap."""
    marks = truth(5)
    xporter.answers += [school_of(marks), long_serving]
    xporter.clock.set(datetime(2026, 11, 13, 16, 0, tzinfo=UTC))

    batches, error = await taken(
        opened(xporter),
        ReadPlan(window=TERM, sweep=True, streams=frozenset({"history", "sessions"})),
    )

    assert error is None
    year, days = records(batches, "history"), records(batches, "sessions")
    found = [(m.pupil, m.day, m.pm) for m in (*year, *days) if m.code != NOT_TAKEN]
    assert sorted(found) == sorted(key for key, letter in marks.items() if letter != "-")
    assert max(m.day for m in year) < min(m.day for m in days)


async def test_the_packed_year_is_not_asked_for_again(xporter: Any, taken: Taken) -> None:
    """Polls and nightly sweeps read days."""
    source = opened(xporter)

    await taken(source, ReadPlan(window=WEEK, sweep=True))
    await taken(source, ReadPlan(window=WEEK, since=xporter.clock.now()))

    assert not [a for a in xporter.asked if "options" in a.query]


# ---- change sets


async def test_changes_are_asked_for_with_the_kept_hash_and_otherwise_the_same_parameters(
    xporter: Any, taken: Taken
) -> None:
    """A hash for each day and type, and one for the roll; a new day begins with a star."""
    source = opened(xporter)
    first, _ = await taken(source, ReadPlan(window=WEEK, sweep=True))
    begun = [asked for asked in xporter.asked if "changedRows" in asked.query]
    xporter.asked.clear()
    xporter.answers.append(
        lambda asked: (
            one_page("Students" if asked.path.endswith("Students/") else "AttendMarks", [])
            if "changedRows" in asked.query
            else None
        )
    )

    window = (WEEK[0], date(2026, 9, 9))
    second, error = await taken(
        source, ReadPlan(window=window, since=xporter.clock.now(), resume=kept(first))
    )

    assert error is None
    assert records(second, "sessions") == []
    assert {asked.query["changedRows"] for asked in begun} == {"*"}
    asked = {
        (a.path, a.query.get("date"), a.query.get("attendanceType")): a.query["changedRows"]
        for a in xporter.asked
        if "changedRows" in a.query
    }
    assert asked == {
        (f"{SCHOOL}/Students/", None, None): "5a5a0000000000000000000000000001",
        (DAY, "2026-09-09", "S"): "*",
        (DAY, "2026-09-08", "S"): "5a5a0000000000000000000000000081",
        (DAY, "2026-09-07", "S"): "5a5a0000000000000000000000000071",
        (DAY, "2026-09-09", "L"): "*",
        (DAY, "2026-09-08", "L"): "5a5a0000000000000000000000000082",
        (DAY, "2026-09-07", "L"): "5a5a0000000000000000000000000072",
    }

    def rest(of: list[Any]) -> set[tuple[Any, ...]]:
        return {
            (
                a.path,
                *sorted((n, v) for n, v in a.query.items() if n not in {"changedRows", "page"}),
            )
            for a in of
        }

    again = [a for a in xporter.asked if a.query.get("date") != "2026-09-09"]
    assert rest(begun) == rest([a for a in again if "changedRows" in a.query])


@pytest.mark.parametrize(
    "refusal",
    [
        {**NULLS, "ExceptionMessage": "Snapshot not found"},
        (400, {**NULLS, "ExceptionMessage": "Snapshot not found"}),
        (404, b""),
    ],
)
async def test_a_hash_that_is_refused_is_asked_for_anew_with_a_star(
    xporter: Any, taken: Taken, refusal: Any
) -> None:
    """Everything comes again, with a hash that serves the next time."""
    source = opened(xporter)
    first, _ = await taken(source, ReadPlan(window=WEEK, sweep=True))
    xporter.asked.clear()
    xporter.answers.append(
        lambda asked: (
            refusal
            if asked.path == DAY
            and asked.query["changedRows"] == "5a5a0000000000000000000000000081"
            else None
        )
    )

    second, error = await taken(
        source, ReadPlan(window=WEEK, since=xporter.clock.now(), resume=kept(first))
    )

    assert error is None
    hashes = [
        (a.query["date"], a.query["changedRows"])
        for a in xporter.to(DAY)
        if a.query["attendanceType"] == "S"
    ]
    assert hashes == [
        ("2026-09-08", "5a5a0000000000000000000000000081"),
        ("2026-09-08", "*"),
        ("2026-09-08", "*"),  # its second page
        ("2026-09-07", "*"),
    ]
    assert len(records(second, "sessions")) == 12
    assert kept(second)["sessions@2026-09-08"] == "5a5a0000000000000000000000000081"


async def test_what_a_change_set_calls_deleted_is_told(xporter: Any, taken: Taken) -> None:
    """A mark by its id, so that the window is swept; a pupil, so that the roll is right."""
    source = opened(xporter)
    first, _ = await taken(source, ReadPlan(window=WEEK, sweep=True))

    def gone(asked: Any) -> Any:
        if "changedRows" not in asked.query:
            return None
        if asked.path == DAY:
            return one_page("AttendMarks", []) | {"AttendMarks_deleted": [{"Id": "7001.x.AM"}]}
        return one_page("Students", []) | {"Students_deleted": [{"Id": "7002"}]}

    xporter.answers.append(gone)
    second, error = await taken(
        source, ReadPlan(window=WEEK, since=xporter.clock.now(), resume=kept(first))
    )

    assert error is None
    assert records(second, "pupils") == [Deletion("pupils", "7002")]
    assert records(second, "sessions") == [Deletion("sessions", "7001.x.AM")] * 2


# ---- what it says of itself, and what it does not tell


def test_the_age_of_its_answers_is_declared() -> None:
    """Half an hour by the vendor's word."""
    assert registry.load()["sims-xporter"].manifest.capabilities.delay_minutes == 30


async def test_a_look_tells_the_codes_that_nobody_knows(xporter: Any) -> None:
    """Letters of the school's own that SIMS explains are known."""
    standing = await opened(xporter).check()

    assert standing.unknown_codes == ("$",)
    assert standing.pupils is None  # more than a page


@pytest.mark.parametrize(
    "fault",
    [
        (200, b"<!DOCTYPE html><html>Sign in</html>"),
        (200, {**NULLS, "ExceptionMessage": f"bad {SECRET} and {TOKEN}"}),
        (401, {**NULLS, "ExceptionMessage": f"bad {SECRET} and {TOKEN}"}),
        (403, b""),
        (500, b"oops"),
    ],
)
async def test_no_secret_no_token_and_no_name_is_in_any_error_or_log_line(
    xporter: Any, taken: Taken, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """By value, also where the vendor says them itself."""
    xporter.answers.append(lambda asked: fault if asked.path == DAY else None)

    with caplog.at_level(logging.DEBUG):
        _, error = await taken(opened(xporter), FIRST_LOAD)

    assert isinstance(error, errors.MisError)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("werkzeug")]
    told = f"{error!r} {error} {error.advice} {ours}"
    for value in (SECRET, TOKEN, "Testpupil", "Samplechild", "Z999900000301"):
        assert value not in told
