"""What time alone does to an incident: acknowledgements lapse, routes climb, school days end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mis_bridge.incidents.families import family_of_incident
from mis_bridge.incidents.model import DAEMON, Event, Outcome, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import LONDON, local_minute

if TYPE_CHECKING:
    from datetime import date

    from mis_bridge.incidents.ledger import Ledger
    from mis_bridge.incidents.model import Incident
    from mis_bridge.incidents.rules import IncidentRules

__all__ = [
    "day_end",
    "day_is_over",
    "first_escalation",
    "let_time_pass",
    "next_look",
    "told_after_all",
]


def day_end(day: date, rules: IncidentRules) -> datetime:
    """Return when the school day ends for incidents that end with it, aware."""
    return datetime.combine(day, rules.day_ends, tzinfo=LONDON)


def day_is_over(day: date, now: datetime, rules: IncidentRules) -> bool:
    """Whether that school day has ended."""
    return now >= day_end(day, rules)


def _ends_with_the_day(incident: Incident) -> bool:
    return family_of_incident(incident).ends_with_the_day


def _has_to_be_answered(incident: Incident, rules: IncidentRules) -> bool:
    return incident.severity in rules.ack_severities and not _ends_with_the_day(incident)


def _climbs(incident: Incident, at: datetime) -> bool:
    """Whether anybody is still rung about it at that time."""
    return not family_of_incident(incident).quiet_next_day or local_minute(at)[0] == incident.day


def first_escalation(incident: Incident, now: datetime, rules: IncidentRules) -> datetime | None:
    """Return when the next people are told, counted from now; None where nobody has to answer."""
    if not _has_to_be_answered(incident, rules):
        return None
    return now + timedelta(minutes=rules.ack_minutes)


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
            escalate_at=now if incident.told and _has_to_be_answered(incident, rules) else None,
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


def _climb(ledger: Ledger, incident: Incident, reason: Reason, why: str) -> None:
    """Tell the next people, and set the time after which those after them are told."""
    rules, count = ledger.rules, incident.escalations + 1
    again = ledger.now + timedelta(minutes=rules.ack_minutes)
    climbed = ledger.change(
        incident,
        Event.ESCALATED,
        body=f"{why}; the next people are told ({count}).",
        reason=reason,
        escalations=count,
        escalate_at=again if count < rules.max_escalations else None,
    )
    ledger.tell(climbed, reason, climbed.told)


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
