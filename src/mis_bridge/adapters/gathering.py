"""The pages of one list become batches: what is known is passed over, what is new is decoded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from mis_bridge.adapters.enrolments import who_counts
from mis_bridge.adapters.records import Deletion, SessionMarks
from mis_bridge.adapters.source import Batch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from mis_bridge.adapters.flow import Page
    from mis_bridge.adapters.normalise import Decoded
    from mis_bridge.adapters.records import Record
    from mis_bridge.adapters.scope import Scope
    from mis_bridge.adapters.source import Quarantined
    from mis_bridge.io.clock import Clock

__all__ = ["Gathering"]

_LAST: Final = "."
"""Stands behind the digest of the page with which a list ended."""

_BATCH_SECONDS: Final = 30.0
"""A slow MIS gives smaller batches, so that what was read is soon stored."""


@dataclass(slots=True)
class _Gathered:
    """The pages of a batch so far."""

    records: list[Record] | SessionMarks = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)
    pages: int = 0
    known: int = 0

    @property
    def weight(self) -> int:
        """How many records, of which two in columns take the room of one, and are sooner merged."""
        held = len(self.records)
        return (held + 1) // 2 if isinstance(self.records, SessionMarks) else held

    def add(self, records: Sequence[Record]) -> None:
        """Put records behind those that are here; session marks stay in columns among themselves.

        Args:
            records: of one page; nobody else keeps them.
        """
        if isinstance(self.records, SessionMarks):
            if isinstance(records, SessionMarks):
                self.records.add(records)
                return
            self.records = list(self.records)
        if isinstance(records, SessionMarks) and not self.records:
            self.records = records
        else:
            self.records += records


class Gathering:
    """Takes the pages of one reading of a list, in their order, and makes batches of them.

    A roll is one batch: whether these are the pupils of this school at all is seen from the whole
    of it, and so is which of a pupil's records counts, where there are several.

    Args:
        scope: what is asked for.
        known: page -> digest, as it was stored; empty in a sweep, which looks at everything.
        decode: understands a page.
        noted: what could not be used in the lists that this one refers to.
        clock: the present.
        batch_records: records after which a batch is given out.
    """

    def __init__(
        self,
        scope: Scope,
        known: Mapping[str, str],
        decode: Callable[[Page], Awaitable[Decoded]],
        noted: Sequence[Quarantined],
        clock: Clock,
        batch_records: int,
    ) -> None:
        self._scope = scope
        self._known = known
        self._decode = decode
        self._clock = clock
        self._batch_records = batch_records
        self._at_once = scope.stream == "pupils"
        self._repeats = scope.table.repeats == "on_roll"
        self._roll: list[Page] = []
        self._part = ""
        self._unbroken: bool | None = None
        self._gathered = _Gathered(quarantined=list(noted))
        self._begun = clock.monotonic()

    async def take(self, page: Page) -> Batch | None:
        """Take in the next page; give a batch where enough has come together.

        Raises:
            MisError: the page can not be understood.
        """
        gathered, stream = self._gathered, page.stream
        key = f"{stream}:{page.part}:{page.number}" if page.part else f"{stream}:{page.number}"
        gathered.digests[key] = page.digest + (_LAST if page.last else "")
        gathered.pages += 1
        gathered.kept |= page.kept
        if page.deleted:
            gathered.add([Deletion(stream, gone) for gone in page.deleted])
        if self._repeats:
            self._roll.append(page)
        if self._is_known(key, page) and not page.deleted:
            gathered.known += 1
        elif not self._repeats:
            await self._take_in(page)
        late = self._clock.monotonic() - self._begun >= _BATCH_SECONDS
        if page.last:
            return await self._last(page)
        if self._at_once:
            # There is nothing to store yet: this tells that whoever holds the lease is alive.
            return self._given(Batch(stream, pages=0)) if late else None
        if late or gathered.weight >= self._batch_records:
            return self._given(self._batch(page))
        return None

    def _is_known(self, key: str, page: Page) -> bool:
        """Whether a page was stored as it is now, and nothing came after its rows.

        Digests promise that for an unbroken run from the first page of a list, and never for a page
        that is left over from a longer one.
        """
        if page.part != self._part or self._unbroken is None:
            self._unbroken, self._part = page.number == 1, page.part
        before = self._known.get(key, "")
        known = self._unbroken and before.removesuffix(_LAST) == page.digest
        self._unbroken = known and not before.endswith(_LAST)
        return known

    async def _last(self, page: Page) -> Batch:
        gathered = self._gathered
        if self._repeats and gathered.known < gathered.pages:
            for one in self._roll:
                await self._take_in(one)
            gathered.records = [*who_counts(gathered.records, self._scope.window[1])]
        return self._given(self._batch(page))

    async def _take_in(self, page: Page) -> None:
        decoded = await self._decode(page)
        self._gathered.add(decoded.records)
        self._gathered.quarantined += decoded.quarantined

    def _given(self, batch: Batch) -> Batch:
        """Begin the next batch, or go on waiting for a roll."""
        if not self._at_once:
            self._gathered = _Gathered()
        self._begun = self._clock.monotonic()
        return batch

    def _batch(self, page: Page) -> Batch:
        gathered, scope = self._gathered, self._scope
        return Batch(
            stream=page.stream,
            records=gathered.records,
            resume={page.stream: page.resume} | gathered.kept,
            quarantined=gathered.quarantined,
            digests=gathered.digests,
            unchanged=gathered.known == gathered.pages and not gathered.quarantined,
            last_of_stream=page.last,
            complete=scope.complete and page.last and not page.passed_over,
            begins=scope.begins if scope.begins > scope.window[0] else None,
            pages=gathered.pages,
        )
