"""A vendor's API on loopback whose answers a test writes, and a daemon that reads a school."""

from __future__ import annotations

import json
import os
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug import Request, Response

from mis_bridge.adapters import registry
from mis_bridge.errors import MisError
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.notify import Notifier
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.service.assembly import assembled
from mis_bridge.settings import load
from mis_bridge.store import strips
from mis_bridge.store.opening import open_configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import date, datetime
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from mis_bridge.adapters.source import Batch, ReadPlan, Source
    from mis_bridge.io.http import Transport
    from mis_bridge.service.daemon import Daemon
    from mis_bridge.store.engine import Store

SCHOOL = "samplewood"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire; the query decoded once."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


@dataclass(slots=True)
class Vendor:
    """Answers by a function: a document, or (status, headers, document)."""

    httpserver: HTTPServer
    answer: Callable[[Asked], Any]
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.httpserver.expect_request(re.compile(".*")).respond_with_handler(self._serve)

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.httpserver.port}"

    def to(self, part: str) -> list[Asked]:
        """Give the requests whose address has this part."""
        return [asked for asked in self.asked if part in asked.path]

    def _serve(self, request: Request) -> Response:
        asked = Asked(
            request.method,
            request.path,
            request.args.to_dict(),
            {name.lower(): value for name, value in request.headers.items()},
            request.form.to_dict(),
        )
        self.asked.append(asked)
        answer = self.answer(asked)
        status, headers, document = answer if isinstance(answer, tuple) else (200, {}, answer)
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return Response(body, status, headers, content_type="application/json")


def opened(
    adapter: str, given: dict[str, Any], transport: Transport, now: datetime, **options: Any
) -> Source:
    """Open a school by a shipped adapter; one attempt a request."""
    return registry.load()[adapter].open(
        given,
        transport=transport,
        clock=ManualClock(now),
        **{"patient": False, **options},
    )


async def taken(source: Source, plan: ReadPlan) -> tuple[list[Batch], MisError | None]:
    """Read until the end or an error; what came before an error counts."""
    batches: list[Batch] = []
    try:
        async for batch in source.read(plan):
            batches.append(batch)  # noqa: PERF401 - what came before an error counts
    except MisError as error:
        return batches, error
    return batches, None


def records(batches: list[Batch], stream: str) -> list[Any]:
    """Give the records of a stream."""
    return [record for batch in batches if batch.stream == stream for record in batch.records]


@dataclass
class Watched:
    """A daemon that reads one school, its database, and its clock."""

    daemon: Daemon
    store: Store
    clock: ManualClock

    async def after(self, minutes: float) -> None:
        """Let time pass, and the daemon do what is due."""
        self.clock.advance(minutes=minutes)
        await self.daemon.settle()

    def marks(self, pupil: str, day: date) -> str:
        """Give the marks that are stored of a day, morning and afternoon."""
        year = AcademicYear.of(day)
        with self.store.reading() as tx:
            strip = strips.load(tx, SCHOOL, year).get(pupil)
        return "" if strip is None else strip.mark(day, pm=False) + strip.mark(day, pm=True)


@asynccontextmanager
async def watched(
    folder: Path, clock: ManualClock, school: str, *, environment: dict[str, str] | None = None
) -> AsyncIterator[Watched]:
    """Watch a school.

    Args:
        folder: an empty one.
        clock: of the daemon.
        school: tables of the school's file, from ``[mis]`` on.
        environment: where its secrets are.
    """
    (folder / "conf.d").mkdir()
    (folder / "config.toml").write_text('[service]\ndata_dir = "data"\n', "utf-8")
    (folder / "conf.d" / f"{SCHOOL}.toml").write_text(
        f"""
[school]
id = "{SCHOOL}"
name = "Samplewood School"
{school}
[calendar]
first_day = 2026-09-01
last_day = 2027-07-20
""",
        "utf-8",
    )
    configuration = load(folder / "config.toml")
    secrets = Secrets(None, {**os.environ, **(environment or {})})
    store = open_configured(configuration, secrets, create=True)
    try:
        async with assembled(
            configuration, store, clock=clock, secrets=secrets, notifier=Notifier()
        ) as daemon:
            await daemon.settle()
            yield Watched(daemon, store, clock)
    finally:
        store.close()
