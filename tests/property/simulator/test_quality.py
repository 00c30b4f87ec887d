"""What holds of every simulation, whatever its seed."""

from __future__ import annotations

import random
from dataclasses import asdict

from hypothesis import given, settings
from hypothesis import strategies as st

from mis_bridge.simulator.quality.living import live
from mis_bridge.simulator.quality.rates import Life, Noise
from mis_bridge.simulator.quality.run import draw, simulate, window_of
from mis_bridge.simulator.quality.scoring import CHILD
from mis_bridge.simulator.quality.watch import watch
from mis_bridge.simulator.quality.written import write

SEEDS = st.integers(0, 10_000)
FEW = settings(max_examples=2, deadline=None)


@FEW
@given(SEEDS)
def test_the_same_seed_gives_the_same_answer(seed: int) -> None:
    """Two runs agree in every figure."""
    first, again = (simulate(2, 2, seed, size=0.1) for _ in range(2))

    assert list(map(asdict, first.rows())) == list(map(asdict, again.rows()))
    assert first.score.wrong == again.score.wrong


@FEW
@given(SEEDS)
def test_where_nobody_errs_every_alert_is_right_and_nothing_is_missed(seed: int) -> None:
    """With truants, late comers, trips and drills, but right registers: precision and recall 1."""
    simulation = simulate(3, 2, seed, noise=Noise().scaled(0), size=0.12)

    assert simulation.score.missed == []
    for row in simulation.rows():
        if row.trigger in CHILD:
            assert row.precision in {None, 1.0}, row
            assert row.recall in {None, 1.0}, row


@FEW
@given(SEEDS)
def test_leaving_out_those_who_are_plainly_present_changes_no_alert(seed: int) -> None:
    """With three times the usual mistakes, so that odd and late registers are among them."""
    window = window_of(1, seed)
    noise = Noise(**{**asdict(Noise().scaled(3)), "outage": 0.0})
    for school, year in draw(3, 1, seed, size=0.12).schools:
        for number in window:
            rng = random.Random(seed + number)  # noqa: S311 - a simulation
            lived = live(school, number, year, Life(), rng)
            written = write(school, lived, Life(), noise, rng)

            assert watch(school, lived, written, None, {}) == watch(
                school, lived, written, None, {}, everybody=True
            )
