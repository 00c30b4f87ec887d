"""Simulate schools for some weeks and score what would have been told."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mis_bridge.errors import OperatorError
from mis_bridge.simulator.quality.day_truth import DayTruth
from mis_bridge.simulator.quality.evenings import Evenings
from mis_bridge.simulator.quality.living import live
from mis_bridge.simulator.quality.rates import Life, Noise
from mis_bridge.simulator.quality.schools import build_schools
from mis_bridge.simulator.quality.scoring import Score
from mis_bridge.simulator.quality.watch import DAY_ENDS, DAY_STARTS, watch
from mis_bridge.simulator.quality.watch_years import YearWatch
from mis_bridge.simulator.quality.written import write
from mis_bridge.simulator.quality.years import draw_year
from mis_bridge.triggers.catalogue import TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from mis_bridge.simulator.quality.schools import School
    from mis_bridge.simulator.quality.scoring import Row
    from mis_bridge.simulator.quality.years import SchoolYear

__all__ = ["Simulation", "draw", "simulate", "window_of"]

_EARLIEST, _LATEST = 30, 150
"""School days of the year between which the lived days lie: before them is a history to judge years
by, after them Year 11 goes on study leave."""


@dataclass(slots=True)
class Simulation:
    """What was simulated and what came of it.

    Args:
        schools: with their years.
        days: that were lived.
        score: of the alerts.
        pupils: on the rolls.
    """

    schools: list[tuple[School, SchoolYear]] = field(default_factory=list)
    days: list[date] = field(default_factory=list)
    score: Score = field(default_factory=Score)
    pupils: int = 0

    def rows(self) -> list[Row]:
        """Give the score, in the order in which people read of the triggers."""
        return self.score.rows(TRIGGERS)


def window_of(days: int, seed: int) -> range:
    """Give the numbers of the school days that are lived.

    Raises:
        OperatorError: so many do not lie within one school year.
    """
    most = _LATEST - _EARLIEST
    if not 1 <= days <= most:
        raise OperatorError(f"{days} school days can not be simulated: 1 to {most}")
    rng = random.Random(f"quality window {seed}")  # noqa: S311 - a simulation
    first = rng.randrange(_EARLIEST, _LATEST - days + 1)
    return range(first, first + days)


def draw(
    schools: int, days: int, seed: int, *, life: Life | None = None, size: float = 1.0
) -> Simulation:
    """Draw schools and their years of absence, and live none of the days.

    Args and errors as ``simulate``.
    """
    window, life = window_of(days, seed), life or Life()
    simulation = Simulation()
    for school in build_schools(schools, seed, size):
        year = draw_year(school, seed, window, holiday_told=life.holiday_told)
        simulation.schools.append((school, year))
        simulation.pupils += len(school.pupils)
        simulation.days = [school.days[number] for number in window]
    return simulation


def simulate(
    schools: int,
    days: int,
    seed: int,
    *,
    noise: Noise | None = None,
    life: Life | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    size: float = 1.0,
) -> Simulation:
    """Simulate schools for some school days.

    Args:
        schools: how many.
        days: school days in a row, the same for all.
        seed: equal arguments give an equal answer.
        noise: how often people err.
        life: how often things happen.
        settings: trigger id -> what is set.
        size: of the schools, so many times the published average.

    Raises:
        OperatorError: so many days do not lie within one school year.
    """
    noise, life, settings = noise or Noise(), life or Life(), settings or {}
    simulation, window = draw(schools, days, seed, life=life, size=size), window_of(days, seed)
    for school, year in simulation.schools:
        evenings = Evenings(school, year, window.start)
        years = YearWatch(school, evenings, settings, window.start)
        years.look(window.start - 1)
        for number in window:
            # Each day draws from a source of its own, so that noise of one changes no other.
            rng = random.Random(f"quality day {seed} {school.number} {number}")  # noqa: S311
            lived = live(school, number, year, life, rng)
            erring = random.Random(f"quality noise {seed} {school.number} {number}")  # noqa: S311
            written = write(school, lived, life, noise, erring)
            outage = _outage(noise, erring)
            alerts = watch(school, lived, written, outage, settings)
            simulation.score.add_day(DayTruth(school, lived, written, outage), alerts)
            evenings.add(lived, written)
            years.look(number)
        years.score(simulation.score)
    return simulation


_SHORTEST_OUTAGE, _LONGEST_OUTAGE = 20, 46


def _outage(noise: Noise, rng: random.Random) -> tuple[int, int] | None:
    """Draw when the MIS can not be read that day."""
    if rng.random() >= noise.outage:
        return None
    first = rng.randrange(DAY_STARTS + 20, DAY_ENDS - _LONGEST_OUTAGE)
    return first, first + rng.randrange(_SHORTEST_OUTAGE, _LONGEST_OUTAGE)
