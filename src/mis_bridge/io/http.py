"""The only door to HTTP, and the only module that imports ``httpx``.

Its own small types go up, so that the library behind it can be swapped in this one file: a request
either gives an ``HttpResponse``, whatever its status, or raises an ``HttpError`` whose kind says
what may have happened at the other end. Neither ever holds the address that was asked for: an
address can be a secret (a Teams webhook), and the texts of errors reach logs.

Redirects are never followed: a token must not travel to a place that nobody configured.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from enum import StrEnum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from mis_bridge.errors import MisBridgeError, SettingsError
from mis_bridge.io.identity import load_identity
from mis_bridge.io.lean import without

with without("rich", "pygments"):
    import httpcore
    import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mis_bridge.io.secrets import Secret

__all__ = ["HttpError", "HttpFailure", "HttpResponse", "Transport"]

# Both libraries print whole addresses at INFO and DEBUG, tokens in the query included.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_CONNECT_SECONDS = 10.0
_KEEP_ALIVE_SECONDS = 60.0
_MEBIBYTE = 1024 * 1024
# A page of a register list is half a megabyte. The library would read it in pieces of 64 KiB, cut
# each of them off what has come, and wait for it by itself: a fifth of what a page costs.
httpcore.AsyncHTTP11Connection.READ_NUM_BYTES = _MEBIBYTE

_CERTIFICATE_MARK = "CERTIFICATE_VERIFY_FAILED"


class HttpFailure(StrEnum):
    """Why there is no answer, by what may have happened at the other end."""

    NOT_SENT = "not_sent"
    """No connection: the peer has seen nothing of the request."""

    CERTIFICATE = "certificate"
    """The peer's certificate does not verify: nothing was sent."""

    TIMEOUT_AFTER_SEND = "timeout_after_send"
    """No answer in time: the peer may have acted on the request."""

    RESET = "reset"
    """The connection broke on the way: the peer may have acted on the request."""

    TOO_LARGE = "too_large"
    """The answer is longer than the limit, and was not read to its end."""

    UNREADABLE = "unreadable"
    """The answer is not what its own headers say (a broken gzip stream, a broken header)."""


class HttpError(MisBridgeError):
    """A request without an answer.

    Args:
        kind: what may have happened at the other end.
        host: host name of the peer, without path or query.
        detail: a short text without any part of the address but the host.
    """

    def __init__(self, kind: HttpFailure, host: str, detail: str) -> None:
        self.kind = kind
        self.host = host
        self.detail = detail
        super().__init__(f"{host}: {detail}")


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer, read to its end.

    Args:
        status: HTTP status.
        headers: names in lower case; repeated ones joined by a comma.
        body: after content decoding (gzip, deflate).
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's value, or an empty text."""
        return self.headers.get(name.lower(), "")


