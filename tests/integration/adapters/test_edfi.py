"""The shipped Ed-Fi adapter over real HTTP: pages, change versions, events that are deleted."""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge import errors
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.secrets import Secret
from mis_bridge.registers.codes import to_code
from mis_bridge.store import pupils

from .vendor import Asked, Vendor, opened, records, taken, watched

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from mis_bridge.adapters.source import Source
    from mis_bridge.io.http import Transport

NOW = datetime(2026, 9, 11, 11, 0, tzinfo=UTC)
FRIDAY = date(2026, 9, 11)
WINDOW = (date(2026, 9, 7), FRIDAY)
KEY, SECRET = "invented-key", "invented-secret-of-no-store"
UNEXCUSED, TARDY = "Unexcused Absence", "Tardy"
ROOT = "/api/data/v3/ed-fi/"
SCHOOL_EVENTS, SECTION_EVENTS = "studentSchoolAttendanceEvents", "studentSectionAttendanceEvents"


def event(pupil: str, category: str = UNEXCUSED, day: date = FRIDAY, **more: Any) -> dict[str, Any]:
    """An attendance event of a school."""
    return {
        "attendanceEventCategoryDescriptor": (
            f"uri://ed-fi.org/AttendanceEventCategoryDescriptor#{category}"
        ),
        "eventDate": day.isoformat(),
        "studentReference": {"studentUniqueId": pupil},
        **more,
    }


