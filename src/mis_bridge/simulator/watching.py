"""Watch a daemon's database from outside: what it raised, when, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mis_bridge.incidents.model import ACTIVE
from mis_bridge.registers.calendar import LONDON
from mis_bridge.simulator.truth import Seen
from mis_bridge.store import incidents

if TYPE_CHECKING:
    from datetime import date, datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.store.engine import Store

__all__ = ["Watcher"]


class Watcher:
    """Keeps what every look at the incidents adds.

    An incident that changes its trigger (a missing child who turns out to have missed one lesson)
    is two things seen: the first of them is over.

    Args:
        store: a connection of the watcher's own.
        day: incidents of other days are left out.
    """

    def __init__(self, store: Store, day: date) -> None:
        self._store = store
        self._day = day
        self._seen: dict[tuple[str, str], Seen] = {}
        self._current: dict[str, str] = {}

    def look(self) -> list[Incident]:
        """Look once; give the incidents of the day as they are now."""
        with self._store.reading() as tx:
            found = [one for one in incidents.recent(tx, 1000) if self._is_today(one)]
        for incident in found:
            self._keep(incident)
        return found

    def seen(self, told: dict[str, set[str]]) -> list[Seen]:
        """Give everything seen so far.

        Args:
            told: by incident reference, the audiences to whom a message arrived.
        """
        return [
            replace(one, audience=frozenset(told.get(one.reference, ())))
            for one in self._seen.values()
        ]

    def _is_today(self, incident: Incident) -> bool:
        return self._day in (incident.day, incident.opened_at.astimezone(LONDON).date())

    def _keep(self, incident: Incident) -> None:
        before = self._current.get(incident.id)
        if before is not None and before != incident.trigger:
            left = self._seen[incident.id, before]
            self._seen[incident.id, before] = replace(left, ended=True)
        self._current[incident.id] = incident.trigger
        key = (incident.id, incident.trigger)
        known = self._seen.get(key)
        at = _minute(incident.opened_at if before is None else incident.updated_at)
        if known is None:
            known = Seen(
                trigger=incident.trigger,
                pupil=incident.pupil,
                minute=at,
                slot=incident.slot,
                level_minute=at,
                reference=incident.reference,
            )
        if incident.level > known.level:
            known = replace(known, level=incident.level, level_minute=_minute(incident.updated_at))
        self._seen[key] = replace(known, ended=incident.state not in ACTIVE)


def _minute(moment: datetime) -> int:
    local = moment.astimezone(LONDON)
    return local.hour * 60 + local.minute
