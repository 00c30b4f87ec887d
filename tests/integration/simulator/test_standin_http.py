"""The stand-in over real HTTP: documented shapes, paging, refusals, limits and faults."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mis_bridge.io.clock import ManualClock
from mis_bridge.simulator.faults import Fault, FaultKind
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_api import ALL_SCOPES
from mis_bridge.simulator.wonde_state import WondeState

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHOOL = build_school(11, 60)
DAYS = SCHOOL.days[:3]
NOON = datetime(2026, 9, 7, 12, tzinfo=UTC)  # Monday, the third school day


@pytest.fixture
def clock() -> ManualClock:
    """Noon of the third school day."""
    return ManualClock(NOON)


@pytest.fixture
def standin(clock: ManualClock) -> Iterator[WondeStandin]:
    """A stand-in with three days of marks, the last of them half over."""
    state = WondeState(SCHOOL, marked=DAYS, lesson_days=DAYS)
    with WondeStandin(state, clock) as server:
        yield server


@pytest.fixture
def client(standin: WondeStandin) -> Iterator[httpx.Client]:
    """A client that is let in."""
    with httpx.Client(
        base_url=f"{standin.url}/schools/{SCHOOL.id}/",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=5,
    ) as one:
        yield one


def every_page(client: httpx.Client, target: str) -> list[list[dict[str, Any]]]:
    """Follow ``next`` from page to page."""
    pages = []
    following: str | None = target
    while following:
        body = client.get(following).raise_for_status().json()
        pages.append(body["data"])
        following = body["meta"].get("pagination", {}).get("next")
    return pages


def ids(pages: list[list[dict[str, Any]]]) -> list[str]:
    """Give the ids of all rows."""
    return [row["id"] for page in pages for row in page]


@pytest.mark.parametrize("stream", ["attendance/session/", "attendance/lesson/", "students/"])
@pytest.mark.parametrize("mode", ["cursor=true", "page=1"])
@pytest.mark.parametrize("size", [1, 7, 5000])
def test_both_kinds_of_paging_give_every_row_once(
    client: httpx.Client, stream: str, mode: str, size: int
) -> None:
    """Cursor or page numbers, small pages or large: the same rows, each once."""
    if size == 1 and stream != "students/":
        size = 3
    whole = ids(every_page(client, f"{stream}?cursor=true&per_page=5000"))
    found = ids(every_page(client, f"{stream}?{mode}&per_page={size}"))
    assert found == whole
    assert len(set(found)) == len(found) > 0


def test_short_lists_have_no_pagination_object(client: httpx.Client) -> None:
    """50 rows or fewer come without ``pagination``; ``per_page`` forces one."""
    assert "pagination" not in client.get("periods/").json()["meta"]
    assert client.get("periods/?per_page=50").json()["meta"]["pagination"]["more"] is False
    longer = client.get("students/").json()
    assert len(longer["data"]) == 50
    assert longer["meta"]["pagination"]["more"] is True


def test_last_page_says_so(client: httpx.Client) -> None:
    """``next`` is null and ``more`` false on the last page, in both modes."""
    for mode in ("cursor=true", "page=1"):
        pagination = client.get(f"students/?{mode}&per_page=500").json()["meta"]["pagination"]
        assert pagination["next"] is None
        assert pagination["more"] is False


def test_marks_have_the_documented_shape(client: httpx.Client) -> None:
    """A session mark names pupil and code by id and carries date objects with microseconds."""
    row = client.get("attendance/session/?per_page=1").json()["data"][0]
    assert row["date"] == {
        "date": "2026-09-03 00:00:00.000000",
        "timezone_type": 3,
        "timezone": "Europe/London",
    }
    assert row["session"] in ("AM", "PM")
    assert row["student"] in SCHOOL.by_id
    codes = {code["id"] for code in client.get("attendance-codes/").json()["data"]}
    assert row["attendance_code"] in codes
    updated = row["updated_at"]
    assert updated["timezone"] == "UTC"
    assert datetime.fromisoformat(updated["date"]).date() == date(2026, 9, 3)
    assert len(updated["date"].partition(".")[2]) == 6


def test_school_table_has_the_34_codes_of_the_law(client: httpx.Client) -> None:
    """The school's own table holds every code of regulation 10, C1 and Y7 included."""
    codes = [row["code"] for row in client.get("attendance-codes/?per_page=200").json()["data"]]
    assert len(codes) == 34
    assert {"/", "\\", "C1", "Y7", "#"} <= set(codes)


def test_includes_nest_under_data(client: httpx.Client) -> None:
    """Includes come as ``{"data": ...}``: the UPN, the form, the lesson's period."""
    target = "students/?per_page=1&include=education_details,registration,year"
    pupil = client.get(target).json()["data"][0]
    known = SCHOOL.by_id[pupil["id"]]
    assert pupil["education_details"]["data"]["upn"] == known.upn
    assert pupil["registration"]["data"]["name"] == known.form
    mark = client.get("attendance/lesson/?per_page=1&include=lesson.period,lesson").json()["data"]
    assert mark[0]["lesson"]["data"]["period"]["data"]["name"] == "P1"


