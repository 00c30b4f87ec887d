"""Day sheets in the database: one row a pupil and day, one plan a school and day.

A row holds the sheet as ``registers.day_sheet`` encodes it and, beside it, when each of its marks
was saved, to the second. The minutes in the sheet are for the triggers and follow their rules (an
absence keeps the minute at which it began); the seconds decide which of two marks is the newer.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from mis_bridge.registers.calendar import Session, local_minute
from mis_bridge.registers.day_sheet import ENTRY, DayEvent, DayPlan, Slot, SlotKind, decode
from mis_bridge.store.bulk import Bulk
from mis_bridge.store.schema import day_event, day_plan, day_sheet, pupils
from mis_bridge.store.upsert import upsert
from mis_bridge.triggers.day_walk import ON_SITE, SAYS
from mis_bridge.triggers.model import PupilDay

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from sqlalchemy import Connection

    from mis_bridge.registers.calendar import SchoolCalendar

__all__ = ["NEVER", "Day", "SheetRow", "load", "load_day", "load_whole", "save"]

NEVER = -(2**63)
"""Stored second of a mark of which the MIS does not say when it was saved."""

_FEW = 100
"""Up to so many pupils are asked for by name; beyond, reading the whole day is faster."""


@dataclass(slots=True)
class SheetRow:
    """One pupil's sheet while it is being changed.

    Args:
        entries: as ``registers.day_sheet`` encodes them, in any order.
        saved: seconds since 1970 at which each was saved in the MIS, or ``NEVER``.
    """

    entries: bytearray
    saved: list[int]

    @classmethod
    def decode(cls, entries: bytes, saved: bytes) -> SheetRow:
        """From the two columns of a stored row."""
        count = len(entries) // ENTRY.size
        return cls(bytearray(entries), list(struct.unpack(f"<{count}q", saved)))

    def encode(self) -> tuple[bytes, bytes]:
        """To the two columns of a stored row."""
        return bytes(self.entries), struct.pack(f"<{len(self.saved)}q", *self.saved)


@dataclass(slots=True)
class Day:
    """One (school, day).

    Args:
        day: the date.
        plan: what the rows point into.
        rows: pupil -> the two columns, of the pupils that were asked for (perhaps of others).
    """

    day: date
    plan: DayPlan
    rows: dict[str, tuple[bytes, bytes]]


def load(tx: Connection, school: str, wanted: Mapping[date, Collection[str]]) -> dict[date, Day]:
    """The plans of these days and the sheets of these pupils (perhaps of others too).

    Args:
        tx: the transaction.
        school: the school's id.
        wanted: day -> pupils.
    """
    days = {day: Day(day, DayPlan(), {}) for day in wanted}
    for row in tx.execute(
        select(day_plan.c.day, day_plan.c.slots, day_plan.c.registers).where(
            day_plan.c.school == school, day_plan.c.day.in_(sorted(wanted))
        )
    ):
        days[row.day].plan = _plan(row.slots, row.registers)
    known = [day for day in sorted(days) if days[day].plan.slots]
    if not known:
        return days
    rows = select(day_sheet.c.day, day_sheet.c.pupil, day_sheet.c.entries, day_sheet.c.saved).where(
        day_sheet.c.school == school, day_sheet.c.day.in_(known)
    )
    of: set[str] = set().union(*wanted.values())
    if len(of) <= _FEW:
        rows = rows.where(day_sheet.c.pupil.in_(sorted(of)))
    for day, pupil, entries, saved in tx.execute(rows):
        days[day].rows[pupil] = (entries, saved)
    return days


def load_whole(tx: Connection, school: str, day: date) -> Day:
    """The plan of a day and the sheets of everybody."""
    row = tx.execute(
        select(day_plan.c.slots, day_plan.c.registers).where(
            day_plan.c.school == school, day_plan.c.day == day
        )
    ).one_or_none()
    if row is None:
        return Day(day, DayPlan(), {})
    rows = tx.execute(
        select(day_sheet.c.pupil, day_sheet.c.entries, day_sheet.c.saved).where(
            day_sheet.c.school == school, day_sheet.c.day == day
        )
    )
    sheets = {pupil: (entries, saved) for pupil, entries, saved in rows}
    return Day(day, _plan(row.slots, row.registers), sheets)


def save(tx: Connection, school: str, days: Sequence[Day]) -> None:
    """Store the plans of these days and the rows that they hold."""
    upsert(
        tx,
        day_plan,
        [
            {
                "school": school,
                "day": day.day,
                "slots": json.dumps(
                    [[s.name, s.kind, s.starts, s.ends, s.closes] for s in day.plan.slots]
                ),
                "registers": json.dumps(day.plan.registers),
            }
            for day in days
        ],
    )
    bulk = Bulk(tx)
    bulk.upsert(
        day_sheet,
        ("school", "day", "pupil", "entries", "saved"),
        [
            (school, bulk.day(day.day), pupil, entries, saved)
            for day in days
            for pupil, (entries, saved) in day.rows.items()
        ],
    )


def _plan(slots: str, registers: str) -> DayPlan:
    return DayPlan(
        tuple(
            Slot(name, SlotKind(kind), starts, ends, closes)
            for name, kind, starts, ends, closes in json.loads(slots)
        ),
        tuple(json.loads(registers)),
    )


def load_day(tx: Connection, school: str, day: date, calendar: SchoolCalendar) -> list[PupilDay]:
    """Everybody on roll that day, with their sheets and events: what the day triggers look at.

    A pupil who has marks but whom the roll does not know is among them: a child that the MIS's roll
    has not caught up with can go missing like any other. So is one who by the roll has not come yet
    or has left, and whom somebody saw that day: presence is stronger than a date. One whom a
    register alone misses is not.

    Args:
        tx: the transaction.
        school: the school's id.
        day: the date.
        calendar: gives the times of the sessions; those stored with the sheets are not used, so
            that a corrected setting is right for the whole day.

    Returns:
        By pupil id.
    """
    stored = load_whole(tx, school, day)
    plan = DayPlan(
        tuple(_timed(slot, calendar) for slot in stored.plan.slots), stored.plan.registers
    )
    events: dict[str, list[DayEvent]] = {}
    for row in tx.execute(
        select(day_event.c.pupil, day_event.c.at, day_event.c.kind, day_event.c.reason)
        .where(day_event.c.school == school, day_event.c.day == day)
        .order_by(day_event.c.at, day_event.c.kind)
    ):
        event = DayEvent(local_minute(row.at)[1], row.kind, row.reason)
        events.setdefault(row.pupil, []).append(event)
    roll = {
        row.pupil: row
        for row in tx.execute(
            select(
                pupils.c.pupil,
                pupils.c.flags,
                pupils.c.year_group,
                pupils.c.form,
                pupils.c.admission,
                pupils.c.leaving,
                pupils.c.care_began,
                pupils.c.gone_at,
            ).where(pupils.c.school == school)
        )
    }
    days = []
    for pupil in sorted(roll.keys() | stored.rows.keys()):
        entries = stored.rows[pupil][0] if pupil in stored.rows else b""
        sheet = decode(day, plan, entries)
        happened = tuple(events.get(pupil, ()))
        known = roll.get(pupil)
        if known is None:
            days.append(PupilDay(pupil, sheet, happened))
        elif _on_roll(known, day) or any(SAYS[mark.code] == ON_SITE for _, mark in sheet.entries):
            flags = frozenset(flag for flag in known.flags.split(";") if flag)
            days.append(
                PupilDay(
                    pupil,
                    sheet,
                    happened,
                    flags,
                    known.year_group,
                    known.form,
                    known.care_began,
                )
            )
    return days


def _on_roll(known: Any, day: date) -> bool:
    return (
        known.gone_at is None
        and (known.admission is None or known.admission <= day)
        and (known.leaving is None or known.leaving >= day)
    )


def _timed(slot: Slot, calendar: SchoolCalendar) -> Slot:
    if not slot.is_session:
        return slot
    times = calendar.times(Session(slot.name))
    return Slot(slot.name, slot.kind, times.opens, times.ends, times.closes)
