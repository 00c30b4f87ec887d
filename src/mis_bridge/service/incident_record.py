"""Everything that is stored of one incident: for whoever asks why, and for the child's file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.incidents.interviews import OUTCOME_WORDS
from mis_bridge.incidents.model import Act, AuditEntry
from mis_bridge.incidents.pupil_notes import KIND_WORDS
from mis_bridge.incidents.said import named
from mis_bridge.messages.package_kinds import KINDS
from mis_bridge.messages.record_model import (
    AcceptedLine,
    Child,
    HistoryLine,
    IncidentRecord,
    MarkRow,
    NoteLine,
    Rule,
    SentMessage,
    TalkLine,
    TaskLine,
    Try,
    Unsent,
)
from mis_bridge.messages.wording import wording_of
from mis_bridge.service.marks_behind import marks_behind
from mis_bridge.service.people import find
from mis_bridge.store import audit, audit_proof, leases, outbox, pupil_notes, pupils, suppressed
from mis_bridge.triggers.catalogue import TRIGGERS, parameters

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident, StepState
    from mis_bridge.service.schools import School

__all__ = ["messages_of", "notes_on", "record_of", "rule_behind", "take_out", "unsent_of"]


def take_out(
    tx: Connection, name: str, who: str, now: datetime, *, schools: Mapping[str, School]
) -> IncidentRecord:
    """Take a record out for the child's file; that it was taken out is part of the history.

    Args:
        tx: the transaction.
        name: reference or id of the incident.
        who: who takes it out.
        now: aware.
        schools: by id, for names and for the numbers that are in force.

    Raises:
        IncidentError: there is no such incident, or nobody is named.
    """
    who = named(who, "say who takes it out: the history needs a person")
    incident = find(tx, name, to_change=True)
    line = AuditEntry(now, who, incident.id, Act.EXPORTED, "", "Taken out for the child's file.")
    audit.append(tx, incident.school, [line])
    return record_of(tx, incident, schools.get(incident.school), who, now)


def record_of(
    tx: Connection, incident: Incident, school: School | None, who: str, now: datetime
) -> IncidentRecord:
    """Gather the record of an incident.

    Args:
        tx: the transaction; it only reads.
        incident: as it stands.
        school: as it is configured, or None where it is not any more.
        who: who asks for it.
        now: aware.
    """
    lines, link = audit.heads(tx).get(incident.school, (0, ""))
    proof = audit_proof.prove(tx, incident.school)
    title = wording_of(incident.trigger).title
    return IncidentRecord(
        taken_at=now,
        taken_by=who,
        school=incident.school,
        school_name=school.name if school else incident.school,
        reference=incident.reference,
        id=incident.id,
        title=title,
        child=_child(tx, incident),
        state=incident.state,
        severity=incident.severity,
        level=incident.level,
        owner=incident.owner,
        day=incident.day,
        slot=incident.slot,
        opened_at=incident.opened_at,
        closed_at=incident.closed_at,
        closed_by=incident.closed_by,
        outcome=incident.outcome,
        ending=incident.ending,
        sentence=incident.sentence,
        uncertain=incident.uncertain,
        facts=dict(incident.facts),
        evidence=tuple((one.at, one.slot, one.what) for one in incident.evidence),
        rule=rule_behind(incident, school),
        marks=tuple(MarkRow(*line) for line in marks_behind(tx, incident)),
        steps=tuple(map(_task, incident.steps)),
        messages=tuple(messages_of(tx, incident)),
        unsent=tuple(unsent_of(tx, incident)),
        notes=tuple(notes_on(tx, incident)),
        history=tuple(_history(tx, incident)),
        chain_lines=lines,
        chain_hash=link,
        chain_holds=not proof.broken,
        chain_accepted=tuple(
            AcceptedLine(one.number, one.what, one.at, one.who, one.why) for one in proof.accepted
        ),
    )


def rule_behind(incident: Incident, school: School | None) -> Rule:
    """Why an incident was raised: the trigger's meaning and source, and the numbers in force."""
    if incident.trigger not in TRIGGERS:
        # No trigger stands behind a package that a person asked for: its own rule does.
        asked = KINDS.get(str(incident.facts.get("package", "")))
        if asked is None:
            return Rule(incident.trigger)
        return Rule(asked.id, asked.when, asked.never_for, asked.basis)
    info = TRIGGERS[incident.trigger].INFO
    own = school.triggers.get(incident.trigger) if school else None
    numbers = dict(parameters(incident.trigger, own))
    return Rule(incident.trigger, info.meaning, info.never_for, info.source, numbers)


def messages_of(tx: Connection, incident: Incident) -> list[SentMessage]:
    """Every message about an incident, and what became of each attempt to send it."""
    return [
        SentMessage(
            at=row.created_at,
            reason=row.reason,
            audience=row.audience,
            channel=row.channel,
            state=row.state,
            finished_at=row.finished_at,
            detail=row.detail,
            tries=tuple(
                Try(one.number, one.started_at, one.finished_at, one.result, one.detail)
                for one in leases.attempts_of(tx, row)
            ),
        )
        for row in outbox.of_incident(tx, incident.school, incident.id)
    ]


def unsent_of(tx: Connection, incident: Incident) -> list[Unsent]:
    """What was not said about an incident, and why."""
    return [
        Unsent(row.seen_at, row.reason)
        for row in suppressed.of_incident(tx, incident.school, incident.id)
    ]


def notes_on(tx: Connection, incident: Incident) -> list[NoteLine]:
    """What people noted of the child, the newest first."""
    if not incident.pupil:
        return []
    return [
        NoteLine(note.at, note.author, KIND_WORDS.get(note.kind, note.kind), note.body)
        for note in pupil_notes.of_pupil(tx, incident.school, incident.pupil)
    ]


def _child(tx: Connection, incident: Incident) -> Child | None:
    if not incident.pupil:
        return None
    known = pupils.remembered(tx, incident.school, incident.pupil)
    if known is None:
        return Child()
    record, _ = known
    return Child(
        record.upn,
        record.surname,
        record.forename,
        record.dob,
        record.form,
        record.year_group,
    )


def _task(step: StepState) -> TaskLine:
    talk = None
    if step.interview:
        said = step.interview
        outcome = OUTCOME_WORDS.get(said.outcome, said.outcome)
        talk = TalkLine(outcome, said.pushed, said.pulled)
    return TaskLine(
        step.id,
        step.text,
        step.who,
        step.due_at,
        step.done_at,
        step.done_by,
        step.note,
        step.reminded_at,
        step.source,
        talk,
    )


def _history(tx: Connection, incident: Incident) -> list[HistoryLine]:
    return [
        HistoryLine(
            link.number,
            link.entry.at,
            link.entry.actor,
            link.entry.act,
            link.entry.reason,
            link.entry.body,
            link.prev,
            link.hash,
        )
        for link in audit.links(tx, incident.school, incident.id)
    ]
