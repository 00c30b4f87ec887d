"""The shipped Assembly adapter over real HTTP: its tokens, its arrays, its errors."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge import errors
from mis_bridge.adapters import registry
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.secrets import Secret
from mis_bridge.registers.codes import to_code

from .vendor import Asked, Vendor, records, taken

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_httpserver import HTTPServer

    from mis_bridge.adapters.source import Source
    from mis_bridge.io.http import Transport

NOW = datetime(2026, 9, 11, 11, 0, tzinfo=UTC)
WINDOW = (date(2026, 9, 7), date(2026, 9, 11))
CLIENT, REFRESH = "invented-client-secret", "invented-refresh-token"


def student(number: int) -> dict[str, Any]:
    """A pupil of the roll."""
    return {"id": number, "first_name": "Ada", "last_name": f"Testpupil-{number}"}


def mark(pupil: int, code: str = "/") -> dict[str, Any]:
    """A mark of Friday morning."""
    return {
        "student_id": pupil,
        "session_date": "2026-09-11",
        "session_name": "AM",
        "attendance_mark": code,
    }


class Assembly:
    """What the platform does, as its client shows it; it may cut a page down to ``cut`` rows."""

    def __init__(self) -> None:
        self.lists = {
            "/students": [student(number) for number in range(5)],
            "/attendances": [mark(number) for number in range(5)],
        }
        self.status: Any = {"last_sync_status": "success"}
        self.tokens: list[str] = []
        self.valid: set[str] = set()
        self.odd: dict[str, Any] = {}
        self.cut = 1500

    def __call__(self, asked: Asked) -> Any:
        if asked.path == "/oauth/token":
            return self._token(asked)
        if asked.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            return 401, {}, {"error": "invalid_token", "message": "bad token"}
        if asked.path in self.odd:
            return self.odd[asked.path]
        if asked.path == "/school/status":
            return self.status
        rows = self.lists[asked.path]
        size = min(int(asked.query["per_page"]), self.cut)
        first = (int(asked.query["page"]) - 1) * size
        return rows[first : first + size]

    def _token(self, asked: Asked) -> Any:
        good = {
            "grant_type": "refresh_token",
            "refresh_token": REFRESH,
            "client_id": "invented-client",
            "client_secret": CLIENT,
        }
        if asked.form != good:
            return 400, {}, {"error": "invalid_grant"}
        self.tokens.append(f"invented-access-{len(self.tokens) + 1}")
        self.valid = {self.tokens[-1]}
        return {"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": 108000}


@pytest.fixture
def assembly() -> Assembly:
    """A school of five."""
    return Assembly()


@pytest.fixture
def clock() -> ManualClock:
    """Friday noon in London."""
    return ManualClock(NOW)


@pytest.fixture
def vendor(httpserver: HTTPServer, assembly: Assembly) -> Vendor:
    """The platform on loopback."""
    return Vendor(httpserver, assembly)


def school(
    vendor: Vendor, transport: Transport, clock: ManualClock, refresh: str = REFRESH
) -> Source:
    """The school, opened."""
    return registry.load()["assembly"].open(
        {
            "client_id": "invented-client",
            "client_secret": Secret(CLIENT),
            "refresh_token": Secret(refresh),
            "host": vendor.host,
            "platform": vendor.host,
            "scheme": "http",
            "per_page": "3",
        },
        transport=transport,
        clock=clock,
        patient=False,
    )


@pytest.fixture
def source(vendor: Vendor, transport: Transport, clock: ManualClock) -> Source:
    """The school, opened with its refresh token."""
    return school(vendor, transport, clock)


def paths(vendor: Vendor) -> Sequence[str]:
    """The addresses that were asked, in order."""
    return [asked.path for asked in vendor.asked]


async def test_one_token_serves_for_thirty_hours(
    vendor: Vendor, assembly: Assembly, source: Source, clock: ManualClock
) -> None:
    """It is got before the first request, and again shortly before it lapses."""
    await taken(source, ReadPlan(WINDOW))
    await taken(source, ReadPlan(WINDOW))
    assert paths(vendor).count("/oauth/token") == 1
    assert paths(vendor)[0] == "/oauth/token"

    clock.advance(seconds=108000 - 59)
    _, error = await taken(source, ReadPlan(WINDOW))

    assert error is None
    assert len(assembly.tokens) == 2
    accepts = {asked.headers["accept"] for asked in vendor.to("attendances")}
    assert accepts == {"application/vnd.assembly+json; version=1.1"}


async def test_a_token_that_was_withdrawn_is_got_anew(assembly: Assembly, source: Source) -> None:
    """Once; the reading does not notice."""
    await taken(source, ReadPlan(WINDOW))
    assembly.valid = set()

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert error is None
    assert len(records(batches, "sessions")) == 5


async def test_an_authorisation_that_the_school_withdrew_is_auth_failed(
    vendor: Vendor, transport: Transport, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the refresh token nor the client's secret is in the error or in a log line."""
    with caplog.at_level(logging.DEBUG):
        batches, error = await taken(
            school(vendor, transport, clock, "revoked-refresh-token"), ReadPlan(WINDOW)
        )

    assert batches == []
    assert isinstance(error, errors.MisAuthFailed)
    told = f"{error!r} {error} {error.advice} {caplog.text}"
    assert not [secret for secret in ("revoked-refresh-token", CLIENT) if secret in told]
    assert set(paths(vendor)) == {"/oauth/token"}


