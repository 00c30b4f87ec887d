"""Files on the Local Authority's SFTP server.

Each file is written as ``.NAME.part``, its size is looked at, and then it gets its name in one
step: under NAME a file is whole or not there. NAME says which package it is and which version, not
which attempt, so that an upload that was cut at any point is completed by the next one and never
stands there under a second name. The JSON file comes last; it lists the others with their digests.

What stands there under NAME with our size has been delivered. With another size it is left as it is
and told: a rename over it would destroy what somebody else may need.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import re
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.attempt import Attempt, guarded
from mis_bridge.channels.outcome import Outcome, Result
from mis_bridge.channels.sftp_keys import read_host_key, read_key
from mis_bridge.channels.sftp_outcome import broken, of_error
from mis_bridge.errors import ChannelError
from mis_bridge.incidents.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncssh import SFTPClient, SSHClientConnection

    from mis_bridge.channels.base import Expiry
    from mis_bridge.io.secrets import Secret
    from mis_bridge.messages.model import Attachment, Disclosure, Message

__all__ = ["SftpDrop"]

# It tells of every connection, and of paths and user names at DEBUG.
logging.getLogger("asyncssh").setLevel(logging.WARNING)

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_PROBE: Final = ".mis-bridge-check"
_MARGIN: Final = 5.0  # seconds for the goodbye, and for judging what came to its limit


class _Stopped(Exception):
    """The upload can not go on; says what that makes of the message."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.detail)


