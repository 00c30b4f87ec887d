"""One incident as people and programs are shown it: its row, head, evidence, and who was told."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mis_bridge.cli.opened import in_local_time
from mis_bridge.cli.output import emit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.chain import Staff
    from mis_bridge.incidents.model import Incident, StepState

__all__ = [
    "called",
    "details_of",
    "escalation_of",
    "is_late",
    "print_evidence",
    "print_head",
    "print_who",
    "row_of",
    "talks_of",
]


def row_of(incident: Incident) -> dict[str, Any]:
    """Give one line of a list; no name."""
    from mis_bridge.messages.wording import wording_of

    title = wording_of(incident.trigger).title
    if incident.family == "missing_during_day" and incident.level > 1:
        title = f"{title}, level {incident.level}"
    return {
        "reference": incident.reference,
        "school": incident.school,
        "state": incident.state,
        "severity": incident.severity,
        "title": title,
        "day": incident.day,
        "slot": incident.slot,
        "since": _local(incident.opened_at),
        "owner": incident.owner,
    }


def details_of(incident: Incident) -> dict[str, Any]:
    """Give what a program gets beside the row."""
    return {
        "id": incident.id,
        "trigger": incident.trigger,
        "level": incident.level,
        "revision": incident.revision,
        "sentence": incident.sentence,
        "uncertain": incident.uncertain,
        "facts": dict(incident.facts),
        "evidence": [{"at": e.at, "slot": e.slot, "what": e.what} for e in incident.evidence],
        "outcome": incident.outcome,
        "ending": incident.ending,
        "closed_at": incident.closed_at,
        "closed_by": incident.closed_by,
    }


def talks_of(incident: Incident) -> Iterator[dict[str, str]]:
    """Give the talks with the child that were offered or held, and what came of them."""
    from mis_bridge.incidents.interviews import OUTCOME_WORDS

    for step in incident.steps:
        if step.interview:
            said = step.interview
            outcome = OUTCOME_WORDS.get(said.outcome, said.outcome)
            yield {"step": step.id, **asdict(said), "outcome": outcome}


def _local(at: Any) -> Any:
    from mis_bridge.registers.calendar import LONDON

    return at.astimezone(LONDON)


def called(tx: Connection, incident: Incident, *, full: bool) -> str:
    """Say what the pupil is called: initials and form, or the name; empty for none."""
    if not incident.pupil:
        return ""
    from mis_bridge.messages.model import Disclosure
    from mis_bridge.messages.pupil_label import pupil_label
    from mis_bridge.service.identities import identity_of
    from mis_bridge.store import pupils

    known = pupils.remembered(tx, incident.school, incident.pupil)
    identity = None if known is None else identity_of(known[0])
    return pupil_label(identity, Disclosure.FULL if full else Disclosure.INITIALS)


def print_head(incident: Incident, pupil: str, now: datetime) -> None:
    """Print what it is, how it stands, where and since when, and who sees to it for how long."""
    from mis_bridge.messages.times import moment

    until = incident.ack_expires_at
    row = row_of(incident)
    click.echo(f"{incident.reference}  {row['title']}  [{incident.state}, {incident.severity}]")
    click.echo(incident.sentence)
    if incident.uncertain:
        click.echo(f"Not certain: {incident.uncertain}")
    if incident.ending:
        click.echo(incident.ending)
    facts = {
        "Pupil": pupil,
        "School": incident.school,
        "Since": f"{row['since']:%Y-%m-%d %H:%M}",
        "Owner": f"{incident.owner}, until {moment(until, now)}" if until else incident.owner,
    }
    for label, value in facts.items():
        if value:
            click.echo(f"{label:<8}{value}")


def is_late(incident: Incident, step: StepState, now: datetime) -> bool:
    """Whether it is the time for a step, and what it has is over."""
    at_hand = incident.active or step.after == "found"
    return at_hand and not step.done_at and step.due_at is not None and step.due_at <= now


def escalation_of(incident: Incident) -> dict[str, Any]:
    """Give the rule by which people are told, and when the next ones are."""
    chain = incident.chain
    steps = [{"tell": step.tell, "after": step.after} for step in chain.steps] if chain else []
    return {
        "rule": chain.rule if chain else None,
        "steps": steps,
        "next_at": incident.escalate_at,
    }


def print_who(incident: Incident, staff: Staff | None, now: datetime) -> None:
    """Print who was told, and who is next unless somebody acknowledges."""
    from mis_bridge.incidents.chain_words import listed, who_is_next

    if incident.told:
        rule = f" (rule {incident.chain.rule})" if incident.chain else ""
        click.echo(f"Told    {listed(incident.told, staff)}{rule}")
    if (following := who_is_next(incident, staff, now)) and incident.escalate_at:
        click.echo(f"Next    {following}, at {_local(incident.escalate_at):%H:%M}")


def print_evidence(incident: Incident) -> None:
    """Print what it rests on, in time order."""
    from mis_bridge.messages.compose import evidence_title

    rows = [{"at": e.at, "slot": e.slot, "what": e.what} for e in incident.evidence]
    emit(
        in_local_time(rows, "table"),
        ("at", "slot", "what"),
        "table",
        title=f"\n{evidence_title(incident)}",
    )
