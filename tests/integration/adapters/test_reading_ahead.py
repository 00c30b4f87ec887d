"""While a page is decoded, the MIS is already at work on the next one."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mis_bridge.adapters.answers import Judge
from mis_bridge.adapters.auth import Credentials
from mis_bridge.adapters.driver import Driver, Gates
from mis_bridge.adapters.flow import Page, Request
from mis_bridge.adapters.vocabulary import AuthTable, HttpTable
from mis_bridge.io.http import Transport
from mis_bridge.simulator.loopback import LoopbackServer

if TYPE_CHECKING:
    from mis_bridge.adapters.flow import Pull
    from mis_bridge.simulator.loopback import Exchange

NOW = datetime(2026, 9, 7, 12, 0, tzinfo=UTC)
PAGES = 6
PATIENCE = 5.0


class Mis:
    """Answers, and says for which page it was asked."""

    def __init__(self) -> None:
        self.asked = [threading.Event() for _ in range(PAGES)]

    def serve(self, exchange: Exchange) -> None:
        """Answer with a page of some size."""
        self.asked[int(exchange.path[1:])].set()
        exchange.reply(200, b'[{"code":"%s"}]' % (b"/" * 300_000))


def reading(base: str) -> Pull:
    """Ask for every page in its turn."""
    for number in range(PAGES):
        answer = yield Request("GET", f"{base}/{number}", stream="sessions")
        assert answer is not None
        yield Page("sessions", number + 1, answer.body, str(number), last=number == PAGES - 1)


async def test_the_next_page_is_asked_for_before_one_is_decoded() -> None:
    """Whoever takes a page may hold everything up with it: the next request is out by then."""
    mis = Mis()
    with LoopbackServer(mis) as server:
        table = HttpTable(base=f"{server.url}/")
        nobody = Credentials(AuthTable(type="none"), {}, table.base, lambda: NOW)
        async with Transport() as transport:
            driver = Driver(transport, table, nobody, Judge(table, [], lambda: NOW), Gates())
            taken = 0
            async for page in driver.pages(reading(server.url)):
                taken += 1
                if not page.last:
                    assert mis.asked[page.number].wait(PATIENCE), f"page {page.number + 1}"
    assert taken == PAGES
