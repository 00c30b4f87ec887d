"""Seen in school earlier today, then a register that was taken says absent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mis_bridge.registers.codes import to_byte
from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.triggers import newly_in_care, register_not_taken
from mis_bridge.triggers.day_walk import is_filled_in
from mis_bridge.triggers.evidence import clock, day_evidence, listed, saved
from mis_bridge.triggers.model import (
    Audience,
    Finding,
    Kind,
    Parameter,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mis_bridge.triggers.day_look import DayLook
    from mis_bridge.triggers.day_walk import DayWalk, Signal
    from mis_bridge.triggers.model import PupilDay

__all__ = ["INFO", "acts_at", "evaluate", "is_immediate"]

_O: Final = to_byte("O")

_EARLY: Final = 15
"""Minutes before a slot from which on its register may be taken; our choice."""

INFO: Final = TriggerInfo(
    id="missing_during_day",
    title="Missing during the day",
    meaning="Seen in school earlier today, then marked absent by a register that was taken, where "
    "the pupil was expected and nobody signed the pupil out.",
    source="Our choice, on 'Keeping children safe in education' (unexplainable absences are a "
    "safeguarding sign) and 'Working together to improve school attendance' (further contact "
    "if absence continues without explanation). Grace and levels are settings, no law.",
    kind=Kind.DAY,
    audience=(Audience.DSL,),
    severity=Severity.HIGH,
    parameters=(
        ENABLED,
        Parameter(
            "grace_minutes",
            default=10,
            unit="minutes",
            meaning="Wait after an absent mark was saved: teachers correct marks.",
            minimum=0,
        ),
        Parameter(
            "immediate_flags",
            default=("lac", "cp", "cin", "missing_before", "ehcp", "send_risk"),
            unit="flags",
            meaning="A pupil with one of these is at level 2 at once, without grace; so is one who "
            "is newly in care, whatever stands here.",
        ),
        Parameter(
            "young_year_group",
            default=6,
            unit="year group",
            meaning="Pupils of this year group and below are at level 2 at once, without grace; "
            "-99 for nobody.",
            minimum=-99,
        ),
    ),
    never_for="Not for a pupil whom nobody has seen that day, who is signed out, or whose session "
    "or lesson mark says where the pupil is (an activity elsewhere, a reason, a holiday); never "
    "from a register that was not taken.",
)


def is_immediate(pupil: PupilDay, settings: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the first absence of this pupil is acted on at once.

    Args:
        pupil: on the day that is looked at.
        settings: trigger id -> all of its parameters.
    """
    parameters = settings[INFO.id]
    if not pupil.flags.isdisjoint(parameters["immediate_flags"]):
        return True
    if newly_in_care.is_new(pupil.care_began, pupil.sheet.day, settings[newly_in_care.INFO.id]):
        return True
    return pupil.year_group is not None and pupil.year_group <= parameters["young_year_group"]


def acts_at(signal: Signal, pupil: PupilDay, settings: Mapping[str, Mapping[str, Any]]) -> int:
    """Give the minute at which a signal is acted on: after the grace, or at once.

    A mark that was filled in before its register could be taken always has the grace: so long
    somebody who takes it is waited for.
    """
    if is_immediate(pupil, settings) and not is_filled_in(signal.slot, signal.entry):
        return signal.known
    return signal.known + int(settings[INFO.id]["grace_minutes"])


def _second(
    walk: DayWalk, acting: Sequence[Signal], trusted: Sequence[Signal], acts: int
) -> Signal | None:
    """Give the register that says independently what one before it said, None for none.

    An odd register raises nothing, although what it said counts once another says the same. What
    was written into a slot long before it began is no register, but the office's entry or the
    second half of a double lesson: nobody had looked. And after the family said why, another
    teacher who was not told says nothing new.

    Args:
        walk: the day.
        acting: signals that are acted on, in the order in which they were saved.
        trusted: those of them whose register is not odd.
        acts: minute at which people are told at level 1.
    """
    taken = [
        signal
        for signal in acting
        if signal.entry.recorded is None or signal.entry.recorded > signal.slot.starts - _EARLY
    ]
    again = next((signal for signal in taken[1:] if signal in trusted), None)
    return None if again is None or _is_answered(walk, taken, acts) else again


