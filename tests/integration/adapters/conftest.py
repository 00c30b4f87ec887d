"""MIS on loopback, and the shipped adapters opened on them.

Wonde has a stand-in of its own; other adapters are served their own fixtures.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from werkzeug import Response

from mis_bridge.adapters import registry
from mis_bridge.adapters.declared import DeclaredSource
from mis_bridge.errors import MisError
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_state import WondeState

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from mis_bridge.adapters.source import Batch, ReadPlan, Source

SCHOOL = build_school(11, 60)
DAYS = SCHOOL.days[:3]
NOON = datetime(2026, 9, 7, 12, tzinfo=UTC)

Open = Callable[..., DeclaredSource]


@pytest.fixture
def wonde_clock() -> ManualClock:
    """Noon of the third school day."""
    return ManualClock(NOON)


@pytest.fixture
def wonde(wonde_clock: ManualClock) -> Iterator[WondeStandin]:
    """A school of sixty with three days of marks, the last of them half over."""
    state = WondeState(SCHOOL, marked=DAYS, lesson_days=DAYS)
    with WondeStandin(state, wonde_clock) as server:
        yield server


@pytest_asyncio.fixture
async def transport() -> AsyncIterator[Transport]:
    """The real transport."""
    async with Transport(timeout=5) as made:
        yield made


@pytest.fixture
def open_wonde(wonde: WondeStandin, wonde_clock: ManualClock, transport: Transport) -> Open:
    """Opens the stand-in's school by the shipped manifest; one attempt, seven rows a page."""

    def opened(**options: Any) -> Source:
        given: dict[str, str | Secret] = {
            "school": SCHOOL.id,
            "token": Secret(options.pop("token", TOKEN)),
            "domain": wonde.host,
            "scheme": "http",
            "per_page": str(options.pop("per_page", 50)),
        }
        return registry.load()["wonde"].open(
            given, transport=transport, clock=wonde_clock, **{"patient": False, **options}
        )

    return opened  # type: ignore[return-value]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: str
    line: str

    @classmethod
    def of(cls, request: Request) -> Asked:
        """Take down a request."""
        content = request.get_data(as_text=True)
        return cls(
            request.method,
            request.path,
            request.args.to_dict(),
            dict(request.headers),
            content,
            f"{request.method} {request.full_path} {content}",
        )

    @property
    def form(self) -> Any:
        """The JSON object of its body."""
        return json.loads(self.body)


Answer = Callable[[Asked], Any]
"""Gives a document, (status, document), or None where the fixtures answer."""


@dataclass
class Served:
    """A MIS that answers over HTTP with the fixtures of a shipped adapter.

    Args:
        adapter: its id.
        server: on loopback.
        transport: the real one.
        plan: ``fixtures/plan.toml``.
        bodies: of the answers, by file; change them to change what the MIS says. An address of the
            vendor in them becomes one of the server.
        statuses: of the answers, by file.
        clock: of the schools that are opened, at the fixtures' present.
        answers: asked before the fixtures, the last one first.
        asked: the requests so far.
    """

    adapter: str
    server: HTTPServer
    transport: Transport
    plan: Mapping[str, Any]
    bodies: dict[str, bytes]
    statuses: dict[str, int]
    clock: ManualClock
    answers: list[Answer] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @property
    def host(self) -> str:
        """Host and port of the server."""
        return f"127.0.0.1:{self.server.port}"

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://{self.host}"

    @property
    def secret(self) -> str:
        """What the invented school gave and nobody may read in a log."""
        given: Mapping[str, str] = self.plan["connection"]
        return given.get("token") or given["key"]

    @property
    def lines(self) -> list[str]:
        """The requests so far: method, address and body in one text."""
        return [asked.line for asked in self.asked]

    @property
    def sent(self) -> list[dict[str, str]]:
        """The headers of the requests so far."""
        return [asked.headers for asked in self.asked]

    def to(self, path: str) -> list[Asked]:
        """Give the requests to an address."""
        return [asked for asked in self.asked if asked.path == path]

    def change(self, file: str, change: Callable[[Any], Any]) -> None:
        """Let the MIS answer otherwise: what ``change`` makes of the documented answer."""
        document = json.loads(self.bodies[file])
        self.bodies[file] = json.dumps(change(document)).encode()

    def open(self, host_key: str = "", **more: str) -> Source:
        """Open the school; one attempt a request.

        Args:
            host_key: parameter that is the MIS's host, if one is; it is then asked over http.
            more: parameters that are not as the fixtures have them.
        """
        parameters = registry.load()[self.adapter].manifest.connection
        given = {
            name: Secret(str(value)) if parameters[name].secret else str(value)
            for name, value in {**self.plan["connection"], **more}.items()
        }
        if host_key:
            given |= {host_key: self.host, "scheme": "http"}
        return registry.load()[self.adapter].open(
            given,
            transport=self.transport,
            clock=self.clock,
            codes=self.plan.get("codes"),
            patient=False,
        )

    def answer(self, request: Request) -> Response:
        """Answer as a test says, or with the most particular exchange that fits."""
        asked = Asked.of(request)
        self.asked.append(asked)
        for answer in reversed(self.answers):
            found = answer(asked)
            if found is not None:
                return _response(*(found if isinstance(found, tuple) else (200, found)))
        fitting = [
            exchange
            for exchange in self.plan["exchange"]
            if asked.path == exchange.get("get", exchange.get("post"))
            and exchange.get("query", {}).items() <= asked.query.items()
            and all(text in asked.body for text in exchange.get("having", ()))
        ]
        if not fitting:
            return Response("nothing answers this", 404)
        best = max(fitting, key=lambda one: len(one.get("query", ())) + len(one.get("having", ())))
        file = best["body"]
        body = _VENDOR.sub(self.url.encode(), self.bodies[file])
        return _response(self.statuses.get(file, best.get("status", 200)), body)


_VENDOR = re.compile(rb"https://[a-z0-9.-]+(?=/)")


def _response(status: int, document: Any) -> Response:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return Response(body, status, content_type="application/json")


Serve = Callable[[str], Served]


@pytest.fixture
def serve(httpserver: HTTPServer, transport: Transport) -> Serve:
    """Serves the fixtures of an adapter on loopback."""

    def served(adapter: str) -> Served:
        folder = registry.shipped() / "mis" / adapter / "fixtures"
        plan = tomllib.loads((folder / "plan.toml").read_text(encoding="utf-8"))
        bodies = {file.name: file.read_bytes() for file in folder.glob("*.json")}
        mis = Served(adapter, httpserver, transport, plan, bodies, {}, ManualClock(plan["now"]))
        httpserver.expect_request(re.compile(".*")).respond_with_handler(mis.answer)
        return mis

    return served


async def read_to_the_end(source: Source, plan: ReadPlan) -> tuple[list[Batch], MisError | None]:
    """Read until the end or an error; what came before an error counts."""
    batches: list[Batch] = []
    try:
        async for batch in source.read(plan):
            batches.append(batch)  # noqa: PERF401 - what came before an error counts
    except MisError as error:
        return batches, error
    return batches, None


@pytest.fixture
def taken() -> Callable[..., Any]:
    """Reads a plan until its end or an error."""
    return read_to_the_end
