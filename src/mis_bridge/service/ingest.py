"""Transaction 1 of 3: what an adapter read is stored, all of a batch or nothing.

In one transaction: the reader's lease is renewed; strips, day sheets, pupils and events are merged;
changes are logged; the digests of the pages are kept; what has to be decided anew is marked; the
place to go on from moves. Only what really changed is written: reading the same again costs no rows
and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import local_minute
from mis_bridge.service.storing import Storing
from mis_bridge.store import digests, dirty, feeds, quarantine
from mis_bridge.store import sweep as sweeps

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.adapters.source import Batch, ReadPlan
    from mis_bridge.store.feeds import Feed

__all__ = ["DEFAULT_KEEP", "LEASE_SECONDS", "IngestResult", "ingest", "store_batch"]

LEASE_SECONDS: Final = 180.0
"""Renewed with every batch: a reader that was killed holds its feed no longer than this."""

DEFAULT_KEEP = timedelta(days=42)
"""Thirty school days: for how long day sheets are kept where the caller does not say."""


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of one batch.

    Args:
        stream: the stream it belongs to.
        records: how many records it held.
        changed: how many of them made a difference.
        quarantined: how many things went into quarantine.
        not_on_roll: pupils with marks whom the roll does not know; stored, and in quarantine too.
        vanished: marks, or pupils, that a sweep did not see any more.
        too_old: lesson marks and events of days whose sheets are no longer kept, passed over.
        days: recent days that have to be decided anew.
        years: starts of the academic years that have to be decided anew.
        unchanged: every page was known; no row was looked at.
    """

    stream: str
    records: int
    changed: int = 0
    quarantined: int = 0
    not_on_roll: int = 0
    vanished: int = 0
    too_old: int = 0
    days: frozenset[date] = frozenset()
    years: frozenset[int] = frozenset()
    unchanged: bool = False


def store_batch(
    tx: Connection,
    batch: Batch,
    now: datetime,
    keep_from: date,
    *,
    feed: Feed,
    plan: ReadPlan,
) -> IngestResult:
    """Transaction 1: store one batch, and renew the reader's lease with it.

    Args:
        tx: the transaction.
        batch: what was read.
        now: when it was read.
        keep_from: the first day that has day sheets.
        feed: as it was leased.
        plan: what is being read.

    Raises:
        LeaseLost: another reader has the feed now; nothing is stored.
    """
    feeds.renew(tx, feed, now, LEASE_SECONDS)
    return ingest(
        tx,
        feed.school,
        batch,
        now,
        keep_from=keep_from,
        fence=feed.fence,
        sweep=plan.window if plan.sweep else None,
        read_from=plan.window[0],
        first_load=feed.last_good_at is None,
    )


def ingest(
    tx: Connection,
    school: str,
    batch: Batch,
    seen_at: datetime,
    *,
    keep_from: date | None = None,
    fence: int | None = None,
    sweep: tuple[date, date] | None = None,
    read_from: date | None = None,
    first_load: bool = False,
) -> IngestResult:
    """Store one batch and move the place to go on from.

    Args:
        tx: the transaction; commit it at once.
        school: the school's id.
        batch: what an adapter read.
        seen_at: when it was read, aware.
        keep_from: the first day that has day sheets.
        fence: of the reader's lease on the feed; None where nothing is leased.
        sweep: first and last day of the window, where the whole of it is being read again: no
            digest is trusted, and with the last batch of a stream the marks that were not seen
            become registers not taken, and the pupils who were not seen leave the roll.
        read_from: first day of the window that is being read, None where there is none.
        first_load: the school was never read to its end: what was there before today is no news,
            and only corrections of it are logged.

    Raises:
        LeaseLost: another reader has the feed now; nothing is stored.
        MisChanged: the roll is another one altogether; nothing is stored.
        StoreError: nothing is stored.
    """
    # First, because it locks the school: two readers of one school wait for each other here.
    before = feeds.move_resume(tx, school, batch.resume, fence=fence)
    # Whether a page is known is the adapter's to say: only it knows what came before that page. An
    # equal one after a changed one is given out again, because it may correct what that one said.
    if batch.unchanged:
        return IngestResult(batch.stream, len(batch.records), unchanged=True)
    today = local_minute(seen_at)[0]
    news_from = today if first_load else date.min
    store = Storing(tx, school, seen_at, keep_from or today - DEFAULT_KEEP, news_from)
    swept = sweep if batch.stream in sweeps.SWEPT_STREAMS else None
    if sweep and not before.get(batch.stream):
        quarantine.resolve_stream(tx, school, batch.stream, seen_at, sweep[0])
        if swept:
            sweeps.begin(tx, school, batch.stream, swept)
    store.everything(batch)
    if swept and sweeps.follows(tx, school, batch.stream, swept):
        store.sweep(batch, swept)
    quarantined = store.quarantine(batch, read_from)
    digests.save(tx, school, batch.digests, seen_at)
    dirty.mark(tx, school, store.days, seen_at)
    dirty.mark_years(tx, school, store.years, seen_at)
    return IngestResult(
        batch.stream,
        len(batch.records),
        store.changed,
        quarantined,
        len(store.strangers),
        store.vanished,
        store.too_old,
        frozenset(store.days),
        frozenset(store.years),
    )
