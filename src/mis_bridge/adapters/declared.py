"""A source whose adapter is a manifest: streams in order, joins, batches, quarantine."""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from mis_bridge.adapters import auth
from mis_bridge.adapters.answers import Judge
from mis_bridge.adapters.driver import Driver
from mis_bridge.adapters.lookups import Codebook, Lookups, unknown_codes
from mis_bridge.adapters.normalise import Decoded, Normaliser, read_lookup
from mis_bridge.adapters.pull import Scope, pull
from mis_bridge.adapters.source import BATCH_RECORDS, Batch, Quarantined, ReadPlan, Standing
from mis_bridge.adapters.vocabulary import LOOKUPS, STREAMS
from mis_bridge.errors import (
    MisAnswerInvalid,
    MisError,
    MisNotThere,
    MisPagingBroken,
    MisPermissionMissing,
    MisRequestRefused,
)
from mis_bridge.io.secrets import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
    from datetime import date, datetime

    from mis_bridge.adapters.driver import Gates, Sends
    from mis_bridge.adapters.flow import Page
    from mis_bridge.adapters.manifest import Connection
    from mis_bridge.adapters.records import Record
    from mis_bridge.adapters.vocabulary import ManifestModel, StreamTable
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.retry import RetryRules

__all__ = ["DeclaredSource"]

_OWN: Final = (
    MisAnswerInvalid,
    MisNotThere,
    MisPagingBroken,
    MisPermissionMissing,
    MisRequestRefused,
)
"""Failures of one stream: the others are still read, and the failure is raised at the end."""

_LAST: Final = "."
_BATCH_SECONDS: Final = 30.0
"""A slow MIS gives smaller batches, so that what was read is soon stored."""


@dataclass(slots=True)
class _Lookup:
    """A lookup that was read."""

    read_at: float
    window: tuple[date, date]
    digest: bytes


@dataclass(slots=True)
class _Gathered:
    """The pages of a batch so far."""

    records: list[Record] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    pages: int = 0
    known: int = 0


