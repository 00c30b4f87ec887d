"""The net under every attempt."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = "https://hook.example/?sig=INVENTED-sig Ada Testpupil"


async def fails(attempt: Attempt) -> Outcome:
    """Fail before anything was sent, with a text that must not be told."""
    raise KeyError(SECRET)


async def fails_late(attempt: Attempt) -> Outcome:
    """Fail when the peer may have the message."""
    attempt.on_its_way = True
    raise KeyError(SECRET)


async def test_an_outcome_goes_through() -> None:
    """The net does nothing where nothing falls."""
    expected = Outcome(Result.SENT, "well")

    async def works(_: Attempt) -> Outcome:
        return expected

    assert await guarded("dsl", 30.0, works) is expected


@pytest.mark.parametrize(("send", "result"), [(fails, Result.RETRY), (fails_late, Result.UNKNOWN)])
async def test_a_surprise_is_told_by_its_type_alone(send: object, result: Result) -> None:
    """Before the message was under way it is tried again, after that it is unknown."""
    logs: list[Mapping[str, object]]
    with capture_logs() as logs:  # type: ignore[assignment]
        outcome = await guarded("dsl", 30.0, send)  # type: ignore[arg-type]

    assert outcome.result is result
    assert "KeyError" in outcome.detail
    assert "Testpupil" not in f"{outcome} {logs}"
    assert "sig" not in f"{outcome} {logs}"
    assert [(log["event"], log["channel"], log["error"]) for log in logs] == [
        ("channel_surprise", "dsl", "KeyError")
    ]


@pytest.mark.parametrize(("on_its_way", "result"), [(False, Result.RETRY), (True, Result.UNKNOWN)])
async def test_an_attempt_ends_in_its_time(on_its_way: bool, result: Result) -> None:
    """What hangs is given up before the lease ends, or a copy would be sent beside it."""

    async def hang(attempt: Attempt) -> Outcome:
        attempt.on_its_way = on_its_way
        never: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        return await never

    assert (await guarded("dsl", 0.01, hang)).result is result


async def test_a_cancellation_goes_through() -> None:
    """Stopping the service is no outcome of a message; its lease runs out instead."""

    async def is_stopped(_: Attempt) -> Outcome:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await guarded("dsl", 30.0, is_stopped)
