"""A source whose adapter is a manifest: streams in order, joins, batches, quarantine."""

from __future__ import annotations

import hashlib
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import msgspec

from mis_bridge.adapters.driver import driver_of
from mis_bridge.adapters.gathering import Gathering
from mis_bridge.adapters.joins import Joins
from mis_bridge.adapters.lookups import Codebook, unknown_codes
from mis_bridge.adapters.normalise import Normaliser
from mis_bridge.adapters.pull import pull
from mis_bridge.adapters.renamed import refuse_changed_page
from mis_bridge.adapters.rows import Row
from mis_bridge.adapters.scope import Scope, first_day, version_key
from mis_bridge.adapters.source import BATCH_RECORDS, Batch, ReadPlan, Standing
from mis_bridge.adapters.standing import Look
from mis_bridge.adapters.vocabulary import STREAMS
from mis_bridge.errors import (
    MisAccessRevoked,
    MisAnswerInvalid,
    MisDataStale,
    MisError,
    MisNotThere,
    MisPagingBroken,
    MisPermissionMissing,
    MisRequestRefused,
    MisSchoolOffline,
)
from mis_bridge.io.secrets import Secret
from mis_bridge.registers.calendar import LONDON

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
    from datetime import datetime

    from mis_bridge.adapters.driver import Gates, Sends
    from mis_bridge.adapters.flow import Page
    from mis_bridge.adapters.lookups import Lookups
    from mis_bridge.adapters.manifest import Connection
    from mis_bridge.adapters.normalise import Decoded
    from mis_bridge.adapters.source import Quarantined
    from mis_bridge.adapters.vocabulary import ManifestModel, StreamTable
    from mis_bridge.io.clock import Clock
    from mis_bridge.io.retry import RetryRules

__all__ = ["DeclaredSource"]

_OWN: Final = (
    MisAccessRevoked,
    MisAnswerInvalid,
    MisDataStale,
    MisNotThere,
    MisPagingBroken,
    MisPermissionMissing,
    MisRequestRefused,
    MisSchoolOffline,
)
"""Failures of one stream: the others are still read, and the failure is raised at the end."""


