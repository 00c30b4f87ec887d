"""What a scenario has to bring about, and how what was seen compares with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mis_bridge.messages.wording import wording_of
from mis_bridge.triggers.years import OF_YEARS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BACKGROUND", "Expected", "Seen", "Truth", "Verdict", "clock_time"]

BACKGROUND = frozenset(trigger.INFO.id for trigger in OF_YEARS) - {"ten_day_absence"}
"""Triggers about a whole year: true of ordinary pupils too, and not part of a day's truth."""


def _matter(trigger: str, slot: str) -> str:
    title = wording_of(trigger).title
    return f"{title} ({slot})" if slot else title


def clock_time(minute: int) -> str:
    """Write a minute after midnight as ``10:12``."""
    return f"{minute // 60:02}:{minute % 60:02}"


@dataclass(frozen=True, slots=True)
class Expected:
    """One finding that has to come.

    Args:
        scenario: id of the scenario; empty for the ordinary pupils of the day.
        trigger: id of the trigger.
        pupil: the MIS's id; empty where it is about a register or the feed.
        earliest, latest: minutes of the day between which it has to be raised.
        slot: ``P2``, or empty where any will do.
        level: level that it has to reach.
        level_by: minute by which it has to have reached that level, None with ``latest``.
        audience: those who have to be told, at least.
        ends: it has to be over by the end of the day: found, explained or corrected.
    """

    scenario: str
    trigger: str
    pupil: str
    earliest: int
    latest: int
    slot: str = ""
    level: int = 1
    level_by: int | None = None
    audience: frozenset[str] = frozenset()
    ends: bool = False

    def __str__(self) -> str:
        """Write it for the table of the demonstration, in the words of the messages."""
        level = f", level {self.level} by {clock_time(self.level_by)}" if self.level_by else ""
        over = ", and over by the end" if self.ends else ""
        span = f"{clock_time(self.earliest)} to {clock_time(self.latest)}"
        return f"{_matter(self.trigger, self.slot)}, {span}{level}{over}"


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that the daemon raised.

    Args:
        trigger: id of the trigger.
        pupil: the MIS's id, empty where it is about a register or the feed.
        minute: minute of the day at which it was raised.
        slot: session or lesson, or empty.
        level: the highest it reached.
        level_minute: when it reached that level.
        audience: who was told, by a message that a peer took.
        ended: it is over.
        reference: of the incident.
    """

    trigger: str
    pupil: str
    minute: int
    slot: str = ""
    level: int = 1
    level_minute: int | None = None
    audience: frozenset[str] = frozenset()
    ended: bool = False
    reference: str = ""

    def __str__(self) -> str:
        """Write it for the table of the demonstration, in the words of the messages."""
        level = f", level {self.level}" if self.level > 1 else ""
        at = f" at {clock_time(self.level_minute)}" if level and self.level_minute else ""
        over = ", and over" if self.ended else ""
        return f"{_matter(self.trigger, self.slot)}, {clock_time(self.minute)}{level}{at}{over}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one scenario came out.

    Args:
        scenario: id, empty for the ordinary pupils.
        expected, seen: for the table.
        problems: what is not as it has to be, empty where the truth was met.
    """

    scenario: str
    expected: tuple[str, ...]
    seen: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether everything came out as it had to."""
        return not self.problems


@dataclass(frozen=True, slots=True)
class Truth:
    """Everything that a day has to bring about, and what it must not.

    Args:
        expected: all findings that have to come.
        scenarios: pupils by scenario, the MIS's ids; the others are the ordinary ones.
        allowed: (trigger, pupil) that may come and need not: the rule leaves it open.
    """

    expected: tuple[Expected, ...]
    scenarios: Mapping[str, frozenset[str]] = field(default_factory=dict)
    allowed: frozenset[tuple[str, str]] = frozenset()

    def score(self, seen: Iterable[Seen]) -> tuple[Verdict, ...]:
        """Compare what was raised with what had to be, scenario by scenario.

        Every thing seen that nothing expected or allowed is a false alarm of the scenario whose
        pupil it is about, or of the ordinary pupils.
        """
        findings = [one for one in seen if one.trigger not in BACKGROUND]
        owner = {pupil: name for name, pupils in self.scenarios.items() for pupil in pupils}
        verdicts = []
        for name in (*self.scenarios, ""):
            wanted = [one for one in self.expected if one.scenario == name]
            named = {(one.trigger, one.pupil) for one in wanted}
            mine = [
                one
                for one in findings
                if (one.trigger, one.pupil) in named
                or (self._owner(one, owner) == name and not self._expected_elsewhere(one, name))
            ]
            verdicts.append(self._verdict(name, wanted, mine))
        return tuple(verdicts)

    def _expected_elsewhere(self, one: Seen, name: str) -> bool:
        return any(
            (other.trigger, other.pupil) == (one.trigger, one.pupil) and other.scenario != name
            for other in self.expected
        )

    @staticmethod
    def _owner(one: Seen, owner: Mapping[str, str]) -> str:
        return owner.get(one.pupil, "")

    def _verdict(self, name: str, wanted: list[Expected], mine: list[Seen]) -> Verdict:
        problems: list[str] = []
        left = list(mine)
        for expected in wanted:
            found = next((one for one in left if _same(expected, one)), None)
            if found is None:
                problems.append(f"not raised: {expected}")
                continue
            left.remove(found)
            problems.extend(_differences(expected, found))
        problems.extend(
            f"false alarm: {one}" for one in left if (one.trigger, one.pupil) not in self.allowed
        )
        return Verdict(
            name, tuple(map(str, wanted)), tuple(str(one) for one in mine), tuple(problems)
        )


def _same(expected: Expected, seen: Seen) -> bool:
    return (
        expected.trigger == seen.trigger
        and expected.pupil == seen.pupil
        and (not expected.slot or not seen.slot or expected.slot == seen.slot)
    )


def _differences(expected: Expected, seen: Seen) -> Iterable[str]:
    if not expected.earliest <= seen.minute <= expected.latest:
        yield f"raised at {clock_time(seen.minute)}: {expected}"
    if seen.level < expected.level:
        yield f"stayed at level {seen.level}: {expected}"
    late = expected.level_by is not None and (seen.level_minute or seen.minute) > expected.level_by
    if expected.level > 1 and late:
        yield f"level {seen.level} came too late: {expected}"
    if not expected.audience <= seen.audience:
        missing = ", ".join(sorted(expected.audience - seen.audience))
        yield f"not told: {missing}: {expected}"
    if expected.ends and not seen.ended:
        yield f"still open: {expected}"
