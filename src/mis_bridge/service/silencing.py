"""A person silences a matter, or ends a silence; both stand in the school's history.

What waits already is held with the rest, and let go with it. What has gone out has gone out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mis_bridge.errors import IncidentError
from mis_bridge.incidents.model import Act, AuditEntry
from mis_bridge.incidents.reasons import ASKS, Reason
from mis_bridge.incidents.said import named
from mis_bridge.incidents.silences import Silence, accepted
from mis_bridge.incidents.timing import Turn
from mis_bridge.messages.times import moment
from mis_bridge.registers.calendar import LONDON
from mis_bridge.service.people import find
from mis_bridge.service.turns import held_by, hold, may_be_silenced
from mis_bridge.settings.problems import nearest
from mis_bridge.store import audit, dirty, incidents, owed, pupils, silences
from mis_bridge.triggers.catalogue import TRIGGERS

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from mis_bridge.incidents.model import Incident
    from mis_bridge.registers.school_years import SchoolYears
    from mis_bridge.store.outbox import OutboxRow

__all__ = ["Wanted", "end", "silence"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for.

    Args:
        trigger: of which trigger nobody is to be told; empty where the incident says it.
        until: when people are told again, aware.
        author, why: who asks for it, and for what reason.
        pupil: only of this pupil, the MIS's pupil id, or empty.
        incident: only of this incident, its reference or id, or empty.
    """

    trigger: str
    until: datetime
    author: str
    why: str
    pupil: str = ""
    incident: str = ""


def silence(
    tx: Connection, school: str, years: SchoolYears, wanted: Wanted, now: datetime
) -> tuple[Silence, int]:
    """Have people told later of what is wanted.

    Args:
        tx: the transaction.
        school: whose.
        years: its calendars.
        wanted: what is asked for.
        now: aware.

    Returns:
        The silence, and how many messages that wait it holds.

    Raises:
        IncidentError: it is not one that a careful person may ask for; says why.
    """
    incidents.hold(tx, school)
    trigger, incident = wanted.trigger, ""
    if wanted.incident:
        about = find(tx, wanted.incident)
        if about.school != school:
            raise IncidentError(f"{about.reference} is an incident of {about.school}")
        if trigger not in ("", about.trigger):
            raise IncidentError(f"{about.reference} is about {about.trigger}, not {trigger}")
        if wanted.pupil:
            raise IncidentError("give --pupil or --incident, not both")
        trigger, incident = about.trigger, about.id
    if not trigger:
        raise IncidentError(
            "say of what nobody is to be told: --trigger, also beside --pupil, or --incident"
        )
    if trigger not in TRIGGERS:
        raise IncidentError(f'there is no trigger "{trigger}": {nearest(trigger, TRIGGERS)}')
    if wanted.pupil and pupils.remembered(tx, school, wanted.pupil) is None:
        raise IncidentError(
            f"{school} has no pupil with this id: give the MIS's own id, or an --incident"
        )
    draft = Silence(
        school,
        "",
        trigger,
        wanted.pupil,
        incident,
        wanted.author,
        wanted.why,
        now,
        wanted.until,
    )
    new = accepted(draft, TRIGGERS[trigger].INFO.severity, years)
    silences.add(tx, new)
    body = f"{_about(new)} silenced until {moment(new.ends_at, now)} ({new.id}): {new.why}"
    audit.append(
        tx, school, [AuditEntry(now, new.author, incident, Act.SILENCED, Reason.SILENCED, body)]
    )
    return new, _hold_what_waits(tx, new, now)


def _hold_what_waits(tx: Connection, new: Silence, now: datetime) -> int:
    """Hold what is decided and has not gone out; the time to answer is counted from the end."""
    about: dict[str, tuple[Incident, datetime]] = {}
    held: list[OutboxRow] = []
    for row in owed.untried(tx, new.school):
        incident = incidents.one(tx, row.school, row.incident)
        due = row.due_at or now
        if (
            incident is None
            or due >= new.ends_at
            or not may_be_silenced(row.reason)
            or not new.mutes(incident, now)
        ):
            continue
        at_once = replace(
            row, due_at=now, deadline_at=row.deadline_at and row.deadline_at - (due - now)
        )
        held.append(hold(at_once, Turn(new.ends_at, held_by(new), Reason.SILENCED), now))
        owed.retime(tx, held[-1])
        if row.reason in ASKS:
            _, first = about.get(incident.id, (incident, due))
            about[incident.id] = incident, min(first, due)
    # Where it was held already, the time to answer was counted from the end of that.
    later = [
        replace(one, escalate_at=one.escalate_at + (new.ends_at - max(first, now)))
        for one, first in about.values()
        if one.escalate_at is not None
    ]
    incidents.save(tx, later)
    return len(held)


def end(tx: Connection, school: str, identity: str, who: str, now: datetime) -> tuple[Silence, int]:
    """End a silence before its time: what it held goes out now.

    Args:
        tx: the transaction.
        school: whose.
        identity: of the silence.
        who: who ends it.
        now: aware.

    Returns:
        The silence as it was, and how many messages go out.

    Raises:
        IncidentError: there is none of this id, it has ended already, or nobody is named.
    """
    incidents.hold(tx, school)
    who = named(who, "say who ends the silence: the history needs a person")
    old = silences.get(tx, school, identity.upper())
    if old is None:
        raise IncidentError(f"there is no silence {identity}: see mis-bridge silences list --all")
    if old.ends_at <= now:
        raise IncidentError(f"{old.id} has ended already")
    silences.end(tx, old, who, now)
    body = f"{_about(old)}: the silence {old.id} is ended, people are told again."
    audit.append(tx, school, [AuditEntry(now, who, old.incident, Act.SILENCE_ENDED, "", body)])
    freed, about = 0, set[str]()
    for row in owed.untried(tx, school):
        if row.bundle.startswith(held_by(old)) and row.due_at is not None:
            earlier = old.ends_at - now
            owed.retime(
                tx,
                replace(
                    row,
                    due_at=row.due_at - earlier,
                    deadline_at=row.deadline_at and row.deadline_at - earlier,
                    held_until=row.due_at - earlier,
                ),
            )
            freed += 1
            if row.reason in ASKS:
                about.add(row.incident)
    for incident in sorted(about):
        _climb_sooner(tx, school, incident, old, now)
    dirty.mark(tx, school, [now.astimezone(LONDON).date()], now)
    return old, freed


def _climb_sooner(tx: Connection, school: str, identity: str, old: Silence, now: datetime) -> None:
    """Count the time to answer from now: it was counted from the end that was meant."""
    incident = incidents.one(tx, school, identity)
    if incident is not None and incident.escalate_at and incident.escalate_at >= old.ends_at:
        sooner = incident.escalate_at - (old.ends_at - now)
        incidents.save(tx, [replace(incident, escalate_at=sooner)])


def _about(silence: Silence) -> str:
    if silence.incident:
        return f"{silence.trigger} of this incident"
    return f"{silence.trigger} of one pupil" if silence.pupil else silence.trigger
