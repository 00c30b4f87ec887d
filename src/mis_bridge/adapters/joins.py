"""The lookups of one school: read when a stream needs them, kept as long as the manifest says."""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from mis_bridge.adapters.lookups import Lookups, Period
from mis_bridge.adapters.normalise import read_lookup
from mis_bridge.adapters.pull import pull
from mis_bridge.adapters.renamed import refuse_changed_list
from mis_bridge.adapters.scope import Scope
from mis_bridge.adapters.vocabulary import LOOKUPS
from mis_bridge.errors import MisAnswerInvalid, MisError, MisNotThere

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from mis_bridge.adapters.driver import Driver
    from mis_bridge.adapters.flow import Page
    from mis_bridge.adapters.source import Quarantined
    from mis_bridge.adapters.vocabulary import HttpTable, StreamTable
    from mis_bridge.io.clock import Clock

__all__ = ["Joins"]


@dataclass(slots=True)
class _Kept:
    """A lookup that was read."""

    read_at: float
    window: tuple[date, date]
    digest: bytes


class Joins:
    """Reads and keeps the lists that marks refer to by id.

    Args:
        streams: of the manifest, by name.
        http: of the manifest.
        connection: what the school gave, without secrets.
        driver: makes the requests.
        clock: the present.
        periods: the school's own periods -> (starts, ends), minutes after local midnight.
    """

    def __init__(
        self,
        streams: Mapping[str, StreamTable],
        http: HttpTable,
        connection: Mapping[str, str],
        driver: Driver,
        clock: Clock,
        periods: Mapping[str, tuple[int, int]],
    ) -> None:
        self.lookups = Lookups(
            periods={name: Period(name, *times) for name, times in periods.items()},
            periods_given="periods" not in streams,
        )
        self._streams = streams
        self._http = http
        self._connection = connection
        self._driver = driver
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._fresh: set[str] = set()

    def begin(self) -> None:
        """A read begins: each lookup may be read anew once in it."""
        self._fresh.clear()

    def of(self, stream: str) -> list[str]:
        """List the lookups of a stream, a lookup's own before it."""
        wanted: set[str] = {entry.via for entry in self._streams[stream].map.values() if entry.via}
        if stream == "pupils":
            wanted.add("details")
        wanted &= self._streams.keys()
        for lookup in list(wanted):
            wanted |= set(self.of(lookup))
        return [lookup for lookup in LOOKUPS if lookup in wanted]

    def digest(self, lookup: str) -> bytes:
        """Name what a lookup said when it was read."""
        return self._kept[lookup].digest

    async def prepare(
        self, stream: str, window: tuple[date, date], now: datetime, failed: dict[str, MisError]
    ) -> list[Quarantined]:
        """Read the lookups that a stream joins, in the order in which they need each other.

        Args:
            stream: the stream.
            window: of the read.
            now: when the read began.
            failed: lookups that could not be read in this read; one more is added where it fails.

        Raises:
            MisError: a lookup can not be read.
        """
        noted: list[Quarantined] = []
        for lookup in self.of(stream):
            if lookup in failed:
                raise failed[lookup]
            if lookup in self._fresh or self._is_kept(lookup, window):
                continue
            try:
                noted += await self.read(lookup, window, now)
            except MisError as error:
                failed[lookup] = error
                raise
        return noted

    async def refreshed(
        self, missing: Iterable[str], window: tuple[date, date], now: datetime
    ) -> bool:
        """Read the lookups anew that lacked an id; False where that was done already."""
        stale = [lookup for lookup in self._streams if lookup in missing]
        stale = [lookup for lookup in stale if lookup not in self._fresh]
        for lookup in stale:
            await self.read(lookup, window, now)
        return bool(stale)

    async def read(
        self, lookup: str, window: tuple[date, date], now: datetime
    ) -> list[Quarantined]:
        """Read a lookup anew.

        The new entries replace the old ones only when all of them are there: a list that breaks
        off, or of which nothing can be used any more, leaves the old one standing.
        """
        table = self._streams[lookup]
        scope = Scope(lookup, table, self._http, self._connection, window, now)
        fresh = Lookups() if lookup == "periods" else Lookups(periods=self.lookups.periods)
        digest = hashlib.sha256()
        noted: list[Quarantined] = []
        try:
            async with aclosing(self._driver.pages(pull(scope))) as pages:
                async for page in pages:
                    digest.update(page.digest.encode())
                    noted += _looked_up(page, table, fresh)
        except MisNotThere:
            # A primary school has no periods; its marks then have nothing to join.
            if table.missing == "refuse":
                raise
        refuse_changed_list(lookup, fresh, noted)
        for name in ("codes", "meanings") if lookup == "codes" else (lookup,):
            target = getattr(self.lookups, name)
            target.clear()
            target.update(getattr(fresh, name))
        self._fresh.add(lookup)
        self._kept[lookup] = _Kept(self._clock.monotonic(), window, digest.digest())
        return noted

    def _is_kept(self, lookup: str, window: tuple[date, date]) -> bool:
        kept = self._kept.get(lookup)
        if kept is None or (lookup == "timetable" and kept.window != window):
            return False
        return self._clock.monotonic() - kept.read_at < self._streams[lookup].keep_seconds


def _looked_up(page: Page, table: StreamTable, lookups: Lookups) -> list[Quarantined]:
    try:
        return read_lookup(page.stream, table, page.raw, lookups, page.number, page.part)
    except msgspec.DecodeError:
        raise MisAnswerInvalid(f"{page.stream}: page {page.number} is not valid JSON") from None
