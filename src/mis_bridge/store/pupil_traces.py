"""What is stored of a pupil in rows that are not the pupil's own.

A row that came from the MIS and could not be used, a list about many pupils, the line of the
history that says why a silence was asked for: none has a column that names the pupil.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import or_, select

from mis_bridge.incidents.model import Act
from mis_bridge.store import notifications as packages
from mis_bridge.store import pupils
from mis_bridge.store.schema import audit, incidents, notifications, quarantine, silences

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from sqlalchemy import Connection

    from mis_bridge.store.notifications import Notification

__all__ = ["Named", "lines_of_silences", "named", "of_many", "places_of", "set_aside"]

_QUOTED: Final = re.compile(r"'([^']*)'|\"([^\"]*)\"")
"""What a problem repeats of what was read stands in quotation marks."""


@dataclass(frozen=True, slots=True)
class Named:
    """How rows may name a pupil; empty or None where it is not known.

    Args:
        pupil: the MIS's pupil id.
        upn, surname, forename, dob: as the MIS last said.
    """

    pupil: str
    upn: str = ""
    surname: str = ""
    forename: str = ""
    dob: date | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """Whatever tells who it is, each as it may stand in a text."""
        born = (self.dob.isoformat(), f"{self.dob:%d/%m/%Y}") if self.dob else ()
        names = (self.pupil, self.upn, self.surname, self.forename, *born)
        return tuple(word for word in names if word.strip())

    def is_in(self, text: str) -> bool:
        """Whether a text has one of these words as a word of its own, in any case."""
        return any(_word(word).search(text) for word in self.words)


def _word(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE)


def named(tx: Connection, school: str, pupil: str) -> Named:
    """How rows may name a pupil, gone ones too."""
    known = pupils.remembered(tx, school, pupil)
    if known is None:
        return Named(pupil)
    record, _ = known
    return Named(pupil, record.upn, record.surname, record.forename, record.dob)


def places_of(pupil: str) -> frozenset[str]:
    """What a row in quarantine gives as its place where it is about a pupil."""
    return frozenset({pupil, f"pupil {pupil}"})


def set_aside(tx: Connection, school: str, who: Named) -> list[str]:
    """Ids of the rows in quarantine that are about a pupil, as far as they say so.

    One that says only where it stood (``page 3 record 17``) says nothing of whom it is about.
    """
    places = places_of(who.pupil)
    rows = tx.execute(
        select(quarantine.c.id, quarantine.c.place, quarantine.c.problem, quarantine.c.value)
        .where(quarantine.c.school == school)
        .order_by(quarantine.c.id)
    )
    found = []
    for row in rows:
        read = [row.value, *("".join(parts) for parts in _QUOTED.findall(row.problem))]
        if row.place in places or any(who.is_in(text) for text in read):
            found.append(row.id)
    return found


def of_many(tx: Connection, school: str) -> list[Notification]:
    """The packages about many pupils, the oldest first; whom they name is in their data."""
    of_school = select(incidents.c.id).where(incidents.c.school == school, incidents.c.pupil == "")
    wanted = (
        select(notifications.c.id)
        .where(notifications.c.school == school, notifications.c.incident.in_(of_school))
        .order_by(notifications.c.created_at, notifications.c.id)
    )
    found = (packages.get(tx, school, one) for one in tx.execute(wanted).scalars().all())
    return [one for one in found if one is not None]


def lines_of_silences(tx: Connection, school: str, pupil: str, ids: Collection[str]) -> list[int]:
    """Numbers of the lines of the history that say why somebody silenced a matter of a pupil.

    Args:
        tx: the transaction.
        school: whose chain.
        pupil: the MIS's pupil id.
        ids: the pupil's incidents.
    """
    about = or_(silences.c.pupil == pupil, silences.c.incident.in_(ids))
    wanted = select(silences.c.id).where(silences.c.school == school, about)
    called = [_word(identity) for identity in tx.execute(wanted).scalars()]
    rows = tx.execute(
        select(audit.c.number, audit.c.body)
        .where(audit.c.school == school, audit.c.act.in_([Act.SILENCED, Act.SILENCE_ENDED]))
        .order_by(audit.c.number)
    )
    return [row.number for row in rows if any(name.search(row.body) for name in called)]
