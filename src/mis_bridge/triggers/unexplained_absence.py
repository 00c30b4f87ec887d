"""The register is closed, the pupil is not in, and nobody knows why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mis_bridge.registers.calendar import Session
from mis_bridge.registers.codes import to_code
from mis_bridge.registers.day_sheet import EventKind
from mis_bridge.triggers.day_walk import BLANK, SAYS, closing
from mis_bridge.triggers.evidence import clock, day_evidence, listed, saved
from mis_bridge.triggers.model import Audience, Finding, Kind, Severity, TriggerInfo
from mis_bridge.triggers.parameters import ENABLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mis_bridge.triggers.day_look import DayLook
    from mis_bridge.triggers.day_walk import DayWalk, Signal

__all__ = ["INFO", "evaluate", "signals", "told_from"]

INFO: Final = TriggerInfo(
    id="unexplained_absence",
    title="Unexplained absence",
    meaning="The session's register was taken and is closed, the mark is N or O, nobody has seen "
    "the pupil that day and no message says why. Where no session of the day has a mark yet, two "
    "lessons that were taken stand in for it.",
    source="'Working together to improve school attendance' (contact on the first day of an "
    "absence without a reason); regulation 10 of SI 2024/208 (meaning of N and O). That two "
    "lessons stand in for a session is our choice: one alone may be a child who is on the way.",
    kind=Kind.DAY,
    audience=(Audience.ATTENDANCE, Audience.DSL),
    severity=Severity.HIGH,
    parameters=(ENABLED,),
    never_for="Not before the register closes, and not for a pupil who was seen that day (U "
    "included), who is signed out, or about whom a message came in.",
)

LESSONS_NEEDED: Final = 2
"""Lessons that stand in for a session without a mark."""


def signals(walk: DayWalk) -> tuple[Signal, ...]:
    """Give the registers that say of a pupil whom nobody has seen that it did not come.

    The sessions; or all lessons of a day on which no session has a mark (the register was not
    taken, or the MIS keeps registers of lessons only), from the second one on.
    """
    if walk.sightings or any(event.kind == EventKind.MESSAGE for event in walk.events):
        return ()
    sessions = tuple(signal for signal in walk.signals if signal.slot.is_session)
    if sessions or any(
        slot.is_session and SAYS[entry.code] not in (0, BLANK)
        for slot, entry in walk.pupil.sheet.entries
    ):
        return sessions
    return walk.signals if len(walk.signals) >= LESSONS_NEEDED else ()


def told_from(absent: Sequence[Signal], signal: Signal) -> int:
    """Give the minute from which one of the signals of a pupil is told.

    A session's when its register has closed; a lesson's when another one says the same.
    """
    if signal.slot.is_session:
        return max(signal.known, closing(signal.slot))
    return sorted(one.known for one in absent)[LESSONS_NEEDED - 1]


def evaluate(walk: DayWalk, look: DayLook) -> Iterator[tuple[Finding, bool]]:
    """Give a finding for each session without explanation, and whether its register is odd.

    One for all lessons that stand in for a session, odd only where each of their registers is.
    """
    absent = signals(walk)
    if not absent:
        return
    if not absent[0].slot.is_session:
        yield from _by_lessons(walk, absent, look)
        return
    for signal in absent:
        fired = told_from(absent, signal)
        if look.waited(fired):
            closes = clock(closing(signal.slot))
            code = to_code(signal.entry.code)
            finding = _finding(
                walk,
                look,
                (signal.slot.name, fired),
                f"Marked {code} in the {signal.slot.name} register, which closed at {closes}; "
                "nobody has seen the pupil today and no reason or message is recorded.",
                {"code": code, "register_closed": closes},
            )
            yield finding, look.doubts(walk.pupil, signal, seen=False)


def _by_lessons(
    walk: DayWalk, absent: Sequence[Signal], look: DayLook
) -> Iterator[tuple[Finding, bool]]:
    by_time = sorted(absent, key=lambda signal: (signal.known, signal.order))
    fired = told_from(absent, by_time[0])
    if not look.due(fired):
        return
    taken = [signal for signal in by_time if look.due(signal.known)]
    session = Session.PM if taken[0].slot.starts >= walk.afternoon else Session.AM
    lessons = listed([saved(signal) for signal in sorted(taken, key=lambda one: one.order)])
    finding = _finding(
        walk,
        look,
        (session, fired),
        f"Marked absent in {len(taken)} lessons, {lessons}; nobody has seen the pupil today, no "
        "session has a mark, and no reason or message is recorded.",
        {"lessons": len(taken)},
    )
    yield finding, all(look.doubts(walk.pupil, signal, seen=False) for signal in taken)


def _finding(
    walk: DayWalk,
    look: DayLook,
    true_from: tuple[str, int],
    sentence: str,
    facts: dict[str, int | str],
) -> Finding:
    slot, fired = true_from
    at = look.time(fired)
    return Finding(
        trigger=INFO.id,
        pupil=walk.pupil.pupil,
        day=look.day,
        slot=slot,
        level=1,
        fired_at=at,
        raised_at=at,
        evidence=day_evidence(walk),
        sentence=sentence,
        facts=facts,
    )
