"""What a person does with an incident: acknowledge, note, tick a step, close.

Pure: an incident goes in, the changed incident and the line for its history come out.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.families import family_of_incident
from mis_bridge.incidents.interviews import OUTCOME_WORDS, interview_of, may_be_told_again
from mis_bridge.incidents.lifecycle import TABLE, step
from mis_bridge.incidents.model import DAEMON, AuditEntry, Event, Outcome, State
from mis_bridge.incidents.protocol import found_steps, protocol_of
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.reminders import reminder_of
from mis_bridge.incidents.rules import IncidentRules
from mis_bridge.incidents.said import named, worded
from mis_bridge.registers.calendar import LONDON, local_minute

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.incidents.model import Incident

__all__ = [
    "CLOSING_OUTCOMES",
    "acknowledge",
    "close",
    "close_unanswered",
    "closing_reason",
    "note",
    "step_done",
]

CLOSING_OUTCOMES = (
    Outcome.FOUND,
    Outcome.EXPLAINED,
    Outcome.CORRECTED,
    Outcome.DEALT_WITH,
    Outcome.FALSE_ALARM,
)
"""What a person may say of how it ended; the others only the registers or the clock can say."""

_SAID = {
    Outcome.FOUND: "Found",
    Outcome.EXPLAINED: "Explained",
    Outcome.CORRECTED: "Corrected",
    Outcome.DEALT_WITH: "Dealt with",
    Outcome.FALSE_ALARM: "A false alarm",
}

_TOLD_AS = {
    Outcome.FOUND: Reason.FOUND,
    Outcome.EXPLAINED: Reason.EXPLAINED,
    Outcome.DEALT_WITH: Reason.EXPLAINED,
    Outcome.CORRECTED: Reason.CORRECTED,
    Outcome.FALSE_ALARM: Reason.CORRECTED,
}

_RULES = IncidentRules()


def acknowledge(
    incident: Incident, who: str, now: datetime, *, minutes: int = 120
) -> tuple[Incident, AuditEntry]:
    """Say that somebody sees to it, for a limited time; again: renew it or take it over.

    Args:
        incident: open or acknowledged.
        who: who sees to it.
        now: aware.
        minutes: how long it holds before the route climbs again; at least 1.

    Raises:
        IncidentError: it is found or closed, nobody is named, or the time makes no sense.
    """
    who = named(who)
    if minutes < 1:
        raise IncidentError("an acknowledgement holds for at least 1 minute")
    until = now + timedelta(minutes=minutes)
    return _step(
        incident,
        Event.ACKNOWLEDGED,
        who,
        now,
        f"Acknowledged for {minutes} minutes.",
        owner=who,
        ack_expires_at=until,
        remind_at=reminder_of(incident, now, until),
        escalate_at=None,
        escalations=0,
    )


def note(incident: Incident, who: str, now: datetime, text: str) -> tuple[Incident, AuditEntry]:
    """Add a line to the history; possible in every state.

    Raises:
        IncidentError: nobody is named, or the text is empty or none that is kept (``said``).
    """
    return _step(incident, Event.NOTED, named(who), now, _not_empty(text))


def step_done(
    incident: Incident,
    step_id: str,
    who: str,
    now: datetime,
    text: str = "",
    *,
    outcome: str = "",
    pushed: str = "",
    pulled: str = "",
) -> tuple[Incident, AuditEntry]:
    """Tick a step of the protocol, also after the incident was closed.

    A talk with the child takes what came of it, and may be told again once it was held: the time
    of the offer is what the deadline is about, and stays. What the child said stays with the step;
    the history says only what came of the talk.

    Args:
        incident: in any state.
        step_id: which step.
        who: who did it.
        now: aware.
        text: a remark, or empty.
        outcome: of a talk, a value of ``interviews.InterviewOutcome``, or empty.
        pushed: of a talk that was held: what drove the child away.
        pulled: likewise: what drew the child there.

    Raises:
        IncidentError: no such step (the message lists them), it is done already, or what is said
            of a talk makes no sense.
    """
    who = named(who)
    wanted = next((state for state in incident.steps if state.id == step_id), None)
    if wanted is None:
        there = ", ".join(state.id for state in incident.steps) or "none"
        raise IncidentError(f"no step {step_id!r} in this incident; there are: {there}")
    interview = interview_of(wanted, outcome, pushed, pulled)
    text = worded(text)
    if wanted.done_at is not None and not (interview and may_be_told_again(wanted)):
        at = wanted.done_at.astimezone(LONDON)
        raise IncidentError(
            f"step {step_id!r} was done on {at:%Y-%m-%d} at {at:%H:%M} already, by "
            f"{wanted.done_by}: what has changed since is a note"
        )
    done = replace(
        wanted,
        done_at=wanted.done_at or now,
        done_by=who,
        note=text or wanted.note,
        interview=interview or wanted.interview,
    )
    steps = tuple(done if state is wanted else state for state in incident.steps)
    came_of_it = f"Outcome: {OUTCOME_WORDS[interview.outcome]}." if interview else ""
    body = " ".join(part for part in (f"Done: {wanted.text}", came_of_it, text) if part)
    return _step(incident, Event.STEP_DONE, who, now, body, steps=steps)


def close(
    incident: Incident,
    who: str,
    now: datetime,
    outcome: Outcome,
    text: str,
    *,
    rules: IncidentRules = _RULES,
) -> tuple[Incident, AuditEntry]:
    """Close it, with how it ended and why.

    What the registers have found already stays found by them; then only the state changes. Who
    says that the child was found starts the time of the steps that follow a return.

    Args:
        incident: open, acknowledged or found.
        who: who closes it.
        now: aware.
        outcome: how it ended.
        text: what happened.
        rules: what the school has set, for the steps after a return.

    Raises:
        IncidentError: it is closed already, nobody is named, no reason is given, or the outcome
            is none that a person may give.
    """
    who, text = named(who), _not_empty(text)
    if outcome not in CLOSING_OUTCOMES:
        allowed = ", ".join(CLOSING_OUTCOMES)
        raise IncidentError(f"{outcome.value!r} is not for a person to say; choose of {allowed}")
    if incident.state is State.FOUND:
        return _step(incident, Event.CLOSED_BY_PERSON, who, now, text)
    protocol = protocol_of(rules.protocols, family_of_incident(incident).protocol)
    found = outcome is Outcome.FOUND
    return _step(
        incident,
        Event.CLOSED_BY_PERSON,
        who,
        now,
        text,
        steps=found_steps(incident.steps, protocol, now, rules.years) if found else incident.steps,
        outcome=outcome,
        closed_at=now,
        closed_by=who,
        # What the person wrote may hold a name; messages say who closed it and as what.
        ending=f"{_SAID[outcome]}, says {who}.",
        ack_expires_at=None,
        escalate_at=None,
    )


def close_unanswered(incident: Incident, now: datetime) -> tuple[Incident, AuditEntry]:
    """Close what a person asked for and nobody decided on in time.

    Args:
        incident: active.
        now: aware.

    Raises:
        IncidentError: it is not active.
    """
    text = "Nobody decided on the package in time."
    return _step(
        incident,
        Event.CLEARED,
        DAEMON,
        now,
        text,
        outcome=Outcome.CLEARED,
        closed_at=now,
        closed_by=DAEMON,
        ending=text,
        ack_expires_at=None,
        escalate_at=None,
    )


def closing_reason(before: Incident, outcome: Outcome, now: datetime) -> Reason | None:
    """Return the reason with which those who were told hear that a person closed it.

    Args:
        before: the incident as it stood before it was closed.
        outcome: what the person said.
        now: aware.

    Returns:
        None where nobody is waiting to hear: nobody was told, it had ended already, it is not
        about a child, or it is an absence of an earlier day that is explained by now.
    """
    family = family_of_incident(before)
    if not before.active or not before.told or not family.about_a_child:
        return None
    earlier = family.quiet_next_day and before.day < local_minute(now)[0]
    if earlier and outcome is not Outcome.FOUND:
        return None
    return _TOLD_AS[outcome]


def _not_empty(text: str) -> str:
    text = worded(text)
    if not text:
        raise IncidentError("write what happened: an empty line helps nobody later")
    return text


def _too_late(incident: Incident) -> str:
    how = incident.outcome.replace("_", " ")
    ended = f"{incident.reference} is {incident.state.value} already"
    if incident.state is State.CLOSED and how:
        ended += f" ({how}, by {incident.closed_by or DAEMON})"
    return f"{ended}: a note can still be added to it"


def _step(
    incident: Incident,
    event: Event,
    who: str,
    now: datetime,
    body: str,
    **values: Any,
) -> tuple[Incident, AuditEntry]:
    if (incident.state, event) not in TABLE:
        raise IncidentError(_too_late(incident))
    changed = replace(
        incident,
        state=step(incident.state, event),
        updated_at=now,
        revision=incident.revision + 1,
        **values,
    )
    return changed, AuditEntry(now, who, incident.id, event, "", body)
