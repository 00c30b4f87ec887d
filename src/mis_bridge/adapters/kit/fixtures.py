"""Fixtures of an adapter, and a server that answers from them.

``fixtures/plan.toml`` says what is read and which request is answered by which file::

    now = 2026-09-08T12:00:00Z
    first = 2026-09-07
    last = 2026-09-11
    later = 2026-09-08T14:00:00Z # optional, see below

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
    headers = { Total-Count = "3" }

In ``[connection]`` the text ``{fixtures}`` stands for the folder itself.

What the MIS says some time afterwards (marks corrected and added, a pupil who left) stands in
``fixtures/later/``: a file there takes the place of the file of the same name, and
``expect-later.json`` is what a reading of everything then gives. The kit makes such changes itself
where a manifest says how the MIS is read; an adapter with code of its own has to bring them.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import TypeAdapter, ValidationError

from mis_bridge.errors import AdapterInvalid
from mis_bridge.io.http import HttpResponse
from mis_bridge.io.secrets import Secret
from mis_bridge.settings.fields import TimeSpan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mis_bridge.adapters.registry import Adapter

__all__ = ["Exchange", "FixtureServer", "Fixtures", "Later", "read_fixtures"]

_span = TypeAdapter(TimeSpan).validate_python

_FOLDER: Final = "{fixtures}"
_NOT_DROPPED: Final = ("plan.toml", "later")
_SOME_TIME: Final = timedelta(hours=2)


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
        headers: of the answer, names in lower case.
    """

    path: str
    query: Mapping[str, str]
    status: int
    body: bytes
    name: str
    having: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def fits(self, path: str, query: Mapping[str, str], content: str) -> bool:
        """Whether this answers a request."""
        return (
            path == self.path
            and all(query.get(k) == v for k, v in self.query.items())
            and all(text in content for text in self.having)
        )


@dataclass(frozen=True, slots=True)
class Later:
    """What the MIS says some time afterwards.

    Args:
        now: the present of then.
        exchanges: the answers of then.
        expect: what a reading of everything then gives.
    """

    now: datetime
    exchanges: tuple[Exchange, ...]
    expect: Any


@dataclass(frozen=True, slots=True)
class Fixtures:
    """What an adapter is tested with.

    Args:
        folder: where the files are.
        now: the present of the test.
        window: first and last day that are read.
        given: what the invented school gave, secrets as ``Secret``; ``{fixtures}`` not yet filled.
        codes: of the invented school's file.
        exchanges: the answers.
        expect: what must come out, as ``kit.reading.as_json`` writes it.
        periods: of the invented school's file.
        later: what the MIS says afterwards, or None.
    """

    folder: Path
    now: datetime
    window: tuple[date, date]
    given: Mapping[str, str | Secret]
    codes: Mapping[str, str]
    exchanges: tuple[Exchange, ...]
    expect: Any
    periods: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    later: Later | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """The secret values, which no text may repeat."""
        return tuple(v.reveal() for v in self.given.values() if isinstance(v, Secret))

    @property
    def is_dropped(self) -> bool:
        """Whether the MIS drops files into a folder, and answers no requests."""
        return any(_FOLDER in v for v in self.given.values() if isinstance(v, str))

    def connection(self, folder: Path) -> dict[str, str | Secret]:
        """Give what the invented school gave, with a folder of its own where files are dropped."""
        return {
            name: value.replace(_FOLDER, str(folder)) if isinstance(value, str) else value
            for name, value in self.given.items()
        }

    def drop(self, folder: Path) -> None:
        """Copy the files to a folder, with their times."""
        shutil.copytree(
            self.folder, folder, ignore=shutil.ignore_patterns(*_NOT_DROPPED), dirs_exist_ok=True
        )

    def drop_later(self, folder: Path) -> None:
        """Write the later files over those of a folder."""
        shutil.copytree(self.folder / "later", folder, dirs_exist_ok=True)


@dataclass(slots=True)
class FixtureServer:
    """Answers requests from fixtures, as ``io.http.Transport`` would from the network.

    Args:
        exchanges: the answers.
        used: names of the files that were asked for.
        unanswered: method and path of the requests that nothing answers.
    """

    exchanges: tuple[Exchange, ...]
    used: set[str] = field(default_factory=set)
    unanswered: list[str] = field(default_factory=list)

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
        best = self.find(url, content)
        if best is None:
            self.unanswered.append(f"{method} {urlsplit(url).path}")
            return HttpResponse(404, {}, b'{"error":"no fixture answers this request"}')
        self.used.add(best.name)
        return HttpResponse(
            best.status, {"content-type": "application/json", **best.headers}, best.body
        )

    def find(self, url: str, content: bytes | None) -> Exchange | None:
        """Give the most particular exchange that fits a request."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        sent = (content or b"").decode("utf-8")
        fitting = [e for e in self.exchanges if e.fits(parts.path, query, sent)]
        return max(fitting, key=lambda one: len(one.query) + len(one.having), default=None)


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
        fixtures = Fixtures(
            folder=folder,
            now=raw["now"].astimezone(UTC),
            window=(raw["first"], raw["last"]),
            given=_given(adapter, raw.get("connection", {})),
            codes=raw.get("codes", {}),
            exchanges=tuple(_exchange(folder, item) for item in raw.get("exchange", [])),
            expect=expect,
            periods={name: _span(text) for name, text in raw.get("periods", {}).items()},
        )
        at = raw.get("later", fixtures.now + _SOME_TIME).astimezone(UTC)
    except (KeyError, AttributeError, TypeError, ValidationError) as error:
        raise AdapterInvalid(
            f"{plan}: now, first, last and each exchange's get and body are needed ({error})"
        ) from None
    return replace(fixtures, later=_later(adapter, fixtures, at))


def _later(adapter: Adapter, fixtures: Fixtures, now: datetime) -> Later | None:
    folder = fixtures.folder / "later"
    if not folder.is_dir():
        return None
    try:
        expect = json.loads((adapter.folder / "expect-later.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise AdapterInvalid(f"{folder} needs expect-later.json: {error}") from None
    there = {file.name for file in folder.iterdir()}
    strange = there - {exchange.name for exchange in fixtures.exchanges}
    if strange and not fixtures.is_dropped:
        raise AdapterInvalid(
            f"{folder}: {', '.join(sorted(strange))} takes the place of no exchange's body"
        )
    exchanges = tuple(
        replace(exchange, body=(folder / exchange.name).read_bytes())
        if exchange.name in there
        else exchange
        for exchange in fixtures.exchanges
    )
    return Later(now, exchanges, expect)


def _given(adapter: Adapter, given: Mapping[str, Any]) -> dict[str, str | Secret]:
    parameters = adapter.manifest.connection
    return {
        name: Secret(str(value)) if name in parameters and parameters[name].secret else str(value)
        for name, value in given.items()
    }


def _exchange(folder: Path, item: Mapping[str, Any]) -> Exchange:
    try:
        body = (folder / item["body"]).read_bytes()
    except OSError as error:
        raise AdapterInvalid(f"{folder / item['body']}: {error.strerror}") from None
    return Exchange(
        item.get("get") or item["post"],
        {name: str(value) for name, value in item.get("query", {}).items()},
        item.get("status", 200),
        body,
        item["body"],
        tuple(item.get("having", ())),
        {name.lower(): str(value) for name, value in item.get("headers", {}).items()},
    )
