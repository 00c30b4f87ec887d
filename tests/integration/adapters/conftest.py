"""A Wonde stand-in on loopback, and the shipped adapter opened on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from mis_bridge.adapters import registry
from mis_bridge.adapters.declared import DeclaredSource
from mis_bridge.io.clock import ManualClock
from mis_bridge.io.http import Transport
from mis_bridge.io.secrets import Secret
from mis_bridge.simulator.school import build_school
from mis_bridge.simulator.standin_wonde import TOKEN, WondeStandin
from mis_bridge.simulator.wonde_state import WondeState

if TYPE_CHECKING:
    from mis_bridge.adapters.source import Source

SCHOOL = build_school(11, 60)
DAYS = SCHOOL.days[:3]
NOON = datetime(2026, 9, 7, 12, tzinfo=UTC)

Open = Callable[..., DeclaredSource]


@pytest.fixture
def wonde_clock() -> ManualClock:
    """Noon of the third school day."""
    return ManualClock(NOON)


@pytest.fixture
def wonde(wonde_clock: ManualClock) -> Iterator[WondeStandin]:
    """A school of sixty with three days of marks, the last of them half over."""
    state = WondeState(SCHOOL, marked=DAYS, lesson_days=DAYS)
    with WondeStandin(state, wonde_clock) as server:
        yield server


@pytest_asyncio.fixture
async def transport() -> AsyncIterator[Transport]:
    """The real transport."""
    async with Transport(timeout=5) as made:
        yield made


@pytest.fixture
def open_wonde(wonde: WondeStandin, wonde_clock: ManualClock, transport: Transport) -> Open:
    """Opens the stand-in's school by the shipped manifest; one attempt, seven rows a page."""

    def opened(**options: Any) -> Source:
        given: dict[str, str | Secret] = {
            "school": SCHOOL.id,
            "token": Secret(options.pop("token", TOKEN)),
            "domain": wonde.host,
            "scheme": "http",
            "per_page": str(options.pop("per_page", 50)),
        }
        return registry.load()["wonde"].open(
            given, transport=transport, clock=wonde_clock, **{"patient": False, **options}
        )

    return opened  # type: ignore[return-value]
