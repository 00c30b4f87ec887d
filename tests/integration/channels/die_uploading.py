"""Upload a package again and again; each time a child process is killed at another request.

Reads settings as JSON from standard input, prints one line for each death. Exits 1 where a name
held half a file, or the process after the killed one did not complete the upload.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from asyncssh.sftp import SFTPClientHandler

from mis_bridge.channels.outcome import Result
from mis_bridge.channels.sftp import SftpDrop
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.model import Attachment, Carried, Disclosure, Message
from mis_bridge.triggers.model import Severity

_SURVIVED = 9


def main() -> None:
    """Kill at request 0, 1, 2 ... until the upload ends before it is killed."""
    settings = json.load(sys.stdin)
    files = {path.name: path.read_bytes() for path in Path(settings["package"]).iterdir()}
    inbox = Path(settings["inbox"])
    number = 0
    while True:
        for path in inbox.iterdir():
            path.unlink()
        status = in_child(settings, files, die_at=number)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == _SURVIVED
            assert found(inbox) == files
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
        for name, content in found(inbox).items():
            assert name.endswith(".part") or content == files[name], name
        status = in_child(settings, files, die_at=None)
        assert os.waitstatus_to_exitcode(status) == _SURVIVED
        assert found(inbox) == files, sorted(found(inbox))
        sys.stdout.write(json.dumps({"died_at": number}) + "\n")
        number += settings["every"]


def found(inbox: Path) -> dict[str, bytes]:
    """What lies there, hidden files too."""
    return {path.name: path.read_bytes() for path in inbox.iterdir()}


def in_child(settings: dict[str, Any], files: dict[str, bytes], *, die_at: int | None) -> int:
    """Send in a process of its own; returns how that ended, as ``os.waitpid`` says it."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    if die_at is not None:
        arm(die_at)
    outcome = asyncio.run(send(settings, files))
    os._exit(_SURVIVED if outcome is Result.SENT else 1)


def arm(die_at: int) -> None:
    """Kill this process at a step: even ones before a request, odd ones after its answer."""
    original = SFTPClientHandler._make_request
    step = 0

    def count() -> None:
        nonlocal step
        if step == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        step += 1

    async def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        count()
        answer = await original(self, *args, **kwargs)
        count()
        return answer

    SFTPClientHandler._make_request = request  # type: ignore[method-assign]


async def send(settings: dict[str, Any], files: dict[str, bytes]) -> Result:
    """Send the package by the channel under test."""
    drop = SftpDrop(
        "la-sftp",
        disclosure=Disclosure.FULL,
        host="localhost",
        port=settings["port"],
        username=settings["username"],
        host_keys=(settings["host_key"],),
        key=Secret(settings["user_key"], reference="credential:la-sftp-key"),
        folder="inbox",
    )
    message = Message(
        id="5f0c" * 16,
        reference="MB-7F3C-2K9Q",
        reason=Reason.PACKAGE_APPROVED,
        severity=Severity.NORMAL,
        subject="",
        text="",
        html="",
        card={},
        attachments=tuple(Attachment(name, "", content) for name, content in files.items()),
        package=Carried("c0ffee" * 10 + "abcd", "cme", 1),
    )
    return (await drop.send(message)).result


if __name__ == "__main__":
    main()
