"""The SFTP channel against Debian's sshd, and against connections that are cut."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncssh
import pytest
from asyncssh.sftp import SFTPServerHandler

from mis_bridge.channels.outcome import Result
from mis_bridge.channels.sftp import SftpDrop
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.secrets import Secret
from mis_bridge.messages.model import Disclosure

from .peers import fingerprint_of, new_key, running_sshd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from mis_bridge.messages.model import Message

    from .peers import Sshd

pytestmark = pytest.mark.peer


@pytest.fixture
def drop(sshd: Sshd) -> Callable[..., SftpDrop]:
    """Make the channel that leads to the inbox."""

    def make(**options: Any) -> SftpDrop:
        return SftpDrop(
            "la-sftp",
            **{
                "disclosure": Disclosure.FULL,
                "host": "localhost",
                "port": sshd.port,
                "username": sshd.user,
                "host_keys": (sshd.host_key,),
                "key": Secret(sshd.user_key, reference="credential:la-sftp-key"),
                "folder": "inbox",
                "timeout_seconds": 20.0,
                **options,
            },
        )

    return make


def there(sshd: Sshd) -> dict[str, bytes]:
    """What the authority finds in its inbox, hidden files too."""
    return {path.name: path.read_bytes() for path in (sshd.root / "inbox").iterdir()}


def files_of(message: Message) -> dict[str, bytes]:
    """What it is to find."""
    return {file.name: file.content for file in message.attachments}


async def test_a_package_arrives_byte_for_byte(
    sshd: Sshd, drop: Callable[..., SftpDrop], approved: Message
) -> None:
    """Three files under their names and nothing beside them; the proof names size and digest."""
    outcome = await drop().send(approved)

    assert outcome.result is Result.SENT, outcome
    assert there(sshd) == files_of(approved)
    sidecar = json.loads(next(c for n, c in there(sshd).items() if n.endswith(".json")))
    for listed in sidecar["files"]:
        assert f"{listed['name']} {listed['bytes']} bytes SHA-256 {listed['sha256']}" in (
            outcome.proof
        )


async def test_sending_again_finds_what_is_there(
    sshd: Sshd, drop: Callable[..., SftpDrop], approved: Message
) -> None:
    """The outcome of the first attempt was lost: nothing is written a second time."""
    await drop().send(approved)
    before = {path: path.stat().st_mtime_ns for path in (sshd.root / "inbox").iterdir()}

    outcome = await drop().send(approved)

    assert outcome.result is Result.SENT
    assert "where they were already" in outcome.detail
    assert before == {path: path.stat().st_mtime_ns for path in (sshd.root / "inbox").iterdir()}


async def test_a_file_of_another_size_is_left_alone_and_told(
    sshd: Sshd, drop: Callable[..., SftpDrop], approved: Message
) -> None:
    """posix-rename would silently write over it."""
    name = approved.attachments[0].name
    (sshd.root / "inbox" / name).write_bytes(b"somebody else's")

    outcome = await drop().send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert f"{name} stands there already with 15 bytes" in outcome.detail
    assert there(sshd)[name] == b"somebody else's"


async def test_the_part_of_a_broken_attempt_is_used_up(
    sshd: Sshd, drop: Callable[..., SftpDrop], approved: Message
) -> None:
    """Longer or shorter than the file, it leaves no trace."""
    first, second, _ = (file.name for file in approved.attachments)
    (sshd.root / "inbox" / f".{first}.part").write_bytes(bytes(5_000_000))
    (sshd.root / "inbox" / f".{second}.part").write_bytes(b"begin")

    await drop().send(approved)

    assert there(sshd) == files_of(approved)


async def test_a_host_key_that_is_not_pinned_is_a_security_alarm(
    sshd: Sshd, drop: Callable[..., SftpDrop], approved: Message, tmp_path: Path
) -> None:
    """Nothing is sent to whoever answers at that address."""
    _, another = new_key(tmp_path / "another")

    outcome = await drop(host_keys=(another,)).send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "SECURITY" in outcome.detail
    assert "by telephone" in " ".join(outcome.detail.split())
    assert there(sshd) == {}


async def test_one_of_two_pinned_keys_is_enough(
    drop: Callable[..., SftpDrop], sshd: Sshd, tmp_path: Path
) -> None:
    """So an authority can announce its next key before it changes."""
    _, next_key = new_key(tmp_path / "next")

    outcome = await drop(host_keys=(next_key, sshd.host_key)).check()

    assert outcome.result is Result.SENT, outcome


async def test_a_key_that_the_server_does_not_know_is_refused(
    drop: Callable[..., SftpDrop], approved: Message, tmp_path: Path
) -> None:
    """The login is for the authority to mend, with the school's IT."""
    private, _ = new_key(tmp_path / "stranger")

    outcome = await drop(key=Secret(private, reference="credential:x")).send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "the login is refused" in outcome.detail


