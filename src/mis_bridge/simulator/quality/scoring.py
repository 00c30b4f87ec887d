"""Count: how many alerts were right, how much of what was due was noticed, and how soon."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from mis_bridge.simulator.quality.due import due_of, unseen
from mis_bridge.simulator.quality.on_record import OnRecord

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.simulator.quality.day_truth import DayTruth
    from mis_bridge.simulator.quality.due import Due
    from mis_bridge.simulator.quality.watch import Alert

__all__ = [
    "ALL_ABOUT_A_CHILD",
    "AT_ONCE",
    "CHILD",
    "SECOND",
    "Row",
    "Score",
    "Tally",
    "percentile",
]

CHILD: Final = ("missing_during_day", "unexplained_absence", "internal_truancy")
"""The triggers of the day about one child: those whose levels are summed up."""

ALL_ABOUT_A_CHILD: Final = "all about a child"
AT_ONCE: Final = "at once"
SECOND: Final = "at a second register"


@dataclass(slots=True)
class Tally:
    """What came of one trigger at one level.

    Args:
        right, wrong: alerts.
        due: what had to be noticed.
        met: how much of it was.
        minutes: from the save of the last mark that shows it to the alert, of what was met.
        days: likewise in school days, of what is judged once a day.
        unscored: alerts of a trigger whose truth the simulator does not know.
        warranted, unwarranted: alerts about a child of the day, by what was on record.
    """

    right: int = 0
    wrong: int = 0
    due: int = 0
    met: int = 0
    minutes: list[int] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    unscored: int = 0
    warranted: int = 0
    unwarranted: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally of the same kind."""
        self.right += other.right
        self.wrong += other.wrong
        self.due += other.due
        self.met += other.met
        self.minutes += other.minutes
        self.days += other.days
        self.unscored += other.unscored
        self.warranted += other.warranted
        self.unwarranted += other.unwarranted


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result.

    Args:
        trigger: id, or ``all about a child``.
        level: 1 or 2.
        alerts: that people were told of.
        precision: share of them that was right, None without alerts or where the simulator does
            not know the truth of the trigger.
        on_record: share of them that a careful person would have raised who saw everything that
            was written down at that minute; None where it is not about a child of the day.
        due: what had to be noticed.
        recall: share of it that was, None where nothing was due.
        median, p95: time from the mark's save to the alert, None where nothing was met.
        unit: ``min``, or ``days`` of school for what is judged once a day.
    """

    trigger: str
    level: int
    alerts: int
    precision: float | None
    on_record: float | None
    due: int
    recall: float | None
    median: float | None
    p95: float | None
    unit: str


@dataclass(slots=True)
class Score:
    """What came of all days.

    Args:
        tallies: by trigger and level.
        wrong: reasons of wrong alerts about a child, by level.
        unseen: children who went missing and whom no register showed for long enough.
        raised: alerts at level 2 by how they came there (a child who is told of at once, without
            the grace, or one whom a second register missed), whether they were right, and whether
            they were warranted by what was on record.
        waits: minutes from the save to the alert at level 2 of what was due, by how it came there.
        missed: what was due and not noticed, for the reader: (school, day, due).
    """

    tallies: dict[tuple[str, int], Tally] = field(default_factory=dict)
    wrong: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    unseen: int = 0
    raised: Counter[tuple[str, bool, bool]] = field(default_factory=Counter)
    waits: dict[str, list[int]] = field(default_factory=lambda: {AT_ONCE: [], SECOND: []})
    missed: list[str] = field(default_factory=list)

    def of(self, trigger: str, level: int) -> Tally:
        """Give the tally of a trigger and level."""
        return self.tallies.setdefault((trigger, level), Tally())

    def add_day(self, truth: DayTruth, alerts: Iterable[Alert]) -> None:
        """Score what was told on one day."""
        told, due, record = list(alerts), due_of(truth), OnRecord(truth)
        self.unseen += unseen(truth, due)
        for alert in told:
            for level, minute in alert.at.items():
                self._judge(truth, record, alert, level, minute)
        for one in due:
            self._score(one, told, f"{truth.school.id} {truth.lived.day}")

    def _judge(
        self, truth: DayTruth, record: OnRecord, alert: Alert, level: int, minute: int
    ) -> None:
        """Count an alert as right or wrong, and one about a child by what was on record too."""
        tally, is_right = self.of(alert.trigger, level), truth.is_right(alert, minute)
        tally.right += is_right
        tally.wrong += not is_right
        if alert.trigger not in CHILD:
            return
        is_warranted = record.is_warranted(alert, level, minute)
        tally.warranted += is_warranted
        tally.unwarranted += not is_warranted
        if level > 1:
            self.raised[_how(alert), is_right, is_warranted] += 1
        if not is_right:
            self.wrong[alert.trigger, level, truth.why_wrong(alert, minute)] += 1

    def _score(self, due: Due, alerts: Iterable[Alert], where: str) -> None:
        tally = self.of(due.trigger, due.level)
        tally.due += 1
        told = [(at, _how(alert)) for alert in alerts if (at := due.met_by(alert)) is not None]
        if not told:
            self.missed.append(f"{where}: {due}")
            return
        at, how = min(told)
        minutes = max(0, at - due.since)
        tally.met += 1
        tally.minutes.append(minutes)
        if due.level > 1 and due.trigger in CHILD:
            self.waits[how].append(minutes)

    def rows(self, order: Iterable[str]) -> list[Row]:
        """Give a row a trigger and level in the order of the triggers, then the sums by level."""
        place = {trigger: number for number, trigger in enumerate(order)}
        keys = sorted(self.tallies, key=lambda key: (place.get(key[0], len(place)), key))
        rows = [_row(trigger, level, self.tallies[trigger, level]) for trigger, level in keys]
        rows = [row for row in rows if row.alerts or row.due]
        for level in (1, 2):
            total = Tally()
            for trigger in CHILD:
                if (trigger, level) in self.tallies:
                    total.add(self.tallies[trigger, level])
            rows.append(_row(ALL_ABOUT_A_CHILD, level, total))
        return rows


def _how(alert: Alert) -> str:
    """Say how an alert came to level 2, if it did."""
    return SECOND if len(alert.at) > 1 else AT_ONCE


def percentile(times: Iterable[int], share: float) -> int | None:
    """Give the time that so large a share of them does not exceed, None for no times."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def _row(trigger: str, level: int, tally: Tally) -> Row:
    judged = tally.right + tally.wrong
    looked_up = tally.warranted + tally.unwarranted
    times = tally.minutes or tally.days
    return Row(
        trigger=trigger,
        level=level,
        alerts=judged + tally.unscored,
        precision=tally.right / judged if judged else None,
        on_record=tally.warranted / looked_up if looked_up else None,
        due=tally.due,
        recall=tally.met / tally.due if tally.due else None,
        median=median(times) if times else None,
        p95=percentile(times, 0.95),
        unit="days" if tally.days else "min",
    )
