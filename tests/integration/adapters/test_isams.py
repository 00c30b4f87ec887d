"""iSAMS over real HTTP: OAuth 2.0, the roll's pages, today's registers and their several rows."""

from __future__ import annotations

import json
import logging
from datetime import date
from itertools import permutations
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from mis_bridge import errors
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.registers.codes import to_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.adapters.source import Batch, Source

    Taken = Callable[..., Any]

SECRET = "invented-secret-of-no-school"
TOKEN = "invented.token.of-no-school"
GET_TOKEN = "/auth/connect/token"
STUDENTS = "/api/students"
PERIODS = "/api/registration/periods"
MORNING, AFTERNOON, LESSON, LATER = (
    f"/api/registration/register/{n}" for n in (501, 502, 503, 504)
)
PLAN = ReadPlan(window=(date(2026, 9, 1), date(2026, 9, 7)))
SESSIONS = ReadPlan(window=PLAN.window, streams=frozenset({"sessions"}))
CLEO = "9000000703"


@pytest.fixture
def isams(serve: Callable[[str], Any]) -> Any:
    """The adapter's fixtures on a web server."""
    return serve("isams")


def opened(isams: Any, **given: str) -> Source:
    """Open the invented school there."""
    source: Source = isams.open("host", **given)
    return source


def records(batches: list[Batch], stream: str) -> list[Any]:
    """Give the records of a stream."""
    return [record for batch in batches if batch.stream == stream for record in batch.records]


def marks(batches: list[Batch], stream: str = "sessions") -> dict[Any, str]:
    """Give the marks of a stream by (pupil, afternoon or name of the lesson)."""
    return {
        (mark.pupil, mark.pm if stream == "sessions" else mark.period): to_code(mark.code)
        for mark in records(batches, stream)
    }


def row(**values: Any) -> dict[str, Any]:
    """Make a row of Cleo's, present and without a code."""
    return {
        "schoolId": CLEO,
        "registrationPeriodId": 501,
        "isRegistered": 1,
        "isPresent": True,
        "isLate": False,
        "presentCodeId": None,
        "absenceCodeId": None,
        **values,
    }


UNTAKEN = row(isRegistered=0, isPresent=False)
ILL = row(isPresent=False, absenceCodeId=3)
NO_REASON = row(isPresent=False, absenceCodeId=1)


async def test_client_credentials_get_one_token_that_is_got_anew_after_a_401(
    isams: Any, taken: Taken
) -> None:
    """A token that was withdrawn before its hour is over; the secret goes to its address only."""
    tokens = iter(["first", "second"])
    isams.answers += [
        lambda asked: (
            {"access_token": next(tokens), "expires_in": 3600} if asked.path == GET_TOKEN else None
        ),
        lambda asked: (
            (401, b"")
            if asked.headers.get("Authorization") == "Bearer first" and asked.path == MORNING
            else None
        ),
    ]
    source = opened(isams)

    for _ in range(2):
        _, error = await taken(source, PLAN)
        assert error is None

    exchanges = isams.to(GET_TOKEN)
    assert len(exchanges) == 2
    assert parse_qs(exchanges[0].body) == {
        "grant_type": ["client_credentials"],
        "client_id": ["invented-client"],
        "client_secret": [SECRET],
    }
    lists = [asked for asked in isams.asked if asked.path != GET_TOKEN]
    assert [asked.headers["Authorization"] for asked in isams.to(MORNING)] == [
        "Bearer first", "Bearer second", "Bearer second",
    ]  # fmt: skip
    assert SECRET not in repr(lists)


async def test_a_refused_client_is_auth_failed(isams: Any, taken: Taken) -> None:
    """Nothing else is asked."""
    isams.answers.append(
        lambda asked: (400, {"error": "invalid_client"}) if asked.path == GET_TOKEN else None
    )

    batches, error = await taken(opened(isams), PLAN)

    assert batches == []
    assert isinstance(error, errors.MisAuthFailed)
    assert len(isams.asked) == 1


async def test_the_roll_is_read_to_its_last_page_and_counted(isams: Any, taken: Taken) -> None:
    """Six pupils on two pages, as the MIS states."""
    plan = ReadPlan(window=PLAN.window, streams=frozenset({"pupils"}))

    batches, error = await taken(opened(isams), plan)

    assert error is None
    assert [pupil.forename for pupil in batches[0].records] == [
        "Ada", "Ben", "Cleo", "Dai", "Eve", "Finn",
    ]  # fmt: skip
    assert batches[0].complete
    assert [asked.query for asked in isams.to(STUDENTS)] == [
        {"page": "1", "pageSize": "100"}, {"page": "2", "pageSize": "100"},
    ]  # fmt: skip
    assert isams.to(PERIODS) == []


async def test_a_roll_that_is_not_as_long_as_stated_is_broken_and_the_marks_are_read(
    isams: Any, taken: Taken
) -> None:
    """A pupil who moved between the pages is on neither; nobody is taken for gone."""
    page = {"students": [], "page": 2, "totalPages": 2, "totalCount": 6}
    isams.answers.append(
        lambda asked: page if asked.path == STUDENTS and asked.query["page"] == "2" else None
    )

    batches, error = await taken(opened(isams), PLAN)

    assert isinstance(error, errors.MisPagingBroken)
    assert {batch.stream for batch in batches} == {"sessions", "lessons"}
    assert len(marks(batches)) == 10


