"""From an incident to what a message says, before it becomes a card or a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from mis_bridge.incidents.families import family_of_incident
from mis_bridge.incidents.model import State
from mis_bridge.incidents.reasons import (
    ABOUT_CHANNELS,
    ABOUT_PACKAGES,
    ASKS,
    DECIDED,
    ENDINGS,
    REMINDERS,
    Reason,
)
from mis_bridge.messages.content import INFORMS, Content, EvidenceLine, StepLine, Tone
from mis_bridge.messages.facts import facts
from mis_bridge.messages.headline import lead, title
from mis_bridge.messages.model import Disclosure
from mis_bridge.messages.times import clock, day_name, moment
from mis_bridge.registers.calendar import LONDON
from mis_bridge.triggers.model import Kind, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mis_bridge.incidents.model import Incident, StepState
    from mis_bridge.messages.model import MessageContext

__all__ = ["compose", "compose_test", "evidence_title", "to_answer"]

_WHY: Final = {
    Reason.OPENED: "the alert was raised",
    Reason.LEVEL_RAISED: "the alert became more serious",
    Reason.REOPENED: "the alert was raised again",
    Reason.FOUND: "you were told of the alert, and it is over",
    Reason.EXPLAINED: "you were told of the alert, and it is over",
    Reason.CORRECTED: "you were told of the alert, and it is over",
    Reason.FEED_BACK: "you were told of the outage, and it is over",
    Reason.UNACKNOWLEDGED: "nobody has answered",
    Reason.LAPSED: "an acknowledgement was not renewed",
    Reason.UNSEEN: "nobody has answered what you were sent by another channel",
    Reason.ACK_ENDING: "an acknowledgement runs out soon",
    Reason.STEP_OVERDUE: "the time for a step has passed",
    Reason.CHANNEL_FAILED: "a channel refused a message",
    Reason.PACKAGE_READY: "a person has to approve it",
    Reason.PACKAGE_APPROVED: "the school approved this notification",
    Reason.PACKAGE_TO_UPLOAD: "nobody has written down that it was uploaded",
    Reason.PACKAGE_REJECTED: "you were asked to approve it",
    Reason.PACKAGE_EXPIRED: "nobody approved it in time",
    Reason.CHANNEL_TEST: "somebody asked for a test",
}


def compose(incident: Incident, reason: Reason, context: MessageContext) -> Content:
    """Say what there is to say of an incident, for one reason, within one disclosure.

    Args:
        incident: as it stands now.
        reason: why the message is sent.
        context: school, disclosure, times, link.
    """
    private = bool(incident.pupil) and context.disclosure is Disclosure.REFERENCE
    elsewhere = private or reason in ABOUT_CHANNELS | DECIDED
    return Content(
        reason=reason,
        reference=incident.reference,
        severity=incident.severity,
        tone=_tone(incident, reason),
        title=title(incident, reason, context),
        lead=lead(incident, reason, context, private=private),
        facts=facts(incident, reason, context),
        evidence_title=evidence_title(incident),
        evidence=() if elsewhere else _evidence(incident, context),
        uncertain="" if elsewhere or reason in ENDINGS else incident.uncertain,
        steps_title="What is left to do" if reason in ENDINGS else "What to do next",
        steps=_steps(incident, reason, context),
        link=_link(context.link_base, incident, reason),
        footer=_footer(reason, to_answer([(incident, reason)], context.now)),
    )


def compose_test(context: MessageContext) -> Content:
    """Say that this is a test: for ``channels test`` and the weekly sign of life."""
    return Content(
        reason=Reason.CHANNEL_TEST,
        reference="",
        severity=Severity.LOW,
        tone=Tone.CALM,
        title="Test message",
        lead=context.detail
        or "Alerts about missing children arrive here. Nothing has happened: this is a test.",
        facts=(
            ("School", context.school_name),
            ("Sent", f"{clock(context.now)}, {_today(context)}"),
        ),
        footer=_footer(Reason.CHANNEL_TEST),
    )


def _today(context: MessageContext) -> str:
    return day_name(context.now.astimezone(LONDON).date(), year=True)


def _tone(incident: Incident, reason: Reason) -> Tone:
    if reason in ENDINGS:
        return Tone.GOOD
    if reason in ABOUT_PACKAGES or reason is Reason.CHANNEL_TEST:
        return Tone.CALM
    if reason in ABOUT_CHANNELS or incident.severity is Severity.HIGH:
        return Tone.WARNING if incident.level == 1 else Tone.ATTENTION
    return Tone.ATTENTION if incident.severity is Severity.CRITICAL else Tone.CALM


def evidence_title(incident: Incident) -> str:
    """Say what the evidence is: registers alone show neither the roll nor a way to anybody."""
    of_marks = family_of_incident(incident).kind in {Kind.DAY, Kind.STRIP, None}
    return "What the registers show" if of_marks else "What is known"


def _evidence(incident: Incident, context: MessageContext) -> tuple[EvidenceLine, ...]:
    return tuple(
        EvidenceLine(moment(e.at, context.now) if e.at else "", e.slot, e.what)
        for e in incident.evidence
    )


def _steps(incident: Incident, reason: Reason, context: MessageContext) -> tuple[StepLine, ...]:
    if reason in ABOUT_CHANNELS | DECIDED:
        return ()
    if reason in ENDINGS:
        wanted = "found" if reason is Reason.FOUND and incident.told else ""
    elif reason in REMINDERS and not incident.active:
        wanted = "found"
    else:
        wanted = "opened"
    return tuple(
        _step_line(state, context)
        for state in incident.steps
        if state.after == wanted and state.done_at is None
    )


def _step_line(state: StepState, context: MessageContext) -> StepLine:
    if state.due_at is None:
        return StepLine("", state.text, state.who)
    passed = ", passed" if state.due_at < context.now else ""
    return StepLine(f"by {moment(state.due_at, context.now)}{passed}", state.text, state.who)


def _link(base: str, incident: Incident, reason: Reason) -> str:
    # The authority's people have no account with the school.
    if reason is Reason.PACKAGE_APPROVED or not base.startswith("https://"):
        return ""
    return f"{base.rstrip('/')}/incidents/{quote(incident.reference, safe='')}"


def _footer(reason: Reason, answer: str = "") -> str:
    why = f"Sent because {_WHY.get(reason, 'the alert changed')}."
    if reason is Reason.PACKAGE_APPROVED:
        return why
    return " ".join(part for part in (why, answer, INFORMS) if part)


def to_answer(said: Sequence[tuple[Incident, Reason]], now: datetime) -> str:
    """Say until when somebody has to see to it before others are told, and how to say so.

    Args:
        said: what a message is about, each with why it is sent.
        now: aware.

    Returns:
        Empty where nobody waits for an answer.
    """
    waiting = [
        (incident.escalate_at, incident.reference)
        for incident, reason in said
        if reason in ASKS and incident.state is State.OPEN and incident.escalate_at
    ]
    if not waiting:
        return ""
    (first, reference), several = min(waiting), len(waiting) > 1
    by = f" by {moment(first, now)}" if first > now else ""
    it = "them" if several else "it" if len(said) == 1 else reference
    which = ", with their references" if several else f" {reference}"
    return (
        f"If nobody sees to {it}{by}, the next people are told. To say that you do: "
        f"mis-bridge incidents ack{which}."
    )
