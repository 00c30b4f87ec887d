"""Schools and their feeds: when each is due, who is reading it, how it is.

The schedule is the column ``due_at``. A reader leases a feed for a while and gets a fence, a number
that only grows; when it hands its work in with a fence that is no longer the feed's, another reader
has taken over in the meantime and the stale work is refused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, not_, or_, select, update

from mis_bridge.errors import LeaseLost
from mis_bridge.store.schema import feeds, schools
from mis_bridge.store.upsert import insert_new, upsert

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row

__all__ = [
    "FEED_STATES",
    "Feed",
    "all_feeds",
    "ask_reading",
    "ask_sweep",
    "claim_due",
    "finish_failed",
    "finish_good",
    "free_all",
    "get",
    "hold",
    "make_due",
    "move_resume",
    "name_of",
    "release",
    "renew",
    "sync_schools",
]

FEED_STATES = frozenset(
    {
        "new",
        "good",
        "failing",
        "unreachable",
        "certificate_invalid",
        "auth_failed",
        "permission_missing",
        "not_there",
        "not_configured",
        "request_refused",
        "throttled",
        "unavailable",
        "answer_invalid",
        "paging_broken",
        "stale",
        "revoked",
        "offline",
        "mis_changed",
    }
)
"""Every state a feed can be in: ``new`` (never read), ``good``, or the state of a ``MisError``."""


@dataclass(frozen=True, slots=True)
class Feed:
    """One school's connection to its MIS.

    Args:
        school: the school's id.
        adapter: id of the MIS adapter.
        state: one of ``FEED_STATES``.
        state_since: when it came into this state, aware UTC as all moments here.
        due_at: when it is to be read next.
        sweep_at: when the whole window is to be read again, or None for as usual.
        last_good_at: when it was last read to the end, or None for never.
        last_attempt_at: when reading was last begun, or None for never.
        failures: failed readings since the last good one.
        problem: what went wrong last, empty when good.
        advice: what a person does about it, empty when good.
        fence: number of the present lease.
        lease_until: until when somebody reads it, or None.
        resume: stream -> where to go on, as the adapter gave it.
    """

    school: str
    adapter: str
    state: str
    state_since: datetime
    due_at: datetime
    sweep_at: datetime | None
    last_good_at: datetime | None
    last_attempt_at: datetime | None
    failures: int
    problem: str
    advice: str
    fence: int
    lease_until: datetime | None
    resume: dict[str, str]

    @property
    def usual(self) -> bool:
        """Whether it was read well the last time that anybody tried."""
        return self.failures == 0 and self.last_good_at is not None

    def being_read(self, now: datetime) -> bool:
        """Whether somebody holds its lease."""
        return self.lease_until is not None and self.lease_until > now


_COLUMNS = (
    feeds.c.school,
    schools.c.adapter,
    feeds.c.state,
    feeds.c.state_since,
    feeds.c.due_at,
    feeds.c.sweep_at,
    feeds.c.last_good_at,
    feeds.c.last_attempt_at,
    feeds.c.failures,
    feeds.c.problem,
    feeds.c.advice,
    feeds.c.fence,
    feeds.c.lease_until,
    feeds.c.resume,
)
_WATCHED = select(*_COLUMNS).join(schools).where(schools.c.watched)
_OF_SCHOOL = _WATCHED.where(feeds.c.school == bindparam("of_school"))


def _feed(row: Row[*tuple[Any, ...]]) -> Feed:
    values = dict(row._mapping)  # noqa: SLF001 - the public name of a Row's mapping
    values["resume"] = json.loads(values["resume"])
    return Feed(**values)


def sync_schools(
    tx: Connection, wanted: Sequence[tuple[str, str, str]], now: datetime
) -> list[str]:
    """Make the watched schools those of the configuration.

    Args:
        tx: the transaction.
        wanted: (school, adapter, name) of every configured school.
        now: a new feed is due at once. A school that changed its adapter starts afresh, with its
            whole academic year: what one MIS gave as a place to go on means nothing to another.

    Returns:
        The schools that were watched and are not any more.
    """
    before: dict[str, tuple[str, bool]] = {
        row.school: (row.adapter, row.watched) for row in tx.execute(select(schools))
    }
    tx.execute(update(schools).values(watched=False))
    upsert(
        tx,
        schools,
        [
            {"school": school, "name": name, "adapter": adapter, "watched": True}
            for school, adapter, name in wanted
        ],
    )
    moved = [
        school for school, adapter, _ in wanted if school in before and before[school][0] != adapter
    ]
    fresh = {
        "state": "new",
        "state_since": now,
        "due_at": now,
        "failures": 0,
        "problem": "",
        "advice": "",
        "resume": "{}",
        "holder": "",
    }
    if moved:
        again = {
            **fresh,
            "sweep_at": None,
            "last_good_at": None,
            "lease_until": None,
            "fence": feeds.c.fence + 1,
        }
        tx.execute(update(feeds).where(feeds.c.school.in_(moved)).values(**again))
    insert_new(tx, feeds, [{"school": school, "fence": 0, **fresh} for school, _, _ in wanted])
    watched = {school for school, _, _ in wanted}
    return sorted(school for school, (_, was) in before.items() if was and school not in watched)


def name_of(tx: Connection, school: str) -> str:
    """A school as messages print it, also one that is not watched any more; its id if unknown."""
    name = tx.execute(select(schools.c.name).where(schools.c.school == school)).scalar()
    return name or school


def all_feeds(tx: Connection) -> list[Feed]:
    """The feeds of all watched schools, by school."""
    return [_feed(row) for row in tx.execute(_WATCHED.order_by(feeds.c.school))]


def get(tx: Connection, school: str) -> Feed | None:
    """One watched school's feed, or None."""
    row = tx.execute(_OF_SCHOOL, {"of_school": school}).one_or_none()
    return _feed(row) if row else None