async def test_a_credential_that_is_no_key_says_how_to_make_one(
    drop: Callable[..., SftpDrop], approved: Message
) -> None:
    """What stood in it is not repeated."""
    outcome = await drop(key=Secret("not a key", reference="credential:la-sftp-key")).send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "credential:la-sftp-key" in outcome.detail
    assert "ssh-keygen" in outcome.detail
    assert "not a key" not in outcome.detail


async def test_a_folder_that_is_not_there_is_named(
    drop: Callable[..., SftpDrop], approved: Message
) -> None:
    """The authority says which folder is meant."""
    outcome = await drop(folder="imbox").send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "'imbox'" in outcome.detail


async def test_a_server_that_may_only_be_read_is_named(
    sshd: Sshd, drop: Callable[..., SftpDrop], approved: Message, tmp_path: Path
) -> None:
    """The right to write is for the authority to give."""
    with running_sshd(tmp_path, "-R") as read_only:
        channel = drop(
            port=read_only.port,
            host_keys=(read_only.host_key,),
            key=Secret(read_only.user_key, reference="credential:la-sftp-key"),
        )
        for outcome in (await channel.send(approved), await channel.check()):
            assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
            assert "may not write" in outcome.detail


class OnePassword(asyncssh.SSHServer):
    """Lets one user in, by a password."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("school", "another-password")


@pytest.fixture
async def old_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[dict[str, Any]]:
    """A server that knows passwords and SFTP version 3, and no extension of it.

    Yields what the channel is to be made with; files lie in ``tmp_path``.
    """
    monkeypatch.setattr(SFTPServerHandler, "_extensions", [])
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    (tmp_path / "inbox").mkdir()
    server = await asyncssh.create_server(
        OnePassword,
        "127.0.0.1",
        0,
        server_host_keys=[host_key],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(tmp_path).encode()),
    )
    async with server:
        yield {
            "port": server.get_port(),
            "host_keys": (host_key.export_public_key().decode().strip(),),
            "username": "school",
            "key": None,
            "password": Secret("another-password", reference="credential:la-sftp-password"),
        }


async def test_a_server_that_knows_no_extension_gets_it_too(
    drop: Callable[..., SftpDrop], old_server: dict[str, Any], approved: Message, tmp_path: Path
) -> None:
    """By a password; without posix-rename the plain one gives the name, and nothing is doubled."""
    channel = drop(**old_server)

    first, second = await channel.send(approved), await channel.send(approved)

    assert (first.result, second.result) == (Result.SENT, Result.SENT), first
    assert "already" in second.detail
    found = {path.name: path.read_bytes() for path in (tmp_path / "inbox").iterdir()}
    assert found == files_of(approved)


async def test_a_wrong_password_is_refused_and_not_shown(
    drop: Callable[..., SftpDrop], old_server: dict[str, Any], approved: Message
) -> None:
    """The login is for a person to mend."""
    wrong = Secret("invented-smtp-password", reference="credential:la-sftp-password")

    outcome = await drop(**{**old_server, "password": wrong}).send(approved)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
    assert "check username and password" in outcome.detail


async def test_nobody_listening_is_tried_again(
    drop: Callable[..., SftpDrop], approved: Message, free_port: int
) -> None:
    """Nothing was sent."""
    outcome = await drop(port=free_port).send(approved)

    assert outcome.result is Result.RETRY
    assert "nothing was sent" in outcome.detail


async def test_a_server_that_hangs_is_given_up_in_time(
    drop: Callable[..., SftpDrop], approved: Message, serve: Callable[..., Any]
) -> None:
    """It takes the connection and says nothing."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    outcome = await drop(port=await serve(hang), timeout_seconds=0.3).send(approved)

    assert outcome.result is Result.RETRY
    assert "nothing was sent" in outcome.detail


