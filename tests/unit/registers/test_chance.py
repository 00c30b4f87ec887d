"""How likely something is by chance, against counting every case."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import pytest

from mis_bridge.registers.chance import at_least, one_in


@pytest.mark.parametrize("hits", range(5))
def test_the_chance_is_the_share_of_all_ways_to_draw(hits: int) -> None:
    """Of 9 days 3 are Fridays and 4 are absences: every choice of days is counted."""
    days, fridays = range(9), {2, 5, 8}
    choices = list(combinations(days, 4))
    so_many = sum(len(fridays.intersection(choice)) >= hits for choice in choices)

    assert at_least(hits, 4, 3, 9) == Fraction(so_many, len(choices))


def test_what_is_certain_has_the_chance_one() -> None:
    """None or more are always among them; all days drawn hold all Fridays."""
    assert at_least(0, 6, 38, 190) == 1
    assert at_least(38, 190, 38, 190) == 1


def test_what_can_not_be_has_none() -> None:
    """More hits than days drawn, or than there are."""
    assert at_least(5, 4, 38, 190) == 0
    assert at_least(3, 4, 2, 190) == 0


@pytest.mark.parametrize(
    ("chance", "said"),
    [
        (Fraction(1, 1), 1),
        (Fraction(1, 15), 10),
        (Fraction(1, 20_500), 20_000),
        (Fraction(3, 100_000), 30_000),
    ],
)
def test_a_chance_is_said_cautiously(chance: Fraction, said: int) -> None:
    """One in so many, to one digit, never rarer than it is."""
    assert one_in(chance) == said
    assert Fraction(1, said) >= chance


@pytest.mark.parametrize("chance", [Fraction(0), Fraction(3, 2)])
def test_no_chance_is_one_in_nothing(chance: Fraction) -> None:
    """What can not be, or is more than certain, is a mistake."""
    with pytest.raises(ValueError, match="one in anything"):
        one_in(chance)
