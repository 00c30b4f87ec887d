"""What a case of the conformance kit is, how it can go, and which grade the cases add up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from mis_bridge.adapters.kit.bench import Bench

__all__ = ["Case", "Outcome", "Report", "Result", "Tier", "grade_of"]


class Tier(StrEnum):
    """How far an adapter can be trusted; each tier asks for all cases of those before it."""

    BRONZE = "bronze"
    """It reads what its fixtures hold, and is quiet about people and secrets."""

    SILVER = "silver"
    """It stays true while the MIS fails, pages move, marks change and the process dies."""

    GOLD = "gold"
    """It tells what it does not know, is gentle with the MIS, and all that it declares is so."""


class Result(StrEnum):
    """How a case went."""

    HOLDS = "holds"
    FAILS = "fails"
    EXEMPT = "exempt"
    """It does not hold, and the manifest says in writing why it can not."""

    WRONGLY_EXEMPT = "wrongly exempt"
    """The manifest exempts it, and it holds or does not apply."""

    DOES_NOT_APPLY = "does not apply"
    """The MIS, as the manifest describes it, has nothing that the case is about."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that every adapter must do.

    Args:
        id: stable; the key of ``[exempt]`` in a manifest.
        tier: the grade that needs it.
        sentence: what must hold.
        check: tries it; raises ``Failed`` or ``DoesNotApply``.
    """

    id: str
    tier: Tier
    sentence: str
    check: Callable[[Bench], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one case went with one adapter.

    Args:
        detail: what is wrong, why it is exempt, or what there is not; empty where it holds.
    """

    case: Case
    result: Result
    detail: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it stands in the way of no grade."""
        return self.result not in {Result.FAILS, Result.WRONGLY_EXEMPT}


@dataclass(frozen=True, slots=True)
class Report:
    """How all cases went with one adapter.

    Args:
        outcomes: in the order of the cases.
        recorded: the grade that the manifest records, or None.
        problem: why no case could be tried, or empty.
    """

    outcomes: Sequence[Outcome] = ()
    recorded: Tier | None = None
    problem: str = ""

    @property
    def grade(self) -> Tier | None:
        """The grade that the cases add up to, or None below bronze."""
        return None if self.problem else grade_of(self.outcomes)

    @property
    def is_as_recorded(self) -> bool:
        """Whether the manifest records the grade that was found."""
        return self.recorded is self.grade


def grade_of(outcomes: Sequence[Outcome]) -> Tier | None:
    """Work out the highest tier of which, and of all before which, every case is met."""
    reached = None
    for tier in Tier:
        own = [outcome for outcome in outcomes if outcome.case.tier is tier]
        if not own or not all(outcome.is_met for outcome in own):
            break
        reached = tier
    return reached