@dataclass
class Ods:
    """A store as its OpenAPI document describes it: lists, versions, deletes."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone: list[dict[str, Any]] = field(default_factory=list)
    newest: int = 0
    most: int = 500
    odd: dict[str, Any] = field(default_factory=dict)

    def put(self, resource: str, **row: Any) -> str:
        """Save a resource; gives its id."""
        self.newest += 1
        key = f"id-{self.newest}"
        self.rows[key] = {"resource": resource, "version": self.newest, "row": {**row, "id": key}}
        return key

    def delete(self, key: str) -> None:
        """Delete a resource."""
        self.newest += 1
        saved = self.rows.pop(key)
        self.gone.append(
            {"resource": saved["resource"], "version": self.newest, "row": {"id": key}}
        )

    def enrol(self, pupil: str, entry: str = "2026-09-01", leaves: str | None = None) -> str:
        """Put a pupil on the roll."""
        reference = {"studentUniqueId": pupil}
        return self.put(
            "studentSchoolAssociations",
            studentReference=reference,
            entryDate=entry,
            **({"exitWithdrawDate": leaves} if leaves else {}),
        )

    def __call__(self, asked: Asked) -> Any:
        if asked.path == "/api/oauth/token":
            return self._token(asked)
        if asked.headers.get("authorization") != "Bearer invented-access":
            return 401, {}, {"title": "Authentication Failed", "detail": "no such token"}
        resource = asked.path.removeprefix(ROOT)
        for path, answer in self.odd.items():
            if asked.path.endswith(path):
                return answer
        if asked.path == "/api/changeQueries/v1/availableChangeVersions":
            return {"oldestChangeVersion": 0, "newestChangeVersion": self.newest}
        saved = list(self.rows.values())
        if resource.endswith("/deletes"):
            saved, resource = self.gone, resource.removesuffix("/deletes")
        return self._page(asked, [one for one in saved if one["resource"] == resource])

    def _token(self, asked: Asked) -> Any:
        pair = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if asked.headers.get("authorization") != f"Basic {pair}":
            return 401, {}, {"error": "invalid_client"}
        assert asked.form == {"grant_type": "client_credentials"}
        return {"access_token": "invented-access", "expires_in": 1800, "token_type": "bearer"}

    def _page(self, asked: Asked, saved: list[dict[str, Any]]) -> Any:
        least = int(asked.query.get("minChangeVersion", 0))
        rows = [one["row"] for one in saved if one["version"] >= least]
        offset, limit = int(asked.query["offset"]), int(asked.query["limit"])
        headers = {"Total-Count": str(len(rows))} if asked.query["totalCount"] == "true" else {}
        return 200, headers, rows[offset : offset + min(limit, self.most)]


@pytest.fixture
def ods() -> Ods:
    """A store with one school of two pupils."""
    store = Ods()
    store.enrol("E1")
    store.enrol("E2")
    store.put("students", studentUniqueId="E1", firstName="Ada", lastSurname="Testpupil")
    meeting = [{"startTime": "09:15:00", "endTime": "10:15:00"}]
    store.put("classPeriods", classPeriodName="01", meetingTimes=meeting)
    return store


@pytest.fixture
def vendor(httpserver: HTTPServer, ods: Ods) -> Vendor:
    """The store on loopback."""
    return Vendor(httpserver, ods)


def given(vendor: Vendor, secret: str = SECRET) -> dict[str, Any]:
    """The connection of the school."""
    return {
        "api": f"http://{vendor.host}/api",
        "school": "99903",
        "client_id": KEY,
        "client_secret": Secret(secret),
    }


@pytest.fixture
def source(vendor: Vendor, transport: Transport) -> Source:
    """The school, opened."""
    return opened("edfi", given(vendor), transport, NOW)


async def test_the_school_year_is_asked_for_and_its_names_joined(
    vendor: Vendor, ods: Ods, source: Source
) -> None:
    """A pupil whose name the key may not see is a pupil all the same."""
    ods.put(SCHOOL_EVENTS, **event("E1", eventDuration=1))

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert error is None
    assert {one.pupil: one.surname for one in records(batches, "pupils")} == {
        "E1": "Testpupil",
        "E2": "",
    }
    marks = records(batches, "sessions")
    assert [(one.pupil, one.pm, to_code(one.code)) for one in marks] == [
        ("E1", False, "O"),
        ("E1", True, "O"),
    ]
    (asked,) = vendor.to(SCHOOL_EVENTS)[:1]
    assert (asked.query["schoolId"], asked.query["schoolYear"]) == ("99903", "2027")
    assert "minChangeVersion" not in asked.query


@pytest.mark.parametrize("most", [500, 200])
async def test_a_long_list_is_read_to_its_total(
    vendor: Vendor, ods: Ods, source: Source, most: int
) -> None:
    """Whatever number of rows the store gives at most."""
    ods.most = most
    for number in range(1203):
        ods.put(SCHOOL_EVENTS, **event(f"E{number}"))

    batches, error = await taken(source, ReadPlan(WINDOW, streams=frozenset({"sessions"})))

    assert error is None
    assert len({one.pupil for one in records(batches, "sessions")}) == 1203
    assert len(vendor.to(SCHOOL_EVENTS)) == -(-1203 // most)


async def test_a_row_that_goes_while_pages_are_read_makes_the_reading_void(
    vendor: Vendor, ods: Ods, source: Source
) -> None:
    """The row that moved up in its place was on no page: it must not look like one that is gone."""
    keys = [ods.put(SCHOOL_EVENTS, **event(f"E{number}")) for number in range(501)]

    def answer(asked: Asked) -> Any:
        # The page after the first is asked for again where it comes empty.
        if asked.path.endswith(SCHOOL_EVENTS) and asked.query["offset"] == "500" and keys:
            ods.delete(keys.pop(0))
            keys.clear()
        return ods(asked)

    vendor.answer = answer
    batches, error = await taken(source, ReadPlan(WINDOW, sweep=True))

    assert isinstance(error, errors.MisPagingBroken)
    assert not [one for one in batches if one.stream == "sessions" and one.complete]


async def test_a_poll_asks_for_what_changed_since_the_last_one(
    vendor: Vendor, ods: Ods, source: Source
) -> None:
    """The roll is always read whole: of changes alone nobody knows which enrolment stands."""
    first, _ = await taken(source, ReadPlan(WINDOW))
    resume = {key: text for batch in first for key, text in batch.resume.items()}
    version = ods.newest
    ods.put(SCHOOL_EVENTS, **event("E2", TARDY))
    vendor.asked.clear()

    batches, error = await taken(source, ReadPlan(WINDOW, since=NOW, resume=resume))

    assert error is None
    assert [to_code(one.code) for one in records(batches, "sessions")] == ["L"]
    assert len(records(batches, "pupils")) == 2
    since = {asked.path.removeprefix(ROOT): asked.query.get("minChangeVersion")
             for asked in vendor.asked}  # fmt: skip
    for resource in (SCHOOL_EVENTS, SECTION_EVENTS):
        assert since[resource] == since[f"{resource}/deletes"] == str(version)
    assert since["studentSchoolAssociations"] is None


async def test_section_events_are_lessons_as_far_as_their_times_are_known(
    ods: Ods, source: Source
) -> None:
    """One without a class period is nobody's lesson; one of a period without times is set aside."""

    def section(*periods: str) -> dict[str, Any]:
        named = [{"classPeriodReference": {"classPeriodName": name}} for name in periods]
        reference = {"sectionIdentifier": "INV-1"}
        return event("E1", classPeriods=named, sectionReference=reference)

    ods.put("classPeriods", classPeriodName="99", meetingTimes=[])
    for periods in (("01",), (), ("99",)):
        ods.put(SECTION_EVENTS, **section(*periods))

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert error is None
    (lesson,) = records(batches, "lessons")
    assert (lesson.period, lesson.starts, lesson.ends, lesson.register) == ("01", 555, 615, "INV-1")
    assert [row.value for batch in batches for row in batch.quarantined] == ["99"]


