"""What nobody caught is logged without what it quotes."""

from __future__ import annotations

import asyncio
import gc

from structlog.testing import capture_logs

from mis_bridge.service.app import _say_what_nobody_caught


async def test_a_task_that_nobody_waits_for_is_said_with_its_fault() -> None:
    """The line of asyncio itself holds the repr of the exception, and that a pupil's name."""

    async def fail() -> None:
        raise KeyError("Testpupil")

    asyncio.get_running_loop().set_exception_handler(_say_what_nobody_caught)
    with capture_logs() as logged:
        task = asyncio.create_task(fail())
        await asyncio.wait([task])
        del task
        gc.collect()

    (said,) = logged
    assert (said["event"], said["problem"]) == (
        "task_failed",
        "Task exception was never retrieved",
    )
    assert isinstance(said["exc_info"], KeyError)