def _is_answered(walk: DayWalk, taken: Sequence[Signal], acts: int) -> bool:
    """Whether the family said why before anybody was told, and the office wrote O for it.

    The message came in after the pupil was last seen. Either a register before it was wrong, or
    the family knows more than the school. What comes in later may be the answer to our own alert,
    and is for a person to judge.
    """
    seen = max(sight.known for sight in walk.sightings)
    coded = {
        slot.starts >= walk.afternoon
        for slot, entry in walk.pupil.sheet.entries
        if slot.is_session and entry.code == _O
    }
    return coded.issuperset(signal.slot.starts >= walk.afternoon for signal in taken) and any(
        event.kind == EventKind.MESSAGE and seen < event.minute <= acts for event in walk.events
    )


def evaluate(walk: DayWalk, look: DayLook) -> tuple[Finding | None, bool]:
    """Give the finding, and whether it rests on nothing but registers that are anomalies.

    Level 1 at the first signal's grace, level 2 at that of a second register, or at once for a
    pupil who is acted on at once. The finding's slot is the one whose signal was saved first: it
    stays the same when an earlier lesson's register is saved late.
    """
    signals = sorted(walk.missing, key=lambda signal: (signal.known, signal.order))
    if not signals:
        return None, False
    pupil, settings = walk.pupil, look.settings
    immediate = is_immediate(pupil, settings)
    acting = [signal for signal in signals if look.waited(acts_at(signal, pupil, settings))]
    if not acting:
        return None, False
    trusted = [signal for signal in acting if not look.doubts(pupil, signal, seen=True)]
    first = (trusted or acting)[0]
    # Saved late, the mark that shows the child was in school may be what completes the picture.
    fired = min(
        look.minute,
        max(acts_at(first, pupil, settings), walk.seen_before_known(first)),
    )
    again = _second(walk, acting, trusted, acts_at(first, pupil, settings))
    level, raised = 1, fired
    if immediate:
        level = 2
    elif again is not None:
        level, raised = 2, max(fired, acts_at(again, pupil, settings))
    grace = acts_at(first, pupil, settings) - first.known
    finding = Finding(
        trigger=INFO.id,
        pupil=pupil.pupil,
        day=look.day,
        slot=acting[0].slot.name,
        level=level,
        fired_at=look.time(fired),
        raised_at=look.time(raised),
        evidence=day_evidence(walk),
        sentence=_sentence(walk, acting, grace),
        facts={
            "last_seen": _last_seen(walk)[0],
            "missed": len(acting),
            "grace_minutes": grace,
        },
        uncertain=_uncertain(walk, look),
        newest_at=look.time(max(signal.known for signal in acting)),
    )
    return finding, not trusted


def _last_seen(walk: DayWalk) -> tuple[str, str]:
    """Give the slot and the words for the last time that somebody saw the pupil."""
    sight = walk.sightings[-1]
    if sight.slot is None:
        return "", f"Signed in at {clock(sight.order[0])}"
    return sight.slot.name, f"Seen in school in {sight.slot.name} ({clock(sight.known)})"


def _sentence(walk: DayWalk, signals: Sequence[Signal], grace: int) -> str:
    registers = "the register" if len(signals) == 1 else "the registers"
    missed = listed([saved(signal) for signal in sorted(signals, key=lambda one: one.order)])
    waited = f"not corrected within {grace} minutes" if grace else "acted on at once, without grace"
    return (
        f"{_last_seen(walk)[1]}, then marked absent in {registers} of {missed}, {waited}; no "
        "sign-out or reason is recorded."
    )


def _uncertain(walk: DayWalk, look: DayLook) -> str:
    """Say which registers since the pupil was last seen could still show the pupil."""
    last = walk.sightings[-1].order[0]
    blank = [slot.name for slot, _ in register_not_taken.overdue(walk, look) if slot.starts >= last]
    if not blank:
        return ""
    noun = "register has" if len(blank) == 1 else "registers have"
    return f"The {noun} not been taken for {listed(blank)}: the pupil may have been there."