def test_future_is_not_shown(client: httpx.Client, clock: ManualClock) -> None:
    """At noon there is no afternoon mark of the day; after the register there is."""
    target = "attendance/session/?updated_after=2026-09-07 00:00:00&per_page=500"
    today = client.get(target).json()["data"]
    assert {row["session"] for row in today if row["date"]["date"] >= "2026-09-07"} == {"AM"}
    clock.set(NOON + timedelta(hours=2))
    later = client.get(target).json()["data"]
    assert {row["session"] for row in later if row["date"]["date"] >= "2026-09-07"} == {"AM", "PM"}


def test_updated_after_gives_changes_only(client: httpx.Client, standin: WondeStandin) -> None:
    """A corrected mark keeps its id, gets a new ``updated_at``, and is all that has changed."""
    pupil = next(iter(SCHOOL.by_id))
    before = {row["id"] for page in every_page(client, "attendance/session/?per_page=500")
              for row in page if row["student"] == pupil}  # fmt: skip
    standin.state.save_session(pupil, DAYS[0], pm=False, code="C", at=NOON - timedelta(minutes=1))
    since = (NOON - timedelta(minutes=2)).strftime("%Y-%m-%d %H:%M:%S")
    changed = client.get(f"attendance/session/?updated_after={since}&per_page=500").json()["data"]
    assert [row["id"] for row in changed] == [row["id"] for row in changed if row["id"] in before]
    assert [row["student"] for row in changed] == [pupil]
    assert changed[0]["created_at"] != changed[0]["updated_at"]


def test_removed_mark_has_no_row(client: httpx.Client, standin: WondeStandin) -> None:
    """A mark that is taken back is gone, and no list of changes says so."""
    pupil = next(iter(SCHOOL.by_id))
    count = len(ids(every_page(client, "attendance/session/?per_page=500")))
    standin.state.save_session(pupil, DAYS[0], pm=False, code="", at=NOON)
    assert len(ids(every_page(client, "attendance/session/?per_page=500"))) == count - 1
    since = (NOON - timedelta(minutes=1)).isoformat()
    target = "attendance/session/"
    rows = client.get(target, params={"updated_after": since}).json()["data"]
    assert rows == []


def test_leaver_is_in_the_deletions(client: httpx.Client, standin: WondeStandin) -> None:
    """A pupil taken off the roll leaves the list and is named in the deletions."""
    pupil = next(iter(SCHOOL.by_id))
    standin.state.remove_pupil(pupil, NOON - timedelta(minutes=1))
    assert pupil not in ids(every_page(client, "students/?per_page=100"))
    (gone,) = client.get("deletions/?type=student").json()["data"]
    assert (gone["type"], gone["id"], gone["restored_at"]) == ("student", pupil, None)
    assert ids(every_page(client, "students-leaver/?per_page=100")) == [pupil]


def test_lessons_are_filtered_by_their_start(client: httpx.Client) -> None:
    """``lessons_start_after`` and ``before`` bound the timetable; both are asked in UTC."""
    target = "lessons/?lessons_start_after=2026-09-07 00:00:00&per_page=500"
    rows = client.get(f"{target}&lessons_start_before=2026-09-07 23:59:59").json()["data"]
    assert len(rows) == len(SCHOOL.lessons(date(2026, 9, 7)))
    assert {row["start_at"]["date"][:10] for row in rows} == {"2026-09-07"}


@pytest.mark.parametrize(
    ("target", "status", "error"),
    [
        ("students/?include=registration_group", 400, "invalid_include"),
        ("attendance-sessions/", 404, "resource_not_found"),
        ("students/?per_page=many", 400, "invalid_request"),
        ("students/?updated_after=yesterday", 400, "invalid_request"),
        ("students/?cursor=eyJub25zZW5zZSI6MX0=", 400, "invalid_cursor"),
    ],
)
def test_refusals_have_the_documented_body(
    client: httpx.Client, target: str, status: int, error: str
) -> None:
    """A wrong request gets a status and a body of ``error`` and ``error_description``."""
    answer = client.get(target)
    assert answer.status_code == status
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


def test_cursor_of_another_list_is_refused(client: httpx.Client) -> None:
    """A cursor belongs to its list."""
    body = client.get("students/?cursor=true&per_page=1").json()
    cursor = httpx.URL(body["meta"]["pagination"]["next"]).params["cursor"]
    answer = client.get("attendance/session/", params={"cursor": cursor})
    assert answer.status_code == 400


