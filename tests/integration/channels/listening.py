"""Servers in the test's own loop that leave no connection behind when they stop."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable


@contextlib.asynccontextmanager
async def listening(
    make: Callable[[], asyncio.Protocol], context: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve this protocol at a port of 127.0.0.1, which is given.

    A server of asyncio that is closed keeps the connections that it has (before Python 3.13 it
    cannot even name them). One that the test's end finds open would be collected during some later
    test, which then fails for it.
    """
    transports: list[asyncio.BaseTransport] = []

    def made() -> asyncio.Protocol:
        protocol = make()
        original = protocol.connection_made

        def connection_made(transport: asyncio.BaseTransport) -> None:
            transports.append(transport)
            original(transport)

        protocol.connection_made = connection_made  # type: ignore[method-assign]
        return protocol

    server = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for transport in transports:
            if isinstance(transport, asyncio.WriteTransport):
                transport.abort()
        # An aborted transport closes its socket in the next round of the loop.
        await asyncio.sleep(0)
