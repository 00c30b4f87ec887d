"""Where messages arrive in a rehearsal: a Workflows-shaped webhook and a real SMTP server.

Both are on loopback, keep what they were given in memory, and can be told to misbehave.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from weakref import WeakSet

from mis_bridge.errors import OperatorError
from mis_bridge.simulator.faults import Fault, FaultKind, Faults
from mis_bridge.simulator.loopback import LoopbackServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from email.message import EmailMessage
    from types import TracebackType

    from mis_bridge.io.clock import Clock
    from mis_bridge.simulator.loopback import Exchange

__all__ = ["Mail", "MailSink", "Posted", "WebhookSink", "texts_of"]


@dataclass(frozen=True, slots=True)
class Posted:
    """One request that the webhook took.

    Args:
        at: by the sink's clock.
        path: path and query, for telling channels apart.
        content: the JSON body.
        size: of the body, bytes.
        headers: as they came, names in small letters.
    """

    at: datetime
    path: str
    content: dict[str, Any]
    size: int
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def card(self) -> dict[str, Any]:
        """The first Adaptive Card.

        Raises:
            LookupError: the body is not the envelope that a Workflows flow posts.
        """
        card: dict[str, Any] = self.content["attachments"][0]["content"]
        return card

    @property
    def texts(self) -> list[str]:
        """What the first card says, in reading order, addresses of its links included.

        Raises:
            LookupError: as ``card``.
        """
        return list(texts_of(self.card))


def texts_of(element: Any) -> Iterator[str]:
    """Give what a part of a card says, in reading order, addresses of its links included."""
    if isinstance(element, list):
        for one in element:
            yield from texts_of(one)
    elif isinstance(element, dict):
        for key in ("text", "value", "url"):
            if isinstance(element.get(key), str):
                yield element[key]
        for key in ("body", "items", "columns", "facts", "actions"):
            yield from texts_of(element.get(key))


class WebhookSink:
    """A webhook as "When a Teams webhook request is received" offers it.

    It answers 202 with no body, as a flow does that has queued a run; a body that is no JSON gets
    400. Faults are those of ``simulator.faults``; ``EMPTY`` is the flow that answers 202 and posts
    nothing, ``CUT`` the one that posts and whose answer is lost.

    Args:
        clock: stamps what comes in.
        on_post: is called with each accepted request, in the server's thread.
        port: 0 for any free one.
        limit: how many cards the flow's owner may post in how many seconds of the clock; what is
            more is swallowed behind its 202. None for any number.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        on_post: Callable[[Posted], None] | None = None,
        port: int = 0,
        limit: tuple[int, float] | None = None,
    ) -> None:
        self.faults = Faults(clock)
        self._clock = clock
        self._on_post = on_post
        self._limit = limit
        self._lately: deque[datetime] = deque()
        self._swallowed = 0
        self._posted: list[Posted] = []
        self._lock = threading.Lock()
        self._server = LoopbackServer(self, port)

    @property
    def url(self) -> str:
        """Address for a channel; its signature is invented."""
        return f"{self._server.url}/workflows/invented/triggers/manual/paths/invoke?sig=invented"

    @property
    def posted(self) -> list[Posted]:
        """What was accepted so far, in order."""
        with self._lock:
            return list(self._posted)

    @property
    def swallowed(self) -> int:
        """How many cards were one too many, and are seen by nobody."""
        with self._lock:
            return self._swallowed

    def serve(self, exchange: Exchange) -> None:
        """Take one request."""
        body = exchange.body()
        fault = self.faults.hit(exchange.path)
        if fault is not None and fault.kind is not FaultKind.CUT:
            _refuse(exchange, fault)
            return
        try:
            content = json.loads(body)
        except ValueError:
            exchange.reply(400, b'{"error":{"code":"InvalidJson","message":"not JSON"}}')
            return
        headers = {name.lower(): value for name, value in exchange.headers.items()}
        posted = Posted(self._clock.now(), exchange.path, content, len(body), headers)
        with self._lock:
            shown = self._has_room(posted.at)
            if shown:
                self._posted.append(posted)
            else:
                self._swallowed += 1
        if fault is None:
            exchange.reply(202, b"", content_type="text/plain")
        else:
            exchange.reset()
        if shown and self._on_post is not None:
            self._on_post(posted)

    def _has_room(self, now: datetime) -> bool:
        """Count a card; False where it is one too many."""
        if self._limit is None:
            return True
        count, seconds = self._limit
        while self._lately and self._lately[0] <= now - timedelta(seconds=seconds):
            self._lately.popleft()
        self._lately.append(now)
        return len(self._lately) <= count

    def close(self) -> None:
        """Stop; the port refuses from now on."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _refuse(exchange: Exchange, fault: Fault) -> None:
    if fault.kind is FaultKind.HANG:
        exchange.hang(fault.seconds)
    elif fault.kind is FaultKind.RESET:
        exchange.reset()
    elif fault.kind is FaultKind.EMPTY:
        exchange.reply(202, b"", content_type="text/plain")
    else:
        after = fault.retry_after
        headers = {} if after is None else {"Retry-After": f"{after:g}"}
        exchange.reply(fault.status, b'{"error":{"code":"Refused"}}', headers=headers)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that the server took.

    Args:
        at: by the sink's clock.
        sender: of the envelope.
        recipients: of the envelope, those that were accepted.
        content: the whole message as it came.
        encrypted: whether the connection was.
    """

    at: datetime
    sender: str
    recipients: tuple[str, ...]
    content: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The message, taken apart."""
        return email.message_from_bytes(self.content, policy=email.policy.default)

    def part(self, subtype: str) -> str:
        """Give the text of a part, ``plain`` or ``html``; empty where there is none."""
        body = self.message.get_body(preferencelist=(subtype,))
        return "" if body is None else str(body.get_content())


class MailSink:
    """An SMTP server (aiosmtpd) that accepts everything but what it is told to refuse.

    Its faults go by the recipient: ``STATUS`` refuses with that SMTP reply (451, 550), ``HANG``
    says nothing, ``RESET`` hangs up in the middle, ``CUT`` keeps the mail and hangs up before it
    says so.

    Args:
        clock: stamps what comes in.
        on_mail: is called with each mail, in the server's thread.
        tls: offers and demands STARTTLS with this context; None for plain text on loopback.
        refused: recipients that get 550.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        on_mail: Callable[[Mail], None] | None = None,
        tls: ssl.SSLContext | None = None,
        refused: frozenset[str] = frozenset(),
    ) -> None:
        try:
            from aiosmtpd.smtp import SMTP
        except ImportError as error:
            raise OperatorError(
                "the demonstration needs a mail server: install mis-bridge[demo]"
            ) from error
        self.refused = refused
        self.faults = Faults(clock)
        self._clock = clock
        self._on_mail = on_mail
        self._mails: list[Mail] = []
        self._lock = threading.Lock()
        self._protocol = partial(
            SMTP, self, hostname="sink.invalid", tls_context=tls, require_starttls=tls is not None
        )
        started: Future[int] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._run(started)), daemon=True, name="mail sink"
        )
        self._thread.start()
        self._port = started.result(timeout=10)

    async def _run(self, started: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        talks: WeakSet[Any] = WeakSet()

        def begin() -> Any:  # aiosmtpd has no types
            talk = self._protocol()
            talks.add(talk)
            return talk

        try:
            server = await self._loop.create_server(begin, "127.0.0.1", 0)
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(server.sockets[0].getsockname()[1])
        async with server:
            await self._stop.wait()
        # A server that is closed keeps its connections: whoever is still there is cut off.
        for talk in talks:
            if talk.transport is not None:
                talk.transport.abort()
        await asyncio.sleep(0)

    @property
    def port(self) -> int:
        """Where it listens, at 127.0.0.1."""
        return self._port

    @property
    def mails(self) -> list[Mail]:
        """What was accepted so far, in order."""
        with self._lock:
            return list(self._mails)

    async def handle_RCPT(  # noqa: N802 (names and order are aiosmtpd's)
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Accept a recipient, or refuse one."""
        del session, options
        if address in self.refused:
            return "550 5.1.1 no such mailbox here"
        fault = self.faults.hit(address)
        if fault is not None and fault.kind is FaultKind.STATUS:
            return f"{fault.status} {fault.status // 100}.3.0 not now"
        if fault is not None and fault.kind is FaultKind.HANG:
            await asyncio.sleep(fault.seconds)
        if fault is not None and fault.kind in {FaultKind.HANG, FaultKind.RESET}:
            server.transport.abort()
        envelope.rcpt_tos.append(address)
        envelope.answer_is_lost = fault is not None and fault.kind is FaultKind.CUT
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Keep a mail."""
        content = envelope.content
        mail = Mail(
            self._clock.now(),
            str(envelope.mail_from),
            tuple(envelope.rcpt_tos),
            content if isinstance(content, bytes) else str(content).encode(),
            session.ssl is not None,
        )
        with self._lock:
            self._mails.append(mail)
        if self._on_mail is not None:
            self._on_mail(mail)
        if envelope.answer_is_lost:
            server.transport.abort()
        return "250 2.0.0 kept"

    def close(self) -> None:
        """Stop; the port refuses from now on."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
