"""Run ``mis-bridge`` and kill it with SIGKILL at one exact step of a transaction.

Usage: ``die_at.py FUNCTION:PLACE run --config ...`` where PLACE is ``before`` the transaction
begins, ``inside`` it (all statements done, nothing committed) or ``after`` its commit. Nothing of
the program is changed; the process just ends there, as it would if the machine lost its power.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from mis_bridge.cli.main import main
from mis_bridge.store.engine import Store

if TYPE_CHECKING:
    from collections.abc import Callable


def _name(function: Callable[..., Any]) -> str:
    return getattr(function.func if isinstance(function, partial) else function, "__name__", "")


def _matters(name: str, result: Any) -> bool:
    """Whether this call did something that could be lost."""
    if name == "claim":
        return bool(result)
    if name == "decide":
        return bool(result.messages)
    return True


def _arm(where: str) -> None:
    wanted, place = where.split(":")
    original = Store.run

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def run(self: Store, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        if _name(fn) != wanted:
            return original(self, fn, *args, **kwargs)
        if place == "before":
            die()

        def watched(tx: Any, *inner: Any, **named: Any) -> Any:
            result = fn(tx, *inner, **named)
            if place == "inside" and _matters(wanted, result):
                die()
            return result

        result = original(self, watched, *args, **kwargs)
        if place == "after" and _matters(wanted, result):
            die()
        return result

    Store.run = run  # type: ignore[method-assign]


if __name__ == "__main__":
    _arm(sys.argv.pop(1))
    main()