async def test_a_test_leaves_nothing(
    sshd: Sshd, drop: Callable[..., SftpDrop], approved: Message, tmp_path: Path
) -> None:
    """Host key, login, folder, right to write, and no file that somebody opens.

    The fingerprint of the key is what a person compares over the telephone.
    """
    message = dataclasses.replace(approved, reason=Reason.CHANNEL_TEST, package=None)

    outcome = await drop().send(message)

    assert outcome.result is Result.SENT, outcome
    assert "nothing was sent" in outcome.detail
    assert there(sshd) == {}
    assert outcome.proof == f"host key {fingerprint_of(sshd.host_key, tmp_path)}"


async def test_an_alert_does_not_go_to_the_authority(
    sshd: Sshd, drop: Callable[..., SftpDrop], message: Message
) -> None:
    """Only a package that a person approved does."""
    outcome = await drop().send(message)

    assert outcome.result is Result.PERMANENT
    assert there(sshd) == {}


@contextlib.asynccontextmanager
async def cut_after(port: int, sent: int) -> AsyncIterator[tuple[int, asyncio.Future[int]]]:
    """A way to the server that breaks after so many bytes from our side.

    Yields its port, and how many bytes its connection carried, once that is over.
    """
    carried = asyncio.get_running_loop().create_future()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        count = 0

        async def back() -> None:
            while data := await there_reader.read(65536):
                writer.write(data)
                await writer.drain()

        async def forth() -> None:
            nonlocal count
            while count < sent and (data := await reader.read(min(65536, sent - count))):
                count += len(data)
                there_writer.write(data)
                await there_writer.drain()

        tasks = [asyncio.create_task(back()), asyncio.create_task(forth())]
        _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        carried.set_result(count)
        there_writer.transport.abort()
        writer.transport.abort()

    server = await asyncio.start_server(carry, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], carried


@pytest.mark.thorough
async def test_an_upload_that_was_cut_anywhere_is_completed_by_the_next(
    sshd: Sshd, drop: Callable[..., SftpDrop], approved: Message
) -> None:
    """After each attempt a name holds the whole file or nothing; in the end each is there once."""
    wanted = files_of(approved)
    async with cut_after(sshd.port, 1 << 30) as (port, carried):
        assert (await drop(port=port).send(approved)).result is Result.SENT
        total = await carried
    for twelfth in range(12):
        for path in (sshd.root / "inbox").iterdir():
            path.unlink()
        async with cut_after(sshd.port, total * twelfth // 12) as (port, _):
            broken = await drop(port=port).send(approved)
        assert broken.result in {Result.RETRY, Result.UNKNOWN}, broken
        for name, content in there(sshd).items():
            assert name.endswith(".part") or content == wanted[name]

        assert (await drop().send(approved)).result is Result.SENT
        assert there(sshd) == wanted


@pytest.mark.thorough
def test_a_process_that_is_killed_at_any_step_leaves_what_the_next_completes(
    sshd: Sshd, approved: Message, tmp_path: Path
) -> None:
    """Kill -9 before and after every request to the server, then a new process sends again."""
    for file in approved.attachments:
        (tmp_path / file.name).write_bytes(file.content)
    every = 1 if os.environ.get("MIS_BRIDGE_STRICT") == "1" else 7
    settings = {
        "port": sshd.port,
        "username": sshd.user,
        "host_key": sshd.host_key,
        "user_key": sshd.user_key,
        "package": str(tmp_path),
        "inbox": str(sshd.root / "inbox"),
        "every": every,
    }
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("die_uploading.py"))],
        input=json.dumps(settings),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    died_at = [json.loads(line)["died_at"] for line in done.stdout.splitlines()]
    assert len(died_at) >= (24 if every == 1 else 3)
