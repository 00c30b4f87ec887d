"""What time alone does to an incident: acknowledgements lapse, alerts climb, school days end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from mis_bridge.incidents.chain import ChainStep, next_step, present
from mis_bridge.incidents.chain_words import listed
from mis_bridge.incidents.families import MISSING, family_of_incident
from mis_bridge.incidents.model import DAEMON, Event, Outcome, State
from mis_bridge.incidents.reasons import Reason
from mis_bridge.registers.calendar import LONDON, local_minute
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from mis_bridge.incidents.families import Family
    from mis_bridge.incidents.ledger import Ledger
    from mis_bridge.incidents.model import Incident
    from mis_bridge.incidents.rules import IncidentRules
    from mis_bridge.triggers.model import Severity

__all__ = [
    "HOURLY",
    "LAST_OF_ALL",
    "day_end",
    "day_is_over",
    "first_escalation",
    "goes_on_hourly",
    "has_to_be_answered",
    "let_time_pass",
    "next_look",
    "told_after_all",
    "usual_climbs",
]


HOURLY = timedelta(hours=1)
"""Between two messages of a missing child whom nobody has answered for, once all were told."""

LAST_OF_ALL = (Audience.OFFICE, Audience.IT)
"""Who hears of a missing child too where nobody of those who were to be told has answered."""


def day_end(day: date, rules: IncidentRules) -> datetime:
    """Return when the school day ends for incidents that end with it, aware."""
    return datetime.combine(day, rules.day_ends, tzinfo=LONDON)


def day_is_over(day: date, now: datetime, rules: IncidentRules) -> bool:
    """Whether that school day has ended."""
    return now >= day_end(day, rules)


def _ends_with_the_day(incident: Incident) -> bool:
    return family_of_incident(incident).ends_with_the_day


def has_to_be_answered(incident: Incident, rules: IncidentRules) -> bool:
    """Whether somebody has to acknowledge it, so that others are told as long as nobody does."""
    return _asks(incident.severity, family_of_incident(incident), rules)


def _asks(severity: Severity, family: Family, rules: IncidentRules) -> bool:
    return severity in rules.ack_severities and not family.ends_with_the_day


def _climbs(incident: Incident, at: datetime) -> bool:
    """Whether anybody is still rung about it at that time."""
    return not family_of_incident(incident).quiet_next_day or local_minute(at)[0] == incident.day


def first_escalation(incident: Incident, now: datetime, rules: IncidentRules) -> datetime | None:
    """Return when the next people are told, counted from now; None where nobody has to answer."""
    return _next_climb(incident, incident.escalations, now, rules)


def _next_climb(
    incident: Incident, told: int, now: datetime, rules: IncidentRules
) -> datetime | None:
    """Return when the next people are told, after a step that is told now.

    The steps of the chain come first, each as long after the one before as the rule says; then, as
    without a chain, everybody again by the next channel, ``max_escalations`` times, unless those
    are among the steps. Of a missing child it does not stay at that: see ``goes_on_hourly``.
    """
    steps = incident.chain.steps if incident.chain else ()
    if told + 1 < len(steps):
        return now + timedelta(minutes=steps[told + 1].after - steps[told].after)
    if not has_to_be_answered(incident, rules):
        return None
    if told < _last(incident) + _rounds(incident, rules):
        return now + timedelta(minutes=rules.ack_minutes)
    again = now + HOURLY
    hourly = goes_on_hourly(incident, rules) and again <= day_end(incident.day, rules)
    return again if hourly else None


def usual_climbs(
    usual: Sequence[str], severity: Severity, family: Family, rules: IncidentRules
) -> tuple[ChainStep, ...]:
    """Return whom an incident without a chain tells after ``usual`` as long as nobody answers.

    Up to where it goes on hourly or stays at that: as ``_next_climb`` counts and ``_climb`` tells.
    """
    if not _asks(severity, family, rules):
        return ()
    last = rules.max_escalations
    return tuple(
        ChainStep(
            (*usual, *LAST_OF_ALL) if count == last and family is MISSING else tuple(usual),
            count * rules.ack_minutes,
        )
        for count in range(1, last + 1)
    )


def goes_on_hourly(incident: Incident, rules: IncidentRules) -> bool:
    """Whether people are told again every hour once everybody was told and nobody has answered.

    So it is of a child who is missing, until the school day is over: silence would look like
    somebody seeing to it. From the last climb before that on, ``LAST_OF_ALL`` hear too.
    """
    return has_to_be_answered(incident, rules) and family_of_incident(incident) is MISSING


def _last(incident: Incident) -> int:
    """The place of the last step of an incident's chain."""
    return len(incident.chain.steps) - 1 if incident.chain else 0


def _rounds(incident: Incident, rules: IncidentRules) -> int:
    """How often everybody is told again behind the last step of an incident's chain."""
    return 0 if incident.chain and incident.chain.whole else rules.max_escalations


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
    return _last(incident) > 0 or has_to_be_answered(incident, rules)


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
        count = max(incident.escalations, _last(incident)) + 1
        last = count >= _last(incident) + _rounds(incident, ledger.rules)
        if last and goes_on_hourly(incident, ledger.rules):
            # Nobody of those has answered: whoever else there is may find somebody who does.
            old = present((*old, *LAST_OF_ALL), staff, today)
        who = old or present((Audience.IT,), staff, today) or incident.told
        body = f"{why}; told by the next channel: {listed(who, staff)} ({count})."
    else:
        count, who = _last(incident), ()
        body = f"{why}, and nobody of the steps that are left can be told."
    climbed = ledger.change(
        incident,
        Event.ESCALATED,
        body=body,
        reason=reason if who else Reason.NO_ROUTE,
        escalations=count,
        told=tuple(dict.fromkeys((*incident.told, *who))),
        escalate_at=_next_climb(incident, count, ledger.now, ledger.rules),
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
