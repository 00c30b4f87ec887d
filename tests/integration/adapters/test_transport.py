"""The transport over real sockets: TLS, limits, broken answers, and no address in any error."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import logging
import ssl
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trustme

from mis_bridge.errors import SettingsError
from mis_bridge.io.http import HttpError, HttpFailure, HttpResponse, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

SIG = "sig=s3cret-in-the-query"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(answer: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve raw bytes on loopback; gives the port."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, OSError):
                await answer(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(handle(reader, writer)))

    server = await asyncio.start_server(accepted, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def saying(*parts: bytes) -> Serve:
    """Answer with fixed bytes and close."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
        await writer.drain()

    return answer


async def test_a_session_that_one_school_is_given_is_shown_by_no_other() -> None:
    """A MIS that sets a cookie for one school's reading does not get it back in the next one's."""
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: sessionid=of-the-first; Path=/\r\n"
            b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
        )
        await writer.drain()

    async with serving(answer) as port, Transport() as transport:
        for _ in range(2):
            await transport.request("GET", f"http://127.0.0.1:{port}/")

    assert len(asked) == 2
    assert not any(b"cookie" in request.lower() for request in asked)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Twice: a\r\nX-Twice: b\r\n\r\nok"


async def failed(transport: Transport, url: str, timeout: float | None = None) -> HttpError:  # noqa: ASYNC109
    """Make a request that has no answer."""
    with pytest.raises(HttpError) as caught:
        await transport.request("GET", url, timeout=timeout)
    return caught.value


async def test_an_answer_has_status_headers_and_body() -> None:
    """Whatever the status; names of headers are in lower case."""
    async with serving(saying(OK)) as port, Transport() as transport:
        answer = await transport.request("GET", f"http://127.0.0.1:{port}/x?{SIG}")

    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.header("X-Twice") == "a, b"
    assert answer.header("nothing") == ""


async def test_the_query_goes_out_byte_for_byte() -> None:
    """A webhook's signature covers it."""
    seen = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK)
        await writer.drain()

    query = "sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=aB-_~%2b"
    async with serving(answer) as port, Transport() as transport:
        await transport.request("POST", f"http://127.0.0.1:{port}/a/b?{query}", content=b"{}")

    assert seen == [f"POST /a/b?{query} HTTP/1.1\r\n".encode()]


async def test_redirects_are_answers_and_not_followed() -> None:
    """A token must not travel to a place that nobody configured."""
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n"

    async with serving(saying(moved)) as port, Transport() as transport:
        assert (await transport.request("GET", f"http://127.0.0.1:{port}/")).status == 302


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf",), HttpFailure.RESET),
        ((b"",), HttpFailure.RESET),
        ((b"SSH-2.0-OpenSSH\r\n",), HttpFailure.RESET),
        (
            (
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\n",
                b"not gzip",
            ),
            HttpFailure.UNREADABLE,
        ),
        (
            (b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", b"x" * 3_000_000),
            HttpFailure.TOO_LARGE,
        ),
    ],
)
async def test_broken_answers_have_a_kind_and_no_address(
    parts: tuple[bytes, ...], kind: HttpFailure
) -> None:
    """The peer may have acted on the request; the text is safe to log."""
    async with serving(saying(*parts)) as port, Transport(max_body=1024 * 1024) as transport:
        error = await failed(transport, f"http://127.0.0.1:{port}/x?{SIG}")

    assert error.kind is kind
    assert_silent(error)


async def test_a_small_answer_that_unpacks_to_a_large_one_is_refused() -> None:
    """The limit counts what was unpacked."""
    packed = gzip.compress(b"0" * 5_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)

    async with serving(saying(head, packed)) as port, Transport(max_body=1024 * 1024) as transport:
        error = await failed(transport, f"http://127.0.0.1:{port}/")

    assert error.kind is HttpFailure.TOO_LARGE


@pytest.mark.parametrize("drip", [False, True])
async def test_a_peer_that_hangs_or_drips_is_given_up_after_the_timeout(drip: bool) -> None:
    """The timeout is for the whole answer, not for the next byte."""
    done = asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if drip:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while drip and not done.is_set():
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)
        await done.wait()

    async with serving(hang) as port, Transport() as transport:
        error = await failed(transport, f"http://127.0.0.1:{port}/x?{SIG}", timeout=0.15)
        done.set()

    assert error.kind is HttpFailure.TIMEOUT_AFTER_SEND
    assert_silent(error)


async def test_nobody_listening_is_not_sent() -> None:
    """So it may be tried again without a double."""
    async with serving(saying(OK)) as port:
        pass
    async with Transport() as transport:
        error = await failed(transport, f"http://127.0.0.1:{port}/x?{SIG}")

    assert error.kind is HttpFailure.NOT_SENT
    assert_silent(error)


