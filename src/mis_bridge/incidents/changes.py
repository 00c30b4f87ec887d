"""What happens to one incident when its matter is true, and when it is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mis_bridge.incidents.climbing import first_escalation
from mis_bridge.incidents.families import MISSING, family_of_incident
from mis_bridge.incidents.matters import in_time_order
from mis_bridge.incidents.model import DAEMON, Event, Outcome, State
from mis_bridge.incidents.protocol import start_steps
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.rules import day_is_over
from mis_bridge.incidents.waiting import told_after_all
from mis_bridge.registers.calendar import local_minute
from mis_bridge.triggers.model import Evidence, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from mis_bridge.incidents.ledger import Ledger
    from mis_bridge.incidents.matters import Matter
    from mis_bridge.incidents.model import Incident

__all__ = ["end", "meet", "open_incident", "reopen"]

_STILL_NEWS = timedelta(hours=24)
"""A child who went missing is told of this long after, where the feed was blind or a register was
saved the next morning, unless the child has been seen since."""

_EXPLAINED = frozenset({Outcome.EXPLAINED})
_ANSWERED = {
    "unexplained_absence": _EXPLAINED | {Outcome.DEALT_WITH},
    # Whoever closes it has heard of the new school, in whatever words: time raises it no more.
    "left_without_destination": _EXPLAINED
    | {Outcome.DEALT_WITH, Outcome.FOUND, Outcome.FALSE_ALARM},
}
"""What a person may say that holds whatever register misses the child next."""

_ENDS: dict[Event, tuple[Outcome, Reason]] = {
    Event.FOUND: (Outcome.FOUND, Reason.FOUND),
    Event.EXPLAINED: (Outcome.EXPLAINED, Reason.EXPLAINED),
    Event.CORRECTED: (Outcome.CORRECTED, Reason.CORRECTED),
    Event.CLEARED: (Outcome.CLEARED, Reason.FEED_BACK),
}


def meet(ledger: Ledger, matter: Matter, quiet_before: date | None) -> str:
    """Bring the incident of a matter that is true now up to date; return the incident's id."""
    identity = ledger.id_of(matter)
    known = _going_on(ledger, matter) or ledger.book.get(identity)
    if known is None:
        open_incident(ledger, matter, quiet_before)
        return identity
    if known.active and _news_at_last(known, matter, quiet_before):
        _announce(ledger, known, matter)
    elif known.active:
        update(ledger, known, matter)
    else:
        again(ledger, known, matter)
    return known.id


def _news_at_last(incident: Incident, matter: Matter, quiet_before: date | None) -> bool:
    """Whether what was true before the school was watched is true anew since."""
    return (
        matter.family.recurs
        and quiet_before is not None
        and not incident.told
        and incident.day < quiet_before <= matter.day
    )


def _announce(ledger: Ledger, incident: Incident, matter: Matter) -> None:
    """Tell people of an incident that was opened quietly."""
    chosen = ledger.chosen(matter)
    changed = ledger.change(
        incident,
        Event.CHANGED,
        body=matter.sentence,
        reason=Reason.OPENED,
        **_content(matter),
        day=matter.day,
        opened_at=matter.fired_at,
        audience=chosen.audience,
        told=chosen.audience,
        chain=chosen.chain,
    )
    changed = ledger.amend(changed, escalate_at=first_escalation(changed, ledger.now, ledger.rules))
    ledger.tell(changed, Reason.OPENED, chosen.audience)
    ledger.say_who(changed, chosen)


def _going_on(ledger: Ledger, matter: Matter) -> Incident | None:
    """Return the active incident of a recurring matter, on whatever day it was raised."""
    if not matter.family.recurs:
        return None
    stem = f"{matter.identity.episode}@"
    return next(
        (
            incident
            for incident in ledger.book.values()
            if incident.active
            and incident.family == matter.family.id
            and incident.pupil == matter.identity.pupil
            and incident.key.startswith(stem)
        ),
        None,
    )


