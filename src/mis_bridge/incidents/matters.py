"""Findings brought together into matters: what one incident stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mis_bridge.incidents.families import Family, Identity, family_of, identity_of, rank_of
from mis_bridge.triggers.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from mis_bridge.triggers.model import Finding

__all__ = ["Matter", "in_time_order", "matter_of", "matters_of"]


@dataclass(frozen=True, slots=True)
class Matter:
    """What is true now about one episode.

    Args:
        identity: which episode.
        family: how it behaves.
        trigger: the trigger it stands for, the most serious of its findings.
        level: from 1.
        day, slot: where it belongs.
        fired_at: when the first of its findings became true, aware.
        newest_at: when the newest register behind them was saved, aware.
        sentence, facts, evidence, uncertain: as in ``Incident``.
    """

    identity: Identity
    family: Family
    trigger: str
    level: int
    day: date
    slot: str
    fired_at: datetime
    newest_at: datetime
    sentence: str
    facts: Mapping[str, int | str] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()
    uncertain: str = ""


def in_time_order(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Sort evidence by time, equal pieces once; what has no time stays where it stood."""
    unique = list(dict.fromkeys(evidence))
    timed = sorted((e for e in unique if e.at is not None), key=_moment)
    places = iter(timed)
    return tuple(e if e.at is None else next(places) for e in unique)


def _moment(evidence: Evidence) -> tuple[float, str]:
    return (evidence.at.timestamp() if evidence.at else 0.0, evidence.slot)


def matter_of(finding: Finding) -> Matter:
    """Return the matter of one finding alone."""
    return _one(identity_of(finding), (finding,))


def matters_of(findings: Iterable[Finding]) -> dict[Identity, Matter]:
    """Bring findings together, in the order in which they came."""
    groups: dict[Identity, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(identity_of(finding), []).append(finding)
    return {identity: _one(identity, group) for identity, group in groups.items()}


def _one(identity: Identity, group: Sequence[Finding]) -> Matter:
    family = family_of(group[0].trigger)
    lead = max(
        sorted(group, key=lambda finding: (finding.fired_at, finding.slot), reverse=True),
        key=lambda finding: rank_of(finding.trigger, finding.level),
    )
    first = min(group, key=lambda finding: (finding.fired_at, finding.slot))
    level = rank_of(lead.trigger, lead.level)
    newest = max(finding.newest_at or finding.fired_at for finding in group)
    if family.id == "register_not_taken" and any(finding.pupil for finding in group):
        return _untaken_register(identity, family, group)
    if family.id == "unexplained_absence" and len(group) > 1:
        ordered = sorted(group, key=lambda finding: (finding.fired_at, finding.slot))
        sentence = " ".join(dict.fromkeys(finding.sentence for finding in ordered))
        evidence = in_time_order(e for finding in ordered for e in finding.evidence)
    else:
        sentence, evidence = lead.sentence, in_time_order(lead.evidence)
    return Matter(
        identity,
        family,
        lead.trigger,
        level,
        lead.day,
        first.slot,
        first.fired_at,
        newest,
        sentence,
        dict(lead.facts),
        evidence,
        " ".join(dict.fromkeys(finding.uncertain for finding in group if finding.uncertain)),
    )


def _untaken_register(identity: Identity, family: Family, group: Sequence[Finding]) -> Matter:
    """Return one matter for a register whose pupils were found one by one: a count, no names."""
    first = min(group, key=lambda finding: finding.fired_at)
    pupils = len({finding.pupil for finding in group})
    register = str(first.facts.get("register", ""))
    named = f"{first.slot} ({register})" if register else first.slot
    count = "1 pupil has" if pupils == 1 else f"{pupils} pupils have"
    return Matter(
        identity,
        family,
        first.trigger,
        1,
        first.day,
        first.slot,
        first.fired_at,
        first.fired_at,
        f"The register of {named} has not been taken: {count} no mark.",
        {"register": register, "pupils": pupils},
        (Evidence(first.fired_at, first.slot, f"no marks for {pupils} of the pupils expected"),),
        " ".join(dict.fromkeys(finding.uncertain for finding in group if finding.uncertain)),
    )
