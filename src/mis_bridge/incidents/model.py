"""What an incident is: one episode of one pupil (or register, or feed) and one trigger family."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from mis_bridge.incidents.chain import Chain
    from mis_bridge.incidents.reasons import Reason
    from mis_bridge.triggers.model import Evidence, Kind, Severity

__all__ = [
    "ACTIVE",
    "DAEMON",
    "Act",
    "AuditEntry",
    "Decision",
    "Event",
    "Incident",
    "Interview",
    "MessagePlan",
    "Outcome",
    "PackagePlan",
    "Scope",
    "State",
    "StepState",
    "Suppression",
]

DAEMON = "mis-bridge"
"""The actor of audit entries that no person made."""


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    FOUND = "found"
    CLOSED = "closed"


ACTIVE = frozenset({State.OPEN, State.ACKNOWLEDGED})
"""States in which somebody still has to do something about the child."""


class Event(StrEnum):
    """What can happen to an incident; which state follows is in ``lifecycle.TABLE``."""

    RAISED = "raised"
    RAISED_AGAIN = "raised_again"
    LEVEL_RAISED = "level_raised"
    CHANGED = "changed"
    FOUND = "found"
    EXPLAINED = "explained"
    CORRECTED = "corrected"
    CLEARED = "cleared"
    DAY_ENDED = "day_ended"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    ACK_EXPIRED = "ack_expired"
    REMINDED = "reminded"
    STEP_DONE = "step_done"
    NOTED = "noted"
    CLOSED_BY_PERSON = "closed_by_person"


class Act(StrEnum):
    """What the history keeps beside the events of an incident's life."""

    SENT = "sent"
    ACCEPTED = "accepted"
    FAILED = "failed"
    NOT_SENT = "not_sent"
    EXPORTED = "exported"
    PUPIL_NOTED = "pupil_noted"
    ERASED = "erased"
    CONFIGURED = "configured"
    SILENCED = "silenced"
    SILENCE_ENDED = "silence_ended"
    STARTED = "started"
    CHANNEL_PAUSED = "channel_paused"
    CHANNEL_BROKEN = "channel_broken"
    CHANNEL_BACK = "channel_back"
    DROPPED = "dropped"
    TOLD_DIRECTLY = "told_directly"
    BREAK_ACCEPTED = "break_accepted"


class Outcome(StrEnum):
    """How an incident ended; empty text while it has not."""

    FOUND = "found"
    EXPLAINED = "explained"
    CORRECTED = "corrected"
    CLEARED = "cleared"
    DAY_ENDED = "day_ended"
    DEALT_WITH = "dealt_with"
    FALSE_ALARM = "false_alarm"


@dataclass(frozen=True, slots=True)
class Interview:
    """What came of a talk with a child who is back.

    Its words are a child's: they stand in the incident and in what a person takes out of it for
    the child's file, never in a message and never in the history's chain.

    Args:
        outcome: a value of ``interviews.InterviewOutcome``.
        pushed: what drove the child away, as the person wrote it, or empty.
        pulled: what drew the child there, likewise.
    """

    outcome: str
    pushed: str = ""
    pulled: str = ""


