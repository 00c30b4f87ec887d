"""When the next people are told of an incident that nobody has answered, and who they are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.incidents.chain import ChainStep
from mis_bridge.incidents.families import MISSING, family_of_incident
from mis_bridge.incidents.rules import day_end
from mis_bridge.triggers.model import Audience

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mis_bridge.incidents.families import Family
    from mis_bridge.incidents.model import Incident
    from mis_bridge.incidents.rules import IncidentRules
    from mis_bridge.triggers.model import Severity

__all__ = [
    "HOURLY",
    "LAST_OF_ALL",
    "first_escalation",
    "goes_on_ringing",
    "has_to_be_answered",
    "last_step",
    "next_climb",
    "rounds",
    "usual_climbs",
]

HOURLY = timedelta(hours=1)
"""Between two messages of a missing child whom nobody has answered for, once all were told."""


LAST_OF_ALL = (Audience.OFFICE, Audience.IT)
"""Who hears of a missing child too where nobody of those who were to be told has answered."""


def has_to_be_answered(incident: Incident, rules: IncidentRules) -> bool:
    """Whether somebody has to acknowledge it, so that others are told as long as nobody does."""
    return _asks(incident.severity, family_of_incident(incident), rules)


def _asks(severity: Severity, family: Family, rules: IncidentRules) -> bool:
    return severity in rules.ack_severities and not family.ends_with_the_day


def first_escalation(incident: Incident, now: datetime, rules: IncidentRules) -> datetime | None:
    """Return when the next people are told, counted from now; None where nobody has to answer."""
    return next_climb(incident, incident.escalations, now, rules)


def next_climb(
    incident: Incident, told: int, now: datetime, rules: IncidentRules
) -> datetime | None:
    """Return when the next people are told, after a step that is told now.

    The steps of the chain come first, each as long after the one before as the rule says; then, as
    without a chain, everybody again by the next channel, ``max_escalations`` times, unless those
    are among the steps. Of a missing child it does not stay at that: see ``goes_on_ringing``.
    """
    steps = incident.chain.steps if incident.chain else ()
    if told + 1 < len(steps):
        return now + timedelta(minutes=steps[told + 1].after - steps[told].after)
    if not has_to_be_answered(incident, rules):
        return None
    if told < last_step(incident) + rounds(incident, rules):
        return now + timedelta(minutes=rules.ack_minutes)
    if not goes_on_ringing(incident, rules):
        return None
    again = now + HOURLY
    return again if again <= day_end(incident.day, rules) else rules.years.next_opening(now)


def usual_climbs(
    usual: Sequence[str], severity: Severity, family: Family, rules: IncidentRules
) -> tuple[ChainStep, ...]:
    """Return whom an incident without a chain tells after ``usual`` as long as nobody answers.

    Up to where it goes on ringing or stays at that: as ``next_climb`` counts and ``_climb`` tells.
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


def goes_on_ringing(incident: Incident, rules: IncidentRules) -> bool:
    """Whether people are told again and again once everybody was told and nobody has answered.

    So it is of a child who is missing: every hour until the school day is over, and then when each
    school day opens. Silence would look like somebody seeing to it. From the last climb before that
    on, ``LAST_OF_ALL`` hear too.
    """
    return has_to_be_answered(incident, rules) and family_of_incident(incident) is MISSING


def last_step(incident: Incident) -> int:
    """The place of the last step of an incident's chain."""
    return len(incident.chain.steps) - 1 if incident.chain else 0


def rounds(incident: Incident, rules: IncidentRules) -> int:
    """How often everybody is told again behind the last step of an incident's chain."""
    return 0 if incident.chain and incident.chain.whole else rules.max_escalations
