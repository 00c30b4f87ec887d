"""Findings, days and incidents for the tests of incidents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from mis_bridge.incidents.model import Scope
from mis_bridge.incidents.reconcile import reconcile
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.registers.calendar import LONDON, local_datetime
from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.day_sheet import DayEvent, DaySheet, Entry, Slot, SlotKind
from mis_bridge.triggers.model import Assessment, Evidence, Finding, Kind, PupilDay

if TYPE_CHECKING:
    from mis_bridge.incidents.model import Decision, Incident, MessagePlan

TODAY = date(2026, 11, 12)
_STARTS = {"AM": "08:45", "P1": "08:55", "P2": "09:55", "P3": "11:15", "PM": "13:00", "P4": "13:10"}
_ENDS = {"AM": "12:15", "PM": "15:10"}


def minute_of(clock: str) -> int:
    """Give the minute of ``10:02``."""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


@dataclass
class IncidentWorld:
    """One school whose incidents are kept as a store would keep them."""

    incidents: dict[str, Incident] = field(default_factory=dict)
    rules: IncidentRules = field(default_factory=IncidentRules)
    said: list[MessagePlan] = field(default_factory=list)

    def at(self, clock: str, day: date = TODAY) -> datetime:
        """Give a local time of the day."""
        return local_datetime(day, minute_of(clock))

    def finding(
        self, trigger: str = "missing_during_day", clock: str = "10:12", **values: Any
    ) -> Finding:
        """Give a finding that became true at a time."""
        day = values.pop("day", TODAY)
        fired = values.pop("fired_at", self.at(clock, day))
        slot = values.pop("slot", "P2")
        given: dict[str, Any] = {
            "pupil": "p-1",
            "level": 1,
            "raised_at": fired,
            "evidence": (Evidence(fired, slot, "mark N"),),
            "sentence": f"{trigger} in {slot}.",
        }
        return Finding(trigger=trigger, day=day, slot=slot, fired_at=fired, **given | values)

    def day(self, *events: DayEvent, pupil: str = "p-1", **marks: str) -> PupilDay:
        """Give a pupil's day from marks, ``P2="N 10:02"``; ``-`` is an untaken register."""
        entries = []
        for name, mark in marks.items():
            code, _, saved = mark.partition(" ")
            starts = minute_of(_STARTS[name])
            if name in _ENDS:
                ends = minute_of(_ENDS[name])
                slot = Slot(name, SlotKind.SESSION, starts, ends, starts + 30)
            else:
                slot = Slot(name, SlotKind.LESSON, starts, starts + 60)
            recorded = minute_of(saved) if saved else None
            entries.append((slot, Entry(to_byte(code), recorded)))
        return PupilDay(pupil, DaySheet(TODAY, tuple(entries)), events)

    def look(
        self,
        clock: str,
        *findings: Finding,
        held: tuple[tuple[Finding, str], ...] = (),
        days: tuple[PupilDay, ...] | None = None,
        scope: Scope | None = None,
        on: date = TODAY,
        **more: Any,
    ) -> Decision:
        """Reconcile at a time and keep what comes of it."""
        now = self.at(clock, on)
        decision = reconcile(
            "hilltop",
            self.incidents.values(),
            Assessment(tuple(findings), None, held),
            now,
            rules=self.rules,
            data_as_of=now,
            scope=scope or Scope(Kind.DAY, TODAY),
            pupils=None if days is None else {day.pupil: day for day in days},
            **more,
        )
        self.incidents |= {incident.id: incident for incident in decision.incidents}
        self.said += decision.messages
        return decision

    @property
    def only(self) -> Incident:
        """Give the one incident that there is."""
        (incident,) = self.incidents.values()
        return incident

    def reasons(self) -> list[str]:
        """Give why people were told so far, each time once however many were told."""
        told = dict.fromkeys((plan.reason, plan.revision, plan.incident.id) for plan in self.said)
        return [reason.value for reason, _, _ in told]


@pytest.fixture
def world() -> IncidentWorld:
    """A school without incidents."""
    assert LONDON.key == "Europe/London"
    return IncidentWorld()
