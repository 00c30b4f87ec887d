"""The daemon: one tick after another, each begins to read, decides, and begins to send.

::

    tick:  sync.start_due     lease feeds, read each in its own task    transaction 1  sync, ingest
           decide.decide_due  decide what changed, or what time changed transaction 2  decide
           deliver.start_due  lease messages, send each channel's       transaction 3  deliver
           health.tick_done   tell the supervisor and the monitor

A tick waits for no network. What it started goes on beside the next ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.io.logs import get_logger
from mis_bridge.registers.calendar import LONDON
from mis_bridge.store import meta, retention

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy import Connection

    from mis_bridge.io.clock import Clock
    from mis_bridge.service.decide import Decider
    from mis_bridge.service.deliver import Deliverer
    from mis_bridge.service.health import Health
    from mis_bridge.service.sync import Syncer
    from mis_bridge.settings import RetentionSettings
    from mis_bridge.store.engine import Store

__all__ = ["Daemon"]

GRACE_SECONDS: Final = 20.0
"""How long readings and messages under way may still take when the daemon is asked to stop."""

_PRUNED: Final = "pruned_on"


class Daemon:
    """Puts the parts in their order.

    Args:
        store, clock: as everywhere.
        syncer, decider, deliverer, health: the parts.
        kept: for how long data are kept.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        syncer: Syncer,
        decider: Decider,
        deliverer: Deliverer,
        health: Health,
        kept: RetentionSettings,
    ) -> None:
        self._store = store
        self._clock = clock
        self._syncer = syncer
        self._decider = decider
        self._deliverer = deliverer
        self._health = health
        self._kept = kept
        self._log = get_logger(__name__)

    async def tick(self) -> None:
        """Do what is due; what fails as a whole (the store) is raised and tried again next time."""
        await self._syncer.start_due()
        clean = await self._decider.decide_due()
        await self._deliverer.start_due()
        await self._prune()
        await self._health.tick_done(clean=clean)

    async def settle(self) -> None:
        """Tick until nothing is left to do at this moment (for rehearsals and tests)."""
        while True:
            reading = await self._syncer.start_due()
            await self._syncer.wait()
            await self._decider.decide_due()
            sending = await self._deliverer.start_due()
            await self._deliverer.wait()
            if not reading and not sending:
                return

    async def stop(self) -> None:
        """End what is under way; what can not end in time is repeated after the next start."""
        await self._syncer.stop(GRACE_SECONDS)
        await self._deliverer.stop(GRACE_SECONDS)

    async def _prune(self) -> None:
        today = self._clock.now().astimezone(LONDON).date()
        if await self._store.call(_prune_once, today, self._kept):
            self._log.info("pruned", day=today.isoformat())


def _prune_once(tx: Connection, today: date, kept: RetentionSettings) -> bool:
    """Drop what its time is up, once a day; False where that was done already."""
    if meta.get(tx, _PRUNED) == today.isoformat():
        return False
    retention.prune(tx, today, kept)
    meta.put(tx, _PRUNED, today.isoformat())
    return True