def claim_due(
    tx: Connection,
    now: datetime,
    limit: int,
    lease_seconds: float,
    holder: str,
    *,
    busy: Collection[str] = (),
    usual: bool | None = None,
) -> list[Feed]:
    """Lease the feeds that are due, the longest overdue first.

    Args:
        tx: the transaction; commit it before reading begins.
        now: the present moment.
        limit: how many at most.
        lease_seconds: for how long nobody else may read them.
        holder: who reads, for people who look (``host:pid``).
        busy: schools that this holder still reads, however long ago it leased them.
        usual: only those that are (True) or are not (False) ``Feed.usual``; None for all.
    """
    free = or_(feeds.c.lease_until.is_(None), feeds.c.lease_until <= now)
    wanted = [feeds.c.due_at <= now, free, feeds.c.school.not_in(sorted(busy))]
    if usual is not None:
        was_good = and_(feeds.c.failures == 0, feeds.c.last_good_at.is_not(None))
        wanted.append(was_good if usual else not_(was_good))
    due = (
        _WATCHED.where(*wanted)
        .order_by(feeds.c.due_at, feeds.c.school)
        .limit(limit)
        .with_for_update(of=feeds, skip_locked=True)
    )
    found = [_feed(row) for row in tx.execute(due).all()]
    return _leased(tx, found, now, lease_seconds, holder)


def hold(
    tx: Connection, school: str, now: datetime, lease_seconds: float, holder: str
) -> Feed | None:
    """Lease one feed whether or not it is due; None where somebody else reads it."""
    free = or_(feeds.c.lease_until.is_(None), feeds.c.lease_until <= now)
    wanted = _WATCHED.where(feeds.c.school == school, free).with_for_update(of=feeds)
    found = [_feed(row) for row in tx.execute(wanted).all()]
    return next(iter(_leased(tx, found, now, lease_seconds, holder)), None)


def _leased(
    tx: Connection, found: list[Feed], now: datetime, seconds: float, holder: str
) -> list[Feed]:
    if found:
        tx.execute(
            update(feeds)
            .where(feeds.c.school.in_([feed.school for feed in found]))
            .values(
                fence=feeds.c.fence + 1,
                holder=holder,
                lease_until=now + timedelta(seconds=seconds),
                last_attempt_at=now,
            )
        )
    moment = now.astimezone(UTC)
    return [replace(feed, fence=feed.fence + 1, last_attempt_at=moment) for feed in found]


def finish_good(
    tx: Connection,
    feed: Feed,
    now: datetime,
    next_due: datetime,
    *,
    next_sweep: datetime | None = None,
) -> None:
    """The feed was read to its end.

    Args:
        tx: the transaction.
        feed: as it was leased.
        now: the present moment.
        next_due: when to read it again.
        next_sweep: when to sweep it; None leaves the plan as it is.

    Raises:
        LeaseLost: somebody else has leased it since.
    """
    values: dict[str, object] = {"last_good_at": now, "failures": 0}
    if next_sweep is not None:
        values["sweep_at"] = next_sweep
    _finish(tx, feed, "good", now, {**values, "due_at": next_due, "problem": "", "advice": ""})