@pytest.mark.parametrize("url", ["ftp://h/x", "nonsense", "https://", "http://h\x00st/", ""])
async def test_what_is_no_address_is_not_sent(url: str) -> None:
    """A mistake of ours, without a request."""
    async with Transport() as transport:
        assert (await failed(transport, url)).kind is HttpFailure.NOT_SENT


async def test_a_certificate_that_does_not_verify_is_its_own_kind(tmp_path: Path) -> None:
    """With the authority's file in ca_bundle it verifies; for another name it does not."""
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    contexts = []
    for name in ("127.0.0.1", "other.example.test"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        contexts.append(context)
    right, wrong_name = contexts

    async with serving(saying(OK), right) as port:
        url = f"https://127.0.0.1:{port}/x?{SIG}"
        async with Transport() as transport:
            error = await failed(transport, url)
        assert error.kind is HttpFailure.CERTIFICATE
        assert_silent(error)
        async with Transport(ca_bundle=bundle) as transport:
            assert (await transport.request("GET", url)).status == 200
    async with serving(saying(OK), wrong_name) as port, Transport(ca_bundle=bundle) as transport:
        error = await failed(transport, f"https://127.0.0.1:{port}/")
        assert error.kind is HttpFailure.CERTIFICATE


async def test_tls_against_a_peer_without_it_is_not_sent() -> None:
    """The handshake failed, which is not a matter of certificates."""
    async with serving(saying(OK)) as port, Transport() as transport:
        error = await failed(transport, f"https://127.0.0.1:{port}/x?{SIG}", timeout=0.3)

    assert error.kind is not HttpFailure.CERTIFICATE
    assert_silent(error)


async def test_a_peer_that_asks_for_a_client_certificate_gets_it(tmp_path: Path) -> None:
    """From one PEM file with certificate and key."""
    authority = trustme.CA()
    bundle, own = tmp_path / "ca.pem", tmp_path / "own.pem"
    authority.cert_pem.write_to_path(str(bundle))
    authority.issue_cert("bridge.example.test").private_key_and_cert_chain_pem.write_to_path(
        str(own)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(context)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async with (
        serving(saying(OK), context) as port,
        Transport(ca_bundle=bundle, client_certificate=own) as transport,
    ):
        assert (await transport.request("GET", f"https://127.0.0.1:{port}/")).status == 200


def test_a_bundle_that_is_none_is_named(tmp_path: Path) -> None:
    """A file that is missing, and one that is no PEM."""
    with pytest.raises(SettingsError, match=r"(?i)no such file"):
        Transport(ca_bundle=tmp_path / "missing.pem")

    (tmp_path / "text.pem").write_text("this is no certificate")
    with pytest.raises(SettingsError, match=r"text\.pem"):
        Transport(ca_bundle=tmp_path / "text.pem")


async def test_connections_are_kept_and_limited_for_each_host() -> None:
    """Twelve requests over two connections."""
    connections = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()

    async with serving(answer) as port, Transport(connections_per_host=2) as transport:
        url = f"http://127.0.0.1:{port}/"
        await asyncio.gather(*(transport.request("GET", url) for _ in range(12)))

    assert connections <= 2


async def test_no_log_line_has_the_address(caplog: pytest.LogCaptureFixture) -> None:
    """The library prints whole addresses at INFO unless it is told not to."""
    logging.getLogger().setLevel(logging.DEBUG)
    async with serving(saying(OK)) as port, Transport() as transport:
        await transport.request("GET", f"http://127.0.0.1:{port}/x?{SIG}")

    assert SIG not in caplog.text


async def test_a_large_answer_is_read_in_large_pieces() -> None:
    """In the library's own of 64 KiB, each waited for, a page costs a fifth more."""
    pieces: list[int] = []

    class Counting(Transport):
        async def _read(self, answer: httpx.Response, host: str) -> HttpResponse:
            async for piece in answer.aiter_raw():
                pieces.append(len(piece))  # noqa: PERF401
            return HttpResponse(answer.status_code, {}, b"")

    large = 8 * 1024 * 1024
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % large
    async with serving(saying(head, bytes(large))) as port, Counting() as transport:
        await transport.request("GET", f"http://127.0.0.1:{port}/")

    assert sum(pieces) == large
    assert max(pieces) > 64 * 1024


def assert_silent(error: HttpError) -> None:
    """No text of the error, nor of any error behind it, has the query."""
    behind: BaseException | None = error
    while behind is not None:
        assert SIG not in f"{behind!r} {behind}"
        behind = behind.__cause__ or (None if behind.__suppress_context__ else behind.__context__)
