"""How the service reads a school: a plan goes in, batches of records come out.

A batch is what one transaction stores. It may hold several pages of one stream (up to
``BATCH_RECORDS`` records, twice as many session marks in columns), because merging a thousand
strips once is far cheaper than a thousand times. Keep ``Batch.resume`` and ``Batch.digests`` in the
same transaction as its records: the cursor then never runs ahead of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from datetime import date, datetime

    from mis_bridge.adapters.records import Record

__all__ = ["BATCH_RECORDS", "Batch", "Quarantined", "ReadPlan", "Source", "Standing"]

BATCH_RECORDS = 60_000


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """What to read.

    Args:
        window: first and last day that the caller wants marks of, both included.
        since: what changed after this instant, or None for everything in the window.
        sweep: the whole window whatever changed; known digests are not used.
        streams: names to give out, or None for all that the adapter has. Streams that others need
            for their joins (codes, periods) are read in any case.
        resume: as the last ``Batch.resume`` of each stream of an interrupted read, by stream.
        known_digests: as kept from ``Batch.digests``.
    """

    window: tuple[date, date]
    since: datetime | None = None
    sweep: bool = False
    streams: frozenset[str] | None = None
    resume: Mapping[str, str] = field(default_factory=dict)
    known_digests: Mapping[str, str] = field(default_factory=dict)

    def knows(self, page: str, digest: str) -> bool:
        """Whether a page was stored as it is now; in a sweep no digest is trusted."""
        return not self.sweep and self.known_digests.get(page) == digest


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something that was read and can not be used: kept, counted, never guessed.

    Args:
        stream: the stream it came in.
        place: where it stood: ``page 3 record 17``, ``sessions.csv line 12``.
        problem: what is wrong and what would mend it.
        value: the offending value, such as the unknown code; never a name or UPN.
    """

    stream: str
    place: str
    problem: str
    value: str = ""


@dataclass(slots=True)
class Batch:
    """What one transaction stores.

    Args:
        stream: ``pupils``, ``sessions``, ``lessons``, ``events`` or ``deletions``.
        records: in the order of the MIS; a later record about the same thing is the newer one.
        resume: the cursor by stream *after* these records. Merge it into what is stored; an empty
            text means that the stream is at its end and starts anew next time.
        quarantined: what came with these records and can not be used.
        digests: digest by page for ``ReadPlan.known_digests``; merge into what is stored.
        unchanged: every page was known already: there is nothing to store.
        last_of_stream: the stream ends with this batch.
        complete: with ``last_of_stream``: this read, together with the interrupted one that it
            went on from, gave every record that the MIS has for the window. Only then is what
            was not seen gone; a MIS that can only tell what was saved since a moment never says
            so.
        begins: with ``complete``: the first day that was asked for, where that is later than the
            window's, or None.
        data_as_of: how old the data are where the source can tell (a file's time), or None.
        pages: how many pages these records came in.
        replaces: the places that begin with this were read anew to their end: what could not be
            used there before is forgotten, and what still can not is in ``quarantined``.
    """

    stream: str
    records: Sequence[Record] = ()
    resume: Mapping[str, str] = field(default_factory=dict)
    quarantined: Sequence[Quarantined] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    unchanged: bool = False
    last_of_stream: bool = False
    complete: bool = False
    begins: date | None = None
    data_as_of: datetime | None = None
    pages: int = 1
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the smallest authenticated look at a school found.

    Args:
        pupils: how many pupils it counted, or None where it did not read to the end.
        unknown_codes: codes of the school's own table that nothing maps to a register code.
        detail: one line for a person.
    """

    pupils: int | None
    unknown_codes: tuple[str, ...] = ()
    detail: str = ""


class Source(Protocol):
    """One school, read through one adapter."""

    def read(self, plan: ReadPlan) -> AsyncIterator[Batch]:
        """Give the batches of a plan, stream after stream.

        Raises:
            MisError: reading broke off; what was given before stands, and ``Batch.resume`` of the
                last batch goes on from there.
        """
        ...

    async def check(self) -> Standing:
        """Make the smallest authenticated call.

        Raises:
            MisError: with the state that the feed would get.
        """
        ...
