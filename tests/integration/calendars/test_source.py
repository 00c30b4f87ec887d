"""Term dates fetched from a real server over TLS and read from real files."""

from __future__ import annotations

import ssl
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from pytest_httpserver import HTTPServer

from mis_bridge.calendars.ics import Words, write_ics
from mis_bridge.calendars.shelf import Shelf
from mis_bridge.calendars.source import IcsSource, refresh, source_of
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secrets
from mis_bridge.registers.calendar import AcademicYear, Closure, SchoolCalendar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 17, 9, 0, tzinfo=UTC)
TODAY = NOW.date()


def calendar(start: int = 2026, **closed: date) -> bytes:
    """A school year as a file."""
    closures = tuple(Closure(day, day, why) for why, day in closed.items())
    year = SchoolCalendar(AcademicYear(start), date(start, 9, 3), date(start + 1, 7, 21), closures)
    return write_ics([year], name="A school", stamp=NOW)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of this test's own."""
    return trustme.CA()


@pytest.fixture(scope="module")
def made_server(authority: trustme.CA) -> Iterator[HTTPServer]:
    """A web server with a certificate, as a school's website has one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with HTTPServer("localhost", 0, ssl_context=context) as server:
        yield server


@pytest.fixture
def server(made_server: HTTPServer) -> HTTPServer:
    """The server without anything to serve."""
    made_server.clear()
    return made_server


@pytest.fixture
async def transport(authority: trustme.CA, tmp_path: Path) -> AsyncIterator[Transport]:
    """Trusts that authority."""
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    async with Transport(ca_bundle=bundle) as made:
        yield made


class Desk:
    """A source, its shelf, and the moment at which it is read."""

    def __init__(self, source: IcsSource, folder: Path, transport: Transport) -> None:
        self.source = source
        self.shelf = Shelf(folder / "term-dates")
        self.transport = transport
        self.secrets = Secrets(folder, {"TERM_DATES": ""})
        self.now = NOW

    async def read(self, secrets: Secrets | None = None) -> bool:
        """Read it an hour later."""
        self.now += timedelta(hours=1)
        return await refresh(
            self.source,
            self.shelf,
            self.transport,
            secrets or self.secrets,
            self.now,
            TODAY,
            {Words()},
        )

    @property
    def kept(self) -> bytes | None:
        """The copy that holds."""
        return self.shelf.look(self.source.place).data

    @property
    def problem(self) -> str:
        """What is wrong with it."""
        return self.shelf.look(self.source.place).problem


@pytest.fixture
def web(server: HTTPServer, transport: Transport, tmp_path: Path) -> Desk:
    """Term dates at an address."""
    address = server.url_for("/terms.ics?token=s3cret")
    source = source_of(address, tmp_path)
    assert source is not None
    return Desk(source, tmp_path, transport)


async def test_a_calendar_is_fetched_once_and_then_asked_about(
    web: Desk, server: HTTPServer
) -> None:
    """The server is asked whether its copy is still the one that is kept, and sends nothing."""
    data = calendar()
    server.expect_ordered_request("/terms.ics", query_string="token=s3cret").respond_with_data(
        data, headers={"ETag": '"one"'}
    )
    server.expect_ordered_request(
        "/terms.ics", headers={"If-None-Match": '"one"'}
    ).respond_with_data(status=304)

    assert await web.read()
    assert not await web.read()
    server.check()
    assert web.kept == data
    assert web.shelf.look(web.source.place).read_at == web.now


async def test_a_new_calendar_takes_the_place_of_the_old_one(web: Desk, server: HTTPServer) -> None:
    """A training day was added on the website."""
    new = calendar(training=date(2026, 11, 27))
    for data in (calendar(), new):
        server.expect_ordered_request("/terms.ics").respond_with_data(data)

    assert await web.read()
    assert await web.read()
    assert web.kept == new


@pytest.mark.parametrize(
    ("answer", "status", "problem"),
    [
        (b"gone", 404, "its server answered 404"),
        (b"", 500, "its server answered 500"),
        (b"", 301, "has moved"),
        (b"<html>Please log in</html>", 200, "not an iCalendar file"),
        (calendar()[:-40], 200, "cut short"),
        (b"", 200, "not an iCalendar file"),
        (calendar(2027), 200, "does not give the school year 2026/27 any more"),
    ],
)
async def test_what_can_not_be_used_changes_nothing_and_is_said(
    web: Desk, server: HTTPServer, answer: bytes, status: int, problem: str
) -> None:
    """The last good copy holds, with the hour since which the new one fails; then it recovers."""
    good = calendar()
    server.expect_ordered_request("/terms.ics").respond_with_data(good)
    for _ in range(2):
        server.expect_ordered_request("/terms.ics").respond_with_data(answer, status=status)
    server.expect_ordered_request("/terms.ics").respond_with_data(good)
    await web.read()

    assert not await web.read()
    since = web.now
    assert not await web.read()

    assert web.kept == good
    assert problem in web.problem
    assert web.shelf.look(web.source.place).failing_since == since
    assert "s3cret" not in web.problem
    await web.read()
    assert web.problem == ""
    assert web.shelf.look(web.source.place).failing_since is None


async def test_a_server_that_is_gone_is_said_without_its_address(
    web: Desk, server: HTTPServer
) -> None:
    """Nobody listens there: the host is named, the query with its token is not."""
    nowhere = source_of("https://localhost:1/terms.ics?token=s3cret", web.shelf._folder)
    assert nowhere is not None
    desk = Desk(nowhere, web.shelf._folder, web.transport)

    assert not await desk.read()
    assert "localhost" in desk.problem
    assert "s3cret" not in desk.problem + nowhere.shown


async def test_an_address_can_be_a_secret(web: Desk, server: HTTPServer, tmp_path: Path) -> None:
    """A private link to a calendar is kept where the other secrets are."""
    server.expect_request("/private.ics").respond_with_data(calendar())
    source = source_of("env:TERM_DATES", tmp_path)
    assert source is not None
    desk = Desk(source, tmp_path / "own", web.transport)

    assert not await desk.read()
    assert "TERM_DATES" in desk.problem
    assert await desk.read(Secrets(tmp_path, {"TERM_DATES": server.url_for("/private.ics")}))
    assert desk.kept == calendar()


async def test_a_file_that_vanishes_leaves_its_last_copy(
    transport: Transport, tmp_path: Path
) -> None:
    """Somebody tidied the share up."""
    file = tmp_path / "terms.ics"
    file.write_bytes(calendar())
    source = source_of("terms.ics", tmp_path)
    assert source is not None
    desk = Desk(source, tmp_path, transport)

    assert await desk.read()
    file.unlink()
    assert not await desk.read()
    assert desk.kept == calendar()
    assert "No such file" in desk.problem


async def test_a_spoilt_note_beside_a_copy_loses_no_copy(
    transport: Transport, tmp_path: Path
) -> None:
    """The power went while it was written: the calendar is what counts."""
    (tmp_path / "terms.ics").write_bytes(calendar())
    source = source_of("terms.ics", tmp_path)
    assert source is not None
    desk = Desk(source, tmp_path, transport)
    await desk.read()
    (note,) = (tmp_path / "term-dates").glob("*.json")
    note.write_text("{")

    assert desk.kept == calendar()
    await desk.read()
    assert desk.problem == ""
