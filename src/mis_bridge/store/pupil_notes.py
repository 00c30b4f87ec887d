"""What people noted of pupils."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from mis_bridge.incidents.pupil_notes import PupilNote
from mis_bridge.store.schema import pupil_notes

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["add", "of_pupil"]


def add(tx: Connection, school: str, note: PupilNote) -> None:
    """Keep a note; what was written stays as it was written."""
    tx.execute(insert(pupil_notes).values(school=school, **asdict(note)))


def of_pupil(tx: Connection, school: str, pupil: str) -> list[PupilNote]:
    """The notes on a pupil, the newest first."""
    table = pupil_notes.c
    rows = tx.execute(
        select(
            table.id, table.pupil, table.at, table.author, table.kind, table.body, table.incident
        )
        .where(table.school == school, table.pupil == pupil)
        .order_by(table.at.desc(), table.id)
    )
    return [PupilNote(*row) for row in rows]
