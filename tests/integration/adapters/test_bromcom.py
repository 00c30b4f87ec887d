"""The shipped Bromcom adapter over real HTTP: its filter, its pages, its ways of saying no."""

from __future__ import annotations

import logging
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge import errors
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.secrets import Secret
from mis_bridge.registers.codes import to_code

from .vendor import Asked, Vendor, opened, records, taken, watched

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from mis_bridge.adapters.source import Source
    from mis_bridge.io.http import Transport

NOW = datetime(2026, 9, 11, 11, 0, tzinfo=UTC)
WINDOW = (date(2026, 9, 7), date(2026, 9, 11))
SECRET = "invented-secret-of-no-school"
ROLL = [{"studentId": 1, "firstName": "Ada", "lastName": "Testpupil", "upn": "Z999900000911"}]
FILTER = re.compile(
    r"calendarStartDate>='(\d{4}-\d\d-\d\d)T00:00:00' and "
    r"calendarStartDate<='(\d{4}-\d\d-\d\d)T23:59:59'\{page:(\d+)\}"
)


def mark(code: str | None, period: str, day: str = "2026-09-11", pupil: int = 1) -> dict[str, Any]:
    """A row of BasicAttendance."""
    return {
        "studentId": pupil,
        "calendarStartDate": f"{day}T00:00:00",
        "mark": code,
        "periodDisplayName": period,
        "attendanceComment": None,
    }


class Bromcom:
    """What the API does with the rows of one school, as far as clients show it."""

    page = 100_000

    def __init__(self, marks: list[dict[str, Any]], roll: list[dict[str, Any]]) -> None:
        self.marks = marks
        self.roll = roll
        self.odd: dict[str, Any] = {}

    def __call__(self, asked: Asked) -> Any:
        entity = asked.path.removeprefix("/v2/")
        if asked.headers.get("applicationsecret") != SECRET:
            return 401, {}, {"success": False}
        if entity in self.odd:
            return self.odd[entity]
        if entity == "StudentFlatView":
            return {"success": True, "data": self.roll}
        found = FILTER.fullmatch(asked.query["entityFilter"])
        assert found is not None, asked.query["entityFilter"]
        first, last, page = found[1], found[2], int(found[3])
        rows = [row for row in self.marks if first <= row["calendarStartDate"][:10] <= last]
        return {"success": True, "data": rows[page * self.page : (page + 1) * self.page]}


@pytest.fixture
def bromcom() -> Bromcom:
    """A school with a few marks of one pupil."""
    return Bromcom([mark("/", "AM"), mark("N", "P1 ")], ROLL)


@pytest.fixture
def vendor(httpserver: HTTPServer, bromcom: Bromcom) -> Vendor:
    """The API on loopback."""
    return Vendor(httpserver, bromcom)


def given(vendor: Vendor, secret: str = SECRET) -> dict[str, Any]:
    """The connection of the school."""
    return {
        "school": "99901",
        "application_id": "invented-application",
        "application_secret": Secret(secret),
        "host": vendor.host,
        "scheme": "http",
    }


@pytest.fixture
def source(vendor: Vendor, transport: Transport) -> Source:
    """The school, opened."""
    return opened("bromcom", given(vendor), transport, NOW, periods={"P1": (555, 615)})


async def test_the_filter_is_decoded_once_and_ends_with_the_page(
    vendor: Vendor, source: Source
) -> None:
    """Quotes, signs and braces arrive as they are meant; the credentials are headers."""
    batches, error = await taken(source, ReadPlan(window=WINDOW))

    assert error is None
    assert [to_code(one.code) for one in records(batches, "sessions")] == ["/"]
    assert [(one.period, to_code(one.code)) for one in records(batches, "lessons")] == [("P1", "N")]
    (roll,) = vendor.to("StudentFlatView")
    assert roll.query == {
        "schoolId": "99901",
        "entityFilter": "enrolmentstartDate<='2026-09-11' and (enrolmentendDate>='2026-09-11' or "
        "isnull(enrolmentendDate,'')=''){page:0}",
    }
    for asked in vendor.asked:
        assert asked.headers["applicationid"] == "invented-application"
        assert asked.headers["accept"] == "application/json"
        assert SECRET not in str(asked.query)