class SftpDrop:
    """One folder on one server.

    Args:
        name: of the channel in the configuration.
        disclosure: how much of a pupil its readers may see.
        host, port: the server.
        username: who logs in.
        host_keys: the server's public keys, each as ``ssh-ed25519 AAAA...``; no other is believed.
        key: private key, OpenSSH or PEM text, or None.
        password: or None; one of the two is there.
        folder: where files go; empty for the folder that the login opens.
        timeout_seconds: for one attempt from the first connection to the last answer.
        secret_ends: when key or password ends, as somebody wrote it down, or None.
    """

    kind = "sftp"

    def __init__(
        self,
        name: str,
        *,
        disclosure: Disclosure,
        host: str,
        port: int,
        username: str,
        host_keys: Sequence[str],
        key: Secret | None = None,
        password: Secret | None = None,
        folder: str = "",
        timeout_seconds: float = 30.0,
        secret_ends: Expiry | None = None,
    ) -> None:
        self.name = name
        self.disclosure = disclosure
        self._host = host
        self._port = port
        self._username = username
        self._host_keys = tuple(host_keys)
        self._key = key
        self._password = password
        self._folder = folder
        self._timeout = timeout_seconds
        self._secret_ends = secret_ends
        self._alone = asyncio.Lock()

    async def send(self, message: Message) -> Outcome:
        """Put an approved package's files there; a test looks and leaves nothing.

        ``SENT`` if all of them are there whole, from this attempt or an earlier one.
        """
        if message.reason is Reason.CHANNEL_TEST:
            return await self.check()
        if message.package is None or not message.attachments:
            return Outcome(
                Result.PERMANENT,
                "only approved packages go to the authority's server: take the channel out of the "
                "routes of people in the school",
            )
        return await self._guarded(message)

    async def check(self) -> Outcome:
        """Log in, look at the folder, and see that an empty file can be made and taken away."""
        return await self._guarded(None)

    async def close(self) -> None:
        """Nothing: a connection lives for one message."""

    def expiries(self) -> Sequence[Expiry]:
        """When the password or key ends, where somebody wrote it down."""
        return (self._secret_ends,) if self._secret_ends else ()

    async def _guarded(self, message: Message | None) -> Outcome:
        return await guarded(
            self.name, self._timeout + _MARGIN, lambda attempt: self._bounded(message, attempt)
        )

    async def _bounded(self, message: Message | None, attempt: Attempt) -> Outcome:
        from asyncssh import Error

        # One at a time: two uploads of one file would write into each other's part.
        async with self._alone, contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._timeout):
                    connection = await self._connect(stack)
                    client = await connection.start_sftp_client()
                    await self._find_folder(client)
                    if message is None:
                        return await self._look(client, connection)
                    return await self._put_all(client, message.attachments, attempt)
            except _Stopped as stopped:
                return stopped.outcome
            except (Error, OSError) as error:  # TimeoutError is an OSError
                return of_error(
                    error,
                    place=self._place,
                    by_key=self._key is not None,
                    on_its_way=attempt.on_its_way,
                )

    async def _connect(self, stack: contextlib.AsyncExitStack) -> SSHClientConnection:
        import asyncssh

        try:
            pinned = [read_host_key(one) for one in self._host_keys]
            own = [read_key(self._key)] if self._key else []
        except ChannelError as error:
            raise _Stopped(broken(self._place, str(error))) from None
        connection = await asyncssh.connect(
            self._host,
            self._port,
            username=self._username,
            client_keys=own,
            password=self._password.reveal() if self._password else None,
            known_hosts=(pinned, [], []),  # never None: that would believe every server
            config=None,  # nor may a file of this machine's user say otherwise
            agent_path=None,
            preferred_auth="publickey" if self._key else "password,keyboard-interactive",
            connect_timeout=self._timeout,
            login_timeout=self._timeout,
        )
        stack.push_async_callback(_say_goodbye, connection)
        return connection

    async def _find_folder(self, client: SFTPClient) -> None:
        from asyncssh import SFTPNoSuchFile, SFTPNoSuchPath, SFTPNotADirectory

        try:
            there = await client.isdir(self._folder or ".")
        except (SFTPNoSuchFile, SFTPNoSuchPath, SFTPNotADirectory):
            there = False
        if not there:
            raise _Stopped(
                broken(
                    self._place,
                    f"there is no folder {self._folder or '.'!r}: ask the authority which folder "
                    "is for this school, and set folder",
                )
            )

    async def _look(self, client: SFTPClient, connection: SSHClientConnection) -> Outcome:
        """Make an empty file that nobody takes for a package, and take it away."""
        from asyncssh import SFTPError

        shown = connection.get_server_host_key()
        probe = self._path(f"{_PROBE}.part")
        await _write(client, probe, b"")
        try:
            await client.remove(probe)
        except SFTPError:
            left = f"; an empty file {_PROBE}.part could not be taken away again"
        else:
            left = ""
        return Outcome(
            Result.SENT,
            f"{self._place}: host key, login and folder are in order, nothing was sent{left}",
            proof=f"host key {shown.get_fingerprint()}" if shown else "",
        )

    async def _put_all(
        self, client: SFTPClient, files: Sequence[Attachment], attempt: Attempt
    ) -> Outcome:
        names = [file.name for file in files]
        if len(set(names)) != len(names) or not all(map(_NAME.fullmatch, names)):
            return Outcome(
                Result.PERMANENT, "a file of the package has a name that can not be used"
            )
        put = 0
        for file in sorted(files, key=lambda one: (one.name.endswith(".json"), one.name)):
            put += await self._put(client, file, attempt)
        already = "" if put else ", where they were already"
        return Outcome(
            Result.SENT,
            f"{self._place}: {len(files)} files are in the folder{already}",
            proof="; ".join(
                f"{file.name} {len(file.content)} bytes "
                f"SHA-256 {hashlib.sha256(file.content).hexdigest()}"
                for file in files
            ),
        )

    async def _put(self, client: SFTPClient, file: Attachment, attempt: Attempt) -> bool:
        """Make one file stand there whole; False where it did already."""
        path, part = self._path(file.name), self._path(f".{file.name}.part")
        if await self._is_there(client, file):
            return False
        await _write(client, part, file.content)
        if await _size(client, part) != len(file.content):
            raise _Stopped(
                Outcome(
                    Result.RETRY,
                    f"{self._place}: the server did not keep all of {file.name}; its disk may be "
                    "full, or it takes files away at once",
                )
            )
        attempt.on_its_way = True
        await _rename(client, part, path)
        # Of the right size, or gone already: some servers take a file in at once.
        await self._is_there(client, file)
        return True

    async def _is_there(self, client: SFTPClient, file: Attachment) -> bool:
        """Whether the file stands there as we would write it.

        Raises:
            _Stopped: another file has its name.
        """
        size = await _size(client, self._path(file.name))
        if size is not None and size != len(file.content):
            raise _Stopped(
                broken(
                    self._place,
                    f"{file.name} stands there already with {size} bytes and not our "
                    f"{len(file.content)}; it was left as it is. Ask the authority what it is and "
                    "to move it away",
                )
            )
        return size is not None

    def _path(self, name: str) -> str:
        return f"{self._folder.rstrip('/')}/{name}" if self._folder else name

    @property
    def _place(self) -> str:
        return f"{self._host}:{self._port}"


async def _write(client: SFTPClient, path: str, content: bytes) -> None:
    """Write a file anew, to the server's disk where it can be asked for that."""
    from asyncssh import SFTPOpUnsupported

    async with client.open(path, "wb") as file:
        await file.write(content)
        with contextlib.suppress(SFTPOpUnsupported):
            await file.fsync()


async def _size(client: SFTPClient, path: str) -> int | None:
    """Give the size of a file; None where there is none."""
    from asyncssh import SFTPNoSuchFile, SFTPNoSuchPath

    try:
        return (await client.stat(path)).size
    except (SFTPNoSuchFile, SFTPNoSuchPath):
        return None


async def _rename(client: SFTPClient, part: str, path: str) -> None:
    """Give a file its name; the caller has seen that nothing has that name."""
    from asyncssh import SFTPOpUnsupported

    try:
        await client.posix_rename(part, path)
    except SFTPOpUnsupported:
        await client.rename(part, path)


async def _say_goodbye(connection: SSHClientConnection) -> None:
    """Say goodbye; what goes wrong in that changes nothing for the files."""
    connection.close()
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_MARGIN / 2):
            await connection.wait_closed()
