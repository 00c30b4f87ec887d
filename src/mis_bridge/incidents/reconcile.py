"""From what is open and what is true now to what has to be stored and said.

The order: held findings keep what they speak of alive; findings are brought together into matters;
each matter opens, raises, changes or reopens its incident; what is in scope and no longer true
ends; time does its part; at last those who were told are reminded of what is left to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.incidents import missing
from mis_bridge.incidents.changes import end, meet
from mis_bridge.incidents.endings import back_again, ending_of
from mis_bridge.incidents.families import family_of_incident
from mis_bridge.incidents.ledger import Ledger
from mis_bridge.incidents.matters import matter_of, matters_of
from mis_bridge.incidents.model import Event
from mis_bridge.incidents.reasons import Reason
from mis_bridge.incidents.reminders import next_reminder, remind
from mis_bridge.incidents.waiting import let_time_pass, next_look
from mis_bridge.registers.calendar import AcademicYear, minutes_after_midnight
from mis_bridge.triggers.day_walk import walk
from mis_bridge.triggers.model import Kind
from mis_bridge.triggers.self_check_failed import HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from mis_bridge.incidents.chain import Traits
    from mis_bridge.incidents.model import Decision, Incident, Scope
    from mis_bridge.incidents.rules import IncidentRules
    from mis_bridge.triggers.day_walk import DayWalk
    from mis_bridge.triggers.model import Assessment, PupilDay

__all__ = ["reconcile"]


def reconcile(
    school: str,
    known: Iterable[Incident],
    assessment: Assessment,
    now: datetime,
    *,
    rules: IncidentRules,
    data_as_of: datetime | None,
    scope: Scope,
    pupils: Mapping[str, PupilDay] | None = None,
    quiet_before: date | None = None,
    seen_later: frozenset[str] = frozenset(),
    traits: Mapping[str, Traits] | None = None,
) -> Decision:
    """Return what has to change so that the incidents agree with the registers.

    Level-triggered: only what is stored and what is true now is looked at, never which event
    came. Called again with the incidents as it left them and the same assessment, it changes
    nothing.

    Args:
        school: school id.
        known: every active incident of the school, and every found or closed one that an
            assessment in this scope could speak of again: for a day those of that day, and of
            earlier ones those of which people may have to be reminded since; for strips those of
            the academic year, for a feed those of today. Leaving a closed one out tells people
            again of what a person has closed.
        assessment: what the triggers say.
        now: aware.
        rules: what the school has set.
        data_as_of: up to when the registers are known, aware, or None.
        scope: what the assessment looked at.
        pupils: for a day: the pupils' days that it looked at, by pupil id. They tell why a
            finding is gone (seen, explained, corrected). Without them a child's incident is only
            closed by a finding that says the child was seen.
        quiet_before: on the first load of a school: findings about days before this one are not
            told. Day findings then open nothing; strip findings open quietly.
        seen_later: for a day gone by: pupils who were seen in school since. That one of them was
            missing then is shown and not told.
        traits: by pupil id, flags and year group of those whom the assessment looked at, for the
            rules of escalation; a pupil who is not in it has none.
    """
    ledger = Ledger.of(school, known, now, rules, data_as_of, seen_later, traits)
    alive = _hold_back(ledger, assessment)
    others = [f for f in assessment.findings if f.trigger not in missing.TRIGGERS]
    for matter in matters_of(others).values():
        alive.add(meet(ledger, matter, quiet_before))
    alive |= missing.reconcile_missing(
        ledger,
        [f for f in assessment.findings if f.trigger in missing.TRIGGERS],
        [f for f, _ in assessment.held if f.trigger in missing.TRIGGERS],
        quiet_before,
    )
    _end_what_is_over(ledger, scope, alive, pupils)
    for incident in list(ledger.book.values()):
        if incident.active:
            let_time_pass(ledger, incident)
    for incident in list(ledger.book.values()):
        if _is_looked_after(incident, scope):
            remind(ledger, incident)
    looks = [
        moment
        for incident in ledger.book.values()
        if incident.active and (moment := next_look(incident, rules)) is not None
    ]
    looks += [
        moment
        for incident in ledger.book.values()
        if _is_looked_after(incident, scope)
        if (moment := next_reminder(incident, now, rules)) is not None
    ]
    if assessment.look_again is not None:
        looks.append(assessment.look_again)
    return ledger.decision(min(looks, default=None))


def _hold_back(ledger: Ledger, assessment: Assessment) -> set[str]:
    """Note what is held back, and return the ids of incidents that it keeps from ending."""
    alive = set()
    for finding, why in assessment.held:
        draft = ledger.draft(matter_of(finding))
        alive.add(draft.id)
        if draft.id not in ledger.book:
            ledger.keep_quiet(draft, Reason(why))
    return alive


def _end_what_is_over(
    ledger: Ledger, scope: Scope, alive: set[str], pupils: Mapping[str, PupilDay] | None
) -> None:
    for incident in list(ledger.book.values()):
        if not incident.active or incident.id in alive:
            continue
        if _inside(incident, scope):
            _end_one(ledger, incident, pupils)
        elif scope.kind is Kind.DAY and incident.day < scope.day:
            _end_by_a_later_day(ledger, incident, pupils)


def _inside(incident: Incident, scope: Scope) -> bool:
    """Whether the assessment would have spoken of this incident if it were still true."""
    if family_of_incident(incident).kind is not scope.kind:
        return False
    if incident.pupil and scope.pupils is not None and incident.pupil not in scope.pupils:
        return False
    if scope.kind is Kind.DAY:
        return incident.day == scope.day
    if scope.kind is Kind.STRIP:
        return incident.day in AcademicYear.of(scope.day)
    return True


def _is_looked_after(incident: Incident, scope: Scope) -> bool:
    """Whether people are reminded here of what is left to do about an incident.

    A child who is back on a later day ends an incident whose own day nobody looks at any more.
    """
    if incident.active or _inside(incident, scope):
        return True
    of_a_day = family_of_incident(incident).kind is scope.kind is Kind.DAY
    return of_a_day and incident.day < scope.day


_OVER: Final = {
    "register_not_taken": "The register has been taken.",
    "register_anomaly": "The register was put right.",
    "internal_truancy": "The marks no longer say that a lesson was missed.",
    "marks_disagree": "The marks no longer contradict each other.",
    "feed_blind": "The registers can be read again.",
    "channel_failing": "The channel delivers again.",
    "undelivered": "Those who should have been told have been reached, or the matter is over.",
    "certificate_expiring": "Another certificate or secret is in place.",
    "not_watched": "The school is watched again.",
    "self_check_failed": "mis-bridge finds nothing wrong with its work for this school any more.",
    "calendar_wrong": "The calendar and the registers agree again.",
    "absence_level": "The absence is below the level again.",
    "whereabouts_unknown": "There is another mark than N or O: the pupil was seen, or a reason is "
    "known.",
    "ten_day_absence": "The run is over: the pupil attended again, or an absence was authorised. "
    "Check a return that has not been sent yet.",
    "twenty_day_absence": "The run is over: there is another mark than G, N or O.",
    "not_returned_from_leave": "There is another mark than G, N or O since the leave.",
    "twenty_sessions": "The marks were corrected: fewer sessions were missed.",
    "sickness": "The pupil is back, or the marks were corrected.",
    "penalty_threshold": "The last ten school weeks hold fewer unauthorised sessions.",
    "reason_overdue": "No N is overdue any more.",
    "absence_pattern": "The absences no longer have a pattern beyond chance.",
    "lateness_pattern": "The lateness is no longer rising.",
    "left_without_destination": "A destination is recorded, or the pupil is on a roll again.",
    "newly_in_care": "The first days in care are over, or the date was corrected.",
    "repeat_missing": "There are fewer such days within the window again.",
}


_HOLDS: Final = (
    "The history is as it was written again, or a person has accepted what was found: "
    "mis-bridge audit verify says who, and why."
)


def _end_one(ledger: Ledger, incident: Incident, pupils: Mapping[str, PupilDay] | None) -> None:
    family = family_of_incident(incident)
    if not family.about_a_child:
        # That the registers can be read again is the one quiet end that people wait for.
        corrected = family.tells_the_end and family.kind is not Kind.FEED
        event = Event.CORRECTED if corrected else Event.CLEARED
        over = _OVER.get(family.id, "It is no longer true.")
        end(ledger, incident, event, _HOLDS if incident.facts.get("about") == HISTORY else over)
        return
    walked = _walked(ledger, incident, pupils)
    if walked is None:
        return
    ending = ending_of(incident, walked)
    if ending is not None:
        end(ledger, incident, ending.event, ending.sentence, evidence=(ending.evidence,))
    elif incident.uncertain != _NOBODY_KNOWS:
        ledger.change(
            incident,
            Event.CHANGED,
            body=_NOBODY_KNOWS,
            reason=Reason.UNCHANGED,
            uncertain=_NOBODY_KNOWS,
        )


def _end_by_a_later_day(
    ledger: Ledger, incident: Incident, pupils: Mapping[str, PupilDay] | None
) -> None:
    """End what is about a child who was seen on a later day, whatever the marks of its own say."""
    walked = _walked(ledger, incident, pupils)
    ending = back_again(walked) if walked else None
    if ending is not None and family_of_incident(incident).about_a_child:
        end(ledger, incident, ending.event, ending.sentence, evidence=(ending.evidence,))


def _walked(
    ledger: Ledger, incident: Incident, pupils: Mapping[str, PupilDay] | None
) -> DayWalk | None:
    """Walk the day of an incident's pupil as it stands now, None where it was not looked at."""
    day = pupils.get(incident.pupil) if pupils is not None else None
    if day is None:
        return None
    return walk(day, minutes_after_midnight(ledger.now, day.sheet.day))


_NOBODY_KNOWS = (
    "The mark that raised this was withdrawn, and nothing shows that the pupil was seen since."
)
