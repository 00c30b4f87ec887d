"""A message that stands there already, as it has to read now that the incident has moved on.

Whoever opens the chat later has to see at once that somebody sees to it, or that the child is
found. Changing a card rings nobody, so it takes the place of no message.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.model import Event, Outcome, State
from mis_bridge.incidents.reasons import CLIMBS, Reason
from mis_bridge.messages.compose import compose
from mis_bridge.messages.content import INFORMS, Content, Group, Line, StepLine, Tone
from mis_bridge.messages.pupil_label import pupil_label
from mis_bridge.messages.times import moment
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.messages.model import MessageContext

__all__ = ["Standing", "Turn", "compose_all_anew", "compose_anew"]

_AS: Final = {
    Outcome.FOUND: Reason.FOUND,
    Outcome.EXPLAINED: Reason.EXPLAINED,
    Outcome.DEALT_WITH: Reason.EXPLAINED,
    Outcome.CORRECTED: Reason.CORRECTED,
    Outcome.FALSE_ALARM: Reason.CORRECTED,
    Outcome.CLEARED: Reason.FEED_BACK,
}
"""How an outcome is told; the day's end is told to nobody."""

_OPEN: Final = {
    Event.ACK_EXPIRED: "Nobody sees to it any more",
    Event.ESCALATED: "Nobody has answered yet; told again",
    Event.LEVEL_RAISED: "More serious since",
    Event.RAISED_AGAIN: "Raised again",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing that happened to an incident.

    Args:
        act: what.
        at: when, aware.
        actor: who did it.
    """

    act: Event
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One incident that a card speaks of which stands there.

    Args:
        incident: as it stands now.
        reason: why people were told of it.
        context: school, disclosure, times, link, and who the pupil is.
        turns: what happened to it, in order.
    """

    incident: Incident
    reason: Reason
    context: MessageContext
    turns: tuple[Turn, ...]


def compose_all_anew(standing: Sequence[Standing]) -> Content:
    """Say how the incidents of one card stand: what is open first, what is over last.

    Args:
        standing: one or more, of one school, for one channel.
    """
    said = [
        (one, compose_anew(one.incident, one.reason, one.context, one.turns)) for one in standing
    ]
    if len(said) == 1:
        return said[0][1]
    said.sort(key=lambda both: (_rank(both[0].incident), both[0].incident.opened_at))
    by_heading: dict[str, list[tuple[Standing, Content]]] = {}
    for one, content in said:
        taken = ", acknowledged" if one.incident.state is State.ACKNOWLEDGED else ""
        by_heading.setdefault(f"{content.title}{taken}", []).append((one, content))
    groups = tuple(
        Group(heading, _counted([one.incident for one, _ in some]), "", tuple(map(_line, some)))
        for heading, some in by_heading.items()
    )
    (first, worst), now = said[0], standing[0].context.now
    counts = [f"{group.title.replace(': ', ', ')}: {group.counted}" for group in groups]
    return Content(
        reason=worst.reason,
        reference=worst.reference,
        severity=min((one.incident.severity for one, _ in said), key=list(Severity).index),
        tone=worst.tone,
        title=counts[0],
        lead=f"{'; '.join(counts[1:])}." if len(groups) > 1 else "Each has a reference of its own.",
        facts=(("School", first.context.school_name),),
        groups=groups if len(groups) > 1 else (replace(groups[0], title=""),),
        footer=f"Brought up to date {moment(now, now)}. {INFORMS}",
        references=tuple(content.reference for _, content in said),
        left_out=f"mis-bridge incidents list --school {first.incident.school}",
    )


def _rank(incident: Incident) -> int:
    if not incident.active:
        return 2
    return 1 if incident.state is State.ACKNOWLEDGED else 0


def _line(said: tuple[Standing, Content]) -> Line:
    one, content = said
    who = pupil_label(one.context.identity, one.context.disclosure) if one.incident.pupil else ""
    return Line(who, content.reference, content.status, content.link)


def _counted(some: Sequence[Incident]) -> str:
    pupils = {incident.pupil for incident in some}
    what = "pupil" if "" not in pupils and len(pupils) == len(some) else "alert"
    return f"1 {what}" if len(some) == 1 else f"{len(some)} {what}s"


def compose_anew(
    incident: Incident, reason: Reason, context: MessageContext, turns: Sequence[Turn]
) -> Content:
    """Say how an incident stands, in the place of a message about it.

    Args:
        incident: as it stands now.
        reason: why the message was sent that stands there.
        context: school, disclosure, times, link.
        turns: what happened to it, in order.
    """
    told = _AS.get(Outcome(incident.outcome)) if incident.outcome else None
    if incident.active:
        # "Nobody has answered" is no heading for what somebody has answered since.
        content = compose(incident, Reason.OPENED if reason in CLIMBS else reason, context)
        content = replace(content, status=_status(incident, context, turns))
    elif told is None:
        content = compose(incident, reason, context)
        content = replace(content, status="The school day is over", tone=Tone.CALM, steps=())
    else:
        content = compose(incident, told, context)
        over = incident.closed_at or incident.updated_at
        ended = ("Ended", moment(over, context.now))
        content = replace(content, facts=(*content.facts[:-1], ended, *content.facts[-1:]))
    if incident.state is State.ACKNOWLEDGED:
        content = replace(content, tone=Tone.CALM)
    return replace(
        content,
        reason=reason,
        steps=(*_done(incident, context), *content.steps),
        footer=f"{content.footer} Brought up to date {moment(context.now, context.now)}.",
    )


def _status(incident: Incident, context: MessageContext, turns: Sequence[Turn]) -> str:
    """How an open incident stands, in some words; empty where nothing has happened to it."""
    if incident.state is State.ACKNOWLEDGED:
        taken = [turn for turn in turns if turn.act is Event.ACKNOWLEDGED]
        at = f" {moment(taken[-1].at, context.now)}" if taken else ""
        return f"Acknowledged by {incident.owner}{at}"
    told = [turn for turn in turns if turn.act in _OPEN]
    return f"{_OPEN[told[-1].act]} {moment(told[-1].at, context.now)}" if told else ""


def _done(incident: Incident, context: MessageContext) -> tuple[StepLine, ...]:
    return tuple(
        StepLine(f"✓ done {moment(step.done_at, context.now)}", step.text, step.done_by)
        for step in incident.steps
        if step.done_at is not None
    )
