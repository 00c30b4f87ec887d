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
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_state import WondeState

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer
    from werkzeug import Request

    from mis_bridge.adapters.source import Source

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


@dataclass
class Served:
    """A MIS that answers over HTTP with the fixtures of a shipped adapter.

    Args:
        adapter: its id.
        server: on loopback.
        transport: the real one.
        plan: ``fixtures/plan.toml``.
        bodies: of the answers, by file; change them to change what the MIS says.
        statuses: of the answers, by file.
        asked: the requests so far.
        sent: their headers.
    """

    adapter: str
    server: HTTPServer
    transport: Transport
    plan: Mapping[str, Any]
    bodies: dict[str, bytes]
    statuses: dict[str, int]
    asked: list[str] = field(default_factory=list)
    sent: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def secret(self) -> str:
        """What the invented school gave and nobody may read in a log."""
        given: Mapping[str, str] = self.plan["connection"]
        return given.get("token") or given["key"]

    def change(self, file: str, change: Callable[[Any], Any]) -> None:
        """Let the MIS answer otherwise: what ``change`` makes of the documented answer."""
        document = json.loads(self.bodies[file])
        self.bodies[file] = json.dumps(change(document)).encode()

    def open(self, host_key: str, **more: str) -> Source:
        """Open the school; one attempt a request."""
        parameters = registry.load()[self.adapter].manifest.connection
        given = {
            name: Secret(str(value)) if parameters[name].secret else str(value)
            for name, value in {**self.plan["connection"], **more}.items()
        }
        given |= {host_key: f"127.0.0.1:{self.server.port}", "scheme": "http"}
        return registry.load()[self.adapter].open(
            given,
            transport=self.transport,
            clock=ManualClock(self.plan["now"]),
            codes=self.plan.get("codes"),
            patient=False,
        )

    def answer(self, request: Request) -> Response:
        """Answer with the most particular exchange that fits."""
        content = request.get_data(as_text=True)
        self.asked.append(f"{request.method} {request.full_path} {content}")
        self.sent.append(dict(request.headers))
        fitting = [
            exchange
            for exchange in self.plan["exchange"]
            if request.path == exchange.get("get", exchange.get("post"))
            and exchange.get("query", {}).items() <= request.args.to_dict().items()
            and all(text in content for text in exchange.get("having", ()))
        ]
        if not fitting:
            return Response("nothing answers this", 404)
        best = max(fitting, key=lambda one: len(one.get("query", ())) + len(one.get("having", ())))
        file = best["body"]
        return Response(
            self.bodies[file],
            self.statuses.get(file, best.get("status", 200)),
            content_type="application/json",
        )


Serve = Callable[[str], Served]


@pytest.fixture
def serve(httpserver: HTTPServer, transport: Transport) -> Serve:
    """Serves the fixtures of an adapter on loopback."""

    def served(adapter: str) -> Served:
        folder = registry.shipped() / "mis" / adapter / "fixtures"
        plan = tomllib.loads((folder / "plan.toml").read_text(encoding="utf-8"))
        bodies = {file.name: file.read_bytes() for file in folder.glob("*.json")}
        mis = Served(adapter, httpserver, transport, plan, bodies, {})
        httpserver.expect_request(re.compile(".*")).respond_with_handler(mis.answer)
        return mis

    return served