@dataclass(frozen=True, slots=True)
class StepState:
    """One step of the protocol as it stands in one incident.

    The text is copied when the incident opens: a protocol edited later does not change an
    incident that is already being worked on.

    Args:
        id: stable name within the protocol (``search_site``).
        text: what a person does, imperative.
        who: who does it.
        due_at: deadline, aware; None where the protocol gives none.
        source: guidance that the step and its deadline come from.
        after: ``opened``, or ``found`` for a step that only comes after the return.
        done_at, done_by, note: filled in by the person who did it.
        reminded_at: when people were told that its deadline had passed, aware, or None.
        interview: what came of it, where the step is a talk with the child.
    """

    id: str
    text: str
    who: str
    due_at: datetime | None
    source: str = ""
    after: str = "opened"
    done_at: datetime | None = None
    done_by: str = ""
    note: str = ""
    reminded_at: datetime | None = None
    interview: Interview | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """One episode. Every change is a new value with a higher ``revision``.

    Args:
        id: from ``ids.incident_id``; 64 hexadecimal digits.
        reference: what people call it, ``MB-XXXX-XXXX``.
        school: school id.
        pupil: the MIS's pupil id; empty where it is about a register or a feed.
        family: what counts as one matter (``families.FAMILIES``).
        key: tells episodes of one family and pupil apart (a day, a lesson, a run, a year).
        state: where it stands.
        level: 1, or higher where it was raised.
        trigger: id of the trigger that it now stands for; changes inside a family.
        severity: decides deadlines and the order of sending.
        audience: who is told of it at once: duties, or ids of people.
        told: who was told of it; these hear how it ends. Empty where it was opened quietly.
        opened_at: when the trigger fired (not when we noticed), aware.
        updated_at: when this revision was made, aware.
        revision: 1 for the first; one more with every change.
        day: the school day that it belongs to.
        slot: session or lesson that it is about now, or empty; the first one where there are more.
        sentence: the plain explanation with its numbers and no name.
        facts: the numbers behind the sentence.
        evidence: the facts in time order, no names.
        uncertain: what makes it less than certain, or empty.
        owner: who acknowledged it, or empty.
        ack_expires_at: when the acknowledgement lapses, aware, or None.
        remind_at: when people are reminded that the acknowledgement runs out, aware; None where
            nobody is, or where they were.
        escalate_at: when the next people in the route are told unless somebody acknowledges.
        escalations: how often that has happened since it was opened or raised; the place of the
            step of ``chain`` that was told last.
        chain: who is told next and when, fixed when it opened; None: the next channel of each.
        closed_at: when it was found or closed, aware, or None.
        outcome: how it ended, a value of ``Outcome``, or empty.
        closed_by: who ended it, ``DAEMON`` or a person; empty while it has not ended. A person
            who closes what was found already does not change it.
        ending: how it ended, one plain sentence without a name, or empty.
        steps: the protocol's steps as they stand.
        data_as_of: up to when the registers behind this revision are known, or None.
    """

    id: str
    reference: str
    school: str
    pupil: str
    family: str
    key: str
    state: State
    level: int
    trigger: str
    severity: Severity
    audience: tuple[str, ...]
    opened_at: datetime
    updated_at: datetime
    revision: int
    day: date
    slot: str
    sentence: str
    facts: Mapping[str, int | str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    uncertain: str = ""
    told: tuple[str, ...] = ()
    owner: str = ""
    ack_expires_at: datetime | None = None
    remind_at: datetime | None = None
    escalate_at: datetime | None = None
    escalations: int = 0
    chain: Chain | None = None
    closed_at: datetime | None = None
    outcome: str = ""
    closed_by: str = ""
    ending: str = ""
    steps: tuple[StepState, ...] = ()
    data_as_of: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.state in ACTIVE


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of an incident's history; the store chains them by hash.

    Args:
        at: when, aware.
        actor: ``DAEMON`` or the person.
        incident: the incident's id; empty where it is about none.
        act: the event of its life, or what else was done.
        reason: why people were told, a value of ``Reason``, or empty.
        body: plain words, no name of a pupil.
    """

    at: datetime
    actor: str
    incident: str
    act: Event | Act
    reason: str
    body: str


@dataclass(frozen=True, slots=True)
class MessagePlan:
    """One audience has to be told.

    An ending (``reasons.ENDINGS``) goes to every channel that already carries a message about
    this incident; one that climbs (``reasons.CLIMBS``) goes to the next channel of the audience's
    route; all others go to the first.

    Args:
        incident: as it stands after the change.
        reason: why.
        audience: to whom: a duty, or a person's id.
        severity: for the order of sending and the deadline.
        revision: the incident's revision; part of the message's id.
    """

    incident: Incident
    reason: Reason
    audience: str
    severity: Severity
    revision: int


@dataclass(frozen=True, slots=True)
class PackagePlan:
    """A package for the Local Authority has to be prepared for a person to approve.

    Args:
        incident: the incident that asks for it.
        kind: of ``messages.package_kinds.KINDS``.
    """

    incident: Incident
    kind: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """Somebody was not told, and why.

    Args:
        incident: the incident; for a finding that was held back, the one that would have been
            opened: it is in no table, and the same suppression comes again with every look, so
            that recording it is an insert that ignores what is already there.
        reason: why not.
    """

    incident: Incident
    reason: Reason


@dataclass(frozen=True, slots=True)
class Scope:
    """What an assessment looked at: only what lies inside can be found to be over.

    Args:
        kind: which triggers were asked.
        day: the school day that was looked at (strips: a day of the academic year; feeds, roll,
            flags and history: today).
        pupils: whose marks were looked at, or None for everybody on roll.
    """

    kind: Kind
    day: date
    pupils: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What has to be stored and said so that the incidents agree with the registers.

    Args:
        incidents: new and changed ones only.
        audit: the history of those changes, in order.
        messages: who has to be told.
        packages: what has to be prepared for the Local Authority.
        suppressed: who was not told, and why.
        ask_again: when time alone could change this answer, aware, or None.
    """

    incidents: tuple[Incident, ...] = ()
    audit: tuple[AuditEntry, ...] = ()
    messages: tuple[MessagePlan, ...] = ()
    packages: tuple[PackagePlan, ...] = ()
    suppressed: tuple[Suppression, ...] = ()
    ask_again: datetime | None = None

    @property
    def changes_nothing(self) -> bool:
        """Whether nothing has to be stored, said or prepared."""
        return not (self.incidents or self.audit or self.messages or self.packages)
