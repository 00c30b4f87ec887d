"""Where the time comes from: the machine, a rehearsal that runs faster, or a test's hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from mis_bridge.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Clock",
    "ManualClock",
    "RehearsalClock",
    "SystemClock",
    "clock_from",
    "running",
    "running_at",
]


class Clock(Protocol):
    """Tells the time and measures spans; nothing else in mis-bridge looks at a clock."""

    @property
    def speed(self) -> float:
        """Seconds that pass on it in one real second: 1, but in a rehearsal."""
        ...

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never backwards; for spans only."""
        ...


class SystemClock:
    """The machine's clock."""

    speed: Final = 1.0

    def now(self) -> datetime:
        """The present moment, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never backwards."""
        return time.monotonic()


class RehearsalClock:
    """A clock that several processes share and that runs at its own speed.

    ``now() = start + (time.time() - origin) * speed``; all three come from outside, so that the
    daemon, the MIS stand-in and the demonstration agree without talking to each other.

    Args:
        start: the moment that the rehearsal shows at ``origin``, aware.
        origin: seconds since 1970 at which it began.
        speed: rehearsed seconds a real second.
    """

    def __init__(self, start: datetime, origin: float, speed: float) -> None:
        if start.tzinfo is None:
            raise ValueError("a rehearsal starts at an aware moment")
        if speed <= 0:
            raise ValueError("a rehearsal has a speed above 0")
        self.start = start.astimezone(UTC)
        self.origin = origin
        self.speed = speed

    def now(self) -> datetime:
        """The rehearsed moment, aware, UTC."""
        return self.start + timedelta(seconds=(time.time() - self.origin) * self.speed)

    def monotonic(self) -> float:
        """Real seconds: timeouts towards real peers do not run faster."""
        return time.monotonic()

    def to_environment(self) -> dict[str, str]:
        """What a process that is to share this clock finds in its environment."""
        text = f"{self.start.isoformat()}|{self.origin!r}|{self.speed!r}"
        return {"MIS_BRIDGE_REHEARSAL": text}


class ManualClock:
    """A clock that stands still until it is told.

    Args:
        start: the first moment it shows, aware.
    """

    speed: Final = 1.0

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock shows aware moments")
        self._now = start.astimezone(UTC)
        self._monotonic = 0.0

    def now(self) -> datetime:
        """The moment it was set to, aware, UTC."""
        return self._now

    def monotonic(self) -> float:
        """Seconds by which it was advanced."""
        return self._monotonic

    def advance(self, *, seconds: float = 0.0, minutes: float = 0.0) -> None:
        """Let time pass; a negative span is refused, as time does not go back."""
        span = timedelta(seconds=seconds, minutes=minutes)
        if span < timedelta(0):
            raise ValueError("time does not go back; use set() for a clock that was put back")
        self._now += span
        self._monotonic += span.total_seconds()

    def set(self, moment: datetime) -> None:
        """Put the clock to a moment, back as well, as NTP or a person does; spans stay true."""
        self._now = moment.astimezone(UTC)


def running(clock: Clock) -> float:
    """Seconds of the clock's own time from an arbitrary start, never backwards.

    A rehearsal's run faster than those of its ``monotonic``: a peer that asks for five minutes is
    given five of its minutes.
    """
    return clock.monotonic() * clock.speed


def running_at(clock: Clock, moment: datetime) -> float:
    """What ``running`` said at a moment; one that is still to come, after a clock was set, is now.

    Args:
        clock: that which ``running`` is asked of.
        moment: aware; from before this program began as well.
    """
    return running(clock) - max((clock.now() - moment).total_seconds(), 0.0)


def clock_from(environment: Mapping[str, str]) -> Clock:
    """The machine's clock, or the rehearsal's where the environment asks for one.

    Args:
        environment: looked at for ``MIS_BRIDGE_REHEARSAL``, ``ISO|origin_epoch|speed``.

    Raises:
        OperatorError: the variable is there and says something else.
    """
    text = environment.get("MIS_BRIDGE_REHEARSAL", "")
    if not text:
        return SystemClock()
    try:
        start, origin, speed = text.split("|")
        return RehearsalClock(datetime.fromisoformat(start), float(origin), float(speed))
    except ValueError as error:
        raise OperatorError(
            "MIS_BRIDGE_REHEARSAL is for demonstrations only and reads "
            f"START|ORIGIN|SPEED ({error}): unset it"
        ) from error
