"""SIMS 8 over real HTTP: OAuth 2.0 and a subscription key, OData links, changes, four weeks."""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from mis_bridge import errors
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.registers.codes import to_byte

if TYPE_CHECKING:
    from collections.abc import Callable

    from mis_bridge.adapters.source import Batch, Source

    Taken = Callable[..., Any]

SECRET = "invented-secret-of-no-school"
KEY = "invented-key-of-no-school"
TOKEN = "invented.token.of-no-school"
GET_TOKEN = "/connect/token"
RECORDS = "/ssli99/Attendance/V3/AttendanceRecords"
CHANGES = f"{RECORDS}/SIMS.Changes(startDate=2026-10-26T12:30:00Z)"
LEARNERS = "/ssli99/Learner/V3/LearnerIdentifiers"
WINDOW = (date(2026, 9, 21), date(2026, 10, 26))
SINCE = datetime(2026, 10, 26, 12, 30, tzinfo=UTC)
ADA = "00000000-0000-4000-8000-000000000101"


@pytest.fixture
def sims8(serve: Callable[[str], Any]) -> Any:
    """The adapter's fixtures on a web server."""
    return serve("sims8")


def opened(sims8: Any, **given: str) -> Source:
    """Open the invented school there."""
    source: Source = sims8.open(
        base=f"{sims8.url}/ssli99/", token_url=f"{sims8.url}{GET_TOKEN}", **given
    )
    return source


def records(batches: list[Batch], stream: str) -> list[Any]:
    """Give the records of a stream."""
    return [record for batch in batches if batch.stream == stream for record in batch.records]


async def test_client_credentials_get_one_token_that_goes_out_with_the_subscription_key(
    sims8: Any, taken: Taken
) -> None:
    """The secret goes to the token's address only, the key to the lists only."""
    source = opened(sims8)

    for _ in range(2):
        _, error = await taken(source, ReadPlan(window=WINDOW, sweep=True))
        assert error is None

    (exchange,) = sims8.to(GET_TOKEN)
    assert parse_qs(exchange.body) == {
        "grant_type": ["client_credentials"],
        "client_id": ["invented-client"],
        "client_secret": [SECRET],
    }
    assert KEY not in repr(exchange)
    lists = [asked for asked in sims8.asked if asked.path != GET_TOKEN]
    assert {asked.headers["Authorization"] for asked in lists} == {f"Bearer {TOKEN}"}
    assert {asked.headers["Ocp-Apim-Subscription-Key"] for asked in lists} == {KEY}
    assert SECRET not in repr(lists)


async def test_a_scope_is_asked_for_where_there_is_one(sims8: Any, taken: Taken) -> None:
    """Not every partner has one."""
    source = opened(sims8, scope="partner.read")

    await taken(source, ReadPlan(window=WINDOW, streams=frozenset({"pupils"})))

    assert parse_qs(sims8.to(GET_TOKEN)[0].body)["scope"] == ["partner.read"]


async def test_a_token_that_is_refused_is_got_anew_once(sims8: Any, taken: Taken) -> None:
    """Withdrawn before its hour is over."""
    tokens = iter(["first", "second"])
    sims8.answers += [
        lambda asked: (
            {"access_token": next(tokens), "expires_in": 3600} if asked.path == GET_TOKEN else None
        ),
        lambda asked: (
            (401, {"error": {"code": "Unauthorized", "message": "Token expired"}})
            if asked.headers.get("Authorization") == "Bearer first"
            else None
        ),
    ]

    batches, error = await taken(opened(sims8), ReadPlan(window=WINDOW, sweep=True))

    assert error is None
    assert len(records(batches, "pupils")) == 4
    assert len(sims8.to(GET_TOKEN)) == 2


async def test_a_wrong_key_is_auth_failed_in_the_api_s_own_words(sims8: Any, taken: Taken) -> None:
    """A new token does not mend it; the key is not repeated."""
    sims8.answers.append(
        lambda asked: (
            (401, {"error": {"code": "", "message": f"invalid subscription key {KEY}"}})
            if asked.path != GET_TOKEN
            else None
        )
    )

    batches, error = await taken(opened(sims8), ReadPlan(window=WINDOW, sweep=True))

    assert batches == []
    assert isinstance(error, errors.MisAuthFailed)
    assert "invalid subscription key" in str(error)
    assert KEY not in f"{error!r} {error}"


async def test_links_lead_to_the_end_of_a_list(sims8: Any, taken: Taken) -> None:
    """With the filter that they carry themselves; three-character codes are resolved."""
    batches, error = await taken(opened(sims8), ReadPlan(window=WINDOW, sweep=True))

    assert error is None
    assert [pupil.surname for pupil in records(batches, "pupils")] == [
        "Testpupil", "Samplechild", "Placeholder", "O'Invented-Ñame",
    ]  # fmt: skip
    marks = {(m.pupil[-3:], m.day, m.pm): chr(m.code) for m in records(batches, "sessions")}
    assert marks["102", date(2026, 10, 26), False] == "I"  # I01
    assert marks["104", date(2026, 9, 21), False] == "X"  # X01
    assert marks["104", date(2026, 9, 21), True] == "B"  # B01, by the school's file
    tokens = [asked.query.get("$skiptoken") for asked in sims8.to(LEARNERS)]
    assert tokens == [None, "l2"]


