"""The walk over one pupil's day: who saw the child when, and which registers then miss it.

Marks are ordered by their place in the day, not by when they were saved: a register of the second
lesson that is saved in the third still says something about the second. A mark counts at its
slot's start, with three exceptions that say when the child arrived: L, U and a sign-in count at
their minute. That order decides everything:

- a *sighting* is positive evidence that the child was in the school;
- a *signal* is a register that was taken, that says the child is absent, where it was expected;
- a signal after the first sighting and before the last one is a lesson missed by a child who is
  in the school;
- a signal after the last sighting is a child who is missing;
- a signal before the first sighting is a child who had not arrived yet.

A register that was not taken is neither, and neither is one that the MIS filled in and nobody has
touched (``Entry.settled``). Nobody can have seen the child in a lesson that lies ahead: a mark of a
slot that has not begun is no sighting, and one that was filled in more than an hour before its slot
never becomes one.

Source: our reading of the day-time duties in "Keeping children safe in education" and "Working
together to improve school attendance"; no statute defines "missing during the day".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import Session
from mis_bridge.registers.codes import (
    CODES,
    NOT_TAKEN,
    ON_SITE_BYTES,
    UNAUTHORISED_BYTES,
    to_byte,
)
from mis_bridge.registers.day_sheet import EventKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mis_bridge.registers.day_sheet import DayEvent, Entry, Slot
    from mis_bridge.triggers.model import PupilDay

__all__ = [
    "AHEAD",
    "BLANK",
    "ELSEWHERE",
    "MISSED",
    "NOON",
    "ON_SITE",
    "SAYS",
    "DayWalk",
    "Sighting",
    "Signal",
    "closing",
    "is_filled_in",
    "known_minute",
    "signed_out_during",
    "walk",
]

ON_SITE: Final = 1
"""Somebody saw the child in the school, or let it in."""
MISSED: Final = 2
"""Absent and nobody knows where: N, O."""
ELSEWHERE: Final = 3
"""Not expected: an activity elsewhere, a reason, a holiday (the family said where), no session."""
BLANK: Final = 4
"""The register was not taken."""

_G: Final = to_byte("G")
_L: Final = to_byte("L")
_U: Final = to_byte("U")

NOON: Final = 12 * 60
"""Where the afternoon begins on a day sheet that has no session at all."""

AHEAD: Final = 60
"""Minutes before its slot at which a register can have been taken; what is older was filled in.

