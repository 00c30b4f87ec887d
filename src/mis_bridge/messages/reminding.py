"""The words of reminders: an acknowledgement that runs out, a step whose time has passed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.reminders import overdue
from mis_bridge.messages.times import moment

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.incidents.model import Incident

__all__ = ["reminder_lead", "reminder_title"]


def reminder_title(reason: Reason, matter: str) -> str:
    """Return the heading; ``matter`` is what the incident is about inside a sentence."""
    if reason is Reason.ACK_ENDING:
        return f"Still being seen to? {matter[:1].upper()}{matter[1:]}"
    return f"Not written down as done: {matter}"


def reminder_lead(incident: Incident, reason: Reason, now: datetime) -> str:
    """Say who has to say something again, or which steps are late; nothing of the pupil."""
    if reason is Reason.ACK_ENDING:
        ends = incident.ack_expires_at
        until = f" until {moment(ends, now)}" if ends else ""
        return (
            f"{incident.owner} sees to it{until} and has not said so again. If nobody does, the "
            "next people are told then."
        )
    late = [
        f"“{state.text.rstrip('.')}” ({state.who}, by {moment(state.due_at, now)})"
        for state in overdue(incident, now)
        if state.due_at
    ]
    done = "it was done" if len(late) == 1 else "they were done"
    return f"Late, and nobody has written that {done}: {'; '.join(late)}."
