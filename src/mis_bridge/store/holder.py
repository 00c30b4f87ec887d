"""One daemon a database file: a second one is refused, and told who the first is.

Feeds and messages are leased with fences, so that two daemons on one database do no harm; but on an
embedded database a second one is always a mistake. The lock is the kernel's: it ends with its
process, however that ends, and needs no clock.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
from typing import TYPE_CHECKING

from mis_bridge.errors import StoreBusy, StoreError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from mis_bridge.store.engine import Store

__all__ = ["ProcessLock", "claim_process_lock"]


class ProcessLock:
    """Held until it is released or the process ends; a context manager.

    Args:
        handle: open file descriptor that holds the lock; None where none is needed.
    """

    def __init__(self, handle: int | None) -> None:
        self._handle = handle

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def release(self) -> None:
        """Let another process have it; releasing twice does nothing."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def claim_process_lock(store: Store) -> ProcessLock:
    """Become the one daemon of an embedded database; on PostgreSQL any number may run.

    Raises:
        StoreBusy: another process is; names its process id and machine.
        StoreError: the lock file beside the database can not be made.
    """
    if not store.embedded:
        return ProcessLock(None)
    path = f"{store.url.database}.lock"
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"{path} can not be made ({error.strerror}): make the data directory belong to the "
            "user that mis-bridge runs as"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = os.pread(handle, 4096, 0)
        os.close(handle)
        raise StoreBusy(
            f"another mis-bridge runs on this database already ({_who(other)}): stop it first, or "
            "give this one a data directory of its own"
        ) from None
    text = json.dumps({"pid": os.getpid(), "host": platform.node()}).encode()
    os.ftruncate(handle, 0)
    os.pwrite(handle, text, 0)
    return ProcessLock(handle)


def _who(text: bytes) -> str:
    try:
        said = json.loads(text)
        return f"process {int(said['pid'])} on {said['host']}"
    except (ValueError, KeyError, TypeError):
        return "it has not said who it is"
