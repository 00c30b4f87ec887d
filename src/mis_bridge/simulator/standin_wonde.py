"""A stand-in for Wonde on loopback: one synthetic school behind HTTP, as a clock goes on.

In a test or the demonstration it runs in threads of the process; for benchmarks it is a process of
its own::

    python -m mis_bridge.simulator.standin_wonde --port 0 --pupils 1000 --as-of 2027-07-31T12:00

which prints one JSON line with ``port``, ``host``, ``url``, ``school`` and ``token``, and ends when
its standard input does.

It is built to the documented shape and has never been compared with the live service.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

from mis_bridge.io.clock import ManualClock, clock_from
from mis_bridge.simulator.faults import Fault, FaultKind, Faults, RateLimit
from mis_bridge.simulator.loopback import LoopbackServer
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.wonde_api import ALL_SCOPES, Answer, WondeApi
from mis_bridge.simulator.wonde_state import WondeState

if TYPE_CHECKING:
    from types import TracebackType

    from mis_bridge.io.clock import Clock
    from mis_bridge.simulator.loopback import Exchange

__all__ = ["TOKEN", "WondeStandin", "main"]

TOKEN = "invented-token-of-the-stand-in"  # noqa: S105 (it opens nothing but the stand-in)

_SIGN_IN = (
    b"<!DOCTYPE html><html><title>Sign in</title><body>Please sign in to go on.</body></html>"
)


class WondeStandin:
    """The server.

    Args:
        state: the school's database.
        clock: decides what was saved already, and when faults are on.
        port: 0 for any free one.
        scopes: what the school granted.
        token: the one that is let in.
        rate_limit: (requests, seconds) or None for none.

    Attributes:
        api: answers; scopes and tokens can be changed while it serves.
        faults: to be added to and taken from while it serves.
        requests: targets of the requests served so far, in order.
    """

    def __init__(
        self,
        state: WondeState,
        clock: Clock,
        *,
        port: int = 0,
        scopes: frozenset[str] = ALL_SCOPES,
        token: str = TOKEN,
        rate_limit: tuple[int, float] | None = None,
    ) -> None:
        self.state = state
        self.api = WondeApi(state, clock, tokens=frozenset({token}), scopes=scopes)
        self.faults = Faults(clock)
        self.requests: list[str] = []
        self._limit = RateLimit(*rate_limit, clock=clock) if rate_limit else None
        self._server = LoopbackServer(self, port)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.port

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """Base address of the API, with the version and no slash at its end."""
        return f"http://{self.host}/v1.0"

    def serve(self, exchange: Exchange) -> None:
        """Answer a request, or show the fault that is on."""
        self.requests.append(exchange.path)
        if exchange.command != "GET":
            exchange.body()
            refusal = {"error": "method_not_allowed", "error_description": "This API is read only"}
            exchange.reply(405, json.dumps(refusal).encode())
            return
        fault = self.faults.hit(exchange.path)
        if fault is not None and fault.kind in (FaultKind.HANG, FaultKind.RESET, FaultKind.STATUS):
            self._fail(exchange, fault)
            return
        wait = self._limit.take() if self._limit else None
        if wait is not None:
            answer = _too_many(wait)
        else:
            authorization = exchange.headers.get("Authorization", "")
            host = exchange.headers.get("Host", self.host)
            answer = self.api.answer(exchange.path, authorization, host)
        if fault is None or fault.kind is FaultKind.SLOW:
            exchange.pause(0.0 if fault is None else fault.seconds)
            exchange.reply(answer.status, answer.body, headers=answer.headers)
        else:
            _spoil(exchange, fault, answer)

    @staticmethod
    def _fail(exchange: Exchange, fault: Fault) -> None:
        if fault.kind is FaultKind.HANG:
            exchange.hang(fault.seconds)
        elif fault.kind is FaultKind.RESET:
            exchange.reset()
        else:
            after = fault.retry_after
            headers = {} if after is None else {"Retry-After": f"{after:g}"}
            body = {"error": "unavailable", "error_description": "Please try again later"}
            exchange.reply(fault.status, json.dumps(body).encode(), headers=headers)

    def refuse(self) -> None:
        """Stop listening: connections are refused until :meth:`accept`."""
        self._server.close()

    def accept(self) -> None:
        """Listen again, on the same port."""
        self._server.reopen()

    def close(self) -> None:
        """Stop for good."""
        self._server.close()

    def wait(self) -> None:
        """Wait until it is closed."""
        self._server.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _too_many(wait: float) -> Answer:
    body = {"error": "too_many_requests", "error_description": "Rate limit exceeded"}
    return Answer(429, json.dumps(body).encode(), {"Retry-After": str(max(1, -int(-wait // 1)))})


def _spoil(exchange: Exchange, fault: Fault, answer: Answer) -> None:
    half = answer.body[: len(answer.body) // 2]
    if fault.kind is FaultKind.TRUNCATED:
        exchange.reply(200, half)
    elif fault.kind is FaultKind.CUT:
        exchange.reply(200, half, announced=len(answer.body))
    elif fault.kind is FaultKind.HTML:
        exchange.reply(200, _SIGN_IN, content_type="text/html")
    else:
        exchange.reply(200, b'{"data":[],"meta":{"includes":[]}}')


def main(arguments: list[str] | None = None) -> None:
    """Serve a synthetic school until standard input ends."""
    parser = argparse.ArgumentParser(description="A Wonde stand-in on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 for any free port")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--pupils", type=int, default=150)
    parser.add_argument("--lesson-days", type=int, default=0, help="last school days with lessons")
    parser.add_argument(
        "--as-of", help="stand still at this moment, ISO 8601 (default: the machine's clock)"
    )
    options = parser.parse_args(arguments)
    clock: Clock = clock_from(os.environ)
    if options.as_of:
        moment = datetime.fromisoformat(options.as_of)
        clock = ManualClock(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    school = build_school(options.seed, options.pupils)
    past = [day for day in school.days if day < clock.now().date()]
    days = past[len(past) - options.lesson_days :] if options.lesson_days else []
    with WondeStandin(WondeState(school, lesson_days=days), clock, port=options.port) as standin:
        place = {
            "port": standin.port,
            "host": standin.host,
            "url": standin.url,
            "school": school.id,
            "token": TOKEN,
        }
        sys.stdout.write(json.dumps(place) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
