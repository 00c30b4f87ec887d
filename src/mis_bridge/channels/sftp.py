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
from mis_bridge.channels.trust import deepest_word
from mis_bridge.errors import ChannelError
from mis_bridge.incidents.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncssh import SFTPClient, SSHClientConnection, SSHKey

    from mis_bridge.io.secrets import Secret
    from mis_bridge.messages.model import Attachment, Disclosure, Message

__all__ = ["SftpDrop", "fingerprint", "read_key"]

# It tells of every connection, and of paths and user names at DEBUG.
logging.getLogger("asyncssh").setLevel(logging.WARNING)

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_PROBE: Final = ".mis-bridge-check"
_MAY_NOT_WRITE: Final = (
    "this user may not write in the folder: ask the authority for the right to, or set folder"
)
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
                    client = await self._connect(stack)
                    await self._find_folder(client)
                    if message is None:
                        return await self._look(client)
                    return await self._put_all(client, message.attachments, attempt)
            except _Stopped as stopped:
                return stopped.outcome
            except (Error, OSError) as error:  # TimeoutError is an OSError
                return self._judge(error, attempt)

    async def _connect(self, stack: contextlib.AsyncExitStack) -> SFTPClient:
        import asyncssh

        try:
            keys = [asyncssh.import_public_key(one) for one in self._host_keys]
        except (asyncssh.KeyImportError, ValueError):
            raise _Stopped(
                self._broken("one of host_keys is not a public key: copy it as it was published")
            ) from None
        try:
            own = [read_key(self._key)] if self._key else []
        except ChannelError as error:
            raise _Stopped(self._broken(str(error))) from None
        connection = await asyncssh.connect(
            self._host,
            self._port,
            username=self._username,
            client_keys=own,
            password=self._password.reveal() if self._password else None,
            known_hosts=(keys, [], []),  # never None: that would believe every server
            config=None,  # nor may a file of this machine's user say otherwise
            agent_path=None,
            preferred_auth="publickey" if self._key else "password,keyboard-interactive",
            connect_timeout=self._timeout,
            login_timeout=self._timeout,
        )
        stack.push_async_callback(_part, connection)
        return await connection.start_sftp_client()

    async def _find_folder(self, client: SFTPClient) -> None:
        from asyncssh import SFTPNoSuchFile, SFTPNoSuchPath, SFTPNotADirectory

        try:
            there = await client.isdir(self._folder or ".")
        except (SFTPNoSuchFile, SFTPNoSuchPath, SFTPNotADirectory):
            there = False
        if not there:
            raise _Stopped(
                self._broken(
                    f"there is no folder {self._folder or '.'!r}: ask the authority which folder "
                    "is for this school, and set folder"
                )
            )

    async def _look(self, client: SFTPClient) -> Outcome:
        """Make an empty file that nobody takes for a package, and take it away."""
        from asyncssh import SFTPError

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
                self._broken(
                    f"{file.name} stands there already with {size} bytes and not our "
                    f"{len(file.content)}; it was left as it is. Ask the authority what it is and "
                    "to move it away"
                )
            )
        return size is not None

    def _path(self, name: str) -> str:
        return f"{self._folder.rstrip('/')}/{name}" if self._folder else name

    @property
    def _place(self) -> str:
        return f"{self._host}:{self._port}"

    def _broken(self, text: str) -> Outcome:
        return Outcome(Result.PERMANENT, f"{self._place}: {text}", config_alarm=True)

    def _judge(self, error: Exception, attempt: Attempt) -> Outcome:
        import asyncssh

        broken: dict[type[Exception], str] = {
            asyncssh.HostKeyNotVerifiable: "SECURITY: the server does not show a host key that is "
            "pinned, nothing was sent. Somebody may stand between, or the authority has a new key: "
            "ask the authority by telephone, and change host_keys only when they confirm it",
            asyncssh.KeyExchangeFailed: "the server and this program have no kind of host key or "
            "cipher in common, nothing was sent: ask the authority whether the kind of its host "
            "key has changed",
            asyncssh.PermissionDenied: "the login is refused: check username and "
            f"{'key' if self._key else 'password'} with the authority",
            asyncssh.SFTPPermissionDenied: _MAY_NOT_WRITE,
            asyncssh.SFTPWriteProtect: _MAY_NOT_WRITE,
        }
        if type(error) in broken:
            return self._broken(broken[type(error)])
        if isinstance(error, asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded):
            return Outcome(Result.RETRY, f"{self._place}: its disk is full", config_alarm=True)
        gone = isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection)
        if isinstance(error, asyncssh.SFTPError) and not gone:
            return Outcome(
                Result.RETRY, f"{self._place}: it refuses a file for now ({type(error).__name__})"
            )
        if attempt.on_its_way:
            return Outcome(
                Result.UNKNOWN,
                f"{self._place}: {_word(error)} while the files were put there; what is missing is "
                "put there by the next attempt",
            )
        return Outcome(
            Result.RETRY,
            f"{self._place}: {_word(error)}; nothing was sent. If it lasts, check host, port and "
            "the firewall",
        )


def read_key(secret: Secret) -> SSHKey:
    """Read a private key.

    Raises:
        ChannelError: it is none, or it has a passphrase; the text names the credential.
    """
    import asyncssh

    try:
        return asyncssh.import_private_key(secret.reveal() + "\n")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        # `from None`: the error that is dropped here may hold a part of the key.
        raise ChannelError(
            f"{secret.reference}: there is no private key without a passphrase in it; make one "
            "with ssh-keygen -t ed25519 -N '' and give the authority its .pub file"
        ) from None


def fingerprint(host_key: str) -> str:
    """Give what a person compares with the authority over the telephone.

    Raises:
        ChannelError: it is not a public key.
    """
    import asyncssh

    try:
        return asyncssh.import_public_key(host_key).get_fingerprint()
    except (asyncssh.KeyImportError, ValueError):
        raise ChannelError(
            "one of host_keys is not a public key: copy it as it was published"
        ) from None


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


async def _part(connection: SSHClientConnection) -> None:
    """Say goodbye; what goes wrong in that changes nothing for the files."""
    connection.close()
    with contextlib.suppress(Exception):
        async with asyncio.timeout(_MARGIN / 2):
            await connection.wait_closed()


def _word(error: Exception) -> str:
    if isinstance(error, OSError):
        return deepest_word(error)
    return "the connection broke"
