"""What people noted of pupils."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select

from mis_bridge.incidents.pupil_notes import PupilNote
from mis_bridge.store.schema import pupil_notes

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

__all__ = ["add", "of_pupil", "of_pupils"]


_OF_PUPILS = (
    select(
        pupil_notes.c.id,
        pupil_notes.c.pupil,
        pupil_notes.c.at,
        pupil_notes.c.author,
        pupil_notes.c.kind,
        pupil_notes.c.body,
        pupil_notes.c.incident,
    )
    .where(
        pupil_notes.c.school == bindparam("of_school"),
        pupil_notes.c.pupil.in_(bindparam("ids", expanding=True)),
    )
    .order_by(pupil_notes.c.at.desc(), pupil_notes.c.id)
)


def add(tx: Connection, school: str, note: PupilNote) -> None:
    """Keep a note; what was written stays as it was written."""
    tx.execute(insert(pupil_notes).values(school=school, **asdict(note)))


def of_pupil(tx: Connection, school: str, pupil: str) -> list[PupilNote]:
    """The notes on a pupil, the newest first."""
    return of_pupils(tx, school, {pupil}).get(pupil, [])


def of_pupils(tx: Connection, school: str, wanted: Collection[str]) -> dict[str, list[PupilNote]]:
    """The notes on some pupils, the newest first, by pupil; only of those who have any."""
    found: dict[str, list[PupilNote]] = {}
    for row in tx.execute(_OF_PUPILS, {"of_school": school, "ids": sorted(wanted)}):
        found.setdefault(row.pupil, []).append(PupilNote(*row))
    return found
