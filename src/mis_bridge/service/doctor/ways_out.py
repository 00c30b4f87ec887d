"""The ways out: every channel, every certificate, the outside monitor."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mis_bridge.channels.base import Ending, Point
from mis_bridge.channels.base import Standing as Stands
from mis_bridge.channels.examination import examine, of_ends
from mis_bridge.channels.outcome import Result
from mis_bridge.errors import MisBridgeError, SecretMissing
from mis_bridge.service.doctor.model import Line, Standing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from datetime import datetime

    from mis_bridge.channels.base import Channel
    from mis_bridge.io.secrets import Secrets
    from mis_bridge.messages.model import Message

__all__ = ["channels", "monitor", "page_of"]

_SECONDS: Final = 5.0
_HTTPS: Final = 443
_HTTP: Final = 80
_GOOD: Final = frozenset({Result.SENT, Result.ACCEPTED})
_PAGES: Final = {
    "teams": "teams-workflows-webhook",
    "teams-bot": "teams-bot",
    "teams-activity": "teams-activity",
    "graph": "email-by-graph",
    "smtp": "email-by-smtp",
    "apprise": "alert-by-other-services",
}
"""Where what a channel answers stands beside what to do; all else leads to the authority."""

_AS: Final = {
    Stands.OK: Standing.OK,
    Stands.DOUBT: Standing.LOOK,
    Stands.PROBLEM: Standing.BROKEN,
}


async def channels(
    built: Mapping[str, Channel | MisBridgeError],
    now: datetime,
    *,
    offline: bool,
    test: Callable[[str], Message] | None = None,
) -> AsyncIterator[Line]:
    """Look at every channel, one after another; what is well of a channel shares a line.

    Args:
        built: by name; in place of one that could not be built, why.
        now: aware, for certificates.
        offline: nothing is asked over the network.
        test: makes the message that each channel sends, by its name; None sends nothing.
    """
    for name, channel in built.items():
        what = f"channel {name}"
        if isinstance(channel, MisBridgeError):
            yield Line(Standing.BROKEN, what, str(channel), "mis-bridge check names the place.")
            continue
        points = await _points(channel, now, offline=offline, probe=test is not None)
        if test is not None and not offline:
            outcome = await channel.send(test(name))
            standing = Stands.OK if outcome.result in _GOOD else Stands.PROBLEM
            points.append(Point("test message", standing, f"{outcome.result}: {outcome.detail}"))
        for line in _lines(name, channel.kind, points, offline=offline):
            yield line
    if not built:
        yield Line(
            Standing.BROKEN,
            "channels",
            "there is none: what is noticed reaches nobody",
            "Write [channels] and [routes] into config.toml.",
        )


async def _points(channel: Channel, now: datetime, *, offline: bool, probe: bool) -> list[Point]:
    if not offline:
        return await examine(channel, now, probe=probe)
    if isinstance(channel, Ending):
        return of_ends(await asyncio.to_thread(channel.expiries), now)
    return []


def _lines(name: str, kind: str, points: Iterable[Point], *, offline: bool) -> Iterable[Line]:
    what, all_of_it = f"channel {name}", list(points)
    then = (
        f"{page_of(kind)} says what to do about each answer; then mis-bridge channels test {name}."
    )
    wrong = [point for point in all_of_it if point.standing is not Stands.OK]
    yield from (
        Line(_AS[point.standing], f"{what}, {point.what}", point.detail, point.then or then)
        for point in wrong
    )
    if not wrong:
        seen = "; ".join(f"{point.what}: {point.detail}" for point in all_of_it)
        asked = "can be set up (nobody was asked: --offline)" if offline else ""
        yield Line(Standing.OK, what, "; ".join(part for part in (kind, asked, seen) if part))


def page_of(kind: str) -> str:
    """Give the page that says, for each answer of a kind of channel, what to do."""
    return f"docs/how-to/{_PAGES.get(kind, 'send-to-the-authority')}.md"


async def monitor(reference: str, secrets: Secrets, *, offline: bool) -> Line:
    """Look whether the outside monitor can be reached; it is not called, that is the auditor's."""
    what = "outside monitor"
    if not reference:
        return Line(
            Standing.LOOK,
            what,
            "none: if this machine stops, nobody outside it will notice",
            "Set service.heartbeat_url: docs/how-to/monitor.md.",
        )
    try:
        address = urlsplit(secrets.resolve(reference).reveal())
        host, port = address.hostname or "", address.port
    except (SecretMissing, ValueError) as error:
        seen = str(error) if isinstance(error, SecretMissing) else "it is no address"
        return Line(Standing.BROKEN, what, seen, "Store its address: mis-bridge credentials.")
    if offline:
        return Line(Standing.OK, what, f"{host} (nobody was asked: --offline)")
    tls = address.scheme == "https"
    try:
        async with asyncio.timeout(_SECONDS):
            _, writer = await asyncio.open_connection(
                host, port or (_HTTPS if tls else _HTTP), ssl=tls
            )
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        reason = getattr(error, "strerror", "") or type(error).__name__
        return Line(
            Standing.BROKEN,
            what,
            f"{host} can not be reached: {reason}",
            "Look at the network, the web filter and the name server of this machine.",
        )
    return Line(Standing.OK, what, f"{host} can be reached; the auditor calls it")
