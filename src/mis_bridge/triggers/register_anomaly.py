"""A register in which (nearly) everybody is marked absent: odd, and not thirty missing children.

A wrong group opened, a trip that nobody entered, a fire drill. Two questions are asked of each
register: whether nearly all who were seen before it are absent from it, and whether nearly all who
are on it never came. The office is asked about the register; what it would have said of each pupil
is held back meanwhile, but never hidden:

- The DSL is told of the anomaly itself (level 2) when it was not resolved in time, and at once if
  a pupil is among the absent who is acted on at once.
- A pupil whom any other register misses too is let through at once: only findings that rest on
  nothing but the odd register are held.
- As soon as the marks are corrected so far that the register is no longer odd, those still absent
  are let through.
- ``release_minutes`` lets all of them through some time after the anomaly was raised.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mis_bridge.triggers import missing_during_day, unexplained_absence
from mis_bridge.triggers.day_look import Group, group_of
from mis_bridge.triggers.day_walk import ON_SITE, SAYS, walk
from mis_bridge.triggers.evidence import clock
from mis_bridge.triggers.model import (
    Audience,
    Evidence,
    Finding,
    Kind,
    Parameter,
    Severity,
    TriggerInfo,
)
from mis_bridge.triggers.parameters import ENABLED, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mis_bridge.triggers.day_look import DayLook
    from mis_bridge.triggers.day_walk import DayWalk, Signal
    from mis_bridge.triggers.model import PupilDay

__all__ = ["INFO", "Anomaly", "evaluate", "fewest_absent", "find"]

INFO: Final = TriggerInfo(
    id="register_anomaly",
    title="Odd register",
    meaning="Nearly a whole group is marked absent in one register: of those who were seen earlier "
    "today, or of all who are on it. The office is asked whether the register is right; the "
    "individual findings that rest on it alone are held meanwhile.",
    source="Our choice: a register marked absent for (nearly) a whole class is a wrong group, a "
    "trip or a fire drill far more often than as many missing children.",
    kind=Kind.DAY,
    audience=(Audience.OFFICE,),
    severity=Severity.HIGH,
    parameters=(
        ENABLED,
        Parameter(
            "minimum_pupils",
            default=8,
            unit="pupils",
            meaning="Smaller groups are never an anomaly.",
            minimum=2,
        ),
        Parameter(
            "share",
            default=80.0,
            unit="per cent",
            meaning="So many of the pupils who are expected on the register are absent.",
            minimum=50,
        ),
        Parameter(
            "raise_minutes",
            default=15,
            unit="minutes",
            meaning="The DSL is told when the register was not put right for so long.",
            minimum=0,
        ),
        Parameter(
            "release_minutes",
            default=0,
            unit="minutes",
            meaning="So long after the DSL was told the individual findings are let through, "
            "0: only when another register misses the pupil too or the register changes.",
            minimum=0,
        ),
    ),
    never_for="Not for groups that are not known (neither a register id nor a form), and not for "
    "a register in which most pupils have no mark.",
    raised_audience=(Audience.DSL,),
)


Suspect = tuple[Group, bool]
"""A register, and whether it is looked at for the pupils who were seen before it."""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One odd register.

    Args:
        group: slot name, and register id or form.
        seen: whether its pupils were seen before it; False: nobody has seen the absent all day.
        fired: minute at which it is told.
        raised: minute at which the DSL is told, None while that is not due.
        absent, taken, expected: numbers of such pupils: marked absent, marked at all, on the
            register.
        last_saved: minute at which the last absence was saved.
        holds: whether individual findings are (still) held for it.
    """

    group: Group
    seen: bool
    fired: int
    raised: int | None
    absent: int
    taken: int
    expected: int
    last_saved: int
    holds: bool


def fewest_absent(parameters: Mapping[str, Any]) -> int:
    """Give how many absences a register needs at least to be an anomaly."""
    return _share(parameters, int(parameters["minimum_pupils"]))


def find(walks: Iterable[DayWalk], pupils: Sequence[PupilDay], look: DayLook) -> list[Anomaly]:
    """Give the odd registers of the day, in order of slot and group.

    Args:
        walks: of the pupils with a signal.
        pupils: everybody, to see how large the groups are.
        look: the look at the day.
    """
    parameters = look.settings[INFO.id]
    if not parameters["enabled"]:
        return []
    members: dict[Suspect, list[tuple[DayWalk, Signal]]] = {}
    for walked in walks:
        seen = bool(walked.sightings)
        absent = (*walked.missed, *walked.missing) if seen else unexplained_absence.signals(walked)
        for signal in absent:
            group = group_of(walked.pupil, signal.slot, signal.entry)
            if group is not None and look.due(signal.known):
                members.setdefault((group, seen), []).append((walked, signal))
    fewest = fewest_absent(parameters)
    suspects = {suspect for suspect, absent in members.items() if len(absent) >= fewest}
    if not suspects:
        return []
    sizes = _sizes(suspects, pupils, look)
    found = (_anomaly(one, members[one], sizes[one], look) for one in sorted(suspects))
    return [anomaly for anomaly in found if anomaly is not None]