class DeclaredSource:
    """One school, read by a manifest.

    Args:
        manifest: of the adapter.
        connection: what the school gave, checked.
        transport: where requests go.
        clock: the present.
        school_codes: the school's own codes -> register codes.
        gates: shared by the schools of the adapter.
        rules: how often to try again.
        sleep: replaced in tests.
        batch_records: records after which a batch is given out.
    """

    def __init__(
        self,
        manifest: ManifestModel,
        connection: Connection,
        transport: Sends,
        clock: Clock,
        gates: Gates,
        *,
        school_codes: Mapping[str, str] | None = None,
        rules: RetryRules | None = None,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        batch_records: int = BATCH_RECORDS,
    ) -> None:
        if manifest.http is None or manifest.auth is None:
            raise ValueError("a manifest with streams has [http] and [auth]")
        self._manifest = manifest
        self._streams: dict[str, StreamTable] = {
            str(name): table for name, table in manifest.stream.items()
        }
        self._http = manifest.http
        self._clock = clock
        self._school_codes = dict(school_codes or {})
        self._plain = {
            name: value for name, value in connection.items() if not isinstance(value, Secret)
        }
        secrets = [value.reveal() for value in connection.values() if isinstance(value, Secret)]
        options = {} if sleep is None else {"sleep": sleep}
        self._driver = Driver(
            transport,
            manifest.http,
            auth.headers(manifest.auth, connection),
            Judge(manifest.http, secrets, clock.now),
            gates,
            rules=rules,
            **options,
        )
        self._batch_records = batch_records
        self._lookups = Lookups()
        self._kept: dict[str, _Lookup] = {}
        self._fresh: set[str] = set()
        codes = {"school": self._school_codes, "vendor": manifest.codes}
        self._meaning = hashlib.sha256(
            msgspec.json.encode([manifest.model_dump(), codes], order="deterministic")
        ).digest()

    async def read(self, plan: ReadPlan) -> AsyncGenerator[Batch]:
        """Give the batches of a plan; see ``source.Source``."""
        self._driver.begin()
        self._fresh.clear()
        began = self._clock.now()
        failed: dict[str, MisError] = {}
        for stream in STREAMS:
            table = self._streams.get(stream)
            if table is None or (plan.streams is not None and stream not in plan.streams):
                continue
            try:
                noted = await self._prepare(stream, plan, began, failed)
                async with aclosing(self._stream(stream, table, plan, began, noted)) as batches:
                    async for batch in batches:
                        yield batch
            except MisNotThere as error:
                if table.missing == "refuse":
                    failed[stream] = error
                else:
                    yield Batch(stream, resume={stream: ""}, last_of_stream=True, pages=0)
            except _OWN as error:
                failed[stream] = error
        if failed:
            raise next(iter(failed.values()))

    async def check(self) -> Standing:
        """Make the smallest authenticated calls: one page of pupils, the table of codes."""
        self._driver.begin()
        now = self._clock.now()
        window = (now.date(), now.date())
        pupils, last, found = 0, True, []
        if (table := self._streams.get("pupils")) is not None:
            scope = Scope("pupils", table, self._http, self._plain, window, now)
            async with aclosing(self._driver.pages(pull(scope))) as pages:
                async for page in pages:
                    pupils = len(msgspec.json.decode(page.raw, type=list[msgspec.Raw]))
                    last = page.last
                    break
        if (table := self._streams.get("codes")) is not None:
            await self._look_up("codes", table, window, now)
            codebook = Codebook(self._school_codes, self._manifest.codes)
            found = list(unknown_codes(codebook, self._lookups))
        count = f"{pupils} pupils" if last else f"more than {pupils} pupils"
        return Standing(pupils if last else None, tuple(found), count)

    async def _prepare(
        self, stream: str, plan: ReadPlan, now: datetime, failed: dict[str, MisError]
    ) -> list[Quarantined]:
        """Read the lookups that a stream joins, in the order in which they need each other."""
        noted: list[Quarantined] = []
        for lookup in self._joined(stream):
            if lookup in failed:
                raise failed[lookup]
            table = self._streams[lookup]
            if self._is_kept(lookup, table, plan.window):
                continue
            try:
                noted += await self._look_up(lookup, table, plan.window, now)
            except _OWN as error:
                failed[lookup] = error
                raise
        return noted

    def _joined(self, stream: str) -> list[str]:
        """List the lookups of a stream, a lookup's own before it."""
        wanted: set[str] = {entry.via for entry in self._streams[stream].map.values() if entry.via}
        for lookup in list(wanted):
            wanted |= set(self._joined(lookup))
        return [lookup for lookup in LOOKUPS if lookup in wanted]

    def _is_kept(self, lookup: str, table: StreamTable, window: tuple[date, date]) -> bool:
        kept = self._kept.get(lookup)
        if kept is None or (lookup == "timetable" and kept.window != window):
            return False
        return self._clock.monotonic() - kept.read_at < table.keep_seconds

    async def _look_up(
        self, lookup: str, table: StreamTable, window: tuple[date, date], now: datetime
    ) -> list[Quarantined]:
        """Read a lookup anew.

        The new entries replace the old ones only when all of them are there: a list that breaks
        off leaves the old one standing.
        """
        scope = Scope(lookup, table, self._http, self._plain, window, now)
        fresh = Lookups(periods=self._lookups.periods)
        if lookup == "periods":
            fresh = Lookups()
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
        target, source = getattr(self._lookups, lookup), getattr(fresh, lookup)
        target.clear()
        target.update(source)
        self._fresh.add(lookup)
        self._kept[lookup] = _Lookup(self._clock.monotonic(), window, digest.digest())
        return noted

    async def _stream(
        self,
        stream: str,
        table: StreamTable,
        plan: ReadPlan,
        now: datetime,
        noted: list[Quarantined],
    ) -> AsyncGenerator[Batch]:
        """Give the batches of one stream."""
        scope = self._scope(stream, table, plan, now, plan.resume.get(stream, ""))
        started = False
        try:
            async for batch in self._batches(scope, plan, noted):
                started = True
                yield batch
        except (MisRequestRefused, MisNotThere, MisPagingBroken):
            # A position of an interrupted read may have lapsed: then the stream starts anew.
            if started or not scope.resume:
                raise
        else:
            return
        scope = self._scope(stream, table, plan, now, "")
        async for batch in self._batches(scope, plan, noted):
            yield batch

    def _scope(
        self, stream: str, table: StreamTable, plan: ReadPlan, now: datetime, resume: str
    ) -> Scope:
        meaning = hashlib.sha256(self._meaning)
        for lookup in self._joined(stream):
            meaning.update(self._kept[lookup].digest)
        return Scope(
            stream,
            table,
            self._http,
            self._plain,
            plan.window,
            now,
            since=None if plan.sweep else plan.since,
            resume=resume,
            fingerprint=meaning.digest(),
        )

    async def _batches(
        self, scope: Scope, plan: ReadPlan, noted: list[Quarantined]
    ) -> AsyncGenerator[Batch]:
        stream = scope.stream
        normaliser = Normaliser(
            stream, scope.table, self._school_codes, self._manifest.codes, self._lookups,
            window=plan.window,
        )  # fmt: skip
        gathered, begun = _Gathered(quarantined=list(noted)), self._clock.monotonic()
        # What a known digest promises is that these rows were stored and nothing came after them:
        # it holds for an unbroken run from the first page, and never in a sweep.
        known = {} if plan.sweep else plan.known_digests
        trusted = True
        async with aclosing(self._driver.pages(pull(scope))) as pages:
            async for page in pages:
                key = f"{stream}:{page.number}"
                before = known.get(key, "")
                trusted = trusted and before.removesuffix(_LAST) == page.digest
                gathered.digests[key] = page.digest + (_LAST if page.last else "")
                gathered.pages += 1
                if trusted:
                    gathered.known += 1
                    trusted = not before.endswith(_LAST)
                else:
                    decoded = await self._decode(normaliser, scope, page)
                    gathered.records += decoded.records
                    gathered.quarantined += decoded.quarantined
                late = self._clock.monotonic() - begun >= _BATCH_SECONDS
                if page.last or late or len(gathered.records) >= self._batch_records:
                    yield _batch(gathered, page, complete=scope.complete and page.last)
                    gathered, begun = _Gathered(), self._clock.monotonic()

    async def _decode(self, normaliser: Normaliser, scope: Scope, page: Page) -> Decoded:
        """Decode a page; where a lookup lacks an id, read the lookup anew and try once more."""
        decoded = _decoded(normaliser, page)
        stale = [
            lookup for lookup in LOOKUPS if lookup in decoded.missing and lookup not in self._fresh
        ]
        if not stale:
            return decoded
        for lookup in stale:
            table = self._streams[lookup]
            await self._look_up(lookup, table, scope.window, scope.now)
        return _decoded(normaliser, page)


def _looked_up(page: Page, table: StreamTable, lookups: Lookups) -> list[Quarantined]:
    try:
        return read_lookup(page.stream, table, page.raw, lookups, page.number)
    except msgspec.DecodeError:
        raise MisAnswerInvalid(f"{page.stream}: page {page.number} is not valid JSON") from None


def _decoded(normaliser: Normaliser, page: Page) -> Decoded:
    try:
        return normaliser.decode(page.raw, page.number)
    except msgspec.DecodeError:
        raise MisAnswerInvalid(f"{page.stream}: page {page.number} is not valid JSON") from None


def _batch(gathered: _Gathered, page: Page, *, complete: bool) -> Batch:
    return Batch(
        stream=page.stream,
        records=gathered.records,
        resume={page.stream: page.resume},
        quarantined=gathered.quarantined,
        digests=gathered.digests,
        unchanged=gathered.known == gathered.pages and not gathered.quarantined,
        last_of_stream=page.last,
        complete=complete,
        pages=gathered.pages,
    )
