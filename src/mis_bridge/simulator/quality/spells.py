"""Who is absent when, and why: a year of absence for each pupil, by the published shares.

A pupil's share of missed sessions is drawn from a lognormal distribution around the published
average of the phase; how far it spreads decides how many are persistently absent. Within it the
reasons have their published shares, with unauthorised absence and suspensions heavier among those
who miss much. Absences come in spells: a reason, a first session, a length.

The lengths of spells are our own assumption; nothing public gives them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Final

from mis_bridge.simulator.quality.england import published

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

__all__ = ["AbsenceModel", "Spell", "model_of"]

HALF_DAY: Final = frozenset({"M"})
"""Reasons that take one session."""

AFTERNOONS: Final = frozenset({"C2"})
"""Reasons that take the afternoons only, of so many days."""

_MEANS: Final[dict[str, tuple[float, float]]] = {
    # Mean days of a spell of a pupil who misses nothing else, and how it grows with the share that
    # a pupil misses: who misses half of the year misses it in long stretches.
    "I": (1.7, 4.0),
    "M": (0.5, 0.0),
    "R": (1.0, 0.0),
    "T": (5.0, 0.0),
    "E": (2.2, 0.0),
    "C": (1.3, 2.0),
    "C2": (15.0, 0.0),
    "G": (5.0, 0.0),
    "O": (1.4, 9.0),
}
_TILTS: Final[dict[str, float]] = {"O": 0.7, "E": 0.5, "C2": 0.5, "C": 0.2, "G": -0.4, "M": -0.3}
_FOLDED: Final[dict[str, str]] = {"S": "C", "H": "C", "C1": "C", "J1": "C", "N": "O"}
"""Rare reasons, and N, which is what an absence is before it becomes something else."""

_SPREADS: Final[dict[str, float]] = {"primary": 0.9, "secondary": 1.3, "special": 1.2}
"""Fitted so that the published share of pupils is persistently absent."""

_MOST: Final = 0.95
_LATEST: Final = 4.0
_QUANTILES: Final = 400
_ROUNDS: Final = 60


@dataclass(frozen=True, slots=True)
class Spell:
    """One absence.

    Args:
        code: of the true reason.
        first, stop: session numbers, from the first one of the school year; the first is in.
        afternoons: only the afternoons of them.
    """

    code: str
    first: int
    stop: int
    afternoons: bool = False

    def covers(self, session: int) -> bool:
        """Say whether the pupil is away in a session."""
        return self.first <= session < self.stop and (not self.afternoons or session % 2 == 1)


@dataclass(frozen=True, slots=True)
class AbsenceModel:
    """How absence is spread in one phase.

    Args:
        base: share of the possible sessions that spells take, all pupils together.
        scale: of the drawn shares, so that those who reach the most leave the average as it is.
        spread: standard deviation of the logarithm.
        weights: by reason, before the tilt.
        lateness: what makes the average propensity to be late 1.
    """

    base: float
    scale: float
    spread: float
    weights: Mapping[str, float]
    lateness: float = 1.0

    def share(self, rng: random.Random) -> float:
        """Draw the share of the sessions that a pupil misses."""
        return self._share(rng.gauss(0.0, 1.0))

    def _share(self, z: float) -> float:
        frailty = math.exp(self.spread * z - self.spread * self.spread / 2)
        return min(_MOST, self.scale * self.base * frailty)

    def propensity(self, share: float) -> float:
        """Give how much more often than others a pupil comes late, who misses such a share.

        Who misses more is late more, up to four times; on average over the mornings on which pupils
        come it is 1.
        """
        return min(_LATEST, share / self.base) / self.lateness

    def reasons(self, share: float) -> dict[str, float]:
        """Give what part of a pupil's missed sessions each reason has."""
        parts = {
            code: weight * share ** _TILTS.get(code, 0.0) for code, weight in self.weights.items()
        }
        total = sum(parts.values())
        return {code: part / total for code, part in parts.items()}

    def spells(self, rng: random.Random, share: float, sessions: int) -> list[Spell]:
        """Draw a pupil's year.

        Args:
            rng: drawn from.
            share: of the sessions that the pupil misses.
            sessions: of the year.
        """
        reasons = self.reasons(share)
        lengths = {code: _mean_days(code, share) for code in reasons}
        missing = {code: lengths[code] * (1 if code in AFTERNOONS else 2) for code in reasons}
        often = {code: part / missing[code] for code, part in reasons.items()}
        total = sum(often.values())
        codes = tuple(often)
        chances = [often[code] / total for code in codes]
        missed = sum(p * missing[code] for p, code in zip(chances, codes, strict=True))
        spanned = sum(p * 2 * lengths[code] for p, code in zip(chances, codes, strict=True))
        # Whole days begin in the morning, which adds half a session to every gap.
        gap = max(0.25, missed / share - spanned - 0.5)
        found: list[Spell] = []
        at = rng.expovariate(1 / gap)
        while at < sessions:
            code = rng.choices(codes, chances)[0]
            spell = _spell(rng, code, int(at), lengths[code], sessions)
            found.append(spell)
            at = spell.stop + rng.expovariate(1 / gap)
        return found


@cache
def model_of(phase: str) -> AbsenceModel:
    """Fit the model of a phase to its published shares."""
    figures = published(phase)
    shares: dict[str, float] = dict.fromkeys(_MEANS, 0.0)
    for code, share in figures.codes.items():
        if code != "U":
            shares[_FOLDED.get(code, code)] += share
    base, spread = sum(shares.values()), _SPREADS[phase]
    normal = NormalDist()
    zs = [normal.inv_cdf((place + 0.5) / _QUANTILES) for place in range(_QUANTILES)]
    model = AbsenceModel(base, 1.0, spread, shares)
    for _ in range(_ROUNDS):
        drawn = [model._share(z) for z in zs]  # noqa: SLF001 - its own
        got = dict.fromkeys(shares, 0.0)
        for share in drawn:
            for code, part in model.reasons(share).items():
                got[code] += share * part / _QUANTILES
        average = sum(drawn) / _QUANTILES
        model = AbsenceModel(
            base,
            model.scale * base / average,
            spread,
            {code: model.weights[code] * shares[code] / got[code] for code in shares if got[code]},
        )
    drawn = [model._share(z) for z in zs]  # noqa: SLF001 - its own
    late = sum(min(_LATEST, share / base) * (1 - share) for share in drawn) / _QUANTILES
    return replace(model, lateness=late)


def _mean_days(code: str, share: float) -> float:
    days, growth = _MEANS[code]
    return days * (1 + growth * share)


def _spell(rng: random.Random, code: str, at: int, mean: float, sessions: int) -> Spell:
    if code in HALF_DAY:
        return Spell(code, at, at + 1)
    first = at + at % 2
    days = 1 if mean <= 1 else 1 + int(math.log(1 - rng.random()) / math.log(1 - 1 / mean))
    return Spell(code, first, min(sessions, first + 2 * days), code in AFTERNOONS)