def test_wrong_token_is_401(standin: WondeStandin) -> None:
    """No token, a wrong one, and a revoked one are refused; Basic with the token is let in."""
    school = f"{standin.url}/schools/{SCHOOL.id}"
    assert httpx.get(school).status_code == 401
    assert httpx.get(school, headers={"Authorization": "Bearer no"}).status_code == 401
    assert httpx.get(school, auth=(TOKEN, "")).status_code == 200
    standin.api.tokens = frozenset()
    assert httpx.get(school, auth=(TOKEN, "")).status_code == 401


def test_missing_scope_is_403(client: httpx.Client, standin: WondeStandin) -> None:
    """A scope that the school did not grant is named."""
    standin.api.scopes = ALL_SCOPES - {"attendance.read"}
    answer = client.get("attendance/session/")
    assert answer.status_code == 403
    assert answer.json() == {
        "error": "invalid_permissions",
        "error_description": "Scope attendance.read not enabled",
    }


def test_rate_limit_is_429_with_retry_after(clock: ManualClock) -> None:
    """One request too many is told when to come back, and is welcome then."""
    state = WondeState(SCHOOL, marked=DAYS[:1])
    with WondeStandin(state, clock, rate_limit=(2, 10.0)) as standin:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        target = f"{standin.url}/schools/{SCHOOL.id}"
        statuses = [httpx.get(target, headers=headers).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        assert httpx.get(target, headers=headers).headers["Retry-After"] == "10"
        clock.advance(seconds=10)
        assert httpx.get(target, headers=headers).status_code == 200


def test_status_fault_has_its_span_and_its_retry_after(
    client: httpx.Client, standin: WondeStandin, clock: ManualClock
) -> None:
    """A fault is on from its first moment until before its last."""
    standin.faults.add(
        Fault(FaultKind.STATUS, first=NOON, last=NOON + timedelta(minutes=5), retry_after=7)
    )
    answer = client.get("periods/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    clock.advance(minutes=5)
    assert client.get("periods/").status_code == 200


def test_fault_hits_its_path_so_many_times(client: httpx.Client, standin: WondeStandin) -> None:
    """A fault for one list, once, leaves the others and the next request alone."""
    standin.faults.add(Fault(FaultKind.STATUS, path="students", times=1))
    assert client.get("periods/").status_code == 200
    assert client.get("students/").status_code == 503
    assert client.get("students/").status_code == 200


def test_spoilt_answers(client: httpx.Client, standin: WondeStandin) -> None:
    """Cut JSON, a sign-in page and an empty list all come with status 200."""
    for kind in (FaultKind.TRUNCATED, FaultKind.HTML):
        standin.faults.add(Fault(kind, times=1))
        answer = client.get("students/")
        assert answer.status_code == 200
        with pytest.raises(json.JSONDecodeError):
            answer.json()
    standin.faults.add(Fault(FaultKind.EMPTY, times=1))
    assert client.get("students/").json()["data"] == []


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.RESET, times=1), httpx.NetworkError),
        (Fault(FaultKind.CUT, times=1), httpx.RemoteProtocolError),
        (Fault(FaultKind.HANG, times=1, seconds=0.2), httpx.RemoteProtocolError),
    ],
)
def test_broken_connections(
    client: httpx.Client, standin: WondeStandin, fault: Fault, error: type[Exception]
) -> None:
    """A reset, a short body and a hang that ends in silence break the request, not the server."""
    standin.faults.add(fault)
    with pytest.raises(error):
        client.get("students/")
    assert client.get("students/").status_code == 200


def test_refused_connections_come_back_on_the_same_port(
    standin: WondeStandin,
) -> None:
    """After ``refuse`` nobody listens; after ``accept`` the same address answers."""
    target = f"{standin.url}/schools/{SCHOOL.id}"
    standin.refuse()
    with pytest.raises(httpx.ConnectError):
        httpx.get(target)
    standin.accept()
    assert httpx.get(target, auth=(TOKEN, "")).status_code == 200


def test_connections_are_kept_alive(standin: WondeStandin) -> None:
    """Two requests go over one connection, as HTTP/1.1 has it."""
    request = f"GET /v1.0/schools/{SCHOOL.id} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", standin.port), timeout=5) as connection:
        for _ in range(2):
            connection.sendall(request)
            assert connection.recv(65536).startswith(b"HTTP/1.1 401")


def test_writing_is_refused(client: httpx.Client) -> None:
    """mis-bridge never writes a mark, and the stand-in would not take one."""
    assert client.post("attendance/session/", json={}).status_code == 405


def test_runs_as_a_process_of_its_own() -> None:
    """The module prints one line that says where it is, and ends with its standard input."""
    command = [sys.executable, "-m", "mis_bridge.simulator.standin_wonde", "--pupils", "10"]
    with subprocess.Popen(
        [*command, "--as-of", "2026-09-10T12:00"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        place = json.loads(process.stdout.readline())
        answer = httpx.get(f"{place['url']}/schools/{place['school']}", auth=(place["token"], ""))
        assert answer.json()["data"]["id"] == place["school"]
        process.communicate(timeout=20)
        assert process.returncode == 0
