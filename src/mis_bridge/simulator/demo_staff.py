"""Two invented people who do what the daemon leaves to people: acknowledge, act, and approve."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.families import MISSING
from mis_bridge.incidents.model import State
from mis_bridge.incidents.steps import Clock
from mis_bridge.service import approving, packages, people
from mis_bridge.service.routing import deadlines_of
from mis_bridge.service.schools import schools_of
from mis_bridge.simulator.demo_setup import SCHOOL
from mis_bridge.store import notifications
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.settings import Configuration
    from mis_bridge.simulator.demo_stage import Stage
    from mis_bridge.store.engine import Store
    from mis_bridge.store.notifications import File, Notification

__all__ = ["Staff"]

_DSL = "Dana Testleader"
_HEAD = "Hollis Samplehead"
_ACKNOWLEDGED_AFTER = timedelta(minutes=5)
_STEPS_BEFORE = timedelta(minutes=6)
_ACKNOWLEDGED_FOR = 8 * 60
_APPROVED_AFTER = timedelta(minutes=20)
_URGENT = frozenset({Severity.CRITICAL, Severity.HIGH})


class Staff:
    """Acts through the same functions as ``mis-bridge incidents ack`` and ``notify approve``.

    Args:
        store: a connection of their own.
        configuration: for the routes.
        stage: says what they do.
    """

    def __init__(self, store: Store, configuration: Configuration, stage: Stage) -> None:
        self._store = store
        self._stage = stage
        self._schools = schools_of(configuration)
        self._deadlines = deadlines_of(configuration.settings)

    def act(self, current: list[Incident], now: datetime) -> None:
        """Do what is to be done at this moment.

        Args:
            current: the incidents as they are.
            now: aware.
        """
        for incident in current:
            if (
                incident.state is State.OPEN
                and incident.severity in _URGENT
                and incident.reference in self._stage.told
                and now - incident.opened_at >= _ACKNOWLEDGED_AFTER
            ):
                self._acknowledge(incident, now)
            elif incident.state is State.ACKNOWLEDGED and incident.family == MISSING.id:
                self._do_steps(incident, now)
        with self._store.reading() as tx:
            waiting = notifications.in_state(tx, "pending", SCHOOL)
        for package in waiting:
            if now - package.created_at >= _APPROVED_AFTER:
                self._approve(package, now)

    def packages(self) -> list[File]:
        """Give the files of every package of the day."""
        with self._store.reading() as tx:
            made = [
                (package, packages.files_of(tx, package))
                for state in sorted(notifications.NOTIFICATION_STATES)
                for package in notifications.in_state(tx, state, SCHOOL)
            ]
        return [file for package, kept in made for file in kept or packages.drawn(package)]

    def _acknowledge(self, incident: Incident, now: datetime) -> None:
        name = incident.reference
        try:
            self._store.run(people.acknowledge, name, _DSL, now, _ACKNOWLEDGED_FOR)
        except IncidentError:
            return  # it ended between looking and acting
        self._stage.person(now, f"{_DSL}, DSL, acknowledges {name}")

    def _do_steps(self, incident: Incident, now: datetime) -> None:
        """Write down each step shortly before its time is up."""
        for step in incident.steps:
            due = step.due_at if step.after == Clock.OPENED and not step.done_at else None
            if due is None or now < due - _STEPS_BEFORE:
                continue
            try:
                self._store.run(people.step_done, incident.reference, _DSL, now, step.id)
            except IncidentError:
                return  # as above
            done = f"{_DSL}, DSL, writes down that it was done: {step.id}"
            self._stage.person(now, f"{done} {incident.reference}")

    def _approve(self, package: Notification, now: datetime) -> None:
        self._store.run(
            approving.approve,
            package.incident,
            package.kind,
            _HEAD,
            "Checked against the register.",
            now,
            schools=self._schools,
            deadlines=self._deadlines,
            looked_at=package,
            files=packages.drawn(package),
        )
        gaps = len(json.loads(package.data)["missing"])
        self._stage.person(
            now,
            f"{_HEAD}, head, approves the return; {gaps} fields are left to the authority's form",
        )