Our choice, and a generous one: clocks differ, and a mark of summer time may be an hour early.
"""


def _says() -> bytes:
    table = bytearray(256)
    for code in CODES:
        if code.byte in ON_SITE_BYTES:
            table[code.byte] = ON_SITE
        elif code.byte in UNAUTHORISED_BYTES and code.byte != _G:
            table[code.byte] = MISSED
        elif code.byte != NOT_TAKEN:
            table[code.byte] = ELSEWHERE
    table[NOT_TAKEN] = BLANK
    return bytes(table)


SAYS: Final = _says()
"""What each mark says of where the child is; 0 for a slot without a session."""

_NOT_BACK: Final = float("inf")

Order = tuple[int, int]
"""A place in the day: (minute, index of the slot); index -1 for what has a minute and no slot."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """Positive evidence that the child was in the school.

    Args:
        order: its place in the day.
        known: minute at which it was saved, not before the start of its slot; the start where
            nobody knows.
        slot: the register's slot, None for a sign-in.
    """

    order: Order
    known: int
    slot: Slot | None


@dataclass(frozen=True, slots=True)
class Signal:
    """A taken register that says absent of a child who was expected.

    Args:
        order: its place in the day.
        known: minute from which it counts: when it was saved, not before its slot begins; the
            morning register, which may be amended until then, not before it closes.
        slot: the register's slot.
        entry: the mark.
    """

    order: Order
    known: int
    slot: Slot
    entry: Entry


@dataclass(frozen=True, slots=True)
class DayWalk:
    """One pupil's day, understood.

    Args:
        pupil: the day that was walked.
        minute: at which it was walked, minutes after local midnight of the day.
        sightings: in order of their place in the day.
        signals: of slots where the pupil was expected, in order of their place in the day.
        blanks: slots without a register where the pupil is expected, in order.
        events: sign-ins, sign-outs and messages up to the minute.
        afternoon: minute from which a lesson belongs to the afternoon session.
        elsewhere: half day (True: the afternoon) -> the session and its mark that says where the
            pupil is.
        sign_outs: spans (from, until) in which the pupil was signed out, in order.
        ahead: starts of slots that have not begun and are marked present already.
    """

    pupil: PupilDay
    minute: int
    sightings: tuple[Sighting, ...]
    signals: tuple[Signal, ...]
    blanks: tuple[tuple[Slot, Entry], ...]
    events: tuple[DayEvent, ...]
    afternoon: int
    elsewhere: Mapping[bool, tuple[Slot, Entry]]
    sign_outs: tuple[tuple[int, float], ...]
    ahead: tuple[int, ...]

    @property
    def signed_out(self) -> bool:
        """Whether the pupil left with permission and was not seen since."""
        return bool(self.sign_outs) and self.sign_outs[-1][1] == _NOT_BACK

    @property
    def missing(self) -> list[Signal]:
        """Signals after the last sighting: nobody has seen the child since.

        None of a pupil who is signed out: that says where it is, also where it was before.
        """
        if not self.sightings or self.signed_out:
            return []
        last = self.sightings[-1].order
        return [signal for signal in self.signals if signal.order > last]

    @property
    def missed(self) -> list[Signal]:
        """Signals between the first and the last sighting: seen before and seen again."""
        if not self.sightings:
            return []
        first, last = self.sightings[0].order, self.sightings[-1].order
        return [signal for signal in self.signals if first < signal.order < last]

    def seen_before_known(self, signal: Signal) -> int:
        """Give the minute from which somebody could know that the child was seen before."""
        return min(sight.known for sight in self.sightings if sight.order < signal.order)

    def seen_after_known(self, signal: Signal) -> int | None:
        """Give the minute from which somebody could know that it was seen again, None if not."""
        return min(
            (sight.known for sight in self.sightings if sight.order > signal.order), default=None
        )


def closing(slot: Slot) -> int:
    """Give the minute at which a register closes, a lesson's with the lesson."""
    return slot.ends if slot.closes is None else slot.closes


def known_minute(slot: Slot, entry: Entry) -> int:
    """Give the minute at which a mark was saved; where nobody knows, when its register closes."""
    return closing(slot) if entry.recorded is None else entry.recorded


def walk(pupil: PupilDay, minute: int) -> DayWalk:
    """Understand one pupil's day as it stands at a minute.

    Marks count as they stand on the sheet; events count from their minute on, since a sign-out
    may be booked ahead.

    Args:
        pupil: the day.
        minute: minutes after local midnight of the day, 1440 and more afterwards.
    """
    entries = pupil.sheet.entries
    events = tuple(event for event in pupil.events if event.minute <= minute)
    sightings = sorted(
        (*_register_sightings(entries, minute), *_sign_ins(events)),
        key=lambda sight: (sight.order, sight.known),
    )
    sign_outs = _sign_outs(events, sightings)
    afternoon = _afternoon(entries)
    elsewhere = _elsewhere(entries, afternoon, seen=bool(sightings))
    signals: list[Signal] = []
    blanks: list[tuple[Slot, Entry]] = []
    for index, (slot, entry) in enumerate(entries):
        says = SAYS[entry.code]
        if says not in (MISSED, BLANK) or (slot.starts >= afternoon) in elsewhere:
            continue
        if signed_out_during(slot, sign_outs) or _was_in_another(slot, sightings):
            continue
        if says == BLANK:
            blanks.append((slot, entry))
        elif entry.settled:
            known = max(known_minute(slot, entry), slot.starts)
            if slot.is_session and slot.starts < afternoon:
                known = max(known, slot.closes or slot.starts)
            signals.append(Signal((slot.starts, index), known, slot, entry))
    return DayWalk(
        pupil,
        minute,
        tuple(sightings),
        tuple(signals),
        tuple(blanks),
        events,
        afternoon,
        elsewhere,
        sign_outs,
        ahead=tuple(
            slot.starts
            for slot, entry in entries
            if SAYS[entry.code] == ON_SITE
            and slot.starts > minute
            and not is_filled_in(slot, entry)
        ),
    )


