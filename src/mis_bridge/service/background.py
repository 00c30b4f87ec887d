"""What messages that go out together have to know of their incidents, loaded in one go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.store import feeds, incidents, outbox, pupil_notes, pupils

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from mis_bridge.adapters.records import PupilRecord
    from mis_bridge.incidents.model import Incident
    from mis_bridge.incidents.pupil_notes import PupilNote
    from mis_bridge.store.feeds import Feed
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Background", "background_of"]


@dataclass(frozen=True, slots=True)
class Background:
    """How things stand behind some rows of the outbox of one school.

    Args:
        feed: of the school, None where it is not watched.
        incidents: that the rows are about, by id.
        messages: all of each of these incidents, as they were decided, by its id.
        pupils: of these incidents, as the MIS last described them, by id.
        notes: on these pupils, the newest first, by pupil.
    """

    feed: Feed | None
    incidents: Mapping[str, Incident]
    messages: Mapping[str, list[OutboxRow]]
    pupils: Mapping[str, PupilRecord]
    notes: Mapping[str, list[PupilNote]]


def background_of(tx: Connection, school: str, rows: Iterable[OutboxRow]) -> Background:
    """Load what stands behind rows of one school."""
    about = incidents.some(tx, school, {row.incident for row in rows})
    who = {one.pupil for one in about.values() if one.pupil}
    return Background(
        feeds.get(tx, school),
        about,
        outbox.of_incidents(tx, school, about),
        pupils.some(tx, school, who),
        pupil_notes.of_pupils(tx, school, who),
    )
