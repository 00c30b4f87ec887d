"""Plain words for the facts of a day: times, marks, events. They hold no name and no free text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.registers.codes import by_byte, to_byte, to_code
from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.triggers.day_look import moment
from mis_bridge.triggers.day_walk import BLANK, MISSED, SAYS
from mis_bridge.triggers.model import Evidence

if TYPE_CHECKING:
    from collections.abc import Collection

    from mis_bridge.registers.day_sheet import Entry, Slot
    from mis_bridge.triggers.day_walk import DayWalk, Signal

__all__ = ["clock", "day_evidence", "listed", "saved"]

_MINUTES_A_DAY: Final = 24 * 60

# What a person wrote at the desk may hold a name or an illness; that it happened is enough here.
_EVENTS: Final = {
    EventKind.SIGN_IN: "signed in at the desk",
    EventKind.SIGN_OUT: "signed out at the desk",
    EventKind.MESSAGE: "a message about the pupil was recorded",
}
_IN_SCHOOL_NOT_IN_CLASS: Final = to_byte("&")
_LATE: Final = to_byte("L")


def clock(minute: int) -> str:
    """Give a minute of the day as people say it: ``10:02``, ``10:02 (2 days later)``."""
    days, minute = divmod(minute, _MINUTES_A_DAY)
    later = "" if days == 0 else " (the next day)" if days == 1 else f" ({days} days later)"
    return f"{minute // 60:02d}:{minute % 60:02d}{later}"


def listed(words: Collection[str]) -> str:
    """Join words for a sentence: ``P2``, ``P2 and P3``, ``P2, P3 and P4``."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def saved(signal: Signal) -> str:
    """Say which register and when it was saved: ``P2 (saved 10:02)``."""
    recorded = signal.entry.recorded
    return signal.slot.name if recorded is None else f"{signal.slot.name} (saved {clock(recorded)})"


def day_evidence(walk: DayWalk, slots: Collection[str] | None = None) -> tuple[Evidence, ...]:
    """Give all that is known of a pupil's day, in the order in which it became known.

    Args:
        walk: the day.
        slots: only the marks of these; events are always in.
    """
    day = walk.pupil.sheet.day
    facts: list[tuple[int, int, Evidence]] = []
    for slot, entry in walk.pupil.sheet.entries:
        says = SAYS[entry.code]
        if says in (0, BLANK) or (slots is not None and slot.name not in slots):
            continue
        at = None if entry.recorded is None else moment(day, entry.recorded)
        order = slot.starts if entry.recorded is None else entry.recorded
        facts.append((order, slot.starts, Evidence(at, slot.name, _mark(slot, entry))))
    facts.extend(
        (event.minute, event.minute, Evidence(moment(day, event.minute), "", what))
        for event in walk.events
        if (what := _EVENTS.get(EventKind(event.kind)))
    )
    return tuple(fact for _, _, fact in sorted(facts, key=lambda fact: fact[:2]))


def _mark(slot: Slot, entry: Entry) -> str:
    code = to_code(entry.code)
    if not entry.settled:
        return f"register opened, mark {code} not yet looked at"
    if SAYS[entry.code] == MISSED:
        return f"register taken, marked absent ({code})"
    if entry.code == _IN_SCHOOL_NOT_IN_CLASS:
        return f"in school, not in class ({code})"
    known = by_byte(entry.code)
    if not slot.is_session and known is not None and known.on_site:
        return f"{'late to' if entry.code == _LATE else 'present in'} the lesson ({code})"
    meaning = known.meaning if known is not None else ""
    return f"{meaning[:1].lower()}{meaning[1:]} ({code})"
