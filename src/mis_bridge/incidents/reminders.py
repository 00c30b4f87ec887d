"""Reminders of what is left to do: an acknowledgement that runs out, a step whose time has passed.

Level-triggered like everything here: when a reminder is due follows from what is stored, and that
it was given is stored with what it reminded of. Each is given once, to those who were told.

Who is not reminded, and why:

- nobody of a matter of low severity, and of those that come by the dozen on one morning
  (``Family.many_at_once``): thirty reminders would hide the one that matters;
- of what is to be done at once after a child's return: the message that tells of it asks for it;
- of the other steps after a return, nobody where the child was found before anybody had
  answered and before the next people were told: a mark that came late was no missing episode.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mis_bridge.incidents.chain import present
from mis_bridge.incidents.families import family_of_incident
from mis_bridge.incidents.model import DAEMON, Event, Outcome, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.steps import Clock
from mis_bridge.registers.calendar import LONDON, local_minute
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from datetime import datetime

    from mis_bridge.incidents.ledger import Ledger
    from mis_bridge.incidents.model import Incident, StepState
    from mis_bridge.incidents.rules import IncidentRules

__all__ = ["TOO_OLD", "moot", "next_reminder", "overdue", "remind", "reminder_of"]

TOGETHER: Final = timedelta(minutes=5)
"""Steps that fall due within this time are told together, with the last of them."""

SAID_WITH_THE_END: Final = timedelta(minutes=15)
"""What is to be done this soon after a return is asked for by the message that tells of it."""

TOO_OLD: Final = timedelta(days=7)
"""A deadline that passed this long ago unseen (nothing ran, or an update) is not told any more."""

_LEFT: Final = timedelta(minutes=5)
"""Less time than this is no warning: a shorter acknowledgement is not reminded of."""


def reminder_of(incident: Incident, now: datetime, until: datetime) -> datetime | None:
    """Return when people are reminded of an acknowledgement: after three quarters of its time.

    Args:
        incident: what is acknowledged.
        now: since when, aware.
        until: when it lapses, aware.

    Returns:
        None where nobody was told, or where too little time would be left to act on it.
    """
    quarter = (until - now) / 4
    return until - quarter if incident.told and quarter >= _LEFT else None


def remind(ledger: Ledger, incident: Incident) -> None:
    """Remind those who were told of one incident, and are still there, of what has fallen due."""
    now = ledger.now
    there = present(incident.told, ledger.rules.staff, local_minute(now)[0])
    ending, until = _ack_reminder(incident, ledger.rules), incident.ack_expires_at
    if ending is not None and ending <= now and until is not None:
        incident = ledger.change(
            incident,
            Event.REMINDED,
            body=f"The acknowledgement runs out at {until.astimezone(LONDON):%H:%M}.",
            reason=Reason.ACK_ENDING,
            remind_at=None,
        )
        ledger.tell(incident, Reason.ACK_ENDING, there)
    due = _step_reminder(incident, now)
    if due is None or due > now:
        return
    late = [state for state in _unreminded(incident, now) if state.due_at and state.due_at <= now]
    steps = tuple(
        replace(state, reminded_at=now) if state in late else state for state in incident.steps
    )
    # What people are told of at this very moment lists the steps, and which are late.
    said_now = {plan.audience for plan in ledger.messages if plan.incident.id == incident.id}
    who = [one for one in there if one not in said_now]
    if said_now and not who:
        ledger.amend(incident, steps=steps)
        return
    told = ledger.change(
        incident,
        Event.REMINDED,
        body=f"Not written down as done: {' '.join(state.text for state in late)}",
        reason=Reason.STEP_OVERDUE,
        steps=steps,
    )
    if who:
        ledger.tell(told, Reason.STEP_OVERDUE, who)
    else:
        ledger.keep_quiet(told, Reason.NO_ROUTE)


def next_reminder(incident: Incident, now: datetime, rules: IncidentRules) -> datetime | None:
    """Return when somebody is next reminded of an incident, or None."""
    moments = (_ack_reminder(incident, rules), _step_reminder(incident, now))
    return min((moment for moment in moments if moment is not None), default=None)


def overdue(incident: Incident, now: datetime) -> tuple[StepState, ...]:
    """Return the steps that people were reminded of last and that are still not done."""
    reminded = [state for state in _at_hand(incident) if state.reminded_at]
    last = max((state.reminded_at for state in reminded if state.reminded_at), default=None)
    return tuple(
        state
        for state in reminded
        if state.reminded_at == last and state.due_at and state.due_at <= now
    )


def moot(incident: Incident, reason: Reason, now: datetime) -> Reason | None:
    """Return why a reminder that waits to be sent is not sent any more, or None where it is.

    Args:
        incident: as it stands now.
        reason: of ``reasons.REMINDERS``.
        now: aware.
    """
    if reason is Reason.STEP_OVERDUE:
        if not incident.active and not _found(incident):
            return Reason.CLEARED_BEFORE_SENDING
        return None if overdue(incident, now) else Reason.STEPS_DONE
    if not incident.active:
        return Reason.CLEARED_BEFORE_SENDING
    if incident.state is not State.ACKNOWLEDGED:
        return Reason.SUPERSEDED
    return Reason.ACKNOWLEDGED if incident.remind_at is not None else None


def _ack_reminder(incident: Incident, rules: IncidentRules) -> datetime | None:
    """Return when people are reminded of an acknowledgement, where its end tells anybody."""
    climbs = incident.severity in rules.ack_severities
    family = family_of_incident(incident)
    if incident.state is not State.ACKNOWLEDGED or not climbs or not incident.told:
        return None
    return None if family.ends_with_the_day or family.many_at_once else incident.remind_at


def _step_reminder(incident: Incident, now: datetime) -> datetime | None:
    """Return when people are next reminded of a step, or None."""
    waiting = [state.due_at for state in _unreminded(incident, now) if state.due_at]
    if not waiting:
        return None
    return max(moment for moment in waiting if moment <= min(waiting) + TOGETHER)


def _unreminded(incident: Incident, now: datetime) -> list[StepState]:
    """Return the steps with a deadline that people will be, or are to be, reminded of."""
    family = family_of_incident(incident)
    if not incident.told or family.many_at_once or incident.severity is Severity.LOW:
        return []
    if not incident.active and not _was_an_episode(incident):
        return []
    ended = None if incident.active else incident.closed_at
    return [
        state
        for state in _at_hand(incident)
        if state.due_at and not state.reminded_at and now - state.due_at <= TOO_OLD
        if ended is None or state.due_at - ended > SAID_WITH_THE_END
    ]


def _at_hand(incident: Incident) -> list[StepState]:
    """Return the steps that are not done and that it is the time for."""
    if not incident.active and not _found(incident):
        return []
    wanted = Clock.OPENED if incident.active else Clock.FOUND
    return [state for state in incident.steps if state.after == wanted and not state.done_at]


def _found(incident: Incident) -> bool:
    """Whether the child is back and what comes after it may still be left to do.

    A person who closes what the registers have found has seen to the rest. A person who says that
    the child was found ends the search; the return interview is still to come.
    """
    by_person = incident.closed_by not in {"", DAEMON}
    return incident.state is State.FOUND or (by_person and incident.outcome == Outcome.FOUND)


def _was_an_episode(incident: Incident) -> bool:
    """Whether somebody had begun to act, or had to, before the child was found."""
    return bool(
        incident.owner
        or incident.escalations
        or incident.level > 1
        or any(state.done_at for state in incident.steps)
    )
