"""Count: how many alerts were right, how much of what was due was noticed, and how soon."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Final

from mis_bridge.simulator.quality.due import due_of, unseen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mis_bridge.simulator.quality.day_truth import DayTruth
    from mis_bridge.simulator.quality.due import Due
    from mis_bridge.simulator.quality.watch import Alert

__all__ = ["ALL_ABOUT_A_CHILD", "AT_ONCE", "CHILD", "SECOND", "Row", "Score", "Tally"]

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
    """

    right: int = 0
    wrong: int = 0
    due: int = 0
    met: int = 0
    minutes: list[int] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    unscored: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally of the same kind."""
        self.right += other.right
        self.wrong += other.wrong
        self.due += other.due
        self.met += other.met
        self.minutes += other.minutes
        self.days += other.days
        self.unscored += other.unscored


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result.

    Args:
        trigger: id, or ``all about a child``.
        level: 1 or 2.
        alerts: that people were told of.
        precision: share of them that was right, None without alerts or where the simulator does
            not know the truth of the trigger.
        due: what had to be noticed.
        recall: share of it that was, None where nothing was due.
        median, p95: time from the mark's save to the alert, None where nothing was met.
        unit: ``min``, or ``days`` of school for what is judged once a day.
    """

    trigger: str
    level: int
    alerts: int
    precision: float | None
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
        raised: alerts at level 2, right and wrong, by whether they began there: a child who is told
            of at once, without the grace, or one whom a second register missed.
        missed: what was due and not noticed, for the reader: (school, day, due).
    """

    tallies: dict[tuple[str, int], Tally] = field(default_factory=dict)
    wrong: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    unseen: int = 0
    raised: Counter[tuple[str, bool]] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)

    def of(self, trigger: str, level: int) -> Tally:
        """Give the tally of a trigger and level."""
        return self.tallies.setdefault((trigger, level), Tally())

    def add_day(self, truth: DayTruth, alerts: Iterable[Alert]) -> None:
        """Score what was told on one day."""
        told, due = list(alerts), due_of(truth)
        self.unseen += unseen(truth, due)
        for alert in told:
            for level, minute in alert.at.items():
                tally = self.of(alert.trigger, level)
                is_right = truth.is_right(alert, minute)
                if level > 1 and alert.trigger in CHILD:
                    self.raised[SECOND if len(alert.at) > 1 else AT_ONCE, is_right] += 1
                if is_right:
                    tally.right += 1
                else:
                    tally.wrong += 1
                    if alert.trigger in CHILD:
                        self.wrong[alert.trigger, level, truth.why_wrong(alert, minute)] += 1
        for one in due:
            self._score(one, told, f"{truth.school.id} {truth.lived.day}")

    def _score(self, due: Due, alerts: Iterable[Alert], where: str) -> None:
        tally = self.of(due.trigger, due.level)
        tally.due += 1
        times = [at for alert in alerts if (at := due.met_by(alert)) is not None]
        if times:
            tally.met += 1
            tally.minutes.append(max(0, min(times) - due.since))
        else:
            self.missed.append(f"{where}: {due}")

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


def _row(trigger: str, level: int, tally: Tally) -> Row:
    judged = tally.right + tally.wrong
    times = sorted(tally.minutes or tally.days)
    return Row(
        trigger=trigger,
        level=level,
        alerts=judged + tally.unscored,
        precision=tally.right / judged if judged else None,
        due=tally.due,
        recall=tally.met / tally.due if tally.due else None,
        median=median(times) if times else None,
        p95=times[min(len(times) - 1, int(0.95 * len(times)))] if times else None,
        unit="days" if tally.days else "min",
    )
