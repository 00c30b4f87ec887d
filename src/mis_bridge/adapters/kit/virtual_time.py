"""Time that passes only when everybody waits: minutes of retries take no time to test.

The event loop's clock jumps to the next thing that is due as soon as nothing else is left to do. So
waits, rates and concurrency come out exactly, and the same, however busy the machine is.
"""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from mis_bridge.adapters.kit.findings import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

__all__ = ["LoopClock", "VirtualTimeLoop", "run"]

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Looks at its files without waiting, and lets the loop's time pass instead."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Give what is ready; where nothing is, the wait is over at once."""
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise Failed("the adapter waits for something that never comes")
            self.passed += max(timeout, 0.0)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time.

    What is given to a thread is done at once, in this one: nobody can tell how long a thread
    takes.
    """

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)

    def time(self) -> float:
        """Seconds that were waited for so far."""
        return self._virtual.passed

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Call a function now; as ``loop.run_in_executor`` otherwise."""
        del executor
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:  # noqa: BLE001 - it is raised where the future is awaited
            future.set_exception(error)
        else:
            future.set_result(result)
        return future


class LoopClock:
    """A clock that goes with the loop that runs it.

    Args:
        start: the moment that it shows at first, aware.
    """

    speed: Final = 1.0

    def __init__(self, start: datetime) -> None:
        self._start = start.astimezone(UTC)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()

    def now(self) -> datetime:
        """The moment, aware, UTC."""
        return self._start + timedelta(seconds=self._loop.time() - self._began)

    def monotonic(self) -> float:
        """Seconds from the loop's start."""
        return self._loop.time()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)
