"""What has had its time goes: each kind of data for as long as the settings say, and no longer."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import and_, delete, exists, select

from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.store import dirty
from mis_bridge.store.schema import (
    day_event,
    day_plan,
    day_sheet,
    incidents,
    mark_change,
    notifications,
    outbox,
    page_digest,
    quarantine,
    register_seen,
    strips,
    suppressed,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Table

__all__ = ["Kept", "prune"]

_DIGEST_DAYS = 60
_SCHOOL_DAYS_A_WEEK = 5
_HOLIDAY = timedelta(days=16)
"""The longest holiday between two terms that sheets are kept over: a fortnight and weekends."""


class Kept(Protocol):
    """For how long; ``settings.RetentionSettings`` is one."""

    day_sheets_school_days: int
    mark_changes_days: int
    strip_years: int
    incidents_days: int
    outbox_days: int
    quarantine_days: int


def prune(tx: Connection, today: date, kept: Kept) -> dict[str, int]:
    """Delete what is older than its time. What is still open or waiting is never touched.

    The audit chain stays whole: it holds ids and acts, no names and no marks; a pupil is erased
    from it with the pupil.

    Args:
        tx: the transaction.
        today: the date.
        kept: for how long.

    Returns:
        Table -> number of rows deleted, for tables that lost any.
    """
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
        (day_sheet, day_sheet.c.day < sheets_from),
        (day_plan, day_plan.c.day < sheets_from),
        (day_event, day_event.c.day < sheets_from),
        (register_seen, register_seen.c.day < sheets_from),
        (mark_change, mark_change.c.day < changes_from),
        (strips, strips.c.year < first_year),
        (page_digest, page_digest.c.seen_at < _midnight(today - timedelta(days=_DIGEST_DAYS))),
        (quarantine, quarantine.c.seen_at < quarantine_from),
        (suppressed, suppressed.c.seen_at < outbox_from),
        (outbox, outbox.c.finished_at < outbox_from),
        (notifications, notifications.c.created_at < incidents_from),
        (incidents, and_(incidents.c.closed_at < incidents_from, ~waiting)),
    ]
    gone = {table.name: tx.execute(delete(table).where(where)).rowcount for table, where in rules}
    gone["dirty"] = dirty.forget_before(tx, sheets_from)
    return {name: count for name, count in gone.items() if count}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _school_days_before(today: date, count: int) -> date:
    """A day that is at least this many school days back, in any school: holidays are allowed for.

    Keeping some days too long harms nobody; dropping a sheet that a trigger still reads would.
    """
    weeks = -(-count // _SCHOOL_DAYS_A_WEEK)
    terms = 1 + weeks // 6
    return today - timedelta(weeks=weeks) - _HOLIDAY * terms