class Transport:
    """Pools of connections, one pool a host, opened when first used.

    Args:
        ca_bundle: PEM file with certificates to trust besides the system's (a school filter that
            inspects TLS has its own).
        client_certificate: PEM file with certificate and key that peers ask for, or None.
        identity: the same as PEM text in a secret, for what is not a file of its own, or None.
        connections_per_host: how many requests may be under way to one host.
        timeout: seconds for one whole request, unless the call says otherwise.
        max_body: bytes of an answer after decoding; a longer one is refused.
        user_agent: how this program names itself.

    Proxies come from the environment (``HTTPS_PROXY``, ``NO_PROXY``), as every other program on
    the machine takes them.

    Raises:
        SettingsError: the CA bundle or the client certificate can not be read.
    """

    def __init__(
        self,
        *,
        ca_bundle: Path | str | None = None,
        client_certificate: Path | str | None = None,
        identity: Secret | None = None,
        connections_per_host: int = 8,
        timeout: float = 30.0,
        max_body: int = 64 * _MEBIBYTE,
        user_agent: str = "mis-bridge",
    ) -> None:
        self._ca_bundle = ca_bundle
        self._client_certificate = client_certificate
        self._identity = identity
        self._limits = httpx.Limits(
            max_connections=connections_per_host,
            max_keepalive_connections=connections_per_host,
            keepalive_expiry=_KEEP_ALIVE_SECONDS,
        )
        self._timeout = timeout
        self._max_body = max_body
        self._user_agent = user_agent
        self._context: ssl.SSLContext | None = None
        self._pools: dict[str, httpx.AsyncClient] = {}
        if ca_bundle or client_certificate or identity:
            self._context = self._make_context()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the limit of httpx's own reads as well
    ) -> HttpResponse:
        """Send one request and read its answer to the end.

        Args:
            method: ``GET``, ``POST`` ...
            url: whole address; its query is sent byte for byte.
            headers: besides host, length and user agent.
            content: body, or None.
            timeout: seconds for the whole request.

        Raises:
            HttpError: there is no answer; its kind says why.
        """
        seconds = self._timeout if timeout is None else timeout
        parts = urlsplit(url)
        host = parts.hostname or "(no host)"
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise HttpError(HttpFailure.NOT_SENT, host, "the address is not an http(s) address")
        pool = self._pool(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}")
        # Less than the whole, so that "not connected" is told from "not answered", and so that a
        # TLS handshake is ended by its own limit: one that is cancelled leaves its socket open.
        connecting = min(seconds / 2, _CONNECT_SECONDS)
        limits = httpx.Timeout(seconds, connect=connecting, pool=connecting)
        try:
            async with (
                asyncio.timeout(seconds),
                pool.stream(
                    method, url, headers=dict(headers or {}), content=content, timeout=limits
                ) as answer,
            ):
                return await self._read(answer, host)
        except TimeoutError:
            raise HttpError(
                HttpFailure.TIMEOUT_AFTER_SEND, host, f"no whole answer within {seconds:g} s"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError) as error:
            kind, detail = _classify(error, seconds)
        # Raised outside the handler: the library's exception holds the address, and as a context
        # it would be printed with every traceback.
        raise HttpError(kind, host, detail)

    async def aclose(self) -> None:
        """Close every pool; the transport may be used again afterwards."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _read(self, answer: httpx.Response, host: str) -> HttpResponse:
        size = 0
        chunks = []
        async for chunk in answer.aiter_bytes():
            size += len(chunk)
            if size > self._max_body:
                raise HttpError(
                    HttpFailure.TOO_LARGE,
                    host,
                    f"the answer is longer than {self._max_body // _MEBIBYTE} MiB",
                )
            chunks.append(chunk)
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return HttpResponse(answer.status_code, dict(answer.headers), body)

    def _pool(self, origin: str) -> httpx.AsyncClient:
        pool = self._pools.get(origin)
        if pool is None:
            if self._context is None:
                self._context = self._make_context()
            pool = self._pools[origin] = httpx.AsyncClient(
                verify=self._context,
                # Schools that share a host share the pool: a session of one is not for another.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                limits=self._limits,
                follow_redirects=False,
                headers={"User-Agent": self._user_agent},
            )
        return pool

    def _make_context(self) -> ssl.SSLContext:
        # The system's certificates, not a bundled list: a school puts its filter's certificate
        # there, and the distribution keeps them up to date.
        context = ssl.create_default_context()
        for path, load, what in (
            (self._ca_bundle, context.load_verify_locations, "service.ca_bundle"),
            (self._client_certificate, context.load_cert_chain, "client certificate"),
        ):
            if path:
                try:
                    load(str(path))
                except (OSError, ssl.SSLError) as error:
                    raise SettingsError(
                        f"can not be used as a PEM file ({error.strerror or 'wrong content'})",
                        file=str(path),
                        key=what,
                    ) from None
        if self._identity:
            load_identity(context, self._identity)
        return context


_KINDS: tuple[tuple[tuple[type[Exception], ...], HttpFailure, str], ...] = (
    (
        (httpx.ConnectTimeout, httpx.PoolTimeout),
        HttpFailure.NOT_SENT,
        "no connection in time",
    ),
    ((httpx.ConnectError, httpx.ProxyError), HttpFailure.NOT_SENT, "no connection ({reason})"),
    (
        (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError),
        HttpFailure.NOT_SENT,
        "the request can not be sent as it is",
    ),
    (
        (httpx.TimeoutException,),
        HttpFailure.TIMEOUT_AFTER_SEND,
        "no whole answer within {seconds:g} s",
    ),
    ((httpx.DecodingError,), HttpFailure.UNREADABLE, "the answer's encoding is broken"),
    (
        (httpx.RemoteProtocolError,),
        HttpFailure.RESET,
        "the answer broke off or is not HTTP",
    ),
)


def _classify(error: Exception, seconds: float) -> tuple[HttpFailure, str]:
    """Name a failure of the library in our words, without its text."""
    if _is_certificate(error):
        return HttpFailure.CERTIFICATE, "the certificate does not verify"
    for types, kind, detail in _KINDS:
        if isinstance(error, types):
            return kind, detail.format(reason=_reason(error), seconds=seconds)
    return HttpFailure.RESET, "the connection broke"


def _is_certificate(error: BaseException | None) -> bool:
    seen = 0
    while error is not None and seen < 10:  # noqa: PLR2004 - a chain of causes is short
        if isinstance(error, ssl.SSLCertVerificationError) or _CERTIFICATE_MARK in str(error):
            return True
        error = error.__cause__ or error.__context__
        seen += 1
    return False


def _reason(error: BaseException) -> str:
    """Find the system's own word for a failed connection: a name, a refusal, TLS."""
    cause: BaseException | None = error
    for _ in range(10):
        if isinstance(cause, ssl.SSLError):
            return "TLS handshake failed"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
        cause = (cause.__cause__ or cause.__context__) if cause is not None else None
    return "refused or unknown host"