async def test_a_missing_scope_is_no_wrong_token(
    vendor: Vendor, assembly: Assembly, source: Source
) -> None:
    """It has the same status; no new token is asked for, and the marks are read all the same."""
    assembly.odd["/students"] = (
        401,
        {},
        {"error": "insufficient_scope", "message": "scope students is needed"},
    )

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert isinstance(error, errors.MisPermissionMissing)
    assert "scope students is needed" in str(error)
    assert len(records(batches, "sessions")) == 5
    assert paths(vendor).count("/oauth/token") == 1


async def test_a_platform_that_does_not_reach_the_school_is_offline(
    assembly: Assembly, source: Source
) -> None:
    """Its lists go on answering with what was copied last."""
    assembly.status = {"last_sync_status": "failure", "last_sync_at": "2026-09-08T02:00:00Z"}

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert isinstance(error, errors.MisSchoolOffline)
    assert len(records(batches, "sessions")) == 5


async def test_a_status_that_is_not_granted_says_nothing_about_the_school(
    assembly: Assembly, source: Source
) -> None:
    """The lists are what counts."""
    assembly.odd["/school/status"] = (401, {}, {"error": "insufficient_scope"})

    _, error = await taken(source, ReadPlan(WINDOW))

    assert error is None


@pytest.mark.parametrize("cut", [1500, 2])
async def test_a_page_that_is_cut_short_does_not_end_the_list(
    assembly: Assembly, source: Source, cut: int
) -> None:
    """Nobody knows how many rows the platform gives at most; an empty page is the end."""
    assembly.cut = cut
    assembly.lists["/attendances"][4] = mark(4, "N")

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert error is None
    assert {one.pupil: to_code(one.code) for one in records(batches, "sessions")} == {
        "0": "/", "1": "/", "2": "/", "3": "/", "4": "N",
    }  # fmt: skip
    assert len(records(batches, "pupils")) == 5


async def test_the_window_is_asked_for_with_zone_and_time(vendor: Vendor, source: Source) -> None:
    """As the client writes it; without dates the platform would give the current week."""
    await taken(source, ReadPlan(WINDOW))

    asked = vendor.to("attendances")[0].query
    assert asked["start_date"] == "2026-09-07T00:00:00+00:00"
    assert asked["end_date"] == "2026-09-11T23:59:59+00:00"
    assert "care" not in vendor.to("students")[0].query


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (
            (406, {}, {"error": "unsupported_version", "message": "use 2.0"}),
            errors.MisRequestRefused,
            "unsupported_version use 2.0",
        ),
        ((429, {}, {"error": "rate", "data": {"period": 60}}), errors.MisThrottled, "rate"),
        ((404, {}, {"error": "not_found", "message": "not found"}), errors.MisNotThere, ""),
        ({"error": None}, errors.MisAnswerInvalid, "no list"),
        ({"total_count": 0, "data": []}, errors.MisAnswerInvalid, "no list"),
        (b"[", errors.MisAnswerInvalid, "cut off"),
        (b"[\n", errors.MisAnswerInvalid, "cut off"),
        (b"<html>Sign in</html>", errors.MisAnswerInvalid, "web page"),
    ],
)
async def test_every_no_has_its_name(
    assembly: Assembly, source: Source, answer: Any, kind: type[errors.MisError], told: str
) -> None:
    """And none of them is a week without absences."""
    assembly.odd["/attendances"] = answer

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert type(error) is kind
    assert told in str(error)
    assert records(batches, "sessions") == []