async def test_a_link_to_another_host_is_not_followed(sims8: Any, taken: Taken) -> None:
    """The token would go there; what was read before is kept."""
    page = {"value": [], "@odata.nextLink": "https://elsewhere.example.test/ssli99/x?$skiptoken=2"}
    sims8.answers.append(lambda asked: (200, page) if asked.path == RECORDS else None)

    batches, error = await taken(opened(sims8), ReadPlan(window=WINDOW, sweep=True))

    assert isinstance(error, errors.MisPagingBroken)
    assert "another host" in str(error)
    assert len(records(batches, "pupils")) == 4


async def test_a_year_is_asked_for_in_parts_far_below_ninety_days(sims8: Any, taken: Taken) -> None:
    """The newest first, without gap or overlap, each date with its time."""
    sims8.answers.append(lambda asked: {"value": []} if asked.path == RECORDS else None)
    window = (date(2026, 8, 1), date(2027, 7, 31))

    batches, error = await taken(
        opened(sims8), ReadPlan(window=window, sweep=True, streams=frozenset({"sessions"}))
    )

    assert error is None
    assert batches[-1].complete
    spans = []
    for asked in sims8.to(RECORDS):
        found = re.fullmatch(
            r"AttendableEventStart ge (\S{10})T00:00:00Z and "
            r"AttendableEventStart lt (\S{10})T00:00:00Z",
            asked.query["$filter"],
        )
        assert found is not None
        spans.append((date.fromisoformat(found[1]), date.fromisoformat(found[2])))
    assert spans[0][1] == window[1] + timedelta(days=1)
    assert spans[-1][0] == window[0]
    assert [last for _, last in spans[1:]] == [first for first, _ in spans[:-1]]
    assert max(last - first for first, last in spans) <= timedelta(days=89)


def correction(code: int) -> dict[str, Any]:
    """A mark as the API sends it, changed since."""
    return {
        "AttendableEventStart": "2026-10-23T08:00:00Z",
        "Attendee": {"ExternalID": ADA, "Type": "Learner.Identifier"},
        "Event": {"ExternalID": "e1", "Type": "Attendance.StatutoryAttendanceSession"},
        "AttendanceCode": {"ExternalID": f"00000000-0000-4000-8000-00000000{code:04d}"},
    }


async def test_a_poll_asks_for_the_changes_since_the_last_reading(sims8: Any, taken: Taken) -> None:
    """One request at an address of its own, without a filter; its links are followed as well."""
    following = f"{sims8.url}{RECORDS}/SIMS.Changes(startDate=x)?$skiptoken=c2"
    sims8.answers.append(
        lambda asked: (
            {"value": [correction(503)], "@odata.nextLink": following}
            if asked.path == CHANGES
            else {"value": [correction(504)]}
            if asked.query.get("$skiptoken") == "c2"
            else None
        )
    )

    batches, error = await taken(
        opened(sims8), ReadPlan(window=WINDOW, since=SINCE, streams=frozenset({"sessions"}))
    )

    assert error is None
    assert [m.code for m in records(batches, "sessions")] == [to_byte("N"), to_byte("L")]
    assert not batches[-1].complete
    assert [asked.query for asked in sims8.to(CHANGES)] == [{}]
    assert sims8.to(RECORDS) == []


@pytest.mark.parametrize(
    "refusal",
    [
        (404, {"error": {"code": "", "message": "no such function"}}),
        (400, {"error": {"code": "", "message": "startDate"}}),
        (200, {"changes": 3}),
    ],
)
async def test_where_changes_are_refused_the_window_itself_is_read(
    sims8: Any, taken: Taken, refusal: Any
) -> None:
    """A function that this school's SIMS does not have leaves nobody unseen."""
    sims8.answers.append(lambda asked: refusal if asked.path == CHANGES else None)

    batches, error = await taken(opened(sims8), ReadPlan(window=WINDOW, since=SINCE))

    assert error is None
    assert len(records(batches, "sessions")) == 9
    assert len(sims8.to(CHANGES)) == 1


async def test_a_domain_that_is_not_approved_costs_its_own_list_and_is_named(
    sims8: Any, taken: Taken
) -> None:
    """The marks are read all the same."""
    sims8.answers.append(
        lambda asked: (
            (403, {"error": {"code": "Forbidden", "message": "domain Learner"}})
            if asked.path == LEARNERS
            else None
        )
    )

    batches, error = await taken(opened(sims8), ReadPlan(window=WINDOW, sweep=True))

    assert isinstance(error, errors.MisPermissionMissing)
    assert "domain Learner" in str(error)
    assert len(records(batches, "sessions")) == 9


async def test_a_look_names_the_codes_that_nobody_knows(sims8: Any) -> None:
    """Two are documented, one is in the school's file, the last is not known."""
    standing = await opened(sims8).check()

    assert standing.unknown_codes == ("Q7Z",)


@pytest.mark.parametrize("status", [400, 401, 403, 500])
async def test_no_secret_no_key_no_token_and_no_name_is_in_any_error_or_log_line(
    sims8: Any, taken: Taken, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """By value, also where the API says them itself."""
    words = {"error": {"code": "x", "message": f"{SECRET} {KEY} {TOKEN}"}}
    sims8.answers.append(lambda asked: (status, words) if asked.path == RECORDS else None)

    with caplog.at_level(logging.DEBUG):
        _, error = await taken(opened(sims8), ReadPlan(window=WINDOW, sweep=True))

    assert isinstance(error, errors.MisError)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith("werkzeug")]
    told = f"{error!r} {error} {error.advice} {ours}"
    for value in (SECRET, KEY, TOKEN, "Testpupil", "Samplechild"):
        assert value not in told
