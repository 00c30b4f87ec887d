"""What a school may set about its incidents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from typing import TYPE_CHECKING

from mis_bridge.registers.calendar import LONDON
from mis_bridge.registers.school_years import SchoolYears
from mis_bridge.triggers.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mis_bridge.incidents.chain import Rule, Staff
    from mis_bridge.incidents.protocol import Step
    from mis_bridge.triggers.model import TriggerInfo

__all__ = ["IncidentRules", "day_end", "day_is_over"]


@dataclass(frozen=True, slots=True)
class IncidentRules:
    """What a school may set about its incidents, and what the triggers say of themselves.

    Args:
        damping_minutes: a child missing again this soon after being seen again is the same
            incident; a register or mark that flips this soon is not told of again.
        ack_minutes: an incident of ``ack_severities`` that nobody acknowledged for this long is
            told to the next people in the route.
        acknowledged_minutes: how long an acknowledgement holds before it has to be renewed.
        max_escalations: how often the next people are told before it stays at that. Of a missing
            child the office and IT hear at the last time too, and all of them every hour from then
            until ``day_ends``, and when each school day after it opens.
        ack_severities: severities that somebody has to acknowledge.
        day_ends: local time at which the school day is over for incidents that end with it.
        triggers: what each trigger says of itself; None: the catalogue.
        protocols: steps by protocol id; None: the national ones.
        years: the school's calendars, for deadlines in school days.
        escalation: who is told in which order, first rule first; where none fits, as usual.
        staff: who can be told; None: everybody.
    """

    damping_minutes: int = 60
    ack_minutes: int = 15
    acknowledged_minutes: int = 120
    max_escalations: int = 3
    ack_severities: frozenset[Severity] = field(
        default=frozenset({Severity.CRITICAL, Severity.HIGH})
    )
    day_ends: time = time(17, 30)
    triggers: Mapping[str, TriggerInfo] | None = None
    protocols: Mapping[str, tuple[Step, ...]] | None = None
    years: SchoolYears = field(default=SchoolYears())
    escalation: tuple[Rule, ...] = ()
    staff: Staff | None = None


def day_end(day: date, rules: IncidentRules) -> datetime:
    """Return when the school day ends for incidents that end with it, aware."""
    return datetime.combine(day, rules.day_ends, tzinfo=LONDON)


def day_is_over(day: date, now: datetime, rules: IncidentRules) -> bool:
    """Whether that school day has ended."""
    return now >= day_end(day, rules)
