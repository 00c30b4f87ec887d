"""What has had its time goes: each kind of data for as long as the settings say, and no longer."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import and_, bindparam, delete, exists, func, select

from mis_bridge.incidents.model import ACTIVE, DAEMON, Act
from mis_bridge.registers.calendar import LONDON, AcademicYear
from mis_bridge.store import audit
from mis_bridge.store.dirty import Scope
from mis_bridge.store.schema import (
    day_event,
    day_plan,
    day_sheet,
    dirty,
    incidents,
    mark_change,
    notifications,
    outbox,
    page_digest,
    pupil_notes,
    quarantine,
    register_seen,
    silences,
    strips,
    suppressed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Connection, Table

__all__ = ["Kept", "prune"]

_DIGEST_DAYS = 60
_AT_ONCE = 500
"""Incidents of which the history's words are taken out in one go."""

_OF_SILENCES = (Act.SILENCED, Act.SILENCE_ENDED)
_SCHOOL_DAYS_A_WEEK = 5
_HOLIDAY = timedelta(days=16)
"""The longest holiday between two terms that sheets are kept over: a fortnight and weekends."""


_BY_DAY = (day_sheet, day_event, register_seen, dirty, day_plan)
"""What is kept with the day sheets; the plan last, it says which days a school has.

A day whose sheets are gone is not decided again either: it would look as if every mark had been
withdrawn.
"""


class Kept(Protocol):
    """For how long; ``settings.RetentionSettings`` is one."""

    day_sheets_school_days: int
    mark_changes_days: int
    strip_years: int
    incidents_days: int
    outbox_days: int
    quarantine_days: int


def prune(tx: Connection, now: datetime, kept: Kept) -> dict[str, int]:
    """Delete what is older than its time. What is still open or waiting is never touched.

    What belongs to an incident that is still open stays with it, however old: whoever was told of
    it, by whichever channel, has to hear how it ended.

    The audit chain stays whole, but the words of its lines go with the incident that they tell of,
    and those of a silence after the same time: people wrote them. When, who and what stay.

    Args:
        tx: the transaction.
        now: aware.
        kept: for how long.

    Returns:
        Table -> number of rows deleted, for tables that lost any.
    """
    today = now.astimezone(LONDON).date()
    sheets_from = _school_days_before(today, kept.day_sheets_school_days)
    changes_from = today - timedelta(days=kept.mark_changes_days)
    first_year = AcademicYear.of(today).start - kept.strip_years + 1
    outbox_from = _midnight(today - timedelta(days=kept.outbox_days))
    incidents_from = _midnight(today - timedelta(days=kept.incidents_days))
    quarantine_from = _midnight(today - timedelta(days=kept.quarantine_days))
    waiting = exists(
        select(outbox.c.id).where(
            outbox.c.school == incidents.c.school, outbox.c.incident == incidents.c.id
        )
    )
    rules: list[tuple[Table, ColumnElement[bool]]] = [
        *((table, _of_days(table, table.c.day < sheets_from)) for table in _BY_DAY),
        (mark_change, mark_change.c.day < changes_from),
        (strips, strips.c.year < first_year),
        (page_digest, page_digest.c.seen_at < _midnight(today - timedelta(days=_DIGEST_DAYS))),
        (quarantine, quarantine.c.seen_at < quarantine_from),
        (silences, silences.c.ends_at < incidents_from),
        (pupil_notes, pupil_notes.c.at < incidents_from),
        (suppressed, and_(suppressed.c.seen_at < outbox_from, _ended(suppressed))),
        (outbox, and_(outbox.c.finished_at < outbox_from, _ended(outbox))),
        (notifications, and_(notifications.c.created_at < incidents_from, _ended(notifications))),
    ]
    gone = {table.name: tx.execute(delete(table).where(where)).rowcount for table, where in rules}
    over = and_(incidents.c.closed_at < incidents_from, ~waiting)
    _forget_words(tx, over, incidents_from, now)
    gone[incidents.name] = tx.execute(delete(incidents).where(over)).rowcount
    for table, count in _drop_older_sheets(tx, today, kept.day_sheets_school_days):
        gone[table.name] += count
    return {name: count for name, count in gone.items() if count}


def _forget_words(
    tx: Connection, over: ColumnElement[bool], before: datetime, now: datetime
) -> None:
    """Take the words out of the history's lines about incidents and silences that go."""
    by_school: dict[str, list[str]] = {}
    for school, identity in tx.execute(select(incidents.c.school, incidents.c.id).where(over)):
        by_school.setdefault(school, []).append(identity)
    why = f"What had ended before {before:%d %B %Y} had had its time."
    for school, ids in sorted(by_school.items()):
        silenced = audit.numbers(tx, school, _OF_SILENCES, before)
        for first in range(0, len(ids), _AT_ONCE):
            some = ids[first : first + _AT_ONCE]
            audit.erase(tx, school, some, DAEMON, why, now, besides=silenced, begin="")
            silenced = []


def _ended(table: Table) -> ColumnElement[bool]:
    """Whether the incident that a row belongs to has ended."""
    open_one = select(incidents.c.id).where(
        incidents.c.school == table.c.school,
        incidents.c.id == table.c.incident,
        incidents.c.state.in_(sorted(ACTIVE)),
    )
    return ~exists(open_one.correlate(table))


def _of_days(table: Table, where: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of the list of what has to be decided only the days: a year is none."""
    return where if table is not dirty else and_(where, dirty.c.scope == Scope.DAY)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _drop_older_sheets(
    tx: Connection, today: date, school_days: int
) -> Iterator[tuple[Table, int]]:
    """Keep each school's last days with marks; what is older goes."""
    rank = func.row_number().over(partition_by=day_plan.c.school, order_by=day_plan.c.day.desc())
    ranked = (
        select(day_plan.c.school, day_plan.c.day, rank.label("rank"))
        .where(day_plan.c.day <= today)
        .subquery()
    )
    firsts = tx.execute(select(ranked.c.school, ranked.c.day).where(ranked.c.rank == school_days))
    limits = [{"in_school": school, "before": first} for school, first in firsts]
    if limits:
        for table in _BY_DAY:
            old = and_(table.c.school == bindparam("in_school"), table.c.day < bindparam("before"))
            yield table, tx.execute(delete(table).where(_of_days(table, old)), limits).rowcount


def _school_days_before(today: date, count: int) -> date:
    """A day that is at least this many school days back in any school, holidays allowed for.

    Nothing older is kept even of a school that has had no new marks for long.
    """
    weeks = -(-count // _SCHOOL_DAYS_A_WEEK)
    terms = 1 + weeks // 6
    return today - timedelta(weeks=weeks) - _HOLIDAY * terms