async def test_a_full_page_is_followed_by_another_one(
    vendor: Vendor, bromcom: Bromcom, source: Source
) -> None:
    """One hundred thousand rows are not the end: the last pupil stands on the second page."""
    bromcom.marks = [mark("/", "AM", pupil=number) for number in range(100_000)]
    bromcom.marks.append(mark("N", "AM", pupil=100_000))

    batches, error = await taken(source, ReadPlan(WINDOW, streams=frozenset({"sessions"})))

    assert error is None
    found = {one.pupil: to_code(one.code) for one in records(batches, "sessions")}
    assert len(found) == 100_001
    assert found["100000"] == "N"
    assert [asked.query["entityFilter"][-8:] for asked in vendor.asked] == ["{page:0}", "{page:1}"]


async def test_a_year_is_asked_for_by_weeks_the_newest_first(
    vendor: Vendor, source: Source
) -> None:
    """Together they are the window, each day once."""
    window = (date(2026, 9, 1), date(2026, 9, 25))
    await taken(source, ReadPlan(window, streams=frozenset({"sessions"})))

    spans = []
    for asked in vendor.asked:
        found = FILTER.fullmatch(asked.query["entityFilter"])
        assert found is not None
        spans.append((found[1], found[2]))
    assert spans == [
        ("2026-09-19", "2026-09-25"),
        ("2026-09-12", "2026-09-18"),
        ("2026-09-05", "2026-09-11"),
        ("2026-09-01", "2026-09-04"),
    ]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"success": False, "data": []}, errors.MisAnswerInvalid),
        ({"success": True, "data": None}, errors.MisAnswerInvalid),
        ({"success": True}, errors.MisAnswerInvalid),
        ((403, {}, b""), errors.MisPermissionMissing),
        ((429, {"Retry-After": "9"}, b""), errors.MisThrottled),
        ((500, {}, b"oops"), errors.MisUnavailable),
    ],
)
async def test_no_marks_are_never_no_absences(
    bromcom: Bromcom, source: Source, answer: Any, kind: type[errors.MisError]
) -> None:
    """Whatever the way of saying no; a failure of its own does not cost the roll."""
    bromcom.odd["BasicAttendance"] = answer

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert type(error) is kind
    assert records(batches, "sessions") == records(batches, "lessons") == []
    assert [one.pupil for one in records(batches, "pupils")] == ["1"]


async def test_an_empty_roll_is_a_failure_of_access(bromcom: Bromcom, source: Source) -> None:
    """A school without pupils is not one."""
    bromcom.roll = []

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert isinstance(error, errors.MisAnswerInvalid)
    assert "empty list" in str(error)
    assert records(batches, "sessions")


async def test_a_wrong_secret_is_named_and_never_shown(
    vendor: Vendor, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the error nor in a log line."""
    wrong = opened("bromcom", given(vendor, "wrong-secret-of-old"), transport, NOW)
    with caplog.at_level(logging.DEBUG):
        batches, error = await taken(wrong, ReadPlan(WINDOW))

    assert batches == []
    assert isinstance(error, errors.MisAuthFailed)
    assert "wrong-secret-of-old" not in f"{error!r} {error} {caplog.text}"


async def test_a_blank_copy_of_a_row_wipes_out_no_mark(
    tmp_path: Path, vendor: Vendor, bromcom: Bromcom
) -> None:
    """The same period padded and unpadded, one of them not entered, in either order."""
    bromcom.marks = [
        mark("N", "AM"),
        mark(None, "AM   "),
        mark(None, "PM "),
        mark("\\", "PM"),
    ]
    async with watched(
        tmp_path,
        ManualClock(NOW),
        f"""
[mis]
adapter = "bromcom"
[mis.connection]
school = "99901"
application_id = "invented-application"
application_secret = "env:BROMCOM"
host = "{vendor.host}"
scheme = "http"
""",
        environment={"BROMCOM": SECRET},
    ) as school:
        assert school.marks("1", WINDOW[1]) == "N\\"

        # A correction: nothing says that it is one, it is read again with the whole window.
        bromcom.marks[0] = mark("I", "AM")
        await school.after(minutes=10)
        assert school.marks("1", WINDOW[1]) == "I\\"

        # A row that is there no more: the night's reading of the whole window finds it.
        del bromcom.marks[:2]
        await school.after(minutes=24 * 60)
        assert school.marks("1", WINDOW[1]) == "-\\"
