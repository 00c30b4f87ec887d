"""What time alone does to an incident: acknowledgements lapse, alerts climb, school days end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mis_bridge.incidents.chain import next_step, present
from mis_bridge.incidents.chain_words import listed
from mis_bridge.incidents.climbing import (
    LAST_OF_ALL,
    first_escalation,
    goes_on_ringing,
    has_to_be_answered,
    last_step,
    next_climb,
    rounds,
)
from mis_bridge.incidents.families import family_of_incident
from mis_bridge.incidents.model import DAEMON, Event, Outcome, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.rules import day_end, day_is_over
from mis_bridge.registers.calendar import local_minute
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mis_bridge.incidents.ledger import Ledger
    from mis_bridge.incidents.model import Incident
    from mis_bridge.incidents.rules import IncidentRules

__all__ = [
    "let_time_pass",
    "next_look",
    "told_after_all",
]


def _ends_with_the_day(incident: Incident) -> bool:
    return family_of_incident(incident).ends_with_the_day


def _climbs(incident: Incident, at: datetime) -> bool:
    """Whether anybody is still rung about it at that time."""
    return not family_of_incident(incident).quiet_next_day or local_minute(at)[0] == incident.day


def told_after_all(now: datetime, rules: IncidentRules) -> datetime:
    """Return when people are told of what has come back so soon that it is damped, if it stays."""
    return now + timedelta(minutes=min(rules.damping_minutes, rules.ack_minutes))


def let_time_pass(ledger: Ledger, incident: Incident) -> None:
    """Take the steps that have fallen due for one active incident."""
    now, rules = ledger.now, ledger.rules
    if _ends_with_the_day(incident) and day_is_over(incident.day, now, rules):
        closed = ledger.change(
            incident,
            Event.DAY_ENDED,
            body="The school day is over.",
            reason=Reason.ENDED_QUIETLY,
            closed_at=now,
            closed_by=DAEMON,
            outcome=Outcome.DAY_ENDED,
            escalate_at=None,
            ack_expires_at=None,
        )
        ledger.keep_quiet(closed, Reason.ENDED_QUIETLY)
        return
    reason, why = Reason.UNACKNOWLEDGED, "Nobody has acknowledged it"
    lapses = incident.ack_expires_at
    if incident.state is State.ACKNOWLEDGED and lapses is not None and lapses <= now:
        incident = ledger.change(
            incident,
            Event.ACK_EXPIRED,
            body="The acknowledgement was not renewed.",
            owner="",
            ack_expires_at=None,
            escalate_at=now if incident.told and _goes_on(incident, rules) else None,
            escalations=0,
        )
        reason, why = Reason.LAPSED, "Nobody sees to it any more"
    due = incident.escalate_at
    if incident.state is not State.OPEN or due is None or due > now or not _climbs(incident, now):
        return
    if incident.told:
        _climb(ledger, incident, reason, why)
    else:
        _tell_after_all(ledger, incident)


def _goes_on(incident: Incident, rules: IncidentRules) -> bool:
    """Whether anybody is left to be told as long as nobody answers."""
    return last_step(incident) > 0 or has_to_be_answered(incident, rules)


def _climb(ledger: Ledger, incident: Incident, reason: Reason, why: str) -> None:
    """Tell the next people, and set the time after which those after them are told.

    Those of the chain's next step that leads to anybody; at its end everybody who was told, by the
    next channel of each, and IT where none of them is there any more. Whoever was told hears too
    that nobody sees to it any more.
    """
    staff, today = ledger.rules.staff, local_minute(ledger.now)[0]
    old = present(incident.told, staff, today)
    step = next_step(incident.chain, incident.escalations, staff, today)
    if step:
        count, new = step
        new = (*new, *_who_hears_on(incident, count, old))
        body = f"{why}; told next: {listed(new, staff)} ({count})."
        who = tuple(dict.fromkeys((*old, *new))) if reason is Reason.LAPSED else new
    elif has_to_be_answered(incident, ledger.rules):
        count = max(incident.escalations, last_step(incident)) + 1
        last = count >= last_step(incident) + rounds(incident, ledger.rules)
        if last and goes_on_ringing(incident, ledger.rules):
            # Nobody of those has answered: whoever else there is may find somebody who does.
            old = present((*old, *LAST_OF_ALL), staff, today)
        who = old or present((Audience.IT,), staff, today) or incident.told
        body = f"{why}; told by the next channel: {listed(who, staff)} ({count})."
    else:
        count, who = last_step(incident), ()
        body = f"{why}, and nobody of the steps that are left can be told."
    climbed = ledger.change(
        incident,
        Event.ESCALATED,
        body=body,
        reason=reason if who else Reason.NO_ROUTE,
        escalations=count,
        told=tuple(dict.fromkeys((*incident.told, *who))),
        escalate_at=next_climb(incident, count, ledger.now, ledger.rules),
    )
    if who:
        ledger.tell(climbed, reason, who)
    else:
        ledger.keep_quiet(climbed, Reason.NO_ROUTE)


def _who_hears_on(incident: Incident, count: int, told: Sequence[str]) -> tuple[str, ...]:
    """Those who go on hearing with a step of a chain that has the usual climbs in it.

    Such a chain begins again after a rise, and after an acknowledgement that has run out. By then
    more people may have been told than its steps up to this one name; without it each climb would
    tell them.
    """
    if not incident.chain or not incident.chain.whole:
        return ()
    named = {name for step in incident.chain.steps[: count + 1] for name in step.tell}
    return tuple(name for name in told if name not in named)


def _tell_after_all(ledger: Ledger, incident: Incident) -> None:
    """Tell of what had come back so soon that it was damped, and has stayed."""
    told = ledger.change(
        incident,
        Event.ESCALATED,
        body="It came back and has stayed; people are told again.",
        reason=Reason.REOPENED,
        told=incident.audience,
        escalate_at=first_escalation(incident, ledger.now, ledger.rules),
    )
    ledger.tell(told, Reason.REOPENED, told.told)


def next_look(incident: Incident, rules: IncidentRules) -> datetime | None:
    """Return when time alone will next change an active incident, or None."""
    due = incident.escalate_at
    climbs = incident.state is State.OPEN and due is not None and _climbs(incident, due)
    moments = [
        due if climbs else None,
        incident.ack_expires_at if incident.state is State.ACKNOWLEDGED else None,
        day_end(incident.day, rules) if _ends_with_the_day(incident) else None,
    ]
    return min((moment for moment in moments if moment is not None), default=None)
