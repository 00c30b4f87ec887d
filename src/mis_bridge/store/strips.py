"""Strips in the database: one row a pupil and academic year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from mis_bridge.registers.calendar import AcademicYear
from mis_bridge.registers.codes import NO_SESSION
from mis_bridge.registers.strip import Strip
from mis_bridge.store.bulk import Bulk
from mis_bridge.store.schema import strips

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

__all__ = ["load", "load_raw", "one", "pupils", "save_raw", "years"]

_FEW = 100
"""Up to so many pupils are asked for by name; beyond, reading the whole year is faster."""

_PADDING = bytes((NO_SESSION,))


def load(tx: Connection, school: str, year: AcademicYear) -> dict[str, Strip]:
    """All strips of a school's academic year, by pupil."""
    rows = tx.execute(
        select(strips.c.pupil, strips.c.marks).where(
            strips.c.school == school, strips.c.year == year.start
        )
    )
    return {pupil: Strip.decode(year, marks) for pupil, marks in rows}


def one(tx: Connection, school: str, year: AcademicYear, pupil: str) -> Strip:
    """One pupil's strip; an empty one where none is stored."""
    marks = load_raw(tx, school, year, [pupil]).get(pupil)
    return Strip.empty(year) if marks is None else Strip.decode(year, marks)


def years(tx: Connection, school: str) -> list[AcademicYear]:
    """The academic years of which a school has any marks, oldest first."""
    rows = tx.execute(
        select(strips.c.year).where(strips.c.school == school).distinct().order_by(strips.c.year)
    )
    return [AcademicYear(start) for start in rows.scalars()]


def pupils(tx: Connection, school: str, year: AcademicYear) -> set[str]:
    """The pupils who have any mark in an academic year."""
    rows = tx.execute(
        select(strips.c.pupil).where(strips.c.school == school, strips.c.year == year.start)
    )
    return set(rows.scalars())


def load_raw(
    tx: Connection, school: str, year: AcademicYear, pupils: Collection[str]
) -> dict[str, bytes]:
    """The stored bytes of these pupils (and perhaps of others), trailing empty slots cut off."""
    wanted = select(strips.c.pupil, strips.c.marks).where(
        strips.c.school == school, strips.c.year == year.start
    )
    if len(pupils) <= _FEW:
        wanted = wanted.where(strips.c.pupil.in_(list(pupils)))
    return dict(tx.execute(wanted).all())


def save_raw(
    tx: Connection, school: str, year: AcademicYear, marks: Mapping[str, bytes | bytearray]
) -> None:
    """Store strips; trailing empty slots are cut off."""
    Bulk(tx).upsert(
        strips,
        ("school", "year", "pupil", "marks"),
        [(school, year.start, pupil, blob.rstrip(_PADDING)) for pupil, blob in marks.items()],
    )
