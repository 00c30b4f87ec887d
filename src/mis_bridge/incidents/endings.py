"""Why a finding about a child is gone: seen, explained, corrected, or nobody can say.

A mark that disappeared is not a child who was found. Where the day as it stands does not show what
became of the pupil, there is no ending and the incident stays open. The day is read as the
triggers read it: what is no sighting for them ends nothing here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.incidents.families import MISSING
from mis_bridge.incidents.model import Event
from mis_bridge.registers.calendar import Session, local_datetime
from mis_bridge.registers.codes import NOT_TAKEN, by_byte, is_away
from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.triggers.day_walk import ELSEWHERE, MISSED, SAYS, signed_out_during
from mis_bridge.triggers.model import Evidence

if TYPE_CHECKING:
    from datetime import date, datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.registers.day_sheet import Entry, Slot
    from mis_bridge.triggers.day_walk import DayWalk, Sighting

__all__ = ["Ending", "back_again", "ending_of"]

_MINUTES_A_DAY = 24 * 60

Began = tuple["Slot", "Entry"]
"""The slot that an incident is about, and its mark as it is now."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of the pupil.

    Args:
        event: FOUND, EXPLAINED or CORRECTED.
        sentence: plain words, no name.
        evidence: the fact behind it.
    """

    event: Event
    sentence: str
    evidence: Evidence


def ending_of(incident: Incident, walk: DayWalk) -> Ending | None:
    """Return why the finding behind an incident is gone, or None where nobody can say.

    In this order: a mark or sign-in that shows the pupil in school, in the lesson itself
    (CORRECTED) or elsewhere (FOUND); a sign-out (EXPLAINED); a reason in the register or a message
    (EXPLAINED). An untaken register, a withdrawn mark and an absence without a reason end nothing.

    Args:
        incident: an active incident about a child.
        walk: that pupil's day as it stands now.
    """
    began = next((one for one in walk.pupil.sheet.entries if one[0].name == incident.slot), None)
    # Whoever is absent without explanation is found by any sighting of the day; whoever went
    # missing from a lesson only by one from that lesson on.
    start = began[0].starts if began and incident.family == MISSING.id else 0
    return (
        _seen(incident, walk, start)
        or _signed_out(walk, began)
        or _reason(incident, walk, began, start)
    )


def back_again(walk: DayWalk) -> Ending | None:
    """Return the ending of an incident of an earlier day by a sighting of this one."""
    if not walk.sightings:
        return None
    day, sight = walk.pupil.sheet.day, walk.sightings[0]
    moment = _noted(walk, sight)
    where = f"marked present in {sight.slot.name}" if sight.slot else "signed in"
    return Ending(
        Event.FOUND,
        f"In school again on {day:%-d %B %Y}: {where}{_at(moment)}.",
        Evidence(moment, sight.slot.name if sight.slot else "", f"{where} on {day:%-d %B}"),
    )


def _moment(day: date, minute: int | None) -> datetime | None:
    if minute is None or not 0 <= minute < _MINUTES_A_DAY:
        return None
    return local_datetime(day, minute)


def _at(moment: datetime | None) -> str:
    return f" at {moment:%H:%M}" if moment else ""


def _noted(walk: DayWalk, sight: Sighting) -> datetime | None:
    """Return when somebody wrote down that the pupil was seen, None where nobody knows."""
    sheet = walk.pupil.sheet
    if sight.slot is None:
        return _moment(sheet.day, sight.known)
    entry = sheet.entry(sight.slot.name, sight.slot.kind)
    return _moment(sheet.day, entry.recorded if entry else None)


def _seen(incident: Incident, walk: DayWalk, start: int) -> Ending | None:
    sight = min(
        (sight for sight in walk.sightings if sight.order[0] >= start),
        key=lambda sight: (sight.known, sight.order),
        default=None,
    )
    if sight is None:
        return None
    moment = _noted(walk, sight)
    if sight.slot is None:
        return Ending(
            Event.FOUND,
            f"Signed in{_at(moment)}.",
            Evidence(moment, "", "signed in at the school's desk"),
        )
    name = sight.slot.name
    if incident.family != MISSING.id:
        words = f"In school: marked present in {name}{_at(moment)}."
    elif name == incident.slot:
        return Ending(
            Event.CORRECTED,
            f"The mark of {name} was corrected{_at(moment)}: the pupil was there.",
            Evidence(moment, name, "mark corrected: present"),
        )
    else:
        words = f"Seen again{_at(moment)} in {name}."
    return Ending(Event.FOUND, words, Evidence(moment, name, "present"))


def _signed_out(walk: DayWalk, began: Began | None) -> Ending | None:
    """Return the ending by a sign-out that holds, or that touches what the incident is about."""
    for since, until in reversed(walk.sign_outs):
        if walk.signed_out or (began and signed_out_during(began[0], [(since, until)])):
            moment = _moment(walk.pupil.sheet.day, since)
            return Ending(
                Event.EXPLAINED,
                f"Signed out at the school's desk{_at(moment)}.",
                Evidence(moment, "", "signed out at the school's desk"),
            )
    return None


def _reason(incident: Incident, walk: DayWalk, began: Began | None, start: int) -> Ending | None:
    day = walk.pupil.sheet.day
    afternoon = began[0].starts >= walk.afternoon if began else incident.slot == Session.PM
    # The mark itself, or that of the session which it lies in.
    for marked in (began, walk.elsewhere.get(afternoon)):
        known = by_byte(marked[1].code) if marked else None
        if marked and known and SAYS[known.byte] == ELSEWHERE:
            slot, entry = marked
            moment = _moment(day, entry.recorded)
            # A sheet keeps the minute since which a pupil is away; the reason came later.
            if moment is not None and moment <= incident.opened_at:
                moment = None
            return Ending(
                Event.EXPLAINED,
                f"The register now says {known.code} in {slot.name}: {known.meaning.lower()}.",
                Evidence(moment, slot.name, f"mark is now {known.code}"),
            )
    missing = incident.family == MISSING.id
    if missing and (began is None or SAYS[began[1].code] != MISSED):
        return None
    for event in walk.events:
        if event.kind == EventKind.MESSAGE and event.minute >= start:
            moment = _moment(day, event.minute)
            return Ending(
                Event.EXPLAINED,
                f"A message about the absence was recorded{_at(moment)}.",
                Evidence(moment, "", "message about the absence"),
            )
    return _never_in(walk, began[0]) if missing and began else None


def _never_in(walk: DayWalk, slot: Slot) -> Ending | None:
    """Return the ending where the marks that showed the pupil in school were taken back."""
    before = [entry for other, entry in walk.pupil.sheet.entries if other.starts < slot.starts]
    marks = [entry.code for entry in before if entry.code != NOT_TAKEN]
    if walk.sightings or not marks or not all(map(is_away, marks)):
        return None
    return Ending(
        Event.CORRECTED,
        "The marks before it were corrected: the pupil has not been in school today. The "
        "absence itself is followed up as unexplained.",
        Evidence(None, slot.name, "earlier marks corrected to absent"),
    )