def open_incident(ledger: Ledger, matter: Matter, quiet_before: date | None) -> Incident | None:
    """Open an incident, loudly or quietly, or only note why not; return it, or None."""
    draft = ledger.draft(matter)
    silence = _silence(ledger, matter, quiet_before)
    if silence is not None and not _opens_quietly(ledger, matter, quiet_before):
        ledger.keep_quiet(draft, silence)
        return None
    incident = ledger.change(
        draft,
        Event.RAISED,
        body=matter.sentence,
        reason=silence or Reason.OPENED,
        told=() if silence else draft.audience,
        escalate_at=None if silence else first_escalation(draft, ledger.now, ledger.rules),
    )
    if silence is not None:
        ledger.keep_quiet(incident, silence)
        return incident
    ledger.tell(incident, Reason.OPENED, incident.audience)
    ledger.say_who(incident, ledger.chosen(matter))
    _prepare_package(ledger, incident, matter)
    return incident


def _prepare_package(ledger: Ledger, incident: Incident, matter: Matter) -> None:
    """Plan the family's package once the matter is as serious as the family says."""
    family = matter.family
    if family.package and matter.level >= family.package_level:
        ledger.prepare(incident, family.package)


def _silence(ledger: Ledger, matter: Matter, quiet_before: date | None) -> Reason | None:
    """Return why nobody is told that this is true, or None where people are told."""
    if quiet_before is not None and matter.day < quiet_before:
        return Reason.BACKFILL
    if matter.family.ends_with_the_day and day_is_over(matter.day, ledger.now, ledger.rules):
        return Reason.DATA_TOO_OLD
    today, _ = local_minute(ledger.now)
    if matter.family.kind is Kind.DAY and matter.day < today:
        news = matter.family is MISSING and ledger.now - matter.fired_at <= _STILL_NEWS
        seen = matter.identity.pupil in ledger.seen_later
        return None if news and not seen else Reason.DATA_TOO_OLD
    return None


def _opens_quietly(ledger: Ledger, matter: Matter, quiet_before: date | None) -> bool:
    """Whether it is shown although nobody is told."""
    if matter.family.ends_with_the_day and day_is_over(matter.day, ledger.now, ledger.rules):
        return False
    backfilled = quiet_before is not None and matter.day < quiet_before
    return not backfilled or matter.family.kind not in {Kind.DAY, Kind.FEED}


def _content(matter: Matter) -> dict[str, Any]:
    return {
        "trigger": matter.trigger,
        "slot": matter.slot,
        "sentence": matter.sentence,
        "facts": matter.facts,
        "evidence": matter.evidence,
        "uncertain": matter.uncertain,
    }


def _both(one: Iterable[str], other: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))


def update(ledger: Ledger, incident: Incident, matter: Matter) -> None:
    """Raise an active incident, or write down what has changed; people hear of a rise only.

    The level is the highest that was reached: what falls and rises again is not told twice. A rise
    may choose another chain; where no rule fits the new level the old chain begins again.
    """
    content = _content(matter)
    if matter.level > incident.level:
        severity, chosen = ledger.severity(matter), ledger.chosen(matter)
        raised = ledger.change(
            incident,
            Event.LEVEL_RAISED,
            body=matter.sentence,
            reason=Reason.LEVEL_RAISED,
            **content,
            level=matter.level,
            severity=severity,
            audience=_both(incident.audience, chosen.audience),
            told=_both(incident.told, chosen.audience),
            chain=chosen.chain or incident.chain,
            escalations=0,
        )
        if raised.state is State.OPEN:
            # The step was written down; only its deadline is counted anew.
            raised = ledger.amend(
                raised, escalate_at=first_escalation(raised, ledger.now, ledger.rules)
            )
        ledger.tell(raised, Reason.LEVEL_RAISED, raised.told)
        if raised.chain != incident.chain or chosen.passed_over:
            ledger.say_who(raised, chosen)
        _prepare_package(ledger, raised, matter)
    elif matter.family.kind is Kind.FEED:
        return  # its numbers grow with every look; how it began is what counts
    elif any(getattr(incident, name) != value for name, value in content.items()):
        ledger.change(
            incident, Event.CHANGED, body=matter.sentence, reason=Reason.UNCHANGED, **content
        )


