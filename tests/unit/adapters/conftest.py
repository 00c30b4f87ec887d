"""A small invented MIS for the tests of the engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from mis_bridge.adapters.declared import DeclaredSource
from mis_bridge.adapters.driver import Gates
from mis_bridge.adapters.manifest import connection, parse
from mis_bridge.adapters.source import ReadPlan
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import HttpResponse
from mis_bridge.io.retry import RetryRules
from mis_bridge.io.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mis_bridge.adapters.source import Batch

MANIFEST = """
[adapter]
id = "tiny"
name = "Tiny MIS"
vendor = "Nobody"
version = "1"
evidence = "invented for tests"

[capabilities]
session = true
lesson = true

[connection.token]
required = true
secret = true
help = "The token."

[auth]
type = "bearer"
token = "{connection.token}"

[http]
base = "https://tiny.example.test/api/"

[stream.codes]
get = "codes"
records = "rows"
page = { type = "none", max_pages = 1 }
map = { id = "id", code = "code" }

[stream.timetable]
get = "timetable"
records = "rows"
keep_seconds = 600
page = { type = "none", max_pages = 1 }
map = { id = "id", day = "starts", starts = "starts", ends = "ends", period = "period" }

[stream.pupils]
get = "pupils"
records = "rows"
empty = "refuse"
page = { type = "none", max_pages = 1 }
cursor = { order = "position", query = { since = "{cursor}" } }
map = { pupil = "id", surname = "surname", dob = "dob" }

[stream.sessions]
get = "sessions"
records = "rows"
page = { type = "cursor", next = "next", query = { cursor = "{page.token}" }, max_pages = 50 }
cursor = { order = "position", query = { since = "{cursor}" }, lead_days = 14 }

[stream.sessions.map]
pupil = "pupil"
day = "day"
session = "session"
code = { path = "code", via = "codes" }
recorded = "saved"

[stream.lessons]
get = "lessons"
records = "rows"
missing = "skip"
page = { type = "none", max_pages = 1 }

[stream.lessons.map]
pupil = "pupil"
day = "day"
lesson = { path = "lesson", via = "timetable" }
code = { path = "code", via = "codes" }
"""

NOW = datetime(2026, 9, 7, 12, 30, tzinfo=UTC)
WINDOW = (date(2026, 9, 7), date(2026, 9, 11))
SECRET = "s3cret-of-the-tiny-mis"


def session(pupil: str, code: str = "c1", **other: Any) -> dict[str, Any]:
    """A session row as the tiny MIS writes it."""
    row = {"pupil": pupil, "day": "2026-09-07", "session": "AM", "code": code, "saved": None}
    return row | other


@dataclass
class TinyMis:
    """A MIS in memory: path -> (status, document or bytes), by cursor where there are pages."""

    answers: dict[str, tuple[int, Any]] = field(
        default_factory=lambda: {
            "codes": (200, {"rows": [{"id": "c1", "code": "/"}, {"id": "c2", "code": "N"}]}),
            "timetable": (
                200,
                {
                    "rows": [
                        {
                            "id": "l1",
                            "starts": "2026-09-07T09:00",
                            "ends": "2026-09-07T10:00",
                            "period": "P1",
                        }
                    ]
                },
            ),
            "pupils": (200, {"rows": [{"id": "p1", "surname": "Testpupil"}]}),
            "sessions": (200, {"rows": [session("p1")]}),
            "lessons": (200, {"rows": []}),
        }
    )
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: list[Mapping[str, str]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the shape of the transport
    ) -> HttpResponse:
        """Answer, and remember what was asked."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query))
        path = parts.path.removeprefix("/api/")
        self.asked.append((path, query))
        self.sent.append(headers or {})
        key = f"{path}@{query['cursor']}" if "cursor" in query else path
        status, document = self.answers.get(key, (404, {"error": "resource_not_found"}))
        if callable(document):
            status, document = document()
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return HttpResponse(status, self.headers, body)

    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [path for path, _ in self.asked]


Opened = Callable[..., DeclaredSource]


@pytest.fixture
def tiny() -> TinyMis:
    """The invented MIS."""
    return TinyMis()


@pytest.fixture
def manifest_text() -> str:
    """The manifest of the tiny MIS, to be changed."""
    return MANIFEST


@pytest.fixture
def clock() -> ManualClock:
    """A school day, half past one in London."""
    return ManualClock(NOW)


@pytest.fixture
def opened(tiny: TinyMis, clock: ManualClock) -> Opened:
    """Opens the tiny MIS; waits are noted in the source's ``waits`` and not waited."""

    def open_tiny(text: str = MANIFEST, **options: Any) -> DeclaredSource:
        manifest = parse(text, "adapter.toml")
        waits: list[float] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        source = DeclaredSource(
            manifest,
            connection(manifest.connection, {"token": Secret(SECRET)}),
            tiny,
            clock,
            Gates(),
            sleep=sleep,
            rules=options.pop("rules", RetryRules(attempts=1)),
            **options,
        )
        source.waits = waits  # type: ignore[attr-defined]
        return source

    return open_tiny


@pytest.fixture
def read() -> Callable[..., Any]:
    """Reads a whole plan."""

    async def read_all(source: DeclaredSource, **plan: Any) -> list[Batch]:
        return [batch async for batch in source.read(ReadPlan(**{"window": WINDOW, **plan}))]

    return read_all
