"""Starts daemons by forking: the price of their imports is paid once and not a thousand times.

A process of its own, with one thread, so that a fork is safe::

    python -m mis_bridge.simulator.chaos.nursery

reads one JSON object a line and answers each with one: ``{"run": [...], "env": {...}, "log": ...}``
with ``{"pid": n}``, ``{"wait": pid}`` with ``{"status": n}``, negative for the signal that ended
it. What it starts is ``mis-bridge`` with these arguments, nothing replaced.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from typing import NoReturn

__all__ = ["main"]

_LOADED_LATE = (
    "aiosmtplib",
    "alembic.command",
    "cryptography.x509",
    "jinja2",
    "mis_bridge.channels.app_identity",
    "mis_bridge.channels.build",
    "mis_bridge.channels.entra_token",
    "mis_bridge.channels.graph",
    "mis_bridge.channels.smtp",
    "mis_bridge.channels.teams",
    "mis_bridge.channels.teams_activity",
    "mis_bridge.channels.teams_bot",
    "mis_bridge.cli.run",
    "mis_bridge.service.app",
    "mis_bridge.store.opening",
    "msal",
    "requests",
    "sqlcipher3",
)
"""What a daemon loads when it needs it."""


def _become_a_daemon(arguments: list[str], environment: dict[str, str], log: str) -> NoReturn:
    code = 1
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for descriptor in (1, 2):
            os.dup2(out, descriptor)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.environ.update(environment)
        sys.argv = ["mis-bridge", *arguments]
        runpy.run_module("mis_bridge", run_name="__main__")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _answer(order: dict[str, object]) -> dict[str, int]:
    if "wait" in order:
        _, status = os.waitpid(int(str(order["wait"])), 0)
        return {"status": os.waitstatus_to_exitcode(status)}
    arguments, environment = order["run"], order["env"]
    assert isinstance(arguments, list)  # noqa: S101 - whoever writes the order is beside us
    assert isinstance(environment, dict)  # noqa: S101
    pid = os.fork()
    if pid == 0:
        _become_a_daemon(arguments, environment, str(order["log"]))
    return {"pid": pid}


def main() -> None:
    """Answer orders until standard input ends."""
    for name in _LOADED_LATE:
        importlib.import_module(name)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
