"""The line between an adapter and an invented MIS: what goes over it is counted, and can be cut."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

from mis_bridge.io.http import HttpError, HttpFailure, HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mis_bridge.adapters.driver import Sends

__all__ = ["Asked", "Fault", "Line", "broken", "hanging"]

_NUMBERS: Final = re.compile(r"\d+")
_NUMBERS_IN_BODY: Final = re.compile(rb"\d+")
_SECONDS: Final = 0.05
"""What a request takes, so that requests at once can be told from requests in turn."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Args:
        number: from 0, in the order in which they began.
        method, url, content: as they were sent.
        at: seconds of the loop at which it began.
        timeout: seconds that it may take.
    """

    number: int
    method: str
    url: str
    content: bytes
    at: float
    timeout: float | None = None

    @property
    def what(self) -> tuple[str, str, bytes]:
        """Tell what was asked for: two requests for the same have the same."""
        return self.method, self.url, self.content

    @property
    def shape(self) -> tuple[str, bytes]:
        """Tell what kind of request it is: another page or another day is the same kind."""
        return _NUMBERS.sub("", self.path), _NUMBERS_IN_BODY.sub(b"", self.content)

    @property
    def host(self) -> str:
        """The host that is asked, with its port."""
        return urlsplit(self.url).netloc

    @property
    def path(self) -> str:
        """Its method and path, without the query, to be shown to people."""
        return f"{self.method} {urlsplit(self.url).path}"


Fault: TypeAlias = "Callable[[Asked, HttpResponse], HttpResponse | None]"
"""Gives the answer that comes instead, raises ``HttpError``, or gives None: no answer ever."""


class Line:
    """A transport that passes requests on to an invented MIS.

    Args:
        server: answers.

    Attributes:
        asked: every request so far.
        fault: changes answers; None: the line is good.
        before: told of each request before it is answered: the MIS's data may change then.
        most_at_once: how many requests were under way together, by host.
    """

    def __init__(self, server: Sends) -> None:
        self.server = server
        self.asked: list[Asked] = []
        self.fault: Fault | None = None
        self.before: Callable[[Asked], None] | None = None
        self.most_at_once: Counter[str] = Counter()
        self._at_once: Counter[str] = Counter()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as the transport
    ) -> HttpResponse:
        """Pass a request on; see ``io.http.Transport.request``."""
        now = asyncio.get_running_loop().time()
        asked = Asked(len(self.asked), method, url, content or b"", now, timeout)
        self.asked.append(asked)
        host = asked.host
        self._at_once[host] += 1
        self.most_at_once[host] = max(self.most_at_once[host], self._at_once[host])
        try:
            await asyncio.sleep(_SECONDS)
            if self.before is not None:
                self.before(asked)
            answer: HttpResponse | None = await self.server.request(
                method, url, headers=headers, content=content, timeout=timeout
            )
            if self.fault is not None and answer is not None:
                answer = self.fault(asked, answer)
            if answer is None:
                await asyncio.sleep(timeout or _SECONDS)
                raise hanging(url, timeout)
            return answer
        finally:
            self._at_once[host] -= 1


def hanging(url: str, seconds: float | None) -> HttpError:
    """Make the failure of a request that nobody answers."""
    host = urlsplit(url).hostname or ""
    return HttpError(HttpFailure.TIMEOUT_AFTER_SEND, host, f"no answer within {seconds:g} s")


def broken(url: str, kind: HttpFailure) -> HttpError:
    """Make the failure of a request that breaks on its way."""
    words = {
        HttpFailure.NOT_SENT: "no connection (name resolution failed)",
        HttpFailure.RESET: "the connection was closed on the way",
        HttpFailure.CERTIFICATE: "the certificate does not verify",
    }
    return HttpError(kind, urlsplit(url).hostname or "", words.get(kind, kind.value))
