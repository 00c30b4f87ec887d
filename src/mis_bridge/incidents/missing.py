"""Children missing during the day: one incident from the first empty seat until they are seen.

A finding of missing_during_day opens or raises it; internal_truancy says that the pupil was seen
again and closes it as found. Of one pupil and day at most one is active. A missed lesson that was
over before anybody was told of a missing child is a small matter of its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from mis_bridge.incidents.changes import end, meet, reopen, update
from mis_bridge.incidents.families import MISSING
from mis_bridge.incidents.matters import matter_of
from mis_bridge.incidents.model import DAEMON, Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from mis_bridge.incidents.ledger import Ledger
    from mis_bridge.incidents.matters import Matter
    from mis_bridge.incidents.model import Incident
    from mis_bridge.triggers.model import Finding

__all__ = ["TRIGGERS", "reconcile_missing"]

_TRUANCY = "internal_truancy"
TRIGGERS = frozenset({"missing_during_day", _TRUANCY})
"""The triggers whose findings are looked at here."""


def reconcile_missing(
    ledger: Ledger,
    findings: Sequence[Finding],
    held: Iterable[Finding],
    quiet_before: date | None,
) -> set[str]:
    """Bring all incidents of the family up to date with what is true now.

    Args:
        ledger: what has changed so far.
        findings: of missing_during_day and internal_truancy.
        held: of the same triggers, held back: they open nothing and end nothing.
        quiet_before: as in ``reconcile``.

    Returns:
        Ids of incidents that are settled: what is active and not among them has no finding any
        more.
    """
    kept = {(finding.pupil, finding.day) for finding in held}
    by_pupil: dict[tuple[str, date], list[Finding]] = {key: [] for key in kept}
    for finding in findings:
        by_pupil.setdefault((finding.pupil, finding.day), []).append(finding)
    alive: set[str] = set()
    for (pupil, day), group in by_pupil.items():
        truancies = [finding for finding in group if finding.trigger == _TRUANCY]
        absences = [finding for finding in group if finding.trigger != _TRUANCY]
        active = _active(ledger, pupil, day)
        if absences:
            alive.add(_still_missing(ledger, active, absences, quiet_before))
        elif active is not None and (pupil, day) in kept:
            alive.add(active.id)
        elif active is not None:
            # A lesson missed earlier in the day says nothing of the one that is missed now.
            for finding in truancies:
                if finding.slot == active.slot:
                    alive.add(_seen_again(ledger, active, matter_of(finding)).id)
        for finding in truancies:
            matter = matter_of(finding)
            known = ledger.id_of(matter) in ledger.book
            if known or not _covered(ledger, finding):
                alive.add(meet(ledger, matter, quiet_before))
    return alive


def _of_day(ledger: Ledger, pupil: str, day: date) -> list[Incident]:
    return [
        incident
        for incident in ledger.book.values()
        if incident.family == MISSING.id and incident.pupil == pupil and incident.day == day
    ]


def _active(ledger: Ledger, pupil: str, day: date) -> Incident | None:
    active = [incident for incident in _of_day(ledger, pupil, day) if incident.active]
    return max(active, key=lambda incident: (incident.opened_at, incident.id), default=None)


def _still_missing(
    ledger: Ledger,
    active: Incident | None,
    absences: Sequence[Finding],
    quiet_before: date | None,
) -> str:
    matter = matter_of(max(absences, key=lambda finding: (finding.fired_at, finding.slot)))
    if active is not None:
        update(ledger, active, matter)
        return active.id
    known = ledger.book.get(ledger.id_of(matter))
    recent = None if known is not None else _recently_ended(ledger, matter)
    if recent is not None:
        return reopen(ledger, recent, matter, None).id
    return meet(ledger, matter, quiet_before)


def _recently_ended(ledger: Ledger, matter: Matter) -> Incident | None:
    """Return the incident that the registers ended so lately that this is the same matter."""
    damping = timedelta(minutes=ledger.rules.damping_minutes)
    recent = [
        incident
        for incident in _of_day(ledger, matter.identity.pupil, matter.day)
        if incident.closed_by == DAEMON
        and incident.closed_at is not None
        and ledger.now - incident.closed_at < damping
    ]
    return max(recent, key=lambda incident: (incident.updated_at, incident.id), default=None)


def _seen_again(ledger: Ledger, incident: Incident, truancy: Matter) -> Incident:
    return end(
        ledger,
        incident,
        Event.FOUND,
        truancy.sentence,
        evidence=truancy.evidence,
        trigger=truancy.trigger,
        facts=truancy.facts,
        uncertain=truancy.uncertain,
    )


def _covered(ledger: Ledger, truancy: Finding) -> bool:
    """Whether an incident already tells of this missed lesson: began with it, or shows its mark."""
    began = f"{truancy.day.isoformat()}/{truancy.slot}"
    return any(
        incident.key == began or truancy.slot in {e.slot for e in incident.evidence}
        for incident in _of_day(ledger, truancy.pupil, truancy.day)
    )
