"""Clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mis_bridge.errors import OperatorError
from mis_bridge.io.clock import (
    ManualClock,
    RehearsalClock,
    SystemClock,
    clock_from,
    running,
    running_at,
)

START = datetime(2026, 9, 3, 8, 30, tzinfo=ZoneInfo("Europe/London"))


def test_a_rehearsal_shows_start_at_origin_and_runs_at_its_speed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten real seconds at speed 360 are one rehearsed hour."""
    monkeypatch.setattr(time, "time", lambda: 1010.0)

    now = RehearsalClock(START, origin=1000.0, speed=360.0).now()

    assert now == START + timedelta(hours=1)
    assert now.tzinfo is UTC


def test_processes_share_a_rehearsal_through_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A clock made from another's environment shows the same moment at the same time."""
    monkeypatch.setattr(time, "time", lambda: 1234.5)
    first = RehearsalClock(START, origin=1000.25, speed=48.5)

    second = clock_from(first.to_environment())

    assert second.now() == first.now()


def test_without_a_rehearsal_it_is_the_machines_clock() -> None:
    """An empty environment gives the present moment, in UTC."""
    clock = clock_from({})

    assert isinstance(clock, SystemClock)
    assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-09-03T08:30|0|1", "2026-09-03T08:30+01:00|0|0", "a|b|c"]
)
def test_a_rehearsal_that_can_not_be_read_is_refused(text: str) -> None:
    """A naive start, a speed of 0 or a wrong form stop the program with advice."""
    with pytest.raises(OperatorError, match="unset it"):
        clock_from({"MIS_BRIDGE_REHEARSAL": text})


def test_a_manual_clock_moves_when_told() -> None:
    """Spans and moments advance together; a clock that is put back leaves spans alone."""
    clock = ManualClock(START)
    clock.advance(minutes=2, seconds=5)

    assert clock.now() == START + timedelta(seconds=125)
    assert clock.monotonic() == 125

    clock.set(START)
    assert clock.now() == START
    assert clock.monotonic() == 125


def test_a_manual_clock_does_not_advance_backwards() -> None:
    """A test that wants a clock put back has to say so."""
    with pytest.raises(ValueError, match=r"use set\(\)"):
        ManualClock(START).advance(seconds=-1)


def test_a_moment_before_the_start_is_as_long_ago_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Five rehearsed minutes are five of a peer's minutes, one real second at speed 300."""
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    monkeypatch.setattr(time, "monotonic", lambda: 50.0)
    clock = RehearsalClock(START, origin=1000.0, speed=300.0)
    then = running_at(clock, START - timedelta(minutes=5))

    assert running(clock) - then == 300.0
    monkeypatch.setattr(time, "monotonic", lambda: 51.0)
    assert running(clock) - then == 600.0


def test_what_is_still_to_come_by_a_clock_that_was_put_back_is_now() -> None:
    """It has happened, nobody knows when: it is not taken to be over."""
    clock = ManualClock(START)
    clock.advance(seconds=20.0)
    clock.set(START - timedelta(hours=1))

    assert running_at(clock, START) == running(clock) == 20.0
