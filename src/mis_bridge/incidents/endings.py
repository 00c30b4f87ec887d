"""Why a finding about a child is gone: seen, explained, corrected, or nobody can say.

A mark that disappeared is not a child who was found. Where the day as it stands does not show what
became of the pupil, there is no ending and the incident stays open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mis_bridge.incidents.model import Event
from mis_bridge.registers.calendar import local_datetime
from mis_bridge.registers.codes import NOT_TAKEN, by_byte, is_away, is_on_site, to_code
from mis_bridge.triggers.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from mis_bridge.incidents.model import Incident
    from mis_bridge.registers.day_sheet import Entry, Slot
    from mis_bridge.triggers.model import PupilDay

__all__ = ["Ending", "ending_of"]

_MINUTES_A_DAY = 24 * 60
_REASONS_AWAIT = frozenset({"N", "O"})


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of the pupil.

    Args:
        event: FOUND, EXPLAINED or CORRECTED.
        sentence: plain words, no name.
        evidence: the fact behind it.
        at: when the pupil was seen again, aware, or None where nobody noted it.
    """

    event: Event
    sentence: str
    evidence: Evidence
    at: datetime | None = None


def ending_of(incident: Incident, day: PupilDay) -> Ending | None:
    """Return why the finding behind an incident is gone, or None where nobody can say.

    In this order: a mark or sign-in that shows the pupil in school, in the lesson itself
    (CORRECTED) or elsewhere (FOUND); a sign-out (EXPLAINED); a reason in the register or a message
    (EXPLAINED). An untaken register, a withdrawn mark and an absence without a reason end nothing.

    Args:
        incident: an active incident about a child.
        day: that pupil's day as it stands now.
    """
    began = next(((s, e) for s, e in day.sheet.entries if s.name == incident.slot), None)
    # Whoever is absent without explanation is found by any sighting of the day; whoever went
    # missing from a lesson only by one from that lesson on.
    start = began[0].starts if began and incident.family == "missing_during_day" else 0
    return _seen(incident, day, start) or _signed_out(day) or _reason(incident, day, began, start)


def _moment(day: date, minute: int | None) -> datetime | None:
    if minute is None or not 0 <= minute < _MINUTES_A_DAY:
        return None
    return local_datetime(day, minute)


def _at(moment: datetime | None) -> str:
    return f" at {moment:%H:%M}" if moment else ""


def _sightings(day: PupilDay, start: int) -> Iterator[tuple[int, str, datetime | None]]:
    for slot, entry in day.sheet.entries:
        if slot.starts >= start and entry.settled and is_on_site(entry.code):
            moment = _moment(day.sheet.day, entry.recorded)
            order = entry.recorded if entry.recorded is not None else slot.starts
            yield (order, slot.name, moment)
    for event in day.events:
        if event.kind == "sign_in" and event.minute >= start:
            yield (event.minute, "", _moment(day.sheet.day, event.minute))


def _seen(incident: Incident, day: PupilDay, start: int) -> Ending | None:
    sightings = sorted(_sightings(day, start), key=lambda sighting: (sighting[0], sighting[1]))
    if not sightings:
        return None
    _, name, moment = sightings[0]
    if not name:
        return Ending(
            Event.FOUND,
            f"Signed in{_at(moment)}.",
            Evidence(moment, "", "signed in at the school's desk"),
            moment,
        )
    if incident.family == "missing_during_day":
        if name == incident.slot:
            return Ending(
                Event.CORRECTED,
                f"The mark of {name} was corrected{_at(moment)}: the pupil was there.",
                Evidence(moment, name, "mark corrected: present"),
                moment,
            )
        words = f"Seen again{_at(moment)} in {name}."
    else:
        words = f"In school: marked present in {name}{_at(moment)}."
    return Ending(Event.FOUND, words, Evidence(moment, name, "present"), moment)


def _signed_out(day: PupilDay) -> Ending | None:
    for event in day.events:
        if event.kind == "sign_out":
            moment = _moment(day.sheet.day, event.minute)
            return Ending(
                Event.EXPLAINED,
                f"Signed out at the school's desk{_at(moment)}.",
                Evidence(moment, "", "signed out at the school's desk"),
            )
    return None


def _reason(
    incident: Incident, day: PupilDay, began: tuple[Slot, Entry] | None, start: int
) -> Ending | None:
    if began is None or began[1].code == NOT_TAKEN:
        return None
    slot, entry = began
    code = to_code(entry.code)
    known = by_byte(entry.code)
    if known is not None and code not in _REASONS_AWAIT and not is_on_site(entry.code):
        moment = _moment(day.sheet.day, entry.recorded)
        # A sheet keeps the minute since which a pupil is known to be away; the reason came later.
        if moment is not None and moment <= incident.opened_at:
            moment = None
        return Ending(
            Event.EXPLAINED,
            f"The register now says {code} in {slot.name}: {known.meaning.lower()}.",
            Evidence(moment, slot.name, f"mark is now {code}"),
        )
    for event in day.events:
        if event.kind == "message" and event.minute >= start:
            moment = _moment(day.sheet.day, event.minute)
            return Ending(
                Event.EXPLAINED,
                f"A message about the absence was recorded{_at(moment)}.",
                Evidence(moment, "", "message about the absence"),
            )
    if incident.family == "missing_during_day" and is_away(entry.code):
        return _never_in(day, slot)
    return None


def _never_in(day: PupilDay, slot: Slot) -> Ending | None:
    """Return the ending where the marks that showed the pupil in school were taken back."""
    before = [e for s, e in day.sheet.entries if s.starts < slot.starts and e.code != NOT_TAKEN]
    if before and all(is_away(entry.code) for entry in before):
        return Ending(
            Event.CORRECTED,
            "The marks before it were corrected: the pupil has not been in school today. The "
            "absence itself is followed up as unexplained.",
            Evidence(None, slot.name, "earlier marks corrected to absent"),
        )
    return None