def again(ledger: Ledger, incident: Incident, matter: Matter) -> None:
    """Decide about a matter that is true although its incident has ended.

    What a person closed stays closed, unless it has become worse since, or another register misses
    the child since, and the person did not say that it is explained. What the registers closed, the
    registers open again; but of a child who was in school on a later day old marks are no news.
    """
    worse = matter.level > incident.level
    closed = incident.closed_at
    child = matter.family.about_a_child
    news = worse or (child and (closed is None or matter.newest_at > closed))
    if incident.outcome == Outcome.DAY_ENDED:
        return
    if incident.closed_by not in {"", DAEMON}:
        if news and incident.outcome not in _ANSWERED.get(matter.family.id, _EXPLAINED):
            reopen(ledger, incident, matter, None)
        return
    seen_later = closed is not None and local_minute(closed)[0] > matter.day
    if child and seen_later and not news and incident.outcome == Outcome.FOUND:
        return
    silence = _silence(ledger, matter, None)
    if silence is None and not matter.family.about_a_child and not worse:
        damping = timedelta(minutes=ledger.rules.damping_minutes)
        recent = incident.closed_at is not None and ledger.now - incident.closed_at < damping
        if recent or matter.family.once:
            silence = Reason.DAMPED
    reopen(ledger, incident, matter, silence)


def reopen(ledger: Ledger, incident: Incident, matter: Matter, silence: Reason | None) -> Incident:
    """Open an ended incident again under its old reference; silence says why nobody is told."""
    chosen = ledger.chosen(matter)
    told = _both(incident.told, chosen.audience)
    level = max(incident.level, matter.level)
    # An absence at the border of its level is not told twice in a year, however long it stays.
    is_flip = silence is Reason.DAMPED and not matter.family.once
    opened = ledger.change(
        incident,
        Event.RAISED_AGAIN,
        body=matter.sentence,
        reason=silence or Reason.REOPENED,
        **_content(matter),
        level=level,
        severity=ledger.severity(matter) if matter.level == level else incident.severity,
        opened_at=matter.fired_at,
        audience=_both(incident.audience, chosen.audience),
        chain=chosen.chain,
        # Those who were told of its end have not heard that it is back.
        told=() if silence else told,
        owner="",
        ack_expires_at=None,
        escalations=0,
        escalate_at=told_after_all(ledger.now, ledger.rules) if is_flip else None,
        closed_at=None,
        closed_by="",
        outcome="",
        ending="",
        steps=start_steps(
            ledger.protocol(matter.family.protocol),
            max(ledger.now, matter.fired_at),
            ledger.rules.years,
        ),
    )
    if silence is not None:
        ledger.keep_quiet(opened, silence)
        return opened
    opened = ledger.amend(opened, escalate_at=first_escalation(opened, ledger.now, ledger.rules))
    ledger.tell(opened, Reason.REOPENED, opened.told)
    ledger.say_who(opened, chosen)
    return opened


def end(
    ledger: Ledger,
    incident: Incident,
    event: Event,
    sentence: str,
    *,
    evidence: tuple[Evidence, ...] = (),
    **values: Any,
) -> Incident:
    """End an incident and tell everyone who was told of it.

    Args:
        ledger: what has changed so far.
        incident: an active incident.
        event: FOUND, EXPLAINED, CORRECTED or CLEARED.
        sentence: how it ended, no name.
        evidence: the facts behind the end, added to the incident's own.
        values: other fields that change with it.
    """
    outcome, reason = _ENDS[event]
    family = family_of_incident(incident)
    today, _ = local_minute(ledger.now)
    # The office that enters yesterday's reason today does not wait to be told of it; whoever was
    # told that nobody knows where a child is waits to hear that it was seen, once for all its days.
    stale = family.quiet_next_day and incident.day < today
    if stale and event is Event.FOUND:
        stale = any(_takes_over(other, incident) for other in ledger.book.values())
    loud = family.tells_the_end and not stale and bool(incident.told)
    ended = ledger.change(
        incident,
        event,
        body=sentence,
        reason=reason if loud else Reason.ENDED_QUIETLY,
        **{
            "evidence": in_time_order((*incident.evidence, *evidence)),
            "ending": sentence,
            "outcome": outcome,
            "closed_at": ledger.now,
            "closed_by": DAEMON,
            "ack_expires_at": None,
            "escalate_at": None,
            **values,
        },
    )
    if loud:
        ledger.tell(ended, reason, ended.told)
    else:
        ledger.keep_quiet(ended, Reason.ENDED_QUIETLY)
    return ended


def _takes_over(other: Incident, incident: Incident) -> bool:
    """Whether a later day's incident of the same child tells everybody that it was seen."""
    return (
        (other.family, other.pupil) == (incident.family, incident.pupil)
        and other.day > incident.day
        and (other.active or other.outcome == Outcome.FOUND)
        and set(incident.told) <= set(other.told)
    )