def evaluate(anomalies: Iterable[Anomaly], look: DayLook) -> list[Finding]:
    """Give one finding a register."""
    return [_finding(anomaly, look) for anomaly in anomalies]


def _sizes(
    suspects: set[Suspect], pupils: Sequence[PupilDay], look: DayLook
) -> dict[Suspect, tuple[int, int]]:
    """Count, for each suspect, the marks of the pupils expected there, and these pupils.

    Where it is about pupils who were seen before, those who were not do not count.
    """
    expected: Counter[Suspect] = Counter()
    taken: Counter[Suspect] = Counter()
    slots = {name for (name, _), _ in suspects}
    for pupil in pupils:
        walked: DayWalk | None = None
        for index, (slot, entry) in enumerate(pupil.sheet.entries):
            group = group_of(pupil, slot, entry) if slot.name in slots else None
            asked = [seen for seen in (False, True) if group and (group, seen) in suspects]
            if group is None or not asked:
                continue
            walked = walked or walk(pupil, look.minute)
            order = (slot.starts, index)
            before = bool(walked.sightings) and walked.sightings[0].order < order
            says = SAYS[entry.code]
            is_taken = says == ON_SITE or any(signal.order == order for signal in walked.signals)
            if not is_taken and not any(blank is slot for blank, _ in walked.blanks):
                continue
            for seen in asked:
                if before or not seen:
                    expected[group, seen] += 1
                    taken[group, seen] += is_taken
    return {suspect: (taken[suspect], expected[suspect]) for suspect in suspects}


def _anomaly(
    suspect: Suspect,
    members: Sequence[tuple[DayWalk, Signal]],
    sizes: tuple[int, int],
    look: DayLook,
) -> Anomaly | None:
    """Give the anomaly that a register is, None where it is none or none yet."""
    parameters = look.settings[INFO.id]
    taken, expected = sizes
    enough = max(fewest_absent(parameters), _share(parameters, expected))
    if expected < parameters["minimum_pupils"] or len(members) < enough:
        return None
    group, seen = suspect
    saved = sorted(signal.known for _, signal in members)
    # Told with the first pupil that it holds back: until then it has nothing to explain.
    first = min(_would_tell(walked, signal, look.settings) for walked, signal in members)
    fired = max(saved[enough - 1], first)
    if not look.due(fired):
        return None
    raised: int | None = None
    if any(missing_during_day.is_immediate(walked.pupil, look.settings) for walked, _ in members):
        raised = fired
    else:
        by = fired + parameters["raise_minutes"]
        found = (walked.seen_after_known(signal) for walked, signal in members)
        if any(minute is None or minute > by for minute in found) and look.due(by):
            raised = by
    release = parameters["release_minutes"]
    holds = not (release and raised is not None and look.due(raised + release))
    return Anomaly(
        group=group,
        seen=seen,
        fired=fired,
        raised=raised,
        absent=len(members),
        taken=taken,
        expected=expected,
        last_saved=saved[-1],
        holds=holds,
    )


def _would_tell(walked: DayWalk, signal: Signal, settings: Mapping[str, Mapping[str, Any]]) -> int:
    """Give the minute at which the pupil would have been told of: never came, missing, truant."""
    if not walked.sightings:
        return unexplained_absence.told_from(unexplained_absence.signals(walked), signal)
    acts = missing_during_day.acts_at(signal, walked.pupil, settings)
    again = walked.seen_after_known(signal)
    return acts if again is None else min(acts, max(signal.known, again))


def _share(parameters: Mapping[str, Any], pupils: int) -> int:
    parts, of = ratio(parameters["share"])
    return -(-parts * pupils // of)


def _finding(anomaly: Anomaly, look: DayLook) -> Finding:
    slot, register = anomaly.group
    fired = look.time(anomaly.fired)
    raised = fired if anomaly.raised is None else look.time(anomaly.raised)
    absent, taken = anomaly.absent, anomaly.taken
    if anomaly.seen:
        whose, who = "pupils who were seen earlier", "pupils who were in school earlier"
    else:
        whose, who = "pupils whom nobody has seen today", "pupils"
    return Finding(
        trigger=INFO.id,
        pupil="",
        day=look.day,
        slot=slot,
        level=1 if anomaly.raised is None else 2,
        fired_at=fired,
        raised_at=raised,
        evidence=(
            Evidence(
                look.time(anomaly.last_saved),
                slot,
                f"{absent} of {taken} marks say absent, of {whose}",
            ),
        ),
        sentence=f"{absent} of {taken} {who} are marked absent in {slot} (the last saved "
        f"{clock(anomaly.last_saved)}). Is it the right group, a trip, a drill? "
        + (
            f"Alerts about these {absent} that rest on this register alone are held until it is "
            "put right."
            if anomaly.holds
            else "It was not put right in time: they are told of one by one now."
        ),
        facts={
            "register": register,
            "absent": absent,
            "taken": taken,
            "expected": anomaly.expected,
        },
        episode=register,
    )
