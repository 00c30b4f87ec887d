"""How likely it is that something lies so unevenly by chance alone, exactly."""

from __future__ import annotations

from fractions import Fraction
from math import comb

__all__ = ["at_least", "one_in"]


def at_least(hits: int, drawn: int, marked: int, of: int) -> Fraction:
    """Give the chance that of some things drawn from many at least so many are marked.

    The upper tail of the hypergeometric distribution: of ``of`` school days ``marked`` are Fridays;
    ``drawn`` of all these days are absences; how likely are ``hits`` or more Fridays among them, if
    every choice of days is as likely as any other?

    Args:
        hits: marked ones among those drawn.
        drawn: how many are drawn, at most ``of``.
        marked: how many are marked, at most ``of``.
        of: how many there are.
    """
    ways = sum(
        comb(marked, n) * comb(of - marked, drawn - n)
        for n in range(max(hits, 0), min(drawn, marked) + 1)
    )
    return Fraction(ways, comb(of, drawn))


def one_in(chance: Fraction) -> int:
    """Give a small chance as people say it, cautiously: one in so many, to one leading digit.

    Raises:
        ValueError: a chance of 0, or above 1.
    """
    if not 0 < chance <= 1:
        raise ValueError(f"a chance of {chance} is not one in anything")
    whole = chance.denominator // chance.numerator
    step: int = 10 ** (len(str(whole)) - 1)
    return whole // step * step
