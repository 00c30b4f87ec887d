"""Two invented people who do what the daemon leaves to people: acknowledge, and approve."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.incidents.actions import acknowledge
from mis_bridge.incidents.model import State
from mis_bridge.simulator.demo_setup import SCHOOL
from mis_bridge.store import audit, incidents, notifications
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.simulator.demo_stage import Stage
    from mis_bridge.store.engine import Store
    from mis_bridge.store.notifications import File

__all__ = ["Staff"]

_DSL = "Dana Testleader"
_HEAD = "Hollis Samplehead"
_ACKNOWLEDGED_AFTER = timedelta(minutes=5)
_URGENT = frozenset({Severity.CRITICAL, Severity.HIGH})


class Staff:
    """Acts through the same functions as ``mis-bridge incidents ack`` and ``notify approve``.

    Args:
        store: a connection of their own.
        stage: says what they do.
    """

    def __init__(self, store: Store, stage: Stage) -> None:
        self._store = store
        self._stage = stage

    def act(self, current: list[Incident], now: datetime) -> None:
        """Do what is to be done at this moment.

        Args:
            current: the incidents as they are.
            now: aware.
        """
        for incident in current:
            waits = now - incident.opened_at
            if (
                incident.state is State.OPEN
                and incident.severity in _URGENT
                and incident.reference in self._stage.told
                and waits >= _ACKNOWLEDGED_AFTER
                and self._store.run(_acknowledge, incident.id, now)
            ):
                self._stage.person(now, f"{_DSL} acknowledges {incident.reference}")

    def packages(self) -> list[File]:
        """Give the files of every package of the day."""
        with self._store.reading() as tx:
            return [
                file
                for state in sorted(notifications.NOTIFICATION_STATES)
                for package in notifications.in_state(tx, state, SCHOOL)
                for file in notifications.files(tx, SCHOOL, package.id)
            ]


def _acknowledge(tx: Connection, identity: str, now: datetime) -> bool:
    incident = incidents.get(tx, identity)
    if incident is None or incident.state is not State.OPEN:
        return False
    changed, entry = acknowledge(incident, _DSL, now)
    incidents.save(tx, [changed])
    audit.append(tx, SCHOOL, [entry])
    return True