class DeclaredSource:
    """One school, read by a manifest.

    Args:
        manifest: of the adapter.
        connection: what the school gave, checked.
        transport: where requests go.
        clock: the present.
        school_codes: the school's own codes -> register codes.
        periods: the school's own periods -> (starts, ends), minutes after local midnight.
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
        periods: Mapping[str, tuple[int, int]] | None = None,
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
        options = {} if sleep is None else {"sleep": sleep}
        self._driver = driver_of(
            manifest, connection, transport, clock, gates, rules=rules, **options
        )
        self._batch_records = batch_records
        self._newest: dict[str, str] = {}
        self._joins = Joins(
            self._streams, manifest.http, self._plain, self._driver, clock, periods or {}
        )
        self._standing = Look(manifest.check, manifest.http, self._plain, self._driver, clock)
        codes = {
            "school": self._school_codes,
            "vendor": manifest.codes,
            "periods": self._joins.lookups.periods,
        }
        self._meaning = hashlib.sha256(
            msgspec.json.encode([manifest.model_dump(), codes], order="deterministic")
        ).digest()

    async def read(self, plan: ReadPlan) -> AsyncGenerator[Batch]:
        """Give the batches of a plan; see ``source.Source``."""
        self._driver.begin()
        self._joins.begin()
        self._newest = {}
        began = self._clock.now()
        failed = await self._looked()
        for stream in STREAMS:
            table = self._streams.get(stream)
            if table is None or (plan.streams is not None and stream not in plan.streams):
                continue
            own = self._own(stream, plan, began)
            if own is None:
                continue
            try:
                noted = await self._joins.prepare(stream, own.window, began, failed)
            except _OWN as error:
                # Also where it is not there: that a school may lack the stream is said of the
                # stream, and not of what its marks refer to.
                failed[stream] = error
                continue
            try:
                async with aclosing(self._stream(stream, table, own, began, noted)) as batches:
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

    async def _looked(self) -> dict[str, MisError]:
        """Look at how the school stands; give what is wrong with it and costs no list."""
        try:
            await self._standing.look()
        except _OWN as error:
            return {"check": error}
        return {}

    async def check(self) -> Standing:
        """Make the smallest authenticated calls: one page of pupils, the table of codes."""
        self._driver.begin()
        self._joins.begin()
        await self._standing.look(anew=True)
        now = self._clock.now()
        window = (now.date(), now.date())
        pupils, last, found = 0, True, []
        if (table := self._streams.get("pupils")) is not None:
            scope = Scope("pupils", table, self._http, self._plain, window, now)
            async with aclosing(self._driver.pages(pull(scope))) as pages:
                async for page in pages:
                    pupils = _counted(Row("pupils", table, window[0]), page)
                    last = page.last
                    break
        if "codes" in self._streams:
            await self._joins.read("codes", window, now)
            lookups = self._joins.lookups
            found = list(unknown_codes(self._codebook(lookups), lookups))
        count = f"{pupils} pupils" if last else f"more than {pupils} pupils"
        return Standing(pupils if last else None, tuple(found), count)

    def _own(self, stream: str, plan: ReadPlan, now: datetime) -> ReadPlan | None:
        """Give a stream's part of a plan; None where it has none."""
        if stream == "history":
            return self._earlier(plan)
        if stream == "pupils":
            # Marks of last year are read with the roll of today: what was true of a pupil then
            # would be stored over what is true now.
            today = now.astimezone(LONDON).date()
            return replace(plan, window=(plan.window[0], max(plan.window[1], today)))
        return plan

    def _earlier(self, plan: ReadPlan) -> ReadPlan | None:
        """Narrow a plan to the days that only history tells of; None where there are none.

        A day that ``sessions`` goes back to is told by it alone. The two may disagree, and an
        interrupted reading that began again with the history would undo what its days had said.
        """
        if plan.since is not None:
            return None
        table = self._streams.get("sessions")
        if table is None:
            return plan
        begins = first_day(table, plan.window)
        if begins <= plan.window[0]:
            return None
        return replace(plan, window=(plan.window[0], begins - timedelta(days=1)))

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
        if plan.sweep and scope.resume and scope.interrupted() is None:
            # A reading that began otherwise left this place. What is seen from here on counts from
            # the beginning, and only then is what is not seen taken for gone.
            yield Batch(stream, resume={stream: ""}, pages=0)
        started = False
        try:
            async for batch in self._batches(scope, plan, noted):
                started = True
                yield batch
        except (MisAnswerInvalid, MisRequestRefused, MisNotThere, MisPagingBroken) as error:
            # A position of an interrupted read, or a version, may have lapsed, and not every school
            # may have an address for changes: the stream starts anew with everything.
            interrupted = bool(scope.resume) and not isinstance(error, MisAnswerInvalid)
            if started or not (scope.versions or scope.asks_elsewhere or interrupted):
                raise
        else:
            return
        if plan.sweep and interrupted:
            yield Batch(stream, resume={stream: ""}, pages=0)
        since = None if scope.asks_elsewhere else scope.since
        scope = replace(self._scope(stream, table, plan, now, ""), versions={}, since=since)
        async for batch in self._batches(scope, plan, noted):
            yield batch

    def _codebook(self, lookups: Lookups | None) -> Codebook:
        manifest, listed = self._manifest, self._streams.get("codes")
        return Codebook(
            self._school_codes,
            manifest.codes,
            manifest.meanings,
            lookups,
            by_mark=listed is not None and listed.map["id"].path == listed.map["code"].path,
        )

    def _scope(
        self, stream: str, table: StreamTable, plan: ReadPlan, now: datetime, resume: str
    ) -> Scope:
        meaning = hashlib.sha256(self._meaning)
        for lookup in self._joins.of(stream):
            meaning.update(self._joins.digest(lookup))
        if table.repeats == "on_roll":
            # Another of a pupil's records may count on another day.
            meaning.update(plan.window[1].isoformat().encode())
        return Scope(
            stream,
            table,
            self._http,
            self._plain,
            plan.window,
            now,
            since=None if plan.sweep else plan.since,
            resume=resume,
            versions=_versions(stream, plan),
            fingerprint=meaning.digest(),
            newest=self._newest,
        )

    async def _batches(
        self, scope: Scope, plan: ReadPlan, noted: list[Quarantined]
    ) -> AsyncGenerator[Batch]:
        stream = scope.stream
        code = scope.table.map.get("code") or scope.table.map.get("marks")
        by_id = code is not None and code.via == "codes"
        normaliser = Normaliser(
            stream,
            scope.table,
            self._codebook(self._joins.lookups if by_id else None),
            self._joins.lookups,
            window=plan.window,
            presence=self._manifest.capabilities.presence,
        )
        gathering = Gathering(
            scope,
            {} if plan.sweep else plan.known_digests,
            partial(self._decoded, normaliser, scope),
            noted,
            self._clock,
            self._batch_records,
        )
        async with aclosing(self._driver.pages(pull(scope))) as pages:
            async for page in pages:
                batch = await gathering.take(page)
                if batch is not None:
                    yield batch

    async def _decoded(self, normaliser: Normaliser, scope: Scope, page: Page) -> Decoded:
        """Decode a page; where a lookup lacks an id, read the lookup anew and try once more."""
        decoded = _decoded(normaliser, page)
        refuse_changed_page(page.stream, scope.table, decoded, page.raw)
        if not await self._joins.refreshed(decoded.missing, scope.window, scope.now):
            return decoded
        return _decoded(normaliser, page)


def _versions(stream: str, plan: ReadPlan) -> dict[str, str]:
    """The versions that changes may be asked for since: none in a read of everything."""
    if plan.sweep or plan.since is None:
        return {}
    begins = version_key(stream)
    return {key: text for key, text in plan.resume.items() if key.startswith(begins)}


def _counted(row: Row, page: Page) -> int:
    try:
        return row.count(page.raw)
    except msgspec.DecodeError:
        raise _not_json(page) from None


def _decoded(normaliser: Normaliser, page: Page) -> Decoded:
    try:
        return normaliser.decode(page.raw, page.number, page.part)
    except msgspec.DecodeError:
        raise _not_json(page) from None


def _not_json(page: Page) -> MisAnswerInvalid:
    return MisAnswerInvalid(f"{page.stream}: page {page.number} is not valid JSON")