def finish_failed(
    tx: Connection,
    feed: Feed,
    now: datetime,
    state: str,
    problem: str,
    advice: str,
    next_due: datetime,
) -> None:
    """Reading failed; what was read before the failure is kept.

    Args:
        tx: the transaction.
        feed: as it was leased.
        now: the present moment.
        state: of ``FEED_STATES``.
        problem: what went wrong, for a person; no name and no secret.
        advice: what to do about it, likewise.
        next_due: when to try again.

    Raises:
        LeaseLost: somebody else has leased it since.
        ValueError: no such state.
    """
    values = {"failures": feeds.c.failures + 1, "due_at": next_due}
    _finish(tx, feed, state, now, {**values, "problem": problem, "advice": advice})


def _finish(
    tx: Connection, feed: Feed, state: str, now: datetime, values: Mapping[str, object]
) -> None:
    if state not in FEED_STATES:
        raise ValueError(f"{state!r} is not a feed state")
    since = {} if state == feed.state else {"state": state, "state_since": now}
    done = tx.execute(
        update(feeds)
        .where(feeds.c.school == feed.school, feeds.c.fence == feed.fence)
        .values(holder="", lease_until=None, **values, **since)
    )
    if done.rowcount != 1:
        raise _lost(feed.school)


def renew(tx: Connection, feed: Feed, now: datetime, lease_seconds: float) -> None:
    """Lengthen a lease while its reader gets on.

    Raises:
        LeaseLost: somebody else has leased the feed since.
    """
    done = tx.execute(
        update(feeds)
        .where(feeds.c.school == feed.school, feeds.c.fence == feed.fence)
        .values(lease_until=now + timedelta(seconds=lease_seconds))
    )
    if done.rowcount != 1:
        raise _lost(feed.school)


def release(tx: Connection, feed: Feed) -> None:
    """Give a lease back without an outcome (a graceful stop); a lost lease is nothing to say."""
    tx.execute(
        update(feeds)
        .where(feeds.c.school == feed.school, feeds.c.fence == feed.fence)
        .values(holder="", lease_until=None)
    )


def free_all(tx: Connection) -> None:
    """Take back every lease; for the one process of an embedded database, when it starts.

    Whoever held them has ended: the process lock says so.
    """
    tx.execute(update(feeds).values(holder="", lease_until=None, fence=feeds.c.fence + 1))


def move_resume(
    tx: Connection, school: str, resume: Mapping[str, str], *, fence: int | None = None
) -> dict[str, str]:
    """Move the places to go on from; called by ingest only, beside the rows of that page.

    Args:
        tx: the transaction that stores the page's rows.
        school: the school's id.
        resume: stream -> place; an empty place forgets the stream's.
        fence: of the reader's lease, or None where nothing is leased (a file that is loaded).

    Returns:
        The places as they were before.

    Raises:
        LeaseLost: somebody else has leased the feed since.
    """
    row = tx.execute(
        select(feeds.c.fence, feeds.c.resume).where(feeds.c.school == school).with_for_update()
    ).one_or_none()
    if row is None or (fence is not None and row.fence != fence):
        raise _lost(school)
    before: dict[str, str] = json.loads(row.resume)
    after = {stream: place for stream, place in {**before, **resume}.items() if place}
    if after != before:
        text = json.dumps(after, sort_keys=True)
        tx.execute(update(feeds).where(feeds.c.school == school).values(resume=text))
    return before


def ask_reading(tx: Connection, school: str, at: datetime) -> None:
    """Have a feed read at the latest at this moment; one that fails keeps its wait."""
    later = and_(feeds.c.due_at > at, feeds.c.failures == 0)
    tx.execute(update(feeds).where(feeds.c.school == school, later).values(due_at=at))


def ask_sweep(tx: Connection, school: str, at: datetime) -> None:
    """Have the whole window read again, at the latest at this moment."""
    earlier = or_(feeds.c.sweep_at.is_(None), feeds.c.sweep_at > at)
    tx.execute(update(feeds).where(feeds.c.school == school, earlier).values(sweep_at=at))


def make_due(tx: Connection, school: str, at: datetime) -> None:
    """Have a feed read at this moment, whatever its plan (a person asked)."""
    tx.execute(update(feeds).where(feeds.c.school == school).values(due_at=at))


def _lost(school: str) -> LeaseLost:
    return LeaseLost(
        f"the feed of {school!r} was taken over by another reader, or is no longer watched; "
        "what this one read last was not stored and is read again"
    )