async def test_a_store_without_change_queries_says_so(ods: Ods, source: Source) -> None:
    """It is a feature that its keeper turns on."""
    ods.odd["availableChangeVersions"] = (
        404, {}, {"title": "Not Found", "detail": "The feature 'change-queries' is disabled."}
    )  # fmt: skip

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert isinstance(error, errors.MisNotThere)
    assert "change-queries" in str(error)
    assert len(records(batches, "pupils")) == 2


async def test_a_claim_that_is_missing_costs_its_own_list(ods: Ods, source: Source) -> None:
    """The keeper's words are passed on."""
    ods.put(SCHOOL_EVENTS, **event("E1"))
    ods.odd[SECTION_EVENTS] = (
        403, {}, {"title": "Authorization Denied", "detail": "no claim on this resource"}
    )  # fmt: skip

    batches, error = await taken(source, ReadPlan(WINDOW))

    assert isinstance(error, errors.MisPermissionMissing)
    assert "no claim on this resource" in str(error)
    assert records(batches, "sessions")


async def test_a_wrong_secret_is_named_and_never_shown(
    vendor: Vendor, transport: Transport, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither plain nor as it goes over the wire."""
    wrong = "revoked-secret-of-old"
    with caplog.at_level(logging.DEBUG):
        batches, error = await taken(
            opened("edfi", given(vendor, wrong), transport, NOW), ReadPlan(WINDOW)
        )

    assert batches == []
    assert isinstance(error, errors.MisAuthFailed)
    told = f"{error!r} {error} {caplog.text}"
    assert wrong not in told
    assert base64.b64encode(f"{KEY}:{wrong}".encode()).decode() not in told


def configured(vendor: Vendor) -> str:
    """The tables of the school's file."""
    return f"""
[mis]
adapter = "edfi"
[mis.connection]
api = "http://{vendor.host}/api"
school = "99903"
client_id = "{KEY}"
client_secret = "env:EDFI"
"""


async def test_an_event_that_is_deleted_is_an_absence_that_is_withdrawn(
    tmp_path: Path, vendor: Vendor, ods: Ods
) -> None:
    """Nothing but the list of deletes says so: the window is read again, and the mark is gone."""
    wrong = ods.put(SCHOOL_EVENTS, **event("E1", eventDuration=1))
    ods.put(SCHOOL_EVENTS, **event("E2", eventDuration=1))
    environment = {"EDFI": SECRET}
    async with watched(
        tmp_path, ManualClock(NOW), configured(vendor), environment=environment
    ) as school:
        assert school.marks("E1", FRIDAY) == school.marks("E2", FRIDAY) == "OO"

        ods.delete(wrong)
        await school.after(minutes=5)
        await school.after(minutes=5)

        assert school.marks("E1", FRIDAY) == "--"
        assert school.marks("E2", FRIDAY) == "OO"


async def test_a_pupil_who_comes_late_is_seen_in_the_morning_and_not_in_the_afternoon(
    tmp_path: Path, vendor: Vendor, ods: Ods
) -> None:
    """The office replaces the absence by a late arrival; the afternoon is silence again."""
    absent = ods.put(SCHOOL_EVENTS, **event("E1", eventDuration=1))
    environment = {"EDFI": SECRET}
    async with watched(
        tmp_path, ManualClock(NOW), configured(vendor), environment=environment
    ) as school:
        ods.delete(absent)
        ods.put(SCHOOL_EVENTS, **event("E1", TARDY, arrivalTime="09:50:00"))
        await school.after(minutes=5)
        await school.after(minutes=5)

        assert school.marks("E1", FRIDAY) == "L-"


async def test_an_enrolment_that_is_entered_anew_takes_nobody_off_the_roll(
    tmp_path: Path, vendor: Vendor, ods: Ods
) -> None:
    """The day of entry is part of an enrolment's key: correcting it deletes and creates."""
    first = ods.enrol("E3", "2026-09-02")
    environment = {"EDFI": SECRET}
    async with watched(
        tmp_path, ManualClock(NOW), configured(vendor), environment=environment
    ) as school:
        ods.delete(first)
        ods.enrol("E3", "2026-09-03")
        await school.after(minutes=5)

        with school.store.reading() as tx:
            assert pupils.load(tx, "samplewood")["E3"].admission == date(2026, 9, 3)