def signed_out_during(slot: Slot, sign_outs: Iterable[tuple[int, float]]) -> bool:
    """Whether one of these spans touches the slot."""
    return any(since < slot.ends and slot.starts < until for since, until in sign_outs)


def is_filled_in(slot: Slot, entry: Entry) -> bool:
    """Whether a mark was saved so long before its slot that nobody can have looked."""
    return entry.recorded is not None and entry.recorded < slot.starts - AHEAD


def _elsewhere(
    entries: Iterable[tuple[Slot, Entry]], afternoon: int, *, seen: bool
) -> dict[bool, tuple[Slot, Entry]]:
    """Give the half days whose session says where the pupil is.

    After G, a holiday, nobody expects a pupil for the rest of the day either, unless it was seen.
    """
    found: dict[bool, tuple[Slot, Entry]] = {}
    for slot, entry in entries:
        if slot.is_session and SAYS[entry.code] == ELSEWHERE:
            found[slot.starts >= afternoon] = (slot, entry)
            if entry.code == _G and not seen:
                found.setdefault(True, (slot, entry))
    return found


def _was_in_another(slot: Slot, sightings: Iterable[Sighting]) -> bool:
    """Whether another lesson, which began during this one, saw the pupil: presence wins."""
    return not slot.is_session and any(
        sight.slot is not None
        and not sight.slot.is_session
        and slot.starts <= sight.slot.starts < slot.ends
        for sight in sightings
    )


def _register_sightings(entries: Sequence[tuple[Slot, Entry]], minute: int) -> Iterator[Sighting]:
    begun = [
        (slot, entry, (slot.starts, index))
        for index, (slot, entry) in enumerate(entries)
        if SAYS[entry.code] == ON_SITE
        and entry.settled
        and slot.starts <= minute
        and not is_filled_in(slot, entry)
    ]
    for slot, entry, order in begun:
        known = slot.starts if entry.recorded is None else max(slot.starts, entry.recorded)
        if slot.is_session and entry.code in (_L, _U):
            lessons = (lesson.starts for lesson, _, _ in begun if not lesson.is_session)
            order = (_arrival(slot, entry, lessons), -1)  # noqa: PLW2901 - its place, refined
        yield Sighting(order, known, slot)


def _sign_ins(events: Iterable[DayEvent]) -> Iterator[Sighting]:
    for event in events:
        if event.kind == EventKind.SIGN_IN:
            yield Sighting((event.minute, -1), event.minute, None)


def _afternoon(entries: Iterable[tuple[Slot, Entry]]) -> int:
    """Give the start of the afternoon session; without one the end of the morning's, or noon."""
    begins = NOON
    for slot, _ in entries:
        if slot.name == Session.PM and slot.is_session:
            return slot.starts
        if slot.name == Session.AM and slot.is_session:
            begins = max(slot.ends, NOON)
    return begins


def _arrival(slot: Slot, entry: Entry, lessons: Iterable[int]) -> int:
    """Give the minute at which a child marked L or U came in, as far as the marks tell.

    L is an arrival before the register closes, U one between that and the end of the session,
    however late the office wrote it down. Who was seen in a lesson had arrived by then: a mark that
    is corrected afterwards says nothing of where the child is now.

    Args:
        slot: the session.
        entry: its mark.
        lessons: starts of the lessons in which the child was seen.
    """
    closes = closing(slot)
    latest = closes if entry.code == _L else slot.ends
    if entry.recorded is not None:
        latest = min(latest, max(slot.starts, entry.recorded))
    seen = min((starts for starts in lessons if slot.starts <= starts < slot.ends), default=latest)
    return min(latest, max(seen, closes) if entry.code == _U else seen)


def _sign_outs(
    events: Iterable[DayEvent], sightings: Sequence[Sighting]
) -> tuple[tuple[int, float], ...]:
    """Give the spans (from, until) in which the pupil was signed out.

    A later sign-in ends a span, and so does any later sighting: a child who is seen in a lesson
    has come back, whether or not somebody signed it in.
    """
    spans: list[tuple[int, float]] = []
    for event in events:
        if event.kind == EventKind.SIGN_OUT:
            back = (sight.order[0] for sight in sightings if sight.order[0] > event.minute)
            spans.append((event.minute, min(back, default=_NOT_BACK)))
    return tuple(sorted(spans))
