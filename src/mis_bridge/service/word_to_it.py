"""The way to IT that goes past the outbox, for when nothing goes through it any more.

The main loop hangs, or the database takes nothing (its disk is full): then no incident can be
raised and no row written. The channels themselves may work all the same. Said once an hour at most,
over restarts too: when it was said stands in the time of a file, which a full disk does not stop.
"""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from mis_bridge.channels.outcome import Result
from mis_bridge.errors import MisBridgeError
from mis_bridge.incidents.ids import outbox_id
from mis_bridge.incidents.reasons import Reason
from mis_bridge.io.logs import get_logger
from mis_bridge.messages.build import build_note
from mis_bridge.messages.installation import compose_stuck
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mis_bridge.channels.base import Channel
    from mis_bridge.io.clock import Clock
    from mis_bridge.messages.model import Message
    from mis_bridge.service.schools import School

__all__ = ["WordToIt"]

AGAIN_SECONDS: Final = 3600.0


class WordToIt:
    """Tells IT directly, by the first channel of each of its routes that takes the message.

    Args:
        clock: as everywhere.
        schools: the configured ones; each has a route to IT.
        channels: by name; in place of one that could not be set up, why.
        file: its time says when this was said last; made here where that is possible.
    """

    def __init__(
        self,
        clock: Clock,
        schools: Mapping[str, School],
        channels: Mapping[str, Channel | MisBridgeError],
        file: Path,
    ) -> None:
        self._clock = clock
        self._schools = schools
        self._channels = channels
        self._file = file
        self._said_at: float | None = None
        self._log = get_logger(__name__)
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not file.exists():
                file.touch(mode=0o600)
                os.utime(file, (0, 0))
        except OSError:
            return  # then it is remembered for as long as this process lives

    async def send(self, what: str, problem: str) -> None:
        """Say that the daemon stands still, unless that was said within the last hour.

        Args:
            what: a sentence without its full stop.
            problem: the last error that was seen, or empty; no name, no secret.
        """
        if self._was_said():
            return
        self._note()
        now = self._clock.now()
        content = compose_stuck(what, problem, platform.node(), len(self._schools), now)
        for route in self._routes():
            identity = outbox_id(
                now.isoformat(), Reason.DAEMON_STUCK, Audience.IT, " ".join(route), 1
            )
            await self._send_one(route, build_note(identity, content))

    def over(self) -> datetime | None:
        """It works again: the next time that it does not is said at once.

        Returns:
            When it was said last, aware, so that the history can be told of it now; None for never.
        """
        said = max((at for at in (self._said_at, self._noted()) if at), default=None)
        self._said_at = None
        return datetime.fromtimestamp(int(said), UTC) if said else None

    def _was_said(self) -> bool:
        now = self._clock.now().timestamp()
        return any(
            said is not None and 0 <= now - said < AGAIN_SECONDS * self._clock.speed
            for said in (self._said_at, self._noted())
        )

    def _noted(self) -> float | None:
        try:
            return self._file.stat().st_mtime
        except OSError:
            return None

    def _note(self) -> None:
        self._said_at = self._clock.now().timestamp()
        try:
            os.utime(self._file, (self._said_at, self._said_at))
        except OSError:
            return

    def _routes(self) -> list[tuple[str, ...]]:
        """The routes to IT, each once: many schools share one."""
        today = self._clock.now().astimezone(LONDON).date()
        routes = (school.route_to(Audience.IT, today) for school in self._schools.values())
        return list(dict.fromkeys(route for route in routes if route))

    async def _send_one(self, route: tuple[str, ...], message: Message) -> None:
        for name in route:
            channel = self._channels.get(name)
            if channel is None or isinstance(channel, MisBridgeError):
                continue
            outcome = await channel.send(message)
            self._log.error(
                "it_told_directly", channel=name, result=outcome.result, detail=outcome.detail
            )
            if outcome.result in {Result.SENT, Result.ACCEPTED, Result.UNKNOWN}:
                return
