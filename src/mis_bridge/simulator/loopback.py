"""A small threaded HTTP/1.1 server on loopback for the simulator's peers.

It keeps connections alive, sends an answer with one system call, and closes everything when told:
a stand-in must be quick, and leave nothing behind in the process that it ran in.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["Exchange", "LoopbackServer", "Service"]


class Service(Protocol):
    """What answers the requests."""

    def serve(self, exchange: Exchange) -> None:
        """Answer one request with exactly one of the exchange's methods."""
        ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], service: Service, tls: ssl.SSLContext | None
    ) -> None:
        self.service = service
        self._tls = tls
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, Exchange)

    def process_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)  # noqa: S101 (a TCP server has no other)
        if self._tls is not None:
            # Whoever says nothing holds up its own thread, and not the others' connections.
            request = self._tls.wrap_socket(
                request, server_side=True, do_handshake_on_connect=False
            )
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: object) -> None:
        assert isinstance(request, socket.socket)  # noqa: S101
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up are what the simulator is for."""

    def drop_connections(self) -> None:
        """Break every open connection."""
        with self._open_lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Exchange(BaseHTTPRequestHandler):
    """One request and its answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Hand the request to the service."""
        self.server.service.serve(self)

    do_POST = do_GET  # noqa: N815 (the name that the standard library looks for)
    do_PUT = do_GET  # noqa: N815
    do_DELETE = do_GET  # noqa: N815

    def body(self) -> bytes:
        """Read the request's body."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(
        self,
        status: int,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        announced: int | None = None,
    ) -> None:
        """Send an answer.

        Args:
            status: HTTP status.
            body: what is sent.
            content_type: of the body.
            headers: further ones.
            announced: ``Content-Length`` where it is to be a lie; the connection closes then.
        """
        length = len(body) if announced is None else announced
        lines = [
            f"HTTP/1.1 {status} {self.responses.get(status, ('', ''))[0]}",
            f"Content-Type: {content_type}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        if announced is not None:
            self.close_connection = True
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def pause(self, seconds: float) -> None:
        """Wait for a while, or until the server stops."""
        if seconds > 0:
            self.server.stopping.wait(seconds)

    def hang(self, seconds: float) -> None:
        """Say nothing for a while (or until the server stops), then close."""
        self.pause(seconds)
        self.close_connection = True

    def reset(self) -> None:
        """Reset the connection: the peer's next read fails."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (inherited name)
        """Keep quiet: a request line may hold what no log may hold."""


class LoopbackServer:
    """A service at ``http://127.0.0.1:port``, in threads of this process.

    Args:
        service: what answers.
        port: 0 for any free one.
        tls: what it shows who it is by, at ``https://localhost:port``; None for plain text.
    """

    def __init__(self, service: Service, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._service = service
        self._tls = tls
        self._server = _Server(("127.0.0.1", port), service, tls)
        self.port: int = self._server.server_address[1]
        self._thread = self._start()

    @property
    def url(self) -> str:
        """Base address, without a slash at its end."""
        if self._tls is not None:
            return f"https://localhost:{self.port}"
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Stop: connections break, and the port refuses from now on."""
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()
        self._thread.join()

    def reopen(self) -> None:
        """Listen again on the same port after :meth:`close`."""
        self._server = _Server(("127.0.0.1", self.port), self._service, self._tls)
        self._thread = self._start()

    def join(self) -> None:
        """Wait until the server is closed."""
        self._thread.join()

    def _start(self) -> threading.Thread:
        thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        thread.start()
        return thread

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
