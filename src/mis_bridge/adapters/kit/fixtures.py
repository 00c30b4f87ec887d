"""Fixtures of an adapter, and a transport that answers from them.

``fixtures/plan.toml`` says what is read and which request is answered by which file::

    now = 2026-09-08T12:00:00Z
    first = 2026-09-07
    last = 2026-09-11

    [connection]
    school = "A1999000001"
    token = "invented-token"

    [codes]                      # of the school's file, optional
    "!" = "X"

    [periods]                    # likewise
    P1 = "09:00-10:00"

    [[exchange]]
    get = "/v1.0/schools/A1999000001/students/"
    query = { cursor = "abc" }   # only where it must be there; the most particular exchange wins
    having = ["query Roll"]      # texts that the body of a POST must have, likewise
    body = "students-2.json"
    status = 200

In ``[connection]`` the text ``{fixtures}`` stands for the folder itself.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import TypeAdapter, ValidationError

from mis_bridge.errors import AdapterInvalid
from mis_bridge.io.http import HttpResponse
from mis_bridge.io.secrets import Secret
from mis_bridge.settings.model import TimeSpan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mis_bridge.adapters.registry import Adapter

_span = TypeAdapter(TimeSpan).validate_python

__all__ = ["Exchange", "FixtureTransport", "Fixtures", "read_fixtures"]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answer.

    Args:
        path: of the requests that it answers.
        query: parameters that they must have.
        status: of the answer.
        body: of the answer.
        name: of the body's file.
        having: texts that the request's body must have.
    """

    path: str
    query: Mapping[str, str]
    status: int
    body: bytes
    name: str
    having: tuple[str, ...] = ()

    def fits(self, path: str, query: Mapping[str, str], content: str) -> bool:
        """Whether this answers a request."""
        return (
            path == self.path
            and all(query.get(k) == v for k, v in self.query.items())
            and all(text in content for text in self.having)
        )


@dataclass(frozen=True, slots=True)
class Fixtures:
    """What an adapter is tested with.

    Args:
        now: the present of the test.
        window: first and last day that are read.
        connection: of the invented school, secrets as ``Secret``.
        codes: of the invented school's file.
        periods: of the invented school's file.
        exchanges: the answers.
        expect: what must come out, as ``kit.bronze.as_json`` writes it.
    """

    now: datetime
    window: tuple[date, date]
    connection: Mapping[str, str | Secret]
    codes: Mapping[str, str]
    exchanges: tuple[Exchange, ...]
    expect: Any
    periods: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret values, which no text may repeat."""
        return tuple(v.reveal() for v in self.connection.values() if isinstance(v, Secret))

    def answering(self, status: int, body: bytes) -> Fixtures:
        """Make the same fixtures with one answer to everything."""
        return replace(
            self,
            exchanges=tuple(
                replace(exchange, status=status, body=body) for exchange in self.exchanges
            ),
        )


@dataclass(slots=True)
class FixtureTransport:
    """Answers requests from fixtures, as ``io.http.Transport`` would from the network.

    Args:
        exchanges: the answers.
    """

    exchanges: tuple[Exchange, ...]
    used: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as the transport
    ) -> HttpResponse:
        """Answer with the most particular exchange that fits; 404 without one."""
        del headers, timeout
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        sent = (content or b"").decode("utf-8")
        fitting = [e for e in self.exchanges if e.fits(parts.path, query, sent)]
        if not fitting:
            self.asked.append(f"{method} {parts.path}")
            return HttpResponse(404, {}, b'{"error":"no fixture answers this request"}')
        best = max(fitting, key=lambda exchange: len(exchange.query) + len(exchange.having))
        self.used.add(best.name)
        return HttpResponse(best.status, {"content-type": "application/json"}, best.body)


def read_fixtures(adapter: Adapter) -> Fixtures:
    """Read the fixtures of an adapter.

    Raises:
        AdapterInvalid: they are not there, or not as this module describes.
    """
    folder = adapter.folder / "fixtures"
    plan = folder / "plan.toml"
    try:
        raw = tomllib.loads(plan.read_text(encoding="utf-8"))
        expect = json.loads((adapter.folder / "expect.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterInvalid(f"{plan}, expect.json: {error}") from None
    try:
        now, first, last = raw["now"], raw["first"], raw["last"]
        return Fixtures(
            now=now.astimezone(UTC),
            window=(first, last),
            connection=_connection(adapter, raw.get("connection", {}), folder),
            codes=raw.get("codes", {}),
            exchanges=tuple(_exchange(folder, item) for item in raw.get("exchange", [])),
            expect=expect,
            periods={name: _span(text) for name, text in raw.get("periods", {}).items()},
        )
    except (KeyError, AttributeError, TypeError, ValidationError) as error:
        raise AdapterInvalid(
            f"{plan}: now, first, last and each exchange's get and body are needed ({error})"
        ) from None


def _connection(
    adapter: Adapter, given: Mapping[str, Any], folder: Path
) -> dict[str, str | Secret]:
    parameters = adapter.manifest.connection
    filled = {name: str(value).replace("{fixtures}", str(folder)) for name, value in given.items()}
    return {
        name: Secret(value) if name in parameters and parameters[name].secret else value
        for name, value in filled.items()
    }


def _exchange(folder: Path, item: Mapping[str, Any]) -> Exchange:
    try:
        body = (folder / item["body"]).read_bytes()
    except OSError as error:
        raise AdapterInvalid(f"{folder / item['body']}: {error.strerror}") from None
    query = {name: str(value) for name, value in item.get("query", {}).items()}
    return Exchange(
        item.get("get") or item["post"],
        query,
        item.get("status", 200),
        body,
        item["body"],
        tuple(item.get("having", ())),
    )
