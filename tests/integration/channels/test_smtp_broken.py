"""The SMTP channel against mail servers that are not there, refuse, hang or break off."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from mis_bridge.channels.outcome import Result

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from mis_bridge.channels.smtp import SmtpMail
    from mis_bridge.messages.model import Message


async def test_a_host_that_does_not_listen_is_tried_again(
    smtp_channel: Callable[..., SmtpMail], message: Message, free_port: int
) -> None:
    """The text names the host and the system's own reason."""
    outcome = await smtp_channel(free_port).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.RETRY, False)
    assert f"localhost:{free_port}" in outcome.detail
    assert "refused" in outcome.detail


async def test_a_name_that_is_not_found_is_tried_again(
    smtp_channel: Callable[..., SmtpMail], message: Message, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network may be the reason, and passes; the text says which name it is."""

    def no_answer(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # No name server is asked from a test.
    monkeypatch.setattr(socket, "getaddrinfo", no_answer)

    outcome = await smtp_channel(25, host="mail.school.invalid").send(message)

    assert outcome.result is Result.RETRY
    assert "mail.school.invalid:25: the name of the host is not found" in outcome.detail


async def test_a_server_that_greets_with_a_refusal_raises_the_alarm(
    serve: Callable[..., Awaitable[int]], smtp_channel: Callable[..., SmtpMail], message: Message
) -> None:
    """554 at the greeting says that this machine is not welcome."""

    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 5.7.1 not you\r\n")
        await writer.drain()

    outcome = await smtp_channel(await serve(refuse)).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)


async def test_a_server_that_never_greets_is_tried_again(
    serve: Callable[..., Awaitable[int]], smtp_channel: Callable[..., SmtpMail], message: Message
) -> None:
    """Nothing was sent before the greeting."""

    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    outcome = await smtp_channel(await serve(hang), timeout_seconds=0.5).send(message)

    assert outcome.result is Result.RETRY


def script(*, after_content: bytes | None) -> Callable[..., Awaitable[None]]:
    """Play a mail server that takes the content and then says this, or hangs for None."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 localhost\r\n")
        while line := await reader.readline():
            if line.upper().startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                if after_content is None:
                    await reader.read()
                    return
                writer.write(after_content)
                if not after_content:
                    return
            elif line.upper().startswith(b"QUIT"):
                await reader.read()  # no goodbye
                return
            else:
                writer.write(b"250 ok\r\n")

    return play


@pytest.mark.thorough
async def test_silence_after_the_content_is_unknown(
    serve: Callable[..., Awaitable[int]], smtp_channel: Callable[..., SmtpMail], message: Message
) -> None:
    """The server may have taken the mail, so it is not claimed that it has not."""
    port = await serve(script(after_content=None))

    outcome = await smtp_channel(port, security="none", timeout_seconds=1.0).send(message)

    assert outcome.result is Result.UNKNOWN


async def test_a_connection_that_breaks_after_the_content_is_unknown(
    serve: Callable[..., Awaitable[int]], smtp_channel: Callable[..., SmtpMail], message: Message
) -> None:
    """The same where the connection ends without an answer."""
    port = await serve(script(after_content=b""))

    outcome = await smtp_channel(port, security="none").send(message)

    assert outcome.result is Result.UNKNOWN


@pytest.mark.thorough
async def test_a_server_that_hangs_at_the_goodbye_has_taken_the_mail(
    serve: Callable[..., Awaitable[int]], smtp_channel: Callable[..., SmtpMail], message: Message
) -> None:
    """What goes wrong after the 250 changes nothing."""
    port = await serve(script(after_content=b"250 taken\r\n"))

    outcome = await smtp_channel(port, security="none", timeout_seconds=5.0).send(message)

    assert outcome.result is Result.SENT


async def test_no_recipient_at_all_is_said_before_connecting(
    smtp_channel: Callable[..., SmtpMail], message: Message, free_port: int
) -> None:
    """A channel for the authority has no recipients of its own."""
    outcome = await smtp_channel(free_port, recipients=()).send(message)

    assert (outcome.result, outcome.config_alarm) == (Result.PERMANENT, True)
