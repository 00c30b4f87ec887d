"""Where a reconciliation writes down what it changes, says and leaves unsaid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mis_bridge.incidents.chain import Facts, in_term
from mis_bridge.incidents.chain_words import told_by
from mis_bridge.incidents.choosing import Chosen, choose
from mis_bridge.incidents.climbing import usual_climbs
from mis_bridge.incidents.families import family_of_incident
from mis_bridge.incidents.ids import incident_id, reference
from mis_bridge.incidents.lifecycle import step
from mis_bridge.incidents.model import (
    DAEMON,
    AuditEntry,
    Decision,
    Event,
    Incident,
    MessagePlan,
    PackagePlan,
    State,
    Suppression,
)
from mis_bridge.incidents.protocol import found_steps, protocol_of, start_steps
from mis_bridge.registers.calendar import local_minute
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from mis_bridge.incidents.chain import Traits
    from mis_bridge.incidents.matters import Matter
    from mis_bridge.incidents.protocol import Step
    from mis_bridge.incidents.reasons import Reason
    from mis_bridge.incidents.rules import IncidentRules
    from mis_bridge.triggers.model import TriggerInfo

__all__ = ["Ledger"]

_ONE_UP = {
    Severity.LOW: Severity.NORMAL,
    Severity.NORMAL: Severity.HIGH,
    Severity.HIGH: Severity.CRITICAL,
    Severity.CRITICAL: Severity.CRITICAL,
}


@dataclass(slots=True)
class Ledger:
    """What one reconciliation has changed so far; never outlives it.

    Args:
        school: school id.
        now: aware.
        rules: what the school has set.
        data_as_of: up to when the registers are known.
        book: all incidents by id, as they stand after the changes so far.
        before: the same, as they stood before.
        seen_later: pupils who were seen on a later day than the one that is looked at.
        traits: flags and year group of pupils, for the rules of escalation.
        term: whether it is term; None until somebody has asked.
    """

    school: str
    now: datetime
    rules: IncidentRules
    data_as_of: datetime | None
    book: dict[str, Incident]
    before: dict[str, Incident]
    seen_later: frozenset[str] = frozenset()
    traits: Mapping[str, Traits] = field(default_factory=dict)
    term: bool | None = None
    audit: list[AuditEntry] = field(default_factory=list)
    messages: list[MessagePlan] = field(default_factory=list)
    packages: list[PackagePlan] = field(default_factory=list)
    suppressed: list[Suppression] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        school: str,
        known: Iterable[Incident],
        now: datetime,
        rules: IncidentRules,
        data_as_of: datetime | None,
        seen_later: frozenset[str] = frozenset(),
        traits: Mapping[str, Traits] | None = None,
    ) -> Ledger:
        """Begin with what is known."""
        before = {incident.id: incident for incident in known}
        return cls(school, now, rules, data_as_of, dict(before), before, seen_later, traits or {})

    def info(self, trigger: str) -> TriggerInfo:
        """Return what a trigger says of itself."""
        infos = self.rules.triggers
        if infos is None:
            from mis_bridge.triggers.catalogue import TRIGGERS

            return TRIGGERS[trigger].INFO
        return infos[trigger]

    def protocol(self, matter_protocol: str) -> tuple[Step, ...]:
        """Return the steps of a protocol; empty for none."""
        return protocol_of(self.rules.protocols, matter_protocol)

    def severity(self, matter: Matter) -> Severity:
        """Return how severe a matter is: one step up from its trigger's from level 2 on."""
        severity = self.info(matter.trigger).severity
        # A family that rises has a trigger of its own for every level.
        raised = matter.level > 1 and not matter.family.rises
        return _ONE_UP[severity] if raised else severity

    def facts(self, matter: Matter) -> Facts:
        """Return what a rule looks at."""
        today, minute = local_minute(self.now)
        pupil = self.traits.get(matter.identity.pupil)
        return Facts(
            trigger=matter.trigger,
            severity=self.severity(matter),
            level=matter.level,
            flags=pupil.flags if pupil else frozenset(),
            year_group=pupil.year_group if pupil else None,
            minute=minute,
            weekday=today.weekday(),
            term=self._in_term(),
        )

    def chosen(self, matter: Matter) -> Chosen:
        """Choose who is told of a matter at its level, and what follows if nobody answers."""
        info = self.info(matter.trigger)
        # In a family that rises the level is the trigger's place, not a rise of the trigger.
        raised = matter.level > 1 and not matter.family.rises
        usual = tuple(dict.fromkeys((*info.audience, *(info.raised_audience if raised else ()))))
        today, _ = local_minute(self.now)
        climbs = usual_climbs(usual, self.severity(matter), matter.family, self.rules)
        rules, staff = self.rules.escalation, self.rules.staff
        return choose(rules, self.facts(matter), usual, staff, today, climbs)

    def _in_term(self) -> bool:
        if self.term is None:
            self.term = not self.rules.escalation or in_term(self.now, self.rules.years)
        return self.term

    def id_of(self, matter: Matter) -> str:
        """Return the id of the incident that a matter opens."""
        what = matter.identity
        return incident_id(self.school, what.family, what.pupil, what.key)

    def draft(self, matter: Matter) -> Incident:
        """Return the incident that a matter would open, in no table yet."""
        chosen = self.chosen(matter)
        identity = self.id_of(matter)
        return Incident(
            id=identity,
            reference=reference(identity),
            school=self.school,
            pupil=matter.identity.pupil,
            family=matter.identity.family,
            key=matter.identity.key,
            state=State.OPEN,
            level=matter.level,
            trigger=matter.trigger,
            severity=self.severity(matter),
            audience=chosen.audience,
            chain=chosen.chain,
            opened_at=matter.fired_at,
            updated_at=self.now,
            revision=1,
            day=matter.day,
            slot=matter.slot,
            sentence=matter.sentence,
            facts=matter.facts,
            evidence=matter.evidence,
            uncertain=matter.uncertain,
            steps=start_steps(
                self.protocol(matter.family.protocol),
                max(self.now, matter.fired_at),
                self.rules.years,
            ),
            data_as_of=self.data_as_of,
        )

    def change(
        self,
        incident: Incident,
        event: Event,
        *,
        body: str,
        reason: Reason | None = None,
        **values: Any,
    ) -> Incident:
        """Take one step of the lifecycle and write it down.

        Args:
            incident: as it stands.
            event: what happened.
            body: for the history, no name.
            reason: why people are told or not told, for the history.
            values: fields that change with it.
        """
        old = self.before.get(incident.id)
        state = step(None if event is Event.RAISED else incident.state, event)
        if state is State.FOUND and event is Event.FOUND:
            family = family_of_incident(incident)
            values.setdefault(
                "steps",
                found_steps(
                    incident.steps, self.protocol(family.protocol), self.now, self.rules.years
                ),
            )
        changed = replace(
            incident,
            state=state,
            updated_at=self.now,
            revision=old.revision + 1 if old else 1,
            data_as_of=self.data_as_of,
            **values,
        )
        self.book[incident.id] = changed
        self.audit.append(AuditEntry(self.now, DAEMON, incident.id, event, reason or "", body))
        return changed

    def amend(self, incident: Incident, **values: Any) -> Incident:
        """Set more fields of an incident that this reconciliation has changed already."""
        amended = replace(incident, **values)
        self.book[incident.id] = amended
        return amended

    def tell(self, incident: Incident, reason: Reason, audience: Iterable[str]) -> None:
        """Plan one message an audience."""
        self.messages.extend(
            MessagePlan(incident, reason, who, incident.severity, incident.revision)
            for who in dict.fromkeys(audience)
        )

    def say_who(self, incident: Incident, chosen: Chosen) -> None:
        """Write down by which rule people are told, and who can not be told and why."""
        for why_not in chosen.passed_over.values():
            self.keep_quiet(incident, why_not)
        text = told_by(chosen, self.rules.staff)
        if text:
            self.audit.append(AuditEntry(self.now, DAEMON, incident.id, Event.NOTED, "", text))

    def keep_quiet(self, incident: Incident, reason: Reason) -> None:
        """Note that nobody is told, and why."""
        self.suppressed.append(Suppression(incident, reason))

    def prepare(self, incident: Incident, kind: str) -> None:
        """Plan a package for the Local Authority."""
        self.packages.append(PackagePlan(incident, kind))

    def decision(self, ask_again: datetime | None) -> Decision:
        """Return what changed."""
        changed = tuple(i for i in self.book.values() if self.before.get(i.id) is not i)
        return Decision(
            changed,
            tuple(self.audit),
            tuple(self.messages),
            tuple(self.packages),
            tuple(self.suppressed),
            ask_again,
        )
