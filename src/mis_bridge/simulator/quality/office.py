"""The mistakes of the office, the desk and other teachers: written late, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.simulator.quality.lived import NEVER, Known

if TYPE_CHECKING:
    import random

    from mis_bridge.simulator.quality.lived import LivedDay, OfficeEntry
    from mis_bridge.simulator.quality.rates import Noise

__all__ = ["make_office_mistakes"]

_LONGEST_DELAY: Final = 90


def make_office_mistakes(lived: LivedDay, noise: Noise, rng: random.Random) -> None:
    """Delay or leave out some of what is known of the pupils of a day.

    What is entered for a whole group (a trip, an exam) is one entry, in time or not for all.
    """
    done: set[int] = set()
    for pupil in sorted(lived.entries):
        for entry in lived.entries[pupil]:
            if id(entry) in done:
                continue
            done.add(id(entry))
            if entry.kind is Known.DESK:
                _at_desk(lived, pupil, entry, noise, rng)
            else:
                _enter(entry, noise, rng)
            if entry.kind is Known.MESSAGE:
                # A message is heard and its code entered in one go.
                for event in lived.desk.get(pupil, ()):
                    if event.kind == EventKind.MESSAGE:
                        event.written = max(event.written, entry.entered)


def _enter(entry: OfficeEntry, noise: Noise, rng: random.Random) -> None:
    draw = rng.random()
    if entry.kind is Known.MESSAGE and entry.entered:
        if draw < noise.message_entered_late:
            entry.entered += rng.randrange(10, 61)
    elif entry.kind is Known.STAFF:
        if draw < noise.known_unrecorded:
            entry.entered = NEVER
        elif draw < noise.known_unrecorded + noise.known_recorded_late:
            entry.entered = max(entry.entered, entry.first) + rng.randrange(5, 26)
    elif entry.kind is Known.TRIP:
        if draw < noise.trip_entered_late:
            entry.entered = 9 * 60 + 5 + rng.randrange(30, _LONGEST_DELAY)
    elif entry.kind is Known.EXAM and draw < noise.exam_not_entered:
        entry.entered = entry.first + rng.randrange(30, 61)


def _at_desk(
    lived: LivedDay, pupil: int, entry: OfficeEntry, noise: Noise, rng: random.Random
) -> None:
    """Write a sign-out late or never: the event at the desk and the code with it."""
    draw = rng.random()
    if draw < noise.sign_out_never:
        delay = NEVER
    elif draw < noise.sign_out_never + noise.sign_out_late:
        delay = rng.randrange(5, 31)
    else:
        return
    entry.entered = min(NEVER, entry.entered + delay)
    for event in lived.desk.get(pupil, ()):
        if event.kind == EventKind.SIGN_OUT and event.minute == entry.first:
            event.written = min(NEVER, event.written + delay)