async def test_only_registers_that_have_begun_are_asked_for(isams: Any, taken: Taken) -> None:
    """At half past one the afternoon's is, the one after school only when it begins."""
    source = opened(isams)
    isams.answers.append(lambda asked: [row()] if asked.path == LATER else None)

    await taken(source, PLAN)
    assert isams.to(LATER) == []

    isams.clock.advance(minutes=130)
    batches, error = await taken(source, PLAN)

    assert error is None
    assert marks(batches, "lessons")[CLEO, "After school"] == "/"


async def test_nothing_that_was_not_told_is_taken_for_gone(isams: Any, taken: Taken) -> None:
    """Today's registers are no list of the window's marks."""
    batches, _ = await taken(opened(isams), PLAN)

    ends = [batch for batch in batches if batch.stream != "pupils" and batch.last_of_stream]
    assert [batch.stream for batch in ends] == ["sessions", "lessons"]
    assert not any(batch.complete for batch in batches if batch.stream != "pupils")


@pytest.mark.parametrize(
    ("rows", "mark", "told"),
    [
        ([UNTAKEN, row()], "/", ""),
        ([UNTAKEN, ILL], "I", ""),
        ([UNTAKEN, UNTAKEN], "-", ""),
        ([row(), row()], "/", ""),
        ([row(), NO_REASON, UNTAKEN], "/", "/ N"),
        ([row(isLate=True), ILL], "L", "I L"),
        ([NO_REASON, ILL], "N", "I N"),
        ([row(isPresent=False, absenceCodeId=4), ILL], "V", "I V"),
        ([row(isPresent=False, absenceCodeId=5), ILL], "I", "ZZ9"),
    ],
)
async def test_several_rows_give_one_mark_whatever_their_order(
    isams: Any, taken: Taken, rows: list[Any], mark: str, told: str
) -> None:
    """Taken before untaken, seen before absent, no reason before a reason; what differs is told."""
    for order in permutations(rows):
        isams.answers[:] = [
            lambda asked, order=order: {"students": list(order)} if asked.path == MORNING else None
        ]

        batches, error = await taken(opened(isams), SESSIONS)

        assert error is None
        first = batches[0]
        assert [(one.pupil, to_code(one.code)) for one in first.records] == [(CLEO, mark)]
        assert [noted.value for noted in first.quarantined] == ([told] if told else [])


@pytest.mark.parametrize("other", [NO_REASON, UNTAKEN])
async def test_a_pupil_who_was_present_by_an_unknown_code_is_not_made_absent(
    isams: Any, taken: Taken, other: dict[str, Any]
) -> None:
    """Somebody saw the child; what the mark is, the school has to say."""
    strange = row(presentCodeId=77)
    for rows in ([strange, other], [other, strange]):
        isams.answers[:] = [lambda asked, rows=rows: rows if asked.path == MORNING else None]

        batches, error = await taken(opened(isams), SESSIONS)

        assert error is None
        assert list(batches[0].records) == []
        assert [noted.value for noted in batches[0].quarantined] == ["77"]


async def test_two_periods_of_one_session_give_one_mark(isams: Any, taken: Taken) -> None:
    """A register of the morning that is not taken yet does not undo the one that was."""
    times = {"start": "2026-09-07T08:40:00+01:00", "finish": "2026-09-07T08:55:00+01:00"}
    later = {"start": "2026-09-07T11:40:00+01:00", "finish": "2026-09-07T11:55:00+01:00"}
    periods = [
        {"id": 502, "registrationType": "AM", **later},
        {"id": 501, "registrationType": "AM", **times},
    ]
    registers = {
        PERIODS: {"registrationPeriods": periods},
        MORNING: [row()],
        AFTERNOON: [UNTAKEN],
    }
    isams.answers.append(lambda asked: registers.get(asked.path))

    batches, error = await taken(opened(isams), SESSIONS)

    assert error is None
    assert marks(batches) == {(CLEO, False): "/"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "0 lists"),
        ({"students": [], "staff": []}, "2 lists"),
        ({"students": [{"id": 1}]}, "missing required field"),
        (b"<html>Sign in</html>", "web page"),
    ],
)
async def test_a_register_that_is_not_the_known_shape_is_invalid_and_costs_only_itself(
    isams: Any, taken: Taken, body: Any, words: str
) -> None:
    """The other registers are read."""
    isams.answers.append(lambda asked: (200, body) if asked.path == MORNING else None)

    batches, error = await taken(opened(isams), PLAN)

    assert isinstance(error, errors.MisAnswerInvalid)
    assert words in str(error)
    assert {pm for _, pm in marks(batches)} == {True}
    assert len(marks(batches, "lessons")) == 4


async def test_a_register_that_states_more_rows_than_it_has_is_broken(
    isams: Any, taken: Taken
) -> None:
    """Pages of a register are not documented: what is missing would look like no mark."""
    body = {"students": [row()], "totalCount": 30}
    isams.answers.append(lambda asked: body if asked.path == MORNING else None)

    batches, error = await taken(opened(isams), SESSIONS)

    assert isinstance(error, errors.MisPagingBroken)
    assert "30" in str(error)
    assert {pm for _, pm in marks(batches)} == {True}


async def test_a_row_without_its_fields_is_set_aside_and_the_others_count(
    isams: Any, taken: Taken
) -> None:
    """Its text names the field, not what stands in it."""
    body = [row(), {**row(), "schoolId": "9000000704", "isPresent": "Samplechild"}]
    isams.answers.append(lambda asked: body if asked.path == MORNING else None)

    batches, error = await taken(opened(isams), SESSIONS)

    assert error is None
    assert marks(batches[:1]) == {(CLEO, False): "/"}
    (noted,) = batches[0].quarantined
    assert "isPresent" in noted.problem
    assert "Samplechild" not in repr(noted)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, errors.MisPermissionMissing),
        (404, errors.MisNotThere),
        (400, errors.MisRequestRefused),
    ],
)
async def test_a_refused_register_leaves_the_others_and_is_raised(
    isams: Any, taken: Taken, status: int, kind: type[errors.MisError]
) -> None:
    """In its own state, at the end."""
    isams.answers.append(lambda asked: (status, {"m": "x"}) if asked.path == LESSON else None)

    batches, error = await taken(opened(isams), PLAN)

    assert isinstance(error, kind)
    assert len(marks(batches)) == 10
    assert marks(batches, "lessons") == {}


async def test_divisions_are_asked_for_one_by_one_and_a_period_of_both_counts_once(
    isams: Any, taken: Taken
) -> None:
    """As the client asks that its addresses are known from."""
    _, error = await taken(opened(isams, divisions="1, 2"), SESSIONS)

    assert error is None
    assert [asked.query for asked in isams.to(PERIODS)] == [
        {"divisionId": "1"},
        {"divisionId": "2"},
    ]
    assert len(isams.to(MORNING)) == 1


async def test_a_day_without_a_period_of_the_session_s_type_says_which_types_there_are(
    isams: Any, taken: Taken
) -> None:
    """Sessions that nobody can find must not look like a day without registers."""
    source = opened(isams, am_type="Morning", pm_type="Afternoon")

    batches, error = await taken(source, PLAN)

    assert error is None
    assert marks(batches) == {}
    (noted,) = [one for batch in batches for one in batch.quarantined if "am_type" in one.problem]
    assert noted.value == "AM, Lesson, PM"
    assert "AM, Lesson, PM" in (await source.check()).detail


async def test_registers_that_did_not_change_cost_a_hash(isams: Any, taken: Taken) -> None:
    """A sweep, another register, and another meaning of a code are read as new."""
    source = opened(isams)
    batches, _ = await taken(source, PLAN)
    known = {page: digest for batch in batches for page, digest in batch.digests.items()}
    again = ReadPlan(window=PLAN.window, known_digests=known)

    async def changed(plan: ReadPlan) -> set[str]:
        found, error = await taken(source, plan)
        assert error is None
        return {page for one in found if not one.unchanged for page in one.digests}

    assert set(known) == {"pupils:1", "sessions:AM", "sessions:PM", "lessons:09:00"}
    assert await changed(again) == set()
    sweep = ReadPlan(window=PLAN.window, known_digests=known, sweep=True)
    assert await changed(sweep) == set(known)

    isams.answers.append(lambda asked: [row()] if asked.path == MORNING else None)
    assert await changed(again) == {"sessions:AM"}

    codes = {"presentCodes": [{"id": 1, "code": "L"}]}
    isams.answers[:] = [lambda asked: codes if asked.path.endswith("presentcodes") else None]
    assert await changed(again) == {"sessions:AM", "sessions:PM", "lessons:09:00"}


async def test_a_look_counts_the_roll_and_names_the_codes_that_nobody_maps(isams: Any) -> None:
    """``ZZ9`` is in no file; the code that iSAMS calls unknown needs no mapping."""
    standing = await opened(isams).check()

    assert standing.pupils == 6
    assert standing.unknown_codes == ("ZZ9",)
    assert standing.detail == "6 pupils, 4 registration periods today"


@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
async def test_no_secret_no_token_and_no_name_is_in_any_error_or_log_line(
    isams: Any, taken: Taken, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """By value, also where the answer says them itself."""
    words = json.dumps({"message": f"{SECRET} {TOKEN} Ada Testpupil"}).encode()
    isams.answers.append(lambda asked: (status, words) if asked.path == MORNING else None)

    with caplog.at_level(logging.DEBUG):
        _, error = await taken(opened(isams), PLAN)

    assert isinstance(error, errors.MisError)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("werkzeug")]
    told = f"{error!r} {error} {error.advice} {ours}"
    for value in (SECRET, TOKEN, "Testpupil", "Samplechild"):
        assert value not in told
